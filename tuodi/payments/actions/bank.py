"""Files to the bank, and lines paid anew after their account was mended. Each file is a batch; on a line to the bank also a message."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection, transaction
from django.db.models import QuerySet

from tuodi.crypto.fields import decrypt
from tuodi.exchange.bank import SUMMARY_LENGTH, BankProfile, BatchHead, Payment, load_bank_profile, same_holder
from tuodi.exchange.bank_files import Payer, write_file
from tuodi.files.store import put_bytes
from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.org import access
from tuodi.org.arrays import plain, texts
from tuodi.org.models import DutyCode, User
from tuodi.payments import bank_queries, claims, ledger
from tuodi.payments.actions.run import audit, lock_run
from tuodi.payments.errors import HoldListError, NothingToSendError, RunInputError, StateError
from tuodi.payments.labels import pay_label
from tuodi.payments.models import (
    BankBatch,
    BankItem,
    BankLink,
    BankMessage,
    BankReturn,
    LedgerEntry,
    LineEvent,
    PayLine,
    PayRun,
)
from tuodi.payments.states import RUN_MOVES, LineStatus, RunState, is_fixed_code, move
from tuodi.payments.statistics import refresh
from tuodi.payments.withholding import REASONS, stopped_lines
from tuodi.people.models import Account
from tuodi.people.secrets import open_id

__all__ = [
    "append_events",
    "hold_back",
    "link_of",
    "link_to",
    "links_of",
    "make_bank_files",
    "move_lines",
    "reissue",
    "set_status",
]


class Line(NamedTuple):
    """A line that is to be paid, with the account it froze."""

    pk: int
    region: str
    key: str
    programme: str
    amount_fen: int
    account_id: int
    account_uid: UUID
    account_cipher: bytes
    account_last4: str
    bank_code: str
    holder: str


def _lines(rows: QuerySet[PayLine]) -> list[Line]:
    """Lines in the order of the files."""
    return [Line._make(row) for row in rows.order_by("bank_code", "region", "key").values_list(*Line._fields)]


_WORDS = {"dibao": "低保金", "tekun": "特困供养金", "temporary": "临时救助金", "family_planning": "计生扶助金"}


def _word(run: PayRun) -> str:
    (only, *more) = run.programmes
    if more:
        return "救助金"
    return _WORDS.get(only) or (pay_label(only)[:10] if is_fixed_code(only) else "救助金")


@transaction.atomic
def make_bank_files(run: PayRun, *, acting_user: User, profile: str = "generic-csv") -> list[BankBatch]:
    """Makes the files of an approved run and hands its lines to the bank: one file a bank, no more lines than it takes.

    Done again, it gives the files there are. A unit suspended since the approval is not sent: its line is withheld.

    Args:
        profile: bank layout (`sources/banks/`).

    Raises: StateError, NotFoundError, AccessDeniedError; ProfileError for an unknown layout.
    """
    access.require(acting_user, DutyCode.PAY_SEND, run.region)
    layout = load_bank_profile(profile)
    run = lock_run(run)
    if run.state == RunState.SENT:
        return list(run.batches.filter(is_reissue=False).order_by("id"))
    move(run.no, RUN_MOVES, run.state, RunState.SENT, RunState)
    withheld = _withhold(run, acting_user)
    lines = _lines(PayLine.objects.filter(run=run, live=True, status=LineStatus.READY))
    # A month in which everything is held or offset goes on without a file.
    batches = _send(run, lines, layout, acting_user, reissue_of={}, accounts={})
    refresh("bank")
    run.state, run.sent_at, run.sent_by = RunState.SENT, clock.now(), acting_user
    run.save()
    audit(
        "make_bank_files",
        acting_user,
        run,
        batches=[one.no for one in batches],
        lines=len(lines),
        withheld=len(withheld),
    )
    return batches


def _withhold(run: PayRun, user: User) -> list[int]:
    """Takes out lines that must not leave any more: their grant is booked back, the next run decides about the month."""
    return _hold_back(run, {line: REASONS[why] for line, why in stopped_lines(run).items()}, user)


def _hold_back(run: PayRun, reasons: Mapping[int, str], user: User) -> list[int]:
    by_reason: dict[str, list[int]] = {}
    for line, why in reasons.items():
        by_reason.setdefault(why, []).append(line)
    for why, ids in sorted(by_reason.items()):
        append_events(None, [(ident, "", why, "") for ident in ids], LineStatus.WITHHELD, user, None)
        set_status(ids, LineStatus.WITHHELD)
        ledger.post_withheld(run, ids, user=user, memo=f"{run.no} 发前扣留：{why}"[:100])
    if by_reason:
        claims.follow_run(run)
    return sorted(reasons)


@transaction.atomic
def hold_back(run: PayRun, *, acting_user: User, keys: Sequence[str], reason: str) -> int:
    """Holds lines of an approved run back before it is sent; one wrong number refuses the whole list.

    Args:
        keys: line numbers (`PayLine.key`).

    Raises: HoldListError, RunInputError, StateError, NotFoundError, AccessDeniedError.
    """
    access.require(acting_user, DutyCode.PAY_CHECK, run.region)
    if not reason.strip():
        raise RunInputError("扣留原因", "必须填写")
    run = lock_run(run)
    if run.state != RunState.APPROVED:
        raise StateError(run.no, run.get_state_display(), "发前扣留")
    wanted = sorted(set(keys))
    found = dict(
        PayLine.objects.select_for_update()
        .filter(run=run, key__in=wanted, live=True, status=LineStatus.READY)
        .values_list("key", "pk")
    )
    wrong = [key for key in wanted if key not in found]
    if wrong or not wanted:
        raise HoldListError(wrong or ["（空）"])
    held = _hold_back(run, dict.fromkeys(found.values(), reason.strip()[:60]), acting_user)
    audit("hold_back", acting_user, run, lines=len(held), reason=reason.strip()[:200])
    return len(held)


@transaction.atomic
def reissue(
    run: PayRun, *, acting_user: User, lines: Sequence[int] | None = None, profile: str | None = None
) -> list[BankBatch]:
    """Sends failed or returned lines again, to the account the unit has now. The amount stays as it was approved.

    A line whose account must be mended first (the bank's code says so) goes out only with another account; one that was
    asked back goes out to the same account only when it is named.

    Args:
        lines: ids of lines; None = all that can go.
        profile: bank layout; None = that of the run's last file.

    Raises: NothingToSendError says why none can; StateError, NotFoundError, AccessDeniedError.
    """
    access.require(acting_user, DutyCode.PAY_SEND, run.region)
    run = lock_run(run)
    layout = load_bank_profile(
        profile or run.batches.order_by("-id").values_list("profile", flat=True).first() or "generic-csv"
    )
    if run.state not in (RunState.SENT, RunState.SETTLED, RunState.CLOSED):
        raise StateError(run.no, run.get_state_display(), "重发")
    rows = PayLine.objects.select_for_update().filter(
        run=run, live=True, status__in=[LineStatus.FAILED, LineStatus.RETURNED]
    )
    if lines is not None:
        rows = rows.filter(pk__in=list(lines))
    found = _lines(rows)
    last = {
        item.line_id: item
        for item in BankItem.objects.filter(line__in=[one.pk for one in found]).order_by("line_id", "id")
    }
    codes = {
        event.line_id: event.code
        for event in LineEvent.objects.filter(line__in=[one.pk for one in found]).order_by("id")
    }
    accounts = _accounts_now(found)
    ready = []
    for line in found:
        account = accounts.get(line.pk)
        same = account is not None and account.pk == last[line.pk].account_id
        kind = layout.class_of(codes.get(line.pk, ""))
        if account is None or (same and kind == "fix_account"):
            continue
        # What was asked back is not sent again with a heap of others.
        if same and kind == "recalled" and lines is None:
            continue
        ready.append(line)
    if not ready:
        why = f"{len(found)} 行的账户还没有更正" if found else "没有失败或退票的行"
        raise NothingToSendError(run.no, why)
    batches = _send(run, ready, layout, acting_user, reissue_of=last, accounts=accounts)
    audit("reissue", acting_user, run, batches=[one.no for one in batches], lines=len(ready))
    return batches


def _accounts_now(lines: Sequence[Line]) -> dict[int, Account]:
    """Line -> the account the unit has now: the roll's, or the newest open one of its holder."""
    found: dict[int, Account] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            "select l.id, (select x.id from people_account x left join people_rollentry r on r.id = l.roll_id "
            " where x.until is null and (x.id = r.account_id or x.person_id = (select person_id from people_account o where o.id = l.account_id)) "
            " order by coalesce(x.id = r.account_id and x.id <> l.account_id, false) desc, x.id desc limit 1) "
            "from payments_payline l where l.id = any(%s)",
            [[one.pk for one in lines]],
        )
        pairs = cursor.fetchall()
    accounts = Account.objects.in_bulk([account for _, account in pairs if account])
    for line, account in pairs:
        if account in accounts:
            found[line] = accounts[account]
    return found


