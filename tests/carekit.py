"""A tekun person's case, taken as far as a test wants: assessed, reviewed, confirmed. All synthetic."""

from __future__ import annotations

from datetime import date, timedelta

from casekit import at
from fieldkit import jpeg

from tuodi.cases import actions as cases
from tuodi.cases import queries
from tuodi.decisions import actions as decisions
from tuodi.decisions.roll import put_on_roll
from tuodi.intake.application_actions import accept_application
from tuodi.verification import self_care_actions as care
from tuodi.verification.actions import enter_facts, freeze, start_fact_set
from tuodi.verification.models.self_care import ITEMS

DAY = date(2021, 9, 13)
LATER = date(2021, 10, 11)
FOUR = ("fails_eating", "fails_toilet", "fails_walking", "fails_bathing")
MEMBER = {"own_income_year": "0.00", "supporters_listed": True, "support_form": "centralised"}


def answers(*failed: str) -> dict[str, bool]:
    """Six answers: those named are what the person cannot do."""
    return {name: name in failed for name in ITEMS}


def accepted(office, household, on=DAY):
    """A tekun case, accepted."""
    with at(office.town_accept, on):
        return accept_application(acting_user=office.town_accept, household=household, programme="tekun").case


def investigated(office, household, on=DAY, **member):
    """Accepted, checked, visited, its facts frozen: all but the assessment."""
    case = accepted(office, household, on)
    with at(office.county_review, on):
        cases.complete_step(queries.open_step(case, "check"), acting_user=office.county_review)
    with at(office.town_review, on):
        cases.complete_step(
            queries.open_step(case, "visit"), acting_user=office.town_review, opinion="属实", people=[office.town_visit]
        )
        draft = start_fact_set(acting_user=office.town_review, household=household, case=case)
        enter_facts(
            draft,
            acting_user=office.town_review,
            household={"assets_ok": True},
            members={household.head_id: {**MEMBER, **member}},
        )
        freeze(draft, acting_user=office.town_review)
    return case


def assessed(office, household, case=None, failed=FOUR, on=DAY, **order):
    """An assessment ordered, with a photograph, and entered."""
    user = office.county_review
    with at(user, on):
        row = care.order_self_care(household.head, household, acting_user=user, case=case, **order)
        care.add_self_care_paper(row, jpeg(), acting_user=user, caption="评定表")
        return care.assess_self_care(
            row, acting_user=user, items=answers(*failed), assessors=["张医师"], assessed_on=on, opinion="按六项评定"
        )


def to_confirm(office, household, case, on=DAY):
    """Reviewed and put up; returns the day after the notice. The spot check is left out with a reason."""
    with at(office.town_review, on):
        decisions.first_review(case, acting_user=office.town_review, result="pass", opinion="拟予认定")
        decisions.post_notice(case, acting_user=office.town_review)
    after = on + timedelta(days=8)
    with at(office.town_review, after):
        decisions.close_notice(case, acting_user=office.town_review)
    with at(office.county_review, after):
        cases.skip_step(queries.open_step(case, "spot_check"), acting_user=office.county_review, reason="未抽中")
    return after


def supported(office, household, form="centralised"):
    """A tekun person on the roll from October 2021, with complete loss of self-care."""
    case = investigated(office, household, support_form=form)
    assessed(office, household, case)
    with at(office.county_review, DAY):
        cases.complete_step(queries.open_step(case, "self_care"), acting_user=office.county_review)
    after = to_confirm(office, household, case)
    with at(office.county_confirm, after):
        (row,) = decisions.confirm(case, acting_user=office.county_confirm, opinion="同意")
        return put_on_roll(row, acting_user=office.county_confirm)
