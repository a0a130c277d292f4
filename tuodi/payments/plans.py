"""用款计划 against a run: what finance agreed for the month, what other runs of the month use of it, what this run would."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection

from tuodi.funds import ledger as funds
from tuodi.funds.models import FundPaper
from tuodi.funds.states import Account, PaperKind, PaperState
from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.kernel.places import pad12
from tuodi.payments.figures import Figures, figures_of
from tuodi.payments.models import PayRun
from tuodi.payments.states import DRAFT
from tuodi.verification.rulebook import profile_value

__all__ = ["Excess", "blocks", "excess", "month_label"]


@dataclass(frozen=True)
class Excess:
    """A sub-account for which a run wants more than its month's plans leave; in fen.

    Attributes:
        source: empty = over all sources. papers: numbers of the plans that count; empty = there is none.
        wanted: what other runs of the month were approved with and this run together.
    """

    county: str
    programme: str
    source: str
    planned: int
    wanted: int
    papers: tuple[str, ...]

    @property
    def over(self) -> int:
        """What is beyond the plans."""
        return self.wanted - self.planned

    @property
    def label(self) -> str:
        """`东宝区城乡低保（中央）`."""
        return funds.sub_account_label(self.county, self.programme, self.source or None)


def blocks(place: str) -> bool:
    """Whether a place lets no run pass that is beyond its plans; by default a written reason does."""
    return bool(profile_value("plan_excess_blocks", place, clock.today()))


def excess(run: PayRun, figures: Figures | None = None) -> list[Excess]:
    """Where a draft run is beyond the approved plans of its month, as things stand; empty after approval.

    A plan that names a source limits what is drawn from it; all plans of a programme together limit its sum. A county
    without a fund book has no plans. Where a programme has no plan for the month nothing limits it, but where the place
    lets nothing pass beyond its plans: there no plan is a plan of nothing.

    Args:
        figures: of the run's lines, where they have just been read.
    """
    if run.state not in DRAFT:
        return []
    granted = (figures or figures_of(run)).granted()
    wanted = {key: fen for key, (fen, _) in granted.items() if fen}
    orders = funds.books(county for county, _ in wanted)
    plans: dict[tuple[str, str], list[FundPaper]] = {}
    for one in FundPaper.objects.filter(
        region__in=[pad12(county) for county in orders], kind=PaperKind.PLAN, state=PaperState.APPROVED, month=run.month
    ).order_by("id"):
        plans.setdefault((one.region[:6], one.programme), []).append(one)
    used = _used(run)
    there = funds.held(Account.AVAILABLE, orders, orders=orders)
    found = []
    for (county, programme), fen in sorted(wanted.items()):
        if county not in orders:
            continue
        mine = plans.get((county, programme), [])
        if not mine and not blocks(county):
            continue
        before = used.get((county, programme), {})
        total, planned = fen + sum(before.values()), sum(one.amount_fen for one in mine)
        if total > planned:
            found.append(Excess(county, programme, "", planned, total, tuple(one.no for one in mine)))
            continue
        drawn, _ = funds.share(fen, there.get((county, programme), []))
        free = sum(one.amount_fen for one in mine if not one.source)
        for source in sorted({one.source for one in mine if one.source}):
            named = [one for one in mine if one.source == source]
            takes = dict(drawn).get(source, 0) + before.get(source, 0)
            allowed = free + sum(one.amount_fen for one in named)
            if takes > allowed:
                found.append(Excess(county, programme, source, allowed, takes, tuple(one.no for one in named)))
    return found


def _used(run: PayRun) -> dict[tuple[str, str], dict[str, int]]:
    """(county, programme) -> source -> what approved runs of the month owe families, less what was withheld of them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select substr(p.region, 1, 6), p.programme, p.source, sum(p.credit_fen - p.debit_fen)::bigint from funds_posting p "
            "join funds_ledgerentry e on e.id = p.entry_id join payments_runs() r on r.id = e.run_id "
            "where r.month = %s and r.id <> %s and e.kind in ('grant', 'withheld') and p.account = 'payable' group by 1, 2, 3",
            [run.month, run.pk],
        )
        rows = cursor.fetchall()
    found: dict[tuple[str, str], dict[str, int]] = {}
    for county, programme, source, fen in rows:
        found.setdefault((county, programme), {})[source] = fen
    return found


def month_label(run: PayRun) -> str:
    """The run's month as a sentence has it."""
    return Month.parse(str(run.month)).label
