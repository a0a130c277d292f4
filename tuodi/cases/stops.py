"""How long a case's clock stood still: while papers are waited for, and while a notice hangs, where its text says so.

The law sets working-day limits and leaves to the place whether waiting for the family counts; both switches are off unless a
text turns them on (`stop_for_materials`, `stop_in_notice`).
"""

from __future__ import annotations

from datetime import date

from tuodi.audit.actions import record
from tuodi.cases import engine
from tuodi.cases.errors import StepInputError
from tuodi.cases.guard import check_hand, logs_blocks
from tuodi.cases.models import Case, ClockStop
from tuodi.cases.states import StepState
from tuodi.kernel import clock
from tuodi.org import access
from tuodi.org.errors import NotFoundError
from tuodi.org.models import DutyCode, User

__all__ = ["resume_clock", "stop_clock"]

#: Who asks the family for papers.
DUTIES = (DutyCode.ACCEPT, DutyCode.REVIEW)
_WHAT = "补正材料"


@logs_blocks
def stop_clock(case: Case, *, acting_user: User, what: str) -> ClockStop:
    """Asks the family for papers, all at once, and stops every clock of the case until they are there.

    Raises:
        StepInputError: The case's text stops no clock for papers, nothing is named, papers are waited for already, or the
            case is decided.
    """
    case = _lock(case, acting_user)
    if not case.procedure.stop_for_materials:
        raise StepInputError(
            _WHAT, "计时", "不能停算：本案适用的程序没有规定等待材料期间停止计时。请照常在期限内办理。"
        )
    if not what.strip():
        raise StepInputError(_WHAT, "内容", "没有填写，请一次写明缺少的全部材料。")
    if not case.is_running:
        raise StepInputError(_WHAT, "时间", "已过：本案已有决定或已终止。")
    if case.stops.filter(answered_on__isnull=True).exists():
        raise StepInputError(_WHAT, "告知", "已经发出，正在等待。材料齐了先登记补齐。")
    row = ClockStop.objects.create(
        case=case, region=case.region, what=what.strip()[:300], asked_on=clock.today(), asked_by=acting_user
    )
    _set_dues(case)
    _audit("stop_clock", acting_user, case, what=row.what)
    return row


@logs_blocks
def resume_clock(case: Case, *, acting_user: User, note: str = "") -> ClockStop:
    """Notes that the papers are there; the days waited are added to every limit that stood still.

    Raises:
        StepInputError: Nothing is waited for.
    """
    case = _lock(case, acting_user)
    row = case.stops.select_for_update().filter(answered_on__isnull=True).first()
    if row is None:
        raise StepInputError(_WHAT, "登记", "没有对象：本案没有正在等待的材料。")
    row.answered_on, row.answered_by, row.note = clock.today(), acting_user, note.strip()[:300]
    row.save(update_fields=["answered_on", "answered_by", "note"])
    _set_dues(case)
    _audit("resume_clock", acting_user, case, waited_from=row.asked_on.isoformat(), due_on=_iso(case.due_on))
    return row


def _set_dues(case: Case) -> None:
    engine.set_total_due(case)
    case.save(update_fields=["due_on", "due_pending", "due_note"])
    rows = engine.latest(case)
    for row in rows.values():
        if row.state == StepState.OPEN and not hasattr(row, "notice"):
            engine.compute_due(case, case.procedure.step(row.name), row, rows)
            row.save(update_fields=["start_due_on", "due_on", "due_pending", "due_note"])


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _lock(case: Case, user: User) -> Case:
    found = Case.objects.select_for_update().filter(pk=case.pk).first()
    if found is None or not access.in_scope(user, found.region):
        raise NotFoundError("案件")
    access.require_any(user, DUTIES, found.region)
    check_hand(found, user, None)
    return found


def _audit(action: str, actor: User, case: Case, **after: object) -> None:
    record(
        f"cases.{action}",
        actor=actor,
        subject_type="case",
        subject_id=case.pk,
        region=case.region,
        case_no=case.no,
        after={"state": case.state, **after},
    )
