"""Clocks that stand still while a family is waited for with papers, where the text of the place says so."""

from __future__ import annotations

from datetime import date

import pytest
from casekit import at

from tuodi.cases import actions, procedures, queries, stops
from tuodi.cases.calendar import calendar
from tuodi.cases.errors import StepInputError
from tuodi.org.errors import AccessDeniedError

ACCEPTED = date(2021, 9, 13)
TEXT = """\
instruments:
  地: {title: 试, number: "-", issuer: 试, issued: 2021-01-01, in_force: 2021-01-01, kind: normative}
---
pack: {place: "420899", programme: dibao}
procedures:
  stops: {from: 2021-07-01, amends: [dibao_57, dibao_57_2022], clause: 地 1, stop_for_materials: true, stop_in_notice: true}
"""


@pytest.fixture
def stopping(tmp_path, monkeypatch):
    (tmp_path / "stops.yaml").write_text(TEXT, encoding="utf-8")
    monkeypatch.setenv("TUODI_POLICIES", str(tmp_path))
    yield
    monkeypatch.delenv("TUODI_POLICIES")
    procedures.reload()


def accept(office, household):
    with at(office.town_accept, ACCEPTED):
        return actions.open_case(
            acting_user=office.town_accept, household=household, applicant=household.head, programme="dibao"
        )


def fresh(case, user, on):
    with at(user, on):
        case.refresh_from_db()
        return case, queries.open_step(case, "visit")


def test_the_days_waited_for_papers_are_added_to_the_whole_and_to_open_steps(stopping, office, household):
    case = accept(office, household)
    user = office.town_accept
    assert case.due_on == calendar().add_workdays(ACCEPTED, 30)
    with at(user, date(2021, 9, 15)):
        stops.stop_clock(case, acting_user=user, what="户口簿、收入证明")
    case, visit = fresh(case, user, date(2021, 9, 16))
    assert (case.due_on, visit.start_due_on) == (None, None)
    assert "等待补正材料，停止计时" in case.due_note
    with at(user, date(2021, 9, 24)):
        stops.resume_clock(case, acting_user=user, note="已交齐")
    case, visit = fresh(case, user, date(2021, 9, 24))
    # after the 15th: 16, 17, 18 (worked), 22, 23, 24 September; the 19th to the 21st are off
    assert case.due_on == calendar().add_workdays(ACCEPTED, 36)
    assert visit.start_due_on == calendar().add_workdays(ACCEPTED, 3 + 6)


def test_a_day_stopped_by_a_notice_and_by_papers_counts_once(stopping, office, household):
    case = accept(office, household)
    user = office.town_review
    for name, who in (("check", office.county_review), ("visit", user), ("first_review", user)):
        with at(who, ACCEPTED):
            more = {"people": [office.town_visit]} if name == "visit" else {}
            result = "pass" if name == "first_review" else "done"
            actions.complete_step(queries.open_step(case, name), acting_user=who, opinion="属实", result=result, **more)
    with at(user, ACCEPTED):
        actions.post_notice(queries.open_step(case, "notice_review"), acting_user=user, content={"amount": "1.00"})
    with at(user, date(2021, 9, 15)):
        stops.stop_clock(case, acting_user=user, what="收入证明")
    with at(user, date(2021, 9, 22)):
        stops.resume_clock(case, acting_user=user)
        case.refresh_from_db()
    # the notice hangs to the 20th (5 working days: 14 to 18); the papers come on the 22nd: one working day more
    assert case.due_on == calendar().add_workdays(ACCEPTED, 36)


def test_without_the_switch_no_clock_stops_and_the_reason_is_told(office, household):
    case = accept(office, household)
    with at(office.town_accept, ACCEPTED), pytest.raises(StepInputError, match="没有规定等待材料期间停止计时"):
        stops.stop_clock(case, acting_user=office.town_accept, what="户口簿")


def test_papers_are_asked_for_all_at_once_by_who_reviews(stopping, office, household):
    case = accept(office, household)
    with at(office.town_visit, ACCEPTED), pytest.raises(AccessDeniedError):
        stops.stop_clock(case, acting_user=office.town_visit, what="户口簿")
    with at(office.town_accept, ACCEPTED):
        with pytest.raises(StepInputError, match="没有正在等待的材料"):
            stops.resume_clock(case, acting_user=office.town_accept)
        with pytest.raises(StepInputError, match="一次写明"):
            stops.stop_clock(case, acting_user=office.town_accept, what=" ")
        stops.stop_clock(case, acting_user=office.town_accept, what="户口簿")
        with pytest.raises(StepInputError, match="正在等待"):
            stops.stop_clock(case, acting_user=office.town_accept, what="户口簿")
