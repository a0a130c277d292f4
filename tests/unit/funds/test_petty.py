"""Petty cash of a town: paid on the spot and never again, never below zero, counted each month."""

from __future__ import annotations

import threading
from datetime import date

import pytest
from casekit import Office, at, hire
from django.db import connection
from fieldkit import jpeg
from fundkit import Treasury, clean
from paykit import Staff, balanced, family, run_month
from reliefkit import completed, confirmed, relieved

from tuodi.decisions.models import GrantStage
from tuodi.decisions.relief_states import Cause
from tuodi.funds import petty as reads
from tuodi.funds.actions import petty
from tuodi.funds.errors import FundInputError, PaidAlreadyError, PettyLimitError, PettyShortError
from tuodi.funds.models import PettySpend
from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.org.access import scope
from tuodi.payments import actions as payments
from tuodi.payments.errors import ChecksFailedError
from tuodi.payments.models import Arrear, PayLine
from tuodi.people.models import RollEntry

pytestmark = pytest.mark.django_db(transaction=True)
TOWN, VILLAGE = "420802001", "420802001001"
SEPTEMBER = Month.parse("2017-09")
DAY = date(2017, 8, 14)


@pytest.fixture
def office(make_user):
    return Office(VILLAGE, make_user)


@pytest.fixture
def cashier(make_user):
    return hire(make_user, TOWN, "petty_cash")


@pytest.fixture
def treasury(make_user):
    return Treasury(make_user)


def pay(box, cashier, row, *, on=DAY, **more):
    with at(cashier, on):
        return petty.pay_grant(
            box, acting_user=cashier, determination=more.pop("grant", row.determination), receiver="本人",
            receipt=jpeg(), **more,
        )  # fmt: skip


def test_e41_what_does_not_reach_is_refused_and_topping_up_helps(office, cashier, treasury) -> None:
    box = treasury.float(TOWN, 20_000)
    rows = [relieved(office, family(), yuan * 100, on=DAY) for yuan in (3000, 5000, 13_000)]
    with at(cashier, DAY):
        asked = [
            sum(GrantStage.objects.filter(determination=row.determination).values_list("amount_fen", flat=True))
            for row in rows
        ]
    assert pay(box, cashier, rows[0]).balance_fen == 20_000_00 - asked[0]
    assert pay(box, cashier, rows[1]).balance_fen == 20_000_00 - asked[0] - asked[1]
    if asked[2] <= 20_000_00 - asked[0] - asked[1]:  # the region's own ceiling cut the third: draw the box down first
        with at(treasury.keep, DAY):
            petty.give_back(box, acting_user=treasury.keep, amount_fen=20_000_00 - sum(asked) + 1, reason="多余")
    with at(cashier, DAY):
        there = reads.balance(box)
    with pytest.raises(PettyShortError, match="请先申请补足"):
        pay(box, cashier, rows[2])
    with at(cashier, DAY):
        assert reads.balance(box) == there
        assert GrantStage.objects.filter(
            determination=rows[2].determination, ended_at__isnull=True, in_cash=False
        ).exists()
    treasury.do("appropriation", 20_000, programme="temporary", doc_no="补足", on=DAY)
    treasury.do("advance", 20_000, programme="temporary", town=TOWN, on=DAY)
    assert pay(box, cashier, rows[2]).balance_fen == there + 20_000_00 - asked[2]
    clean()


def test_paid_in_cash_it_is_in_no_run_and_counts_for_the_year(make_user, office, cashier, treasury) -> None:
    staff = Staff(make_user)
    box = treasury.float(TOWN, 5000)
    treasury.do("appropriation", 50_000)
    treasury.do("appropriation", 1000, programme="temporary", doc_no="发放用")
    home = family()
    row = relieved(office, home, 800_00, on=DAY)
    spend = pay(box, cashier, row)
    assert pay(box, cashier, row).pk == spend.pk  # pressed twice
    with at(cashier, DAY):
        assert not RollEntry.objects.filter(household=home, programme="temporary").exists()
        assert not reads.payable(box).exists()
    completed(office, home, row, DAY)
    confirmed(row, office.county_confirm, date(2017, 8, 16))
    second = relieved(office, home, 500_00, cause=Cause.TRAFFIC, on=date(2017, 8, 17))  # another cause, by the run
    run_month(staff, SEPTEMBER.prev())
    run = run_month(staff, SEPTEMBER)
    with at(staff.check, SEPTEMBER.last_day):
        (paid,) = PayLine.objects.filter(run=run, programme="temporary")
        assert paid.amount_fen == second.determination.amount_fen == 500_00
    october = run_month(staff, SEPTEMBER.next())
    with at(staff.check, SEPTEMBER.next().last_day):
        assert not PayLine.objects.filter(run=october, programme="temporary").exists()
        assert not Arrear.objects.filter(programme="temporary").exists()
    balanced(staff, run)
    clean()


