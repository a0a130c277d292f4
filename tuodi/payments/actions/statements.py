"""Statements of the account: each movement against what was sent. What fits moves or confirms a payment; the rest is listed."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import F

from tuodi.audit.actions import record
from tuodi.exchange.bank import load_bank_profile
from tuodi.exchange.bank_files import Statement, StatementEntry, read_statement
from tuodi.exchange.errors import ExchangeError
from tuodi.exchange.iso20022 import split_reference
from tuodi.files.store import put_bytes
from tuodi.kernel import clock
from tuodi.kernel.money import format_yuan
from tuodi.org import access
from tuodi.org.arrays import plain, texts
from tuodi.org.models import DutyCode, User
from tuodi.payments.actions import refunds
from tuodi.payments.actions.answers import News, check_signature, lock_batch, settle_items
from tuodi.payments.actions.messages import block_of, mark_of, write_mark
from tuodi.payments.errors import BankBlockedError
from tuodi.payments.items import Sent, locked_items
from tuodi.payments.models import BankLink, BankMessage, BankStatement, StatementLine
from tuodi.payments.states import ERRORS, LineStatus, Verdict, steps_to

__all__ = ["covered_to", "import_statement", "judge_again", "resume_sending", "take_statement", "undecided"]

_FAULTS = 50
_FITS = (Verdict.MATCHED, Verdict.SETTLED)
#: Movements written in one statement.
_PART = 10_000
#: What is kept of an entry as it was told, in its own order: row, amount, side, reference, the bank's number, day.
_TOLD = 6
#: How the columns of `_reconcile` are written.
_WRITES: tuple[Callable[[Any], str], ...] = (plain, plain, plain, texts, texts, plain, plain, texts)


@transaction.atomic
def import_statement(
    link: BankLink, *, acting_user: User, data: bytes, name: str, signature: str = ""
) -> BankStatement:
    """Takes a statement by hand. See `take_statement`. Raises: NotFoundError, AccessDeniedError."""
    access.require(acting_user, DutyCode.PAY_SEND, link.region)
    fault = check_signature(link, data, signature) if load_bank_profile(link.profile).signed or signature else ""
    return take_statement(link, data, name, acting_user=acting_user, fault=fault)


def take_statement(link: BankLink, data: bytes, name: str, *, acting_user: User, fault: str = "") -> BankStatement:
    """Reconciles a statement, or refuses it whole and keeps it, inside the caller's transaction.

    Refused: another account, sums that do not lead from opening to closing balance, the number of another statement.
    What does not fit line by line is no reason to refuse: it is listed, and nothing else moves for it.
    """
    digest = hashlib.sha256(data).hexdigest()
    known = BankStatement.objects.filter(link=link, sha256=digest, state=BankStatement.State.APPLIED).first()
    if known is not None:
        return known
    stored = put_bytes(data, region=link.region, name=name, purpose="bank_statement", by_id=acting_user.pk)
    common: dict[str, Any] = {
        "link": link, "region": link.region, "file": stored, "file_name": name[:200], "sha256": digest, "imported_at": clock.now(),
        "imported_by": acting_user,
    }  # fmt: skip
    if fault:
        return _refuse(common, [fault], acting_user)
    try:
        told = read_statement(load_bank_profile(link.profile), data)
    except ExchangeError as error:
        return _refuse(common, [str(error)], acting_user)
    debit = sum(one.amount_fen for one in told.entries if one.debit)
    credit = sum(one.amount_fen for one in told.entries if not one.debit)
    common |= {
        "no": told.no, "sequence": told.sequence, "from_day": told.from_day, "to_day": told.to_day, "opening_fen": told.opening_fen,
        "closing_fen": told.closing_fen, "entries": len(told.entries), "debit_fen": debit, "credit_fen": credit,
    }  # fmt: skip
    faults = _faults(link, told, debit, credit)
    if faults:
        return _refuse(common, faults, acting_user)
    statement = BankStatement.objects.create(**common, state=BankStatement.State.APPLIED)
    _reconcile(statement, told.entries, acting_user)
    record(
        "payments.import_statement", actor=acting_user, subject_type="bankstatement", subject_id=statement.pk, region=link.region,
        after={"no": told.no, "entries": len(told.entries), "left": statement.lines.filter(verdict__in=ERRORS).count()},
    )  # fmt: skip
    return statement


def _refuse(common: dict[str, Any], faults: list[str], user: User) -> BankStatement:
    shown = [fault[:300] for fault in faults[:_FAULTS]]
    refused = BankStatement.objects.create(**common, state=BankStatement.State.REFUSED, faults=shown)
    record(
        "payments.refuse_statement", actor=user, subject_type="bankstatement", subject_id=refused.pk, region=refused.region,
        after={"file": common["sha256"], "faults": shown[:5]},
    )  # fmt: skip
    return refused


def _faults(link: BankLink, told: Statement, debit: int, credit: int) -> list[str]:
    faults = list(told.faults)
    if not told.no:
        faults.append("没有对账单号")
    if told.account and told.account != link.payer_account:
        faults.append(f"对账单是尾号 {told.account[-4:]} 的账户，不是本直联的付款账户")
    if told.from_day is None or told.to_day is None or told.to_day < told.from_day:
        faults.append("没有起止日期")
    if told.opening_fen is None or told.closing_fen is None:
        faults.append("没有期初或期末余额")
    elif told.opening_fen + credit - debit != told.closing_fen:
        should = format_yuan(told.opening_fen + credit - debit)
        faults.append(f"期初余额加减各笔应为 {should} 元，期末余额写 {format_yuan(told.closing_fen)} 元")
    if told.no and BankStatement.objects.filter(link=link, no=told.no, state=BankStatement.State.APPLIED).exists():
        faults.append(f"对账单 {told.no} 已导入过另一份内容")
    return faults


def _items(references: set[str], link: BankLink) -> dict[str, Sent]:
    """Reference -> item, locked run by run in one order, for references of batches that went by the link."""
    wanted: dict[str, dict[int, str]] = defaultdict(dict)
    for text in references:
        no, seq = split_reference(text)
        if seq is not None:
            wanted[no][seq] = text
    messages = (
        BankMessage.objects.filter(link=link, no__in=list(wanted), batch__isnull=False)
        .select_related("batch__run")
        .order_by(F("batch__run_id").asc(nulls_last=True), "batch__region", "id")
    )
    found: dict[str, Sent] = {}
    locked: set[int] = set()
    for message in messages:
        # Runs first, then orders to bodies by their county's money: one order of locks everywhere.
        assert message.batch is not None
        of = message.batch.run_id or -message.batch.pk
        if of not in locked:
            lock_batch(message.batch)
            locked.add(of)
        wanted_here = wanted[message.no]
        for item in locked_items(
            message.batch.items.extra(where=["seq = any(%s::int[])"], params=[plain(wanted_here)])
        ):
            found[wanted_here[item.seq]] = item
    return found


def _seen(items: Iterable[Sent]) -> set[tuple[int, bool]]:
    """(item, debit) of movements that have fitted before.

    Items of a batch were numbered one after the other: asked from the first to the last of each, for most there is nothing to read.
    """
    ends: dict[int, tuple[int, int]] = {}
    for one in items:
        low, high = ends.get(one.batch_id, (one.pk, one.pk))
        ends[one.batch_id] = min(low, one.pk), max(high, one.pk)
    with connection.cursor() as cursor:
        cursor.execute(
            "select s.item_id, s.debit from unnest(%s::bigint[], %s::bigint[]) as x(low, high) join payments_statementline s "
            "on s.item_id between x.low and x.high and s.verdict in ('matched', 'settled')",
            [plain(low for low, _ in ends.values()), plain(high for _, high in ends.values())],
        )
        return set(cursor.fetchall())


class _Bench:
    """Judges movements one after the other: what one of them settles counts for the next."""

    def __init__(self, link: BankLink, references: Iterable[str]) -> None:
        self.items = _items({one for one in references if one}, link)
        self.seen = _seen(self.items.values())
        self.status = {one.pk: one.status for one in self.items.values()}
        self.news: dict[int, list[News]] = defaultdict(list)

    def judge(self, one: StatementEntry) -> tuple[Sent | None, Verdict]:
        """The payment an entry is about and what it is; the steps that follow wait in `news`, by batch."""
        item = self.items.get(one.reference)
        verdict, steps = _verdict(one, item, self.status, self.seen)
        if item is not None and verdict in _FITS:
            self.seen.add((item.pk, one.debit))
        if item is not None and steps:
            self.status[item.pk] = steps[-1]
            self.news[item.batch_id].append(News(item, steps, one.code, one.note, one.bank_ref))
        return item, verdict


def _reconcile(statement: BankStatement, entries: list[StatementEntry], user: User) -> None:
    bench = _Bench(statement.link, (one.reference for one in entries))
    possible: dict[int, tuple[StatementEntry, Sent | None]] = {}
    with connection.cursor() as cursor:
        for low in range(0, len(entries), _PART):
            part = entries[low : low + _PART]
            items: list[int | None] = []
            verdicts: list[str] = []
            for one in part:
                item, verdict = bench.judge(one)
                items.append(item.pk if item else None)
                verdicts.append(verdict)
                if _may_refund(one, verdict):
                    possible[one.row_no] = (one, item)
            columns = (*tuple(zip(*part, strict=True))[:_TOLD], items, verdicts)
            cursor.execute(
                "insert into payments_statementline (statement_id, region, row_no, amount_fen, debit, reference, bank_ref, booked_on, "
                "item_id, verdict) select %s, %s, x.* from unnest(%s::int[], %s::bigint[], %s::bool[], %s::text[], %s::text[], %s::date[], "
                "%s::bigint[], %s::text[]) x",
                [statement.pk, statement.region, *(write(one) for write, one in zip(_WRITES, columns, strict=True))],
            )
    _settle(bench.news, user)
    _refunds(statement, possible)


def _may_refund(one: StatementEntry, verdict: Verdict) -> bool:
    return not one.debit and verdict in refunds.POSSIBLE


def _refunds(statement: BankStatement, found: dict[int, tuple[StatementEntry, Sent | None]]) -> None:
    """After what the statement settles: an order may be paid and refunded in part by one statement."""
    if found:
        lines = statement.lines.filter(row_no__in=list(found)).values_list("pk", "row_no").order_by("row_no")
        refunds.propose_refunds(statement.region, statement.no, [(pk, *found[row]) for pk, row in lines])


def _settle(news: dict[int, list[News]], user: User) -> None:
    from tuodi.payments.models import BankBatch

    for batch in BankBatch.objects.select_related("run").filter(pk__in=list(news)).order_by("id"):
        # An item may be paid and come back within one statement: its steps are taken together.
        merged: dict[int, News] = {}
        for one in news[batch.pk]:
            before = merged.get(one.item.pk)
            steps = (*before.steps, *one.steps) if before else one.steps
            merged[one.item.pk] = News(one.item, steps, one.code, one.message, one.bank_seq)
        settle_items(batch, merged.values(), acting_user=user)


def _verdict(
    one: StatementEntry, item: Sent | None, status: dict[int, str], seen: set[tuple[int, bool]]
) -> tuple[Verdict, tuple[str, ...]]:
    """What an entry is, and the steps that follow from it."""
    if item is None:
        if not one.reference:
            return Verdict.OTHER, ()
        return (Verdict.UNKNOWN_DEBIT if one.debit else Verdict.UNKNOWN_CREDIT), ()
    if (item.pk, one.debit) in seen:
        return (Verdict.DUPLICATE_DEBIT if one.debit else Verdict.DUPLICATE_CREDIT), ()
    if one.amount_fen != item.amount_fen:
        return Verdict.AMOUNT, ()
    if one.debit and one.account and one.account != item.account():
        return Verdict.ACCOUNT, ()
    steps = steps_to(status[item.pk], LineStatus.PAID if one.debit else LineStatus.RETURNED)
    if steps is None:
        return Verdict.CONTRADICTS, ()
    return (Verdict.SETTLED, steps) if steps else (Verdict.MATCHED, ())


@transaction.atomic
def judge_again(link: BankLink, *, acting_user: User) -> int:
    """Looks again at leftovers nobody has decided: after a restore the files made anew explain what no row explained before.

    Returns: how many fit now.
    """
    access.require(acting_user, DutyCode.PAY_SEND, link.region)
    left = list(
        StatementLine.objects.select_for_update(of=("self",))
        .filter(statement__link=link, verdict__in=[Verdict.UNKNOWN_DEBIT, Verdict.UNKNOWN_CREDIT], decisions=None)
        .select_related("statement")
        .order_by("statement__sequence", "id")
    )
    bench = _Bench(link, (line.reference for line in left))
    fitted: list[int] = []
    possible: dict[BankStatement, dict[int, tuple[StatementEntry, Sent | None]]] = {}
    for line in left:
        if line.reference not in bench.items:
            continue
        entry = StatementEntry(line.row_no, line.amount_fen, line.debit, line.reference, line.bank_ref, line.booked_on)
        item, line.verdict = bench.judge(entry)
        line.item_id = item.pk if item else None
        line.save(update_fields=["item", "verdict"])
        if line.verdict in _FITS:
            fitted.append(line.pk)
        elif _may_refund(entry, Verdict(line.verdict)):
            possible.setdefault(line.statement, {})[line.row_no] = (entry, item)
    _settle(bench.news, acting_user)
    refunds.explained_after_all(fitted, acting_user)
    for statement, found in possible.items():
        _refunds(statement, found)
    record(
        "payments.judge_statements", actor=acting_user, subject_type="banklink", subject_id=link.pk, region=link.region,
        after={"looked": len(left), "fit": len(fitted)},
    )  # fmt: skip
    return len(fitted)


def covered_to(link: BankLink, since: date | None) -> date | None:
    """Up to which day statements of a line follow a day without a break; the day itself where none does.

    Args:
        since: None = from the first statement on.
    """
    reached = since
    for one in BankStatement.objects.filter(link=link, state=BankStatement.State.APPLIED).order_by("from_day", "id"):
        if reached is None or one.from_day <= reached + timedelta(days=1):
            reached = max(reached or one.to_day, one.to_day)
    return reached


def undecided(link: BankLink) -> int:
    """How many movements on statements of a line fit nothing and were not explained by two persons."""
    left = StatementLine.objects.filter(statement__link=link, verdict__in=ERRORS).exclude(verdict=Verdict.OTHER)
    return left.exclude(decisions__state="confirmed").count()


@transaction.atomic
def resume_sending(link: BankLink, *, acting_user: User) -> BankLink:
    """Opens a link again after a restore, once statements cover the gap without a break and no leftover is undecided.

    Raises: BankBlockedError says what is missing; NotFoundError, AccessDeniedError.
    """
    access.require(acting_user, DutyCode.PAY_APPROVE, link.region)
    link = BankLink.objects.select_for_update().get(pk=link.pk)
    if not block_of(link):
        return link
    no, day = mark_of(link)
    until = day or clock.today()
    reached = covered_to(link, link.sent_on)
    told = BankStatement.objects.filter(link=link, state=BankStatement.State.APPLIED, to_day__gte=until)
    if reached is None or reached < until or not told.exists():
        raise BankBlockedError(link.label, f"对账单连续覆盖到 {reached or '（没有）'}，须覆盖到 {until}")
    left = undecided(link)
    if left:
        raise BankBlockedError(link.label, f"对账单还有 {left} 笔没有核平")
    before = link.sent_no
    link.sent_no, link.sent_on = max(no or 0, link.sent_no), until
    link.save(update_fields=["sent_no", "sent_on"])
    write_mark(link, link.sent_no, until)
    record(
        "payments.resume_sending", actor=acting_user, subject_type="banklink", subject_id=link.pk, region=link.region,
        before={"sent_no": before}, after={"sent_no": link.sent_no, "until": until.isoformat()},
    )  # fmt: skip
    return link
