"""Verbs of cash that must come back: the county claims it, the town's cashier takes it in, finance writes off what cannot come.

No run can claim it, since no run paid it (the grant was paid on the spot and left the roll).
"""

from __future__ import annotations

from django.db import DatabaseError, IntegrityError, transaction

from tuodi.audit.actions import record
from tuodi.cases.series import next_no
from tuodi.decisions import grants
from tuodi.funds import claims, ledger
from tuodi.funds.errors import FundHandsError, FundInputError, FundStateError
from tuodi.funds.models import CashClaim, CashFollow, CashReturn, PettySpend
from tuodi.funds.states import Account, Kind
from tuodi.kernel import clock
from tuodi.kernel.money import format_yuan
from tuodi.kernel.places import pad12
from tuodi.org import access
from tuodi.org.models import DutyCode, User

__all__ = ["decide_follow", "open_claim", "propose_follow", "receive", "write_off"]

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


def _follow_audit(action: str, actor: User, row: CashFollow, **after: object) -> None:
    record(
        f"funds.{action}", actor=actor, subject_type="cash_follow", subject_id=row.pk, region=row.region,
        after={"spend": row.spend.no, "grant": row.determination.no, "kept_fen": row.kept_fen, "reduced_fen": row.reduced_fen, **after},
    )  # fmt: skip


@transaction.atomic
def propose_follow(spend: PettySpend, *, acting_user: User, reason: str) -> CashFollow:
    """Proposes to put right a payment in cash whose grant a decision gives again: the claim is less, and what was brought back is due.

    Raises: FundStateError: nothing gives it again, or one waits; FundInputError; AccessDeniedError, NotFoundError.
    """
    access.require(acting_user, DutyCode.FUND_KEEP, pad12(spend.region[:6]))
    ledger.lock([spend.region])
    row = access.locked(PettySpend.objects.select_related("float", "determination"), spend.pk, what="备用金支出")
    if not reason.strip():
        raise FundInputError("更正理由", "没有填写")
    found = claims.given_again(row)
    if found is None:
        raise FundStateError(f"支出 {row.no} ", "没有重新给予救助的决定", "更正追回")
    try:
        with transaction.atomic():
            made = CashFollow.objects.create(
                region=row.region, spend=row, claim=found.claim, determination=found.grant, kept_fen=found.kept_fen,
                reduced_fen=found.reduced_fen, back_fen=found.back_fen, reason=reason.strip()[:300], proposed_at=clock.now(),
                proposed_by=acting_user,
            )  # fmt: skip
    except IntegrityError as error:
        if "funds_follow_once" not in str(error):
            raise
        raise FundStateError(f"支出 {row.no} 的追回", "已提出更正", "再次更正") from error
    _follow_audit("propose_follow", acting_user, made, reason=made.reason)
    return made


@transaction.atomic
def decide_follow(follow: CashFollow, *, acting_user: User, agreed: bool, opinion: str = "") -> CashFollow:
    """Another person decides. Agreed, what the family holds counts as paid of the grant, and the rest is paid in its month, once.

    Raises:
        FundHandsError: he proposed it. FundStateError: decided already, the sums are others by now, or an approved run holds the
            grant, so that the claim stands; FundInputError, AccessDeniedError, NotFoundError.
    """
    access.require(acting_user, DutyCode.FUND_REVIEW, pad12(follow.region[:6]))
    ledger.lock([follow.region])
    row = access.locked(
        CashFollow.objects.select_related("spend__determination", "determination"), follow.pk, what="现金追回更正"
    )
    if row.state != CashFollow.State.PROPOSED:
        raise FundStateError(f"支出 {row.spend.no} 的更正", row.get_state_display(), "审核")
    if row.proposed_by_id == acting_user.pk:
        raise FundHandsError(f"更正 {row.spend.no} ")
    if not agreed and not opinion.strip():
        raise FundInputError("意见", "不同意的必须写明")
    row.opinion, row.decided_at, row.decided_by = opinion.strip()[:300], clock.now(), acting_user
    row.state = CashFollow.State.APPROVED if agreed else CashFollow.State.REFUSED
    if not agreed:
        row.save()
        _follow_audit("decide_follow", acting_user, row, agreed=False)
        return row
    found = claims.given_again(row.spend)
    told = (row.determination_id, row.kept_fen, row.reduced_fen, row.back_fen)
    if found is None or (found.grant.pk, found.kept_fen, found.reduced_fen, found.back_fen) != told:
        raise FundStateError(f"支出 {row.spend.no} 的更正", "提出以后金额有变", "审核；请不同意，再重新提出")
    # An error of the database must leave nothing of it: the stages go back with the savepoint.
    try:
        with transaction.atomic():
            grants.hold_in_cash(row.determination, row.kept_fen, by=acting_user)
            row.save()
    except DatabaseError as error:
        if "已列入发放批次" not in str(error):
            raise
        told_by = str(error).splitlines()[0]
        raise FundStateError(f"决定 {row.determination.no} ", told_by, "用现金抵作救助") from error
    _follow_audit("decide_follow", acting_user, row, agreed=True, back_fen=row.back_fen)
    return row
