"""Who may see and do what: the one access layer, above the second lock in the database (`rls`).

A *region* is the full 12-character code a row carries; a *place code* is the significant prefix (`4208`) an office or
a duty covers. A range is half-open: `4208 <= region < 4208~` ("~" sorts after every digit and letter).

    with scope(user): ...           a request: sees the user's office range
    with system_scope("4208"): ...  a job or a command of the system itself
    with subject_scope(subject): .. a resident: rows of his own family, in its own village
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
    "Subject",
    "covered",
    "current_range",
    "current_subject",
    "duties_of",
    "has_duty",
    "holders",
    "in_scope",
    "lender_of",
    "locked",
    "one",
    "range_of",
    "ranges_for",
    "require",
    "require_any",
    "scope",
    "subject_scope",
    "system_scope",
    "wherever",
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


@dataclass(frozen=True)
class Subject:
    """A resident and his family, as the database is told of them.

    Attributes:
        account_id: of the room people; one resident, one account.
        person_id: the resident himself.
        region: 12-character code of the village his family lives in.
        person_ids: the family as it is today, himself included.
        household_ids: his present households; empty for somebody in none.
    """

    account_id: int
    person_id: int
    region: str
    person_ids: tuple[int, ...]
    household_ids: tuple[int, ...]

    def setting(self) -> str:
        """`app.subject`: `1,2|3`, the resident first."""
        others = sorted(set(self.person_ids) - {self.person_id})
        return ",".join(map(str, [self.person_id, *others])) + "|" + ",".join(map(str, sorted(self.household_ids)))


#: What staff of an outside provider see of the tables: no row. They are handed fields of their own tasks, by queries
#: that ask whose task it is.
NOTHING = Range("", "")

#: The range the present transaction was given; None = none, and the database shows nothing.
_current: ContextVar[Range | None] = ContextVar("tuodi_range", default=None)
_subject: ContextVar[Subject | None] = ContextVar("tuodi_subject", default=None)


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


def current_subject() -> Subject | None:
    """The resident whose request this is, or None (staff, the system, nobody)."""
    return _subject.get()


def _set(found: Range | None, actor: str, subject: Subject | None = None) -> None:
    with connection.cursor() as cursor:
        # Transaction-local on purpose: a session setting would leak to the next user of a pooled connection.
        cursor.execute(
            "select set_config('app.region', %s, true), set_config('app.region_hi', %s, true), "
            "set_config('app.actor', %s, true), set_config('app.subject', %s, true)",
            [
                found.low if found else "",
                found.high if found else "",
                actor,
                subject.setting() if subject else "",
            ],
        )


@contextmanager
def scope(holder: User | Range) -> Iterator[Range]:
    """Opens a transaction (or savepoint) that sees one range, and puts the former range back afterwards.

    Inside a resident's scope it is a way out of it, for what the system does for him: keep the block short, and hand out
    of it only what he may see.

    Args:
        holder: a user (his office's range) or a range.
    Raises: NoScopeError for a disabled user or office.
    """
    with _opened(_range_for(holder), str(holder.pk) if isinstance(holder, User) else "system", None) as found:
        yield found


@contextmanager
def subject_scope(subject: Subject) -> Iterator[Range]:
    """The scope of a resident: the exact region of his family, narrowed by the database to its own rows.

    Tables that open no rows to residents (`rls.SubjectRows`) show nothing and take nothing here.
    """
    with _opened(range_of(subject.region), f"resident:{subject.account_id}", subject) as found:
        yield found


@contextmanager
def wherever(subject: Subject) -> Iterator[Range]:
    """A resident's own rows in whatever place they lie: the database still narrows every table to them (`rls.SubjectRows`)."""
    with _opened(range_of(NATION), f"resident:{subject.account_id}", subject) as found:
        yield found


@contextmanager
def _opened(found: Range, actor: str, subject: Subject | None) -> Iterator[Range]:
    before, whose = _current.get(), _subject.get()
    outermost = not connection.in_atomic_block
    with transaction.atomic():
        _set(found, actor, subject)
        tokens = _current.set(found), _subject.set(subject)
        try:
            yield found
        finally:
            _current.reset(tokens[0])
            _subject.reset(tokens[1])
        # Reached on success only: a failure rolls the setting back with the savepoint. The settings outlive a
        # released savepoint, so they are put back by hand; they do not outlive the transaction.
        if not outermost and not connection.needs_rollback:
            _set(before, f"resident:{whose.account_id}" if whose else "", whose)


@contextmanager
def system_scope(place_code: str) -> Iterator[Range]:
    """The scope of the system's own work (jobs, imports, commands) in one place."""
    with scope(range_of(place_code)) as found:
        yield found


def in_scope(user: User, region: str) -> bool:
    """Whether a region lies in the range of the user's office."""
    return region in _range_for(user)


#: Written out: every page asks it, and composing it anew takes longer than answering it.
_DUTIES = """
    select own.* from org_duty own
    left join org_duty lent on lent.id = own.lent_from_id
    left join org_user lender on lender.id = lent.user_id
    where own.user_id = %(user)s and own.since <= %(today)s and (own.until is null or own.until > %(today)s)
      and (own.lent_from_id is null or (
        lender.is_active and lent.since <= %(today)s and (lent.until is null or lent.until > %(today)s)))
    order by own.id
"""


def duties_of(user: User) -> list[Duty]:
    """The duties in force today, own and lent. Asked anew each time, so that a taken duty is gone at once.

    A lent one counts on its days only, while its lender still holds it himself and his account is open.
    """
    today = clock.today()
    rows = list(Duty.objects.raw(_DUTIES, {"user": user.pk, "today": today}))
    if any(row.lent_from_id for row in rows):
        models.prefetch_related_objects(rows, "lent_from__user")
    return rows


def lender_of(user: User, duty: str, region: str) -> User | None:
    """Whom the user acts for with a duty in a region: None where it is his own, or he has none."""
    found = [one for one in duties_of(user) if one.code == duty and region in range_of(one.place_code)]
    if not found or any(one.lent_from is None for one in found):
        return None
    lent_from = found[0].lent_from
    assert lent_from is not None
    return lent_from.user


def covered(user: User, duties: Iterable[Duty] | None = None) -> list[User]:
    """The officers whose whole queue the user has today (AB岗): what is assigned to them by name is his to do.

    Args:
        duties: What he holds today, where the caller has asked.
    """
    held = duties_of(user) if duties is None else duties
    found = {one.lent_from.user_id: one.lent_from.user for one in held if one.lent_from and one.stand_in_id}
    return list(found.values())


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


def holders(duty: str, region: str) -> list[User]:
    """Who holds a duty in a region today by himself: whom to ask for a step. Those nearest to the place first."""
    today = clock.today()
    rows = (
        Duty.objects.filter(code=duty, since__lte=today, lent_from__isnull=True, user__is_active=True)
        .filter(models.Q(until__isnull=True) | models.Q(until__gt=today))
        .filter(place_code__in=[NATION, *(region[:size] for size in (2, 4, 6, 9, 12))])
        .select_related("user__office")
    )
    found = {one.user_id: one.user for one in sorted(rows, key=lambda row: (-len(row.place_code), row.pk))}
    return list(found.values())


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


def locked(rows: models.QuerySet[Row], pk: object, *, what: str = "记录") -> Row:
    """A row as it stands now, held until the transaction ends; what is read along with it (`select_related`) is not held.

    Raises: NotFoundError for a row that is gone or outside the range in force.
    """
    found = rows.select_for_update(of=("self",)).filter(pk=pk).first()
    if found is None:
        raise NotFoundError(what)
    return found


def one(rows: models.QuerySet[Row], *, user: User, what: str = "记录", **lookup: Any) -> Row:
    """One protected row, by a lookup.

    Raises: NotFoundError, alike for a row that is absent and one outside the user's range.
    """
    found = rows.filter(**lookup).first()
    region = getattr(found, "region", None)
    if found is None or (region is not None and not in_scope(user, region)):
        raise NotFoundError(what)
    return found