def _send(
    run: PayRun, lines: Sequence[Line], layout: BankProfile, user: User, *, reissue_of: dict[int, BankItem],
    accounts: dict[int, Account],
) -> list[BankBatch]:  # fmt: skip
    """Makes files, items, events and bookings for lines in order."""
    batches = []
    number = run.batches.count()
    links = links_of(run, layout.name)
    for link, group in _groups(lines, layout, accounts, links):
        number += 1
        batches.append(_batch(run, group, layout, user, number, reissue_of, accounts, link))
    if batches:
        _out(batches, user)
    return batches


def _groups(
    lines: Sequence[Line], layout: BankProfile, accounts: dict[int, Account], links: Mapping[str, BankLink]
) -> Iterable[tuple[BankLink | None, list[Line]]]:
    """Lines by the account they are paid from and the bank they go to, no more in one file than the bank takes."""
    found: dict[tuple[int, str], list[Line]] = {}
    for line in lines:
        bank = accounts[line.pk].bank_code if line.pk in accounts else line.bank_code
        payer = links.get(line.programme)
        found.setdefault((payer.pk if payer else 0, bank), []).append(line)
    known = {link.pk: link for link in links.values()}
    for payer_id, bank in sorted(found):
        mine = found[payer_id, bank]
        for at in range(0, len(mine), layout.max_lines):
            yield known.get(payer_id), mine[at : at + layout.max_lines]


