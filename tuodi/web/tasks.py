"""Long work that a page started: found by the job runner as the tasks of this room. A task is one call.

Each may run twice and does its work once, because the actions it calls go on where they stopped.
"""

from __future__ import annotations

from procrastinate.contrib.django import app

from tuodi.intake import roster_actions
from tuodi.org.access import system_scope
from tuodi.org.models import User
from tuodi.payments import actions as payments
from tuodi.payments.models import PayRun


@app.task(name="web.preview_roster", queueing_lock=None)
def preview_roster(number: int, place: str) -> None:
    """Read a staged roster and give every row its verdict."""
    roster_actions.preview(number, place=place)


@app.task(name="web.apply_roster", queueing_lock=None)
def apply_roster(number: int, place: str) -> None:
    """Write a confirmed roster, batch by batch."""
    roster_actions.apply(number, place=place)


@app.task(name="web.calculate_run", queueing_lock=None)
def calculate_run(run_id: int, user_id: int, place: str) -> None:
    """Compute a run in the name of who asked for it; his duty is asked again."""
    user = User.objects.select_related("office").get(pk=user_id)
    with system_scope(place):
        run = PayRun.objects.get(pk=run_id)
    payments.calculate(run, acting_user=user)
