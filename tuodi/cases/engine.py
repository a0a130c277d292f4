"""The procedure engine: which steps of a case are open, and when they are due.

It reads the text frozen in the case's row and the case's step rows, nothing else. It decides no matter of fact:
actions tell it that a step was done and with what result.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date

from django.db.models import Q

from tuodi.cases.calendar import Due, calendar, due, notice_end
from tuodi.cases.models import Case, Notice, NoticeObjection, Step
from tuodi.cases.series import next_no
from tuodi.cases.states import CASE_MOVES, STEP_MOVES, CaseState, StepState, move
from tuodi.kernel import clock
from tuodi.kernel.workdays import Unit, UnknownYearError
from tuodi.people.models import Household, Person
from tuodi.policy.procedure import Does, Limit, Procedure
from tuodi.policy.procedure import Step as StepText

__all__ = [
    "advance",
    "compute_due",
    "latest",
    "make_steps",
    "new_case",
    "recompute_pending",
    "reopen_from",
    "waits_for",
]

#: The phase a case is in while a step of this kind is the first open one.
_PHASE = {
    Does.ACCEPT: CaseState.ACCEPTED,
    Does.CHECK: CaseState.INVESTIGATING,
    Does.VISIT: CaseState.INVESTIGATING,
    Does.ASSESS: CaseState.INVESTIGATING,
    Does.MEETING: CaseState.REVIEWING,
    Does.REVIEW: CaseState.REVIEWING,
    Does.RECORD: CaseState.REVIEWING,
    Does.NOTICE: CaseState.NOTICE,
    Does.CONFIRM: CaseState.CONFIRMING,
}
_OVER = (StepState.DONE, StepState.SKIPPED)


def new_case(
    household: Household, applicant: Person, programme: str, *, kind: str, text: Procedure, marks: Iterable[str]
) -> Case:
    """The saved row of a case that begins today under a text, numbered, with the deadline of the whole; no step yet."""
    today = clock.today()
    case = Case(
        region=household.region,
        no=next_no("case", household.region, today),
        kind=kind,
        programme=programme,
        household=household,
        applicant=applicant,
        accepted_on=today,
        procedure_key=text.key,
        procedure_hash=text.hash,
        procedure_text=text.to_json(),
        marks=sorted({*marks, *(("delegated",) if text.approver == "TOWN" else ())}),
    )
    set_total_due(case)
    case.save()
    return case


def make_steps(case: Case) -> list[Step]:
    """All steps of a new case, waiting. Nothing is open until `advance`."""
    rows = [_row(case, text, position, 1) for position, text in enumerate(case.procedure.steps, 1)]
    return Step.objects.bulk_create(rows)


def _row(case: Case, text: StepText, position: int, round_no: int) -> Step:
    return Step(
        case=case,
        region=case.region,
        name=text.id,
        label=text.label,
        position=position,
        round=round_no,
        does=text.does.value,
        by_level=text.by,
        duty=text.duty,
    )


def latest(case: Case) -> dict[str, Step]:
    """The row of each step's newest round, in the order of the text."""
    found: dict[str, Step] = {}
    for row in case.steps.order_by("position", "round"):
        found[row.name] = row
    return found


def waits_for(case: Case, step: Step, rows: dict[str, Step] | None = None) -> tuple[str, ...]:
    """Labels of the steps that must still be done before this one.

    Args:
        rows: What `latest` gave, where the caller has asked it.
    """
    rows = latest(case) if rows is None else rows
    names = case.procedure.step(step.name).after
    return tuple(rows[name].label for name in names if name in rows and rows[name].state not in _OVER)


def advance(case: Case) -> list[Step]:
    """Opens what has become possible, skips what does not apply, and moves the case's state.

    Args:
        case: Its row, locked by the caller.

    Returns:
        The steps that were opened by this call.
    """
    text = case.procedure
    opened: list[Step] = []
    moved = True
    while moved:  # skipping a step may open the next one
        moved = False
        rows = latest(case)
        for step in text.steps:
            row = rows[step.id]
            if row.state == StepState.WAITING and _ready(step, rows):
                if _applies(case, step) and not _moot(step, rows):
                    _open(case, step, row, rows)
                    opened.append(row)
                else:
                    _set(row, StepState.SKIPPED, note=_why_skipped(case, step))
                moved = True
    _move_case(case)
    return opened


