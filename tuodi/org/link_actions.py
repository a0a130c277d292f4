"""One-time links: how a member of staff sets a new password. The security manager is shown the link once and hands it over."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from django.contrib.auth.password_validation import validate_password
from django.db import transaction

from tuodi.audit.actions import record
from tuodi.kernel import clock
from tuodi.kernel.places import pad12
from tuodi.org import access, session_actions
from tuodi.org.errors import LinkError, OwnAccountError
from tuodi.org.models import DutyCode, OneTimeLink, User

__all__ = ["LASTS", "make_link", "opens_for", "use_link"]

LASTS = timedelta(hours=24)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()  # 256 random bits: nothing to try out


@transaction.atomic
def make_link(*, acting_user: User | None, user: User) -> str:
    """Makes a link's token and ends earlier ones. The old password goes on until the link is used; the token is nowhere kept.

    Raises: NotFoundError, AccessDeniedError; OwnAccountError: one's own password is changed on one's own page.
    """
    if acting_user is not None:
        access.require(acting_user, DutyCode.SECURITY, pad12(user.office.place_code))
        if acting_user.pk == user.pk:
            raise OwnAccountError()
    now = clock.now()
    OneTimeLink.objects.filter(user=user, used_at__isnull=True, until__gt=now).update(until=now)
    token = secrets.token_urlsafe(32)
    OneTimeLink.objects.create(user=user, digest=_digest(token), made_by=acting_user, made_at=now, until=now + LASTS)
    record(
        "org.make_link", actor=acting_user, subject_type="user", subject_id=user.pk,
        region=pad12(user.office.place_code), after={"until": now + LASTS},
    )  # fmt: skip
    return token


def opens_for(token: str) -> User:
    """Whose link it is. Raises LinkError for one that is spent, past its time, of a closed account, or none."""
    row = OneTimeLink.objects.select_related("user__office").filter(digest=_digest(token)).first()
    if row is None or row.used_at is not None or row.until <= clock.now():
        raise LinkError()
    if not (row.user.is_active and row.user.office.is_active):
        raise LinkError()
    return row.user


@transaction.atomic
def use_link(token: str, password: str) -> User:
    """Sets the password; the link is spent, every session of the account ends.

    Raises: LinkError; ValidationError for a weak password, which leaves the link as it is.
    """
    user = opens_for(token)
    validate_password(password, user)
    now = clock.now()
    if not OneTimeLink.objects.filter(digest=_digest(token), used_at__isnull=True).update(used_at=now):
        raise LinkError()  # two at once: one wins
    user.set_password(password)
    user.password_changed_at, user.must_change_password = now, False
    user.save(update_fields=["password", "password_changed_at", "must_change_password"])
    session_actions.end_all(user, why="密码已重置")
    record("org.use_link", actor=user, subject_type="user", subject_id=user.pk, region=pad12(user.office.place_code))
    return user
