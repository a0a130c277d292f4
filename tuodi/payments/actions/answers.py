"""What a bank answers: applied whole, or refused whole and kept. One road for tables, ISO 20022 messages and collected files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from tuodi.audit.actions import record
from tuodi.crypto import sm2
from tuodi.exchange.bank import BankProfile, ReturnFile, load_bank_profile, same_holder
from tuodi.exchange.bank_files import read_answer
from tuodi.exchange.errors import ExchangeError
from tuodi.files.store import put_bytes
from tuodi.kernel import clock
from tuodi.kernel.money import format_yuan
from tuodi.org import access
from tuodi.org.models import DutyCode, User
from tuodi.payments import ledger, orders
from tuodi.payments.actions.bank import links_of, move_lines
from tuodi.payments.actions.recall_follow import follow
from tuodi.payments.actions.run import audit, lock_run
from tuodi.payments.errors import StateError
from tuodi.payments.items import Sent, locked_items, set_item_status
from tuodi.payments.models import AccountInquiry, BankBatch, BankLink, BankRecall, BankReturn, LedgerEntry, PayRun
from tuodi.payments.states import BATCH_MOVES, BatchState, LineStatus, RunState, move, steps_to

__all__ = [
    "News",
    "check_signature",
    "import_return",
    "lock_batch",
    "refuse_answer",
    "settle_items",
    "take_answer",
]

#: Most faults of a forged file that are listed; the rest are counted.
_FAULTS = 50
_OUT = (RunState.SENT, RunState.SETTLED, RunState.CLOSED)
#: What the bank says -> the status it means. `accepted` means none yet.
_FINAL = {
    "paid": LineStatus.PAID,
    "failed": LineStatus.FAILED,
    "returned": LineStatus.RETURNED,
    "unknown": LineStatus.UNKNOWN,
}
#: Words that answer a request to give payments back and say nothing where payments are reported.
_ELSEWHERE = ("cancelled", "returning", "refused")
_KINDS = {
    LineStatus.PAID: LedgerEntry.Kind.PAID,
    LineStatus.FAILED: LedgerEntry.Kind.FAILED,
    LineStatus.RETURNED: LedgerEntry.Kind.RETURNED,
}


@dataclass(frozen=True)
class News:
    """One definite word about one item: where it goes, and what the bank said."""

    item: Sent
    steps: tuple[str, ...]
    code: str = ""
    message: str = ""
    bank_seq: str = ""


def import_return(
    run: PayRun, *, acting_user: User, data: bytes, name: str, profile: str = "generic-csv", signature: str = ""
) -> BankReturn:
    """Takes a bank's answer: applied whole, or refused whole and kept as evidence; `state` and `faults` of the row say which.

    The same file again gives the row there is and changes nothing. Forged or mistaken files are refused: another batch,
    an unknown number, a wrong amount, account or name, a sum that does not fit, a result that contradicts an earlier one.

    Args:
        data: the file as the bank sent it.
        profile: the bank's layout. signature: hex, where the profile has files signed.

    Raises: StateError: no file of the run is out. NotFoundError, AccessDeniedError.
    """
    access.require(acting_user, DutyCode.PAY_SEND, run.region)
    layout = load_bank_profile(profile)
    with transaction.atomic():
        run = lock_run(run)
        if run.state not in _OUT:
            raise StateError(run.no, run.get_state_display(), "导入回盘")
        fault = ""
        if layout.signed:
            # Whose account the file is about is in it: it is read once one of the run's banks signed it.
            tried = [check_signature(link, data, signature) for link in links_of(run, layout.name).values()]
            fault = min(tried, key=len) if tried else "没有登记银行直联，不能验证签名，没有读取"
        return take_answer(layout, data, name, acting_user=acting_user, region=run.region, run=run, fault=fault)


def check_signature(link: BankLink, data: bytes, signature: str) -> str:
    """Why a file is not the bank's; empty = its signature holds."""
    if not signature:
        return "文件没有银行签名，没有读取"
    try:
        blob = bytes.fromhex(signature)
    except ValueError:
        blob = b""
    return "" if sm2.verify(data, blob, bytes.fromhex(link.bank_key)) else "银行签名不能通过验证，没有读取"


