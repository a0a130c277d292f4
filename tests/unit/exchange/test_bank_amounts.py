"""Fault 27: whatever an amount is, what leaves, what a bank reads and what comes back is the same whole number of fen."""

from __future__ import annotations

from datetime import date, datetime

from hypothesis import given
from hypothesis import strategies as st

from simulators.bank.core import Bank
from simulators.bank.messages import read_pain001
from tuodi.crypto.sm2 import KeyPair
from tuodi.exchange.bank import BatchHead, Payment, load_bank_profile, read_payments, write_payments
from tuodi.exchange.bank_files import Payer, read_answer, read_statement, write_file

AT = datetime.fromisoformat("2017-05-08T09:00:00+08:00")
NO = "420802201705000001001"
ISO, TABLE = load_bank_profile("iso20022"), load_bank_profile("generic-csv")
PAIR = KeyPair.generate()
amounts = st.lists(st.integers(1, 10**12), min_size=1, max_size=8)


def rows(fen: list[int]) -> tuple[BatchHead, list[Payment]]:
    made = [Payment(n, "欧阳", f"6217000{n:012d}", "", one, "低保金", f"k{n}") for n, one in enumerate(fen, 1)]
    return BatchHead(NO, len(made), sum(fen), "2017-05", "低保金"), made


@given(amounts)
def test_a_message_its_answer_and_its_statement_say_the_same_fen(fen: list[int]) -> None:
    head, made = rows(fen)
    data = write_file(ISO, head, made, payer=Payer("专户", "4200017000000001"), at=AT, day=date(2017, 5, 9))
    read, payments, _ = read_pain001(data)
    assert ([one.amount_fen for one in payments], read.amount_fen) == (fen, sum(fen))
    bank = Bank(profile="iso20022", pair=PAIR)
    assert bank.submit(NO, data, "")[0] == "accepted"
    answer = read_answer(ISO, bank.report(NO))
    assert ([one.amount_fen for one in answer.rows], answer.amount_fen, answer.faults) == (fen, sum(fen), [])
    statement = read_statement(ISO, bank.write_statement(bank.statement()))
    assert [one.amount_fen for one in statement.entries] == fen
    assert (statement.opening_fen or 0) - (statement.closing_fen or 0) == sum(fen)
    assert statement.faults == []


@given(amounts)
def test_a_table_says_the_same_fen(fen: list[int]) -> None:
    head, made = rows(fen)
    read, payments = read_payments(TABLE, write_payments(TABLE, head, made))
    assert ([one.amount_fen for one in payments], read.amount_fen) == (fen, sum(fen))
