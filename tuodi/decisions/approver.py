"""Who may act on what was confirmed: who confirms, at the level that confirmed it."""

from __future__ import annotations

from tuodi.cases.errors import WrongLevelError
from tuodi.cases.guard import check_hand, level_of
from tuodi.cases.models import Case
from tuodi.decisions.models import Determination
from tuodi.org import access
from tuodi.org.models import User
from tuodi.policy.procedure import LEVEL_LABELS

__all__ = ["require_approver"]


def require_approver(determination: Determination, acting_user: User, *, what: str = "列入名册") -> None:
    """Opens the door of what only who confirms may do with a determination, at the level that confirms it.

    Raises:
        NotFoundError, AccessDeniedError, WrongLevelError, DutySeparationError.
    """
    access.require(acting_user, "confirm", determination.region)
    if determination.case is not None:
        _at_level(determination.case, acting_user, what)
        check_hand(determination.case, acting_user, "approve")


def _at_level(case: Case, user: User, what: str) -> None:
    wanted, held = case.procedure.approver_for(case.marks), level_of(user)
    if wanted != held:
        raise WrongLevelError(what, LEVEL_LABELS[wanted], LEVEL_LABELS.get(held, "其他层级"))
