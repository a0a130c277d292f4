"""Jobs of the room. Each may run twice and does its work once: an answered question is not asked again."""

from __future__ import annotations

from procrastinate.contrib.django import app

from tuodi.org.access import system_scope
from tuodi.verification import live
from tuodi.verification.consent_actions import end_outdated

__all__ = ["end_outdated_consents", "fetch_late_answers", "send_request"]


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
