"""Verbs on claims: what a family agrees to, cash it brings, how a claim is got back, and what is given up of it (追回)."""

from __future__ import annotations

from datetime import date

from django.db import IntegrityError, transaction

from tuodi.audit.actions import record
from tuodi.files.models import StoredFile
from tuodi.files.scans import scan_of
from tuodi.files.store import put_bytes
from tuodi.kernel import clock
from tuodi.kernel.money import format_yuan
from tuodi.kernel.periods import Month
from tuodi.org import access
from tuodi.org.models import DutyCode, User
from tuodi.payments import ledger
from tuodi.payments.claims import settle, write_off_limit
from tuodi.payments.errors import ClaimError, FourEyesError
from tuodi.payments.models import Claim, ClaimAgreement, ClaimReceipt, ClaimWriteOff
from tuodi.payments.states import WRITE_OFF_MOVES, ClaimState, Manner, WriteOffReason, WriteOffState, move

__all__ = [
    "agree", "book_receipt", "decide_write_off", "propose_write_off", "receive", "set_manner",
]  # fmt: skip

MAX_PAPER = 12 * 2**20


def _note(verb: str, claim: Claim, user: User, **after: object) -> None:
    record(
        f"payments.{verb}", actor=user, subject_type="claim", subject_id=claim.pk, region=claim.region,
        after={"no": claim.no, "state": claim.state, "left_fen": claim.left_fen, **after},
    )  # fmt: skip


def _open(claim: Claim) -> Claim:
    found = access.locked(Claim.objects.all(), claim.pk, what="追回事项")
    if found.state != ClaimState.OPEN:
        raise ClaimError(f"追回事项 {found.no} 已结清，没有可以办理的。请刷新后再看。", no=found.no)
    return found


def _paper(claim: Claim, data: bytes, what: str, user: User, *, needed: bool) -> StoredFile | None:
    if not data:
        if needed:
            raise ClaimError(f"{what}：请上传扫描件或照片。", field=what)
        return None
    if len(data) > MAX_PAPER:
        raise ClaimError(f"{what}超过 12 MB，请缩小后再上传。", field=what)
    found = scan_of(data)
    if found is None:
        raise ClaimError(f"{what}不是 PDF、JPG 或 PNG。请上传扫描件或照片。", field=what)
    suffix, media = found
    return put_bytes(
        data, region=claim.region, name=f"{claim.no}-{what}.{suffix}", purpose="claim_paper", media_type=media, by_id=user.pk
    )  # fmt: skip


def _amount(claim: Claim, fen: int | None, what: str) -> int:
    if fen is None or fen <= 0:
        raise ClaimError(f"{what}应大于 0。", field=what)
    if fen > claim.left_fen:
        raise ClaimError(f"{what} {format_yuan(fen)} 元超过尚未追回的 {format_yuan(claim.left_fen)} 元。", field=what)
    return fen


@transaction.atomic
def agree(
    claim: Claim, *, acting_user: User, monthly_fen: int | None, from_month: Month, signed_on: date, paper: bytes, in_cash: bool = False,
) -> ClaimAgreement:  # fmt: skip
    """Enters what a family has agreed to give back each month, with its paper. An earlier agreement ends with it.

    Args:
        from_month: first month; nothing is kept back before it. An approved month does not change.
        in_cash: brought month by month, and nothing is kept back; else kept back, never above the place's share of a month.

    Raises: ClaimError names what is wrong; NotFoundError, AccessDeniedError.
    """
    access.require(acting_user, DutyCode.PAY_CHECK, claim.region)
    row = _open(claim)
    fen = _amount(row, monthly_fen, "每月金额")
    if signed_on > clock.today():
        raise ClaimError("签订日期不能晚于今天。", field="签订日期")
    if from_month < Month.of(signed_on):
        raise ClaimError(f"起始月份不能早于签订的月份 {Month.of(signed_on)}。", field="起始月份")
    stored = _paper(row, paper, "协议", acting_user, needed=True)
    ClaimAgreement.objects.filter(claim=row, ended_at__isnull=True).update(ended_at=clock.now())
    made = ClaimAgreement.objects.create(
        claim=row, region=row.region, monthly_fen=fen, from_month=from_month.yyyymm, in_cash=in_cash, signed_on=signed_on,
        paper=stored, made_at=clock.now(), made_by=acting_user,
    )  # fmt: skip
    _manner(row, Manner.AGREED, f"{signed_on} 签订的协议", acting_user)
    _note("claim_agree", row, acting_user, monthly_fen=fen, from_month=from_month.yyyymm, in_cash=in_cash)
    return made


