"""Claims: the list with its filters, one claim with where it came from, what came back month by month, and what is left."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.kernel.places import trim
from tuodi.org import access
from tuodi.org.errors import NotFoundError
from tuodi.org.models import DutyCode
from tuodi.payments import claims
from tuodi.payments.actions.run import payable_at
from tuodi.payments.labels import pay_label
from tuodi.payments.models import Claim, ClaimAgreement
from tuodi.payments.states import ClaimState, Manner, WriteOffReason, WriteOffState
from tuodi.web.components import navigation, pages, places, reading, words
from tuodi.web.components.pages import Page
from tuodi.web.components.words import Look
from tuodi.web.field import spot

LOOKS = {ClaimState.OPEN: Look("追回中", "warn", "clock"), ClaimState.SETTLED: Look("已结清", "ok", "check")}
MANNERS = {
    Manner.CAPPED: Look("按月抵扣"),
    Manner.AGREED: Look("按协议分期", "info"),
    Manner.FRAUD: Look("骗取", "bad"),
    Manner.STOPPED: Look("停止抵扣", "warn"),
}
OFF_LOOKS = {
    WriteOffState.PROPOSED: Look("待审批", "warn", "clock"),
    WriteOffState.APPROVED: Look("已核销", "ok", "check"),
    WriteOffState.REFUSED: Look("不同意", "bad", "x"),
}


def listing(request: HttpRequest) -> HttpResponse:
    """Claims in the reader's range: by tab, programme and name or number."""
    chosen, tabs = pages.tabs_of(request, claims.SHOWS, "open")
    programme = request.GET.get("programme", "")
    programme = programme if programme in payable_at("") else ""
    text = pages.text_of(request, "q", 40)
    rows = claims.listing(chosen, programme, text)
    found = pages.page_of(request, lambda start, stop: list(rows[start:stop]))
    reading.note_list(
        request,
        "追回事项",
        [one.household_id for one in found.items],
        [one.person_id for one in found.items if one.person_id],
    )
    sums = claims.figures()
    context = {
        "findings_waiting": claims.findings("waiting").count(),
        "page": Page([_line(one) for one in found.items], found.number, None, found.previous, found.next),
        "tabs": tabs,
        "heading": dict(claims.SHOWS)[chosen],
        "show": chosen,
        "q": text,
        "programme": programme,
        "programmes": [(code, pay_label(code)) for code in payable_at(trim(request.user.office.place_code))],
        "figures": [
            {"label": "追回中", "value": f"{sums['count']:,}", "unit": "件", "foot": f"多发 {words.yuan(sums['found'])} 元"},
            {"label": "尚未追回", "value": words.yuan(sums["left"]), "unit": "元", "foot": "按欠款从多到少列出"},
            {"label": "已抵扣", "value": words.yuan(sums["kept"]), "unit": "元", "foot": "从以后各月扣回"},
            {"label": "已收回", "value": words.yuan(sums["cash"]), "unit": "元", "foot": f"已核销 {words.yuan(sums['written'])} 元"},
            {
                "label": "待核销审批", "value": f"{sums['deciding']:,}", "unit": "件", "foot": "由另一人决定",
                "href": f"{request.path}?show=deciding",
            },
        ],
    }  # fmt: skip
    return render(request, "claims/list.html", context)


def _line(one: Claim) -> dict[str, Any]:
    return {
        "no": one.no,
        "href": reverse("web:claim", args=[one.pk]),
        "name": _name(one),
        "place": places.path(one.region),
        "label": one.what,
        "found": one.found_fen,
        "back": one.kept_fen + one.cash_fen,
        "written": one.written_fen,
        "left": max(one.left_fen, 0),
        "manner": MANNERS[Manner(one.manner)],
        "look": LOOKS[ClaimState(one.state)],
    }


def _name(one: Claim) -> str:
    who = one.person or one.household.head
    return who.name if who else one.household.no