def take_answer(
    layout: BankProfile, data: bytes, name: str, *, acting_user: User, region: str, run: PayRun | None = None,
    link: BankLink | None = None, fault: str = "", only: BankBatch | None = None,
) -> BankReturn:  # fmt: skip
    """Applies or refuses an answer, inside the caller's transaction.

    Args:
        run: the run it must belong to; None = the file says whose it is.
        fault: why it must not be read at all (its signature).
        only: the batch of orders it must be about.
    """
    digest = hashlib.sha256(data).hexdigest()
    same = BankReturn.objects.filter(sha256=digest)
    whose = {"run": run} if run else {"batch": only} if only else {"link": link}
    known = same.filter(state=BankReturn.State.APPLIED, **whose).first()
    if known is not None:
        return known
    stored = put_bytes(data, region=region, name=name, purpose="bank_return", by_id=acting_user.pk)
    common: dict[str, Any] = {
        "run": run, "region": region, "file": stored, "file_name": name[:200], "sha256": digest, "imported_at": clock.now(),
        "imported_by": acting_user, "link": link,
    }  # fmt: skip
    if fault:
        return refuse_answer(common, None, [fault], 0, acting_user=acting_user)
    try:
        answer = read_answer(layout, data)
    except ExchangeError as error:
        return refuse_answer(common, None, [str(error)], 0, acting_user=acting_user)
    common |= {"kind": answer.kind, "message_id": answer.message_id}
    recall = _recall_of(answer, run, link)
    if recall is not None:
        from tuodi.payments.actions.recall import take_recall

        return take_recall(recall, answer, layout, acting_user=acting_user, common=common)
    inquiry = AccountInquiry.objects.filter(no=answer.no).select_related("run").first() if answer.no else None
    if inquiry is not None or answer.kind == "acmt.024":
        from tuodi.payments.actions.account_checks import take_verification

        return take_verification(inquiry, answer, layout, acting_user=acting_user, common=common, run=run, link=link)
    if answer.kind == "camt.029":
        return refuse_answer(
            common, None, [*answer.faults, f"没有撤销请求 {answer.no[:35]}"], len(answer.rows), acting_user=acting_user
        )
    batch = _batch_of(answer, run, link, only)
    if batch is not None:
        lock_batch(batch)  # the same order of locks on every road: run or orders, batch, items
        batch = BankBatch.objects.select_related("run").select_for_update(of=("self",)).get(pk=batch.pk)
        common["run"] = batch.run
        if answer.message_id:
            known = batch.returns.filter(kind=answer.kind, message_id=answer.message_id, state="applied").first()
            if known is not None:
                why = f"报文号 {answer.message_id} 已入账过另一份内容（{known.imported_at:%Y-%m-%d}）"
                return refuse_answer(common, batch, [why], len(answer.rows), acting_user=acting_user)
    items = {item.seq: item for item in locked_items(batch.items.all())} if batch else {}
    _spread(answer, items)
    faults = _judge(answer, batch, items)
    if faults or batch is None:
        return refuse_answer(common, batch, faults, len(answer.rows), acting_user=acting_user)
    return _apply(batch, answer, items, layout, acting_user, common)


def _recall_of(answer: ReturnFile, run: PayRun | None, link: BankLink | None) -> BankRecall | None:
    """The request an answer is about: a table and a message both repeat its number."""
    found = BankRecall.objects.filter(no=answer.no) if answer.no else BankRecall.objects.none()
    if run is not None:
        found = found.filter(batch__run=run)
    elif link is not None:
        found = found.filter(message__link=link)
    return found.select_related("batch__run").first()


def lock_batch(batch: BankBatch) -> None:
    """Holds what a batch pays: its run, or the orders in it."""
    if batch.run is not None:
        lock_run(batch.run)
    else:
        orders.lock_orders(batch)