def _manner(row: Claim, manner: str, reason: str, user: User) -> None:
    row.manner, row.manner_reason, row.manner_at, row.manner_by = manner, reason[:300], clock.now(), user
    row.save(update_fields=["manner", "manner_reason", "manner_at", "manner_by"])


@transaction.atomic
def set_manner(claim: Claim, *, acting_user: User, manner: str, reason: str) -> Claim:
    """Says how a claim is got back; an agreement ends with it. That it rests on fraud is said by who approves payments.

    Args:
        manner: capped, fraud or stopped (agreed comes with `agree`).

    Raises: ClaimError, NotFoundError, AccessDeniedError.
    """
    duty = DutyCode.PAY_APPROVE if manner == Manner.FRAUD else DutyCode.PAY_CHECK
    access.require(acting_user, duty, claim.region)
    row = _open(claim)
    if manner not in (Manner.CAPPED, Manner.FRAUD, Manner.STOPPED):
        raise ClaimError("请选择追回方式；分期归还请登记协议。", field="追回方式")
    if manner == row.manner:
        raise ClaimError(f"追回方式已是“{row.get_manner_display()}”。", field="追回方式")
    if len(reason.strip()) < 4:
        raise ClaimError("请写明理由（至少 4 个字）。", field="理由")
    before = row.manner
    ClaimAgreement.objects.filter(claim=row, ended_at__isnull=True).update(ended_at=clock.now())
    _manner(row, manner, reason.strip(), acting_user)
    _note("claim_manner", row, acting_user, before=before, manner=manner, reason=reason.strip()[:200])
    return row


@transaction.atomic
def receive(
    claim: Claim, *, acting_user: User, amount_fen: int | None, receipt_no: str, received_on: date, payer: str, paper: bytes = b"",
) -> ClaimReceipt:  # fmt: skip
    """Takes in money a family, or an estate, gives back, with the number of the receipt, and books it to its sub-account.

    A run that was calculated before and keeps back what is paid now is refused approval until it is calculated anew.

    Raises: ClaimError names what is wrong; NotFoundError, AccessDeniedError.
    """
    access.require(acting_user, DutyCode.PAY_CHECK, claim.region)
    row = _open(claim)
    fen = _amount(row, amount_fen, "金额")
    if received_on > clock.today():
        raise ClaimError("收款日期不能晚于今天。", field="收款日期")
    stored = _paper(row, paper, "收据", acting_user, needed=False)
    return book_receipt(
        row,
        acting_user=acting_user,
        amount_fen=fen,
        receipt_no=receipt_no,
        received_on=received_on,
        payer=payer,
        paper=stored,
    )


@transaction.atomic
def book_receipt(
    claim: Claim, *, acting_user: User, amount_fen: int, receipt_no: str, received_on: date, payer: str, paper: StoredFile | None = None,
) -> ClaimReceipt:  # fmt: skip
    """Like `receive`, for higher rooms whose own duty took the money; opens no door. More than is left is refused.

    Raises: ClaimError.
    """
    row = _open(claim)
    fen = _amount(row, amount_fen, "金额")
    for label, text in (("收据号", receipt_no), ("缴款人", payer)):
        if not text.strip():
            raise ClaimError(f"{label}必须填写。", field=label)
    try:
        with transaction.atomic():
            made = ClaimReceipt.objects.create(
                claim=row, region=row.region, amount_fen=fen, receipt_no=receipt_no.strip()[:60], received_on=received_on,
                payer=payer.strip()[:40], paper=paper, at=clock.now(), by=acting_user,
            )  # fmt: skip
    except IntegrityError as error:
        if "payments_receipt_once" not in str(error):
            raise
        raise ClaimError(f"收据 {receipt_no.strip()} 已登记过，不会重复入账。", field="收据号") from error
    ledger.post_receipt(made, user=acting_user)
    row.cash_fen += fen
    settle(row)
    _note("claim_receive", row, acting_user, amount_fen=fen, receipt=made.receipt_no)
    return made


