"""Jobs of the room. Run twice, each does its work once."""

from __future__ import annotations

from procrastinate.contrib.django import app

from tuodi.org.access import NATION, scope, system_scope
from tuodi.org.models import User
from tuodi.payments import actions
from tuodi.payments.errors import BankBlockedError
from tuodi.payments.models import BankLink, BankMessage, PayRun, Simulation
from tuodi.payments.states import DRAFT, MessageState

__all__ = ["calculate_run", "collect_from_bank", "deliver_due", "deliver_message", "simulate_drafts"]


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


@app.task(name="payments.deliver_message", queue="bank")
def deliver_message(message_id: int, user_id: int | None = None) -> None:
    """Brings one message; each of its steps is committed by itself."""
    user = User.objects.select_related("office").filter(pk=user_id).first()
    actions.deliver(message_id, acting_user=user)


@app.periodic(cron="*/2 * * * *")
@app.task(name="payments.deliver_due", queue="bank", queueing_lock="payments.deliver_due")
def deliver_due(timestamp: int = 0) -> list[str]:
    """Brings what was made and has not left, and asks about what left without a word: found from the rows, not from a queue.

    A folder cannot be asked, and what lies in it is not laid there again by the clock.

    Returns: why some could not leave, each reason once; one blocked line keeps no other waiting.
    """
    with system_scope(NATION):
        due = list(
            BankMessage.objects.filter(
                state__in=[MessageState.CREATED, MessageState.SIGNED, MessageState.SENT], link__is_active=True
            )
            .exclude(state=MessageState.SENT, link__way=BankLink.Way.FOLDER)
            .order_by("id")
            .values_list("pk", flat=True)
        )
    blocked: dict[str, None] = {}
    for message in due:
        try:
            actions.deliver(message)
        except BankBlockedError as error:
            blocked[str(error)] = None
    return list(blocked)


@app.task(name="payments.collect_from_bank", queue="bank")
def collect_from_bank(link_id: int, user_id: int) -> None:
    """Takes in what a bank has laid out, in the name of who asked."""
    user = User.objects.select_related("office").get(pk=user_id)
    with system_scope(NATION):
        link = BankLink.objects.get(pk=link_id)
    actions.collect(link, acting_user=user)
