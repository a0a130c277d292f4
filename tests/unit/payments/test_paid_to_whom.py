"""Whose account and whose money: a facility is paid for those it looks after; a family that moves is paid by one county a month."""

from __future__ import annotations

from datetime import date

import pytest
from casekit import Office, at, hire
from fundkit import Treasury, clean
from lifekit import on_roll, paid
from paykit import LATER, Staff, balanced, family, run_month

from tuodi.decisions.models import CareAgreement
from tuodi.kernel.periods import Month
from tuodi.monitoring import transfers
from tuodi.payments import actions
from tuodi.payments.errors import RunInputError
from tuodi.payments.models import BankItem, PayLine
from tuodi.people.models import RollEntry

pytestmark = pytest.mark.django_db(transaction=True)
HOME = "福星镇农村福利院（一）"
CARD = "6217000099990000017"
MAY, JUNE, JULY = Month(2017, 5), Month(2017, 6), Month(2017, 7)
OLD, NEW = "420802001001", "420881100001"


def cared_for(staff: Staff, name: str, facility: str, *, agreed: str | None = HOME, until: date = date(2017, 12, 31)):
    """A tekun person whose roll names an account of a facility, and who has an agreement with one (None = with none)."""
    home = family(
        names=(name,), programme="tekun", imported=True, amount_fen=800_00, area_kind="rural", account=CARD, holder=facility
    )  # fmt: skip
    with at(staff.check, date(2017, 4, 3)):
        entry = RollEntry.objects.get(household=home)
        RollEntry.objects.filter(pk=entry.pk).update(form="centralised")
        if agreed is not None:
            CareAgreement.objects.create(
                region=home.region, no=f"ZL-{home.pk}", household=home, person=home.head, form="centralised", facility=agreed,
                office=staff.check.office, services="集中供养", since=date(2017, 4, 1), until=until, signed_on=date(2017, 4, 1),
                made_by=staff.check,
            )  # fmt: skip
    return home


def test_a_facility_is_paid_into_one_account_for_those_it_has_an_agreement_for(make_user) -> None:
    staff, treasury = Staff(make_user), Treasury(make_user)
    treasury.do("appropriation", 5000, programme="tekun")
    two = [cared_for(staff, "甲明", HOME), cared_for(staff, "乙明", "福星镇农村福利院(一)")]  # full and half width
    ended = cared_for(staff, "丙明", HOME, until=date(2017, 4, 30))
    never = cared_for(staff, "丁明", HOME, agreed=None)
    other = cared_for(staff, "戊明", HOME, agreed="另一家福利院")
    run = run_month(staff, MAY)
    with at(staff.check, LATER):
        lines = {one.household_id: one for one in PayLine.objects.filter(run=run)}
        assert [(lines[one.pk].status, lines[one.pk].amount_fen) for one in two] == [
            ("paid", 626_00)
        ] * 2  # 7512 a year
        assert {lines[one.pk].held for one in (ended, never, other)} == {"shared_account"}
        items = list(BankItem.objects.filter(batch__run=run))
        assert sorted(one.line.household_id for one in items) == sorted(one.pk for one in two)
        assert {(one.account_last4, one.amount_fen) for one in items} == {(CARD[-4:], 626_00)}
        assert len({bytes(one.line.account_index) for one in items}) == 1
    assert treasury.held(programme="tekun") == {"available": 3748_00, "paid": 1252_00}
    balanced(staff, run)
    clean()


def test_a_facility_s_account_without_agreement_is_held_for_its_holder(make_user) -> None:
    staff = Staff(make_user)
    alone = cared_for(staff, "丁明", HOME, agreed=None)
    run = run_month(staff, MAY, upto="calculate")
    with at(staff.check, LATER):
        got = PayLine.objects.get(run=run, household=alone)
        assert (got.held, got.held_note) == (
            "holder",
            "户名不是本户成员，也不是协议照料的供养服务机构，请核对户名或更换账户",
        )


def test_a_fixed_amount_of_a_child_is_paid_as_the_roll_has_it(make_user) -> None:
    """No source gives a standard, so the roll's own 1100.00 is carried; the child is the unit, the card the guardian's."""
    staff, treasury = Staff(make_user), Treasury(make_user)
    treasury.do("appropriation", 2000, programme="child")
    home = family(names=("向桂英", "刘小明"), programme="child", imported=True, amount_fen=1100_00)
    with at(staff.check, date(2017, 4, 3)):
        child = home.memberships.order_by("id").last().person
        RollEntry.objects.filter(household=home).update(person=child)
    with at(staff.prepare, date(2017, 5, 2)), pytest.raises(RunInputError, match="须与特困供养同批"):
        actions.open_run(acting_user=staff.prepare, place="420802", month=MAY, programmes=["child"])
    run = run_month(staff, MAY, programmes=["dibao", "tekun", "temporary", "child"])
    with at(staff.check, LATER):
        got = PayLine.objects.get(run=run)
        assert (got.person_id, got.amount_fen, got.basis, got.status) == (child.pk, 1100_00, "roll", "paid")
    assert treasury.held(programme="child") == {"available": 900_00, "paid": 1100_00}
    balanced(staff, run)
    clean()


def test_a_move_inside_a_month_draws_each_month_from_one_county(make_user) -> None:
    """575·2 − 600 = 550.00 from 东宝 to June, 500·2 − 600 = 400.00 from 钟祥 from July; both keep fund books."""
    old, new = Office(OLD, make_user), Office(NEW, make_user)
    here, there = Staff(make_user, "420802"), Staff(make_user, "420881")
    books = Treasury(make_user), Treasury(make_user, "420881")
    for book in books:
        book.do("appropriation", 3000)
    household = on_roll(OLD, income=600, amount_fen=55_000, start=201704)
    for month in (Month(2017, 4), MAY):
        run_month(here, month, programmes=["dibao"])
    with at(old.town_review, date(2017, 6, 5)):
        row = transfers.propose_transfer(
            household, to_region=NEW, moved_on=date(2017, 6, 1), address="新区 3 号", reason="随子女居住",
            acting_user=old.town_review,
        )  # fmt: skip
    with at(old.county_confirm, date(2017, 6, 6)):
        row = transfers.send_transfer(row, acting_user=old.county_confirm)
    with at(new.town_review, date(2017, 6, 12)):
        row = transfers.take_transfer(row, note="已入户，情况属实", acting_user=new.town_review)
    with at(new.county_confirm, date(2017, 6, 13)):
        row = transfers.confirm_transfer(row, reasons="符合迁入地规定", acting_user=new.county_confirm)
    # Both counties pay June and July; the family moved in the middle of June.
    for month in (JUNE, JULY):
        run_month(here, month, programmes=["dibao"])
        run_month(there, month, place="420881", programmes=["dibao"])
    assert paid(household) == {201704: 550_00, 201705: 550_00, 201706: 550_00}
    with at(hire(make_user, "420881", "pay_check"), LATER):
        moved = transfers.Household.objects.get(pk=row.new_household_id)
    assert paid(moved) == {201707: 400_00}
    assert [book.held() for book in books] == [
        {"available": 1350_00, "paid": 1650_00}, {"available": 2600_00, "paid": 400_00},
    ]  # fmt: skip
    clean()
