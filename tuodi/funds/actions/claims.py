"""Verbs of cash that must come back: the county claims it, the town's cashier takes it in, finance writes off what cannot come.

No run can claim it, since no run paid it (the grant was paid on the spot and left the roll).
"""

from __future__ import annotations

from django.db import transaction

from tuodi.audit.actions import record
from tuodi.cases.series import next_no
from tuodi.funds import claims, ledger
from tuodi.funds.errors import FundHandsError, FundInputError, FundStateError
from tuodi.funds.models import CashClaim, CashReturn, PettySpend
from tuodi.funds.states import Account, Kind
from tuodi.kernel import clock
from tuodi.kernel.money import format_yuan
from tuodi.kernel.places import pad12
from tuodi.org import access
from tuodi.org.models import DutyCode, User

__all__ = ["open_claim", "receive", "write_off"]

TEMPORARY = "temporary"


def _audit(action: str, actor: User, row: CashClaim, **after: object) -> None:
    record(
        f"funds.{action}", actor=actor, subject_type="cash_claim", subject_id=row.pk, region=row.region,
        after={"spend": row.spend.no, "amount_fen": row.amount_fen, **after},
    )  # fmt: skip


@transaction.atomic
def open_claim(spend: PettySpend, *, acting_user: User, reason: str) -> CashClaim:
    """Claims what a family holds in cash of a grant that does not stand any more. Books nothing.

    Raises: FundStateError: claimed already, or all of it stands; FundInputError; AccessDeniedError, NotFoundError.
    """
    access.require(acting_user, DutyCode.FUND_KEEP, pad12(spend.region[:6]))
    ledger.lock([spend.region])
    row = access.locked(PettySpend.objects.select_related("float", "determination"), spend.pk, what="备用金支出")
    if not reason.strip():
        raise FundInputError("追回理由", "没有填写")
    if CashClaim.objects.filter(spend=row).exists():
        raise FundStateError(f"支出 {row.no} ", "已提出追回", "再次追回")
    fen = claims.overpaid([row]).get(row.pk, 0)
    if not fen:
        raise FundStateError(f"支出 {row.no} ", "决定仍然有效", "追回")
    made = CashClaim.objects.create(
        region=row.region,
        spend=row,
        amount_fen=fen,
        reason=reason.strip()[:300],
        opened_at=clock.now(),
        opened_by=acting_user,
    )
    _audit("open_claim", acting_user, made, reason=made.reason)
    return made


@transaction.atomic
def receive(claim: CashClaim, *, acting_user: User, amount_fen: int, payer: str) -> CashReturn:
    """Takes cash of a claim into the town's box, in parts or whole; it goes back to the sources it was drawn from.

    Raises: FundInputError, FundStateError: nothing is left; AccessDeniedError, NotFoundError.
    """
    ledger.lock([claim.region])
    row = access.locked(CashClaim.objects.select_related("spend__float"), claim.pk, what="现金追回")
    box = row.spend.float
    access.require(acting_user, DutyCode.PETTY_CASH, box.region)
    open_ = claims.left(row)
    if not open_:
        raise FundStateError(f"支出 {row.spend.no} 的追回", "已结清", "收款")
    if not payer.strip():
        raise FundInputError("交款人", "没有填写")
    if not 0 < amount_fen <= open_:
        raise FundInputError("金额", f"应大于 0 元，不超过未追回的 {format_yuan(open_)} 元")
    parts, _ = ledger.share(amount_fen, claims.parts_left(row))
    sides = []
    for source, part in parts:
        sides += ledger.pair(box.region, TEMPORARY, source, Account.FLOAT, Account.EXPENSE, part)
    no = next_no("petty", box.region, clock.today())
    entry = ledger.book(
        sides, kind=Kind.PETTY_RETURN, region=box.region, origin=claims.ORIGIN, origin_id=row.pk, user=acting_user,
        memo=f"{no} 追回 {row.spend.no} 现金",
    )  # fmt: skip
    assert entry is not None
    made = CashReturn.objects.create(
        region=row.region, claim=row, no=no, amount_fen=amount_fen, payer=payer.strip()[:40], received_on=clock.today(),
        received_at=clock.now(), received_by=acting_user, entry=entry,
    )  # fmt: skip
    _audit("receive_claim", acting_user, row, no=no, received_fen=amount_fen, left_fen=open_ - amount_fen)
    return made


@transaction.atomic
def write_off(claim: CashClaim, *, acting_user: User, reason: str) -> CashClaim:
    """Writes off what cannot come back, with the ground for it. Never by who claimed it; the money stays spent.

    Raises: FundHandsError, FundStateError, FundInputError, AccessDeniedError, NotFoundError.
    """
    access.require(acting_user, DutyCode.FUND_REVIEW, pad12(claim.region[:6]))
    ledger.lock([claim.region])
    row = access.locked(CashClaim.objects.select_related("spend"), claim.pk, what="现金追回")
    open_ = claims.left(row)
    if not open_:
        raise FundStateError(f"支出 {row.spend.no} 的追回", "已结清", "核销")
    if row.opened_by_id == acting_user.pk:
        raise FundHandsError(f"追回 {row.spend.no} ")
    if not reason.strip():
        raise FundInputError("核销依据", "没有填写")
    row.written_off_fen, row.write_off_reason = open_, reason.strip()[:300]
    row.written_off_at, row.written_off_by = clock.now(), acting_user
    row.save(update_fields=["written_off_fen", "write_off_reason", "written_off_at", "written_off_by"])
    _audit("write_off_claim", acting_user, row, written_off_fen=open_, reason=row.write_off_reason)
    return row
