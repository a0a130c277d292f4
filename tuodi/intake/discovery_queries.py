"""Reading patrols and discoveries: mine, what is overdue, how much of a place was looked in on, what waits for an answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection
from django.db.models import F, Q, QuerySet

from tuodi.intake.discovery_states import DiscoveryState, PatrolState
from tuodi.intake.models import Discovery, PatrolTask
from tuodi.kernel.periods import Month
from tuodi.org import access
from tuodi.org.models import User
from tuodi.people.models import AtRisk, Person

__all__ = [
    "Coverage",
    "access_at_risk",
    "access_discovery",
    "access_patrol",
    "at_risk_of",
    "coverage",
    "discoveries",
    "listed",
    "my_patrols",
    "overdue_patrols",
    "urgent_discoveries",
    "within",
]


def access_patrol(user: User, pk: int) -> PatrolTask:
    """One patrol in the user's range. NotFoundError alike for absent and forbidden."""
    rows = PatrolTask.objects.select_related("person", "household", "patroller", "done_by", "photo")
    return access.one(rows, user=user, what="巡查任务", pk=pk)


def access_discovery(user: User, no: str) -> Discovery:
    """One report in the user's range, by its number. NotFoundError alike for absent and forbidden."""
    rows = Discovery.objects.select_related(
        "person", "household__head", "reported_by__office", "answered_by", "case", "task", "photo"
    )
    return access.one(rows, user=user, what="主动发现", no=no)


def access_at_risk(user: User, pk: int) -> AtRisk:
    """One entry of the list in the user's range."""
    return access.one(AtRisk.objects.select_related("person"), user=user, what="急难风险对象", pk=pk)


def my_patrols(user: User, today: date) -> QuerySet[PatrolTask]:
    """What a grid worker still has to visit up to this month: his own, and what nobody was given; the oldest month first."""
    return (
        PatrolTask.objects.filter(state=PatrolState.PLANNED, month__lte=Month.of(today).yyyymm)
        .filter(Q(patroller=user) | Q(patroller__isnull=True))
        .select_related("person", "household")
        .order_by("due_on", "region", "grid", "person__name_pinyin", "id")
    )


def overdue_patrols(today: date) -> QuerySet[PatrolTask]:
    """Patrols in scope nobody made in their month, the oldest first."""
    return (
        PatrolTask.objects.filter(state=PatrolState.PLANNED, due_on__lt=today)
        .select_related("person", "patroller")
        .order_by("due_on", "region", "id")
    )


def discoveries(show: str = "open") -> QuerySet[Discovery]:
    """Reports in scope: `open` (urgent first, then the oldest), or `all` (the newest first)."""
    rows = Discovery.objects.select_related("person", "household__head", "reported_by", "case")
    if show == "open":
        return rows.filter(state=DiscoveryState.REPORTED).order_by("-urgent", "reported_at", "id")
    return rows.order_by("-id")


def within(rows: QuerySet[Any], place: str) -> QuerySet[Any]:
    """Rows of a place, by its significant digits; all where it is empty."""
    if not place:
        return rows
    covered = access.range_of(place)
    return rows.filter(region__gte=covered.low, region__lt=covered.high)


def urgent_discoveries() -> QuerySet[Discovery]:
    """Urgent reports nobody has answered: they stand in the emergency queue."""
    return discoveries("open").filter(urgent=True)


def at_risk_of(person: Person) -> list[AtRisk]:
    """Why a person is on the list today."""
    return list(AtRisk.objects.filter(person=person, ended_on__isnull=True).order_by("id"))


def listed() -> QuerySet[AtRisk]:
    """The list in scope: those nobody has looked in on first."""
    return (
        AtRisk.objects.filter(ended_on__isnull=True)
        .select_related("person")
        .order_by(F("last_checked").asc(nulls_first=True), "region", "id")
    )


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of one place was looked in on in a month.

    Attributes:
        region: town or village, as significant digits.
        planned: patrols that were to be made. done: made. found: of these, with something to report. overdue: not made
            in time. at_risk: persons on the list today.
        rate: done of planned in whole per cent; None = nothing was planned.
    """

    region: str
    planned: int
    done: int
    found: int
    overdue: int
    at_risk: int

    @property
    def rate(self) -> int | None:
        """Whole per cent, rounded down, so that 100 means everybody."""
        return self.done * 100 // self.planned if self.planned else None


def coverage(month: Month, today: date, *, digits: int = 9) -> list[Coverage]:
    """Coverage by place in scope, the lowest rate first. Places with persons at risk and no patrol stand at the top.

    Args:
        digits: 9 = by town, 12 = by village.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "with t as (select left(region, %(n)s) r, count(*) planned, count(*) filter (where state <> 'planned') done, "
            "count(*) filter (where state in ('reported', 'converted', 'no_need')) found, "
            "count(*) filter (where state = 'planned' and due_on < %(today)s) overdue "
            "from intake_patroltask where month = %(month)s and state <> 'dropped' group by 1), "
            "a as (select left(region, %(n)s) r, count(distinct person_id) listed from people_atrisk "
            "where ended_on is null group by 1) "
            "select coalesce(t.r, a.r), coalesce(planned, 0), coalesce(done, 0), coalesce(found, 0), coalesce(overdue, 0), "
            "coalesce(listed, 0) from t full join a on a.r = t.r "
            "order by coalesce(done, 0)::numeric / nullif(planned, 0) nulls first, 1",
            {"n": digits, "month": month.yyyymm, "today": today},
        )
        return [Coverage(*row) for row in cursor.fetchall()]
