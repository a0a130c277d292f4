"""The life of a self-care assessment."""

from __future__ import annotations

from collections.abc import Mapping

from tuodi.verification.models import SelfCareAssessment

__all__ = ["MOVES"]

State = SelfCareAssessment.State

#: A new assessment of the same person is a new row; nothing comes back.
MOVES: Mapping[str, frozenset[str]] = {
    State.ORDERED: frozenset({State.ASSESSED, State.CANCELLED}),
    State.ASSESSED: frozenset(),
    State.CANCELLED: frozenset(),
}
