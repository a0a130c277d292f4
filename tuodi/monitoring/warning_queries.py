"""Early warnings as the county, the prefecture and the province see them."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet

from tuodi.cases.guard import level_of
from tuodi.kernel import clock
from tuodi.monitoring.models import Clue
from tuodi.monitoring.warning_actions import LEVELS
from tuodi.org import access
from tuodi.org.models import DutyCode, User

__all__ = ["Levels", "levels", "warnings"]


def warnings(user: User, *, open_only: bool = True, unread_only: bool = False, level: str = "") -> QuerySet[Clue]:
    """Warnings in the user's range, the ones that must be acted on first.

    The county sees all of its own; prefecture and province those that have climbed to them or past them, unless they
    ask for a level.
    """
    access.require_any(
        user, [DutyCode.VERIFY, DutyCode.CLUE_DECIDE, DutyCode.SUPERVISE, DutyCode.SWEEP], user.office.place_code.ljust(12, "0")
    )  # fmt: skip
    rows = Clue.objects.filter(pushed_at__isnull=False).select_related("person", "household", "responsible")
    rows = rows.filter(level=level) if level else _climbed(rows, user)
    if open_only:
        rows = rows.filter(verdict="")
    if unread_only:
        rows = rows.filter(read_at__isnull=True)
    return rows.order_by("read_at", "deadline", "id")


def unread(user: User) -> QuerySet[Clue]:
    """Open warnings nobody has signed for yet. The caller knows that the user may sign."""
    return _climbed(Clue.objects.filter(pushed_at__isnull=False, verdict="", read_at__isnull=True), user)


def _climbed(rows: QuerySet[Clue], user: User) -> QuerySet[Clue]:
    own = level_of(user)
    return rows.filter(level__in=LEVELS[LEVELS.index(own) :]) if own in LEVELS[1:] else rows


@dataclass(frozen=True)
class Levels:
    """Counts of one place: `total = open + answered`; `open = county + prefecture + province`."""

    region: str
    total: int
    answered: int
    open: int
    unread: int
    overdue: int
    pending: int  #: of the open: no deadline, its year has no official calendar
    county: int
    prefecture: int
    province: int


def levels(user: User, digits: int = 6) -> list[Levels]:
    """Warnings by county (or other digits) and level in the user's range. Needs `supervise`, `sweep` or `verify`."""
    access.require_any(
        user, [DutyCode.SUPERVISE, DutyCode.SWEEP, DutyCode.VERIFY, DutyCode.CLUE_DECIDE], user.office.place_code.ljust(12, "0")
    )  # fmt: skip
    is_open = Q(verdict="")
    rows = (
        Clue.objects.filter(pushed_at__isnull=False)
        .values("region")
        .annotate(
            total=Count("id"), answered=Count("id", filter=~is_open), open=Count("id", filter=is_open),
            unread=Count("id", filter=is_open & Q(read_at__isnull=True)),
            overdue=Count("id", filter=is_open & Q(deadline__lt=clock.today())),
            pending=Count("id", filter=is_open & Q(deadline_pending=True)),
            county=Count("id", filter=is_open & Q(level="COUN")), prefecture=Count("id", filter=is_open & Q(level="PREF")),
            province=Count("id", filter=is_open & Q(level="PROV")),
        )
        .order_by("region")
    )  # fmt: skip
    summed: dict[str, dict[str, int]] = {}
    for row in rows:
        place = summed.setdefault(str(row.pop("region"))[:digits], {})
        for name, n in row.items():
            place[name] = place.get(name, 0) + n
    return [Levels(region=place, **counts) for place, counts in summed.items()]