def _ready(step: StepText, rows: dict[str, Step]) -> bool:
    return all(rows[name].state in _OVER for name in step.after)


def _applies(case: Case, step: StepText) -> bool:
    if step.when and not set(step.when) & set(case.marks):
        return False
    return not (step.only_if and case.decision != step.only_if)


def _moot(step: StepText, rows: dict[str, Step]) -> bool:
    """A notice of what would be granted has nothing to show where the review says that nothing should be."""
    return step.does is Does.NOTICE and any(row.kind is Does.REVIEW and row.result == "refuse" for row in rows.values())


def _why_skipped(case: Case, step: StepText) -> str:
    if step.does is Does.NOTICE:
        return "审核意见为不予确认，不公示"
    if step.only_if:
        return "决定结果不适用"
    labels = dict(case.procedure.marks)
    return f"没有以下情形：{'、'.join(labels[mark] for mark in step.when)}"


def _set(row: Step, state: StepState, *, note: str = "") -> None:
    move(f"步骤“{row.label}”", STEP_MOVES, row.state, state)
    row.state = state
    if note:
        row.due_note = note
    row.save(update_fields=["state", "due_note"])


def _open(case: Case, step: StepText, row: Step, rows: dict[str, Step]) -> None:
    move(f"步骤“{row.label}”", STEP_MOVES, row.state, StepState.OPEN)
    row.state = StepState.OPEN
    row.by_level = step.level(case.marks)
    # The day the last of the steps it waits for was completed; a notice counts by its last day, not by its closing.
    done = [rows[name].completed_on for name in step.after if rows[name].completed_on]
    row.opened_on = max((day for day in done if day), default=case.accepted_on)
    compute_due(case, step, row, rows)
    row.save(update_fields=["state", "by_level", "opened_on", "start_due_on", "due_on", "due_pending", "due_note"])


def compute_due(case: Case, step: StepText, row: Step, rows: dict[str, Step]) -> None:
    """Sets the deadlines of an open step (not saved)."""
    begin = step.start_limit(case.marks)
    row.start_due_on = _due(case, begin, _since(case, begin.since if begin else "", row, rows)).on
    limit = step.limit(case.marks)
    found = _due(case, limit, _since(case, limit.since if limit else "", row, rows))
    row.due_on, row.due_pending, row.due_note = found.on, found.pending, found.note[:200]


def _due(case: Case, limit: Limit | None, since: date, hung: Iterable[tuple[date, date]] = ()) -> Due:
    """A deadline with the days left out on which the clock stood still; none at all while papers are waited for.

    Args:
        hung: First and last days of notices that stop this clock too. A day that is stopped twice counts once.
    """
    if limit is None:
        return Due()
    spans = list(hung)
    if case.pk and case.procedure.stop_for_materials:
        for stop in case.stops.order_by("id"):
            if stop.answered_on is None:
                return Due(note=f"{stop.asked_on} 起等待补正材料，停止计时（{limit.text}，{limit.clause}）")
            spans.append((stop.asked_on, stop.answered_on))
    stopped, upto = 0, since
    for start, end in sorted(spans):
        stopped += _units(max(start, upto), end, limit)
        upto = max(upto, end)
    found = due(replace(limit, n=limit.n + stopped), since)
    return replace(found, note=f"{found.note}，含停算 {stopped}") if stopped else found


def _since(case: Case, name: str, row: Step, rows: dict[str, Step]) -> date:
    if name and name in rows:
        return rows[name].completed_on or row.opened_on or case.accepted_on
    return row.opened_on or case.accepted_on


def set_total_due(case: Case) -> None:
    """Sets the deadline of the whole by the case's marks (not saved).

    Where the region stops the clock during a notice, its days are added, in the limit's own unit.
    """
    limit = case.procedure.total_limit(case.marks)
    hung: list[tuple[date, date]] = []
    if case.procedure.stop_in_notice and case.pk:
        rows = case.notices.filter(days__gt=0, last_day__isnull=False)
        hung = list(rows.values_list("posted_on", "last_day"))
    found = _due(case, limit, case.accepted_on, hung)
    case.due_on, case.due_pending, case.due_note = found.on, found.pending, found.note[:200]


