"""Bookings: sides that balance, sums by sub-account, shares of an amount over sources, reversal.

Nothing here opens a door: actions do. A sub-account is (county, programme, source).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db import connection

from tuodi.funds.errors import FundShortError, FundStateError
from tuodi.funds.models import Balance, FundBook, LedgerEntry, Posting, PublicFund
from tuodi.funds.models.book import shipped_order
from tuodi.funds.programmes import programme_label
from tuodi.funds.states import Account, Source
from tuodi.kernel import clock
from tuodi.kernel.places import pad12
from tuodi.org.models import User
from tuodi.org.places import place_name

__all__ = [
    "Side",
    "balance_of",
    "book",
    "books",
    "credit",
    "debit",
    "held",
    "lock",
    "pair",
    "programme_label",
    "reverse",
    "share",
    "source_label",
    "sub_account_label",
    "take",
]


@dataclass(frozen=True)
class Side:
    """One side of a booking, in fen; exactly one of the two amounts is above 0."""

    region: str  #: 12 characters: the county, of a float the town
    programme: str
    source: str
    account: str
    debit_fen: int = 0
    credit_fen: int = 0


def debit(region: str, programme: str, source: str, account: str, fen: int) -> Side:
    """A debit."""
    return Side(region, programme, source, account, debit_fen=fen)


def credit(region: str, programme: str, source: str, account: str, fen: int) -> Side:
    """A credit."""
    return Side(region, programme, source, account, credit_fen=fen)


def pair(region: str, programme: str, source: str, to: str, of: str, fen: int) -> list[Side]:
    """Debit one account and credit another of one sub-account."""
    return [debit(region, programme, source, to, fen), credit(region, programme, source, of, fen)]


def book(
    sides: Sequence[Side], *, kind: str, region: str, origin: str, origin_id: int, user: User, memo: str,
    run_id: int | None = None, reverses: LedgerEntry | None = None,
) -> LedgerEntry | None:  # fmt: skip
    """Writes one entry; None where no side has an amount. The database refuses what does not balance, at commit.

    Args:
        origin, origin_id: what it rests on; see `LedgerEntry`.
    """
    wanted = [one for one in sides if one.debit_fen or one.credit_fen]
    if not wanted:
        return None
    entry = LedgerEntry.objects.create(
        region=region, kind=kind, origin=origin, origin_id=origin_id, run_id=run_id, reverses=reverses,
        day=clock.today(), at=clock.now(), by=user, memo=memo[:200],
    )  # fmt: skip
    # One statement: the trigger that keeps the sums sees an entry whole and takes its locks in one order.
    Posting.objects.bulk_create(
        [
            Posting(
                entry=entry, region=one.region, account=one.account, programme=one.programme, source=one.source,
                debit_fen=one.debit_fen, credit_fen=one.credit_fen,
            )
            for one in wanted
        ]
    )  # fmt: skip
    return entry


def reverse(entry: LedgerEntry, *, user: User, memo: str) -> LedgerEntry:
    """Books the same sides the other way round. An entry is reversed once, and a reversal never.

    Raises: FundStateError.
    """
    if entry.reverses_id is not None or LedgerEntry.objects.filter(reverses=entry).exists():
        raise FundStateError(f"凭证 {entry.pk} ", "已冲销" if entry.reverses_id is None else "冲销凭证", "再冲销")
    sides = [
        Side(one.region, one.programme, one.source, one.account, one.credit_fen, one.debit_fen)
        for one in entry.postings.order_by("id")
    ]
    done = book(
        sides, kind=entry.kind, region=entry.region, origin=entry.origin, origin_id=entry.origin_id, user=user,
        memo=memo, run_id=entry.run_id, reverses=entry,
    )  # fmt: skip
    assert done is not None
    return done


def lock(counties: Iterable[str]) -> None:
    """Holds other movements out of some counties' money until the transaction ends; taken in one order everywhere."""
    with connection.cursor() as cursor:
        for county in sorted({one[:6] for one in counties}):
            cursor.execute("select pg_advisory_xact_lock(hashtextextended('tuodi.funds:' || %s, 0))", [county])


