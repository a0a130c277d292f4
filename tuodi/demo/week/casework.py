"""低保申请 in every step of 民发〔2012〕220号: accepted, checked, visited, discussed, posted, objected to, granted, refused."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from tuodi.cases import actions as cases
from tuodi.cases import notice_actions
from tuodi.cases.models import Case, Notice, Step
from tuodi.decisions import actions as decisions
from tuodi.decisions.models import Determination
from tuodi.decisions.roll import put_on_roll
from tuodi.demo.week.cast import DESKS, Desk, acting, moment, open_account, settle, staff
from tuodi.demo.week.door import PAPERS
from tuodi.intake.application_actions import Agent, accept_application
from tuodi.kernel import clock
from tuodi.org.access import system_scope
from tuodi.policy.procedure import Does
from tuodi.verification import actions as verification

__all__ = ["Application", "apply_for", "in_every_step", "objections", "refusals", "travel", "weekday"]

#: Working days between the deeds of one case.
_PACE = {
    Does.CHECK: 1, Does.VISIT: 2, Does.MEETING: 2, Does.REVIEW: 1, Does.NOTICE: 1, Does.RECORD: 1, Does.CONFIRM: 1,
    Does.INFORM: 1, Does.FILE: 2,
}  # fmt: skip


@dataclass(frozen=True)
class Application:
    """One application for dibao.

    Attributes:
        until: Name of the step it has come to; a `+` behind a notice: it hangs. Empty = all is done.
        income: Of the family, a year, in yuan.
    """

    desk: int
    number: int
    size: int
    start: date
    until: str
    income: int = 2400
    result: str = "pass"
    agent: bool = False


_D = date
_STEPS = (
    # Waiting for the county's check.
    Application(0, 1, 2, _D(2017, 9, 8), "check"),
    Application(2, 2, 1, _D(2017, 9, 7), "check"),
    # For the visit: ten working days from acceptance, so one is late, one due in a day.
    Application(0, 4, 2, _D(2017, 8, 22), "visit"),
    Application(3, 5, 1, _D(2017, 8, 29), "visit"),
    Application(6, 6, 2, _D(2017, 9, 5), "visit"),
    Application(1, 7, 3, _D(2017, 9, 4), "visit", agent=True),
    # For the village's discussion.
    Application(0, 8, 2, _D(2017, 8, 24), "meeting"),
    Application(7, 9, 1, _D(2017, 9, 1), "meeting"),
    # For the township's opinion.
    Application(0, 11, 3, _D(2017, 8, 29), "first_review"),
    Application(8, 12, 1, _D(2017, 8, 31), "first_review"),
    # First notice: to be posted, hanging, over.
    Application(2, 13, 2, _D(2017, 8, 30), "notice_review"),
    Application(0, 14, 2, _D(2017, 8, 28), "notice_review+"),
    Application(0, 15, 1, _D(2017, 8, 30), "notice_review+"),
    Application(1, 16, 3, _D(2017, 8, 28), "notice_review+"),
    Application(7, 17, 2, _D(2017, 8, 21), "notice_review+"),
    # At the county.
    Application(0, 18, 2, _D(2017, 8, 17), "county_review"),
    Application(5, 19, 1, _D(2017, 8, 8), "county_review"),
    # Second notice.
    Application(0, 21, 3, _D(2017, 8, 14), "notice_approval+"),
    Application(1, 22, 2, _D(2017, 8, 14), "notice_approval+"),
    # To be decided, decided, filed.
    Application(0, 24, 2, _D(2017, 8, 4), "confirm"),
    Application(7, 25, 1, _D(2017, 8, 7), "confirm"),
    Application(1, 26, 2, _D(2017, 8, 7), "filing"),
    Application(1, 27, 1, _D(2017, 8, 3), ""),
    Application(0, 28, 3, _D(2017, 8, 8), ""),
    Application(0, 29, 1, _D(2017, 8, 9), ""),
    Application(2, 30, 2, _D(2017, 8, 8), ""),
)


def weekday(day: date) -> date:
    """The day, or the Monday after a weekend."""
    return day + timedelta(max(0, 7 - day.weekday())) if day.weekday() >= 5 else day


def apply_for(one: Application, *, reason: str = "患病，缺少劳动力") -> Case:
    """Registers the family and accepts its application."""
    desk = DESKS[one.desk]
    when = moment(one.start, 9 + one.number % 7, one.number * 13 % 60)
    home = settle(desk, one.number, one.size, when)
    with acting(desk.accept, when) as clerk:
        return accept_application(
            acting_user=clerk, household=home, programme="dibao", reason=reason,
            materials=dict.fromkeys(PAPERS, True),
            agent=Agent("网格员代办", "村（社区）干部", has_mandate=True) if one.agent else None,
        ).case  # fmt: skip


def travel(case: Case, one: Application) -> date:
    """Takes a case on, step by step by whose duty each is, until where it is to wait. Returns the day of the last deed."""
    day = one.start
    while (step := _open(case)) is not None and step.name != one.until:
        day = _do(case, step, DESKS[one.desk], day, one)
        if f"{step.name}+" == one.until:
            break
    return day


def _open(case: Case) -> Step | None:
    with system_scope(case.region[:6]):
        return case.steps.filter(state="open").order_by("position", "id").first()


def _do(case: Case, step: Step, desk: Desk, day: date, one: Application) -> date:
    day = weekday(day + timedelta(_PACE[step.kind]))
    town = step.by_level == "TOWN"
    if step.kind == Does.NOTICE:
        return _notice(case, step, desk, day, one)
    who = {
        Does.CHECK: f"{desk.tag}-hd", Does.RECORD: f"{desk.tag}-hd", Does.CONFIRM: desk.confirm, Does.FILE: f"{desk.tag}-ba",
    }.get(step.kind, desk.review if town else f"{desk.tag}-hd")  # fmt: skip
    with acting(who, moment(day, 10, one.number % 60)) as officer:
        if step.kind == Does.VISIT:
            cases.complete_step(step, acting_user=officer, opinion="住房简陋，收入属实", people=[staff(desk.visit)])
            draft = verification.start_fact_set(acting_user=officer, household=case.household, case=case)
            facts = {"income_year": f"{one.income}.00", "assets_ok": True}
            verification.enter_facts(draft, acting_user=officer, household=facts)
            verification.freeze(draft, acting_user=officer)
        elif step.kind == Does.MEETING:
            said = "10 人参加，居民代表 7 人，同意" if one.result == "pass" else "10 人参加，居民代表 7 人，多数不同意"
            result = "agreed" if one.result == "pass" else "disputed"
            cases.complete_step(step, acting_user=officer, result=result, opinion=said)
        elif step.kind == Does.REVIEW:
            said = "符合条件，同意上报" if one.result == "pass" else "人均收入高于标准，不同意上报"
            decisions.first_review(case, acting_user=officer, result=one.result, opinion=said)
        elif step.kind == Does.CONFIRM:
            _decide(case, officer, desk, one)
        elif step.kind == Does.INFORM:
            decisions.inform(case, acting_user=officer, how="当面送达，申请人签收")
        elif step.kind == Does.FILE:
            decisions.file_record(case, acting_user=officer, opinion="备案")
        else:
            cases.complete_step(step, acting_user=officer, opinion="材料齐全，情况属实")
    return day


def _notice(case: Case, step: Step, desk: Desk, day: date, one: Application) -> date:
    who = desk.review if step.duty == "review" else desk.confirm
    with acting(who, moment(day, 15)) as officer:
        notice = decisions.post_notice(case, acting_user=officer, phone="0724-0000000")
    if f"{step.name}+" == one.until:
        return day
    assert notice.last_day is not None
    after = weekday(notice.last_day + timedelta(1))
    with acting(who, moment(after)) as officer:
        decisions.close_notice(case, acting_user=officer, opinion="无异议")
    return after


def _decide(case: Case, officer: Any, desk: Desk, one: Application) -> Determination:
    if one.result != "pass":
        (row,) = decisions.refuse(
            case, acting_user=officer, reasons="家庭月人均收入高于当地最低生活保障标准，不符合条件"
        )
        return row
    (row,) = decisions.confirm(case, acting_user=officer, opinion="同意")
    account = open_account(officer, case.applicant, one.number)
    put_on_roll(row, acting_user=officer, account=account)
    return row


def in_every_step() -> tuple[str, dict[str, Any]]:
    """Applications over all counters, waiting in all steps; some in time, some late, some done."""
    kept = {}
    for one in _STEPS:
        case = apply_for(one)
        travel(case, one)
        kept[str(one.number)] = case.pk
    return f"低保申请 {len(_STEPS)} 件，从受理到备案各环节都有", {
        "cases": kept,
        "granted": [kept[str(one.number)] for one in _STEPS if not one.until],
    }


_REFUSED = (
    Application(0, 41, 2, _D(2017, 8, 1), "", 21600, "refuse"),
    Application(1, 42, 1, _D(2017, 8, 7), "", 19200, "refuse"),
    Application(7, 43, 2, _D(2017, 8, 8), "", 26400, "refuse"),
    Application(5, 44, 1, _D(2017, 8, 22), "", 15600, "refuse"),
    Application(0, 45, 1, _D(2017, 8, 25), "inform", 18000, "refuse"),
)


def refusals() -> tuple[str, dict[str, Any]]:
    """Families refused in writing, for appeals to stand on; of one the letter is not delivered yet."""
    kept = {}
    for one in _REFUSED:
        case = apply_for(one, reason="收入下降")
        travel(case, one)
        kept[str(one.number)] = case.pk
    return f"不予批准 {len(_REFUSED)} 件，书面告知理由和救济途径", {"cases": kept}


_OBJECTED = (
    Application(0, 51, 2, _D(2017, 8, 18), "notice_review+"),
    Application(2, 52, 1, _D(2017, 8, 29), "notice_review+"),
    Application(7, 53, 2, _D(2017, 8, 28), "notice_review+"),
)


def objections() -> tuple[str, dict[str, Any]]:
    """Objections to public notices: one that reopened its case, one taken up, one dismissed, two that wait."""
    reopened, taken, waiting = (_posted(one) for one in _OBJECTED)
    with system_scope("4208"):
        first, second, third = (_hanging(case) for case in (reopened, taken, waiting))
    _object(first, _D(2017, 8, 29), "他家儿子在城里有工资收入，没有申报", "邻居")
    desk = DESKS[0]
    with acting(desk.review, _D(2017, 8, 30)) as officer:
        objection = first.objections.get()
        notice_actions.take_up_objection(objection, acting_user=officer)
        decisions.close_notice(reopened, acting_user=officer, opinion="有异议，重新调查")
        notice_actions.answer_objection(objection, "已受理并重新调查，结果重新公示", upheld=True, acting_user=officer)
    _object(second, _D(2017, 9, 8), "户主长期不在本村居住")
    with acting(DESKS[2].review, _D(2017, 9, 11)) as officer:
        notice_actions.take_up_objection(second.objections.get(), acting_user=officer)
    _object(third, _D(2017, 9, 7), "他为人不好")
    with acting(DESKS[7].review, _D(2017, 9, 8)) as officer:
        notice_actions.dismiss_objection(
            third.objections.get(), "没有写明与经济状况有关的事实，不予受理", acting_user=officer
        )
    _object(third, _D(2017, 9, 11), "听说他家去年买了货车", "知情村民")
    _object(second, _D(2017, 9, 11), "他家田地租出去了，有租金")
    return "公示异议 5 条：一条属实、退回重新评议，一条受理，一条不予受理，两条待处理", {
        "cases": {str(one.number): case.pk for one, case in zip(_OBJECTED, (reopened, taken, waiting), strict=True)}
    }


def _posted(one: Application) -> Case:
    case = apply_for(one)
    travel(case, one)
    return case


def _hanging(case: Case) -> Notice:
    return Notice.objects.select_related("case", "step").filter(case=case, result="").latest("pk")


def _object(notice: Notice, day: date, text: str, name: str = "") -> None:
    with clock.frozen(moment(day, 20, 15)), system_scope(notice.region[:6]):
        notice_actions.receive_objection(notice, text=text, from_name=name)
