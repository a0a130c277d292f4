"""Verbs on accounts of bodies a county pays: civil affairs enters one, finance puts it into force; the next replaces it."""

from __future__ import annotations

import re
import uuid

from django.db import transaction

from tuodi.audit.actions import record
from tuodi.funds import ledger
from tuodi.funds.decide import decided
from tuodi.funds.errors import FundInputError
from tuodi.funds.models import PayeeAccount
from tuodi.funds.states import PayeeState
from tuodi.kernel import clock
from tuodi.kernel.places import pad12
from tuodi.org import access
from tuodi.org.models import DutyCode, User
from tuodi.people import secrets

__all__ = ["decide_payee", "propose_payee"]


def _audit(action: str, actor: User, row: PayeeAccount, **after: object) -> None:
    record(
        f"funds.{action}", actor=actor, subject_type="payee_account", subject_id=row.pk, region=row.region,
        after={"code": row.code, "holder": row.holder, "last4": row.last4, "state": row.state, **after},
    )  # fmt: skip


@transaction.atomic
def propose_payee(
    *, acting_user: User, county: str, code: str, holder: str, bank_name: str, account: str, basis: str,
    bank_code: str = "",
) -> PayeeAccount:  # fmt: skip
    """Enters the account of a body; it waits for finance. Money goes to the account in force until then.

    Args:
        code: the hospital's 定点医药机构编码, or the collector's code. account: digits, spaces allowed.
        bank_code: 行号 of twelve digits, or empty. basis: the body's letter, the agreement.

    Raises: FundInputError naming the field; AccessDeniedError, NotFoundError.
    """
    region = pad12(county[:6])
    access.require(acting_user, DutyCode.FUND_KEEP, region)
    for label, value in (("机构编码", code), ("户名", holder), ("开户行", bank_name), ("依据", basis)):
        if not value.strip():
            raise FundInputError(label, "没有填写")
    number = re.sub(r"[\s-]", "", account)
    if not (number.isascii() and number.isdigit() and 8 <= len(number) <= 32):
        raise FundInputError("账号", "应为 8 至 32 位数字")
    if bank_code.strip() and not re.fullmatch(r"[0-9]{12,14}", bank_code.strip()):
        raise FundInputError("开户行行号", "应为 12 位数字；不知道的不填")
    ledger.lock([region])
    if PayeeAccount.objects.filter(region=region, code=code.strip(), state=PayeeState.PROPOSED).exists():
        raise FundInputError("机构编码", f" {code.strip()} 已有待审核的账户，请先审核")
    uid = uuid.uuid4()
    sealed = secrets.seal("account", number, uid)
    row = PayeeAccount.objects.create(
        region=region, code=code.strip()[:20], holder=holder.strip()[:60], bank_name=bank_name.strip()[:60],
        bank_code=bank_code.strip(), uid=uid, account_cipher=sealed.cipher, last4=number[-4:], basis=basis.strip()[:200],
        proposed_at=clock.now(), proposed_by=acting_user,
    )  # fmt: skip
    _audit("propose_payee", acting_user, row)
    return row


@transaction.atomic
def decide_payee(row: PayeeAccount, *, acting_user: User, approve: bool, note: str = "") -> PayeeAccount:
    """Puts an account into force, which replaces the one before; or refuses it with a reason. Never by who entered it.

    Raises: FundHandsError, FundStateError, FundInputError, AccessDeniedError, NotFoundError.
    """
    access.require(acting_user, DutyCode.FUND_REVIEW, row.region)
    ledger.lock([row.region])
    found = access.locked(PayeeAccount.objects, row.pk, what="收款账户")
    after = PayeeState.ACTIVE if approve else PayeeState.REFUSED
    decided(
        found, after, acting_user=acting_user, approve=approve, note=note, what=f"收款账户 {found.last4} ",
        of=f"收款账户（尾号 {found.last4}）",
    )  # fmt: skip
    if approve:
        PayeeAccount.objects.filter(region=found.region, code=found.code, state=PayeeState.ACTIVE).update(
            state=PayeeState.REPLACED
        )
    found.save(update_fields=["state", "decided_at", "decided_by", "decision_note"])
    _audit("decide_payee", acting_user, found, note=found.decision_note)
    return found
