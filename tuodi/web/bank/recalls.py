"""Payments asked back of the bank: the panel on the batch's page, and its posts."""

from __future__ import annotations

import io
import re
from typing import Any

from django.http import FileResponse, HttpRequest
from django.urls import reverse

from tuodi.audit.actions import record
from tuodi.files.store import open_plain
from tuodi.org import access
from tuodi.org.models import DutyCode
from tuodi.payments import actions, bank_queries, queries, tasks
from tuodi.payments.models import BankBatch, BankMessage, BankRecall, PayRun
from tuodi.payments.states import MessageState, RecallPurpose, RecallReason, RecallState, RecallWord
from tuodi.web.bank import looks
from tuodi.web.components import navigation, posting
from tuodi.web.components.words import Look

LOOKS = {
    RecallState.PROPOSED: Look("待复核", "warn"),
    RecallState.WITHDRAWN: Look("未采用"),
    RecallState.ASKED: Look("等银行答复", "unknown", "clock"),
    RecallState.GIVEN_UP: Look("不再等答复", "warn"),
    RecallState.ANSWERED: Look("银行已答复", "ok", "check"),
}
WORDS = {
    RecallWord.ASKED: Look("等待答复", "unknown", "clock"),
    RecallWord.CANCELLED: Look("已撤销，没有付款", "ok", "check"),
    RecallWord.RETURNING: Look("同意，款项将退回", "warn", "clock"),
    RecallWord.BACK: Look("款项已退回", "ok", "check"),
    RecallWord.REFUSED: Look("不能撤销", "bad", "x"),
    RecallWord.OTHERWISE: Look("银行另有结果"),
    RecallWord.DROPPED: Look("不再等"),
}
NOT_YET = Look("还没有送出")
_SHOWN = 50
_DEEDS = ("recall", "recall-confirm", "recall-withdraw", "recall-give-up", "recall-bring")


def panel(request: HttpRequest, run: PayRun, batch: BankBatch) -> dict[str, Any]:
    """What was asked back of a batch with the bank's words, and what the reader may do."""
    duties = navigation.held_duties(request)
    return {
        "rows": [_row(request, run, one) for one in bank_queries.recalls_of(batch)],
        "may_ask": DutyCode.PAY_CHECK in duties and bank_queries.recallable(batch),
        "purposes": RecallPurpose.choices,
        "reasons": RecallReason.choices,
    }


def _row(request: HttpRequest, run: PayRun, one: BankRecall) -> dict[str, Any]:
    duties = navigation.held_duties(request)
    lines = list(one.lines.select_related("item").order_by("item__seq")[: _SHOWN + 1])
    message = BankMessage.objects.filter(recall=one).first()
    proposed = one.state == RecallState.PROPOSED
    mine = one.proposed_by_id == request.user.pk
    return {
        "row": one,
        "look": LOOKS[RecallState(one.state)],
        "lines": [
            {"seq": line.item.seq, "fen": line.item.amount_fen, "look": NOT_YET if proposed else WORDS[RecallWord(line.word)], "note": f"{line.code} {line.message}".strip()}
            for line in lines[:_SHOWN]
        ],
        "more": max(0, one.lines.count() - _SHOWN),
        "message": looks.MESSAGES[MessageState(message.state)] if message and not proposed else None,
        "may_bring": message is not None
        and DutyCode.PAY_SEND in duties
        and message.state in (MessageState.CREATED, MessageState.SIGNED, MessageState.SENT),
        "may_confirm": proposed and DutyCode.PAY_APPROVE in duties and not mine,
        "may_withdraw": proposed and bool({DutyCode.PAY_CHECK, DutyCode.PAY_APPROVE} & set(duties)),
        "may_give_up": one.state == RecallState.ASKED and DutyCode.PAY_APPROVE in duties,
        "file_href": reverse("web:bank-recall-file", args=[run.pk, one.batch_id, one.pk])
        if one.file_id and DutyCode.PAY_SEND in duties
        else "",
    }  # fmt: skip


