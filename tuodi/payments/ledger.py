"""What a run's events move in the ledger of `funds`: by county, programme and source of money.

A county that keeps a fund book has its runs' money reserved at approval, by source; every later event moves what was
reserved. Before a county keeps one, its money has no source and nothing is refused (see docs/money.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db import connection

from tuodi.funds import ledger as funds
from tuodi.funds.ledger import Side, credit, debit, pair
from tuodi.funds.models import Account, Balance, LedgerEntry
from tuodi.funds.states import Kind
from tuodi.kernel.places import pad12
from tuodi.org.arrays import plain
from tuodi.org.models import User
from tuodi.payments.figures import Figures
from tuodi.payments.models import BankBatch, BankReturn, ClaimFinding, ClaimReceipt, ClaimWriteOff, PayRun

__all__ = ["post", "post_finding", "post_grant", "post_receipt", "post_withheld", "post_write_off", "reverse_finding"]

#: Accounts an event draws from, one after the other, and the account it moves the money to.
_FLOWS: dict[str, tuple[tuple[str, ...], str]] = {
    Kind.SEND: ((Account.RESERVED, Account.SUSPENSE), Account.TRANSIT),
    Kind.PAID: ((Account.TRANSIT,), Account.PAYABLE),
    Kind.FAILED: ((Account.TRANSIT,), Account.SUSPENSE),
}
_NONE = ""  #: the source of money of a county without a fund book


def post(
    run: PayRun, kind: str, sums: Iterable[tuple[str, str, int]], *, user: User, memo: str,
    batch: BankBatch | None = None, returned: BankReturn | None = None,
) -> LedgerEntry | None:  # fmt: skip
    """Books one event of a run, an entry a county; the first of them comes back.

    Args:
        sums: (county of six characters, programme, fen); nothing is booked where all are 0.
        batch, returned: what the event rests on; the bank's answer goes before the file, the file before the run.

    Raises:
        FundShortError: money that is sent anew was given back to its sub-account meanwhile, and there is not enough.
    """
    wanted: dict[tuple[str, str], int] = {}
    for county, programme, fen in sums:
        if fen:
            wanted[county, programme] = wanted.get((county, programme), 0) + fen
    if not wanted:
        return None
    kind = Kind(kind)
    if kind in _FLOWS:
        sides = _flow(run, kind, wanted)
    elif kind is Kind.RETURNED:
        sides = _returned(run, wanted)
    else:
        raise ValueError(f"{kind} is no event of a run")
    origin, number = ("return", returned.pk) if returned else ("batch", batch.pk) if batch else ("run", run.pk)
    return next(iter(_book(run, sides, kind, origin, number, user, memo)), None)


def _book(
    run: PayRun, sides: Sequence[Side], kind: str, origin: str, number: int, user: User, memo: str
) -> list[LedgerEntry]:
    """One entry a county, which its own officers may read whatever the run's range; counties in one order everywhere."""
    by_county: dict[str, list[Side]] = {}
    for side in sides:
        by_county.setdefault(side.region[:6], []).append(side)
    made = []
    for county in sorted(by_county):
        entry = funds.book(
            by_county[county], kind=kind, region=pad12(county), origin=origin, origin_id=number, user=user, memo=memo,
            run_id=run.pk,
        )  # fmt: skip
        if entry is not None:
            made.append(entry)
    return made


def _flow(run: PayRun, kind: str, wanted: dict[tuple[str, str], int]) -> list[Side]:
    froms, to = _FLOWS[kind]
    counties = {county for county, _ in wanted}
    orders = funds.books(counties)
    there = {account: funds.held(account, counties, run_id=run.pk, orders=orders) for account in froms}
    sides, short = [], {}
    for (county, programme), fen in sorted(wanted.items()):
        rest = fen
        for account in froms:
            drawn, rest = funds.share(rest, there[account].get((county, programme), []))
            for source, part in drawn:
                sides += pair(pad12(county), programme, source, to, account, part)
        if rest:
            short[county, programme] = rest
    for (county, programme), drawn in _beyond(run, kind, short, orders).items():
        for source, part in drawn:
            of = Account.AVAILABLE if kind == Kind.SEND else froms[0]
            sides += pair(pad12(county), programme, source, to, of, part)
    return sides


