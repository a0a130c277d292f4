"""Gradual exits (渐退, M45): who keeps the old amount, until which month, and who has left by it.

Decided by the rules at a review or a change ([57] art 33, [2020] 11); the roll entry ends by itself with the last month that
was decided. Who has left is looked after (soft landing).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import Exists, OuterRef, Q, QuerySet

from tuodi.decisions.models import Determination
from tuodi.kernel.errors import TuodiError
from tuodi.kernel.money import parse_yuan
from tuodi.kernel.periods import Month
from tuodi.kernel.places import pad12
from tuodi.monitoring.models import WatchEntry
from tuodi.monitoring.watch import watch_family
from tuodi.org import access
from tuodi.people.models import RollEntry
from tuodi.verification.rulebook import book, place_of

__all__ = ["Exit", "counts", "lines", "listing", "months_allowed", "watch_ended"]


@dataclass(frozen=True)
class Exit:
    """One gradual exit.

    Attributes:
        left: months still paid, this one included; 0 = over.
        ratio_percent: income per head of the standard in per cent when it was decided; None = not in the explanation.
        back_in: on the roll again afterwards.
    """

    determination: Determination
    first: Month
    last: Month
    months: int
    left: int
    ratio_percent: int | None
    back_in: bool
    watched: bool


def months_allowed(place: str, on: date) -> int:
    """Months of gradual exit the texts of a place give on a day; 0 = none is provided for, and who is over the standard stops."""
    row = book().value("dibao.grace_months", book().chain(place_of(pad12(place))), (), on)
    return int(row.value) if row is not None and row.value is not None else 0


def listing(show: str, town: str, month: Month) -> QuerySet[Determination]:
    """Determinations of gradual exits that took effect: `open` (the first to end first), `ending` (this month), `ended`, `all`."""
    entry = RollEntry.objects.filter(determination_id=OuterRef("pk"))
    later = RollEntry.objects.filter(
        household=OuterRef("household"), programme=OuterRef("programme"), start_month__gt=OuterRef("start_month")
    )
    watch = WatchEntry.objects.filter(household=OuterRef("household"), programme=OuterRef("programme"))
    rows = (
        Determination.objects.filter(components__has_key="grace", end_month__isnull=False)
        .annotate(on_roll=Exists(entry), back_in=Exists(later), watched=Exists(watch))
        .select_related("household__head", "person")
    )
    if town:
        found = access.range_of(town)
        rows = rows.filter(region__gte=found.low, region__lt=found.high)
    if show == "ending":
        rows = rows.filter(end_month=month.yyyymm, on_roll=True)
    elif show == "ended":
        return rows.filter(Q(end_month__lt=month.yyyymm) | Q(on_roll=False)).order_by("-end_month", "-id")
    elif show == "open":
        rows = rows.filter(end_month__gte=month.yyyymm, on_roll=True)
    return rows.order_by("end_month", "id")


def counts(month: Month) -> dict[str, int]:
    """How many stand where, in the reader's range."""
    return {show: listing(show, "", month).count() for show in ("open", "ending", "ended", "all")}


def lines(rows: Sequence[Determination], month: Month) -> list[Exit]:
    """What a list shows of some determinations."""
    found = []
    for row in rows:
        first, last = Month.parse(str(row.start_month)), Month.parse(str(row.end_month))
        left = 0 if month > last or not row.on_roll else (last - max(month, first)) + 1  # type: ignore[attr-defined]
        found.append(
            Exit(
                row,
                first,
                last,
                (last - first) + 1,
                left,
                _ratio(row),
                bool(row.back_in),
                bool(row.watched),  # type: ignore[attr-defined]
            )
        )
    return found


def _ratio(row: Determination) -> int | None:
    nodes = {node.get("id"): node for node in (row.explanation or {}).get("nodes", ())}
    income = nodes.get("dibao.percap", {}).get("value")
    standard = next((node.get("value") for key, node in nodes.items() if str(key).startswith("dibao.standard")), None)
    try:
        top, base = parse_yuan(str(income).rstrip("…").replace(",", "")), parse_yuan(str(standard).replace(",", ""))
    except TuodiError:  # an explanation of another shape has no ratio to show
        return None
    return top * 100 // base if base else None


def watch_ended(month: Month) -> int:
    """Puts families whose gradual exit has ended on the watch list. In the caller's scope; each once. Returns how many."""
    rows = listing("ended", "", month).filter(on_roll=True, back_in=False, watched=False)
    n = 0
    for row in rows.iterator(chunk_size=500):
        watch_family(row.household, row.programme)
        n += 1
    return n
