"""A circumstance that the system itself finds out about a running case: kin of staff, matched after acceptance."""

from __future__ import annotations

from tuodi.audit.actions import record
from tuodi.cases import engine
from tuodi.cases.actions import _mark
from tuodi.cases.models import Case
from tuodi.org.models import User

__all__ = ["mark_kin"]


def mark_kin(case: Case, *, acting_user: User) -> Case:
    """Marks a running case as an application of staff's or a committee's near relative ([57] art 11).

    A county visit that was left out for want of the mark comes back, and whatever was open behind it waits again.

    Args:
        case: Its row, locked by the caller, who has opened the door too.
    """
    _mark(case, "kin")
    engine.advance(case)
    record(
        "cases.mark_kin",
        actor=acting_user,
        subject_type="case",
        subject_id=case.pk,
        region=case.region,
        case_no=case.no,
        after={"state": case.state, "mark": "kin"},
    )
    return case
