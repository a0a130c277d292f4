"""The lives of re-reviews, reported changes, moves and classes as tables. A move that is not in a table is refused."""

from __future__ import annotations

from collections.abc import Mapping

from tuodi.monitoring.dynamic_errors import DynamicStateError
from tuodi.monitoring.models import ChangeReport, HouseholdClass, PeriodicReview, Transfer

__all__ = ["CLASS_MOVES", "OPEN_TRANSFERS", "REPORT_MOVES", "REVIEW_MOVES", "TRANSFER_MOVES", "move"]

_R, _C, _T, _H = PeriodicReview.State, ChangeReport.State, Transfer.State, HouseholdClass.State

REVIEW_MOVES: Mapping[str, frozenset[str]] = {
    _R.DUE: frozenset({_R.ASSIGNED, _R.FOUND, _R.DROPPED}),
    _R.ASSIGNED: frozenset({_R.ASSIGNED, _R.FOUND, _R.DROPPED}),
    _R.FOUND: frozenset({_R.ASSIGNED, _R.DONE, _R.DROPPED}),  # sent back to be looked at again
    _R.DONE: frozenset(),
    _R.DROPPED: frozenset(),
}
REPORT_MOVES: Mapping[str, frozenset[str]] = {
    _C.REPORTED: frozenset({_C.CHECKED, _C.NO_EFFECT, _C.WITHDRAWN}),
    _C.CHECKED: frozenset({_C.DECIDED, _C.NO_EFFECT}),
    _C.DECIDED: frozenset(),
    _C.NO_EFFECT: frozenset(),
    _C.WITHDRAWN: frozenset(),
}
TRANSFER_MOVES: Mapping[str, frozenset[str]] = {
    _T.PROPOSED: frozenset({_T.SENT, _T.WITHDRAWN}),
    _T.SENT: frozenset({_T.TAKEN, _T.REFUSED, _T.WITHDRAWN}),
    _T.TAKEN: frozenset({_T.DONE, _T.REFUSED}),
    _T.REFUSED: frozenset(),
    _T.WITHDRAWN: frozenset(),
    _T.DONE: frozenset(),
}
CLASS_MOVES: Mapping[str, frozenset[str]] = {
    _H.PROPOSED: frozenset({_H.CONFIRMED, _H.ENDED}),
    _H.CONFIRMED: frozenset({_H.CHANGED, _H.ENDED}),
    _H.CHANGED: frozenset(),
    _H.ENDED: frozenset(),
}
OPEN_TRANSFERS = (_T.PROPOSED, _T.SENT, _T.TAKEN)


def move(moves: Mapping[str, frozenset[str]], row: object, after: str, what: str) -> None:
    """Puts a row into its next state; the caller saves it.

    Raises: DynamicStateError.
    """
    before = row.state  # type: ignore[attr-defined]
    if after not in moves[before]:
        label = row.get_state_display()  # type: ignore[attr-defined]
        raise DynamicStateError(what, label)
    row.state = after  # type: ignore[attr-defined]