def _batch(
    run: PayRun, lines: list[Line], layout: BankProfile, user: User, number: int, reissue_of: dict[int, BankItem],
    accounts: dict[int, Account], link: BankLink | None,
) -> BankBatch:  # fmt: skip
    month = Month.parse(str(run.month))
    no = f"{run.place}{run.month}{run.pk:06d}{number:03d}"[:30]
    summary = layout.summary.format(month=month.label, programme=_word(run))[:SUMMARY_LENGTH]
    payments: list[Payment] = []
    items: list[BankItem] = []
    first_issue = not accounts and not reissue_of
    total = sum(line.amount_fen for line in lines)
    numbers = (
        _holders([accounts[one.pk].pk if one.pk in accounts else one.account_id for one in lines])
        if layout.asks("id_no")
        else {}
    )
    for seq, line in enumerate(lines, start=1):
        account: Any = accounts.get(line.pk)
        if account is not None:
            uid, cipher, last4, bank, holder, ident = (
                account.uid, bytes(account.account_cipher), account.last4, account.bank_code, account.holder, account.pk,
            )  # fmt: skip
        else:
            uid, cipher, last4, bank, holder, ident = (
                line.account_uid, line.account_cipher, line.account_last4, line.bank_code, line.holder, line.account_id,
            )  # fmt: skip
        payments.append(
            Payment(
                seq, holder, decrypt(cipher, f"people.account|{uid}"), bank, line.amount_fen, summary, line.key, numbers.get(ident, "")
            )
        )  # fmt: skip
        if first_issue:
            continue
        items.append(
            BankItem(
                region=line.region, seq=seq, line_id=line.pk, amount_fen=line.amount_fen, account_id=ident, account_uid=uid, account_cipher=cipher,
                account_last4=last4, bank_code=bank, holder=holder, orig=reissue_of.get(line.pk),
            )
        )  # fmt: skip
    head = BatchHead(
        no, len(lines), total, str(month), summary, link.payer_account if link else "", clock.today().isoformat()
    )
    payer = Payer(link.payer_name, link.payer_account, link.payer_agent) if link else None
    data = write_file(layout, head, payments, payer=payer, at=clock.now(), day=clock.today())
    name = f"{no}{layout.suffix}"
    stored = put_bytes(data, region=run.region, name=name, purpose="bank_file", by_id=user.pk)
    batch = BankBatch.objects.create(
        run=run, region=run.region, no=no, bank_code=payments[0].bank_code, profile=layout.name, lines=len(lines), amount_fen=total,
        summary=summary, file=stored, file_name=name, sha256=stored.sha256, is_reissue=bool(reissue_of), made_at=clock.now(), made_by=user,
    )  # fmt: skip
    if first_issue:
        _items(batch, [line.pk for line in lines])
    else:
        for item in items:
            item.batch = batch
        BankItem.objects.bulk_create(items, batch_size=500)
    if link is not None:
        # Committed with the batch and before anything leaves: whatever happens later, the number is known.
        BankMessage.objects.create(
            link=link, batch=batch, region=run.region, no=no, sha256=stored.sha256, made_at=clock.now(), made_by=user
        )
    booked: dict[tuple[str, str], int] = {}
    for line in lines:
        sub = line.region[:6], line.programme
        booked[sub] = booked.get(sub, 0) + line.amount_fen
    wanted = [(county, programme, fen) for (county, programme), fen in sorted(booked.items())]
    ledger.post(run, LedgerEntry.Kind.SEND, wanted, user=user, memo=f"{no} 送银行", batch=batch)
    return batch