def _batch_of(
    answer: ReturnFile, run: PayRun | None, link: BankLink | None, only: BankBatch | None
) -> BankBatch | None:
    found = BankBatch.objects.filter(no=answer.no) if answer.no else BankBatch.objects.none()
    if run is not None:
        found = found.filter(run=run)
    elif only is not None:
        found = found.filter(pk=only.pk)
    elif link is not None:
        found = found.filter(message__link=link)
    return found.select_related("run").first()


def _spread(answer: ReturnFile, items: dict[int, Sent]) -> None:
    """A batch refused as a whole is an answer for each of its lines; taken as a whole it is none for any."""
    from tuodi.exchange.bank import ReturnRow

    if answer.group != "RJCT" or answer.rows:
        return
    for item in items.values():
        answer.rows.append(
            ReturnRow(item.seq, item.seq, "", "", None, "failed", "RJCT", answer.group_code, answer.group_note, "", "")
        )


def refuse_answer(
    common: dict[str, Any], batch: BankBatch | None, faults: list[str], rows: int, *, acting_user: User
) -> BankReturn:
    """Keeps an answer that is not applied, with why."""
    shown = [fault[:300] for fault in faults[:_FAULTS]]
    if len(faults) > _FAULTS:
        shown.append(f"另有 {len(faults) - _FAULTS} 处")
    refused = BankReturn.objects.create(**common, batch=batch, state=BankReturn.State.REFUSED, rows=rows, faults=shown)
    told = {"file": common["sha256"], "faults": shown[:5], "count": len(faults)}
    if common["run"] is not None:
        audit("refuse_return", acting_user, common["run"], **told)
    else:
        record(
            "payments.refuse_return", actor=acting_user, subject_type="bankreturn", subject_id=refused.pk, region=refused.region, after=told
        )  # fmt: skip
    return refused


def _judge(answer: ReturnFile, batch: BankBatch | None, items: dict[int, Sent]) -> list[str]:
    """Everything wrong with a file; an empty list = it may be applied."""
    if batch is None:
        what = f"批次号“{answer.no[:40]}”不是本期送出的批次" if answer.no else "文件没有批次号"
        return [*answer.faults, what]
    faults = [*answer.faults, *_judge_sums(answer, batch)]
    seen: set[int] = set()
    for row in answer.rows:
        where = f"第 {row.row_no} 行"
        if row.seq is None:
            continue
        item = items.get(row.seq)
        if item is None:
            faults.append(f"{where}：批次 {batch.no} 没有序号 {row.seq}")
            continue
        if row.seq in seen:
            faults.append(f"{where}：序号 {row.seq} 重复")
        seen.add(row.seq)
        if row.amount_fen is not None and row.amount_fen != item.amount_fen:
            faults.append(f"{where}：金额 {format_yuan(row.amount_fen)} 元，送出的是 {format_yuan(item.amount_fen)} 元")
        # A message need not repeat whose account it was; a table always does.
        if (row.account or not answer.partial) and row.account != item.account():
            faults.append(f"{where}：账号（尾号 {row.account[-4:]}）不是送出的账号（尾号 {item.account_last4}）")
        if (row.name or not answer.partial) and not same_holder(item.holder, row.name):
            faults.append(f"{where}：户名与送出的不同")
        if row.result in _ELSEWHERE:
            faults.append(f"{where}：“{row.word[:20]}”是撤销答复的用语，这里不能用")
        if row.result in _FINAL and steps_to(item.status, _FINAL[row.result]) is None:
            before, after = LineStatus(item.status).label, _FINAL[row.result].label
            faults.append(f"{where}：已是“{before}”，不能变为“{after}”")
    return faults


