"""Jobs of the room. Each may run twice and does its work once: an answered question is not asked again."""

from __future__ import annotations

from procrastinate.contrib.django import app

from tuodi.files.store import clear_scratch
from tuodi.org.access import system_scope
from tuodi.verification import live, register_imports
from tuodi.verification.consent_actions import end_outdated

__all__ = ["end_outdated_consents", "fetch_late_answers", "import_received", "purge_registers", "send_request"]


@app.task(name="verification.import_received", queueing_lock=None)
def import_received(number: int) -> int:
    """Imports an uploaded delivery."""
    return register_imports.resume_imports(number)


@app.periodic(cron="*/10 * * * *")
@app.task(name="verification.resume_imports", queueing_lock="verification.resume_imports", pass_context=False)
def resume_imports(timestamp: int) -> int:
    """Takes up deliveries whose worker died."""
    return register_imports.resume_imports()


@app.periodic(cron="20 2 * * *")
@app.task(name="verification.purge_registers", queueing_lock="verification.purge_registers", pass_context=False)
def purge_registers(timestamp: int) -> int:
    """Destroys registers past their retention date, and plain copies that killed imports and sweeps left behind."""
    clear_scratch()
    return register_imports.purge_expired()


@app.task(name="verification.send_request", queueing_lock=None)
def send_request(number: int, place: str) -> int:
    """Puts a request to every source at once and takes the answers in as they come."""
    return live.send(number, place=place)


@app.task(name="verification.fetch_late_answers")
def fetch_late_answers(place: str) -> int:
    """Fetches what departments had promised with a ticket."""
    return live.fetch_late(place)


@app.task(name="verification.end_outdated_consents")
def end_outdated_consents(place: str) -> int:
    """Ends the consents of families whose members changed or that applied anew."""
    with system_scope(place):
        return end_outdated()
