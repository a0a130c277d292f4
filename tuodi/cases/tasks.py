"""Jobs of the room."""

from __future__ import annotations

from procrastinate.contrib.django import app

from tuodi.cases.engine import recompute_pending
from tuodi.cases.notice_actions import take_down_ended
from tuodi.org.access import system_scope

__all__ = ["fill_deadlines", "take_down_notices"]


@app.task(name="cases.fill_deadlines")
def fill_deadlines() -> int:
    """Computes, in the whole site, the deadlines that waited for a calendar. Run twice, it does its work once."""
    with system_scope("cn"):
        return recompute_pending()


@app.periodic(cron="5 0 * * *")
@app.task(name="cases.take_down_notices", queueing_lock="cases.take_down_notices")
def take_down_notices(timestamp: int = 0) -> int:
    """Just after midnight: what is past its last day is taken down."""
    return take_down_ended("cn")
