"""Bookings. Each event of money is one entry whose postings balance, by county and programme."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db import connection

from tuodi.kernel import clock
from tuodi.kernel.places import pad12
from tuodi.org.models import User
from tuodi.payments.models import Account, BankBatch, BankReturn, LedgerEntry, PayRun, Posting

__all__ = ["MOVES", "post", "post_grant"]

#: What each event moves: (debit, credit). Money leaves the fund when the file goes out and comes back on failure.
MOVES = {
    LedgerEntry.Kind.SEND: (Account.TRANSIT, Account.FUND),
    LedgerEntry.Kind.PAID: (Account.PAYABLE, Account.TRANSIT),
    LedgerEntry.Kind.FAILED: (Account.FUND, Account.TRANSIT),
    LedgerEntry.Kind.RETURNED: (Account.FUND, Account.PAYABLE),
    # What was granted and is not paid after all is no longer owed; a later run grants it again if it is due.
    LedgerEntry.Kind.WITHHELD: (Account.PAYABLE, Account.EXPENSE),
}


def _entry(
    run: PayRun, kind: str, user: User, memo: str, batch: BankBatch | None, returned: BankReturn | None
) -> LedgerEntry:
    return LedgerEntry.objects.create(
        run=run, region=run.region, kind=kind, at=clock.now(), by=user, memo=memo, batch=batch, returned=returned
    )


def post(
    run: PayRun, kind: str, sums: Iterable[tuple[str, str, int]], *, user: User, memo: str,
    batch: BankBatch | None = None, returned: BankReturn | None = None,
) -> LedgerEntry | None:  # fmt: skip
    """Books one event.

    Args:
        sums: (county of six characters, programme, fen); nothing is booked where all are 0.
    """
    rows = [(county, programme, fen) for county, programme, fen in sums if fen]
    if not rows:
        return None
    debit, credit = MOVES[LedgerEntry.Kind(kind)]
    entry = _entry(run, kind, user, memo, batch, returned)
    postings = []
    for county, programme, fen in rows:
        common = {"entry": entry, "region": pad12(county), "programme": programme}
        postings.append(Posting(**common, account=debit, debit_fen=fen))
        postings.append(Posting(**common, account=credit, credit_fen=fen))
    Posting.objects.bulk_create(postings)
    return entry


def post_grant(run: PayRun, *, user: User) -> Sequence[LedgerEntry]:
    """Books an approved run: what families are granted, what is kept back, and what earlier months turn out overpaid."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select substr(region, 1, 6), programme, sum(amount_fen)::bigint, sum(-offset_fen)::bigint from payments_payline "
            "where run_id = %s and live and held = '' group by 1, 2 order by 1, 2",
            [run.pk],
        )
        granted = cursor.fetchall()
        cursor.execute(
            "select substr(region, 1, 6), programme, sum(-amount_fen)::bigint from payments_arrear "
            "where run_id = %s and amount_fen < 0 group by 1, 2 order by 1, 2",
            [run.pk],
        )
        over = cursor.fetchall()
    if not granted and not over:
        return []
    postings = []
    for county, programme, net, kept in granted:
        common = {"region": pad12(county), "programme": programme}
        if net + kept:
            postings.append(Posting(**common, account=Account.EXPENSE, debit_fen=net + kept))
        if net:
            postings.append(Posting(**common, account=Account.PAYABLE, credit_fen=net))
        if kept:
            postings.append(Posting(**common, account=Account.RECEIVABLE, credit_fen=kept))
    for county, programme, fen in over:
        common = {"region": pad12(county), "programme": programme}
        postings.append(Posting(**common, account=Account.RECEIVABLE, debit_fen=fen))
        postings.append(Posting(**common, account=Account.EXPENSE, credit_fen=fen))
    if not postings:
        return []
    entry = _entry(run, LedgerEntry.Kind.GRANT, user, f"{run.no} 审批", None, None)
    for posting in postings:
        posting.entry = entry
    Posting.objects.bulk_create(postings)
    return [entry]