def _holders(accounts: Sequence[int]) -> dict[int, str]:
    """Account -> the identity number of who holds it, for banks that compare it; an account in another's name has none."""
    rows = Account.objects.filter(pk__in=accounts).select_related("person")
    return {one.pk: open_id(one.person) for one in rows if same_holder(one.person.name, one.holder)}


def _out(batches: Sequence[BankBatch], user: User) -> None:
    """An event for each payment of new files, and its line's status: for all files in one statement each."""
    numbers = [batch.pk for batch in batches]
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into payments_lineevent (line_id, region, kind, at, by_id, batch_id, code, message, bank_seq) "
            "select i.line_id, i.region, %s, %s, %s, i.batch_id, '', '', '' from payments_bankitem i where i.batch_id = any(%s) order by i.id",
            [LineStatus.SENT.value, clock.now(), user.pk, numbers],
        )
        cursor.execute(
            "update payments_payline l set status = %s from payments_bankitem i where i.batch_id = any(%s) and l.id = i.line_id",
            [LineStatus.SENT.value, numbers],
        )


def links_of(run: PayRun, profile: str) -> dict[str, BankLink]:
    """Programme -> the line by which its payments of a run travel in a format; programmes carried by hand are left out."""
    links = bank_queries.links_over(run.place)
    found = ((programme, _nearest(links, profile, programme)) for programme in run.programmes)
    return {programme: link for programme, link in found if link is not None}


