"""Where each yuan is, what moved it, and what a year, a month's plan or a rule on matching money comes to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from django.db import connection
from django.db.models import QuerySet, Sum

from tuodi.funds.ledger import programme_label, source_label
from tuodi.funds.models import Balance, FundPaper, LedgerEntry, Population, Posting, YearEnd
from tuodi.funds.states import LIVING, SPENT_AT_ONCE, Account, FundProgramme, PaperKind, PaperState, Source
from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.kernel.places import pad12
from tuodi.org import access
from tuodi.org.models import User
from tuodi.policy.model import NO_CAP
from tuodi.verification.rulebook import book, place_of, profile_value

__all__ = [
    "Idle",
    "Matching",
    "Plan",
    "Standing",
    "YearFigure",
    "entries_of",
    "entry",
    "idle",
    "matching",
    "papers",
    "plans",
    "programme_rank",
    "settled",
    "source_rank",
    "standing",
    "sub_label",
    "suspended_runs",
    "year_figures",
    "year_plans",
]


_SPENT = [one.value for one in SPENT_AT_ONCE]


def sub_label(programme: str, source: str) -> str:
    """`城乡低保（中央）`."""
    return f"{programme_label(programme)}（{source_label(source)}）"


@dataclass
class Standing:
    """One sub-account now. Amounts in fen.

    Attributes:
        held: account -> fen, of the accounts that hold money.
        paid: what families have, net of what came back.
        brought: appropriated less given back. transferred: in less out.
        owed: granted and not yet paid.
        moved_on: last day anything moved in it.
    """

    county: str
    programme: str
    source: str
    held: dict[str, int] = field(default_factory=dict)
    paid: int = 0
    brought: int = 0
    transferred: int = 0
    owed: int = 0
    moved_on: date | None = None

    @property
    def total(self) -> int:
        """All that is in hand."""
        return sum(self.held.values())


def standing(place: str) -> list[Standing]:
    """Every sub-account in a place, by county, programme and source; from the kept sums."""
    found: dict[tuple[str, str, str], Standing] = {}
    limits = access.range_of(place)
    rows = (
        Balance.objects.filter(region__gte=limits.low, region__lt=limits.high)
        .values_list("region", "programme", "source", "account")
        .annotate(dr=Sum("debit_fen"), cr=Sum("credit_fen"))
        .order_by("region", "programme", "source")
    )
    for region, programme, source, account, dr, cr in rows:
        one = found.setdefault((region[:6], programme, source), Standing(region[:6], programme, source))
        fen = dr - cr
        if account in LIVING:
            one.held[account] = one.held.get(account, 0) + fen
        elif account == Account.APPROPRIATED:
            one.brought -= fen
        elif account == Account.TRANSFER:
            one.transferred -= fen
        else:
            one.paid += fen
            if account == Account.PAYABLE:
                one.owed -= fen
    moved = Balance.objects.filter(region__gte=limits.low, region__lt=limits.high, moved_on__isnull=False)
    for region, programme, source, day in moved.values_list("region", "programme", "source", "moved_on"):
        one = found[region[:6], programme, source]
        one.moved_on = max(one.moved_on, day) if one.moved_on else day
    return sorted(found.values(), key=lambda one: (one.county, programme_rank(one.programme), source_rank(one.source)))


def programme_rank(programme: str) -> int:
    """Where a programme stands in lists."""
    return FundProgramme.values.index(programme) if programme in FundProgramme.values else 99


def source_rank(source: str) -> tuple[int, str]:
    """Where a source stands in lists: central money first."""
    kind = source.split(":")[0]
    return (Source.values.index(kind) if kind in Source.values else 99, source)


def entries_of(
    place: str, *, programme: str = "", source: str | None = None, account: str = ""
) -> QuerySet[LedgerEntry]:
    """Entries with a posting in some sub-account, newest first."""
    limits = access.range_of(place)
    sides = Posting.objects.filter(region__gte=limits.low, region__lt=limits.high)
    if programme:
        sides = sides.filter(programme=programme)
    if source is not None:
        sides = sides.filter(source=source)
    if account:
        sides = sides.filter(account=account)
    return LedgerEntry.objects.filter(pk__in=sides.values("entry")).select_related("by").order_by("-id")


def entry(user: User, pk: int) -> LedgerEntry:
    """One entry in the user's range. NotFoundError alike for absent and forbidden."""
    return access.one(LedgerEntry.objects.select_related("by", "reverses"), user=user, what="记账凭证", pk=pk)


def papers(place: str, *, kind: str = "", state: str = "", year: int | None = None) -> QuerySet[FundPaper]:
    """Papers of a place, newest first."""
    limits = access.range_of(place)
    rows = FundPaper.objects.filter(region__gte=limits.low, region__lt=limits.high)
    if kind:
        rows = rows.filter(kind=kind)
    if state:
        rows = rows.filter(state=state)
    if year:
        rows = rows.filter(year=year)
    return rows.select_related("proposed_by", "decided_by", "fund", "hospital").order_by("-id")


