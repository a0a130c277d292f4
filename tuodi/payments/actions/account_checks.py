"""Asking a bank whether accounts can take money before any is sent (账户预校验): a file of accounts with no amounts, and its answer.

What the bank says no to is not sent: the line is held back when the files are made (`withholding`), and the account's
holder is in the queue of what is to be done.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from django.db import transaction

from tuodi.crypto.fields import decrypt
from tuodi.exchange.bank import BatchHead, Payment, load_bank_profile, read_return, same_holder, write_payments
from tuodi.files.store import put_bytes
from tuodi.kernel import clock
from tuodi.org import access
from tuodi.org.models import DutyCode, User
from tuodi.payments.actions.run import audit, lock_run
from tuodi.payments.errors import AccountCheckError, StateError
from tuodi.payments.models import AccountCheck, PayLine, PayRun
from tuodi.payments.states import LineStatus, RunState

__all__ = ["import_account_check", "make_account_check"]

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
    rows = [
        Payment(n, one.holder, _account(one), one.bank_code, 0, "账户预校验", one.key) for n, one in enumerate(lines, 1)
    ]
    data = write_payments(
        layout.model_copy(update={"max_lines": max(len(rows), 1)}),
        BatchHead(no, len(rows), 0, str(run.month), "账户预校验"),
        rows,
    )
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
    made = [
        AccountCheck(
            run=run, line=lines[row.seq or 0], region=lines[row.seq or 0].region, account_id=lines[row.seq or 0].account_id, no=no,
            ok=row.result == "paid", code=row.code, message=row.message or layout.meaning(row.code), at=clock.now(), by=acting_user,
        )
        for row in answer.rows
        if row.result in ("paid", "failed")
    ]  # fmt: skip
    AccountCheck.objects.bulk_create(made, batch_size=1000)
    audit(
        "import_account_check",
        acting_user,
        run,
        check=no,
        ok=sum(one.ok for one in made),
        bad=sum(not one.ok for one in made),
    )
    return made
