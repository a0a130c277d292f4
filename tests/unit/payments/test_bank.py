"""Files to the bank and its answers: applied once or refused whole."""

from __future__ import annotations

from datetime import date

import pytest
from casekit import at
from django.db import IntegrityError, transaction
from paykit import LATER, Staff, balanced, family, run_month

from simulators.bank import answer_file
from tuodi.exchange.bank import load_bank_profile, read_payments, write_return
from tuodi.files.store import open_plain
from tuodi.kernel.periods import Month
from tuodi.org.access import system_scope
from tuodi.payments import actions, queries
from tuodi.payments.errors import NothingToSendError
from tuodi.payments.models import BankItem, BankReturn, LedgerEntry, LineEvent, PayLine
from tuodi.people import actions as people
from tuodi.people.secrets import open_id

pytestmark = pytest.mark.django_db(transaction=True)
MAY = Month(2017, 5)
PROFILE = load_bank_profile("generic-csv")


@pytest.fixture
def sent(make_user):
    """A run of three families that is out, with its file."""
    staff = Staff(make_user)
    homes = [family(village=f"42080200100{n}") for n in (1, 2, 3)]
    run = run_month(staff, MAY, upto="send")
    with at(staff.check, LATER):
        batch = run.batches.get()
        data = open_plain(batch.file).read()
    return staff, run, batch, data, homes


def test_a_bank_that_compares_identity_numbers_gets_those_of_the_holders(make_user) -> None:
    staff = Staff(make_user)
    home, other = family(village="420802001001"), family(village="420802001002", holder="民政服务站")
    run = run_month(staff, MAY, upto="approve")
    with at(staff.check, LATER):
        (batch,) = actions.make_bank_files(run, acting_user=staff.check, profile="generic-id")
        head, rows = read_payments(load_bank_profile("generic-id"), open_plain(batch.file).read())
        lines = dict(PayLine.objects.filter(run=run).values_list("key", "household_id"))
        wanted = {home.pk: open_id(home.head), other.pk: ""}
        assert {lines[one.key]: one.id_no for one in rows} == {
            pk: wanted[pk] for pk in {lines[one.key] for one in rows}
        }
        assert home.pk in {lines[one.key] for one in rows}
        assert (head.made, head.payer) == (LATER.isoformat(), "")
        assert PROFILE.asks("id_no") is False


def answer(data: bytes, words=("成功", "成功", "成功"), *, codes=("0", "0", "0"), change=None) -> bytes:
    head, payments = read_payments(PROFILE, data)
    rows = [(one, word, code, "", f"N{one.seq}") for one, word, code in zip(payments, words, codes, strict=False)]
    if change:
        head, rows = change(head, rows)
    return write_return(PROFILE, head, rows, posted=date(2017, 5, 8))


def take(staff, run, data: bytes) -> BankReturn:
    with at(staff.check, LATER):
        return actions.import_return(run, acting_user=staff.check, data=data, name="回盘.csv")


def replaced(n: int, **fields):
    from dataclasses import replace

    def change(head, rows):
        one, *rest = rows[n]
        rows[n] = (replace(one, **fields), *rest)
        total = sum(r[0].amount_fen for r in rows)
        return replace(head, amount_fen=total), rows

    return change


def head_with(**fields):
    from dataclasses import replace

    return lambda head, rows: (replace(head, **fields), rows)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (replaced(0, amount_fen=999_00), "金额 999.00 元"),
        (replaced(0, account="6217000000000000000"), "不是送出的账号"),
        (replaced(0, name="外人"), "户名与送出的不同"),
        (replaced(0, seq=77), "没有序号 77"),
        (replaced(0, seq=2), "序号 2 重复"),
        (head_with(no="42080220170599999"), "不是本期送出的批次"),
        (head_with(amount_fen=1), "批次行金额 0.01 元"),
        (head_with(lines=2), "批次行写 2 笔"),
        (lambda head, rows: (head, [(rows[0][0], "大概", *rows[0][2:]), *rows[1:]]), "“大概”不认识"),
    ],
)
def test_a_forged_file_is_refused_whole_and_kept(sent, change, why: str) -> None:
    staff, run, _, data, _ = sent
    got = take(staff, run, answer(data, change=change))
    assert got.state == "refused"
    assert any(why in fault for fault in got.faults), got.faults
    with at(staff.check, LATER):
        assert set(PayLine.objects.filter(run=run).values_list("status", flat=True)) == {"sent"}
        assert LedgerEntry.objects.filter(run_id=run.pk).exclude(kind__in=["grant", "send"]).count() == 0
        assert open_plain(got.file).read()
    balanced(staff, run)