@dataclass(frozen=True)
class YearFigure:
    """A year of one sub-account, in fen: opening + got - given - paid = what its accounts held at the end.

    Attributes:
        left: available at the end, less what was handed back for the year since.
    """

    programme: str
    source: str
    opening: int
    appropriated: int
    transferred_in: int
    transferred_out: int
    recovered: int
    handed_back: int
    paid: int
    available: int
    elsewhere: int
    left: int

    @property
    def closing(self) -> int:
        """All that was in hand at the end."""
        return self.available + self.elsewhere

    @property
    def variance(self) -> int:
        """Got less paid: what the year left over, or took from before."""
        got = self.appropriated + self.transferred_in - self.transferred_out + self.recovered - self.handed_back
        return got - self.paid

    @property
    def silent(self) -> bool:
        """Whether nothing was in it and nothing moved."""
        return not any((self.opening, self.appropriated, self.transferred_in, self.transferred_out, self.recovered, self.handed_back,
                        self.paid, self.available, self.elsewhere))  # fmt: skip

    @property
    def off(self) -> int:
        """What does not add up; 0 in every ledger that balances."""
        return self.opening + self.variance - self.closing


_YEAR = """
select programme, source,
  coalesce(sum(dr - cr) filter (where living and day < %(first)s), 0)::bigint,
  coalesce(sum(cr - dr) filter (where account = 'appropriated' and kind = 'appropriation' and day >= %(first)s), 0)::bigint,
  coalesce(sum(cr) filter (where account = 'transfer' and day >= %(first)s), 0)::bigint,
  coalesce(sum(dr) filter (where account = 'transfer' and day >= %(first)s), 0)::bigint,
  coalesce(sum(cr - dr) filter (where account = 'receivable' and kind = 'recovered' and day >= %(first)s), 0)::bigint,
  coalesce(sum(dr - cr) filter (where account = 'appropriated' and kind = 'hand_back' and day >= %(first)s), 0)::bigint,
  coalesce(sum(dr - cr) filter (where day >= %(first)s and ((account = 'payable' and kind in ('paid', 'returned'))
    or (account = 'expense' and kind = any(%(spent)s)))), 0)::bigint,
  coalesce(sum(dr - cr) filter (where account = 'available'), 0)::bigint,
  coalesce(sum(dr - cr) filter (where living and account <> 'available'), 0)::bigint
from (select p.programme, p.source, p.account, p.debit_fen dr, p.credit_fen cr, e.kind, e.day, p.account = any(%(living)s) living
  from funds_posting p join funds_ledgerentry e on e.id = p.entry_id
  where p.region >= %(low)s and p.region < %(high)s and e.day <= %(last)s) x
group by programme, source order by programme, source
"""


def year_figures(region: str, year: int) -> list[YearFigure]:
    """A county's year, from the postings themselves."""
    limits = access.range_of(region[:6])
    with connection.cursor() as cursor:
        cursor.execute(
            _YEAR,
            {
                "first": date(year, 1, 1), "last": date(year, 12, 31), "low": limits.low, "high": limits.high,
                "living": [str(one.value) for one in LIVING], "spent": _SPENT,
            },
        )  # fmt: skip
        rows = cursor.fetchall()
    back: dict[tuple[str, str], int] = {}
    given = FundPaper.objects.filter(
        region=pad12(region[:6]),
        year=year,
        kind=PaperKind.HAND_BACK,
        state=PaperState.APPROVED,
        entry__day__gt=date(year, 12, 31),
    )
    for programme, source, fen in given.values_list("programme", "source", "amount_fen"):
        back[programme, source] = back.get((programme, source), 0) + fen
    made = [YearFigure(*row, left=row[9] - back.get((row[0], row[1]), 0)) for row in rows]
    return sorted(made, key=lambda one: (programme_rank(one.programme), source_rank(one.source)))


def settled(region: str, year: int) -> YearEnd | None:
    """The settled year, or None while it is open."""
    return YearEnd.objects.filter(region=pad12(region[:6]), year=year).select_related("settled_by").first()


@dataclass(frozen=True)
class Plan:
    """A month's plans of one programme: agreed, paid so far, unused; in fen."""

    programme: str
    planned: int
    paid: int

    @property
    def unused(self) -> int:
        """Below zero = more was paid than was planned."""
        return self.planned - self.paid


