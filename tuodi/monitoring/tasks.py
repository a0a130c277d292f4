"""Jobs of the room. Run twice, each does its work once."""

from __future__ import annotations

import contextlib
import logging

from procrastinate.contrib.django import app

from tuodi.kernel import clock
from tuodi.kernel.errors import TuodiError
from tuodi.kernel.periods import Month
from tuodi.monitoring import (
    clue_tasks,
    exits,
    export_actions,
    handover_actions,
    layers,
    review_lists,
    sweep_actions,
    warning_actions,
)
from tuodi.monitoring import of_age as of_age_work
from tuodi.monitoring.models import Export, HandOver, SweepRun, SweepSource
from tuodi.monitoring.sweep_errors import NoBatchError, SweepRunningError
from tuodi.org.access import NATION, scope, system_scope
from tuodi.org.models import User
from tuodi.verification.models import DataSource, RegisterBatch

__all__ = [
    "keep_roll_daily",
    "make_export",
    "make_hand_over",
    "resume",
    "run_sweep",
    "sweep_arrivals",
    "sweep_scheduled",
    "swept_places",
    "watch_daily",
]

log = logging.getLogger(__name__)


@app.task(name="monitoring.run_sweep", queue="long")
def run_sweep(run_id: int, place: str) -> None:
    """Runs a sweep that was opened; one another process runs or has finished is left alone."""
    with system_scope(place):
        run = SweepRun.objects.filter(pk=run_id).first()
    if run is not None and run.state in sweep_actions.UNFINISHED:
        with contextlib.suppress(SweepRunningError):
            sweep_actions.run_sweep(run)


@app.task(name="monitoring.make_hand_over", queue="long")
def make_hand_over(hand_over_id: int, user_id: int) -> None:
    """Makes a hand-over file for who asked for it."""
    user = User.objects.select_related("office").get(pk=user_id)
    with scope(user):
        row = HandOver.objects.filter(pk=hand_over_id, state=HandOver.State.APPROVED).first()
        if row is not None:
            handover_actions.make(row, acting_user=user)


@app.task(name="monitoring.make_export", queue="long")
def make_export(export_id: int, user_id: int) -> None:
    """Makes a spreadsheet for who asked for it."""
    user = User.objects.select_related("office").get(pk=user_id)
    with scope(user):
        row = Export.objects.filter(pk=export_id, state=Export.State.APPROVED).first()
    if row is not None:
        export_actions.make(row, acting_user=user)


def _ran(run: SweepRun) -> bool:
    """One failed sweep must not keep the others from running; what was wrong stands on its row."""
    try:
        sweep_actions.run_sweep(run)
    except SweepRunningError:
        return False
    except Exception as error:
        log.error("sweep %s failed: %s", run.no, getattr(error, "code", type(error).__name__))
        return False
    return True


def resume() -> int:
    """Begins sweeps anew that nobody runs any more; one killed too often is ended. Returns how many were finished."""
    finished = 0
    for run in sweep_actions.unfinished(NATION):
        if run.tries >= sweep_actions.MOST_TRIES:
            with contextlib.suppress(SweepRunningError):
                sweep_actions.give_up(run)
        else:
            finished += _ran(run)
    return finished


def sweep_arrivals() -> list[str]:
    """Compares every usable batch no sweep has seen yet: only its rows against the roll. Returns the numbers of the runs."""
    with system_scope(NATION):
        seen = set(SweepSource.objects.values_list("batch_id", flat=True))
    new: dict[str, list[RegisterBatch]] = {}
    for batch in RegisterBatch.objects.filter(state=RegisterBatch.State.READY).select_related("source").order_by("id"):
        if batch.pk not in seen and batch.sealed:
            new.setdefault(batch.place_code, []).append(batch)
    done = []
    for place, batches in sorted(new.items()):
        run = _opened(place, batches, SweepRun.Trigger.ARRIVAL)
        if run is not None and _ran(run):
            done.append(run.no)
    return done


def _opened(place: str, batches: list[RegisterBatch] | None, trigger: str) -> SweepRun | None:
    try:
        with system_scope(place):
            return sweep_actions.open_sweep(place, acting_user=None, batches=batches, trigger=trigger)
    except (SweepRunningError, NoBatchError):
        return None  # the next round tries again
    except TuodiError as error:
        log.error("sweep of %s not opened: %s", place, error.code)
        return None


def swept_places() -> list[str]:
    """Places that keep sources of their own, without those that lie inside another of them."""
    codes = sorted(set(DataSource.objects.filter(state=DataSource.State.LIVE).values_list("place_code", flat=True)))
    return [code for code in codes if not any(code != other and code.startswith(other) for other in codes)]


def sweep_scheduled() -> list[str]:
    """The whole roll of every place against the newest batch of each of its sources."""
    done = []
    for place in swept_places():
        run = _opened(place, None, SweepRun.Trigger.SCHEDULE)
        if run is not None and _ran(run):
            done.append(run.no)
    return done


def watch_daily() -> tuple[int, int]:
    """Warnings that climb, hand-over files that end: how many of each."""
    return len(warning_actions.escalate(NATION)), handover_actions.expire(NATION)


def keep_roll_daily() -> dict[str, int]:
    """Re-review, families whose gradual exit has ended, classes of households, minors near their age: how many of each are new."""
    with system_scope(NATION):
        planned, ended = review_lists.plan_units()
        opened = review_lists.open_due(NATION)
        watched = exits.watch_ended(Month.of(clock.today()))
        proposed, _ = layers.propose_all()
    of_age, _ = of_age_work.raise_due(NATION)
    return {
        "planned": planned,
        "ended": ended,
        "opened": opened,
        "watched": watched,
        "proposed": proposed,
        "of_age": of_age,
    }


@app.periodic(cron="0 5 * * *")
@app.task(name="monitoring.keep_roll", queue="long", queueing_lock="monitoring.keep_roll")
def keep_roll_job(timestamp: int) -> None:
    """Each night, before the offices open."""
    keep_roll_daily()


@app.periodic(cron="*/10 * * * *")
@app.task(name="monitoring.arrivals", queue="long", queueing_lock="monitoring.arrivals")
def arrivals_job(timestamp: int) -> None:
    """Takes up killed sweeps, then compares what has arrived."""
    resume()
    sweep_arrivals()


@app.periodic(cron="0 2 5 * *")
@app.task(name="monitoring.scheduled", queue="long", queueing_lock="monitoring.scheduled")
def scheduled_job(timestamp: int) -> None:
    """Once a month, before the month's payment is prepared."""
    sweep_scheduled()


@app.periodic(cron="30 6 * * *")
@app.task(name="monitoring.daily", queueing_lock="monitoring.daily")
def daily_job(timestamp: int) -> None:
    """Each morning before the offices open."""
    watch_daily()
    export_actions.expire(NATION)
    clue_tasks.ledger_daily(NATION)
