"""Verbs around a town's cash: ask for more, answer the town, check its count, end its petty cash (M23)."""

from __future__ import annotations

from django.db import transaction

from tuodi.audit.actions import record
from tuodi.funds import ledger, petty
from tuodi.funds.actions import papers
from tuodi.funds.errors import FundHandsError, FundInputError, FundStateError
from tuodi.funds.models import Float, FloatCheck, FloatCount, FloatRequest, FundPaper
from tuodi.funds.states import FundProgramme, PaperKind
from tuodi.kernel import clock
from tuodi.kernel.money import format_yuan
from tuodi.kernel.places import pad12
from tuodi.org import access
from tuodi.org.models import DutyCode, User
from tuodi.org.places import place_name

__all__ = ["ask_refill", "check_count", "close_float", "propose_refill", "refuse_refill"]


@transaction.atomic
def ask_refill(float_: Float, *, acting_user: User, amount_fen: int, reason: str) -> FloatRequest:
    """A town asks the county to fill its cash up. Nothing moves.

    Raises: FundInputError, FundStateError: one is still open. AccessDeniedError, NotFoundError.
    """
    access.require(acting_user, DutyCode.PETTY_CASH, float_.region)
    row = access.locked(Float.objects.filter(closed_at__isnull=True), float_.pk, what="备用金")
    if amount_fen <= 0:
        raise FundInputError("金额", "应大于 0 元")
    if not reason.strip():
        raise FundInputError("用途", "没有填写")
    if petty.open_requests(row).exists():
        raise FundStateError("补足申请", "待县级办理", "再申请")
    made = FloatRequest.objects.create(
        region=row.region, float=row, amount_fen=amount_fen, balance_fen=petty.balance(row), reason=reason.strip()[:300],
        asked_at=clock.now(), asked_by=acting_user,
    )  # fmt: skip
    _audit("ask_refill", acting_user, made, amount_fen=amount_fen)
    return made


def _audit(action: str, actor: User, row: FloatRequest, **after: object) -> None:
    record(
        f"funds.{action}", actor=actor, subject_type="float_request", subject_id=row.pk, region=row.region,
        after={"town": place_name(row.region), **after},
    )  # fmt: skip


def _open(request: FloatRequest) -> FloatRequest:
    row = access.locked(FloatRequest.objects.select_related("float"), request.pk, what="补足申请")
    if row.paper_id is not None or row.refused_at is not None:
        raise FundStateError("补足申请", "已办理", "再办理")
    return row


@transaction.atomic
def propose_refill(request: FloatRequest, *, acting_user: User) -> FundPaper:
    """The county answers a town with an advance of what it asked for; finance decides the paper.

    Raises: FundStateError: answered already. FundInputError, AccessDeniedError, NotFoundError.
    """
    access.require(acting_user, DutyCode.FUND_KEEP, pad12(request.region[:6]))
    row = _open(request)
    row.paper = papers.propose(
        acting_user=acting_user, county=row.region[:6], kind=PaperKind.ADVANCE, programme=FundProgramme.TEMPORARY,
        amount_fen=row.amount_fen, town=row.region[:9], reason=f"补足备用金：{row.reason}",
    )  # fmt: skip
    row.save(update_fields=["paper"])
    _audit("propose_refill", acting_user, row, paper=row.paper.no)
    return row.paper


@transaction.atomic
def refuse_refill(request: FloatRequest, *, acting_user: User, reason: str) -> FloatRequest:
    """The county does not fill a town's cash up, and says why.

    Raises: FundStateError: answered already. FundInputError, AccessDeniedError, NotFoundError.
    """
    access.require(acting_user, DutyCode.FUND_KEEP, pad12(request.region[:6]))
    row = _open(request)
    if not reason.strip():
        raise FundInputError("理由", "没有填写")
    row.refused_at, row.refused_by, row.refusal = clock.now(), acting_user, reason.strip()[:300]
    row.save(update_fields=["refused_at", "refused_by", "refusal"])
    _audit("refuse_refill", acting_user, row, reason=row.refusal)
    return row


@transaction.atomic
def check_count(count: FloatCount, *, acting_user: User, note: str = "") -> FloatCheck:
    """Finance has looked at a month's count; of a difference it says what follows. Never by who counted.

    Raises: FundHandsError, FundStateError: checked already. FundInputError, AccessDeniedError, NotFoundError.
    """
    access.require(acting_user, DutyCode.FUND_REVIEW, pad12(count.region[:6]))
    ledger.lock([count.region])  # counts are append-only: the row itself cannot be locked
    row = access.one(FloatCount.objects.all(), user=acting_user, what="备用金盘点", pk=count.pk)
    if row.counted_by_id == acting_user.pk:
        raise FundHandsError(f"{row.month} 盘点")
    if FloatCheck.objects.filter(count=row).exists():
        raise FundStateError(f"{row.month} 盘点", "已核对", "再核对")
    if row.counted_fen != row.ledger_fen and not note.strip():
        gap = format_yuan(row.counted_fen - row.ledger_fen)
        raise FundInputError("核对意见", f"没有填写：实存与账面相差 {gap} 元，请写明怎么处理")
    made = FloatCheck.objects.create(
        region=row.region, count=row, note=note.strip()[:300], checked_at=clock.now(), checked_by=acting_user
    )
    record(
        "funds.check_count", actor=acting_user, subject_type="float_check", subject_id=made.pk, region=row.region,
        after={"month": row.month, "counted_fen": row.counted_fen, "ledger_fen": row.ledger_fen, "note": made.note},
    )  # fmt: skip
    return made


@transaction.atomic
def close_float(float_: Float, *, acting_user: User, reason: str) -> Float:
    """Ends a town's petty cash once its cash is back with the county; set up again it goes on (`petty.open_float`).

    Raises: FundInputError: cash is left, a request waits, or no reason. AccessDeniedError, NotFoundError.
    """
    access.require(acting_user, DutyCode.FUND_KEEP, pad12(float_.region[:6]))
    ledger.lock([float_.region])
    row = access.locked(Float.objects.filter(closed_at__isnull=True), float_.pk, what="备用金")
    if left := petty.balance(row):
        raise FundInputError("余额", f"还有 {format_yuan(left)} 元。请先收回到县级。")
    if petty.open_requests(row).exists():
        raise FundInputError("补足申请", "还没有办理。请先办理。")
    if not reason.strip():
        raise FundInputError("理由", "没有填写")
    row.closed_at = clock.now()
    row.save(update_fields=["closed_at"])
    record(
        "funds.close_float", actor=acting_user, subject_type="float", subject_id=row.pk, region=row.region,
        after={"town": place_name(row.region), "reason": reason.strip()[:300]},
    )  # fmt: skip
    return row
