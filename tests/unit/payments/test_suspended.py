"""Payment of a suspended unit: held, told apart, caught between calculation and bank, and paid back when it is lifted."""

from __future__ import annotations

from datetime import date

import pytest
from casekit import at, hire
from django.db import DatabaseError, transaction
from paykit import LATER, Staff, balanced, family, line, pay_day, run_month

from tuodi.decisions.models import Suspension
from tuodi.decisions.suspensions import Order, lift, suspend
from tuodi.kernel.periods import Month
from tuodi.payments import actions, queries, snapshot
from tuodi.payments.errors import ChecksFailedError
from tuodi.payments.models import LedgerEntry, PayLine
from tuodi.payments.source import FRAMES, Inputs
from tuodi.people.models import RollEntry

pytestmark = pytest.mark.django_db(transaction=True)
MAY, JUNE, JULY = Month(2017, 5), Month(2017, 6), Month(2017, 7)


@pytest.fixture
def county(make_user):
    return hire(make_user, "420802", "clue_decide")


def hold(
    county, home, day: date, *, programme: str = "dibao", matter: str = "XS-1", month: Month | None = None, person=None
) -> Suspension:
    with at(county, day):
        return suspend(
            Order(home, programme, matter, "名下有车（57-14）", person=person, from_month=month), acting_user=county
        )


def release(county, row: Suspension, day: date) -> None:
    with at(county, day):
        lift(row, reason="查否", acting_user=county)


def test_a_suspended_unit_is_held_and_told_as_such(make_user, county) -> None:
    staff = Staff(make_user)
    home, other = family(), family()
    run_month(staff, MAY)
    row = hold(county, home, date(2017, 5, 20))
    june = run_month(staff, JUNE)
    got = line(staff, june, home)
    assert (got.held, got.status, got.amount_fen) == ("suspended", "held", 550_00)
    assert row.notice_no in got.held_note
    assert line(staff, june, other).held == ""
    with at(staff.check, LATER):
        tree = {one.cause: (one.households, one.amount_fen) for one in queries.difference_tree(june)}
        assert [(one.code, one.count) for one in queries.blockers(june)] == [("suspended", 1)]
    assert tree == {"clue": (1, -550_00)}
    balanced(staff, june)


def test_lifted_it_is_paid_back_once_to_the_fen(make_user, county) -> None:
    staff = Staff(make_user)
    home = family()
    run_month(staff, MAY)
    row = hold(county, home, date(2017, 5, 20))
    run_month(staff, JUNE)
    july = run_month(staff, JULY)
    release(county, row, date(2017, 7, 25))
    august = run_month(staff, Month(2017, 8))
    got = line(staff, august, home)
    assert line(staff, july, home).held == "suspended"
    assert (got.held, got.base_fen, got.back_pay_fen, got.amount_fen) == ("", 550_00, 1100_00, 1650_00)
    september = run_month(staff, Month(2017, 9))
    assert line(staff, september, home).amount_fen == 550_00
    with at(county, LATER):
        row.refresh_from_db()
        assert row.until_month == 201706
    balanced(staff, august)


def test_lifted_before_its_month_holds_nothing(make_user, county) -> None:
    staff = Staff(make_user)
    home = family()
    row = hold(county, home, date(2017, 5, 3))
    release(county, row, date(2017, 5, 20))
    june = run_month(staff, JUNE)
    assert line(staff, june, home).held == ""


def test_held_while_any_of_two_suspensions_stands(make_user, county) -> None:
    staff = Staff(make_user)
    home = family()
    first = hold(county, home, date(2017, 5, 20))
    second = hold(county, home, date(2017, 5, 21), matter="XS-2")
    run_month(staff, JUNE)
    release(county, first, date(2017, 6, 20))
    july = run_month(staff, JULY)
    assert (line(staff, july, home).held, second.notice_no in line(staff, july, home).held_note) == ("suspended", True)
    release(county, second, date(2017, 7, 20))
    august = run_month(staff, Month(2017, 8))
    assert line(staff, august, home).back_pay_fen == 1100_00


def test_taken_off_the_roll_from_the_held_month_nothing_is_paid_back(make_user, county) -> None:
    staff = Staff(make_user)
    home, keeps = family(), family()
    run_month(staff, MAY)
    row = hold(county, home, date(2017, 5, 20))
    run_month(staff, JUNE)
    with at(county, date(2017, 6, 20)):
        RollEntry.objects.filter(household=home).update(end_month=201705)
    release(county, row, date(2017, 6, 20))
    july = run_month(staff, JULY)
    with at(staff.check, LATER):
        assert not PayLine.objects.filter(run=july, household=home).exists()
        assert list(july.arrears.values_list("household", flat=True)) == []
    balanced(staff, july)
    del keeps


def test_a_held_roll_amount_is_paid_back_as_decided_since(make_user, county) -> None:
    """An imported family drew 321.00; computed by rules since (a decrease to 150.00): the held month is paid as decided."""
    from tuodi.org.access import system_scope
    from tuodi.people.facts import put_facts

    staff = Staff(make_user)
    home = family(imported=True, income=None, assets_ok=None, amount_fen=321_00)
    row = hold(county, home, date(2017, 5, 2), month=MAY)
    may = run_month(staff, MAY)
    assert (line(staff, may, home).held, line(staff, may, home).basis) == ("suspended", "roll")
    with system_scope("420802"):
        put_facts(
            home, {"household": {"area_kind": "urban", "assets_ok": True, "income_year": "12000"}}, date(2015, 1, 1)
        )
        RollEntry.objects.filter(household=home).update(imported=False)
    release(county, row, date(2017, 5, 25))
    june = run_month(staff, JUNE)
    got = line(staff, june, home)
    assert (got.base_fen, got.back_pay_fen) == (150_00, 150_00)


