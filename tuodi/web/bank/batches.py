"""One bank batch: its message and every try, the bank's answers, its payments; what a person says of an unknown one."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.timezone import localtime

from tuodi.org.models import DutyCode
from tuodi.payments import actions, bank_queries, queries, tasks
from tuodi.payments.models import BankAttempt, BankBatch, BankItem, BankMessage, LineEvent, PayRun
from tuodi.payments.states import RECALLED, LineStatus, MessageState
from tuodi.web.bank import looks, recalls
from tuodi.web.components import navigation, pages, posting, reading
from tuodi.web.components.pages import Page
from tuodi.web.components.words import Look
from tuodi.web.county import run_page

CANCELLED = Look("已撤销", "info", "check")


def show(request: HttpRequest, pk: int, batch: int) -> HttpResponse:
    """The page; a POST brings the message, or proposes how an unknown payment ended."""
    user: Any = request.user
    run = queries.access_run(user, pk)
    found = bank_queries.access_batch(user, run, batch)
    if request.method == "POST":
        return _answer(request, run, found)
    duties = navigation.held_duties(request)
    status = request.GET.get("status", "")
    rows = bank_queries.items_of(found, status if status in LineStatus.values else "").select_related(
        "line__household__head", "line__person"
    )
    page = pages.page_of(request, lambda start, stop: list(rows[start:stop]))
    reading.note_list(
        request, "银行批次明细", [one.line.household_id for one in page.items],
        [one.line.person_id or one.line.household.head_id for one in page.items],
    )  # fmt: skip
    message = BankMessage.objects.select_related("link").filter(batch=found).first()
    context = {
        "run_href": reverse("web:run", args=[run.pk]),
        "run_label": f"{queries.month_of(run)} 发放",
        "batch": found,
        "file_href": reverse("web:run-file", args=[run.pk, found.pk]) if DutyCode.PAY_SEND in duties else "",
        "message": message_of(message) if message else None,
        "may_bring": message is not None
        and DutyCode.PAY_SEND in duties
        and message.state in (MessageState.CREATED, MessageState.SIGNED, MessageState.SENT),
        "answers": [answered(one) for one in bank_queries.returns_of(found)],
        "totals": totals(found, status),
        "page": Page(_items(page.items, found), page.number, None, page.previous, page.next),
        "may_decide": DutyCode.PAY_CHECK in duties,
        "recalls": recalls.panel(request, run, found),
        "all_href": reverse("web:bank-batch", args=[run.pk, found.pk]),
    }
    return render(request, "bank/batch.html", context)


def _answer(request: HttpRequest, run: PayRun, batch: BankBatch) -> HttpResponse:
    here = reverse("web:bank-batch", args=[run.pk, batch.pk])
    user: Any = request.user
    if recalls.answer(request, batch):
        return posting.back(here)
    if posting.text(request, "do", 20) == "bring" and DutyCode.PAY_SEND in navigation.held_duties(request):
        message = BankMessage.objects.filter(batch=batch).first()
        if message is not None:
            tasks.deliver_message.defer(message_id=message.pk, user_id=user.pk)
            posting.succeed(request, "已交后台送出；先问银行是否收到，再决定是否送。稍后刷新查看。")
        return posting.back(here)
    number = posting.text(request, "item", 12)
    item = batch.items.filter(pk=int(number) if number.isdigit() else 0).first()
    if item is None:
        posting.refuse(request, "没有这一笔，页面可能已过时。")
    else:
        posting.attempt(
            request,
            lambda: actions.propose_item(
                item,
                acting_user=user,
                outcome=posting.text(request, "outcome", 8),
                reason=posting.text(request, "reason", 300),
            ),
            "认定已提交，由另一人复核后入账。",
        )
    return posting.back(here + "?status=unknown")


def message_of(message: BankMessage) -> dict[str, Any]:
    """A message with its tries, for the page."""
    taken = [
        {"css": "ok", "when": f"{localtime(message.answered_at):%m-%d %H:%M}", "title": looks.MESSAGES[MessageState(message.state)].word, "text": ""}
    ] if message.answered_at else []  # fmt: skip
    tries = message.attempts.select_related("by").order_by("-id")[:20]
    return {
        "no": message.no,
        "link": message.link.label,
        "look": looks.MESSAGES[MessageState(message.state)],
        "signed": bool(message.signature),
        "key_id": message.key_id,
        "sha256": message.sha256,
        "events": taken
        + [
            {
                "css": {"accepted": "ok", "duplicate": "ok", "refused": "bad"}.get(one.word, ""),
                "when": f"{localtime(one.at):%m-%d %H:%M}",
                "title": ("查询：" if one.kind == BankAttempt.Kind.ASK else "") + looks.WORDS.get(one.word, one.word),
                "text": "　".join(part for part in (one.detail, one.by.name if one.by else "定时任务") if part),
            }
            for one in tries
        ],
    }


def answered(row: Any) -> dict[str, Any]:
    """One answer of the bank."""
    return {
        "name": row.file_name, "kind": looks.REPORTS.get(row.kind, row.kind) or ("撤销答复" if row.recall_id else "回盘文件"),
        "at": row.imported_at, "by": row.imported_by.name if row.imported_by_id else "",
        "recall": _recall_words(row) if row.recall_id else "",
        "look": looks.ANSWERS[row.state], "paid": row.paid_lines, "failed": row.failed_lines, "unknown": row.unknown_lines,
        "returned": row.returned_lines, "faults": row.faults[:5],
    }  # fmt: skip


def _recall_words(row: Any) -> str:
    left = row.rows - row.failed_lines - row.unknown_lines
    parts = ((row.failed_lines, "撤销成功 {} 笔"), (row.unknown_lines, "还在处理 {} 笔"), (left, "其余 {} 笔见“撤销”"))
    return "，".join(text.format(f"{n:,}") for n, text in parts if n)


def totals(batch: BankBatch, chosen: str) -> list[dict[str, Any]]:
    """How many payments of a batch stand where, each with its filter."""
    counts: dict[str, int] = {}
    for status in batch.items.values_list("status", flat=True):
        counts[status] = counts.get(status, 0) + 1
    return [
        {"label": LineStatus(code).label, "n": n, "href": f"?status={code}", "current": code == chosen}
        for code, n in sorted(counts.items())
    ]


def _items(items: list[BankItem], batch: BankBatch) -> list[dict[str, Any]]:
    last: dict[int, LineEvent] = {}
    for event in LineEvent.objects.filter(batch=batch, line__in=[one.line_id for one in items]).order_by("id"):
        last[event.line_id] = event
    waiting = {one.item_id: one for one in bank_queries.proposals().filter(item__in=[one.pk for one in items])}
    shown = []
    for one in items:
        event = last.get(one.line_id)
        shown.append(
            {
                "pk": one.pk, "seq": one.seq, "name": one.line.person.name if one.line.person else one.line.household.head.name,
                "holder": one.holder, "last4": one.account_last4, "fen": one.amount_fen, "look": CANCELLED if one.status == LineStatus.FAILED and event and event.code == RECALLED else run_page.LINE_LOOKS[LineStatus(one.status)],
                "code": event.code if event else "", "message": event.message if event else "",
                "unknown": one.status == LineStatus.UNKNOWN, "proposal": waiting.get(one.pk),
                "family_href": reverse("web:family", args=[one.line.household_id]), "again": one.orig_id is not None,
            }
        )  # fmt: skip
    return shown
