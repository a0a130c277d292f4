"""Long work that a page started: found by the job runner as the tasks of this room. A task is one call.

Each may run twice and does its work once, because the actions it calls go on where they stopped.
"""

from __future__ import annotations

from procrastinate.contrib.django import app

from tuodi.intake import roster_actions


@app.task(name="web.preview_roster", queueing_lock=None)
def preview_roster(number: int, place: str) -> None:
    """Read a staged roster and give every row its verdict."""
    roster_actions.preview(number, place=place)


@app.task(name="web.apply_roster", queueing_lock=None)
def apply_roster(number: int, place: str) -> None:
    """Write a confirmed roster, batch by batch."""
    roster_actions.apply(number, place=place)
