"""What somebody must see to, sorted by what is to be done; and what waits for a second person."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.funds.models import PayOrder
from tuodi.org import access
from tuodi.org.models import DutyCode
from tuodi.payments import actions, bank_queries
from tuodi.payments.labels import pay_label
from tuodi.payments.states import LineStatus, RecallState
from tuodi.web.bank.recalls import LOOKS
from tuodi.web.components import navigation, places, posting, reading, words
from tuodi.web.county import run_page

#: What is to be done -> heading, how.
TODO = {
    "fix_account": ("更正账户", "核对户名和账号，登记新账户后在本期“重发”"),
    "contact_holder": ("联系本人", "账户冻结、挂失、未激活等：请本人或监护人到银行办理，恢复后重发"),
    "recalled": ("已撤回，待定", "应请求撤销、准备更正后重发的：更正账户后重发，或在本期逐笔重发"),
    "retry": ("直接重发", "银行方面的原因，账户没有问题，可以重发"),
    "unknown": ("查明结果", "结果未知不当失败，不重发：查询、等回盘或对账单，或取得书面答复后由两人认定"),
}
_SHOWN = 200


def show(request: HttpRequest) -> HttpResponse:
    """The queue of one kind, with the numbers of the others."""
    found = bank_queries.exceptions()
    groups: dict[str, list[bank_queries.Open]] = {code: [] for code in TODO}
    for one in found:
        groups.setdefault(one.todo, []).append(one)
    chosen = request.GET.get("todo", "")
    if chosen not in TODO:
        chosen = next((code for code, rows in groups.items() if rows), "fix_account")
    rows = groups[chosen][:_SHOWN]
    reading.note_list(request, "发放异常", [one.household_id for one in rows], [])
    duties = navigation.held_duties(request)
    context = {
        "figures": [
            {
                "label": TODO[code][0], "value": f"{len(group):,}", "unit": "笔",
                "foot": words.yuan(sum(one.amount_fen for one in group)) + " 元", "href": f"{request.path}?todo={code}",
            }
            for code, group in groups.items() if code in TODO
        ],
        "orders": PayOrder.objects.filter(status__in=["failed", "returned", "unknown"]).count(),
        "how": TODO[chosen][1],
        "title": TODO[chosen][0],
        "rows": [_row(one) for one in rows],
        "more": max(0, len(groups[chosen]) - _SHOWN),
        "proposals": [_proposal(one, request) for one in bank_queries.proposals()[:100]],
        "may_approve": DutyCode.PAY_APPROVE in duties,
        "recalls": [
            {
                "no": one.no, "n": one.asked, "by": one.proposed_by.name, "at": one.proposed_at, "look": LOOKS[RecallState(one.state)],
                "reason": one.reason, "href": reverse("web:bank-batch", args=[one.batch.run_id, one.batch_id]) + "#recalls",
            }
            for one in bank_queries.recalls_waiting()[:100]
        ],
    }  # fmt: skip
    return render(request, "bank/todo.html", context)


def _row(one: bank_queries.Open) -> dict[str, Any]:
    batch = reverse("web:bank-batch", args=[one.run_id, one.batch_id])
    return {
        "name": one.name, "place": places.path(one.region), "label": pay_label(one.programme), "month": one.month, "fen": one.amount_fen,
        "last4": one.last4, "look": run_page.LINE_LOOKS[LineStatus(one.status)], "code": one.code, "message": one.message, "at": one.at,
        "mended": one.account_mended, "family_href": reverse("web:family", args=[one.household_id]),
        "href": f"{batch}?status=unknown" if one.todo == "unknown" else reverse("web:run", args=[one.run_id]),
        "deed": "认定" if one.todo == "unknown" else "去重发",
    }  # fmt: skip


def _proposal(one: Any, request: HttpRequest) -> dict[str, Any]:
    if one.item is not None:
        what = f"批次 {one.item.batch.no} 序号 {one.item.seq}：认定为“{LineStatus(one.outcome).label}”"
        fen = one.item.amount_fen
    else:
        what = f"对账单 {one.leftover.statement.no} 第 {one.leftover.row_no} 笔：{one.leftover.get_verdict_display()}"
        fen = one.leftover.amount_fen
    return {
        "what": what, "fen": fen, "reason": one.reason, "by": one.proposed_by.name, "at": one.proposed_at,
        "href": reverse("web:bank-decision", args=[one.pk]), "mine": one.proposed_by_id == request.user.pk,
    }  # fmt: skip


def close(request: HttpRequest, pk: int) -> HttpResponse:
    """Confirm a proposal, or not."""
    user: Any = request.user
    found = access.one(bank_queries.proposals(), user=user, what="人工认定", pk=pk)
    if posting.text(request, "do", 10) == "confirm":
        posting.attempt(request, lambda: actions.confirm_decision(found, acting_user=user), "已复核，认定生效。")
    else:
        posting.attempt(request, lambda: actions.withdraw_decision(found, acting_user=user), "这条认定不采用。")
    return posting.back(reverse("web:bank-todo"))
