"""Refunds of bodies on a statement: which orders an entry may be of, and whether the same money is entered already.

Money comes back once and may be told twice: by a voucher a person enters, and by the bank's statement. Of one order's subject
(list, emergency request, hospital's advance) the same amount within `SAME_DAYS` days is taken for the same money.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import QuerySet

from tuodi.crypto.fields import decrypt
from tuodi.funds import orders
from tuodi.funds.errors import FundInputError
from tuodi.funds.models import (
    EmergencyCase,
    EmergencyReturn,
    FundPaper,
    FuneralReturn,
    FuneralWaiver,
    HospitalAgreement,
    PayeeAccount,
    PayOrder,
    PremiumList,
    PremiumRefund,
    StatementRefund,
)
from tuodi.funds.states import OrderKind, PaperKind, PaperState, PayeeState, RefundState
from tuodi.kernel import clock
from tuodi.org import access

__all__ = [
    "SAME_DAYS",
    "SETTLED",
    "Credit",
    "by_account",
    "candidates",
    "entered_before",
    "of_place",
    "propose",
    "refuse_told_twice",
]

SAME_DAYS = 10
SETTLED = orders.SETTLED
_TAKEN = (RefundState.BOOKED, RefundState.SAME)


@dataclass(frozen=True)
class Credit:
    """A credit entry of a statement that fits nothing else. `order`: named by its reference; None = the account tells the body."""

    line_id: int
    statement_no: str
    amount_fen: int
    booked_on: date
    bank_ref: str
    region: str
    code: str
    name: str
    order: PayOrder | None


def by_account(place: str) -> dict[str, tuple[str, str, str]]:
    """Account -> (county, code, name) of the bodies of a place, accounts they had before among them."""
    limits = access.range_of(place)
    rows = PayeeAccount.objects.filter(
        region__gte=limits.low, region__lt=limits.high, state__in=[PayeeState.ACTIVE, PayeeState.REPLACED]
    ).order_by("id")
    return {
        decrypt(bytes(one.account_cipher), f"people.account|{one.uid}"): (one.region, one.code, one.holder)
        for one in rows
    }


def propose(credits: Iterable[Credit]) -> list[StatementRefund]:
    """Lists credit entries as possible refunds: those whose body was paid an order they fit into. An entry is listed once."""
    made = []
    for one in credits:
        fits = [one.order] if one.order is not None else list(_paid(one.region, one.code, one.amount_fen)[:1])
        if not fits or one.amount_fen > fits[0].amount_fen:
            continue
        row, new = StatementRefund.objects.get_or_create(
            line_id=one.line_id,
            defaults={
                "region": one.region, "statement_no": one.statement_no, "code": one.code, "name": one.name[:60], "order": one.order,
                "amount_fen": one.amount_fen, "booked_on": one.booked_on, "bank_ref": one.bank_ref, "made_at": clock.now(),
            },
        )  # fmt: skip
        if new:
            made.append(row)
    return made


def _paid(region: str, code: str, fen: int) -> QuerySet[PayOrder]:
    rows = PayOrder.objects.filter(region=region, code=code, status__in=orders.SETTLED, amount_fen__gte=fen)
    return rows.order_by("-id")


def candidates(row: StatementRefund) -> list[PayOrder]:
    """The orders an entry may be a refund of: the one its reference names, else those paid to its body that are as large."""
    if row.order is not None:
        return [row.order]
    return list(_paid(row.region, row.code, row.amount_fen)[:20])


def of_place(place: str) -> QuerySet[StatementRefund]:
    """Entries of a place, the newest first."""
    limits = access.range_of(place)
    rows = StatementRefund.objects.filter(region__gte=limits.low, region__lt=limits.high)
    return rows.select_related("order", "of", "decided_by", "paper", "premium", "emergency", "funeral").order_by("-id")


def _near(day: date) -> tuple[date, date]:
    apart = timedelta(days=SAME_DAYS)
    return day - apart, day + apart


def entered_before(
    order: PayOrder, fen: int, day: date
) -> PremiumRefund | EmergencyReturn | FuneralReturn | FundPaper | None:
    """What was entered by voucher and is the same money as an entry of a statement; what another entry is paired with is not."""
    if order.kind == OrderKind.PREMIUM:
        rows = PremiumRefund.objects.filter(listed=order.subject_id, amount_fen=fen, received_on__range=_near(day))
        return rows.exclude(pk__in=_linked("premium")).order_by("id").first()
    if order.kind == OrderKind.EMERGENCY:
        back = EmergencyReturn.objects.filter(case=order.subject_id, amount_fen=fen, received_on__range=_near(day))
        return back.exclude(pk__in=_linked("emergency")).order_by("id").first()
    if order.kind == OrderKind.FUNERAL:
        given = FuneralReturn.objects.filter(waiver=order.subject_id, amount_fen=fen, received_on__range=_near(day))
        return given.exclude(pk__in=_linked("funeral")).order_by("id").first()
    low, high = _near(day)
    papers = FundPaper.objects.filter(
        kind=PaperKind.HOSPITAL_BACK, hospital=order.agreement, amount_fen=fen, proposed_at__date__range=(low, high),
        state__in=[PaperState.PROPOSED, PaperState.APPROVED],
    )  # fmt: skip
    return papers.exclude(pk__in=_linked("paper")).order_by("id").first()


def _linked(name: str) -> QuerySet[StatementRefund, int]:
    rows = StatementRefund.objects.filter(**{f"{name}__isnull": False})
    return rows.values_list(name, flat=True)


def refuse_told_twice(of: PremiumList | EmergencyCase | FuneralWaiver | HospitalAgreement, fen: int, day: date) -> None:
    """Refuses a voucher for money a statement has: waiting to be confirmed, or booked from there.

    Raises: FundInputError says where it stands.
    """
    code = of.agreement.code if isinstance(of, EmergencyCase) else of.code
    near = StatementRefund.objects.filter(region=of.region, code=code, amount_fen=fen, booked_on__range=_near(day))
    waits = near.filter(state=RefundState.PROPOSED).first()
    if waits is not None:
        raise FundInputError(
            "这笔款项", f"在对账单 {waits.statement_no} 上（{waits.booked_on}），请到“机构退款”确认，不要再凭凭证登记"
        )
    if isinstance(of, PremiumList):
        near = near.filter(premium__listed=of)
    elif isinstance(of, EmergencyCase):
        near = near.filter(emergency__case=of)
    elif isinstance(of, FuneralWaiver):
        near = near.filter(funeral__waiver=of)
    else:
        near = near.filter(paper__hospital=of)
    booked = near.filter(state__in=_TAKEN).first()
    if booked is not None:
        raise FundInputError(
            "这笔款项", f"已按对账单 {booked.statement_no} 入账（{booked.booked_on}，{booked.voucher}），同一笔不再登记"
        )