def _beyond(
    run: PayRun, kind: str, short: dict[tuple[str, str], int], orders: dict[str, list[str]]
) -> dict[tuple[str, str], list[tuple[str, int]]]:
    """Where money comes from that no account of the run holds: sent anew after it was given back, or never reserved."""
    if not short:
        return {}
    reserved = {
        (region[:6], programme)
        for region, programme in Balance.objects.filter(run_id=run.pk, account=Account.RESERVED)
        .exclude(source=_NONE)
        .values_list("region", "programme")
    }
    again = {key: fen for key, fen in short.items() if kind == Kind.SEND and key in reserved}
    found = funds.take(again, orders) if again else {}
    return found | {key: [(_NONE, fen)] for key, fen in short.items() if key not in again}


def _returned(run: PayRun, wanted: dict[tuple[str, str], int]) -> list[Side]:
    """Back from families to suspense, from the sources that paid them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select substr(p.region, 1, 6), p.programme, p.source, sum(p.debit_fen - p.credit_fen)::bigint from funds_posting p "
            "join funds_ledgerentry e on e.id = p.entry_id where e.run_id = %s and e.kind in ('paid', 'returned') "
            "and p.account = 'payable' group by 1, 2, 3",
            [run.pk],
        )
        rows = cursor.fetchall()
    paid: dict[tuple[str, str], list[tuple[str, int]]] = {}
    for county, programme, source, fen in sorted(rows):
        if fen > 0:
            paid.setdefault((county, programme), []).append((source, fen))
    sides = []
    for (county, programme), fen in sorted(wanted.items()):
        drawn, rest = funds.share(fen, paid.get((county, programme), []))
        for source, part in [*drawn, (_NONE, rest)]:
            sides += pair(pad12(county), programme, source, Account.SUSPENSE, Account.PAYABLE, part) if part else []
    return sides


def _withheld(run: PayRun, wanted: dict[tuple[str, str], int], of: str) -> list[Side]:
    """What was granted and is not paid after all is no longer owed: its money is free again."""
    there = funds.held(of, {county for county, _ in wanted}, run_id=run.pk)
    sides = []
    for (county, programme), fen in sorted(wanted.items()):
        region = pad12(county)
        drawn, rest = funds.share(fen, there.get((county, programme), []))
        for source, part in drawn:
            sides += pair(region, programme, source, Account.PAYABLE, Account.EXPENSE, part)
            sides += pair(region, programme, source, Account.AVAILABLE, of, part)
        if rest:
            sides += pair(region, programme, _NONE, Account.PAYABLE, Account.EXPENSE, rest)
    return sides


def post_withheld(run: PayRun, lines: Sequence[int], *, user: User, memo: str, of: str = Account.RESERVED) -> None:
    """Books back what approved lines that never leave would have paid, kept back, and found overpaid: it is told anew.

    Args:
        lines: ids; already withheld. of: where their money lies: reserved, or in suspense once the bank gave it back.
    """
    wanted: dict[tuple[str, str], int] = {}
    other: list[Side] = []
    with connection.cursor() as cursor:
        cursor.execute(
            "select substr(region, 1, 6), programme, sum(amount_fen)::bigint, sum(-offset_fen)::bigint from payments_payline "
            "where id = any(%s::bigint[]) group by 1, 2 order by 1, 2",
            [plain(lines)],
        )
        for county, programme, fen, kept in cursor.fetchall():
            wanted[county, programme] = fen
            other += pair(pad12(county), programme, _NONE, Account.RECEIVABLE, Account.EXPENSE, kept) if kept else []
        cursor.execute(
            "select substr(a.region, 1, 6), a.programme, sum(-a.amount_fen)::bigint from payments_arrear a join payments_payline l "
            "on l.run_id = a.run_id and l.household_id = a.household_id and l.programme = a.programme "
            "and l.person_id is not distinct from a.person_id where l.id = any(%s::bigint[]) and a.amount_fen < 0 group by 1, 2 order by 1, 2",
            [plain(lines)],
        )
        for county, programme, over in cursor.fetchall():
            other += pair(pad12(county), programme, _NONE, Account.EXPENSE, Account.RECEIVABLE, over)
    _book(run, [*_withheld(run, wanted, of), *other], Kind.WITHHELD, "run", run.pk, user, memo)


def post_receipt(receipt: ClaimReceipt, *, user: User) -> LedgerEntry | None:
    """Books cash a family gave back, into the source its county draws first."""
    county, programme = receipt.region[:6], receipt.claim.programme
    orders = funds.books({county})
    source = orders[county][0] if county in orders else _NONE
    return funds.book(
        pair(pad12(county), programme, source, Account.AVAILABLE, Account.RECEIVABLE, receipt.amount_fen),
        kind=Kind.RECOVERED, region=pad12(county), origin="receipt", origin_id=receipt.pk, user=user,
        memo=f"{receipt.claim.no} 追回，收据 {receipt.receipt_no}",
    )  # fmt: skip


def post_write_off(row: ClaimWriteOff, *, user: User) -> LedgerEntry | None:
    """Books what is given up: it stays spent, and is no longer owed."""
    county = row.region[:6]
    return funds.book(
        pair(pad12(county), row.claim.programme, _NONE, Account.EXPENSE, Account.RECEIVABLE, row.amount_fen),
        kind=Kind.WRITTEN_OFF, region=pad12(county), origin="write_off", origin_id=row.pk, user=user,
        memo=f"{row.claim.no} 核销：{row.get_reason_display()}",
    )  # fmt: skip


def post_finding(row: ClaimFinding, *, user: User) -> LedgerEntry | None:
    """Books what people determined to be overpaid: what was spent is owed."""
    county = row.region[:6]
    return funds.book(
        pair(pad12(county), row.programme, _NONE, Account.RECEIVABLE, Account.EXPENSE, row.amount_fen),
        kind=Kind.FOUND, region=pad12(county), origin="finding", origin_id=row.pk, user=user, memo=f"{row.origin_no} 认定多发",
    )  # fmt: skip


def reverse_finding(row: ClaimFinding, *, user: User) -> LedgerEntry:
    """Takes the entry of a finding back by one of its own."""
    entry = LedgerEntry.objects.get(origin="finding", origin_id=row.pk, reverses__isnull=True)
    return funds.reverse(entry, user=user, memo=f"{row.origin_no} 认定多发撤销")


def post_grant(run: PayRun, figures: Figures, *, user: User) -> Sequence[LedgerEntry]:
    """Books an approved run: what families are granted, what is kept back, what earlier months turn out overpaid; reserves it.

    Args:
        figures: of its lines, read in this transaction.

    Raises:
        FundShortError: a county that keeps a fund book has not enough, with each sub-account and gap.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "select substr(region, 1, 6), programme, sum(-amount_fen)::bigint from payments_arrear "
            "where run_id = %s and amount_fen < 0 group by 1, 2 order by 1, 2",
            [run.pk],
        )
        over = cursor.fetchall()
    granted = figures.granted()
    orders = funds.books({county for county, _ in granted})
    nets = {key: net for key, (net, _) in granted.items() if net}
    drawn = funds.take({key: net for key, net in nets.items() if key[0] in orders}, orders)
    sides: list[Side] = []
    for (county, programme), net in nets.items():
        region = pad12(county)
        if county not in orders:
            sides += pair(region, programme, _NONE, Account.EXPENSE, Account.PAYABLE, net)
            continue
        for source, fen in drawn[county, programme]:
            sides += pair(region, programme, source, Account.EXPENSE, Account.PAYABLE, fen)
            sides += pair(region, programme, source, Account.RESERVED, Account.AVAILABLE, fen)
    for (county, programme), (_, kept) in granted.items():
        if kept:
            sides.append(debit(pad12(county), programme, _NONE, Account.EXPENSE, kept))
            sides.append(credit(pad12(county), programme, _NONE, Account.RECEIVABLE, kept))
    for county, programme, fen in over:
        sides.append(debit(pad12(county), programme, _NONE, Account.RECEIVABLE, fen))
        sides.append(credit(pad12(county), programme, _NONE, Account.EXPENSE, fen))
    return _book(run, sides, Kind.GRANT, "run", run.pk, user, f"{run.no} 审批")
