"""From appropriation to card, in the ledger: what each stage moved in a period, and the entries a figure is made of.

A stage is one condition on postings, used alike for the sum and for the list behind it: so a figure and its entries cannot
part. For a sub-account that has a source,

    opening + appropriated + moved in - moved out + recovered - handed back
      - paid + came back - cash + cash got back - cleared with hospitals
      - paid to bodies + came back of them + other = left

holds by the postings themselves: nothing is taken from the difference.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import F, Q, QuerySet, Sum
from django.db.models.functions import Substr

from tuodi.funds.models import LedgerEntry, Posting
from tuodi.funds.orders import ORIGIN
from tuodi.funds.states import LIVING, Account, Kind
from tuodi.org import access

__all__ = [
    "BALANCE",
    "BY_CODE",
    "STAGES",
    "Figures",
    "Stage",
    "Wanted",
    "add_up",
    "entries",
    "figures",
    "off",
    "stages_of",
]

_LIVING = tuple(one.value for one in LIVING)
#: Kinds that change what is in hand and have a stage of their own, and those that only move it from place to place.
_KNOWN = (
    Kind.APPROPRIATION, Kind.TRANSFER, Kind.RECOVERED, Kind.HAND_BACK, Kind.PAID, Kind.RETURNED, Kind.PETTY_SPEND,
    Kind.PETTY_RETURN, Kind.HOSPITAL_CLEAR,
    Kind.GRANT, Kind.SEND, Kind.FAILED, Kind.WITHHELD, Kind.RELEASE, Kind.ADVANCE, Kind.PETTY_BACK,
    Kind.HOSPITAL, Kind.HOSPITAL_BACK, Kind.WRITTEN_OFF, Kind.FOUND, Kind.ORDERED, Kind.TREASURY, Kind.REFUND,
)  # fmt: skip


@dataclass(frozen=True)
class Wanted:
    """What is looked at. `first`, `last`: days of booking.

    `source`: None = every sub-account that has one; empty = money of counties that keep no fund book.
    """

    place: str
    first: date
    last: date
    programme: str = ""
    source: str | None = None


@dataclass(frozen=True)
class Stage:
    """One station on the way of money.

    Attributes:
        accounts: of its postings. kinds: of their entries, empty = all. sign: 1 counts debits, -1 credits as more.
        when: `in` the period, `before` it, or `until` its end. side: `debit` or `credit` = only such postings.
    """

    code: str
    label: str
    accounts: tuple[str, ...]
    kinds: tuple[str, ...] = ()
    sign: int = 1
    when: str = "in"
    side: str = ""
    not_kinds: tuple[str, ...] = ()
    bodies: bool | None = None  #: only, or without, what orders to bodies moved; None = either

    def which(self, wanted: Wanted) -> Q:
        """The condition on postings, the period with it."""
        found = Q(account__in=self.accounts)
        if self.kinds:
            found &= Q(entry__kind__in=self.kinds)
        if self.not_kinds:
            found &= ~Q(entry__kind__in=self.not_kinds)
        if self.bodies is not None:
            order = Q(entry__origin=ORIGIN)
            found &= order if self.bodies else ~order
        if self.side:
            found &= Q(**{f"{self.side}_fen__gt": 0})
        if self.when == "before":
            return found & Q(entry__day__lt=wanted.first)
        if self.when == "in":
            found &= Q(entry__day__gte=wanted.first)
        return found & Q(entry__day__lte=wanted.last)

    def total(self, wanted: Wanted) -> Sum:
        """The stage's sum in fen."""
        moved = F("debit_fen") - F("credit_fen")
        return Sum(moved if self.sign > 0 else F("credit_fen") - F("debit_fen"), filter=self.which(wanted))


def _one(
    code: str, label: str, account: str, *kinds: str, sign: int = 1, side: str = "", bodies: bool | None = None
) -> Stage:
    return Stage(code, label, (account,), kinds, sign, side=side, bodies=bodies)


