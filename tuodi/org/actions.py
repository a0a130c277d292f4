"""Offices, accounts and duties: made, granted and taken away. Every change is in the audit log."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import date
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.db import transaction
from django.db.models import Q

from tuodi.audit.actions import record
from tuodi.kernel import clock
from tuodi.kernel.places import pad12
from tuodi.org import access, session_actions
from tuodi.org.errors import DutyConflictError, NotFoundError, OwnAccountError
from tuodi.org.models import ALONE, Duty, DutyCode, Office, User

__all__ = [
    "add_office",
    "add_user",
    "conflict",
    "disable_user",
    "enable_user",
    "grant_duty",
    "make_password",
    "move_user",
    "revoke_duty",
    "set_password",
]

#: Pairs one person never holds together. Administrators and third parties have nothing beside (`ALONE`; the database refuses it too).
APART: tuple[tuple[frozenset[str], frozenset[str]], ...] = (
    *((frozenset({one}), frozenset(set(DutyCode.values) - {one})) for one in ALONE),
    # Money: who prepares does not check, and neither approves.
    (frozenset({DutyCode.PAY_PREPARE}), frozenset({DutyCode.PAY_CHECK, DutyCode.PAY_APPROVE})),
    (frozenset({DutyCode.PAY_CHECK}), frozenset({DutyCode.PAY_APPROVE})),
    # Who proposes what the fund does is not who reviews it for finance.
    (frozenset({DutyCode.FUND_KEEP}), frozenset({DutyCode.FUND_REVIEW})),
    # Who drafts a standard neither approves it nor speaks for another body.
    (frozenset({DutyCode.STANDARDS}), frozenset({DutyCode.STANDARDS_OPINION, DutyCode.STANDARDS_APPROVE})),
    # Who asks for a hand-over does not approve one.
    (frozenset({DutyCode.HAND_OVER}), frozenset({DutyCode.HAND_OVER_APPROVE})),
)


def conflict(code: str, held: Iterable[str]) -> str | None:
    """The first held duty that must stay with somebody else than the holder of `code`."""
    return next(
        (one for one in held if any((code in a and one in b) or (code in b and one in a) for a, b in APART)), None
    )


def _door(acting_user: User | None, place_code: str, duty: str = DutyCode.SYSADMIN) -> None:
    """Accounts belong to system managers, duties to security managers, in their own range; None is the system (set-up, demo)."""
    if acting_user is not None:
        access.require(acting_user, duty, pad12(place_code))


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
def grant_duty(
    *, acting_user: User | None, user: User, code: str, place_code: str | None = None, until: date | None = None
) -> Duty:
    """Gives a duty in a place (default: the office's), from today. Granting twice changes nothing.

    Args:
        until: The first day without it; None = open.

    Raises:
        NotFoundError: the place lies outside the user's office range.
        DutyConflictError: with a duty he holds, or was lent, that must stay with somebody else.
    """
    where = place_code or user.office.place_code
    _door(acting_user, where, DutyCode.SECURITY)
    if not access.range_of(user.office.place_code).covers(access.range_of(where)):
        raise NotFoundError("地点")
    User.objects.select_for_update().get(pk=user.pk)  # two grants at once must see each other
    today = clock.today()
    held = list(Duty.objects.filter(user=user).filter(Q(until__isnull=True) | Q(until__gt=today)))
    if other := conflict(code, (duty.code for duty in held)):
        raise DutyConflictError(DutyCode(code).label, DutyCode(other).label)
    for duty in held:
        if duty.code == code and duty.place_code == where and duty.lent_from_id is None and duty.since <= today:
            return duty
    made = Duty.objects.create(
        user=user, code=DutyCode(code), place_code=where, since=today, until=until, granted_by=acting_user
    )
    said = {"duty": code, "place": where} | ({"until": until} if until else {})
    _note("org.grant_duty", acting_user, "user", user.pk, where, said)
    return made


@transaction.atomic
def revoke_duty(*, acting_user: User | None, duty: Duty) -> None:
    """Takes a duty away from today on; effective at the next request, and so is what was lent from it."""
    _door(acting_user, duty.place_code, DutyCode.SECURITY)
    duty.until = max(clock.today(), duty.since)
    duty.save(update_fields=["until"])
    _note("org.revoke_duty", acting_user, "user", duty.user_id, duty.place_code, {"duty": duty.code})


@transaction.atomic
def move_user(*, acting_user: User | None, user: User, office: Office) -> None:
    """Moves an account to another office: its duties and all it lent end, its sessions too.

    Raises: NotFoundError, AccessDeniedError: the old or the new place is not the manager's.
    """
    _door(acting_user, user.office.place_code)
    _door(acting_user, office.place_code)
    before, today = user.office, clock.today()
    for duty in Duty.objects.filter(user=user).exclude(until__lte=today):
        duty.until = max(today, duty.since)
        duty.save(update_fields=["until"])
    user.office = office
    user.save(update_fields=["office"])
    session_actions.end_all(user, why="调离原机构")
    _note("org.move_user", acting_user, "user", user.pk, office.place_code, {"from": before.name, "to": office.name})


@transaction.atomic
def disable_user(*, acting_user: User | None, user: User) -> None:
    """Closes an account; its sessions are dead at once, and stay dead when it is opened again.

    Raises: OwnAccountError: Somebody must be left to open it again.
    """
    _door(acting_user, user.office.place_code)
    if acting_user is not None and acting_user.pk == user.pk:
        raise OwnAccountError()
    user.is_active = False
    user.save(update_fields=["is_active"])
    session_actions.end_all(user, why="账号停用")
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
    """Sets a password: one's own, or (by the system) another's, which must then be changed. Other sessions end.

    Raises: ValidationError for a weak one; NotFoundError, AccessDeniedError for another's without the duty.
    """
    own = acting_user is not None and acting_user.pk == user.pk
    if not own:
        _door(acting_user, user.office.place_code, DutyCode.SECURITY)
    validate_password(password, user)
    user.set_password(password)
    user.password_changed_at = clock.now()
    user.must_change_password = not own and not user.is_demo
    user.save(update_fields=["password", "password_changed_at", "must_change_password"])
    session_actions.end_all(user, why="密码已修改")
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