def _units(start: date, end: date, limit: Limit) -> int:
    """How many of a limit's units lie after one day up to another; limits in hours, months or years are not stopped."""
    if end <= start:
        return 0
    if limit.unit is Unit.DAY:
        return (end - start).days
    if limit.unit is not Unit.WORKDAY:
        return 0
    try:
        return calendar().workdays_between(start, end)
    except UnknownYearError:
        return 0  # the deadline itself runs into that year and is 待定


def _move_case(case: Case) -> None:
    rows = list(latest(case).values())
    open_rows = [row for row in rows if row.state == StepState.OPEN]
    if case.decision:
        left = [row for row in rows if row.state in (StepState.OPEN, StepState.WAITING)]
        after = CaseState.CONFIRMED if case.decision == "passed" else CaseState.REFUSED
        if not left:
            move(f"案件 {case.no} ", CASE_MOVES, case.state, after)
            case.state = after
            after = CaseState.CLOSED
    elif not open_rows:
        return
    else:
        first = open_rows[0]
        after = _PHASE.get(first.kind, CaseState.REVIEWING)
        if first.round > 1 and after == CaseState.INVESTIGATING:
            after = CaseState.REINVESTIGATING
    move(f"案件 {case.no} ", CASE_MOVES, case.state, after)
    case.state = after
    fields = ["state"]
    if after == CaseState.CLOSED:
        case.closed_on = clock.today()
        fields.append("closed_on")
    case.save(update_fields=fields)


def reopen_from(case: Case, name: str, *, skip: Iterable[str] = ()) -> list[Step]:
    """Starts a new round of a step and all that follow it (an objection). Rows done before stay as they are.

    Args:
        case: Its row, locked.
        name: Where the work begins again.
        skip: Steps left out in the new round (a notice that is not repeated).
    """
    left_out = set(skip)
    rows = latest(case)
    again: list[Step] = []
    positions = {step.id: number for number, step in enumerate(case.procedure.steps, 1)}
    for text in case.procedure.from_step(name):
        row = rows[text.id]
        if row.state in (StepState.WAITING, StepState.OPEN):
            if row.state == StepState.OPEN:
                _set(row, StepState.WAITING)
            continue
        fresh = _row(case, text, positions[text.id], row.round + 1)
        if text.id in left_out:
            fresh.state, fresh.due_note = StepState.SKIPPED, "异议处理后不再重复公示"
        again.append(fresh)
    return Step.objects.bulk_create(again)


def recompute_pending() -> int:
    """Fills in every deadline in scope that waited for a calendar and can be reckoned now.

    Cases, steps, notices' last days and times to answer objections. Returns how many were found. Safe to run again.
    """
    found = 0
    waiting = Step.objects.filter(due_pending=True, state=StepState.OPEN).values("case")
    cases = Case.objects.filter(Q(due_pending=True) | Q(pk__in=waiting), closed_on__isnull=True)
    for case in cases.select_for_update().order_by("id"):
        if case.due_pending:
            set_total_due(case)
            if not case.due_pending:
                case.save(update_fields=["due_on", "due_pending", "due_note"])
                found += 1
        rows = latest(case)
        for row in rows.values():
            if row.state == StepState.OPEN and row.due_pending and not Notice.objects.filter(step=row).exists():
                compute_due(case, case.procedure.step(row.name), row, rows)
                if not row.due_pending:
                    row.save(update_fields=["due_on", "due_pending", "due_note", "start_due_on"])
                    found += 1
    for notice in Notice.objects.filter(last_day_pending=True, result="").select_related("step"):
        end = notice_end(notice.posted_on, notice.days, roll=notice.roll)
        if not end.pending:
            notice.last_day, notice.last_day_pending = end.on, False
            notice.save(update_fields=["last_day", "last_day_pending"])
            Step.objects.filter(pk=notice.step_id).update(due_on=end.on, due_pending=False)
            found += 1
    for objection in NoticeObjection.objects.filter(reply_due_pending=True).select_related(
        "notice__case", "notice__step"
    ):
        rule = objection.notice.case.procedure.step(objection.notice.step.name).objection
        end = due(rule.limit if rule else None, objection.received_on)
        if not end.pending:
            objection.reply_due_on, objection.reply_due_pending = end.on, False
            objection.save(update_fields=["reply_due_on", "reply_due_pending"])
            found += 1
    return found
