"""Money of hospitals, collectors and other bodies that a statement shows coming back: what it is, by one person of 资金管理."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.funds import refunds as reads
from tuodi.funds.models import PayOrder, StatementRefund
from tuodi.funds.states import ADVANCES, OrderKind, PaperState, RefundState
from tuodi.org import access
from tuodi.org.errors import NotFoundError
from tuodi.org.models import DutyCode
from tuodi.payments import actions
from tuodi.web.components import navigation, pages, places, posting
from tuodi.web.components.pages import Page
from tuodi.web.components.words import Look
from tuodi.web.funds.common import place_of
from tuodi.web.medical.subjects import subject_of

TABS = (("open", "待确认"), ("all", "全部"))
LOOKS = {
    RefundState.PROPOSED: Look("待确认", "warn", "clock"),
    RefundState.BOOKED: Look("已入账", "ok", "check"),
    RefundState.SAME: Look("已凭凭证登记", "ok", "check"),
    RefundState.DISMISSED: Look("不是退款"),
}
#: Kinds whose money back is a paper that finance decides.
_BY_PAPER = (*ADVANCES, OrderKind.CLEARING)


def listing(request: HttpRequest) -> HttpResponse:
    """Entries of statements that may be refunds of orders; a POST says what one is."""
    if request.method == "POST":
        _do(request)
        return posting.back(request.get_full_path())
    chosen, tabs = pages.tabs_of(request, TABS, "open")
    rows = reads.of_place(place_of(request))
    rows = rows.filter(state=RefundState.PROPOSED) if chosen == "open" else rows
    found = pages.page_of(request, lambda start, stop: list(rows[start:stop]))
    lines = [_line(request, one) for one in found.items]
    context = {
        "page": Page(lines, found.number, None, found.previous, found.next),
        "tabs": tabs,
        "heading": dict(TABS)[chosen],
    }
    return render(request, "medical/refunds.html", context)


def _line(request: HttpRequest, row: StatementRefund) -> dict[str, Any]:
    waits = row.state == RefundState.PROPOSED
    offered = []
    for one in reads.candidates(row) if waits else []:
        label, _ = subject_of(one)
        before = reads.entered_before(one, row.amount_fen, row.booked_on)
        offered.append({"row": one, "label": label, "before": before})
    return {
        "row": row,
        "look": _look(row),
        "place": places.name(row.region),
        "offered": offered,
        "by_paper": bool(offered) and all(one["row"].kind in _BY_PAPER for one in offered),
        "before": any(one["before"] is not None for one in offered),
        "may": waits and navigation.may(request, [DutyCode.FUND_KEEP], row.region),
        "href": _entered(row),
    }


def _look(row: StatementRefund) -> Look:
    """A paper is booked once finance agrees, and not when it is proposed."""
    if row.paper is not None and row.paper.state == PaperState.PROPOSED:
        return Look("待财政审核", "warn", "clock")
    return LOOKS[RefundState(row.state)]


def _entered(row: StatementRefund) -> str:
    if row.paper is not None:
        return reverse("web:fund-paper", args=[row.paper.no])
    entered = row.premium or row.emergency or row.funeral
    return reverse("web:fund-entry", args=[entered.entry_id]) if entered is not None else ""


def _do(request: HttpRequest) -> None:
    user: Any = request.user
    rows = StatementRefund.objects.select_related("order")
    row = access.one(rows, user=user, what="对账单退款", pk=posting.number(request, "refund"))
    do = posting.text(request, "do", 10)
    if do == "none":
        posting.attempt(
            request,
            lambda: actions.dismiss_refund(row, acting_user=user, reason=posting.text(request, "reason", 200)),
            "已记为不是退款，仍列在对账遗留里，由两人说明。",
        )
        return
    order = PayOrder.objects.filter(pk=posting.number(request, "order"), region=row.region).first()
    if order is None:
        raise NotFoundError("付款单")
    verb = actions.same_refund if do == "same" else actions.confirm_refund
    posting.attempt(request, lambda: verb(row, order, acting_user=user), _said)


def _said(row: StatementRefund) -> str:
    if row.state == RefundState.SAME:
        return "已与凭证登记的一笔对上，没有重复入账。"
    if row.paper is not None:
        return f"已提出资金单据 {row.paper.no}，财政审核后入账。"
    return "退款已入账。"
