"""Where an agreement with a department stands, and what may follow. States allow; they do nothing."""

from __future__ import annotations

from collections.abc import Mapping

from tuodi.cases.errors import MoveRefusedError
from tuodi.verification.models import DataSource

__all__ = ["IMPORTING", "MOVES", "move"]

_State = DataSource.State

MOVES: Mapping[str, frozenset[str]] = {
    _State.ASKED: frozenset({_State.AGREED, _State.SUSPENDED}),
    _State.AGREED: frozenset({_State.TESTING, _State.LIVE, _State.SUSPENDED}),
    _State.TESTING: frozenset({_State.LIVE, _State.AGREED, _State.SUSPENDED}),
    _State.LIVE: frozenset({_State.TESTING, _State.SUSPENDED}),
    _State.SUSPENDED: frozenset({_State.AGREED, _State.TESTING, _State.LIVE}),
}

#: States in which a delivery is taken in.
IMPORTING = frozenset({_State.AGREED, _State.TESTING, _State.LIVE})


def move(source: DataSource, after: str) -> None:
    """Sets the state, unsaved. Raises MoveRefusedError if it does not follow."""
    if after not in MOVES.get(source.state, frozenset()):
        raise MoveRefusedError(
            f"来源“{source.label}”", source.get_state_display(), str(_State(after).label) if after in _State else after
        )
    source.state = after