def link_of(run: PayRun, profile: str) -> BankLink | None:
    """Any line by which files of a run travel in a format; None = all are carried by hand."""
    return next(iter(links_of(run, profile).values()), None)


def link_to(place: str, profile: str, programme: str = "") -> BankLink | None:
    """The line by which payments of a programme travel from a place. Orders to bodies are of no programme of ours."""
    return _nearest(bank_queries.links_over(place), profile, programme)


def _nearest(links: Sequence[BankLink], profile: str, programme: str) -> BankLink | None:
    """That of the nearest place; of its accounts the one that names the programme, else the one that names none."""
    mine = [one for one in links if one.profile == profile and one.pays(programme)]
    return max(mine, key=lambda one: (len(one.place), bool(one.programmes), one.pk), default=None)


def _items(batch: BankBatch, line_ids: Sequence[int]) -> None:
    """The items of a first issue, in the order of the file, from the accounts the lines froze: in one statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into payments_bankitem (batch_id, region, seq, line_id, amount_fen, account_id, account_uid, account_cipher, "
            "account_last4, bank_code, holder, status) "
            "select %s, l.region, x.seq, l.id, l.amount_fen, l.account_id, l.account_uid, l.account_cipher, l.account_last4, l.bank_code, "
            "l.holder, 'sent' from unnest(%s::bigint[]) with ordinality as x(id, seq) join payments_payline l on l.id = x.id order by x.seq",
            [batch.pk, plain(line_ids)],
        )


def append_events(
    batch: BankBatch | None,
    rows: Sequence[tuple[int, str, str, str]],
    kind: str,
    user: User,
    returned: BankReturn | None,
) -> None:
    """Appends one event a line: (line, code, message, bank's number)."""
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into payments_lineevent (line_id, region, kind, at, by_id, batch_id, returned_id, code, message, bank_seq) "
            "select l.id, l.region, %s, %s, %s, %s, %s, x.code, x.message, x.seq "
            "from unnest(%s::bigint[], %s::text[], %s::text[], %s::text[]) as x(id, code, message, seq) join payments_payline l on l.id = x.id "
            "order by l.id",
            [
                kind,
                clock.now(),
                user.pk,
                batch.pk if batch else None,
                returned.pk if returned else None,
                plain(one[0] for one in rows),
                *(texts(one[at] for one in rows) for at in (1, 2, 3)),
            ],
        )


def move_lines(
    batch: BankBatch, rows: Sequence[tuple[int, str, str, str]], status: str, user: User, returned: BankReturn | None
) -> list[tuple[str, str, int]]:
    """Puts lines where the bank's word says, an event each, in one statement: (line, code, message, bank's number).

    Returns: (county, programme, fen) of them, for the ledger.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "with moved as (update payments_payline l set status = %s from unnest(%s::bigint[], %s::text[], %s::text[], %s::text[]) "
            "as x(id, code, message, seq) where l.id = x.id returning l.id, l.region, l.programme, l.amount_fen, x.code, x.message, x.seq), "
            "told as (insert into payments_lineevent (line_id, region, kind, at, by_id, batch_id, returned_id, code, message, bank_seq) "
            "select id, region, %s, %s, %s, %s, %s, code, message, seq from moved order by id) "
            "select substr(region, 1, 6), programme, sum(amount_fen)::bigint from moved group by 1, 2 order by 1, 2",
            [
                status,
                plain(one[0] for one in rows),
                *(texts(one[at] for one in rows) for at in (1, 2, 3)),
                status,
                clock.now(),
                user.pk,
                batch.pk,
                returned.pk if returned else None,
            ],
        )
        return [(county, programme, fen) for county, programme, fen in cursor.fetchall()]


def set_status(line_ids: Sequence[int], status: str) -> None:
    """Puts lines where their last event says."""
    with connection.cursor() as cursor:
        cursor.execute(
            "update payments_payline set status = %s where id = any(%s::bigint[])", [status, plain(line_ids)]
        )
