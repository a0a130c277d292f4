"""Work of the room on a timetable."""

from __future__ import annotations

from tuodi.standards import actions

__all__ = ["enter_into_force"]


def enter_into_force() -> int:
    """Daily: published standards whose day has come."""
    return actions.enter_into_force()
