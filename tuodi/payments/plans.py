"""用款计划 against a run: what finance agreed for the month, what uses it already, and what this run would (`funds.plans`)."""

from __future__ import annotations

from django.db import connection

from tuodi.funds import ledger as funds
from tuodi.funds.plans import Excess, agreed, blocks, judge, left_for_others
from tuodi.funds.states import Account
from tuodi.kernel.periods import Month
from tuodi.payments.figures import Figures, wanted_of
from tuodi.payments.models import PayRun
from tuodi.payments.states import DRAFT

__all__ = ["Excess", "blocks", "excess", "month_label", "used_by_runs"]


def excess(run: PayRun, figures: Figures | None = None) -> list[Excess]:
    """Where a draft run is beyond the approved plans of its month, as things stand; empty after approval.

    What left in the month for towns, hospitals and bodies counts as well. A county without a fund book has no plans. Where a
    programme has no plan for the month nothing limits it, but where the place lets nothing pass beyond its plans: there no
    plan is a plan of nothing.

    Args:
        figures: of the run's lines, where they have just been read.
    """
    if run.state not in DRAFT:
        return []
    if figures is None:
        wanted = wanted_of(run)
    else:
        wanted = {key: fen for key, (fen, _) in figures.granted().items() if fen}
    orders = funds.books(county for county, _ in wanted)
    if not orders:
        return []
    month = Month.parse(str(run.month))
    plans, used = agreed(orders, month), _used(month, run.pk)
    others = left_for_others(orders, month)
    there = funds.held(Account.AVAILABLE, orders, orders=orders)
    found = []
    for key, fen in sorted(wanted.items()):
        if key[0] not in orders:
            continue
        drawn, _ = funds.share(fen, there.get(key, []))
        before = dict(used.get(key, {}))
        for source, more in others.get(key, {}).items():
            before[source] = before.get(source, 0) + more
        found += judge(*key, fen=fen, drawn=dict(drawn), before=before, plans=plans.get(key, []))
    return found


def used_by_runs(county: str, programme: str, month: Month) -> dict[str, int]:
    """Source -> what the approved runs of a month owe families, for `funds.plans`."""
    return _used(month, 0).get((county, programme), {})


def _used(month: Month, but: int) -> dict[tuple[str, str], dict[str, int]]:
    """(county, programme) -> source -> what approved runs of a month but one owe families, less what was withheld of them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select substr(p.region, 1, 6), p.programme, p.source, sum(p.credit_fen - p.debit_fen)::bigint from funds_posting p "
            "join funds_ledgerentry e on e.id = p.entry_id join payments_runs() r on r.id = e.run_id "
            "where r.month = %s and r.id <> %s and e.kind in ('grant', 'withheld') and p.account = 'payable' group by 1, 2, 3",
            [month.yyyymm, but],
        )
        rows = cursor.fetchall()
    found: dict[tuple[str, str], dict[str, int]] = {}
    for county, programme, source, fen in rows:
        found.setdefault((county, programme), {})[source] = fen
    return found


def month_label(run: PayRun) -> str:
    """The run's month as a sentence has it."""
    return Month.parse(str(run.month)).label
