"""Jobs of the room. Run twice, each does its work once."""

from __future__ import annotations

from procrastinate.contrib.django import app

from tuodi.org.access import scope
from tuodi.org.models import User
from tuodi.payments import actions
from tuodi.payments.models import PayRun, Simulation
from tuodi.payments.states import DRAFT

__all__ = ["calculate_run", "simulate_drafts"]


@app.task(name="payments.calculate_run", queue="long")
def calculate_run(run_id: int, user_id: int) -> None:
    """Calculates a run for the user who asked; progress stands in the run's row.

    Not inside one scope for the whole: each county is committed by itself, so that a killed worker loses little and
    the page sees how far it is.
    """
    user = User.objects.select_related("office").get(pk=user_id)
    with scope(user):
        run = PayRun.objects.filter(pk=run_id).first()
    if run is not None and run.state in DRAFT:
        actions.calculate(run, acting_user=user)


@app.task(name="payments.simulate_drafts", queue="long")
def simulate_drafts(simulation_id: int, user_id: int) -> None:
    """Computes a simulation that a user asked for; progress stands in its row."""
    user = User.objects.select_related("office").get(pk=user_id)
    with scope(user):
        simulation = Simulation.objects.filter(pk=simulation_id).first()
    if simulation is not None:
        actions.do_simulation(simulation)
