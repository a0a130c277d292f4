"""A township's decision that the county filed, drew for a spot check and found otherwise."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from casekit import Office, at, hire
from fieldkit import answers, signed

from tuodi.cases import actions as cases
from tuodi.cases import queries
from tuodi.decisions import actions as decisions
from tuodi.decisions.roll import put_on_roll
from tuodi.intake.application_actions import accept_application
from tuodi.kernel import clock
from tuodi.org.access import scope
from tuodi.verification.actions import enter_facts, freeze, start_fact_set
from tuodi.verification.queries import latest_frozen
from tuodi.verification.spot_actions import draw, enter_result, plan_item
from tuodi.verification.visit_actions import VisitForm, submit_visit

DAY, LATER = date(2021, 9, 10), date(2021, 10, 20)
PERIOD = {"programme": "dibao", "since": date(2021, 9, 1), "until": date(2021, 9, 30)}


def facts(household, user, day, income, case=None):
    with at(user, day):
        base = None if case else latest_frozen(household)
        draft = start_fact_set(acting_user=user, household=household, case=case, base=base)
        enter_facts(draft, acting_user=user, household={"income_year": income, "assets_ok": True})
        return freeze(draft, acting_user=user)


def confirmed(office, household):
    """宽城: reviewed in the village, confirmed in the town; not filed yet."""
    with at(office.town_accept, DAY):
        case = accept_application(acting_user=office.town_accept, household=household, programme="dibao").case
    with at(office.county_review, DAY):
        cases.complete_step(queries.open_step(case, "check"), acting_user=office.county_review)
    with at(office.town_review, DAY):
        cases.complete_step(
            queries.open_step(case, "visit"), acting_user=office.town_review, opinion="属实", people=[office.town_visit]
        )
    facts(household, office.town_review, DAY, "10800.00", case)
    with at(office.village_review, DAY):
        decisions.first_review(case, acting_user=office.village_review, result="pass", opinion="同意")
    with at(office.town_confirm, DAY):
        (row,) = decisions.confirm(case, acting_user=office.town_confirm, opinion="同意")
        put_on_roll(row, acting_user=office.town_confirm)
    return case


def filed(office: Office, case: Any) -> None:
    """The county files what the township confirmed."""
    with at(office.county_file, DAY):
        decisions.file_record(case, acting_user=office.county_file)


def visited(office: Office, make_user: Any) -> Any:
    """The county draws the case and two of its people sign that the income differs; the result is not entered yet."""
    county = office.county_review
    with at(county, LATER):
        check = draw(acting_user=county, percent=30, filed=True, **PERIOD)
        (item,) = check.items.all()
        two = (hire(make_user, "220103", "visit"), hire(make_user, "220103", "visit"))
        task = plan_item(item, acting_user=county, assigned=two)
    with at(two[0], LATER):
        seen = answers(income_year={"fit": "differ", "seen": "21,600"})
        form = VisitForm(
            answers=seen, conclusion="differs", opinion="年收入 21600 元", investigators=two, started_at=clock.now()
        )
        submit_visit(task, form, [], signed(*two), acting_user=two[0])
    return item


def differs(office: Office, item: Any) -> None:
    """The county enters that it found otherwise."""
    with clock.frozen(datetime(2021, 10, 20, 15, 0, tzinfo=clock.BEIJING)), scope(office.county_review):
        item.refresh_from_db()
        enter_result(item, acting_user=office.county_review, agrees=False, note="收入少报一半")
