"""Who may see and do what: the one access layer, above the second lock in the database (`rls`).

A *region* is the full 12-character code a row carries; a *place code* is the significant prefix (`4208`) an office or
a duty covers. A range is half-open: `4208 <= region < 4208~` ("~" sorts after every digit and letter).

    with scope(user): ...           a request: sees the user's office range
    with system_scope("4208"): ...  a job or a command of the system itself
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db import connection, models, transaction

from tuodi.kernel import clock
from tuodi.org.errors import AccessDeniedError, NoScopeError, NotFoundError
from tuodi.org.models import Duty, DutyCode, Office, User

__all__ = [
    "Range",
    "current_range",
    "duties_of",
    "has_duty",
    "in_scope",
    "lender_of",
    "one",
    "range_of",
    "ranges_for",
    "require",
    "require_any",
    "scope",
    "system_scope",
]

NATION = "cn"
_AFTER = "~"
Row = TypeVar("Row", bound=models.Model)


@dataclass(frozen=True)
class Range:
    """A half-open range of region codes."""

    low: str
    high: str

    def __contains__(self, region: object) -> bool:
        return isinstance(region, str) and self.low <= region < self.high

    def covers(self, other: Range) -> bool:
        """Whether another range lies wholly inside."""
        return self.low <= other.low and other.high <= self.high


#: What staff of an outside provider see of the tables: no row. They are handed fields of their own tasks, by queries
#: that ask whose task it is.
NOTHING = Range("", "")

#: The range the present transaction was given; None = none, and the database shows nothing.
_current: ContextVar[Range | None] = ContextVar("tuodi_range", default=None)


def range_of(place_code: str) -> Range:
    """The range a place covers, itself and all below it.

    Raises: NoScopeError for text that is no place code (only ASCII digits and letters order as the range needs).
    """
    if place_code == NATION:
        return Range("0", _AFTER)
    if not place_code or len(place_code) > 12 or not (place_code.isascii() and place_code.isalnum()):
        raise NoScopeError(f"“{place_code}”不是有效的区划代码")
    return Range(place_code, place_code + _AFTER)


def _range_for(holder: User | Range) -> Range:
    if isinstance(holder, Range):
        return holder
    if not holder.is_active or not holder.office.is_active:
        raise NoScopeError("账号或所属机构已停用")
    if holder.office.kind == Office.Kind.PROVIDER:
        return NOTHING
    return range_of(holder.office.place_code)


def current_range() -> Range | None:
    """The range in force, or None outside every scope."""
    return _current.get()


def _set(found: Range | None, actor: str) -> None:
    with connection.cursor() as cursor:
        # Transaction-local on purpose: a session setting would leak to the next user of a pooled connection.
        cursor.execute(
            "select set_config('app.region', %s, true), set_config('app.region_hi', %s, true), "
            "set_config('app.actor', %s, true)",
            [found.low if found else "", found.high if found else "", actor],
        )


@contextmanager
def scope(holder: User | Range) -> Iterator[Range]:
    """Opens a transaction (or savepoint) that sees one range, and puts the former range back afterwards.

    Args:
        holder: a user (his office's range) or a range.
    Raises: NoScopeError for a disabled user or office.
    """
    found = _range_for(holder)
    before = _current.get()
    with transaction.atomic():
        _set(found, str(holder.pk) if isinstance(holder, User) else "system")
        token = _current.set(found)
        try:
            yield found
        finally:
            _current.reset(token)
        # Reached on success only: a failure rolls the setting back with the savepoint. The settings outlive a
        # released savepoint, so they are put back by hand.
        if not connection.needs_rollback:
            _set(before, "")


@contextmanager
def system_scope(place_code: str) -> Iterator[Range]:
    """The scope of the system's own work (jobs, imports, commands) in one place."""
    with scope(range_of(place_code)) as found:
        yield found


def in_scope(user: User, region: str) -> bool:
    """Whether a region lies in the range of the user's office."""
    return region in _range_for(user)


def duties_of(user: User) -> list[Duty]:
    """The duties in force today, own and lent. Asked anew each time, so that a taken duty is gone at once.

    A lent one counts on its days only, while its lender still holds it himself and his account is open.
    """
    today = clock.today()
    held = models.Q(lent_from__isnull=True) | (
        models.Q(lent_from__since__lte=today, lent_from__user__is_active=True)
        & (models.Q(lent_from__until__isnull=True) | models.Q(lent_from__until__gt=today))
    )
    rows = Duty.objects.filter(held, user=user, since__lte=today).select_related("lent_from__user")
    return list(rows.filter(models.Q(until__isnull=True) | models.Q(until__gt=today)))


def lender_of(user: User, duty: str, region: str) -> User | None:
    """Whom the user acts for with a duty in a region: None where it is his own, or he has none."""
    found = [one for one in duties_of(user) if one.code == duty and region in range_of(one.place_code)]
    if not found or any(one.lent_from is None for one in found):
        return None
    lent_from = found[0].lent_from
    assert lent_from is not None
    return lent_from.user


def ranges_for(user: User, duties: Iterable[str]) -> list[Range]:
    """Where the user holds one of some duties today: asked once for work over many rows."""
    wanted = set(duties)
    return [range_of(held.place_code) for held in duties_of(user) if held.code in wanted] if user.is_active else []


def has_duty(user: User, duty: str, region: str | None = None) -> bool:
    """Whether the user holds a duty, in a region or (None) anywhere."""
    if not user.is_active:
        return False
    return any(
        held.code == duty and (region is None or region in range_of(held.place_code)) for held in duties_of(user)
    )


def require(user: User, duty: str, region: str) -> None:
    """Opens the door of an action, or raises.

    Raises:
        NotFoundError: the region is outside the user's range (like a row that is not there).
        AccessDeniedError: in range, but without the duty.
    """
    if not in_scope(user, region):
        raise NotFoundError()
    if not has_duty(user, duty, region):
        raise AccessDeniedError(duty, DutyCode(duty).label, "")


def require_any(user: User, duties: Iterable[str], region: str) -> None:
    """Like `require`, satisfied by one of several duties; the error names the first."""
    wanted = list(duties)
    if not in_scope(user, region):
        raise NotFoundError()
    held = duties_of(user)
    if not any(duty.code in wanted and region in range_of(duty.place_code) for duty in held):
        raise AccessDeniedError(wanted[0], DutyCode(wanted[0]).label, "")


def one(rows: models.QuerySet[Row], *, user: User, what: str = "记录", **lookup: Any) -> Row:
    """One protected row, by a lookup.

    Raises: NotFoundError, alike for a row that is absent and one outside the user's range.
    """
    found = rows.filter(**lookup).first()
    region = getattr(found, "region", None)
    if found is None or (region is not None and not in_scope(user, region)):
        raise NotFoundError(what)
    return found
