"""Three families whose cases are under way in September 2017, so that the desks of the workbench are not empty."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

from django.db import transaction

from tuodi.cases import actions as cases
from tuodi.cases import queries as case_queries
from tuodi.cases.models import Case
from tuodi.decisions import actions as decisions
from tuodi.demo.staff import FAMILY_VILLAGE, user
from tuodi.intake.application_actions import accept_application
from tuodi.kernel import clock
from tuodi.kernel.identity import make_id
from tuodi.kernel.places import pad12
from tuodi.org.access import scope, system_scope
from tuodi.people import actions as people
from tuodi.people.models import Household
from tuodi.verification import actions as verification

__all__ = ["tell_waiting"]

_FAMILIES = (("仇德福", date(1955, 2, 3), 41), ("单素芳", date(1949, 8, 17), 52), ("曾繁荣", date(1972, 12, 1), 63))
_START = date(2017, 9, 1)


def _household(name: str, birth: date, sequence: int) -> Household:
    region = pad12(FAMILY_VILLAGE)
    with clock.frozen(_START), system_scope(FAMILY_VILLAGE):
        head = people.register_person(
            acting_user=None, region=region, name=name, id_text=make_id("420899", birth, sequence), is_demo=True
        )
        return people.form_household(
            acting_user=None, region=region, head=head, area_kind="urban", on=date(2012, 1, 1), members=[], is_demo=True
        )


def tell_waiting(tell: Callable[[str], None]) -> None:
    """Accepts three applications and takes them to different steps, once."""
    with system_scope(FAMILY_VILLAGE):
        if Case.objects.filter(applicant__name=_FAMILIES[0][0]).exists():
            tell("  在办案件三件，见工作台")
            return
    with transaction.atomic():
        for far, family in enumerate(_FAMILIES):
            case = _accepted(_household(*family), _START + timedelta(far + 3))
            if far >= 1:
                _visited(case, _START + timedelta(5))
            if far >= 2:
                _noticed(case, _START + timedelta(7))
            tell(f"  {family[0]}：{case.no}，{('等区里核对', '等民主评议', '正在公示')[far]}")


def _accepted(household: Household, day: date) -> Case:
    clerk = user("jiedao-sl")
    with clock.frozen(day), scope(clerk):
        accepted = accept_application(
            acting_user=clerk, household=household, programme="dibao", materials={"身份证": True}
        )
        return accepted.case


def _visited(case: Case, day: date) -> None:
    checker, visitor = user("dongbao-hd"), user("jiedao-sh")
    with clock.frozen(day), scope(checker):
        cases.complete_step(case_queries.open_step(case, "check"), acting_user=checker, opinion="各部门答复齐")
    with clock.frozen(day + timedelta(1)), scope(visitor):
        step = case_queries.open_step(case, "visit")
        cases.complete_step(step, acting_user=visitor, opinion="独居，收入属实", people=[user("jiedao-rh")])


def _noticed(case: Case, day: date) -> None:
    officer = user("jiedao-sh")
    with clock.frozen(day), scope(officer):
        meeting = case_queries.open_step(case, "meeting")
        cases.complete_step(meeting, acting_user=officer, result="agreed", opinion="9 人参加，居民代表 7 人，同意")
        draft = verification.start_fact_set(acting_user=officer, household=case.household, case=case)
        verification.enter_facts(draft, acting_user=officer, household={"income_year": "2400.00", "assets_ok": True})
        verification.freeze(draft, acting_user=officer)
        decisions.first_review(case, acting_user=officer, result="pass", opinion="符合条件，同意上报")
        decisions.post_notice(case, acting_user=officer, phone="0724-0000000")
