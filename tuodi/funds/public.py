"""A public fund (公益基金, M68): what came in, what went out and by which entry, and what of it is left where."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import F, Q, QuerySet, Sum

from tuodi.funds import ledger
from tuodi.funds.models import Balance, FundPaper, LedgerEntry, Posting, PublicFund
from tuodi.funds.queries import programme_rank
from tuodi.funds.states import LIVING, SPENT_AT_ONCE, Account, Kind, PaperState
from tuodi.org import access

__all__ = ["Moves", "Part", "brought", "left", "of_others", "part_label", "spent", "sums", "waiting"]

#: What keeps a fund open: money in hand, and what families still owe it.
_OPEN = (*LIVING, Account.RECEIVABLE)

_BROUGHT = Q(account__in=[Account.APPROPRIATED, Account.TRANSFER]) | Q(
    account=Account.RECEIVABLE, entry__kind=Kind.RECOVERED
)
_SPENT = Q(account=Account.PAYABLE, entry__kind__in=[Kind.PAID, Kind.RETURNED]) | Q(
    account=Account.EXPENSE, entry__kind__in=list(SPENT_AT_ONCE)
)


@dataclass(frozen=True)
class Part:
    """What lies in one account of one sub-account of a fund, in fen."""

    programme: str
    account: str
    fen: int


@dataclass(frozen=True)
class Moves:
    """What one entry moved of one programme's sub-account of a fund: fen above 0 = in, or out; below 0 = the other way."""

    entry: int
    programme: str
    fen: int


def _postings(fund: PublicFund) -> QuerySet[Posting]:
    limits = access.range_of(fund.region[:6])
    return Posting.objects.filter(region__gte=limits.low, region__lt=limits.high, source=fund.source)


def _moves(rows: QuerySet[Posting], fen: Sum, start: int, stop: int) -> list[Moves]:
    found = rows.values("entry", "programme").annotate(fen=fen).exclude(fen=0).order_by("-entry", "programme")
    return [Moves(*row) for row in found.values_list("entry", "programme", "fen")[start:stop]]


def brought(fund: PublicFund, start: int, stop: int) -> list[Moves]:
    """Appropriations, moves between its programmes, what families paid back, and what was handed back; newest first."""
    return _moves(_postings(fund).filter(_BROUGHT), Sum(F("credit_fen") - F("debit_fen")), start, stop)


def spent(fund: PublicFund, start: int, stop: int) -> list[Moves]:
    """What reached families and bodies, and what came back of it; newest first."""
    return _moves(_postings(fund).filter(_SPENT), Sum(F("debit_fen") - F("credit_fen")), start, stop)


def of_others(entries: list[int]) -> dict[tuple[int, str], int]:
    """(entry, programme) -> fen these entries spent out of all sources together: whether the fund paid the whole."""
    rows = Posting.objects.filter(_SPENT, entry__in=entries).values("entry", "programme")
    found = rows.annotate(fen=Sum(F("debit_fen") - F("credit_fen"))).values_list("entry", "programme", "fen")
    return {(entry, programme): fen for entry, programme, fen in found}


def sums(fund: PublicFund) -> tuple[dict[str, int], dict[str, int]]:
    """Programme -> fen brought, and programme -> fen spent, over all entries. Less the other is what is in hand."""

    def add_up(which: Q, sign: int) -> dict[str, int]:
        rows = _postings(fund).filter(which).values("programme").annotate(fen=Sum(F("debit_fen") - F("credit_fen")))
        return {name: sign * fen for name, fen in rows.order_by("programme").values_list("programme", "fen")}

    return add_up(_BROUGHT, -1), add_up(_SPENT, 1)


def left(fund: PublicFund) -> list[Part]:
    """Where something of the fund still is, or is owed to it; empty = it can be closed."""
    limits = access.range_of(fund.region[:6])
    rows = Balance.objects.filter(
        region__gte=limits.low, region__lt=limits.high, source=fund.source, account__in=_OPEN
    ).values("programme", "account")
    found = rows.annotate(fen=Sum(F("debit_fen") - F("credit_fen"))).exclude(fen=0).order_by("programme", "account")
    parts = [Part(*row) for row in found.values_list("programme", "account", "fen")]
    return sorted(parts, key=lambda one: (programme_rank(one.programme), Account.values.index(one.account)))


def waiting(fund: PublicFund) -> list[str]:
    """Numbers of its papers that wait for a decision, those that would take back one of its entries with them."""
    own = FundPaper.objects.filter(state=PaperState.PROPOSED, region=fund.region)
    undone = LedgerEntry.objects.filter(pk__in=_postings(fund).values("entry"))
    return list(own.filter(Q(fund=fund) | Q(target__in=undone)).order_by("id").values_list("no", flat=True))


def part_label(fund: PublicFund, part: Part) -> str:
    """`东宝区 临时救助（爱心基金） 可用资金`."""
    return f"{ledger.sub_account_label(fund.region, part.programme, fund.source)}{Account(part.account).label}"
