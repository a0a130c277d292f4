"""What a supervisor reads: overdue work by place and officer, timeliness, precision over time, escalations, follow-ups.

Each is one query over the clues of a range, whatever the range holds. `confirmed + refuted + open = total` in every row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection
from django.db.models import F, Q, QuerySet

from tuodi.kernel.periods import Month
from tuodi.kernel.places import span
from tuodi.monitoring.models import Clue, WatchEntry

__all__ = [
    "MonthRow", "OfficerRow", "PlaceWork", "RuleMonth", "by_officer", "by_place", "escalated", "follow_ups", "levels_below", "monthly",
    "rule_months",
]  # fmt: skip

#: A place's level below: significant digits of what its table lists.
_BELOW = {2: 4, 4: 6, 6: 9, 9: 12}


@dataclass(frozen=True, slots=True)
class PlaceWork:
    """The clue work of one place below the range.

    Attributes:
        running: not closed out yet, with or without a verdict.
        late_days: mean calendar days over the limit of what is overdue now; None = nothing is.
        in_time: closed by their limit. timed: closed with a limit; the rate is in_time of timed.
        climbed: open ones now with the prefecture or the province. unread: pushed and not read.
    """

    code: str
    total: int
    confirmed: int
    refuted: int
    open: int
    running: int
    unassigned: int
    overdue: int
    late_days: float | None
    timed: int
    in_time: int
    climbed: int
    unread: int

    @property
    def timeliness(self) -> float | None:
        """Closed by the limit, in percent of those closed with one."""
        return 100 * self.in_time / self.timed if self.timed else None

    @property
    def precision(self) -> float | None:
        """Confirmed of answered, in percent."""
        answered = self.confirmed + self.refuted
        return 100 * self.confirmed / answered if answered else None


@dataclass(frozen=True, slots=True)
class OfficerRow:
    """One responsible person: open clues, those over their limit, the earliest limit."""

    user_id: int
    name: str
    office: str
    open: int
    overdue: int
    first_due: date | None


@dataclass(frozen=True, slots=True)
class MonthRow:
    """One month of close-outs and verdicts in a range."""

    month: Month
    closed: int
    timed: int
    in_time: int
    confirmed: int
    refuted: int


@dataclass(frozen=True, slots=True)
class RuleMonth:
    """Verdicts on one rule (or source) in one month."""

    code: str
    label: str
    month: Month
    confirmed: int
    refuted: int


def levels_below(place: str) -> int | None:
    """Digits of the places listed below a place; None below a village."""
    return _BELOW.get(len(place))


def _rows(query: str, *values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, list(values))
        return list(cursor.fetchall())


def by_place(place: str, today: date) -> tuple[PlaceWork, list[PlaceWork]]:
    """The whole of a range, and the places below it, most overdue first."""
    low, high = span(place)
    digits = levels_below(place) or len(place)
    found = _rows(
        "select left(region, %s), count(*), count(*) filter (where verdict = 'confirmed'), count(*) filter (where verdict = 'refuted'), "
        "count(*) filter (where verdict = ''), count(*) filter (where state <> 'closed'), count(*) filter (where state = 'generated'), "
        "count(*) filter (where state <> 'closed' and deadline < %s), avg(%s - deadline) filter (where state <> 'closed' and deadline < %s), count(*) filter (where state = 'closed' and deadline is not null), "
        "count(*) filter (where state = 'closed' and (closed_at at time zone 'Asia/Shanghai')::date <= deadline), "
        "count(*) filter (where state <> 'closed' and level in ('PREF', 'PROV')), count(*) filter (where pushed_at is not null and read_at is null) "
        "from monitoring_clue where region >= %s and region <= %s group by rollup (1) order by 8 desc, 1",
        digits, today, today, today, low, high,
    )  # fmt: skip
    whole, rows = PlaceWork(place, 0, 0, 0, 0, 0, 0, 0, None, 0, 0, 0, 0), []
    for code, *counts in found:
        counts[7] = None if counts[7] is None else float(counts[7])  # mean days
        row = PlaceWork(code or place, *counts)
        if code is None:
            whole = row
        else:
            rows.append(row)
    return whole, rows


def by_officer(place: str, today: date, limit: int = 30) -> list[OfficerRow]:
    """Responsible persons with open clues in a range, most overdue first."""
    low, high = span(place)
    found = _rows(
        "select c.responsible_id, u.name, o.name, count(*), count(*) filter (where c.deadline < %s), min(c.deadline) "
        "from monitoring_clue c join org_user u on u.id = c.responsible_id join org_office o on o.id = u.office_id "
        "where c.state <> 'closed' and c.region >= %s and c.region <= %s group by 1, 2, 3 order by 5 desc, 4 desc, 1 limit %s",
        today, low, high, limit,
    )  # fmt: skip
    return [OfficerRow(*row) for row in found]


def monthly(place: str, since: Month, until: Month) -> list[MonthRow]:
    """Close-outs and verdicts month by month, months without any included."""
    low, high = span(place)
    first, after = since.first_day, until.next().first_day
    found = _rows(
        "select to_char(at, 'YYYYMM')::int, sum(closed)::int, sum(timed)::int, sum(in_time)::int, sum(confirmed)::int, sum(refuted)::int from ("
        " select (closed_at at time zone 'Asia/Shanghai')::date as at, 1 as closed, (deadline is not null)::int as timed, "
        "  coalesce((closed_at at time zone 'Asia/Shanghai')::date <= deadline, false)::int as in_time, 0 as confirmed, 0 as refuted "
        " from monitoring_clue where state = 'closed' and region >= %s and region <= %s"
        " union all "
        " select (verdict_at at time zone 'Asia/Shanghai')::date, 0, 0, 0, (verdict = 'confirmed')::int, (verdict = 'refuted')::int "
        " from monitoring_clue where verdict <> '' and region >= %s and region <= %s"
        ") x where at >= %s and at < %s group by 1",
        low, high, low, high, first, after,
    )  # fmt: skip
    known = {month: rest for month, *rest in found}
    months = [since + step for step in range((until - since) + 1)]
    return [MonthRow(month, *known.get(month.yyyymm, [0, 0, 0, 0, 0])) for month in months]


def rule_months(place: str, since: Month, until: Month, *, by: str = "rule") -> list[RuleMonth]:
    """Verdicts by rule (or source) and month, the rules with most verdicts first."""
    low, high = span(place)
    column, label = ("source", "source") if by == "source" else ("rule_code", "max(rule_text ->> 'label')")
    found = _rows(
        f"select {column}, {label}, to_char(verdict_at at time zone 'Asia/Shanghai', 'YYYYMM')::int, count(*) filter (where verdict = 'confirmed'), "
        "count(*) filter (where verdict = 'refuted') from monitoring_clue where verdict <> '' and region >= %s and region <= %s "
        "and (verdict_at at time zone 'Asia/Shanghai')::date >= %s and (verdict_at at time zone 'Asia/Shanghai')::date < %s group by 1, 3 order by 3, 1",
        low, high, since.first_day, until.next().first_day,
    )  # fmt: skip
    return [RuleMonth(code, text or code, Month.parse(str(month)), yes, no) for code, text, month, yes, no in found]


def escalated(place: str, limit: int = 20) -> Sequence[Clue]:
    """Open clues that climbed to the prefecture or the province, the longest overdue first."""
    low, high = span(place)
    rows = Clue.objects.filter(
        ~Q(state=Clue.State.CLOSED), level__in=("PREF", "PROV"), region__gte=low, region__lte=high
    )
    return list(
        rows.select_related("person", "household__head", "responsible", "office")
        .defer("registered", "stated")
        .order_by(F("deadline").asc(nulls_last=True), "id")[:limit]
    )


def follow_ups(place: str, today: date) -> QuerySet[WatchEntry]:
    """Families under watch after they were cut off, those due for a look first."""
    low, high = span(place)
    return (
        WatchEntry.objects.exclude(state=WatchEntry.State.ENDED)
        .filter(region__gte=low, region__lte=high)
        .select_related("household__head", "clue")
        .order_by("next_look_on", "id")
    )
