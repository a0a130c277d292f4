"""Verbs of the room: open a case, do its steps, post and close notices, take objections, end it.

Each keeps five beats: access, state, changed fields, audit row, message after commit (the rooms above hang theirs on
`transaction.on_commit`; nothing here sends anything yet). Rooms above call `complete_step` with what they found out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from django.db import transaction

from tuodi.audit.actions import record
from tuodi.cases import engine, roads
from tuodi.cases.calendar import Due, due, notice_end
from tuodi.cases.errors import (
    MoveRefusedError,
    NoticeRunningError,
    StepInputError,
    StepNotOpenError,
)
from tuodi.cases.guard import bar_kin, check_hand, check_step, logs_blocks
from tuodi.cases.models import Case, CaseBar, Notice, NoticeBoard, NoticeObjection, StaffKin, Step
from tuodi.cases.notice_content import check as check_content
from tuodi.cases.procedures import procedure_for
from tuodi.cases.series import next_no
from tuodi.cases.states import CASE_MOVES, CaseState, Decision, StepState, move
from tuodi.kernel import clock
from tuodi.org import access
from tuodi.org.errors import NotFoundError
from tuodi.org.models import User
from tuodi.people.models import Household, Person
from tuodi.policy.procedure import Does

__all__ = [
    "add_mark",
    "add_mark_for_objection",
    "close_notice",
    "complete_step",
    "decide_case",
    "end_case",
    "file_kin",
    "lock",
    "object_to_notice",
    "open_case",
    "post_notice",
    "reply_due",
    "skip_step",
    "start_step",
]


def lock(case: Case) -> Case:
    """The case's row as it is now, locked until the transaction ends. NotFoundError outside the present scope."""
    found = Case.objects.select_for_update().filter(pk=case.pk).first()
    if found is None:
        raise NotFoundError("案件")
    return found


def _audit(action: str, actor: User, case: Case, step: Step | None = None, **after: Any) -> None:
    record(
        f"cases.{action}",
        actor=actor,
        subject_type="step" if step else "case",
        subject_id=step.pk if step else case.pk,
        region=case.region,
        case_no=case.no,
        after={**(step.summary() if step else {"state": case.state}), **after},
    )


@logs_blocks
def open_case(
    *,
    acting_user: User,
    household: Household,
    applicant: Person,
    programme: str,
    kind: str = Case.Kind.APPLICATION,
    marks: Iterable[str] = (),
    member_indexes: Iterable[bytes] = (),
    agent_index: bytes | None = None,
    agent_user: User | None = None,
    opinion: str = "",
) -> Case:
    """Opens a case under the procedure in force today, with its acceptance done by the acting user.

    Args:
        household: Its region is the case's.
        marks: Circumstances known at acceptance.
        member_indexes, agent_index: Blind indexes of numbers, to bar staff who are family, kin or agent.
        agent_user: The member of staff who brings the case for the family (代办), barred from every step.

    Raises:
        NoProcedureError, NotFoundError, WrongLevelError, AccessDeniedError, DutySeparationError.
    """
    region, today = household.region, clock.today()
    text = procedure_for(region, programme, today)
    known = dict(text.marks)
    strange = [mark for mark in marks if mark not in known]
    if strange:
        raise StepInputError("受理", "情形", f"“{strange[0]}”不认识，可用：{'、'.join(known)}")
    case = engine.new_case(household, applicant, programme, kind=kind, text=text, marks=marks)
    bars = bar_kin(case, indexes=member_indexes, agent_index=agent_index)
    if agent_user is not None:
        CaseBar.objects.get_or_create(case=case, user=agent_user, reason="agent", defaults={"region": region})
    if any(bar.reason in ("self", "kin") for bar in bars) and "kin" in known:
        case.marks = sorted({*case.marks, "kin"})
        case.save(update_fields=["marks"])
    engine.make_steps(case)
    engine.advance(case)
    first = case.steps.get(does=Does.ACCEPT)
    check_step(first, acting_user)
    _finish(case, first, acting_user, result="accepted", opinion=opinion)
    engine.advance(case)
    _audit("open_case", acting_user, case, procedure=text.key, procedure_hash=text.hash, programme=programme)
    return case


def _finish(
    case: Case,
    step: Step,
    user: User,
    *,
    result: str,
    opinion: str,
    data: Mapping[str, Any] | None = None,
    people: Sequence[User] = (),
    completed_on: date | None = None,
) -> None:
    step.state = StepState.DONE
    step.done_at = clock.now()
    step.completed_on = completed_on or clock.today()
    step.started_on = step.started_on or step.completed_on
    step.done_by = user
    step.done_for = access.lender_of(user, step.duty, step.region)
    step.with_ids = [other.pk for other in people]
    step.result, step.opinion, step.data = result, opinion.strip(), dict(data or {})
    step.case = case
    step.save()


