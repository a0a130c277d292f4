"""Sending a case back to its survey: a meeting that could not agree ([220] art 24), or facts that a county's visit upset."""

from __future__ import annotations

from tuodi.audit.actions import record
from tuodi.cases import engine
from tuodi.cases.actions import lock
from tuodi.cases.errors import MoveRefusedError, StepInputError
from tuodi.cases.guard import check_hand, logs_blocks
from tuodi.cases.models import Case, Step
from tuodi.org import access
from tuodi.org.models import User
from tuodi.policy.procedure import Does

__all__ = ["reinvestigate"]


@logs_blocks
def reinvestigate(case: Case, *, acting_user: User, reason: str) -> list[Step]:
    """Starts a new round from the case's first visit, with all that follows it. Rows done before stay as they are.

    Raises:
        StepInputError: No reason, or a procedure without a visit. MoveRefusedError: The case is decided.
        AccessDeniedError, DutySeparationError.
    """
    case = lock(case)
    access.require(acting_user, "review", case.region)
    check_hand(case, acting_user, None)
    if not reason.strip():
        raise StepInputError("重新调查", "理由", "没有填写。")
    if not case.is_running:
        raise MoveRefusedError(f"案件 {case.no} ", case.get_state_display(), "重新调查")
    visit = case.procedure.first(Does.VISIT)
    if visit is None:
        raise StepInputError("重新调查", "办理方式", "不能进行：本案程序没有入户调查。")
    again = engine.reopen_from(case, visit.id)
    engine.advance(case)
    record(
        "cases.reinvestigate",
        actor=acting_user,
        subject_type="case",
        subject_id=case.pk,
        region=case.region,
        case_no=case.no,
        after={"state": case.state, "from": visit.id, "reason": reason.strip()[:300]},
    )
    return again
