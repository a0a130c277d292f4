"""Who speaks and who is told: a resident's account in the log, and the message that there is an answer."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from tuodi.cases.guard import level_of
from tuodi.decisions.appeals import LEVELS
from tuodi.messages.outbox import send
from tuodi.org.models import User
from tuodi.people import residents
from tuodi.people.models import ResidentAccount

__all__ = ["above", "actor", "reaches", "tell"]


def actor(account: ResidentAccount | None, acting_user: User | None) -> Any:
    """As the audit log names who did it; None = the system."""
    if acting_user is not None:
        return acting_user
    return residents.actor_of(account) if account is not None else None


def tell(account: ResidentAccount | None, what: str, no: str) -> None:
    """A message that something was answered; without what was answered."""
    if account is None:
        return
    phone = residents.phone_on_file(account.person, account)
    if phone[:1] == "1" and len(phone) == 11:
        send("answer_given", phone, {"what": what, "no": no, "hotline": settings.HOTLINE}, region=account.region)


def above(level: str) -> str:
    """The level above, at most the province."""
    return LEVELS[min(LEVELS.index(level) + 1, LEVELS.index("PROV"))]


def reaches(user: User, level: str) -> bool:
    """Whether a user's office is of a level or above it."""
    return LEVELS.index(level_of(user)) >= LEVELS.index(level)