@logs_blocks
def start_step(step: Step, *, acting_user: User) -> Step:
    """Notes that work on an open step has begun (核对发起、入户启动), for limits on beginning."""
    case = lock(step.case)
    step = case.steps.get(pk=step.pk)
    check_step(step, acting_user)
    if step.started_on is None:
        step.started_on = clock.today()
        step.save(update_fields=["started_on"])
        _audit("start_step", acting_user, case, step)
    return step


#: Results a kind of step may have; empty = free.
RESULTS: Mapping[str, tuple[str, ...]] = {
    Does.REVIEW: ("pass", "refuse"),
    Does.CONFIRM: ("passed", "refused"),
    Does.MEETING: ("agreed", "disputed"),
}
#: Steps with verbs of their own.
_OWN_VERB = (Does.ACCEPT, Does.NOTICE, Does.CONFIRM)


@logs_blocks
def complete_step(
    step: Step,
    *,
    acting_user: User,
    result: str = "done",
    opinion: str = "",
    data: Mapping[str, Any] | None = None,
    people: Sequence[User] = (),
) -> Step:
    """Marks an open step as done and opens what follows.

    Args:
        result: Checked against RESULTS for its kind.
        opinion: Text kept with the step; required for reviews and meetings.
        people: Others who did it together (second investigator); as many as the text asks for.

    Raises:
        NotFoundError, WrongLevelError, AccessDeniedError, DutySeparationError, StepNotOpenError, StepInputError; what
        the room that prescribes a road for the kind raises (see `cases.roads`).
    """
    case = lock(step.case)
    step = case.steps.get(pk=step.pk)
    step.case = case
    check_step(step, acting_user, people=people)
    if step.kind in _OWN_VERB:
        raise StepInputError(step.label, "办理方式", "不是普通步骤，请用对应的受理、公示或确认操作。")
    allowed = RESULTS.get(step.kind, ())
    if allowed and result not in allowed:
        raise StepInputError(step.label, "结果", f"是“{result}”，只能是 {'、'.join(allowed)}。")
    if step.kind in (Does.REVIEW, Does.MEETING) and not opinion.strip():
        raise StepInputError(step.label, "意见", "没有填写，请写明理由。")
    need = case.procedure.step(step.name).people
    if 1 + len({other.pk for other in people} - {acting_user.pk}) < need:
        raise StepInputError(step.label, "人数", f"不足，须由不少于 {need} 人共同办理，请填写共同办理人。")
    data = roads.follow(step, data or {})
    _finish(case, step, acting_user, result=result, opinion=opinion, data=data, people=people)
    engine.advance(case)
    _audit("complete_step", acting_user, case, step, with_ids=step.with_ids)
    return step


@logs_blocks
def skip_step(step: Step, *, acting_user: User, reason: str) -> Step:
    """Leaves out an optional step, with a reason.

    Raises:
        StepInputError: The text does not allow it, or no reason is given.
    """
    case = lock(step.case)
    step = case.steps.get(pk=step.pk)
    step.case = case
    check_step(step, acting_user)
    if not case.procedure.step(step.name).optional:
        raise StepInputError(step.label, "办理方式", "不能省略：程序没有规定它可以不办。")
    if not reason.strip():
        raise StepInputError(step.label, "省略理由", "没有填写。")
    step.state, step.opinion, step.done_at = StepState.SKIPPED, reason.strip(), clock.now()
    step.save(update_fields=["state", "opinion", "done_at"])
    engine.advance(case)
    _audit("skip_step", acting_user, case, step, reason=reason.strip())
    return step


@logs_blocks
def decide_case(
    step: Step,
    *,
    acting_user: User,
    decision: str,
    opinion: str,
    data: Mapping[str, Any] | None = None,
) -> Case:
    """Does the confirmation step and sets the case's decision. Called by the room `decisions`, which made the grounds.

    Args:
        decision: ``passed`` or ``refused``.
    """
    case = lock(step.case)
    step = case.steps.get(pk=step.pk)
    step.case = case
    check_step(step, acting_user)
    if step.kind is not Does.CONFIRM:
        raise StepInputError(step.label, "办理方式", "不是确认步骤。")
    if decision not in RESULTS[Does.CONFIRM]:
        raise StepInputError(step.label, "结果", f"是“{decision}”，只能是 {'、'.join(RESULTS[Does.CONFIRM])}。")
    after = CaseState.CONFIRMED if decision == Decision.PASSED else CaseState.REFUSED
    move(f"案件 {case.no} ", CASE_MOVES, case.state, after)
    case.state, case.decision, case.decided_on = after, decision, clock.today()
    case.save(update_fields=["state", "decision", "decided_on"])
    _finish(case, step, acting_user, result=decision, opinion=opinion, data=data)
    engine.advance(case)
    _audit("decide_case", acting_user, case, step, decision=decision)
    return case