def test_a_run_calculated_before_is_not_approved(make_user, county) -> None:
    staff = Staff(make_user)
    home = family()
    run = run_month(staff, JUNE, upto="calculate")
    hold(county, home, date(2017, 6, 2), month=JUNE)
    with at(staff.check, date(2017, 6, 3)), pytest.raises(ChecksFailedError, match="停保未暂缓 1 行"):
        actions.check(run, acting_user=staff.check)
    with at(staff.prepare, date(2017, 6, 3)):
        run = actions.calculate(run, acting_user=staff.prepare)
    assert line(staff, run, home).held == "suspended"


def test_a_run_checked_before_is_not_approved(make_user, county) -> None:
    staff = Staff(make_user)
    home = family()
    run = run_month(staff, JUNE, upto="check")
    hold(county, home, date(2017, 6, 2), month=JUNE)
    with at(staff.approve, date(2017, 6, 3)), pytest.raises(ChecksFailedError, match="停保"):
        actions.approve(run, acting_user=staff.approve)


def withheld_june(make_user, county):
    staff = Staff(make_user)
    home, other = family(income=600), family(income=600)
    run_month(staff, MAY)
    june = run_month(staff, JUNE, upto="approve")
    row = hold(county, home, date(2017, 6, 2), month=JUNE)
    day = pay_day(JUNE)
    with at(staff.check, day):
        (batch,) = actions.make_bank_files(june, acting_user=staff.check)
    return staff, home, other, june, row, batch


def test_an_approved_line_is_withheld_before_the_bank(make_user, county) -> None:
    staff, home, other, june, row, batch = withheld_june(make_user, county)
    assert (line(staff, june, home).status, line(staff, june, other).status) == ("withheld", "sent")
    assert (batch.lines, batch.amount_fen) == (1, 550_00)
    with at(staff.check, LATER):
        entry = LedgerEntry.objects.get(run_id=june.pk, kind="withheld")
        assert sorted(entry.postings.values_list("account", "debit_fen", "credit_fen")) == [
            ("expense", 0, 550_00),
            ("payable", 550_00, 0),
        ]
        gone = PayLine.objects.get(run=june, household=home)
        for status in ("ready", "sent", "paid"):
            with pytest.raises(DatabaseError), transaction.atomic():
                PayLine.objects.filter(pk=gone.pk).update(status=status)
    balanced(staff, june)
    del row


def test_a_withheld_month_is_paid_back_when_lifted(make_user, county) -> None:
    staff, home, other, june, row, batch = withheld_june(make_user, county)
    answer_all(staff, june)
    release(county, row, date(2017, 6, 25))
    july = run_month(staff, JULY)
    got = line(staff, july, home)
    assert (got.base_fen, got.back_pay_fen, got.amount_fen) == (550_00, 550_00, 1100_00)
    assert line(staff, july, other).amount_fen == 550_00
    balanced(staff, july)
    del batch


def test_a_withheld_month_is_no_debt_after_a_stop(make_user, county) -> None:
    staff, home, other, june, row, batch = withheld_june(make_user, county)
    answer_all(staff, june)
    with at(county, date(2017, 6, 25)):
        RollEntry.objects.filter(household=home).update(end_month=201705)
    release(county, row, date(2017, 6, 25))
    july = run_month(staff, JULY)
    with at(staff.check, LATER):
        assert list(july.arrears.all()) == []
        assert not PayLine.objects.filter(run=july, household=home).exists()
    balanced(staff, july)
    del other, batch


def test_what_a_withheld_line_would_have_paid_back_is_not_lost(make_user, county) -> None:
    """May was held for want of facts; June would have paid it back, but was withheld: July pays both."""
    from tuodi.org.access import system_scope
    from tuodi.people.facts import put_facts

    staff = Staff(make_user)
    home, other = family(income=None), family()
    run_month(staff, MAY)
    with system_scope("420802"):
        put_facts(
            home, {"household": {"area_kind": "urban", "assets_ok": True, "income_year": "7200"}}, date(2015, 1, 1)
        )
    june = run_month(staff, JUNE, upto="approve")
    assert line(staff, june, home).back_pay_fen == 550_00
    row = hold(county, home, date(2017, 6, 2), month=JUNE)
    with at(staff.check, pay_day(JUNE)):
        actions.make_bank_files(june, acting_user=staff.check)
    answer_all(staff, june)
    release(county, row, date(2017, 6, 25))
    july = run_month(staff, JULY)
    assert line(staff, july, home).amount_fen == 1650_00
    balanced(staff, july)
    del other


def answer_all(staff: Staff, run) -> None:
    from simulators.bank import answer_file
    from tuodi.files.store import open_plain

    with at(staff.check, pay_day(JUNE)):
        for batch in run.batches.all():
            data = answer_file(open_plain(batch.file).read(), posted=pay_day(JUNE), failing=0.0)
            assert actions.import_return(run, acting_user=staff.check, data=data, name="回盘.csv").faults == []
        actions.settle(run, acting_user=staff.check)
    with at(staff.approve, pay_day(JUNE)):
        actions.close(run, acting_user=staff.approve)


def test_inputs_frozen_before_there_were_suspensions_still_open(make_user) -> None:
    staff = Staff(make_user)
    family()
    run = run_month(staff, MAY)
    with at(staff.check, LATER):
        run.refresh_from_db()
        frames = snapshot.load(run.inputs)
    assert set(frames) == set(FRAMES)
    del frames["suspensions"]
    assert Inputs(**frames).suspensions.height == 0