def numbers(text: str) -> list[int] | None:
    """`1、3-5` as numbers, at most as many as a file holds; None for an empty text. Raises: ValueError."""
    found: list[int] = []
    for part in re.split(r"[,，、;；\s]+", text.strip()):
        if not part:
            continue
        ends = re.fullmatch(r"(\d{1,6})(?:[-~\u2013\u2014\uff5e](\d{1,6}))?", part, re.ASCII)
        if ends is None:
            raise ValueError(part)
        low, high = int(ends[1]), int(ends[2] or ends[1])
        if high < low or high - low > 100_000:
            raise ValueError(part)
        found += range(low, high + 1)
    return found or None


def answer(request: HttpRequest, batch: BankBatch) -> bool:
    """Does a post of the panel; False where it is none of its."""
    code = posting.text(request, "do", 20)
    if code not in _DEEDS:
        return False
    user: Any = request.user
    if code == "recall":
        _ask(request, batch)
        return True
    recall = access.one(
        bank_queries.recalls_of(batch), user=user, what="撤销请求", pk=posting.number(request, "recall")
    )
    if code == "recall-confirm":
        ok, made = posting.attempt(
            request,
            lambda: actions.confirm_recall(recall, acting_user=user),
            "已复核，撤销文件已生成。银行答复前，各笔结果不变。",
        )
        message = BankMessage.objects.filter(recall=made).first() if ok else None
        if message is not None:
            tasks.deliver_message.defer(message_id=message.pk)
    elif code == "recall-withdraw":
        posting.attempt(request, lambda: actions.withdraw_recall(recall, acting_user=user), "这份撤销请求不采用。")
    elif code == "recall-give-up":
        posting.attempt(
            request,
            lambda: actions.give_up_recall(recall, acting_user=user, reason=posting.text(request, "reason", 300)),
            "已记录不再等；银行以后答复的仍然算数。",
        )
    elif DutyCode.PAY_SEND in navigation.held_duties(request):
        message = BankMessage.objects.filter(recall=recall).first()
        if message is not None:
            tasks.deliver_message.defer(message_id=message.pk, user_id=user.pk)
            posting.succeed(request, "已交后台送出；先问银行是否收到，再决定是否送。稍后刷新查看。")
    return True


def _ask(request: HttpRequest, batch: BankBatch) -> None:
    try:
        seqs = numbers(posting.text(request, "seqs", 2000))
    except ValueError as error:
        posting.refuse(request, f"序号“{str(error)[:20]}”不认识。请写成 1、3-5 这样，不填为整批。")
        return
    posting.attempt(
        request,
        lambda: actions.propose_recall(
            batch,
            acting_user=request.user,  # type: ignore[arg-type]
            purpose=posting.text(request, "purpose", 6),
            reason_code=posting.text(request, "code", 4),
            reason=posting.text(request, "reason", 300),
            seqs=seqs,
        ),
        lambda row: f"已提出撤销 {row.lines.count():,} 笔，由另一人复核后送银行。",
    )


def download(request: HttpRequest, pk: int, batch: int, recall: int) -> FileResponse:
    """The file of a request, to be carried by hand; each download is in the audit log."""
    user: Any = request.user
    run = queries.access_run(user, pk)
    found = bank_queries.access_batch(user, run, batch)
    row = access.one(bank_queries.recalls_of(found).filter(file__isnull=False), user=user, what="撤销请求", pk=recall)
    access.require(user, DutyCode.PAY_SEND, row.region)
    record(
        "web.download_bank_file", actor=user, subject_type="bankrecall", subject_id=row.pk, region=row.region,
        after={"sha256": row.sha256},
    )  # fmt: skip
    return FileResponse(io.BytesIO(open_plain(row.file).read()), as_attachment=True, filename=row.file_name)
