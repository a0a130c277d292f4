"""Reading the watch over families that were cut off (软着陆): whose look is overdue first, and what was done for them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from tuodi.monitoring.models import WatchAid, WatchEntry
from tuodi.org import access
from tuodi.org.models import User

__all__ = ["SHOWS", "WatchCounts", "access_watch", "aids_of", "watch_counts", "watched"]

#: What a list may show, and its Chinese name.
SHOWS = {"overdue": "待走访", "open": "关注中", "ended": "已结束", "all": "全部"}
_ENDED = Q(state=WatchEntry.State.ENDED)


def _late(day: date) -> Q:
    return ~_ENDED & (Q(next_look_on__lt=day) | Q(watch_until__lt=day))


@dataclass(frozen=True, slots=True)
class WatchCounts:
    """`open + ended = all`; overdue is part of open, aided and readmitted of all. `aid_fen`: money noted so far."""

    all: int
    open: int
    ended: int
    overdue: int
    aided: int
    readmitted: int
    aid_fen: int


def watch_counts(day: date) -> WatchCounts:
    """How the watches in the reader's range stand. Two queries."""
    counted = WatchEntry.objects.aggregate(
        all=Count("pk"),
        open=Count("pk", filter=~_ENDED),
        ended=Count("pk", filter=_ENDED),
        overdue=Count("pk", filter=_late(day)),
        readmitted=Count("pk", filter=Q(readmitted=True)),
    )
    money = WatchAid.objects.exclude(kind=WatchAid.Kind.LOOK).aggregate(
        aided=Count("watch", distinct=True), aid_fen=Coalesce(Sum("amount_fen"), 0)
    )
    return WatchCounts(**counted, **money)


def watched(show: str, day: date) -> QuerySet[WatchEntry]:
    """Watches of one kind: open ones first, the most overdue look first."""
    # Subqueries, not a join: they are worked out for the rows of one page, after the limit.
    given = WatchAid.objects.filter(watch=OuterRef("pk")).order_by().values("watch")
    rows = WatchEntry.objects.select_related("household__head").annotate(
        aided=Coalesce(Subquery(given.exclude(kind=WatchAid.Kind.LOOK).annotate(n=Count("pk")).values("n")), 0),
        aid_fen=Coalesce(Subquery(given.annotate(n=Sum("amount_fen")).values("n")), 0),
    )
    if show == "overdue":
        rows = rows.filter(_late(day))
    elif show == "open":
        rows = rows.filter(~_ENDED)
    elif show == "ended":
        return rows.filter(_ENDED).order_by("-ended_at", "-id")
    return rows.order_by(F("ended_at").asc(nulls_first=True), "next_look_on", "id")


def access_watch(user: User, pk: int) -> WatchEntry:
    """One watch in the user's range. Raises NotFoundError."""
    rows = WatchEntry.objects.select_related("household__head", "clue", "ended_by")
    return access.one(rows, user=user, what="关注记录", pk=pk)


def aids_of(entry: WatchEntry) -> list[WatchAid]:
    """Looks and aids of a watch, newest first."""
    return list(entry.aids.select_related("added_by__office").order_by("-on", "-id")[:200])
