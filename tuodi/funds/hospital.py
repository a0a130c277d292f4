"""Reads of designated hospitals: what advance each holds, its bills and its months."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from tuodi.funds.models import (
    BillBatch,
    HospitalAgreement,
    HospitalBill,
    HospitalClearing,
    LedgerEntry,
    PayOrder,
    Posting,
)
from tuodi.funds.states import ADVANCES, Account, BillState, ClearingState, OrderStatus, Verdict
from tuodi.kernel.periods import Month
from tuodi.org import access

__all__ = [
    "ORIGIN",
    "MonthSums",
    "agreements",
    "balance",
    "balances",
    "batches",
    "bills_of_month",
    "clearing_of",
    "entries",
    "months",
    "pending",
    "sources",
    "sums_of",
]

#: Of ledger entries that move a hospital's advance; their `origin_id` is the agreement.
ORIGIN = "hospital"


def sources(row: HospitalAgreement) -> list[tuple[str, int]]:
    """[(source, fen)] of what the hospital holds in advance, those above zero."""
    found = (
        Posting.objects.filter(
            entry__origin=ORIGIN, entry__origin_id=row.pk, account=Account.HOSPITAL, region=row.region
        )
        .values_list("source")
        .annotate(dr=Sum("debit_fen"), cr=Sum("credit_fen"))
        .order_by("source")
    )
    return [(source, dr - cr) for source, dr, cr in found if dr > cr]


def balances(rows: Iterable[HospitalAgreement]) -> dict[int, int]:
    """Agreement -> fen the hospital holds in advance, in one query."""
    found = (
        Posting.objects.filter(
            entry__origin=ORIGIN, entry__origin_id__in=[one.pk for one in rows], account=Account.HOSPITAL
        )
        .values_list("entry__origin_id")
        .annotate(dr=Sum("debit_fen"), cr=Sum("credit_fen"))
    )
    return {pk: dr - cr for pk, dr, cr in found}


def balance(row: HospitalAgreement) -> int:
    """What the ledger says the hospital holds in advance."""
    return balances([row]).get(row.pk, 0)


def pending(row: HospitalAgreement) -> int:
    """Fen of advances on their way to the hospital: decided, and not with it yet."""
    found = PayOrder.objects.filter(agreement=row, kind__in=ADVANCES).exclude(
        status__in=[OrderStatus.PAID, OrderStatus.TREASURY]
    )
    return int(found.aggregate(n=Sum("amount_fen"))["n"] or 0)


def entries(row: HospitalAgreement) -> QuerySet[LedgerEntry]:
    """What moved its advance, newest first."""
    return LedgerEntry.objects.filter(origin=ORIGIN, origin_id=row.pk).select_related("by").order_by("-id")


def agreements(place: str) -> QuerySet[HospitalAgreement]:
    """Agreements of a place, by county and name."""
    limits = access.range_of(place)
    rows = HospitalAgreement.objects.filter(region__gte=limits.low, region__lt=limits.high)
    return rows.select_related("proposed_by", "decided_by").order_by("region", "name", "-id")


def batches(row: HospitalAgreement) -> QuerySet[BillBatch]:
    """Files a hospital sent, newest first."""
    return BillBatch.objects.filter(agreement=row).select_related("imported_by", "withdrawn_by").order_by("-id")


def bills_of_month(row: HospitalAgreement, month: Month) -> QuerySet[HospitalBill]:
    """Bills of a month that stand, by day of discharge."""
    return (
        HospitalBill.objects.filter(agreement=row, batch__month=month.yyyymm)
        .exclude(state=BillState.WITHDRAWN)
        .select_related("batch__file", "person", "household", "decided_by", "corrects")
        .order_by("discharged_on", "id")
    )


def clearing_of(row: HospitalAgreement, month: Month) -> HospitalClearing | None:
    """The clearing of a month that waits or is done; the last refused one where there is no other."""
    rows = HospitalClearing.objects.filter(agreement=row, month=month.yyyymm).select_related(
        "proposed_by", "decided_by"
    )
    return rows.exclude(state=ClearingState.REFUSED).first() or rows.order_by("-id").first()


@dataclass(frozen=True)
class MonthSums:
    """A hospital's month in fen. `differ`: what the rules say otherwise; `open`, `pending`: bills nobody judged yet and what they claim."""

    bills: int = 0
    claimed: int = 0
    accepted: int = 0
    computed: int = 0
    differ: int = 0
    open: int = 0
    pending: int = 0

    @property
    def refused(self) -> int:
        """Claimed and not accepted of the bills that are judged."""
        return self.claimed - self.accepted - self.pending


def _net(column: str, **more: Q) -> Sum:
    """A sum in which a correction counts with what it changes."""
    return Sum(F(column) - Coalesce(F(f"corrects__{column}"), 0), **more)


_SUMS = {
    "bills": Count("id"),
    "claimed": _net("claimed_fen"),
    "accepted": _net("accepted_fen"),
    "computed": _net("computed_fen"),
    "differ": Count("id", filter=~Q(verdict=Verdict.AGREE)),
    "open": Count("id", filter=Q(state=BillState.PRE_SETTLED)),
    "pending": _net("claimed_fen", filter=Q(state=BillState.PRE_SETTLED)),
}


def sums_of(row: HospitalAgreement, month: Month) -> MonthSums:
    """A month's sums so far."""
    found = bills_of_month(row, month).order_by().aggregate(**_SUMS)
    return MonthSums(**{name: value or 0 for name, value in found.items()})


def months(row: HospitalAgreement) -> list[tuple[Month, MonthSums, HospitalClearing | None]]:
    """Months with bills, the newest first, with their clearing."""
    found = (
        HospitalBill.objects.filter(agreement=row)
        .exclude(state=BillState.WITHDRAWN)
        .values("batch__month")
        .annotate(**_SUMS)
        .order_by("-batch__month")
    )
    made: dict[int, HospitalClearing] = {}
    for one in HospitalClearing.objects.filter(agreement=row).order_by("id"):
        if one.month not in made or one.state != ClearingState.REFUSED:
            made[one.month] = one
    return [
        (
            Month.parse(str(line["batch__month"])),
            MonthSums(**{name: line[name] or 0 for name in _SUMS}),
            made.get(line["batch__month"]),
        )
        for line in found
    ]
