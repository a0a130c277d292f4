"""Where a calculation runs: a small roll at once, in the request; a large one as a job with a progress bar."""

from __future__ import annotations

from typing import Any

from tuodi.kernel.places import span
from tuodi.payments import actions, tasks
from tuodi.payments.models import PayRun
from tuodi.people.models import RollEntry

#: Entries on the roll computed at once; above that a person would wonder whether anything happens.
SMALL_ROLL = 2_000


def calculate(run: PayRun, user: Any) -> None:
    """Start computing the run."""
    low, high = span(run.place)
    if RollEntry.objects.filter(region__gte=low, region__lte=high).count() <= SMALL_ROLL:
        actions.calculate(run, acting_user=user)
    else:
        tasks.calculate_run.defer(run_id=run.pk, user_id=user.pk)
