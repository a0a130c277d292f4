"""Asking a bank to give payments back before it executes them (撤销): one proposes, another agrees, the bank's word decides.

A request moves no money. A payment stays as it is, unknown or sent, until the bank says something definite of it: cancelled
unpaid, it failed and its money is ours again; paid and coming back, it stays until the money is there; refused, nothing
changes. Silence ends nothing: who no longer waits says so with a reason, and a late word still counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import transaction

from tuodi.exchange.bank import BankProfile, Payment, ReturnFile, load_bank_profile
from tuodi.exchange.bank_files import Payer, write_recall
from tuodi.exchange.iso_requests import whole_word
from tuodi.files.store import put_bytes
from tuodi.kernel import clock
from tuodi.kernel.money import format_yuan
from tuodi.org import access
from tuodi.org.models import DutyCode, User
from tuodi.payments.actions.answers import News, refuse_answer, settle_items
from tuodi.payments.actions.recall_follow import close_if_done, note_word
from tuodi.payments.actions.run import audit, lock_run
from tuodi.payments.errors import FourEyesError, RecallError
from tuodi.payments.items import locked_items
from tuodi.payments.models import BankBatch, BankItem, BankMessage, BankRecall, BankReturn, PayRun, RecallLine
from tuodi.payments.states import (
    RECALL_LINE_MOVES,
    RECALL_MOVES,
    RECALLED,
    LineStatus,
    RecallPurpose,
    RecallReason,
    RecallState,
    RecallWord,
    move,
    steps_to,
)

__all__ = ["confirm_recall", "give_up_recall", "propose_recall", "take_recall", "withdraw_recall"]

_OPEN = (LineStatus.SENT, LineStatus.UNKNOWN)
#: What the bank says of a payment it is asked for -> the word that is noted; "unknown" is none yet.
_MEANS = {
    "cancelled": RecallWord.CANCELLED,
    "returning": RecallWord.RETURNING,
    "refused": RecallWord.REFUSED,
}


def _reason(text: str) -> str:
    if len(text.strip()) < 4:
        raise RecallError("请写明理由（至少 4 个字）。")
    return text.strip()[:300]


@transaction.atomic
def propose_recall(
    batch: BankBatch, *, acting_user: User, purpose: str, reason_code: str, reason: str, seqs: Sequence[int] | None = None
) -> BankRecall:  # fmt: skip
    """Proposes that a file, or some payments of it, be asked back. Nothing leaves yet.

    Args:
        seqs: numbers in the file; None = all the bank has said nothing definite of.

    Raises: RecallError naming the numbers that cannot be asked back. NotFoundError, AccessDeniedError.
    """
    access.require(acting_user, DutyCode.PAY_CHECK, batch.region)
    if purpose not in RecallPurpose.values or reason_code not in RecallReason.values:
        raise RecallError("请选择撤回后怎么办，以及撤回的原因。")
    why = _reason(reason)
    if batch.run_id is None:
        raise RecallError("这一批是付给机构的款项，不能在这里请求撤销。请与银行联系，由银行退回后登记。")
    lock_run(PayRun(pk=batch.run_id))
    rows = batch.items.filter(status__in=_OPEN)
    busy = set(
        RecallLine.objects.filter(item__batch=batch, word__in=[RecallWord.ASKED, RecallWord.RETURNING]).values_list(
            "item__seq", flat=True
        )
    )
    found = {item.seq: item for item in rows.order_by("seq")}
    if seqs is None:
        wanted = [seq for seq in found if seq not in busy]
    else:
        wanted = sorted(set(seqs))
        wrong = [seq for seq in wanted if seq not in found or seq in busy]
        if wrong:
            listed = "、".join(str(one) for one in wrong[:20])
            raise RecallError(f"序号 {listed} 银行已有结果、正在撤销，或不在本批次，不能请求撤销。请核对序号。")
    if not wanted:
        raise RecallError("本批次没有可以请求撤销的明细：银行都有了结果，或已在撤销。")
    number = batch.recalls.count() + 1
    made = BankRecall.objects.create(
        batch=batch, region=batch.region, no=f"{batch.no}C{number:02d}", purpose=purpose, reason_code=reason_code, reason=why,
        proposed_at=clock.now(), proposed_by=acting_user,
    )  # fmt: skip
    RecallLine.objects.bulk_create(
        [RecallLine(recall=made, item=found[seq], region=found[seq].region) for seq in wanted], batch_size=1000
    )
    audit("propose_recall", acting_user, batch.run, recall=made.no, lines=len(wanted), purpose=purpose, reason=why)
    return made


def _locked(recall: BankRecall) -> BankRecall:
    batch = BankBatch.objects.get(pk=recall.batch_id)
    lock_run(PayRun(pk=batch.run_id))
    return access.locked(BankRecall.objects.select_related("batch__run"), recall.pk, what="撤销请求")


@transaction.atomic
def confirm_recall(recall: BankRecall, *, acting_user: User) -> BankRecall:
    """The second person agrees: number and file are made, and the message that brings it where the batch went by a line.

    Payments the bank has spoken of since are left out; where none is left the request is refused.

    Raises: FourEyesError: he proposed it. RecallError, StateError, NotFoundError, AccessDeniedError.
    """
    access.require(acting_user, DutyCode.PAY_APPROVE, recall.region)
    found = _locked(recall)
    if found.proposed_by_id == acting_user.pk:
        raise FourEyesError(f"撤销 {found.no}", "复核", "提出")
    move(f"撤销 {found.no}", RECALL_MOVES, found.state, RecallState.ASKED, RecallState)
    lines = list(found.lines.select_related("item__line").order_by("item__seq"))
    for one in lines:
        if one.item.status not in _OPEN:
            note_word(one, RecallWord.OTHERWISE, "", "提出后银行已有结果")
    lines = [one for one in lines if one.word == RecallWord.ASKED]
    if not lines:
        raise RecallError("请求撤销的明细，银行都已有结果，不需要再送。请作废这份请求。")
    batch, layout = found.batch, load_bank_profile(found.batch.profile)
    message = BankMessage.objects.select_related("link").filter(batch=batch).first()
    link = message.link if message else None
    payer = Payer(link.payer_name, link.payer_account, link.payer_agent) if link else None
    note = f"{found.get_reason_code_display()}：{found.reason}"
    rows = [_payment(one.item) for one in lines]
    data = write_recall(
        layout, found.no, batch.no, rows, month=str(batch.run.month), payer=payer, at=clock.now(), code=found.reason_code, note=note,
        form=link.recall_form if link else "camt.056",
    )  # fmt: skip
    name = f"{found.no}{layout.suffix}"
    stored = put_bytes(data, region=found.region, name=name, purpose="bank_file", by_id=acting_user.pk)
    found.file, found.file_name, found.sha256 = stored, name, stored.sha256
    found.state, found.decided_at, found.decided_by = RecallState.ASKED, clock.now(), acting_user
    found.save()
    if link is not None:
        # As with payments: the number is there before anything leaves.
        BankMessage.objects.create(
            link=link, recall=found, region=found.region, no=found.no, sha256=stored.sha256, made_at=clock.now(), made_by=acting_user
        )  # fmt: skip
    audit("confirm_recall", acting_user, batch.run, recall=found.no, lines=len(lines), sha256=stored.sha256)
    return found


def _payment(item: BankItem) -> Payment:
    from tuodi.payments.items import one_item

    return Payment(item.seq, item.holder, one_item(item).account(), item.bank_code, item.amount_fen, "", item.line.key)


@transaction.atomic
def withdraw_recall(recall: BankRecall, *, acting_user: User) -> BankRecall:
    """Takes a proposal back, or turns it down. Raises: StateError, NotFoundError, AccessDeniedError."""
    access.require_any(acting_user, (DutyCode.PAY_CHECK, DutyCode.PAY_APPROVE), recall.region)
    found = _locked(recall)
    move(f"撤销 {found.no}", RECALL_MOVES, found.state, RecallState.WITHDRAWN, RecallState)
    found.lines.update(word=RecallWord.DROPPED)
    found.state, found.decided_at, found.decided_by = RecallState.WITHDRAWN, clock.now(), acting_user
    found.save()
    audit("withdraw_recall", acting_user, found.batch.run, recall=found.no)
    return found


@transaction.atomic
def give_up_recall(recall: BankRecall, *, acting_user: User, reason: str) -> BankRecall:
    """Ends the waiting for a word that does not come: the payments stay as they are, and may be asked back anew.

    Raises: RecallError without a reason; StateError, NotFoundError, AccessDeniedError.
    """
    access.require(acting_user, DutyCode.PAY_APPROVE, recall.region)
    found = _locked(recall)
    move(f"撤销 {found.no}", RECALL_MOVES, found.state, RecallState.GIVEN_UP, RecallState)
    note = _reason(reason)
    found.lines.filter(word=RecallWord.ASKED).update(word=RecallWord.DROPPED, at=clock.now())
    found.state, found.note, found.closed_at = RecallState.GIVEN_UP, note, clock.now()
    found.save()
    audit("give_up_recall", acting_user, found.batch.run, recall=found.no, reason=note)
    return found


# ---- the bank's word


def refused_by_bank(recall: BankRecall, *, code: str, text: str) -> None:
    """The bank will not work on the request at all: a definite word for each of its payments, and none of them moves."""
    for one in recall.lines.select_related("recall").filter(word=RecallWord.ASKED):
        note_word(one, RecallWord.REFUSED, code, text)
    close_if_done(recall.pk)


def take_recall(
    recall: BankRecall, answer: ReturnFile, layout: BankProfile, *, acting_user: User, common: dict[str, Any]
) -> BankReturn:
    """Applies an answer to a request whole, or refuses it whole; inside the caller's transaction.

    Args:
        common: what every row of the file's kind says (`answers.take_answer`).
    """
    batch = recall.batch
    lock_run(batch.run)
    batch = BankBatch.objects.select_related("run").select_for_update(of=("self",)).get(pk=batch.pk)
    common |= {"run": batch.run, "recall": recall}
    if answer.message_id:
        known = batch.returns.filter(kind=answer.kind, message_id=answer.message_id, state="applied").first()
        if known is not None:
            why = f"报文号 {answer.message_id} 已入账过另一份内容（{known.imported_at:%Y-%m-%d}）"
            return refuse_answer(common, batch, [why], len(answer.rows), acting_user=acting_user)
    lines = {one.item.seq: one for one in recall.lines.select_for_update(of=("self",)).select_related("item", "recall")}
    items = {item.seq: item for item in locked_items(batch.items.filter(seq__in=list(lines)))}
    told = _told(answer, lines)
    faults = _judge(recall, answer, lines, items, told)
    if faults:
        return refuse_answer(common, batch, faults, len(answer.rows), acting_user=acting_user)
    news: list[News] = []
    counts = dict.fromkeys(("cancelled", "returning", "refused", "unknown"), 0)
    for seq, (said, code, note) in told.items():
        counts[said] += 1
        word = _follows(lines[seq], said, items[seq].status)
        if word is None:
            continue
        if lines[seq].word == RecallWord.DROPPED:
            note_word(lines[seq], RecallWord.ASKED)  # a late word takes it up again
        if lines[seq].word != word:
            note_word(lines[seq], word, code, note or layout.meaning(code))
        if word == RecallWord.CANCELLED:
            steps = steps_to(items[seq].status, LineStatus.FAILED)
            assert steps is not None
            news.append(News(items[seq], steps, RECALLED, note or "应请求撤销，银行没有付款"))
    returned = BankReturn.objects.create(
        **common, batch=batch, state=BankReturn.State.APPLIED, rows=len(told), failed_lines=len(news),
        failed_fen=sum(one.item.amount_fen for one in news), unknown_lines=counts["unknown"], returned_lines=0,
    )  # fmt: skip
    if news:
        settle_items(batch, news, acting_user=acting_user, returned=returned)
    close_if_done(recall.pk)
    audit("import_recall", acting_user, batch.run, recall=recall.no, file=common["sha256"], **counts)
    return returned


def _told(answer: ReturnFile, lines: dict[int, RecallLine]) -> dict[int, tuple[str, str, str]]:
    """Number -> (what the bank says, code, note); a word about the whole is one about each."""
    if answer.rows:
        return {row.seq: (str(row.result), row.code, row.message) for row in answer.rows if row.seq in lines}
    said = whole_word(answer)
    return dict.fromkeys(lines, (said, answer.group_code, answer.group_note)) if said else {}


def _judge(
    recall: BankRecall, answer: ReturnFile, lines: dict[int, RecallLine], items: dict[int, Any], told: dict[int, tuple[str, str, str]]
) -> list[str]:  # fmt: skip
    faults = list(answer.faults)
    if recall.state in (RecallState.PROPOSED, RecallState.WITHDRAWN):
        faults.append(f"撤销请求 {recall.no} 没有送出过，不应有答复")
    if answer.about and answer.about != recall.batch.no:
        faults.append(f"答复的是批次 {answer.about[:35]}，请求撤销的是 {recall.batch.no}")
    if not told and not faults:
        faults.append("答复没有说明任何一笔")
    seen: set[int] = set()
    for row in answer.rows:
        where = f"第 {row.row_no} 笔（序号 {row.seq}）"
        item = items.get(row.seq or 0)
        if item is None or row.seq in seen:
            faults.append(f"{where}：不在撤销请求中，或重复")
            continue
        seen.add(item.seq)
        if row.result not in _MEANS and row.result != "unknown":
            faults.append(f"{where}：“{row.word[:20]}”不是撤销答复的用语")
        if row.amount_fen is not None and row.amount_fen != item.amount_fen:
            faults.append(f"{where}：金额 {format_yuan(row.amount_fen)} 元，请求的是 {format_yuan(item.amount_fen)} 元")
        if (row.account or not answer.partial) and row.account != item.account():
            faults.append(f"{where}：账号（尾号 {row.account[-4:]}）不是送出的账号（尾号 {item.account_last4}）")
    if answer.lines is not None and answer.lines != len(answer.rows):
        faults.append(f"批次行写 {answer.lines} 笔，明细有 {len(answer.rows)} 笔")
    for seq, (said, _, _) in told.items():
        line = lines[seq]
        if said == "refused" and line.word == RecallWord.CANCELLED:
            faults.append(f"序号 {seq}：银行已答复撤销成功，不能变为“{RecallWord.REFUSED.label}”")
    return faults


def _follows(line: RecallLine, said: str, status: str) -> RecallWord | None:
    """The word to be noted for a payment, or None where it is no news.

    A payment known to be paid cannot have been cancelled unpaid: the bank agrees, and the money is still to come.
    """
    word = _MEANS.get(said)
    if word == RecallWord.CANCELLED and status == LineStatus.PAID:
        word = RecallWord.RETURNING
    if word is None or word == line.word or status in (LineStatus.FAILED, LineStatus.RETURNED):
        return None
    now = RecallWord.ASKED if line.word == RecallWord.DROPPED else RecallWord(line.word)
    return word if word in RECALL_LINE_MOVES[now] else None