STAGES = (
    Stage("opening", "期初结余", _LIVING, when="before"),
    _one("appropriated", "指标下达", Account.APPROPRIATED, Kind.APPROPRIATION, sign=-1),
    _one("moved_in", "调入", Account.TRANSFER, sign=-1, side="credit"),
    _one("moved_out", "调出", Account.TRANSFER, side="debit"),
    _one("recovered", "追回", Account.AVAILABLE, Kind.RECOVERED),
    _one("handed_back", "上缴", Account.APPROPRIATED, Kind.HAND_BACK),
    _one("granted", "审批占用", Account.PAYABLE, Kind.GRANT, sign=-1),
    _one("withheld", "发前扣留", Account.PAYABLE, Kind.WITHHELD),
    _one("sent", "送银行", Account.TRANSIT, Kind.SEND, bodies=False),
    _one("failed", "失败退回", Account.SUSPENSE, Kind.FAILED, bodies=False),
    _one("paid", "到账", Account.PAYABLE, Kind.PAID, bodies=False),
    _one("returned", "退票", Account.PAYABLE, Kind.RETURNED, sign=-1, bodies=False),
    _one("released", "退汇转回", Account.AVAILABLE, Kind.RELEASE),
    _one("petty", "备用金支出", Account.EXPENSE, Kind.PETTY_SPEND),
    _one("petty_return", "现金追回", Account.EXPENSE, Kind.PETTY_RETURN, sign=-1),
    _one("advanced", "医院预付", Account.HOSPITAL, Kind.HOSPITAL, Kind.HOSPITAL_BACK),
    _one("cleared", "医院清算", Account.EXPENSE, Kind.HOSPITAL_CLEAR),
    _one("ordered", "机构付款审批", Account.RESERVED, Kind.ORDERED),
    _one("body_sent", "机构付款送银行", Account.TRANSIT, Kind.SEND, bodies=True),
    _one("body_failed", "机构付款失败", Account.SUSPENSE, Kind.FAILED, bodies=True),
    _one("body_paid", "机构付款到账", Account.PAYABLE, Kind.PAID, bodies=True),
    _one("body_returned", "机构付款退票", Account.PAYABLE, Kind.RETURNED, sign=-1, bodies=True),
    _one("treasury", "国库支付机构", Account.EXPENSE, Kind.TREASURY),
    _one("refunded", "机构退回", Account.EXPENSE, Kind.REFUND, sign=-1),
    # Two stations the page shows as one figure each: a figure needs one list of entries behind it.
    _one("moved", "统筹调剂", Account.TRANSFER, sign=-1),
    _one("back", "退回", Account.SUSPENSE, Kind.FAILED, Kind.RETURNED, bodies=False),
    Stage("other", "其他收支", _LIVING, not_kinds=_KNOWN),
    Stage("left", "结余", _LIVING, when="until"),
    *(Stage(f"left_{one.value}", one.label, (one.value,), when="until") for one in LIVING),
)
BY_CODE = {one.code: one for one in STAGES}
#: Stages that are made of others: an entry is told by its own.
_COMPOSED = ("moved", "back")
#: How the stages add up to what is left.
BALANCE = {
    "opening": 1, "appropriated": 1, "moved_in": 1, "moved_out": -1, "recovered": 1, "handed_back": -1, "paid": -1,
    "returned": 1, "petty": -1, "petty_return": 1, "cleared": -1, "body_paid": -1, "body_returned": 1, "treasury": -1,
    "refunded": 1, "other": 1,
}  # fmt: skip


@dataclass(frozen=True)
class Figures:
    """One sub-account in the period: stage -> fen."""

    county: str
    programme: str
    source: str
    fen: dict[str, int]


def add_up(rows: Iterable[Figures]) -> dict[str, int]:
    """Stage -> fen over several sub-accounts."""
    sums = dict.fromkeys(BY_CODE, 0)
    for one in rows:
        for code, fen in one.fen.items():
            sums[code] += fen
    return sums


def off(sums: dict[str, int]) -> int:
    """What the stages miss of what is left; 0 in every ledger."""
    return sum(sign * sums[code] for code, sign in BALANCE.items()) - sums["left"]


def _postings(wanted: Wanted, *, all_sources: bool = False) -> QuerySet[Posting]:
    limits = access.range_of(wanted.place)
    rows = Posting.objects.filter(region__gte=limits.low, region__lt=limits.high, entry__day__lte=wanted.last)
    if wanted.programme:
        rows = rows.filter(programme=wanted.programme)
    if wanted.source is not None:
        return rows.filter(source=wanted.source)
    return rows if all_sources else rows.exclude(source="")


def figures(wanted: Wanted) -> list[Figures]:
    """Every sub-account of a place with what each stage moved, in one query; without a source asked for, also money that has none."""
    sums: dict[str, Any] = {f"fen_{one.code}": one.total(wanted) for one in STAGES}
    rows = (
        _postings(wanted, all_sources=True)
        .values("programme", "source", county=Substr("region", 1, 6))
        .annotate(**sums)
        .order_by("county", "programme", "source")
    )
    return [
        Figures(
            row["county"], row["programme"], row["source"],
            {one.code: int(row[f"fen_{one.code}"] or 0) for one in STAGES},
        )
        for row in rows
    ]  # fmt: skip


def entries(wanted: Wanted, stage: str) -> dict[int, int]:
    """The entries a figure is made of: number -> what it gives to the figure, newest first. Their sum is the figure."""
    known = BY_CODE[stage]
    rows = _postings(wanted).filter(known.which(wanted)).values("entry").annotate(fen=known.total(wanted))
    return {entry: int(fen or 0) for entry, fen in rows.order_by("-entry").values_list("entry", "fen")}


def stages_of(entry: LedgerEntry, postings: Iterable[Posting]) -> list[tuple[Stage, Posting, int]]:
    """Where an entry counts: (stage, posting, fen) of each of its sides that a stage of the period counts."""
    found = []
    for side in postings:
        for one in STAGES:
            if one.when != "in" or one.code in _COMPOSED or side.account not in one.accounts:
                continue
            if one.kinds and entry.kind not in one.kinds:
                continue
            if one.not_kinds and entry.kind in one.not_kinds:
                continue
            if one.bodies is not None and one.bodies != (entry.origin == ORIGIN):
                continue
            if one.side and not getattr(side, f"{one.side}_fen"):
                continue
            found.append((one, side, one.sign * (side.debit_fen - side.credit_fen)))
    return found