def test_what_an_approved_run_holds_is_not_paid_in_cash_and_the_other_way_round(
    make_user, office, cashier, treasury
) -> None:
    staff = Staff(make_user)
    box = treasury.float(TOWN, 5000)
    treasury.do("appropriation", 50_000)
    treasury.do("appropriation", 1000, programme="temporary", doc_no="发放用")
    first, late = relieved(office, family(), 800_00, on=DAY), relieved(office, family(), 700_00, on=DAY)
    run_month(staff, SEPTEMBER.prev())
    run = run_month(staff, SEPTEMBER, upto="check")
    pay(box, cashier, late, on=date(2017, 9, 2))
    with at(staff.approve, date(2017, 9, 2)), pytest.raises(ChecksFailedError, match="备用金支付 1 行"):
        payments.approve(run, acting_user=staff.approve)
    with at(staff.prepare, date(2017, 9, 2)):
        payments.calculate(run, acting_user=staff.prepare)
    with at(staff.check, date(2017, 9, 2)):
        payments.check(run, acting_user=staff.check)
    with at(staff.approve, date(2017, 9, 2)):
        payments.approve(run, acting_user=staff.approve)
        assert list(PayLine.objects.filter(run=run, programme="temporary").values_list("amount_fen", flat=True)) == [
            800_00
        ]
    with pytest.raises(PaidAlreadyError, match=run.no):
        pay(box, cashier, first, on=date(2017, 9, 3))
    with at(cashier, date(2017, 9, 3)):
        assert reads.balance(box) == 5000_00 - 700_00
        assert RollEntry.objects.filter(programme="temporary").count() == 1
    clean()


def test_limits_hands_and_receipts(make_user, office, cashier, treasury) -> None:
    box = treasury.float(TOWN, 5000, limit=500)
    row = relieved(office, family(), 800_00, on=DAY)
    with pytest.raises(PettyLimitError, match=r"500\.00 元，本件 800\.00 元"):
        pay(box, cashier, row)
    with at(treasury.keep, DAY):
        petty.open_float(acting_user=treasury.keep, town=TOWN, limit_fen=800_00)
        box.refresh_from_db()
    with at(cashier, DAY), pytest.raises(FundInputError, match="收据照片"):
        petty.pay_grant(box, acting_user=cashier, determination=row.determination, receiver="本人", receipt=b"")
    assert pay(box, cashier, row).amount_fen == 800_00


def test_twenty_at_once_never_go_below_zero(office, cashier, treasury) -> None:
    box = treasury.float(TOWN, 1500)
    rows = [relieved(office, family(), 300_00, on=DAY) for _ in range(20)]
    gate, answers = threading.Barrier(20), []

    def click(row) -> None:
        try:
            gate.wait()
            with clock.frozen(DAY), scope(cashier):
                petty.pay_grant(
                    box, acting_user=cashier, determination=row.determination, receiver="本人", receipt=jpeg()
                )
            answers.append("paid")
        except PettyShortError:
            answers.append("short")
        finally:
            connection.close()

    threads = [threading.Thread(target=click, args=(row,)) for row in rows]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert (answers.count("paid"), answers.count("short")) == (5, 15)
    with at(cashier, DAY):
        assert reads.balance(box) == 0
        assert sorted(PettySpend.objects.values_list("balance_fen", flat=True)) == [0, 300_00, 600_00, 900_00, 1200_00]
    clean()


def test_the_month_is_counted_and_a_difference_explained(office, cashier, treasury) -> None:
    box = treasury.float(TOWN, 5000, on=date(2017, 8, 1))
    pay(box, cashier, relieved(office, family(), 800_00, on=DAY))
    with at(treasury.keep, date(2017, 8, 20)):
        petty.give_back(box, acting_user=treasury.keep, amount_fen=1000_00, reason="多余")
    august = Month(2017, 8)
    with at(cashier, date(2017, 9, 2)):
        assert [(one.day.day, one.balance) for one in reads.days(box, august)] == [
            (1, 5000_00),
            (14, 4200_00),
            (20, 3200_00),
        ]
        with pytest.raises(FundInputError, match="还没有结束"):
            petty.count_cash(box, acting_user=cashier, month=SEPTEMBER, counted_fen=0)
        with pytest.raises(FundInputError, match=r"相差 -1\.00 元"):
            petty.count_cash(box, acting_user=cashier, month=august, counted_fen=3199_00)
        made = petty.count_cash(box, acting_user=cashier, month=august, counted_fen=3199_00, note="找零有误，待查")
        assert (made.opening_fen, made.advanced_fen, made.spent_fen, made.returned_fen) == (0, 5000_00, 800_00, 1000_00)
    clean()
