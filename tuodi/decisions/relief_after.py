"""What the decision of a case of temporary relief does to what was given first."""

from __future__ import annotations

from collections.abc import Sequence

from tuodi.audit.actions import record
from tuodi.cases.models import Case
from tuodi.cases.states import go
from tuodi.decisions import grants
from tuodi.decisions.models import Determination, Relief
from tuodi.decisions.relief_states import RELIEF_MOVES, ReliefState
from tuodi.kernel import clock
from tuodi.org.models import User

__all__ = ["after_grant", "after_refusal", "into_months", "provisional_of"]


def provisional_of(case: Case) -> Determination | None:
    """What was granted first in a case, or None."""
    return Determination.objects.filter(case=case, kind=Determination.Kind.PROVISIONAL).order_by("-id").first()


def into_months(case: Case, rows: Sequence[Determination]) -> None:
    """Gives unsaved grants their one month: that of what was given first, else the month after the decision."""
    before = provisional_of(case)
    for row in rows:
        if row.outcome != "pass":
            continue
        if before is not None:
            row.follows, row.start_month = before, before.start_month
        row.end_month = row.start_month


def after_grant(case: Case, rows: Sequence[Determination], *, acting_user: User) -> None:
    """Enters what was confirmed in place of what was given first, and ends the emergency as confirmed."""
    if provisional_of(case) is not None:
        for row in rows:
            grants.enter(row, by=acting_user)
    _end(case, ReliefState.CONFIRMED, acting_user, "")


def after_refusal(case: Case, *, acting_user: User, reasons: str) -> None:
    """Takes what was given first off the roll; what was paid already the monthly run claims back."""
    before = provisional_of(case)
    if before is not None:
        grants.end_stages(before, reason=f"审批不予确认：{reasons}")
    _end(case, ReliefState.WITHDRAWN, acting_user, f"审批不予确认：{reasons}")


def _end(case: Case, state: ReliefState, user: User, reason: str) -> None:
    relief = Relief.objects.select_for_update(of=("self",)).filter(case=case).first()
    if relief is None:
        return
    go(f"急难求助 {relief.no} ", RELIEF_MOVES, relief.state, state)
    relief.state, relief.ended_at, relief.ended_by, relief.end_reason = state, clock.now(), user, reason[:300]
    relief.save(update_fields=["state", "ended_at", "ended_by", "end_reason"])
    record(
        f"decisions.relief_{state.value}",
        actor=user,
        subject_type="relief",
        subject_id=relief.pk,
        region=relief.region,
        case_no=case.no,
        after={"no": relief.no, "state": relief.state, "reason": relief.end_reason},
    )
