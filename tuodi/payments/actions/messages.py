"""Bringing messages to banks and fetching what banks say.

A message is brought in three committed steps: signed; a try begins; the bank's word. Whatever breaks in between, the rows say
that the bank may have it, and the next try asks first and sends the same bytes under the same number. No end of time and no
broken line ever makes a payment failed.
"""

from __future__ import annotations

import fcntl
import json
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from tuodi.audit.actions import record
from tuodi.crypto import sm2
from tuodi.exchange.bank import BankProfile, load_bank_profile
from tuodi.exchange.bank_files import read_answer, read_statement
from tuodi.exchange.bank_transport import MAX_INCOMING, DropFolder, HttpBank, Incoming, Outcome, Parcel, Transport, Word
from tuodi.exchange.errors import ExchangeError
from tuodi.exchange.outward import check_address
from tuodi.files.store import open_plain
from tuodi.kernel import clock
from tuodi.kernel.disk import sync_folder, write_whole
from tuodi.org import access
from tuodi.org.access import NATION, system_scope
from tuodi.org.models import DutyCode, User
from tuodi.payments.actions.answers import News, check_signature, lock_batch, settle_items, take_answer
from tuodi.payments.actions.recall import refused_by_bank
from tuodi.payments.errors import BankBlockedError
from tuodi.payments.items import locked_items
from tuodi.payments.models import AccountCheck, BankAttempt, BankBatch, BankLink, BankMessage, BankReturn, BankStatement
from tuodi.payments.states import MESSAGE_MOVES, LineStatus, MessageState, RunState, move, steps_to

__all__ = [
    "block_of",
    "collect",
    "deliver",
    "mark_of",
    "put_mark",
    "read_mark",
    "site_key",
    "transport_of",
    "write_mark",
]

#: Files carried by hand whose numbers the mark keeps, of each place.
FILES_KEPT = 500

_OPEN = (MessageState.CREATED, MessageState.SIGNED, MessageState.SENT)


def site_key() -> sm2.KeyPair:
    """The key this site signs files for banks with; made when first needed, readable by its owner only."""
    return sm2.load_or_make(Path(settings.BANK_KEY))


def transport_of(link: BankLink) -> Transport:
    """The way of a link. ForbiddenAddressError, BankAddressError for an address money data may not travel to."""
    if link.way == BankLink.Way.FOLDER:
        return DropFolder(Path(link.address))
    address = check_address(link.address, local=settings.OUTWARD_LOCAL)
    return HttpBank(address, pair=site_key(), bank_key=bytes.fromhex(link.bank_key), now=clock.now)


# ---- the mark: how many messages ever left, kept outside the database, so that a restored one notices what it has forgotten


