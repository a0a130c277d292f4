"""The life of a ticket: which moves are allowed. A ticket may be given on while it is not closed."""

from __future__ import annotations

from collections.abc import Mapping

from tuodi.intake.models.ticket import Ticket

__all__ = ["TICKET_MOVES"]

State = Ticket.State
TICKET_MOVES: Mapping[str, frozenset[str]] = {
    State.OPEN: frozenset({State.ASSIGNED}),
    State.ASSIGNED: frozenset({State.ASSIGNED, State.CLOSED}),
    State.CLOSED: frozenset(),
}