def test_what_is_no_table_is_refused_too(sent) -> None:
    staff, run, *_ = sent
    assert take(staff, run, b"%PDF-1.4 nothing").state == "refused"


def test_the_same_answer_twice_is_applied_once(sent) -> None:
    staff, run, batch, data, _ = sent
    first = take(staff, run, answer(data))
    again = take(staff, run, answer(data))
    assert (first.pk, first.state, first.paid_lines) == (again.pk, "applied", 3)
    with at(staff.check, LATER):
        assert LineEvent.objects.filter(line__run=run, kind="paid").count() == 3
        assert LedgerEntry.objects.filter(run_id=run.pk, kind="paid").count() == 1
        batch.refresh_from_db()
        assert batch.state == "reconciled"
    balanced(staff, run)


def test_unknown_is_not_failed_and_may_still_arrive(sent) -> None:
    staff, run, batch, data, _ = sent
    take(staff, run, answer(data, ("处理中", "成功", "成功"), codes=("", "0", "0")))
    with at(staff.check, LATER):
        assert queries.status_totals(run)["unknown"][0] == 1
        with pytest.raises(NothingToSendError):
            actions.reissue(run, acting_user=staff.check)
        batch.refresh_from_db()
        assert batch.state == "partly_returned"
    balanced(staff, run)
    assert take(staff, run, answer(data)).paid_lines == 1  # the two others say what is known already
    balanced(staff, run)


def test_money_sent_back_after_success_goes_back_once(sent) -> None:
    staff, run, _, data, _ = sent
    take(staff, run, answer(data))
    back = answer(data, ("退票", "成功", "成功"), codes=("9", "0", "0"))
    assert take(staff, run, back).returned_lines == 1
    assert take(staff, run, back).returned_lines == 1  # the same row
    with at(staff.check, LATER):
        assert LedgerEntry.objects.filter(run_id=run.pk, kind="returned").count() == 1
        assert queries.status_totals(run)["returned"][0] == 1
    balanced(staff, run)


def test_a_failed_line_goes_out_again_only_to_a_mended_account(sent) -> None:
    staff, run, _, data, homes = sent
    take(staff, run, answer(data, ("失败", "成功", "成功"), codes=("37", "0", "0")))
    with at(staff.check, LATER), pytest.raises(NothingToSendError, match="账户还没有更正"):
        actions.reissue(run, acting_user=staff.check)
    with at(staff.check, LATER):
        failed = PayLine.objects.get(run=run, status="failed")
    home = next(one for one in homes if one.pk == failed.household_id)
    with system_scope("420802"):
        people.add_account(
            acting_user=None,
            person=home.head,
            number="6217000000000012345",
            holder=home.head.name,
            since=date(2017, 5, 9),
            bank_code="邮储",
        )
    with at(staff.check, LATER):
        (batch,) = actions.reissue(run, acting_user=staff.check)
        item = batch.items.get()
        assert (item.orig.line_id, item.account_last4, item.amount_fen) == (failed.pk, "2345", failed.amount_fen)
        assert batch.is_reissue
        with pytest.raises(IntegrityError), transaction.atomic():  # never in two files at once
            BankItem.objects.create(
                batch=batch, region=item.region, seq=2, line=failed, amount_fen=1, account_id=1, account_uid=item.account_uid,
                account_cipher=b"", account_last4="", holder="",
            )  # fmt: skip
        second = open_plain(batch.file).read()
    assert take(staff, run, answer(second, ("成功",), codes=("0",))).paid_lines == 1
    with at(staff.check, LATER):
        assert queries.status_totals(run) == {"paid": (3, 1650_00)}
        run = actions.settle(run, acting_user=staff.check)
    balanced(staff, run)


def test_the_simulated_bank_answers_the_same_way_twice(sent) -> None:
    _, _, _, data, _ = sent
    assert answer_file(data, posted=date(2017, 5, 8)) == answer_file(data, posted=date(2017, 5, 8))
