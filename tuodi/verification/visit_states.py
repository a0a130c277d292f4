"""Which moves a visit, a meeting and a kin filing may make. What is not in a table is refused by `cases.states.move`."""

from __future__ import annotations

from collections.abc import Mapping

from tuodi.verification.models.kin import KinFiling
from tuodi.verification.models.review import ReviewMeeting
from tuodi.verification.models.visit import VisitTask

__all__ = ["KIN_MOVES", "REVIEW_MOVES", "VISIT_MOVES"]

_V, _R, _K = VisitTask.State, ReviewMeeting.State, KinFiling.State

#: A signed or refused visit may be corrected by a further version, never planned anew: that is a new task.
VISIT_MOVES: Mapping[str, frozenset[str]] = {
    _V.PLANNED: frozenset({_V.VISITED, _V.SIGNED, _V.REFUSED, _V.CANCELLED}),
    _V.VISITED: frozenset({_V.SIGNED, _V.REFUSED, _V.CANCELLED}),
    _V.SIGNED: frozenset({_V.REFUSED}),
    _V.REFUSED: frozenset({_V.SIGNED, _V.VISITED}),  # the family let them in after all
    _V.CANCELLED: frozenset(),
}

REVIEW_MOVES: Mapping[str, frozenset[str]] = {
    _R.CALLED: frozenset({_R.HELD}),
    _R.HELD: frozenset({_R.CONCLUDED, _R.DISPUTED}),
    _R.CONCLUDED: frozenset(),
    _R.DISPUTED: frozenset(),
}

KIN_MOVES: Mapping[str, frozenset[str]] = {
    _K.DECLARED: frozenset({_K.FILED}),
    _K.MATCHED: frozenset({_K.FILED}),
    _K.FILED: frozenset({_K.VISITED}),
    _K.VISITED: frozenset({_K.DECIDED}),
    _K.DECIDED: frozenset(),
}
