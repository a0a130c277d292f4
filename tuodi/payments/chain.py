"""From appropriation to card, below the county: the lines a booking is made of, by place, and a line's way to its card.

The ledger keeps a county's money by programme and source; whom it reached is told by the lines of runs, their events and
petty cash. A booked event and the events of its lines are written together, so on the same days both come to the same sums.
Sources are drawn for a county as a whole: no line has one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, TypeVar

from django.db import connection
from django.db.models import Model, QuerySet

from tuodi.funds.chain import Wanted
from tuodi.funds.models import LedgerEntry, PettySpend
from tuodi.funds.states import Kind
from tuodi.kernel import clock
from tuodi.kernel.places import pad12
from tuodi.org import access
from tuodi.org.models import User
from tuodi.payments.models import LineEvent, PayLine, PayRun
from tuodi.payments.states import BOOKED, LineStatus

__all__ = [
    "STAGES",
    "Cell",
    "Step",
    "behind",
    "by_place",
    "cash",
    "events",
    "families",
    "granted",
    "line",
    "part_of",
    "steps",
    "sum_of",
]

Row = TypeVar("Row", bound=Model)

#: Stage -> the event of a line that counts in it; `granted` and `petty` are no events.
_EVENTS = {
    "sent": LineStatus.SENT,
    "paid": LineStatus.PAID,
    "failed": LineStatus.FAILED,
    "returned": LineStatus.RETURNED,
    "withheld": LineStatus.WITHHELD,
}
STAGES = ("granted", "withheld", "sent", "failed", "paid", "returned", "petty")
_KINDS = {kind: stage for stage, kind in _EVENTS.items()}
_BOOKED_AS = {
    Kind.SEND: LineStatus.SENT,
    Kind.PAID: LineStatus.PAID,
    Kind.FAILED: LineStatus.FAILED,
    Kind.RETURNED: LineStatus.RETURNED,
    Kind.WITHHELD: LineStatus.WITHHELD,
}


@dataclass(frozen=True)
class Cell:
    """What one stage moved in one place: lines, families behind them, fen."""

    lines: int = 0
    families: int = 0
    fen: int = 0

    def __add__(self, other: Cell) -> Cell:
        return Cell(self.lines + other.lines, self.families + other.families, self.fen + other.fen)


def _moments(first: date, last: date) -> tuple[datetime, datetime]:
    return (
        datetime.combine(first, time.min, clock.BEIJING),
        datetime.combine(last + timedelta(days=1), time.min, clock.BEIJING),
    )


def _approved(wanted: Wanted) -> list[int]:
    """Runs approved in the period. Asked by the system: a run of a whole prefecture is no row of its counties."""
    since, until = _moments(wanted.first, wanted.last)
    with access.system_scope(access.NATION):
        rows = PayRun.objects.filter(approved_at__gte=since, approved_at__lt=until, state__in=BOOKED)
        return list(rows.values_list("pk", flat=True))


def by_place(wanted: Wanted, digits: int) -> dict[str, dict[str, Cell]]:
    """Place of so many digits -> stage -> its lines, in three queries. `wanted.source` does not narrow it."""
    limits = access.range_of(wanted.place)
    since, until = _moments(wanted.first, wanted.last)
    given: dict[str, Any] = {
        "digits": digits, "low": limits.low, "high": limits.high, "since": since, "until": until,
        "programme": wanted.programme, "runs": _approved(wanted), "kinds": [str(one.value) for one in _EVENTS.values()],
        "first": wanted.first, "last": wanted.last,
    }  # fmt: skip
    queries = (
        "select substr(l.region, 1, %(digits)s), 'granted', count(*), count(distinct l.household_id), coalesce(sum(l.amount_fen), 0)::bigint "
        "from payments_payline l where l.run_id = any(%(runs)s) and l.live and l.held = '' and l.region >= %(low)s and l.region < %(high)s "
        "and (%(programme)s = '' or l.programme = %(programme)s) group by 1",
        "select substr(v.region, 1, %(digits)s), v.kind, count(*), count(distinct l.household_id), coalesce(sum(l.amount_fen), 0)::bigint "
        "from payments_lineevent v join payments_payline l on l.id = v.line_id where v.at >= %(since)s and v.at < %(until)s "
        "and v.kind = any(%(kinds)s) and v.region >= %(low)s and v.region < %(high)s "
        "and (%(programme)s = '' or l.programme = %(programme)s) group by 1, 2",
        "select substr(s.region, 1, %(digits)s), 'petty', count(*), count(distinct s.household_id), coalesce(sum(s.amount_fen), 0)::bigint "
        "from funds_pettyspend s where s.paid_on between %(first)s and %(last)s and s.region >= %(low)s and s.region < %(high)s "
        "and %(programme)s in ('', 'temporary') group by 1",
    )
    found: dict[str, dict[str, Cell]] = {}
    with connection.cursor() as cursor:
        for query in queries:
            cursor.execute(query, given)
            for place, kind, lines, families, fen in cursor.fetchall():
                found.setdefault(place, {})[_KINDS.get(kind, kind)] = Cell(lines, families, fen)
    return found


def granted(wanted: Wanted) -> QuerySet[PayLine]:
    """Lines of runs approved in the period, by place."""
    limits = access.range_of(wanted.place)
    rows = PayLine.objects.filter(
        run__in=_approved(wanted), live=True, held="", region__gte=limits.low, region__lt=limits.high
    )
    rows = rows.filter(programme=wanted.programme) if wanted.programme else rows
    return rows.select_related("household__head", "person").order_by("region", "id")


def events(wanted: Wanted, stage: str) -> QuerySet[LineEvent]:
    """What happened to lines in the period, newest first."""
    limits = access.range_of(wanted.place)
    since, until = _moments(wanted.first, wanted.last)
    rows = LineEvent.objects.filter(
        kind=_EVENTS[stage], at__gte=since, at__lt=until, region__gte=limits.low, region__lt=limits.high
    )
    rows = rows.filter(line__programme=wanted.programme) if wanted.programme else rows
    return rows.select_related("line__household__head", "line__person", "by").order_by("-id")


def cash(wanted: Wanted) -> QuerySet[PettySpend]:
    """What towns paid in cash in the period, newest first."""
    limits = access.range_of(wanted.place)
    rows = PettySpend.objects.filter(
        paid_on__gte=wanted.first, paid_on__lte=wanted.last, region__gte=limits.low, region__lt=limits.high
    )
    if wanted.programme not in ("", "temporary"):
        rows = rows.none()
    return rows.select_related("household__head", "paid_by").order_by("-id")


def part_of(rows: QuerySet[Row], start: int, stop: int) -> list[Row]:
    """A part of a long list, in its order: its numbers first, then these rows alone with what hangs on them.

    Asked for at once, behind the row rules of the database, the whole list would be joined and sorted for one page of it.
    """
    numbers = list(rows.values_list("pk", flat=True)[start:stop])
    found = {one.pk: one for one in rows.filter(pk__in=numbers)}
    return [found[one] for one in numbers if one in found]


def behind(entry: LedgerEntry) -> QuerySet[PayLine] | None:
    """The lines one entry was booked for; None where it was booked for none (papers, cash, corrections)."""
    if entry.reverses_id is not None or entry.run_id is None:
        return None
    limits = access.range_of(entry.region[:6])
    lines = PayLine.objects.filter(run=entry.run_id, region__gte=limits.low, region__lt=limits.high)
    lines = lines.select_related("household__head", "person").order_by("region", "id")
    if entry.kind == Kind.GRANT:
        return lines.filter(live=True, held="")
    status = _BOOKED_AS.get(Kind(entry.kind))
    if status is None:
        return None
    told = LineEvent.objects.filter(kind=status, region__gte=limits.low, region__lt=limits.high)
    if entry.origin == "return":
        told = told.filter(returned=entry.origin_id)
    elif entry.kind == Kind.SEND:
        told = told.filter(batch=entry.origin_id)
    else:
        # Booked in the same transaction, just after its events and after the entry before it of this origin.
        told = told.filter(at__lte=entry.at, returned__isnull=True)
        told = told.filter(batch=entry.origin_id) if entry.origin == "batch" else told.filter(line__run=entry.run_id)
        earlier = LedgerEntry.objects.filter(
            origin=entry.origin, origin_id=entry.origin_id, kind=entry.kind, region=entry.region, at__lt=entry.at
        )
        last = earlier.order_by("-id").values_list("at", flat=True).first()
        told = told.filter(at__gt=last) if last else told
        if entry.kind == Kind.WITHHELD and "：" in entry.memo:
            told = told.filter(message=entry.memo.split("：", 1)[1])
    return lines.filter(pk__in=told.values("line"))


def sum_of(lines: QuerySet[PayLine]) -> Cell:
    """Lines, families and fen of a list."""
    query, params = lines.order_by().values("household_id", "amount_fen").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(
            f"select count(*), count(distinct household_id), coalesce(sum(amount_fen), 0)::bigint from ({query}) x",
            params,
        )
        return Cell(*cursor.fetchone())


def line(user: User, pk: int) -> PayLine:
    """One granted line in the user's range. NotFoundError alike for absent, forbidden and not granted yet."""
    rows = PayLine.objects.filter(run__in=_granted_runs(pk), live=True)
    return access.one(rows.select_related("household__head", "person"), user=user, what="发放明细", pk=pk)