def show(request: HttpRequest, pk: int) -> HttpResponse:
    """One claim: its sums, where they come from, what came back, and the deeds of the reader's duties."""
    user: Any = request.user
    row = claims.access_claim(user, pk)
    reading.note_reading(
        request, "追回事项", [row.household_id], [row.person_id] if row.person_id else [], region=row.region
    )
    held = navigation.held_duties(request)
    agreement = ClaimAgreement.objects.filter(claim=row, ended_at__isnull=True).first()
    offs = list(row.write_offs.select_related("proposed_by", "decided_by").order_by("-id"))  # type: ignore[attr-defined]
    waiting = next((one for one in offs if one.state == WriteOffState.PROPOSED), None)
    is_open = row.state == ClaimState.OPEN
    today = clock.today()
    share = claims.share_permille("claim_share", row.region, today, 500)
    who = row.person or row.household.head
    may_keep = is_open and DutyCode.PAY_CHECK in held
    context = {
        "row": row, "name": _name(row), "place": places.path(row.region), "look": LOOKS[ClaimState(row.state)],
        "manner": MANNERS[Manner(row.manner)], "rule": _rule(row, agreement, share),
        "left": max(row.left_fen, 0), "back": row.kept_fen + row.cash_fen,
        "died_on": who.died_on if who else None,
        "family_href": reverse("web:family", args=[row.household_id]),
        "origins": claims.origins(row), "kept": claims.kept_by(row),
        "receipts": list(row.receipts.select_related("by").order_by("-received_on", "-id")),  # type: ignore[attr-defined]
        "agreements": list(row.agreements.select_related("made_by").order_by("-id")),  # type: ignore[attr-defined]
        "findings": list(row.findings.order_by("-id")),  # type: ignore[attr-defined]
        "overdue": _overdue(row, agreement, Month.of(today)),
        "offs": [{"row": one, "look": OFF_LOOKS[WriteOffState(one.state)]} for one in offs],
        "waiting": waiting,
        "may_keep": may_keep,
        "may_propose": may_keep and waiting is None,
        "may_fraud": is_open and DutyCode.PAY_APPROVE in held and row.manner != Manner.FRAUD,
        "may_decide": _may_decide(waiting, user, held),
        "decide_locked": _locked(waiting, user, held),
        "reasons": WriteOffReason.choices,
        "manners": [(code, MANNERS[code].word) for code in (Manner.CAPPED, Manner.STOPPED) if code != row.manner],
        "today": today.isoformat(), "next_month": str(Month.of(today).next()),
    }  # fmt: skip
    return render(request, "claims/claim.html", context)


def _rule(row: Claim, agreement: ClaimAgreement | None, share: int) -> str:
    """How the next months' payments are touched, in a sentence."""
    most = f"每月抵扣不超过当月应发的 {share / 10:g}%"
    if row.state == ClaimState.SETTLED:
        return "已结清，以后各月不再抵扣"
    if row.manner == Manner.AGREED and agreement is not None:
        first = Month.parse(str(agreement.from_month))
        if agreement.in_cash:
            return f"{first} 起每月现金归还 {words.yuan(agreement.monthly_fen)} 元，不从发放中抵扣"
        return f"{first} 起每月抵扣 {words.yuan(agreement.monthly_fen)} 元，且不超过当月应发的 {share / 10:g}%"
    if row.manner == Manner.FRAUD:
        part = claims.share_permille("claim_fraud_share", row.region, clock.today(), 1000)
        return f"认定骗取，每月抵扣不超过当月应发的 {part / 10:g}%"
    if row.manner == Manner.STOPPED:
        return "不从发放中抵扣，以现金归还或核销了结"
    return most


def _overdue(row: Claim, agreement: ClaimAgreement | None, now: Month) -> int:
    """Of an agreement in cash: what should have come in by last month and has not, fen."""
    if agreement is None or not agreement.in_cash:
        return 0
    first = Month.parse(str(agreement.from_month))
    months = 0
    while first + months < now:
        months += 1
    came = sum(
        one.amount_fen
        for one in row.receipts.filter(received_on__gte=agreement.signed_on)  # type: ignore[attr-defined]
    )
    return max(min(months * agreement.monthly_fen - came, row.left_fen), 0)


def _duty(waiting: Any) -> str:
    limit = claims.write_off_limit(waiting.region, clock.today())
    return DutyCode.FUND_REVIEW if limit is not None and waiting.amount_fen > limit else DutyCode.PAY_APPROVE


def _may_decide(waiting: Any, user: Any, held: Any) -> bool:
    return waiting is not None and waiting.proposed_by_id != user.pk and _duty(waiting) in held


def _locked(waiting: Any, user: Any, held: Any) -> str:
    if waiting is None or _may_decide(waiting, user, held):
        return ""
    if waiting.proposed_by_id == user.pk:
        return "您提出的核销，由另一人审批。"
    return f"由“{DutyCode(_duty(waiting)).label}”人员审批。"


def paper(request: HttpRequest, pk: int, kind: str, number: int) -> HttpResponse:
    """The scan of an agreement, a receipt or what a write-off rests on. Looking is logged."""
    row = claims.access_claim(request.user, pk)  # type: ignore[arg-type]
    related = {"agreements": "agreements", "receipts": "receipts", "write-offs": "write_offs"}.get(kind)
    if related is None:
        raise NotFoundError("附件")
    found = access.one(getattr(row, related).select_related("paper"), user=request.user, what="附件", pk=number)  # type: ignore[arg-type]
    if found.paper is None:
        raise NotFoundError("附件")
    reading.note_reading(request, "追回附件", [row.household_id], [], region=row.region)
    return spot.picture(found.paper)