def read_mark() -> dict[str, dict[str, Any]]:
    """Link, or `hand:` and a place -> {no, day}; {} where there is no mark yet."""
    try:
        found = json.loads(Path(settings.BANK_MARK).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return found if isinstance(found, dict) else {}


def mark_of(link: BankLink) -> tuple[int | None, date | None]:
    """The number and day of a link's mark; (None, None) = none."""
    found = read_mark().get(str(link.pk))
    return (int(found["no"]), date.fromisoformat(found["day"])) if found else (None, None)


def write_mark(link: BankLink, no: int, day: date) -> None:
    """Notes that a link's messages have come to a number. Never backwards; on disk when it comes back."""
    put_mark(str(link.pk), no, day)


def put_mark(key: str, no: int, day: date, file: str = "") -> None:
    """Notes that what is counted under a key has come to a number. Never backwards; on disk when it comes back.

    Args:
        file: number of the file carried by hand that is the `no`-th of its place.
    """
    path = Path(settings.BANK_MARK)
    with path.with_name(f"{path.name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two workers of two links must not overwrite each other's number
        _put_mark(path, key, no, day, file)


def _put_mark(path: Path, key: str, no: int, day: date, file: str) -> None:
    marks = read_mark()
    known = marks.get(key, {})
    files = known.get("files", {})
    if known and int(known["no"]) >= no and (not file or file in files):
        return
    if not known or int(known["no"]) < no:
        marks[key] = {**known, "no": no, "day": day.isoformat()}
    if file:
        latest = sorted([*files.items(), (file, [no, day.isoformat()])], key=lambda one: int(one[1][0]))
        marks[key]["files"] = dict(latest[-FILES_KEPT:])
    write_whole(path, [json.dumps(marks).encode()])
    sync_folder(path.parent)


def block_of(link: BankLink) -> str:
    """Why nothing may leave by a link now; empty = it may.

    The mark is ahead of the database after a restore: payments may have left that the database knows nothing of. No mark
    where messages did leave means the same on another machine: each link gets its mark when it is registered. A mark
    behind the database is a try that ended between the two and did not leave.
    """
    no, day = mark_of(link)
    if no is None:
        return "没有送出标记，而数据库记有已送报文" if link.sent_no else ""
    if no > link.sent_no:
        return f"数据库记到第 {link.sent_no} 份报文，而 {day} 已送到第 {no} 份，数据库可能是由备份恢复的"
    return ""


# ---- out


def deliver(message_id: int, *, acting_user: User | None = None) -> BankMessage:
    """Brings one message, or finds out what became of it. Done twice, or by two workers, it leaves once.

    Not inside a transaction: each step must be there for whoever comes after a crash.

    Args:
        acting_user: None = the timetable.

    Raises: BankBlockedError while a restored database has not been compared with a statement. NotFoundError, AccessDeniedError.
    """
    if connection.in_atomic_block:
        raise RuntimeError("deliver commits its steps itself")
    with system_scope(NATION):
        if acting_user is not None:
            region = BankMessage.objects.values_list("region", flat=True).get(pk=message_id)
            access.require(acting_user, DutyCode.PAY_SEND, region)
        message = _prepare(message_id)
    if message.state not in _OPEN:
        return message
    with system_scope(NATION):
        begun = _leave(message, acting_user)
    if begun is None:
        return message
    with system_scope(NATION):
        return _bring(begun, acting_user)


def _prepare(message_id: int) -> BankMessage:
    """Signs a new message."""
    message = (
        BankMessage.objects.select_for_update(of=("self",))
        .select_related("link", "batch__file", "recall__file", "inquiry__file")
        .get(pk=message_id)
    )
    if message.state != MessageState.CREATED:
        return message
    move(message.no, MESSAGE_MOVES, message.state, MessageState.SIGNED, MessageState)
    if load_bank_profile(message.link.profile).signed:
        pair = site_key()
        data = open_plain(message.subject.file).read()
        message.signature, message.key_id = sm2.sign(data, pair).hex(), pair.id
    message.state, message.signed_at = MessageState.SIGNED, clock.now()
    message.save()
    return message


def _leave(message: BankMessage, user: User | None) -> BankAttempt | None:
    """Notes that a try begins; from here on the bank may have the file. None while another worker is at it."""
    link = BankLink.objects.select_for_update().get(pk=message.link_id)
    reason = block_of(link)
    if reason:
        raise BankBlockedError(link.label, reason)
    found = BankMessage.objects.select_for_update(of=("self",), skip_locked=True).filter(pk=message.pk).first()
    if found is None or found.state not in (MessageState.SIGNED, MessageState.SENT):
        return None
    if found.state == MessageState.SIGNED:
        found.state, found.sent_at = MessageState.SENT, clock.now()
        found.save()
        link.sent_no, link.sent_on = link.sent_no + 1, clock.today()
        link.save(update_fields=["sent_no", "sent_on"])
    return BankAttempt.objects.create(
        message=found, region=found.region, kind=BankAttempt.Kind.LEAVE, at=clock.now(), by=user
    )


def _bring(begun: BankAttempt, user: User | None) -> BankMessage:
    """Asks or sends while the message is locked, and notes the word."""
    message = (
        BankMessage.objects.select_for_update(of=("self",), skip_locked=True)
        .select_related("link", "batch__run", "batch__file", "recall__file", "inquiry__file")
        .filter(pk=begun.message_id)
        .first()
    )
    if message is None or message.state != MessageState.SENT:
        return BankMessage.objects.get(pk=begun.message_id)
    link = BankLink.objects.get(pk=message.link_id)
    write_mark(link, link.sent_no, link.sent_on or clock.today())
    way = transport_of(link)
    # An earlier try may have arrived, also one that a restored database has forgotten: ask before anything leaves.
    outcome = way.ask(message.no)
    if outcome is not None:
        _note(message, BankAttempt.Kind.ASK, outcome, user)
    if outcome is None or outcome.word == Word.ABSENT:
        subject = message.subject
        outcome = way.send(Parcel(message.no, subject.file_name, open_plain(subject.file).read(), message.signature))
        _note(message, BankAttempt.Kind.WORD, outcome, user)
    if outcome.word in (Word.ACCEPTED, Word.DUPLICATE):
        _acknowledge(message)
    elif outcome.word == Word.REFUSED:
        _refused(message, outcome, user)
    elif outcome.word in (Word.NO_WORD, Word.CONFLICT):
        _unknown(message, outcome, user)
    return message


def _note(message: BankMessage, kind: str, outcome: Outcome, user: User | None) -> None:
    BankAttempt.objects.create(
        message=message, region=message.region, kind=kind, word=outcome.word.value, detail=outcome.detail[:200], at=clock.now(), by=user
    )  # fmt: skip
    record(
        "payments.bank_word", actor=user, subject_type="bankmessage", subject_id=message.pk, region=message.region,
        after={"no": message.no, "word": outcome.word.value, "detail": outcome.detail[:200]},
    )  # fmt: skip


def _acknowledge(message: BankMessage) -> None:
    move(message.no, MESSAGE_MOVES, message.state, MessageState.ACKNOWLEDGED, MessageState)
    message.state, message.answered_at = MessageState.ACKNOWLEDGED, clock.now()
    message.save(update_fields=["state", "answered_at"])


def _news(batch: BankBatch, said: LineStatus, code: str, text: str) -> list[News]:
    lock_batch(batch)
    items = locked_items(batch.items.filter(status__in=["sent", "unknown"]))
    return [News(item, steps, code, text[:100]) for item in items if (steps := steps_to(item.status, said))]


def _refused(message: BankMessage, outcome: Outcome, user: User | None) -> None:
    """The bank will not work on it: a definite word for every line in it; of a request, that nothing is given back."""
    move(message.no, MESSAGE_MOVES, message.state, MessageState.REFUSED, MessageState)
    message.state, message.answered_at = MessageState.REFUSED, clock.now()
    message.save(update_fields=["state", "answered_at"])
    if message.recall is not None:
        refused_by_bank(message.recall, code="RJCT", text=outcome.detail or "银行拒收撤销请求")
    if message.batch is not None:
        news = _news(message.batch, LineStatus.FAILED, "RJCT", outcome.detail or "银行拒收整批")
        settle_items(message.batch, news, acting_user=user or message.made_by)


def _unknown(message: BankMessage, outcome: Outcome, user: User | None) -> None:
    """No word about payments makes them unknown; no word about a request changes nothing at all."""
    if message.batch is None:
        return
    news = _news(message.batch, LineStatus.UNKNOWN, "", outcome.detail or "送出后没有得到银行答复")
    run = message.batch.run
    if news and (run is None or run.state in (RunState.SENT, RunState.SETTLED, RunState.CLOSED)):
        settle_items(message.batch, news, acting_user=user or message.made_by)


# ---- in


def collect(link: BankLink, *, acting_user: User) -> list[BankReturn | BankStatement]:
    """Takes in what the bank has laid out: each file in a transaction of its own, its signature verified before it is read.

    A file is given back to the bank as taken only when it is kept here; one that comes again changes nothing.

    Raises: NotFoundError, AccessDeniedError.
    """
    with system_scope(NATION):
        access.require(acting_user, DutyCode.PAY_SEND, link.region)
    way, found = transport_of(link), []
    for incoming in way.waiting():
        with system_scope(NATION), transaction.atomic():
            found.append(take_incoming(link, incoming, acting_user=acting_user))
        with suppress(OSError):
            way.taken(incoming.name)
    return found


def take_incoming(link: BankLink, incoming: Incoming, *, acting_user: User) -> BankReturn | BankStatement:
    """One file of the bank: an answer or a statement."""
    from tuodi.payments.actions.statements import take_statement

    layout = load_bank_profile(link.profile)
    fault = "" if incoming.data else f"文件是空的，或超过 {MAX_INCOMING >> 20} MiB"
    if not fault and layout.signed:
        fault = check_signature(link, incoming.data, incoming.signature)
    if not fault:
        link = _owner(link, layout, incoming)
    if _is_statement(incoming):
        return take_statement(link, incoming.data, incoming.name, acting_user=acting_user, fault=fault)
    found = take_answer(
        layout, incoming.data, incoming.name, acting_user=acting_user, region=link.region, link=link, fault=fault
    )
    if found.state == BankReturn.State.APPLIED and found.batch is None and found.run_id is not None:
        for message in BankMessage.objects.filter(inquiry__run=found.run_id, state=MessageState.SENT):
            if AccountCheck.objects.filter(no=message.no).exists():
                _acknowledge(message)
    if found.state == BankReturn.State.APPLIED:
        # An answer about a message says that the bank has it.
        about = {"recall": found.recall} if found.recall_id else {"batch": found.batch}
        message = (
            BankMessage.objects.select_for_update(of=("self",)).filter(**about, state=MessageState.SENT).first()
            if found.batch is not None
            else None
        )
        if message is not None:
            _acknowledge(message)
    return found


def _owner(link: BankLink, layout: BankProfile, incoming: Incoming) -> BankLink:
    """Whose file it is where a bank lays those of several accounts of ours in one place: the account's, or the message's.

    The signature is the bank's, which is the same for all of them; a file of nobody stays with who fetched it.
    """
    beside = BankLink.objects.filter(
        is_active=True, profile=link.profile, way=link.way, address=link.address, bank_key=link.bank_key
    ).exclude(pk=link.pk)
    others = {one.pk: one for one in beside}
    if not others:
        return link
    try:
        if _is_statement(incoming):
            account = read_statement(layout, incoming.data).account
            return next((one for one in others.values() if account == one.payer_account), link)
        no = read_answer(layout, incoming.data).no
    except ExchangeError:
        return link
    owner = BankMessage.objects.filter(no=no, link__in=others).values_list("link", flat=True).first()
    return others.get(owner, link) if owner else link


def _is_statement(incoming: Incoming) -> bool:
    """By content, never by name: the root element of a message, or the first cell of a table."""
    head = incoming.data[:4096]
    return b":camt.053." in head or "对账单号".encode() in head or "对账单号".encode("gb18030") in head
