"""A grid worker finds hardship nobody asked help for; it becomes a case of the full procedure and is paid in two stages."""

from __future__ import annotations

from datetime import date

import pytest
from casekit import Office, at, days, hire
from decisionkit import collected
from packkit import laid_over
from paykit import Staff, balanced, family, run_month

from tuodi.cases import queries as cases
from tuodi.cases.actions import complete_step
from tuodi.decisions import actions, duplicates
from tuodi.decisions.errors import NotEligibleError
from tuodi.decisions.grants import stage_grant
from tuodi.decisions.roll import put_on_roll
from tuodi.intake import discovery_actions, discovery_queries
from tuodi.intake.application_actions import accept_application
from tuodi.intake.at_risk_actions import list_person
from tuodi.intake.errors import AlreadyApplyingError
from tuodi.intake.models import PatrolTask
from tuodi.kernel.periods import Month
from tuodi.payments.models import PayLine

pytestmark = pytest.mark.django_db(transaction=True)
VILLAGE = "420802001001"
DAY = date(2018, 3, 5)
APRIL, MAY, JUNE = Month(2018, 4), Month(2018, 5), Month(2018, 6)
FACTS = {
    "ta_type": "expense", "ta_cause": "medical_cost", "ta_months": 3, "ta_proposed": "3000.00", "hardship": True,
    "income_year": "20000.00", "assets_ok": True,
}  # fmt: skip


def through(office, case, household, facts, on):
    """The full procedure up to the open confirmation."""
    with at(office.county_review, on):
        complete_step(cases.open_step(case, "check"), acting_user=office.county_review)
    with at(office.town_review, on):
        complete_step(
            cases.open_step(case, "visit"), acting_user=office.town_review, opinion="属实", people=[office.town_visit]
        )
    collected(office, household, case, facts, on)
    with at(office.town_review, on):
        actions.first_review(case, acting_user=office.town_review, result="pass", opinion="同意上报")
        actions.post_notice(case, acting_user=office.town_review)
    with at(office.town_review, days(on, 8)):
        actions.close_notice(case, acting_user=office.town_review)
    return days(on, 8)


@pytest.fixture
def income(tmp_path, monkeypatch):
    """What the statistics bureau said of the county last year, entered in its pack."""
    text = """pack: {place: "420802", programme: profile}
instruments:
  测试统计: {title: 测试用的统计公报, number: "-", issuer: 测试, issued: 2018-01-01, in_force: 2018-01-01, kind: hypothetical}
parameters:
  disposable_income: {from: 2018-01-01, value: 28000, clause: 测试统计}
"""
    with laid_over(tmp_path, monkeypatch, text):
        yield


def test_found_on_patrol_applied_for_checked_confirmed_and_paid_in_stages(make_user, income):
    office, staff = Office(VILLAGE, make_user), Staff(make_user)
    worker = hire(make_user, VILLAGE, "visit")
    home = family(names=("向桂英", "刘德福"), programme="edge")
    with at(worker, DAY):
        list_person(acting_user=worker, person=home.head, risk_class="serious_illness", source="全面排查")
        assert discovery_actions.plan_patrols(acting_user=worker, place=VILLAGE, month=Month.of(DAY)) == 1
        task = PatrolTask.objects.get()
        found = discovery_actions.report_discovery(
            acting_user=worker, region=task.region, event_type="medical_cost", story="透析自费部分无力负担", task=task
        )
        (rate,) = discovery_queries.coverage(Month.of(DAY), DAY, digits=12)
        assert (rate.rate, rate.found) == (100, 1)
    with at(office.town_accept, DAY):
        case = discovery_actions.convert_discovery(found, acting_user=office.town_accept, programme="temporary").case
        assert case.marks == ["expense"]
        with pytest.raises(AlreadyApplyingError):
            accept_application(acting_user=office.town_accept, household=home, programme="temporary")
    after = through(office, case, home, FACTS, DAY)
    with at(office.county_confirm, after):
        assert duplicates.against_case(case) == []
        (granted,) = actions.confirm(case, acting_user=office.county_confirm, opinion="同意")
        assert (granted.amount_fen, granted.cause, granted.start_month) == (3_000_00, "医疗支出", 201804)
        put_on_roll(granted, acting_user=office.county_confirm)
        stage_grant(granted, acting_user=office.county_confirm, plan=[(APRIL, 2_000_00), (MAY, 1_000_00)])
    runs = [run_month(staff, month) for month in (APRIL, MAY, JUNE)]
    with at(staff.check, JUNE.last_day):
        paid = PayLine.objects.filter(programme="temporary", held="").order_by("month")
        assert [(one.month, one.amount_fen, one.back_pay_fen) for one in paid] == [
            (201804, 2_000_00, 0), (201805, 1_000_00, 0),
        ]  # fmt: skip
    for run in runs:
        balanced(staff, run)
    # The same cause again in the same year: asked for anew, refused by the rules with the ledger's word.
    later = date(2018, 7, 2)
    with at(office.town_accept, later):
        again = accept_application(acting_user=office.town_accept, household=home, programme="temporary").case
    with pytest.raises(NotEligibleError, match="同一事由已获救助"):
        through(office, again, home, FACTS, later)
