"""The timetable of periodic jobs, and where procrastinate looks for tasks: `tasks.py` of each installed room.

A killed worker leaves its job `doing` for ever; the sweep gives such jobs back. Tasks are therefore written so that
running one twice does its work once.
"""

from __future__ import annotations

from procrastinate import App
from procrastinate.contrib.django import app as django_app

#: Seconds without a worker's heartbeat after which its jobs are given back.
STALLED_SECONDS = 120


def on_app_ready(app: App) -> None:
    """Registers the periodic jobs (setting PROCRASTINATE_ON_APP_READY)."""

    @app.periodic(cron="* * * * *")
    @app.task(queueing_lock="tuodi.sweep", pass_context=False, name="tuodi.sweep_stalled")
    async def sweep_stalled(timestamp: int) -> None:
        """Gives back the jobs of workers that are gone."""
        stalled = await django_app.job_manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_SECONDS)
        for job in stalled:
            await django_app.job_manager.retry_job(job)

    @app.periodic(cron="*/30 * * * *")
    @app.task(queueing_lock="tuodi.late_answers", pass_context=False, name="tuodi.late_answers")
    def late_answers(timestamp: int) -> None:
        """Fetches what departments promised with a ticket."""
        from django.conf import settings

        from tuodi.verification.live import fetch_late

        if settings.GATEWAY_URL:
            fetch_late("cn")

    @app.periodic(cron="20 1 * * *")
    @app.task(queueing_lock="tuodi.outdated_consents", pass_context=False, name="tuodi.outdated_consents")
    def outdated_consents(timestamp: int) -> None:
        """Ends the consents of families whose members changed or that applied anew."""
        from tuodi.org.access import system_scope
        from tuodi.verification.consent_actions import end_outdated

        with system_scope("cn"):
            end_outdated()

    @app.periodic(cron="5 0 * * *")
    @app.task(queueing_lock="tuodi.standards_in_force", pass_context=False, name="tuodi.standards_in_force")
    def standards_in_force(timestamp: int) -> None:
        """Notes published standards whose day has come."""
        from tuodi.org.access import system_scope
        from tuodi.standards.tasks import enter_into_force

        with system_scope("cn"):
            enter_into_force()

    @app.periodic(cron="25 0 * * *")
    @app.task(queueing_lock="tuodi.idle_money", pass_context=False, name="tuodi.idle_money")
    def idle_money(timestamp: int) -> None:
        """Tells who keeps a county's funds of money that has lain too long."""
        from tuodi.funds.idle import look
        from tuodi.org.access import NATION, system_scope

        with system_scope(NATION):
            look(NATION)

    @app.periodic(cron="15 0 * * *")
    @app.task(queueing_lock="tuodi.price_reminders", pass_context=False, name="tuodi.price_reminders")
    def price_reminders(timestamp: int) -> None:
        """Reminds who pays of price subsidies that come near their last day."""
        from tuodi.org.access import system_scope
        from tuodi.payments.price_reminders import remind

        with system_scope("cn"):
            remind()

    @app.periodic(cron="40 0 * * *")
    @app.task(queueing_lock="tuodi.overdue_reliefs", pass_context=False, name="tuodi.overdue_reliefs")
    def overdue_reliefs(timestamp: int) -> None:
        """Marks relief given first whose papers are overdue; tells applicant, officer and county once of papers that ran out."""
        from tuodi.decisions.late_papers import raise_late
        from tuodi.decisions.relief import alarm_overdue
        from tuodi.org.access import system_scope

        with system_scope("cn"):
            alarm_overdue()
            raise_late()

    @app.periodic(cron="10 0 1 * *")
    @app.task(queueing_lock="tuodi.month_of_patrols", pass_context=False, name="tuodi.month_of_patrols")
    def month_of_patrols(timestamp: int) -> None:
        """Plans the month's patrols of everybody at risk."""
        from tuodi.intake.discovery_actions import plan_patrols
        from tuodi.kernel import clock
        from tuodi.kernel.periods import Month
        from tuodi.org.access import system_scope

        with system_scope("cn"):
            plan_patrols(acting_user=None, place="", month=Month.of(clock.today()))

    @app.periodic(cron="10 3 * * *")
    @app.task(queueing_lock="people.purge_tries", pass_context=False, name="people.purge_tries")
    def purge_tries(timestamp: int) -> None:
        """Forgets yesterday's tries of residents to sign in."""
        from tuodi.people import residents

        residents.purge_tries()

    @app.periodic(cron="30 0 * * *")
    @app.task(queueing_lock="tuodi.wiped_drafts", pass_context=False, name="tuodi.wiped_drafts")
    def wiped_drafts(timestamp: int) -> None:
        """Destroys drafts of applications nobody has touched within their time."""
        from tuodi.intake.online_desk import wipe_drafts
        from tuodi.org.access import system_scope

        with system_scope("cn"):
            wipe_drafts()

    @app.periodic(cron="45 0 * * *")
    @app.task(queueing_lock="tuodi.late_complaints", pass_context=False, name="tuodi.late_complaints")
    def late_complaints(timestamp: int) -> None:
        """Sends complaints up that were not answered in time, closes those nobody speaks against."""
        from tuodi.oversight.daily import daily

        daily()

    @app.periodic(cron="50 4 * * *")
    @app.task(queueing_lock="tuodi.ledger_check", pass_context=False, name="tuodi.ledger_check")
    def ledger_check(timestamp: int) -> None:
        """Checks L1 to L8 over all money, for the auditors' page."""
        from tuodi.org.access import system_scope
        from tuodi.payments import invariants

        with system_scope("cn"):
            invariants.keep(invariants.check())

    @app.task(pass_context=False, name="outbox.carry")
    def carry(message: str) -> None:
        """Carries one message that has just been written."""
        _carry(message)

    @app.periodic(cron="* * * * *")
    @app.task(queueing_lock="outbox.carry_due", pass_context=False, name="outbox.carry_due")
    def carry_due(timestamp: int) -> None:
        """Carries messages whose next try is due."""
        _carry(None)


def _carry(message: str | None) -> None:
    from tuodi.messages import outbox
    from tuodi.org.access import system_scope

    outbox.carry(lambda: system_scope("cn"), message)
