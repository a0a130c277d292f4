"""A year of a small town: twelve runs with one death, one rise and one gradual exit, each month to the fen."""

from __future__ import annotations

from datetime import date

import pytest
from casekit import Office
from fundkit import Treasury, clean
from lifekit import at, on_roll, paid
from paykit import Staff, balanced, run_month

from tuodi.kernel.periods import Month
from tuodi.monitoring import change_reports, deaths, exits
from tuodi.monitoring.models import WatchEntry

VILLAGE = "220103001001"


@pytest.mark.django_db(transaction=True)
def test_twelve_runs_with_a_death_a_rise_and_a_gradual_exit(make_user):
    """宽城 2021, 830 in town. Three families of two, 600 / 1060 / 660 a month.

    Death 2021-04-10: 830·2 − 660 = 1000 to April, 830 − 660 = 170 from May; told in June, after May was paid at 1000.
    Rise told in July: income 600 → 300: 1060 → 1360 from August. Gradual exit: 600 kept June to November.
    """
    office, staff = Office(VILLAGE, make_user), Staff(make_user, "220103")
    treasury = Treasury(make_user, "220103")
    treasury.do("appropriation", 50_000)
    steady = on_roll(VILLAGE, names=("甲一", "甲二"), income=600, amount_fen=106_000, start=202101)
    leaving = on_roll(VILLAGE, names=("乙一", "乙二"), income=1060, amount_fen=60_000, start=202101)
    bereft = on_roll(VILLAGE, names=("丙一", "丙二"), income=660, amount_fen=100_000, start=202101)
    runs = []
    for number in range(1, 13):
        if number == 5:
            _told(office, leaving, 2400, date(2021, 5, 12), "超市上班")
        if number == 6:
            _death(office, bereft)
        if number == 7:
            _told(office, steady, 300, date(2021, 7, 12), "停工")
        runs.append(run_month(staff, Month(2021, number), place="220103", programmes=["dibao"]))
    balanced(staff, runs[-1])
    assert paid(steady) == {202100 + n: 106_000 if n <= 7 else 136_000 for n in range(1, 13)}
    assert paid(leaving) == {202100 + n: 60_000 for n in range(1, 12)}
    got = paid(bereft)
    assert [got[202100 + n] for n in range(1, 6)] == [100_000] * 5
    # May was 1000 where 170 was due: 830 owed. Half of a month's 170 is kept back, 85 a month for seven months: 595; 235 is left.
    assert [got[202100 + n] for n in range(6, 13)] == [8_500] * 7
    # 7 · 1060 + 5 · 1360 = 14220, 11 · 600 = 6600, 5 · 1000 + 7 · 85 = 5595: 26415 of 50000, from one sub-account.
    assert treasury.held(on=date(2021, 12, 20)) == {"available": 23_585_00, "paid": 26_415_00}
    clean()
    with at(office.town_confirm, date(2021, 12, 20)):
        assert exits.watch_ended(Month(2021, 12)) == 1
        assert WatchEntry.objects.get().household_id == leaving.pk


def _told(office, household, income: int, day: date, text: str) -> None:
    with at(office.town_review, day):
        report = change_reports.report_change(
            household,
            kind="income",
            happened_on=day,
            text=text,
            income_year_fen=income * 1200,
            acting_user=office.town_review,
        )
        change_reports.check_report(report, checked="属实", acting_user=office.town_review)
    with at(office.town_confirm, day):
        change_reports.decide_report(report, reasons=text, acting_user=office.town_confirm)


def _death(office, household) -> None:
    day = date(2021, 6, 1)
    with at(office.town_review, day):
        spouse = household.memberships.order_by("id").last().person
        (matter,) = deaths.record_death(
            spouse, died_on=date(2021, 4, 10), source="family", acting_user=office.town_review
        )
        deaths.propose(matter, acting_user=office.town_review)
    with at(office.town_confirm, day):
        done = deaths.settle(matter, reasons="已注销户口", acting_user=office.town_confirm)
        assert done.over_fen == 83_000