def _granted_runs(pk: int) -> list[int]:
    runs = list(PayLine.objects.filter(pk=pk).values_list("run_id", flat=True))
    with access.system_scope(access.NATION):
        return list(PayRun.objects.filter(pk__in=runs, state__in=BOOKED).values_list("pk", flat=True))


@dataclass(frozen=True)
class Step:
    """One station of a line: `entry` is the booking it counts in, None where nothing was booked for it (unknown)."""

    stage: str
    label: str
    at: datetime | None
    who: str
    note: str
    entry: int | None


def steps(row: PayLine) -> list[Step]:
    """A line's way from approval to the card, in order, each with its entry; five queries."""
    with access.system_scope(access.NATION):
        run = PayRun.objects.select_related("approved_by").get(pk=row.run_id)
    county = pad12(row.region[:6])
    happened = list(LineEvent.objects.filter(line=row).select_related("by", "batch", "returned").order_by("id"))
    booked = LedgerEntry.objects.filter(run_id=row.run_id, region=county, reverses__isnull=True).order_by("id")
    known = list(booked.values_list("pk", "kind", "origin", "origin_id", "at"))

    def entry_of(kind: str, origin: str, number: int | None, at: datetime | None = None) -> int | None:
        fits = [one for one in known if one[1] == kind and one[2] == origin and number in (None, one[3])]
        if at is not None:
            fits = [one for one in fits if one[4] >= at] or fits
        return fits[0][0] if fits else None

    found = [
        Step("granted", "审批占用", run.approved_at, run.approved_by.name if run.approved_by else "", run.no,
             entry_of(Kind.GRANT, "run", run.pk))
    ]  # fmt: skip
    kinds = {status: kind for kind, status in _BOOKED_AS.items()}
    for one in happened:
        kind = kinds.get(LineStatus(one.kind))
        origin, number = (
            ("return", one.returned_id)
            if one.returned_id
            else ("batch", one.batch_id)
            if one.batch_id
            else ("run", run.pk)
        )
        told = " ".join(part for part in (one.code, one.message) if part)
        note = one.returned.file_name if one.returned else one.batch.no if one.batch else ""
        found.append(
            Step(
                _KINDS.get(one.kind, ""), str(LineStatus(one.kind).label), one.at, one.by.name,
                " · ".join(part for part in (note, told) if part),
                entry_of(kind, origin, number, one.at) if kind else None,
            )
        )  # fmt: skip
    return found


def families(lines: Iterable[PayLine]) -> tuple[list[int], list[int]]:
    """Families and people a list of lines shows, for the log of who looked."""
    rows = list(lines)
    return [one.household_id for one in rows], [one.person_id or one.household.head_id for one in rows]
