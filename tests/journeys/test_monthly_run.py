"""One month of a county, from opening to closing, and what late facts do to the next."""

from __future__ import annotations

from datetime import date

import pytest
from casekit import at
from paykit import Staff, balanced, family, line, old_standard, run_month

from tuodi.kernel.periods import Month
from tuodi.payments.models import LedgerEntry
from tuodi.people import actions as people

pytestmark = pytest.mark.django_db(transaction=True)
MAY, JUNE, JULY = Month(2017, 5), Month(2017, 6), Month(2017, 7)


def test_a_month_from_opening_to_closing(make_user) -> None:
    staff = Staff(make_user)
    home = family(income=600)
    run = run_month(staff, MAY)
    paid = line(staff, run, home)
    assert (paid.amount_fen, paid.base_fen, paid.persons, paid.basis, paid.status) == (
        550_00,
        550_00,
        2,
        "rules",
        "paid",
    )
    assert (run.state, run.lines, run.amount_fen) == ("closed", 1, 550_00)
    with at(staff.check, date(2017, 12, 1)):
        kinds = list(LedgerEntry.objects.filter(run_id=run.pk).order_by("id").values_list("kind", flat=True))
    assert kinds == ["grant", "send", "paid"]
    balanced(staff, run)


def test_a_rise_loaded_late_is_paid_back(make_user, monkeypatch, tmp_path) -> None:
    """E31: 500 to 575 from April, known in June only: 75 × 2 people × 2 months = 300.00."""
    staff = Staff(make_user)
    home = family(income=600)
    with old_standard(tmp_path, monkeypatch):
        april = run_month(staff, Month(2017, 4))
        may = run_month(staff, MAY)
    assert (line(staff, april, home).amount_fen, line(staff, may, home).amount_fen) == (400_00, 400_00)
    june = run_month(staff, JUNE)
    got = line(staff, june, home)
    assert (got.base_fen, got.back_pay_fen, got.offset_fen, got.amount_fen) == (550_00, 300_00, 0, 850_00)
    with at(staff.check, date(2017, 12, 1)):
        causes = dict(june.differences.values_list("cause", "amount_fen"))
        assert causes == {"standard": 150_00, "standard_back": 300_00}
        assert list(june.arrears.order_by("for_month").values_list("for_month", "amount_fen", "cause")) == [
            (201704, 150_00, "standard_back"),
            (201705, 150_00, "standard_back"),
        ]
    july = run_month(staff, JULY)
    assert line(staff, july, home).amount_fen == 550_00  # once, not again
    with at(staff.check, date(2017, 12, 1)):
        assert dict(july.differences.values_list("cause", "amount_fen")) == {"one_off": -300_00}
    balanced(staff, june)
    balanced(staff, july)


def test_a_death_told_late_is_offset_and_never_below_zero(make_user) -> None:
    """E32: died on 18 March, paid 750 for April and May; 175 is due from April: 1150.00 overpaid."""
    staff = Staff(make_user)
    home = family(income=400)
    april, may = run_month(staff, Month(2017, 4)), run_month(staff, MAY)
    assert (line(staff, april, home).amount_fen, line(staff, may, home).amount_fen) == (750_00, 750_00)
    with at(staff.check, date(2017, 5, 25)):
        dead = home.memberships.order_by("id").last().person
        people.record_death(acting_user=None, person=dead, died_on=date(2017, 3, 18))
    june = run_month(staff, JUNE, offset_permille=500)
    got = line(staff, june, home)
    assert (got.base_fen, got.offset_fen, got.amount_fen, got.persons) == (175_00, -87_50, 87_50, 1)
    with at(staff.check, date(2017, 12, 1)):
        assert list(
            june.arrears.order_by("for_month").values_list("for_month", "due_fen", "granted_fen", "amount_fen", "cause")
        ) == [
            (201704, 175_00, 750_00, -575_00, "death"),
            (201705, 175_00, 750_00, -575_00, "death"),
        ]
        assert dict(june.differences.values_list("cause", "amount_fen")) == {"death": -575_00, "offset": -87_50}
    july = run_month(staff, JULY, offset_permille=1000)  # nothing goes to the bank
    got = line(staff, july, home)
    assert (got.offset_fen, got.amount_fen, got.status) == (-175_00, 0, "nothing")
    balanced(staff, june)
    balanced(staff, july)


def test_a_claim_is_offset_month_by_month_until_it_is_paid(make_user) -> None:
    """1150.00 owed, 175.00 a month all kept back: six whole months, then 100.00, then nothing more."""
    staff = Staff(make_user)
    home = family(income=400)
    for month in (Month(2017, 4), MAY):
        run_month(staff, month)
    with at(staff.check, date(2017, 5, 25)):
        people.record_death(
            acting_user=None, person=home.memberships.order_by("id").last().person, died_on=date(2017, 3, 18)
        )
    kept = []
    for n in range(8):
        # A short look-back: what older months have offset must count all the same.
        run = run_month(staff, JUNE + n, offset_permille=1000, lookback_months=2, upto="approve")
        kept.append(line_in_2018(staff, run, home).offset_fen)
    assert kept == [-175_00] * 6 + [-100_00, 0]


def line_in_2018(staff: Staff, run, home):
    with at(staff.check, date(2018, 12, 1)):
        return run.pay_lines.get(household=home)
