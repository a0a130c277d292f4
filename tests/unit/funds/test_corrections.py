"""A cleared bill put right in a later month; the year's ceiling of a patient who moved between counties."""

from __future__ import annotations

from datetime import date

import pytest
from casekit import at
from django.db import DatabaseError, transaction
from fundkit import Treasury, clean
from hospitalkit import AFTER, MARCH, PACK, Ward, row
from paykit import family

from tuodi.funds import hospital as reads
from tuodi.funds.actions import hospital as hospitals
from tuodi.funds.actions.corrections import Right, correct_bill
from tuodi.funds.errors import FundInputError, FundStateError
from tuodi.funds.models import HospitalBill
from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.org.access import system_scope
from tuodi.people.models import RollEntry
from tuodi.people.moving import transplant
from tuodi.verification import rulebook

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("medical_rules")]
APRIL = Month.parse("2018-04")
MAY = date(2018, 5, 9)


@pytest.fixture
def treasury(make_user):
    found = Treasury(make_user)
    found.do("appropriation", 60_000, programme="medical")
    return found


def right(*, basic: int, claimed: int, total: int = 8_000, outside: int = 500) -> Right:
    own = total - basic - claimed
    return Right(total * 100, basic * 100, 0, 0, outside * 100, claimed * 100, own * 100)


def put_right(ward, bill, how: Right, *, month: Month = APRIL, on: date = MAY) -> HospitalBill:
    with at(ward.money.keep, on):
        return correct_bill(
            bill, acting_user=ward.money.keep, month=month, right=how, reason="医保重新结算", letter=b"letter", letter_name="来函.pdf"
        )  # fmt: skip


def test_a_cleared_bill_is_put_right_by_the_difference_in_a_later_month(treasury) -> None:
    ward = Ward(treasury)
    one, two = family(), family()
    ward.send(row("A1", one.head), row("A2", two.head))
    with pytest.raises(FundStateError, match="没有清算的请撤回"):
        put_right(ward, ward.bill("A1"), right(basic=5_500, claimed=1_050))
    ward.decide(ward.propose())
    assert treasury.held(programme="medical", on=AFTER) == {"available": 5_720_000, "paid": 280_000}
    bill = ward.bill("A1")
    with pytest.raises(FundInputError, match="不相等"):
        put_right(ward, bill, Right(800_000, 1, 0, 0, 0, 1, 1))
    with pytest.raises(FundInputError, match="应晚于"):
        put_right(ward, bill, right(basic=5_500, claimed=1_050), month=MARCH)
    # Insurance paid 500 more: 0.7 x (8000 - 5500 - 500 - 500) = 1050, 350 less than was paid.
    made = put_right(ward, bill, right(basic=5_500, claimed=1_050))
    assert (made.bill_no, made.verdict, made.computed_fen, made.net_accepted_fen) == (
        "A1-G1",
        "agree",
        105_000,
        -35_000,
    )
    assert made.used_fen == 0  # the bill it puts right does not take of the ceiling any more
    with pytest.raises(FundInputError, match="已由 A1-G1 更正"):
        put_right(ward, bill, right(basic=5_500, claimed=1_050))
    with at(treasury.keep, MAY), pytest.raises(DatabaseError, match="不能修改"), transaction.atomic():
        HospitalBill.objects.filter(pk=bill.pk).update(accepted_fen=1)
    # A month of nothing but that: what was paid too much stays with the hospital as advance.
    cleared = ward.decide(ward.propose(month=APRIL, on=MAY), on=MAY)
    assert (cleared.accepted_fen, cleared.advance_fen, cleared.paid_fen) == (-35_000, -35_000, 0)
    with at(treasury.keep, MAY):
        assert reads.balance(ward.agreement) == 35_000
    assert treasury.held(programme="medical", on=MAY) == {"available": 5_720_000, "hospital": 35_000, "paid": 245_000}
    clean()
    # The next month is set off against it, and a correction may be put right again.
    again = put_right(
        ward, ward.bill("A1-G1"), right(basic=5_300, claimed=1_190), month=Month.parse("2018-05"), on=date(2018, 6, 8)
    )
    assert (again.bill_no, again.net_accepted_fen) == ("A1-G2", 14_000)
    last = ward.decide(ward.propose(month=Month.parse("2018-05"), on=date(2018, 6, 8)), on=date(2018, 6, 8))
    assert (last.accepted_fen, last.advance_fen, last.paid_fen) == (14_000, 14_000, 0)
    assert treasury.held(programme="medical", on=date(2018, 6, 8)) == {
        "available": 5_720_000,
        "hospital": 21_000,
        "paid": 259_000,
    }
    clean()


def test_a_withdrawn_correction_leaves_the_bill_as_it_was(treasury) -> None:
    ward = Ward(treasury)
    ward.send(row("A1", family().head))
    ward.decide(ward.propose())
    made = put_right(ward, ward.bill("A1"), right(basic=5_500, claimed=1_050))
    with at(treasury.keep, MAY):
        hospitals.withdraw_batch(made.batch, acting_user=treasury.keep, reason="函件有误")
        assert reads.sums_of(ward.agreement, APRIL).bills == 0
    assert put_right(ward, ward.bill("A1"), right(basic=5_500, claimed=1_050)).bill_no == "A1-G2"


@pytest.fixture
def both_counties(tmp_path):
    (tmp_path / "other.yaml").write_text(
        PACK.replace("420802", "420804").replace("测试救助", "邻县救助"), encoding="utf-8"
    )
    rulebook.reload()


def test_the_years_ceiling_counts_bills_of_the_county_a_patient_moved_from(treasury, make_user, both_counties) -> None:
    here, money = Ward(treasury), Treasury(make_user, "420804")
    home = family()
    # 0.7 x (20000 - 5000 - 500 - 500) = 9800 of the year's 10000.
    here.send(row("A1", home.head, total=20_000, claimed=9_800))
    assert here.bill("A1").verdict == "agree"
    here.decide(here.propose())
    money.do("appropriation", 9_000, programme="medical")
    with clock.frozen(date(2018, 4, 1)), system_scope("4208"):
        moved = transplant(home, region="420804001001", on=date(2018, 4, 1), address="测试路 1 号")
        RollEntry.objects.create(
            household=moved.household, region=moved.household.region, programme="dibao", category="urban", amount_fen=0, start_month=201804
        )  # fmt: skip
        patient = moved.persons[home.head_id]
    assert patient.pk != home.head_id
    there = Ward(money, code="H42080400001")
    april = {"入院日期": "2018-04-02", "出院日期": "2018-04-12"}
    there.send(row("B1", patient, **april), month=APRIL, on=MAY)
    bill = there.bill("B1")
    assert (bill.used_fen, bill.computed_fen, bill.verdict) == (980_000, 20_000, "over")
    # Of the other county it sees the sum alone.
    with at(money.keep, MAY):
        assert not HospitalBill.objects.filter(bill_no="A1").exists()
    # The old county's correction frees the ceiling for both.
    put_right(here, here.bill("A1"), right(total=20_000, basic=9_000, claimed=7_000))
    with at(money.keep, MAY):
        assert hospitals.recheck(there.agreement, acting_user=money.keep, month=APRIL) == 1
    assert (there.bill("B1").used_fen, there.bill("B1").verdict) == (700_000, "agree")
