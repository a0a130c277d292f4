"""A circumstance that the system itself finds out about a running case: kin of staff, matched after acceptance."""

from __future__ import annotations

from tuodi.audit.actions import record
from tuodi.cases import engine
from tuodi.cases.actions import _mark
from tuodi.cases.models import Case
from tuodi.org.models import User

__all__ = ["mark_found", "mark_kin"]


def mark_kin(case: Case, *, acting_user: User) -> Case:
    """Marks a running case as an application of staff's or a committee's near relative ([57] art 11).

    A county visit that was left out for want of the mark comes back, and whatever was open behind it waits again.

    Args:
        case: Its row, locked by the caller, who has opened the door too.
    """
    return mark_found(case, "kin", acting_user=acting_user)


def mark_found(case: Case, mark: str, *, acting_user: User) -> Case:
    """Sets a circumstance that an action found out, one the case's text declares.

    Args:
        case: Its row, locked by the caller, who has opened the door too.
    """
    _mark(case, mark)
    engine.advance(case)
    record(
        f"cases.mark_{mark}",
        actor=acting_user,
        subject_type="case",
        subject_id=case.pk,
        region=case.region,
        case_no=case.no,
        after={"state": case.state, "mark": mark},
    )
    return case
