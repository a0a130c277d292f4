"""Asking a bank whether accounts can take money before any is sent (账户预校验): a file of accounts with no amounts, and its answer.

What the bank says no to is not sent: the line is held back when the files are made (`withholding`), and the account's
holder is in the queue of what is to be done.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction

from tuodi.crypto.fields import decrypt, encrypt
from tuodi.exchange.bank import BankProfile, Payment, ReturnFile, ReturnRow, load_bank_profile, read_return, same_holder
from tuodi.exchange.bank_files import Payer, write_inquiry
from tuodi.files.store import put_bytes
from tuodi.kernel import clock
from tuodi.org import access
from tuodi.org.models import DutyCode, User
from tuodi.payments.actions.answers import refuse_answer
from tuodi.payments.actions.bank import link_of
from tuodi.payments.actions.run import audit, lock_run
from tuodi.payments.errors import AccountCheckError, StateError
from tuodi.payments.models import (
    AccountCheck,
    AccountInquiry,
    AccountProposal,
    BankLink,
    BankMessage,
    BankReturn,
    PayLine,
    PayRun,
)
from tuodi.payments.states import LineStatus, RunState

__all__ = ["import_account_check", "make_account_check", "send_account_check", "take_verification"]

_READY = (RunState.CALCULATED, RunState.CHECKED, RunState.APPROVED)
_SHOWN = 10


def _lines(run: PayRun) -> Sequence[PayLine]:
    """Lines with an account, in an order that stays while the run is not computed anew."""
    found = PayLine.objects.filter(run=run, live=True, account_cipher__isnull=False, status=LineStatus.READY)
    return list(found.order_by("id"))


def _number(run: PayRun) -> str:
    tried = AccountCheck.objects.filter(run=run).values("no").distinct().count()
    return f"YJ{run.place}{run.month}{run.pk:06d}{tried + 1:03d}"[:30]


def _account(line: PayLine) -> str:
    return decrypt(bytes(line.account_cipher or b""), f"people.account|{line.account_uid}")


@transaction.atomic
def make_account_check(run: PayRun, *, acting_user: User, profile: str = "generic-csv") -> tuple[str, bytes]:
    """The file: its name and bytes. Made again it is the same until an answer is in.

    Raises: StateError, ProfileError, NotFoundError, AccessDeniedError.
    """
    access.require(acting_user, DutyCode.PAY_SEND, run.region)
    layout = load_bank_profile(profile)
    run = lock_run(run)
    if run.state not in _READY:
        raise StateError(run.no, run.get_state_display(), "账户预校验")
    lines, no = _lines(run), _number(run)
    rows = _rows(lines)
    data = write_inquiry(layout, no, rows, month=str(run.month), payer=None, at=clock.now())
    audit("make_account_check", acting_user, run, check=no, lines=len(rows), sha256=hashlib.sha256(data).hexdigest())
    return f"{no}{layout.suffix}", data


@transaction.atomic
def import_account_check(
    run: PayRun, *, acting_user: User, data: bytes, name: str, profile: str = "generic-csv"
) -> list[AccountCheck]:
    """Takes the bank's answer, whole or not at all; lines it says nothing definite of stay as they are.

    Raises: AccountCheckError says what is wrong; StateError, ExchangeError, NotFoundError, AccessDeniedError.
    """
    access.require(acting_user, DutyCode.PAY_SEND, run.region)
    layout = load_bank_profile(profile)
    run = lock_run(run)
    if run.state not in _READY:
        raise StateError(run.no, run.get_state_display(), "导入账户预校验结果")
    answer, no = read_return(layout, data), _number(run)
    lines = dict(enumerate(_lines(run), 1))
    faults = list(answer.faults)
    if answer.no != no:
        faults.append(f"批次号“{answer.no[:40]}”不是当前的预校验批次 {no}")
    if answer.lines != len(answer.rows):
        faults.append(f"批次行写 {answer.lines} 笔，明细有 {len(answer.rows)} 笔")
    seen: set[int] = set()
    for row in answer.rows:
        line = lines.get(row.seq or 0)
        if line is None or row.seq in seen:
            faults.append(f"第 {row.row_no} 行：序号 {row.seq} 不在预校验文件中或重复")
            continue
        seen.add(row.seq or 0)
        if row.account != _account(line) or not same_holder(line.holder, row.name):
            faults.append(f"第 {row.row_no} 行：账号或户名与送出的不同")
    if faults:
        raise AccountCheckError(faults[:_SHOWN], len(faults))
    put_bytes(data, region=run.region, name=name, purpose="account_check", by_id=acting_user.pk)
    made = _keep(run, no, lines, answer.rows, layout, acting_user)
    audit(
        "import_account_check",
        acting_user,
        run,
        check=no,
        ok=sum(one.ok for one in made),
        bad=sum(not one.ok for one in made),
    )
    return made


def _rows(lines: Sequence[PayLine]) -> list[Payment]:
    return [
        Payment(n, one.holder, _account(one), one.bank_code, 0, "账户预校验", one.key) for n, one in enumerate(lines, 1)
    ]


def _keep(
    run: PayRun, no: str, lines: Mapping[int, PayLine], rows: Sequence[ReturnRow], layout: BankProfile, user: User
) -> list[AccountCheck]:
    """A row for each account the bank is definite about; what it leaves open is no word."""
    made = [
        AccountCheck(
            run=run, line=lines[row.seq or 0], region=lines[row.seq or 0].region, account_id=lines[row.seq or 0].account_id, no=no,
            ok=row.result == "paid", code=row.code, message=row.message or layout.meaning(row.code), at=clock.now(), by=user,
        )
        for row in rows
        if row.result in ("paid", "failed")
    ]  # fmt: skip
    kept = AccountCheck.objects.bulk_create(made, batch_size=1000)
    told = [row for row in rows if row.result in ("paid", "failed")]
    AccountProposal.objects.bulk_create(
        [_proposal(check, row) for check, row in zip(kept, told, strict=True) if row.right_name or row.right_account], batch_size=1000
    )  # fmt: skip
    return kept


def _proposal(check: AccountCheck, row: ReturnRow) -> AccountProposal:
    """What the bank proposes beside its word; a number that can be no account refused the answer before."""
    made = AccountProposal(
        check_of=check, region=check.region, holder=row.right_name.strip()[:60], bank_code=row.right_bank.strip()[:14]
    )
    digits = "".join(row.right_account.split())
    if digits:
        made.account_cipher = encrypt(digits, f"people.account|{made.account_uid}")
        made.last4 = digits[-4:]
    return made


def _unusable(row: ReturnRow) -> bool:
    digits = "".join(row.right_account.split())
    return bool(digits) and not (digits.isascii() and digits.isdigit() and 8 <= len(digits) <= 32)


# ---- by message


@transaction.atomic
def send_account_check(run: PayRun, *, acting_user: User, profile: str = "iso20022") -> AccountInquiry:
    """Makes the question as a message of the line to the bank (acmt.023, or the table signed); it leaves like any other.

    Asked again while nothing was calculated anew and no answer is in, it gives the question there is.

    Raises: AccountCheckError: no line, or nothing to ask about. StateError, ProfileError, NotFoundError, AccessDeniedError.
    """
    access.require(acting_user, DutyCode.PAY_SEND, run.region)
    layout = load_bank_profile(profile)
    run = lock_run(run)
    if run.state not in _READY:
        raise StateError(run.no, run.get_state_display(), "账户预校验")
    link, lines = link_of(run, layout.name), _lines(run)
    if link is None or not lines:
        raise AccountCheckError(["没有登记这种格式的银行直联" if link is None else "没有可以校验的账户"], 1)
    asked = list(run.inquiries.order_by("id"))
    ids = [one.pk for one in lines]
    if asked and asked[-1].lines == ids and not AccountCheck.objects.filter(no=asked[-1].no).exists():
        return asked[-1]
    no = f"YM{run.place}{run.month}{run.pk:06d}{len(asked) + 1:03d}"[:30]
    payer = Payer(link.payer_name, link.payer_account, link.payer_agent)
    data = write_inquiry(layout, no, _rows(lines), month=str(run.month), payer=payer, at=clock.now())
    stored = put_bytes(
        data, region=run.region, name=f"{no}{layout.suffix}", purpose="account_check", by_id=acting_user.pk
    )
    made = AccountInquiry.objects.create(
        run=run, region=run.region, no=no, lines=ids, file=stored, file_name=f"{no}{layout.suffix}", sha256=stored.sha256,
        made_at=clock.now(), made_by=acting_user,
    )  # fmt: skip
    BankMessage.objects.create(
        link=link,
        inquiry=made,
        region=run.region,
        no=no,
        sha256=stored.sha256,
        made_at=clock.now(),
        made_by=acting_user,
    )
    audit("send_account_check", acting_user, run, check=no, lines=len(ids), sha256=stored.sha256)
    return made


def take_verification(
    inquiry: AccountInquiry | None, answer: ReturnFile, layout: BankProfile, *, acting_user: User, common: dict[str, Any],
    run: PayRun | None, link: BankLink | None,
) -> BankReturn:  # fmt: skip
    """Applies an answer about accounts whole, or refuses it whole; inside the caller's transaction. No money moves.

    Args:
        common: what every row of the file's kind says (`answers.take_answer`). run, link: whose it must be, where known.
    """
    if inquiry is not None and (
        run not in (None, inquiry.run) or (link is not None and inquiry.message.link_id != link.pk)
    ):
        inquiry = None
    if inquiry is None:
        return refuse_answer(
            common, None, [f"没有账户校验请求 {answer.no[:35]}"], len(answer.rows), acting_user=acting_user
        )
    lock_run(inquiry.run)
    common |= {"run": inquiry.run}
    known = PayLine.objects.in_bulk(inquiry.lines)
    lines = {n: known[pk] for n, pk in enumerate(inquiry.lines, 1) if pk in known}
    told = set(AccountCheck.objects.filter(no=inquiry.no).values_list("line", flat=True))
    faults, seen = list(answer.faults), set()
    for row in answer.rows:
        line = lines.get(row.seq or 0)
        if line is None or row.seq in seen:
            faults.append(f"第 {row.row_no} 行：序号 {row.seq} 不在校验请求中、重复，或已重新计算")
            continue
        seen.add(row.seq)
        if row.result not in ("paid", "failed", "unknown"):
            faults.append(f"第 {row.row_no} 行：“{row.word[:20]}”不是账户校验的用语")
        if (row.account or not answer.partial) and row.account != _account(line):
            faults.append(f"第 {row.row_no} 行：账号不是送出的账号（尾号 {line.account_last4}）")
        if (row.name or not answer.partial) and not same_holder(line.holder, row.name):
            faults.append(f"第 {row.row_no} 行：户名与送出的不同")
        if _unusable(row):
            faults.append(f"第 {row.row_no} 行：银行提议的账号不是 8 至 32 位数字")
        if line.pk in told:
            faults.append(f"第 {row.row_no} 行：序号 {row.seq} 已答复过；要再问请重新发出校验")
    if not answer.rows:
        faults.append("文件没有明细行")
    if answer.lines is not None and answer.lines != len(answer.rows):
        faults.append(f"批次行写 {answer.lines} 笔，明细有 {len(answer.rows)} 笔")
    if faults:
        return refuse_answer(common, None, faults, len(answer.rows), acting_user=acting_user)
    made = _keep(inquiry.run, inquiry.no, lines, answer.rows, layout, acting_user)
    bad = sum(not one.ok for one in made)
    found = BankReturn.objects.create(**common, state=BankReturn.State.APPLIED, rows=len(answer.rows))
    audit("import_account_check", acting_user, inquiry.run, check=inquiry.no, ok=len(made) - bad, bad=bad)
    return found