@logs_blocks
def post_notice(step: Step, *, acting_user: User, content: Mapping[str, Any]) -> Notice:
    """Posts the public notice of an open notice step; what it shows is frozen.

    A publication (结果公布) is done as soon as it is posted; a notice is closed by `close_notice` after its last day.

    Args:
        content: Values by the names the procedure allows.

    Raises:
        NoticeContentError: Something the procedure does not list.
    """
    case = lock(step.case)
    step = case.steps.get(pk=step.pk)
    step.case = case
    check_step(step, acting_user)
    text = case.procedure.step(step.name).notice
    if text is None:
        raise StepInputError(step.label, "办理方式", "不是公示步骤。")
    if Notice.objects.filter(step=step).exists():
        raise StepNotOpenError(case.no, step.label, "已张贴，公示中")
    content = check_content(case, text, content, step.label)
    today = clock.today()
    end = notice_end(today, text.days, roll=text.roll)
    notice = Notice.objects.create(
        case=case,
        step=step,
        region=case.region,
        no=next_no("notice", case.region, today),
        stage=text.stage,
        posted_on=today,
        days=text.days,
        last_day=end.on if text.days else None,
        last_day_pending=end.pending,
        roll=text.roll,
        where=list(text.where),
        content=content,
        posted_by=acting_user,
    )
    NoticeBoard.objects.get_or_create(place_code=case.region, defaults={"opened_at": clock.now()})
    step.started_on = today
    step.due_on, step.due_pending = notice.last_day, notice.last_day_pending
    step.save(update_fields=["started_on", "due_on", "due_pending"])
    if case.procedure.stop_in_notice:
        engine.set_total_due(case)
        case.save(update_fields=["due_on", "due_pending", "due_note"])
    if step.kind is Does.PUBLISH:
        _finish(case, step, acting_user, result="posted", opinion="", data={"notice": notice.no})
        engine.advance(case)
    _audit("post_notice", acting_user, case, step, notice=notice.no, last_day=notice.last_day)
    return notice


@logs_blocks
def object_to_notice(notice: Notice, *, acting_user: User, text: str, from_name: str = "") -> NoticeObjection:
    """Takes down an objection while the notice hangs. Any officer with the step's duty may receive it.

    Raises:
        StepInputError: No text; or the notice has ended.
    """
    case = lock(notice.case)
    notice = Notice.objects.select_for_update().get(pk=notice.pk)
    step = case.steps.get(pk=notice.step_id)
    step.case = case
    check_step(step, acting_user)
    if not text.strip():
        raise StepInputError(step.label, "异议内容", "没有填写。")
    if notice.last_day and clock.today() > notice.last_day:
        raise StepInputError(step.label, "异议", f"已过公示期（{notice.last_day}），请按投诉举报登记。")
    end = reply_due(case, step.name)
    objection = NoticeObjection.objects.create(
        notice=notice,
        region=case.region,
        received_on=clock.today(),
        from_name=from_name.strip(),
        text=text.strip(),
        received_by=acting_user,
        reply_due_on=end.on,
        reply_due_pending=end.pending,
    )
    _mark(case, "objection")
    _audit("object_to_notice", acting_user, case, step, notice=notice.no, reply_due_on=end.on)
    return objection


def reply_due(case: Case, step_name: str) -> Due:
    """By when an objection that is taken up today must be dealt with."""
    rule = case.procedure.step(step_name).objection
    return due(rule.limit if rule else None, clock.today())


@logs_blocks
def close_notice(notice: Notice, *, acting_user: User, opinion: str = "") -> Notice:
    """Ends a notice after its last day: without objection the case goes on, with one the work begins again.

    A notice with an objection may be closed before its last day, because the objection already decides its fate.

    Raises:
        NoticeRunningError: Its last day is not over, and nobody objected.
    """
    case = lock(notice.case)
    notice = Notice.objects.select_for_update().get(pk=notice.pk)
    step = case.steps.get(pk=notice.step_id)
    step.case = case
    check_step(step, acting_user)
    if notice.objections.filter(state=NoticeObjection.State.NEW).exists():
        raise StepInputError(step.label, "异议", "还有没有处理的。请先在公示页面逐条受理或者不予受理，再结束公示。")
    objected = notice.objections.filter(state=NoticeObjection.State.TAKEN).exists()
    today = clock.today()
    if not objected and (notice.last_day is None or today <= notice.last_day):
        raise NoticeRunningError(notice.last_day)
    notice.result = Notice.Result.OBJECTED if objected else Notice.Result.CLEAR
    notice.closed_at, notice.closed_by = clock.now(), acting_user
    notice.taken_down_on = notice.taken_down_on or today
    notice.save(update_fields=["result", "closed_at", "closed_by", "taken_down_on"])
    last = notice.last_day if notice.last_day and notice.last_day <= today else today
    _finish(
        case, step, acting_user, result=notice.result, opinion=opinion, data={"notice": notice.no}, completed_on=last
    )
    if objected:
        rule = case.procedure.step(step.name).objection
        if rule is not None:
            engine.reopen_from(case, rule.back_to, skip=() if rule.new_notice else (step.name,))
    engine.advance(case)
    _audit("close_notice", acting_user, case, step, notice=notice.no)
    return notice


