"""A near relative of staff applies: recorded apart, visited by the county itself, and not decided a moment before."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from casekit import Office, at, days, family
from decisionkit import FACTS, collected, to_confirm
from fieldkit import answers, signed

from tuodi.cases import queries
from tuodi.cases.actions import complete_step, file_kin
from tuodi.cases.errors import DutySeparationError, StepNotOpenError
from tuodi.decisions import actions as decisions
from tuodi.intake.application_actions import accept_application
from tuodi.kernel import clock
from tuodi.org.errors import NotFoundError
from tuodi.verification import kin_actions as kin
from tuodi.verification.models import FactSet, KinFiling
from tuodi.verification.visit_actions import VisitForm, plan_visit, submit_visit
from tuodi.verification.visit_errors import KinVisitMissingError, VisitInputError
from tuodi.verification.visit_queries import kin_cases_unfiled, kin_register

pytestmark = pytest.mark.django_db
VILLAGE = "420802001001"
DAY = date(2021, 9, 13)


@pytest.fixture
def office(make_user):
    return Office(VILLAGE, make_user)


def county_visits(office, case, on, purpose="kin"):
    pair = (office.county_review, office.county_visit)
    with at(pair[0], on):
        task = plan_visit(case.household, purpose, acting_user=pair[0], case=case, assigned=pair)
        when = datetime(on.year, on.month, on.day, 8, tzinfo=clock.BEIJING)
        known = {"fit": "agree"} if FactSet.objects.filter(case=case).exists() else {"seen": "10800"}
        form = VisitForm(answers=answers(income_year=known), conclusion="true", investigators=pair, started_at=when)
        return submit_visit(task, form, [], signed(*pair), acting_user=pair[0])


def state_of(filing, user):
    with at(user, DAY):
        filing.refresh_from_db()
        return filing.state


def test_kin_found_after_the_notice_bring_the_county_s_visit_before_the_decision(office):
    household = family(VILLAGE)
    case, after = to_confirm(office, household)
    with at(office.county_confirm, after):
        assert queries.open_step(case, "confirm").state == "open"

    # The relative files himself late; the match finds the family, bars him and brings the county's step back.
    clerk = office.town_visit
    with at(clerk, after):
        file_kin(acting_user=clerk, user=clerk, id_indexes=[bytes(household.head.id_index)], relation="父母")
    with at(office.town_review, after):
        (filing,) = kin.match_kin(case, acting_user=office.town_review)
        assert kin.match_kin(case, acting_user=office.town_review) == []
        assert (filing.state, filing.relation, filing.role, filing.staff_user_id) == (
            "matched",
            "parent",
            "staff",
            clerk.pk,
        )
        case.refresh_from_db()
        assert "kin" in case.marks
        assert queries.open_step(case, "county_visit").state == "open"
        assert queries.open_step(case, "confirm").state == "waiting"
        filing = kin.file_kin(filing, acting_user=office.town_review)
        assert filing.no.startswith("420802-JQ-")

    with at(office.county_confirm, after), pytest.raises(StepNotOpenError, match="县级入户调查"):
        decisions.confirm(case, acting_user=office.county_confirm, opinion="同意")

    # A step ticked off without anybody having gone is not a visit.
    with at(office.county_review, after):
        complete_step(
            queries.open_step(case, "county_visit"),
            acting_user=office.county_review,
            opinion="属实",
            people=[office.county_visit],
        )
    for verb, words in ((decisions.confirm, {"opinion": "同意"}), (decisions.refuse, {"reasons": "收入超标"})):
        with at(office.county_confirm, after), pytest.raises(KinVisitMissingError, match="县级还没有入户调查"):
            verb(case, acting_user=office.county_confirm, **words)

    record = county_visits(office, case, after)
    assert record.level == "COUN"
    assert state_of(filing, office.county_review) == "visited"
    with at(office.county_confirm, after):
        (row,) = decisions.confirm(case, acting_user=office.county_confirm, opinion="同意")
        assert row.outcome == "pass"
    with at(office.county_confirm, after):
        filing.refresh_from_db()
    assert (filing.state, filing.decision, filing.decided_on, filing.visit_id) == (
        "decided",
        "passed",
        after,
        record.pk,
    )


def test_a_declared_kin_case_is_done_by_the_county_s_own_record(office):
    household = family(VILLAGE)
    with at(office.town_accept, DAY):
        case = accept_application(
            acting_user=office.town_accept, household=household, programme="dibao", declares_kin=True
        ).case
        assert [one.pk for one in kin_cases_unfiled()] == [case.pk]
        with pytest.raises(VisitInputError, match="关系只能是"):
            kin.declare_kin(
                case,
                acting_user=office.town_accept,
                person=household.head,
                relation="cousin",
                role="committee",
                staff_name="王主任",
            )
        filing = kin.declare_kin(
            case,
            acting_user=office.town_accept,
            person=household.head,
            relation="sibling",
            role="committee",
            staff_name="王主任",
            staff_unit="长山社区居委会",
        )
        kin.file_kin(filing, acting_user=office.town_accept)
        assert kin_cases_unfiled() == []
        assert [one.pk for one in kin_register(text="王主任")] == [filing.pk]

    with at(office.county_review, DAY):
        complete_step(queries.open_step(case, "check"), acting_user=office.county_review)
    with at(office.town_review, DAY):
        complete_step(queries.open_step(case, "visit"), acting_user=office.town_review, people=[office.town_visit])
    collected(office, household, case, FACTS, DAY)
    with at(office.town_review, DAY):
        decisions.first_review(case, acting_user=office.town_review, result="pass", opinion="同意")
        decisions.post_notice(case, acting_user=office.town_review)
    after = days(DAY, 8)
    with at(office.town_review, after):
        decisions.close_notice(case, acting_user=office.town_review)
        # The township's visit is not the county's.
        assert kin.county_visit_of(case) is None
    county_visits(office, case, after)
    with at(office.county_confirm, after):
        step = queries.open_step(case, "county_visit")
        assert (step.state, step.data["conclusion"]) == ("done", "true")
        decisions.confirm(case, acting_user=office.county_confirm, opinion="同意")
        assert KinFiling.objects.get().state == "decided"


def test_tekun_has_no_such_step_and_is_held_all_the_same(office):
    household = family(VILLAGE, names=("欧阳建",))
    with at(office.town_accept, DAY):
        case = accept_application(
            acting_user=office.town_accept, household=household, programme="tekun", declares_kin=True
        ).case
        assert "county_visit" not in {step.id for step in case.procedure.steps}
        with pytest.raises(KinVisitMissingError):
            kin.require_county_visit(case)
    record = county_visits(office, case, DAY)
    with at(office.town_accept, DAY):
        kin.require_county_visit(case)
        assert kin.county_visit_of(case) == record


def test_the_register_is_closed_to_others_and_to_the_relative_himself(office, make_user):
    household = family(VILLAGE)
    clerk = office.town_accept
    with at(clerk, DAY):
        case = accept_application(acting_user=clerk, household=household, programme="dibao").case
    hand = office.town_review
    with at(hand, DAY):
        file_kin(acting_user=hand, user=hand, id_indexes=[bytes(household.head.id_index)], relation="配偶")
    with at(clerk, DAY):
        (filing,) = kin.match_kin(case, acting_user=clerk)
    with at(hand, DAY), pytest.raises(DutySeparationError, match="近亲属"):
        kin.file_kin(filing, acting_user=hand)
    stranger = Office("420803001001", make_user).town_review
    with at(stranger, DAY), pytest.raises(NotFoundError):
        kin.file_kin(filing, acting_user=stranger)