def plans(region: str, month: Month) -> list[Plan]:
    """What finance agreed for a month against what reached families in it (M36)."""
    rows = FundPaper.objects.filter(
        region=pad12(region[:6]), kind=PaperKind.PLAN, state=PaperState.APPROVED, month=month.yyyymm
    )
    planned = dict(rows.values_list("programme").annotate(fen=Sum("amount_fen")))
    limits = access.range_of(region[:6])
    with connection.cursor() as cursor:
        cursor.execute(
            "select p.programme, sum(p.debit_fen - p.credit_fen)::bigint from funds_posting p join funds_ledgerentry e on e.id = p.entry_id "
            "where p.region >= %s and p.region < %s and e.day between %s and %s and ((p.account = 'payable' and e.kind in ('paid', 'returned')) "
            "or (p.account = 'expense' and e.kind = any(%s))) group by 1",
            [limits.low, limits.high, month.first_day, month.last_day, _SPENT],
        )
        paid = dict(cursor.fetchall())
    names = sorted({*planned, *paid}, key=programme_rank)
    return [Plan(name, int(planned.get(name, 0)), int(paid.get(name, 0))) for name in names]


def year_plans(region: str, year: int, figures: Iterable[YearFigure]) -> list[Plan]:
    """A year's plans by programme against what was paid in it (M36: settlement with variance); programmes without a plan too.

    Args:
        figures: `year_figures` of the year.
    """
    rows = FundPaper.objects.filter(
        region=pad12(region[:6]),
        kind=PaperKind.PLAN,
        state=PaperState.APPROVED,
        month__range=(year * 100 + 1, year * 100 + 12),
    )
    planned = dict(rows.values_list("programme").annotate(fen=Sum("amount_fen")))
    paid: dict[str, int] = {}
    for one in figures:
        paid[one.programme] = paid.get(one.programme, 0) + one.paid
    names = sorted({*planned, *(name for name, fen in paid.items() if fen)}, key=programme_rank)
    return [Plan(name, int(planned.get(name, 0)), paid.get(name, 0)) for name in names]


@dataclass(frozen=True)
class Matching:
    """What city and county must put up per resident, against what they did (M42). None = a figure is missing."""

    programme: str
    per_head_fen: int | None
    clause: str
    residents: int | None
    appropriated: int

    @property
    def required(self) -> int | None:
        """Fen a year."""
        if self.per_head_fen is None or self.residents is None:
            return None
        return self.per_head_fen * self.residents

    @property
    def gap(self) -> int | None:
        """Fen still to be put up; 0 = none."""
        return None if self.required is None else max(self.required - self.appropriated, 0)


def matching(region: str, year: int) -> list[Matching]:
    """The floors of a county's year. Rates are pack values; money of the city and of the county counts."""
    known = book()
    chain = known.chain(place_of(region))
    people = Population.objects.filter(region=pad12(region[:6]), year=year).values_list("residents", flat=True).first()
    found = []
    for programme in (FundProgramme.MEDICAL, FundProgramme.TEMPORARY):
        row = known.value(f"standards.{programme}_per_head", chain, (), date(year, 12, 31))
        rate = None if row is None or row.value is None or row.value == NO_CAP else int(row.value)
        put = FundPaper.objects.filter(
            region=pad12(region[:6]), year=year, kind=PaperKind.APPROPRIATION, state=PaperState.APPROVED,
            programme=programme, source__in=[Source.PREFECTURE, Source.COUNTY],
        ).aggregate(n=Sum("amount_fen"))["n"]  # fmt: skip
        found.append(Matching(programme, rate, row.clause if row and rate is not None else "", people, put or 0))
    return found


@dataclass(frozen=True)
class Idle:
    """Money that lies: a sub-account with available money, and the days since anything moved in it."""

    standing: Standing
    days: int
    limit: int | None  #: None = the place sets none: shown, not called late

    @property
    def late(self) -> bool:
        """Whether it has lain longer than the place allows."""
        return self.limit is not None and self.days > self.limit


def idle(rows: Iterable[Standing], today: date | None = None) -> list[Idle]:
    """Sub-accounts with available money, the longest without movement first."""
    on = today or clock.today()
    found = []
    for one in rows:
        if one.source and one.held.get(Account.AVAILABLE, 0) > 0 and one.moved_on:
            found.append(Idle(one, (on - one.moved_on).days, profile_value("idle_money_days", one.county, on)))
    return sorted(found, key=lambda one: -one.days)


def suspended_runs(region: str) -> list[tuple[int, int]]:
    """[(run, fen)] with money in suspense in a county."""
    rows = Balance.objects.filter(account=Account.SUSPENSE, region=pad12(region[:6])).exclude(source="")
    sums: dict[int, int] = {}
    for run_id, dr, cr in rows.values_list("run_id", "debit_fen", "credit_fen"):
        sums[run_id] = sums.get(run_id, 0) + dr - cr
    return [(run, fen) for run, fen in sorted(sums.items()) if fen]
