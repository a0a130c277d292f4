"""Accounts locked after wrong passwords, and their unlocking. The count itself is kept by axes, per account and address."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from axes.models import AccessAttempt
from axes.utils import reset
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from tuodi.audit.actions import record
from tuodi.kernel.places import pad12
from tuodi.org import access
from tuodi.org.models import DutyCode, SecondFactor, User

__all__ = ["Locked", "is_locked", "locked", "unlock"]


@dataclass(frozen=True)
class Locked:
    """One account locked at one address."""

    username: str
    address: str
    failures: int
    at: datetime


def _rows() -> QuerySet[AccessAttempt]:
    # The attempts bear the machine's time (axes knows no other clock), so they are compared with the database's.
    since = Now() - timedelta(hours=settings.AXES_COOLOFF_TIME)
    return AccessAttempt.objects.filter(failures_since_start__gte=settings.AXES_FAILURE_LIMIT, attempt_time__gte=since)


def locked(usernames: list[str] | None = None) -> list[Locked]:
    """What is locked now, newest first; None = every account."""
    rows = _rows().order_by("-attempt_time")
    if usernames is not None:
        rows = rows.filter(username__in=usernames)
    return [
        Locked(row.username or "", str(row.ip_address or ""), row.failures_since_start, row.attempt_time)
        for row in rows[:200]
    ]


def is_locked(username: str) -> bool:
    """Whether an account is locked at any address."""
    return _rows().filter(username=username).exists()


@transaction.atomic
def unlock(*, acting_user: User, user: User) -> None:
    """Forgets the wrong passwords and codes of an account, at every address.

    Raises: NotFoundError, AccessDeniedError.
    """
    access.require(acting_user, DutyCode.SECURITY, pad12(user.office.place_code))
    forgotten = reset(username=user.username)
    SecondFactor.objects.filter(user=user).update(failures=0, locked_until=None)
    record(
        "org.unlock",
        actor=acting_user,
        subject_type="user",
        subject_id=user.pk,
        region=pad12(user.office.place_code),
        after={"attempts": forgotten},
    )