@transaction.atomic
def propose_write_off(
    claim: Claim, *, acting_user: User, amount_fen: int | None, reason: str, text: str, paper: bytes = b""
) -> ClaimWriteOff:
    """Proposes to give up some of a claim, or all of it. Nothing moves until another person decides.

    Raises: ClaimError names what is wrong, or that a proposal waits already; NotFoundError, AccessDeniedError.
    """
    access.require(acting_user, DutyCode.PAY_CHECK, claim.region)
    row = _open(claim)
    fen = _amount(row, amount_fen, "核销金额")
    if reason not in WriteOffReason.values:
        raise ClaimError("请选择核销原因。", field="原因")
    if len(text.strip()) < 4:
        raise ClaimError("请写明核销依据（至少 4 个字）。", field="说明")
    if row.write_offs.filter(state=WriteOffState.PROPOSED).exists():  # type: ignore[attr-defined]
        raise ClaimError(f"追回事项 {row.no} 已有待审批的核销。", no=row.no)
    made = ClaimWriteOff.objects.create(
        claim=row, region=row.region, amount_fen=fen, reason=reason, text=text.strip()[:500],
        paper=_paper(row, paper, "核销依据", acting_user, needed=False), proposed_at=clock.now(), proposed_by=acting_user,
    )  # fmt: skip
    _note("propose_write_off", row, acting_user, amount_fen=fen, reason=reason)
    return made


@transaction.atomic
def decide_write_off(write_off: ClaimWriteOff, *, acting_user: User, agreed: bool, opinion: str = "") -> ClaimWriteOff:
    """Another person decides: up to the place's limit who approves payments, beyond it the review of finance.

    Raises:
        FourEyesError: he proposed it. ClaimError: less is left than is to be written off, or no reason for a refusal.
        StateError, NotFoundError, AccessDeniedError.
    """
    limit = write_off_limit(write_off.region, clock.today())
    duty = DutyCode.FUND_REVIEW if limit is not None and write_off.amount_fen > limit else DutyCode.PAY_APPROVE
    access.require(acting_user, duty, write_off.region)
    claim = access.locked(Claim.objects.all(), write_off.claim_id, what="追回事项")
    row = access.locked(ClaimWriteOff.objects.all(), write_off.pk, what="核销")
    after = WriteOffState.APPROVED if agreed else WriteOffState.REFUSED
    move(f"{claim.no} 的核销", WRITE_OFF_MOVES, row.state, after, WriteOffState)
    if row.proposed_by_id == acting_user.pk:
        raise FourEyesError(f"{claim.no} 的核销", "审批", "提出")
    if not agreed and not opinion.strip():
        raise ClaimError("不同意核销的，请写明意见。", field="意见")
    if agreed and row.amount_fen > claim.left_fen:
        raise ClaimError(
            f"{claim.no} 现在只剩 {format_yuan(max(claim.left_fen, 0))} 元，少于拟核销的 {format_yuan(row.amount_fen)} 元。请不同意，再按余额重新提出。",
            no=claim.no,
        )  # fmt: skip
    row.state, row.opinion, row.decided_at, row.decided_by = after, opinion.strip()[:300], clock.now(), acting_user
    row.save()
    if agreed:
        row.claim = claim
        ledger.post_write_off(row, user=acting_user)
        claim.written_fen += row.amount_fen
        settle(claim)
    _note("decide_write_off", claim, acting_user, agreed=agreed, amount_fen=row.amount_fen, reason=row.reason)
    return row