def _judge_sums(answer: ReturnFile, batch: BankBatch) -> list[str]:
    faults = []
    total = sum(row.amount_fen or 0 for row in answer.rows)
    if not answer.rows and answer.group not in ("ACTC", "ACCP", "RCVD", "ACSP", "ACWC", "PDNG"):
        faults.append("文件没有明细行")
    if (answer.lines is not None or not answer.partial) and answer.lines != len(answer.rows):
        faults.append(f"批次行写 {answer.lines} 笔，明细有 {len(answer.rows)} 笔")
    if (answer.amount_fen is not None or not answer.partial) and answer.amount_fen != total:
        faults.append(f"批次行金额 {format_yuan(answer.amount_fen or 0)} 元，明细合计 {format_yuan(total)} 元")
    if answer.orig_lines is not None and answer.orig_lines != batch.lines:
        faults.append(f"银行收到 {answer.orig_lines} 笔，送出的是 {batch.lines} 笔")
    if answer.orig_fen is not None and answer.orig_fen != batch.amount_fen:
        faults.append(f"银行收到 {format_yuan(answer.orig_fen)} 元，送出的是 {format_yuan(batch.amount_fen)} 元")
    return faults


def _apply(
    batch: BankBatch,
    answer: ReturnFile,
    items: dict[int, Sent],
    layout: BankProfile,
    user: User,
    common: dict[str, Any],
) -> BankReturn:
    news = []
    for row in answer.rows:
        item = items[row.seq or 0]
        steps = steps_to(item.status, _FINAL[row.result]) if row.result in _FINAL else ()
        if steps:
            news.append(News(item, steps, row.code, row.message or layout.meaning(row.code), row.bank_seq))

    def those(status: str) -> list[News]:
        return [one for one in news if status in one.steps]

    paid, failed = those(LineStatus.PAID), those(LineStatus.FAILED)
    returned = BankReturn.objects.create(
        **common, batch=batch, state=BankReturn.State.APPLIED, rows=len(answer.rows), paid_lines=len(paid),
        paid_fen=sum(one.item.amount_fen for one in paid), failed_lines=len(failed), failed_fen=sum(one.item.amount_fen for one in failed),
        unknown_lines=len(those(LineStatus.UNKNOWN)), returned_lines=len(those(LineStatus.RETURNED)),
    )  # fmt: skip
    settle_items(batch, news, acting_user=user, returned=returned)
    told = {
        "batch": batch.no, "file": common["sha256"], "paid": len(paid), "failed": len(failed),
        "unknown": returned.unknown_lines, "returned": returned.returned_lines,
    }  # fmt: skip
    if batch.run is not None:
        audit("import_return", user, batch.run, **told)
    else:
        record(
            "payments.import_return", actor=user, subject_type="bankreturn", subject_id=returned.pk, region=returned.region,
            after=told,
        )  # fmt: skip
    return returned


def settle_items(
    batch: BankBatch, news: Iterable[News], *, acting_user: User, returned: BankReturn | None = None
) -> None:
    """Moves items and lines (or orders) of one batch, an event for each step, and books the money. The items are locked by the caller."""
    given: Sequence[News] = list(news)
    for status in (LineStatus.UNKNOWN, LineStatus.PAID, LineStatus.FAILED, LineStatus.RETURNED):
        mine = [one for one in given if status in one.steps]
        if not mine:
            continue
        set_item_status([one.item.pk for one in mine], status)
        if batch.run is None:
            told_of = [(one.item.order_id or 0, one.code, one.message, one.bank_seq) for one in mine]
            orders.step(batch, told_of, status, acting_user, returned)
            continue
        rows = [(one.item.line_id or 0, one.code, one.message, one.bank_seq) for one in mine]
        sums = move_lines(batch, rows, status, acting_user, returned)
        if status in _KINDS:
            memo = f"{batch.no} {status.label}"
            ledger.post(batch.run, _KINDS[status], sums, user=acting_user, memo=memo, batch=batch, returned=returned)
        if status in (LineStatus.FAILED, LineStatus.RETURNED):
            follow(batch, [one.item.pk for one in mine], status, acting_user=acting_user)
    left = batch.items.filter(status__in=[LineStatus.SENT, LineStatus.UNKNOWN]).exists()
    state = BatchState.PARTLY if left else BatchState.RECONCILED
    told = returned is not None or any(one.steps != (LineStatus.UNKNOWN,) for one in given)
    if told and state != batch.state and batch.state != BatchState.RECONCILED:
        move(batch.no, BATCH_MOVES, batch.state, state, BatchState)
        batch.state = state
        batch.save(update_fields=["state"])