def _mark(case: Case, mark: str) -> None:
    if mark in case.marks:
        return
    case.marks = sorted({*case.marks, mark})
    engine.set_total_due(case)
    case.save(update_fields=["marks", "due_on", "due_pending", "due_note"])
    text = case.procedure
    # A step that was left out for want of this mark comes back, as long as the decision has not been made.
    for row in engine.latest(case).values():
        step = text.step(row.name)
        if case.is_running and row.state == StepState.SKIPPED and mark in step.when and row.done_at is None:
            row.state, row.due_note = StepState.WAITING, ""
            row.save(update_fields=["state", "due_note"])
            for later in engine.latest(case).values():
                if later.state == StepState.OPEN and row.name in text.step(later.name).after:
                    later.state = StepState.WAITING
                    later.save(update_fields=["state"])


def add_mark_for_objection(case: Case) -> None:
    """What a taken-up objection does to its case; called with the case locked."""
    _mark(case, "objection")


def add_mark(case: Case, mark: str, *, acting_user: User, reason: str) -> Case:
    """Sets a circumstance (人户分离、被投诉 …), which may lengthen the total limit and bring a step back.

    Any officer who may do one of the case's open steps may set it.

    Raises:
        StepInputError: An unknown mark, or no reason. MoveRefusedError: The case is decided.
    """
    with transaction.atomic():
        case = lock(case)
        if not access.in_scope(acting_user, case.region):
            raise NotFoundError("案件")
        access.require(acting_user, "review", case.region)
        check_hand(case, acting_user, None)
        known = dict(case.procedure.marks)
        if mark not in known or mark == "delegated":
            raise StepInputError(
                "情形登记", "情形", f"“{mark}”不认识，可用：{'、'.join(m for m in known if m != 'delegated')}"
            )
        if not reason.strip():
            raise StepInputError("情形登记", "说明", "没有填写。")
        if not case.is_running:
            raise MoveRefusedError(f"案件 {case.no} ", case.get_state_display(), "登记情形")
        _mark(case, mark)
        engine.advance(case)
        _audit("add_mark", acting_user, case, None, mark=mark, reason=reason.strip())
        return case


def end_case(case: Case, *, acting_user: User, reason: str) -> Case:
    """Ends a case without a decision: withdrawn, or no co-operation ([57] art 29).

    Done by the duty that reviews, in the case's range; open steps become void.
    """
    with transaction.atomic():
        case = lock(case)
        access.require(acting_user, "review", case.region)
        check_hand(case, acting_user, None)
        if not reason.strip():
            raise StepInputError("终止办理", "原因", "没有填写，请写明撤回或不配合的情况。")
        move(f"案件 {case.no} ", CASE_MOVES, case.state, CaseState.ENDED)
        case.state, case.closed_on, case.end_reason = CaseState.ENDED, clock.today(), reason.strip()
        case.save(update_fields=["state", "closed_on", "end_reason"])
        case.steps.filter(state__in=[StepState.OPEN, StepState.WAITING]).update(state=StepState.VOID)
        _audit("end_case", acting_user, case, None, reason=reason.strip())
        return case


def file_kin(*, acting_user: User | None, user: User, id_indexes: Iterable[bytes], relation: str) -> list[StaffKin]:
    """Files a member of staff's own number (`self`) or a near relative's, by index. Filed by himself or a manager."""
    if acting_user is not None and acting_user.pk != user.pk:
        access.require(acting_user, "sysadmin", user.office.place_code.ljust(12, "0"))
    rows = [
        StaffKin.objects.get_or_create(
            user=user, id_index=index, defaults={"relation": relation, "filed_on": clock.today()}
        )[0]
        for index in id_indexes
    ]
    record(
        "cases.file_kin",
        actor=acting_user,
        subject_type="user",
        subject_id=user.pk,
        region=user.office.place_code.ljust(12, "0"),
        after={"relation": relation, "count": len(rows)},
    )
    return rows