def books(counties: Iterable[str]) -> dict[str, list[str]]:
    """County (six characters) -> order in which its sources are drawn, of those that keep a fund book."""
    wanted = {pad12(one[:6]) for one in counties}
    rows = FundBook.objects.filter(region__in=wanted).values_list("region", "draw_order")
    return {region[:6]: list(order) for region, order in rows}


def _rank(order: Sequence[str], source: str) -> tuple[int, str]:
    kind = source.split(":")[0]
    return (order.index(kind) if kind in order else len(order), source)


def held(
    account: str, counties: Iterable[str], *, run_id: int = 0, orders: Mapping[str, Sequence[str]] | None = None
) -> dict[tuple[str, str], list[tuple[str, int]]]:
    """(county, programme) -> [(source, fen)] above zero, in the county's order of drawing.

    Args:
        run_id: for accounts kept by run. orders: as `books` gives them; a county without one has the shipped order.
    """
    regions = {pad12(one[:6]) for one in counties}
    found: dict[tuple[str, str], list[tuple[str, int]]] = {}
    rows = Balance.objects.filter(account=account, region__in=regions, run_id=run_id)
    for region, programme, source, dr, cr in rows.values_list(
        "region", "programme", "source", "debit_fen", "credit_fen"
    ):
        fen = dr - cr
        if account in (Account.PAYABLE, Account.APPROPRIATED, Account.TRANSFER):
            fen = -fen
        if fen > 0:
            found.setdefault((region[:6], programme), []).append((source, fen))
    plain = shipped_order()
    for (county, _), sums in found.items():
        order = (orders or {}).get(county, plain)
        sums.sort(key=lambda one: _rank(order, one[0]))
    return found


def balance_of(account: str, region: str, programme: str | None = None) -> list[tuple[str, str, int]]:
    """[(programme, source, fen)] of an account of one region, those not zero."""
    rows = Balance.objects.filter(account=account, region=region)
    if programme is not None:
        rows = rows.filter(programme=programme)
    sums: dict[tuple[str, str], int] = {}
    for name, source, dr, cr in rows.values_list("programme", "source", "debit_fen", "credit_fen"):
        sums[name, source] = sums.get((name, source), 0) + dr - cr
    return [(name, source, fen) for (name, source), fen in sorted(sums.items()) if fen]


def share(fen: int, of: Sequence[tuple[str, int]]) -> tuple[list[tuple[str, int]], int]:
    """Draws an amount from sources one after the other: ([(source, fen)], what is left undrawn)."""
    drawn = []
    for source, there in of:
        part = min(fen, there)
        if part > 0:
            drawn.append((source, part))
            fen -= part
    return drawn, fen


def take(
    wanted: Mapping[tuple[str, str], int], orders: Mapping[str, Sequence[str]]
) -> dict[tuple[str, str], list[tuple[str, int]]]:
    """Shares what several sub-accounts are asked for over their available sources. Locks the counties.

    Args:
        wanted: (county, programme) -> fen. orders: the counties' books.

    Raises: FundShortError naming every sub-account and gap.
    """
    lock(county for county, _ in wanted)
    there = held(Account.AVAILABLE, {county for county, _ in wanted}, orders=orders)
    drawn, gaps = {}, []
    for (county, programme), fen in sorted(wanted.items()):
        sources = there.get((county, programme), [])
        drawn[county, programme], rest = share(fen, sources)
        if rest:
            gaps.append((sub_account_label(county, programme), fen, fen - rest))
    if gaps:
        raise FundShortError(gaps)
    return drawn


def source_label(source: str) -> str:
    """Chinese name of a source; of a public fund its own name."""
    kind, _, number = source.partition(":")
    if not kind:
        return "未建账"
    if number.isdigit():
        fund = PublicFund.objects.filter(pk=int(number)).first()
        return fund.name if fund else f"公益基金 {number}"
    return str(Source(kind).label) if kind in Source.values else kind


def sub_account_label(region: str, programme: str, source: str | None = None) -> str:
    """`东宝区 城乡低保（中央）`."""
    return f"{place_name(pad12(region[:6]))}{programme_label(programme)}" + (
        f"（{source_label(source)}）" if source is not None else ""
    )
