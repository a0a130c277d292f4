"""Jobs of the room."""

from __future__ import annotations

from procrastinate.contrib.django import app

from tuodi.cases.engine import recompute_pending
from tuodi.org.access import system_scope

__all__ = ["fill_deadlines"]


@app.task(name="cases.fill_deadlines")
def fill_deadlines() -> int:
    """Computes, in the whole site, the deadlines that waited for a calendar. Run twice, it does its work once."""
    with system_scope("cn"):
        return recompute_pending()
