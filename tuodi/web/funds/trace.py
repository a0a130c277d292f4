"""From an entry down to what it was booked for: the bills of a clearing, the family of a claim, the order of a body."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from tuodi.funds import orders
from tuodi.funds.models import (
    CashClaim,
    EmergencyCase,
    FuneralWaiver,
    HospitalBill,
    HospitalClearing,
    LedgerEntry,
    PayOrder,
    PremiumList,
)
from tuodi.funds.states import Kind, OrderKind
from tuodi.kernel.masking import mask_name
from tuodi.payments.models import Claim, ClaimFinding, ClaimReceipt, ClaimWriteOff
from tuodi.web.chain.common import names
from tuodi.web.components import navigation, reading, words

__all__ = ["bills_of", "family_of", "origin_of"]

_SHOWN = 20


def origin_of(row: LedgerEntry) -> dict[str, str]:
    """What an entry of an order, a list, a request or a claim rests on; {} for others."""
    if row.origin == orders.ORIGIN:
        order = PayOrder.objects.filter(pk=row.origin_id).first()
        if order:
            return {"label": f"付款单 {order.no} {order.name}", "href": reverse("web:order", args=[order.no])}
    if row.origin == "premium":
        listed = PremiumList.objects.filter(pk=row.origin_id).first()
        if listed:
            return {"label": f"资助参保名单 {listed.no}", "href": reverse("web:premium-list", args=[listed.no])}
    if row.origin == "emergency":
        case = EmergencyCase.objects.filter(pk=row.origin_id).first()
        if case:
            return {"label": f"疾病应急救助 {case.no}", "href": reverse("web:emergency-case", args=[case.no])}
    if row.origin == "funeral":
        waiver = FuneralWaiver.objects.filter(pk=row.origin_id).first()
        if waiver:
            return {"label": f"丧葬费用减免 {waiver.no}", "href": reverse("web:funeral", args=[waiver.no])}
    claim = _claim(row)
    if claim:
        what = {"receipt": "追回收款", "write_off": "追回核销"}.get(row.origin, "认定多发")
        return {"label": f"{what} {claim.no}", "href": reverse("web:claim", args=[claim.pk])}
    return {}


def _claim(row: LedgerEntry) -> Claim | None:
    kinds: dict[str, Any] = {"receipt": ClaimReceipt, "write_off": ClaimWriteOff, "finding": ClaimFinding}
    if row.origin not in kinds:
        return None
    found = kinds[row.origin].objects.select_related("claim__household__head", "claim__person").filter(pk=row.origin_id)
    one = found.first()
    return one.claim if one else None


def family_of(request: HttpRequest, row: LedgerEntry) -> dict[str, str] | None:
    """The family money was got back from, with a way to it for who may read families; others see a masked name."""
    claim = _claim(row)
    if claim is not None:
        household, name = claim.household, (claim.person or claim.household.head).name
        left = claim.found_fen - claim.kept_fen - claim.cash_fen - claim.written_fen
        note = f"多发 {words.yuan(claim.found_fen)} 元，未追回 {words.yuan(left)} 元"
    elif row.origin == "claim":
        cash = CashClaim.objects.select_related("spend__household__head").filter(pk=row.origin_id).first()
        if cash is None:
            return None
        household, name = cash.spend.household, cash.spend.household.head.name
        note = f"备用金支出 {cash.spend.no}，追回 {words.yuan(cash.amount_fen)} 元"
    else:
        return None
    open_ = names(request)
    if open_:
        reading.note_list(request, "凭证涉及的家庭", [household.pk], [])
    return {
        "label": f"{name}（{household.no}）" if open_ else mask_name(name),
        "href": reverse("web:family", args=[household.pk])
        if open_ and navigation.READERS & set(navigation.held_duties(request))
        else "",
        "note": note,
    }


def bills_of(request: HttpRequest, row: LedgerEntry) -> dict[str, Any] | None:
    """The bills of the clearing an entry books or pays; single ones for who settles and oversees them alone."""
    made = HospitalClearing.objects.filter(entry=row).first() if row.kind == Kind.HOSPITAL_CLEAR else None
    if row.origin == orders.ORIGIN:
        order = PayOrder.objects.filter(pk=row.origin_id, kind=OrderKind.CLEARING).first()
        made = HospitalClearing.objects.filter(pk=order.subject_id).first() if order else None
    if made is None:
        return None
    rows = list(HospitalBill.objects.select_related("corrects").filter(clearing=made).order_by("discharged_on", "pk"))
    fen = sum(one.net_accepted_fen for one in rows)
    may = bool(set(navigation.HOSPITALS) & set(navigation.held_duties(request)))
    shown = rows[:_SHOWN] if may else []
    if shown:
        reading.note_list(
            request, "医院结算单据", [one.household_id for one in shown], [one.person_id for one in shown]
        )
    return {
        "no": made.no,
        "n": len(rows),
        "fen": fen,
        "advance": made.advance_fen,
        "paid": made.paid_fen,
        "fits": fen == made.accepted_fen,
        "rows": [{"row": one, "href": reverse("web:hospital-bill", args=[one.pk])} for one in shown],
        "more": may and len(rows) > _SHOWN,
        "href": reverse("web:hospital-month", args=[made.agreement.no, made.month]) + "?show=all",
    }
