"""Offices, accounts and duties: made, granted and taken away. Every change is in the audit log."""

from __future__ import annotations

import secrets
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.db import transaction

from tuodi.audit.actions import record
from tuodi.kernel import clock
from tuodi.kernel.places import pad12
from tuodi.org import access
from tuodi.org.errors import DutyConflictError, NotFoundError
from tuodi.org.models import Duty, DutyCode, Office, User

__all__ = [
    "add_office",
    "add_user",
    "disable_user",
    "enable_user",
    "grant_duty",
    "make_password",
    "revoke_duty",
    "set_password",
]

#: GB/T 22239-2019 8.1.4.2: system managers, auditors and those who do the work are different people.
_BUSINESS = frozenset(DutyCode.values) - {DutyCode.SYSADMIN, DutyCode.AUDIT_VIEW, DutyCode.SUPERVISE}
APART: tuple[tuple[frozenset[str], frozenset[str]], ...] = (
    (frozenset({DutyCode.SYSADMIN}), frozenset(_BUSINESS | {DutyCode.AUDIT_VIEW, DutyCode.SUPERVISE})),
    (frozenset({DutyCode.AUDIT_VIEW}), frozenset(_BUSINESS)),
    # Money: who prepares does not check, and neither approves.
    (frozenset({DutyCode.PAY_PREPARE}), frozenset({DutyCode.PAY_CHECK, DutyCode.PAY_APPROVE})),
    (frozenset({DutyCode.PAY_CHECK}), frozenset({DutyCode.PAY_APPROVE})),
    # A third party's account does one thing; who asks for a hand-over does not approve one.
    (frozenset({DutyCode.THIRD_PARTY}), frozenset(set(DutyCode.values) - {DutyCode.THIRD_PARTY})),
    (frozenset({DutyCode.HAND_OVER}), frozenset({DutyCode.HAND_OVER_APPROVE})),
)


def _door(acting_user: User | None, place_code: str) -> None:
    """Staff is managed by system managers in their own range; None is the system itself (set-up, demo)."""
    if acting_user is not None:
        access.require(acting_user, DutyCode.SYSADMIN, pad12(place_code))


@transaction.atomic
def add_office(
    *,
    acting_user: User | None,
    name: str,
    place_code: str,
    kind: str = Office.Kind.CIVIL_AFFAIRS,
    parent: Office | None = None,
    is_demo: bool = False,
) -> Office:
    """Makes an office for a place, or returns the one of that name there.

    Raises: NotFoundError, AccessDeniedError.
    """
    _door(acting_user, place_code)
    office, made = Office.objects.get_or_create(
        name=name, place_code=place_code, defaults={"kind": kind, "parent": parent, "is_demo": is_demo}
    )
    if made:
        _note("org.add_office", acting_user, "office", office.pk, place_code, {"name": name, "kind": str(kind)})
    return office


@transaction.atomic
def add_user(
    *, acting_user: User | None, username: str, name: str, office: Office, password: str | None, is_demo: bool = False
) -> User:
    """Makes an account; the first sign-in must change the password (demo accounts excepted).

    Without a password (None) nobody can sign in with it until one is given.

    Raises: NotFoundError, AccessDeniedError; ValidationError for a weak password; IntegrityError for a name in use.
    """
    _door(acting_user, office.place_code)
    user = User(
        username=User.normalize_username(username).strip().lower(),
        name=name,
        office=office,
        is_demo=is_demo,
        must_change_password=not is_demo,
        created_at=clock.now(),
    )
    if password is None:
        user.set_unusable_password()
    else:
        validate_password(password, user)
        user.set_password(password)
        user.password_changed_at = clock.now()
    user.save()
    _note("org.add_user", acting_user, "user", user.pk, office.place_code, {"username": user.username, "name": name})
    return user


@transaction.atomic
def grant_duty(*, acting_user: User | None, user: User, code: str, place_code: str | None = None) -> Duty:
    """Gives a duty in a place (default: the office's), from today. Granting twice changes nothing.

    Raises:
        NotFoundError: the place lies outside the user's office range.
        DutyConflictError: with a duty he holds that must stay with somebody else.
    """
    where = place_code or user.office.place_code
    _door(acting_user, where)
    if not access.range_of(user.office.place_code).covers(access.range_of(where)):
        raise NotFoundError("地点")
    User.objects.select_for_update().get(pk=user.pk)  # two grants at once must see each other
    held = access.duties_of(user)
    for one, others in APART:
        for duty in held:
            if (code in one and duty.code in others) or (code in others and duty.code in one):
                raise DutyConflictError(DutyCode(code).label, DutyCode(duty.code).label)
    for duty in held:
        if duty.code == code and duty.place_code == where:
            return duty
    made = Duty.objects.create(
        user=user, code=DutyCode(code), place_code=where, since=clock.today(), granted_by=acting_user
    )
    _note("org.grant_duty", acting_user, "user", user.pk, where, {"duty": code, "place": where})
    return made


@transaction.atomic
def revoke_duty(*, acting_user: User | None, duty: Duty) -> None:
    """Takes a duty away from today on; effective at the next request."""
    _door(acting_user, duty.place_code)
    duty.until = clock.today()
    duty.save(update_fields=["until"])
    _note("org.revoke_duty", acting_user, "user", duty.user_id, duty.place_code, {"duty": duty.code})


@transaction.atomic
def disable_user(*, acting_user: User | None, user: User) -> None:
    """Closes an account; its sessions end at their next request."""
    _door(acting_user, user.office.place_code)
    user.is_active = False
    user.save(update_fields=["is_active"])
    _note("org.disable_user", acting_user, "user", user.pk, user.office.place_code, None)


@transaction.atomic
def enable_user(*, acting_user: User | None, user: User) -> None:
    """Opens an account again."""
    _door(acting_user, user.office.place_code)
    user.is_active = True
    user.save(update_fields=["is_active"])
    _note("org.enable_user", acting_user, "user", user.pk, user.office.place_code, None)


@transaction.atomic
def set_password(*, acting_user: User | None, user: User, password: str) -> None:
    """Sets a password: one's own, or (by a system manager) another's, which must then be changed.

    Raises: ValidationError for a weak one; NotFoundError, AccessDeniedError for another's without the duty.
    """
    own = acting_user is not None and acting_user.pk == user.pk
    if not own:
        _door(acting_user, user.office.place_code)
    validate_password(password, user)
    user.set_password(password)
    user.password_changed_at = clock.now()
    user.must_change_password = not own and not user.is_demo
    user.save(update_fields=["password", "password_changed_at", "must_change_password"])
    _note("org.set_password", acting_user, "user", user.pk, user.office.place_code, None)


def make_password() -> str:
    """A random password that passes the rules, without signs that look alike."""
    alphabet = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKMNPQRSTUVWXYZ23456789"
    while True:
        made = "".join(secrets.choice(alphabet) for _ in range(14))
        if any(c.islower() for c in made) and any(c.isupper() for c in made) and any(c.isdigit() for c in made):
            return made


def _note(
    action: str, actor: User | None, subject: str, number: int, place_code: str, after: dict[str, Any] | None
) -> None:
    record(action, actor=actor, subject_type=subject, subject_id=number, region=pad12(place_code), after=after)
