"""Jobs of the room: the long work of a roster. Each may run twice and does its work once, since an action goes on where it stopped."""

from __future__ import annotations

from procrastinate.contrib.django import app

from tuodi.intake import roster_actions

__all__ = ["apply_roster", "preview_roster"]


@app.task(name="intake.preview_roster", aliases=["web.preview_roster"], queueing_lock=None)
def preview_roster(number: int, place: str) -> None:
    """Read a staged roster and give every row its verdict."""
    roster_actions.preview(number, place=place)


@app.task(name="intake.apply_roster", aliases=["web.apply_roster"], queueing_lock=None)
def apply_roster(number: int, place: str) -> None:
    """Write a confirmed roster, batch by batch."""
    roster_actions.apply(number, place=place)
