"""Reading emergencies: the queue by its clock, one of them, what a family was relieved of, whose papers are owed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Count, F, Q, QuerySet

from tuodi.decisions.models import Relief
from tuodi.decisions.relief_states import ReliefState
from tuodi.intake.discovery_queries import urgent_discoveries
from tuodi.org import access
from tuodi.org.models import User
from tuodi.people.models import Household
from tuodi.policy.model import NO_CAP
from tuodi.verification.rulebook import book, place_of

__all__ = [
    "SHOWS",
    "SORTS",
    "Bounds",
    "Counts",
    "access_relief",
    "bounds",
    "counts",
    "queue",
    "reliefs_of",
    "waiting_for_relief",
]

#: What the queue may show.
SHOWS = {"waiting": "待救助", "papers": "待补手续", "overdue": "手续超期", "approval": "待审批", "ended": "已结束"}
_WAITING = (ReliefState.REPORTED, ReliefState.RESPONDED)
_ENDED = (ReliefState.CONFIRMED, ReliefState.WITHDRAWN, ReliefState.CLOSED)


def access_relief(user: User, no: str) -> Relief:
    """One emergency in the user's range, by its number. NotFoundError alike for absent and forbidden."""
    rows = Relief.objects.select_related(
        "household__head", "person", "case", "determination", "reported_by", "responded_by", "relieved_by__office",
        "papers_by", "ended_by", "photo",
    )  # fmt: skip
    return access.one(rows, user=user, what="急难求助", no=no)


#: How the queue may be put in order; the first is what burns first.
SORTS = {"": "期限先后", "reported": "最近接报在前", "amount": "金额高的在前", "name": "姓名拼音"}
_ORDERS: dict[str, tuple[Any, ...]] = {
    "reported": ("-reported_at", "-id"),
    "amount": (F("determination__amount_fen").desc(nulls_last=True), "id"),
    "name": ("person__name_pinyin", "id"),
}


def queue(show: str, today: date, *, place: str = "", cause: str = "", sort: str = "") -> QuerySet[Relief]:
    """Emergencies in scope, what burns first: by the hour they must be relieved, by the day their papers are due.

    Args:
        place: Significant digits to narrow it to. sort: A key of `SORTS`.
    """
    rows = _shown(show, today)
    if place:
        covered = access.range_of(place)
        rows = rows.filter(region__gte=covered.low, region__lt=covered.high)
    if cause:
        rows = rows.filter(cause=cause)
    return rows.order_by(*_ORDERS[sort]) if sort in _ORDERS else rows


def _shown(show: str, today: date) -> QuerySet[Relief]:
    rows = Relief.objects.select_related("household__head", "person", "determination", "responded_by")
    if show == "waiting":
        return rows.filter(state__in=_WAITING).order_by("relieve_by", "id")
    if show == "papers":
        return rows.filter(state=ReliefState.RELIEVED).order_by("papers_due_on", "id")
    if show == "overdue":
        return rows.filter(state=ReliefState.RELIEVED, papers_due_on__lt=today).order_by("papers_due_on", "id")
    if show == "approval":
        return rows.filter(state=ReliefState.COMPLETED).order_by("papers_at", "id")
    return rows.filter(state__in=_ENDED).order_by("-id")


def waiting_for_relief() -> QuerySet[Relief]:
    """Emergencies in scope that nobody has relieved yet."""
    return Relief.objects.filter(state__in=_WAITING)


def reliefs_of(household: Household) -> QuerySet[Relief]:
    """Emergencies of a family, newest first."""
    return Relief.objects.filter(household=household).select_related("determination").order_by("-id")


@dataclass(frozen=True, slots=True)
class Counts:
    """How many emergencies in scope stand where.

    Attributes:
        late: not answered or not relieved within their hours. discovered: urgent discoveries nobody took up.
    """

    waiting: int
    late: int
    papers: int
    overdue: int
    approval: int
    ended: int
    discovered: int


def counts(today: date, now: datetime) -> Counts:
    """The queue in figures, in two queries."""
    late = (Q(state=ReliefState.REPORTED) & Q(respond_by__lt=now)) | (Q(state__in=_WAITING) & Q(relieve_by__lt=now))
    found = Relief.objects.aggregate(
        waiting=Count("id", filter=Q(state__in=_WAITING)),
        late=Count("id", filter=late),
        papers=Count("id", filter=Q(state=ReliefState.RELIEVED)),
        overdue=Count("id", filter=Q(state=ReliefState.RELIEVED, papers_due_on__lt=today)),
        approval=Count("id", filter=Q(state=ReliefState.COMPLETED)),
        ended=Count("id", filter=Q(state__in=_ENDED)),
    )
    return Counts(**found, discovered=urgent_discoveries().count())


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a place gives a family at once, in fen; None = no bound, and for the township: no ceiling is set."""

    least: int | None
    most: int | None
    year: int | None
    town: int | None


def bounds(region: str, on: date) -> Bounds:
    """The bounds of temporary relief in force for a region on a day."""
    known = book()
    chain = known.chain(place_of(region))

    def fen(name: str) -> int | None:
        row = known.value(f"temporary.{name}", chain, (), on)
        return None if row is None or row.value is None or row.value == NO_CAP else int(row.value)

    return Bounds(fen("minimum") or None, fen("maximum"), fen("year_cap"), fen("town_limit"))
