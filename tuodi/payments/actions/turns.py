"""An order to a body that the bank cannot pay becomes one of the treasury's: one proposes with the voucher, another decides."""

from __future__ import annotations

from datetime import date

from django.db import transaction

from tuodi.audit.actions import record
from tuodi.funds import ledger
from tuodi.funds import orders as funds
from tuodi.funds.decide import decided
from tuodi.funds.errors import FundInputError, FundStateError
from tuodi.funds.models import OrderTurn, PayOrder
from tuodi.funds.states import DeskState, OrderStatus, move
from tuodi.kernel import clock
from tuodi.org import access
from tuodi.org.models import DutyCode, User
from tuodi.payments.models import BankItem

__all__ = ["decide_turn", "propose_turn"]


def _waiting(order: PayOrder) -> PayOrder:
    """The order, held after its county's money. Raises FundStateError where a payment of it is on its way, unknown or arrived."""
    ledger.lock([order.region])
    row = access.locked(PayOrder.objects, order.pk, what="付款单")
    move(f"付款单 {row.no} ", row.status, OrderStatus.TREASURY)
    if BankItem.objects.filter(order=row, holds=True).exists():
        raise FundStateError(f"付款单 {row.no} 的银行付款", "在途、未知或已到账", OrderStatus.TREASURY.label)
    return row


def _audit(verb: str, user: User, turn: OrderTurn, order: PayOrder) -> None:
    record(
        f"payments.{verb}", actor=user, subject_type="payorder", subject_id=order.pk, region=order.region,
        after={
            "no": order.no, "amount_fen": order.amount_fen, "voucher": turn.voucher, "paid_on": turn.paid_on.isoformat(),
            "state": turn.state, "reason": turn.reason, "note": turn.decision_note,
        },
    )  # fmt: skip


@transaction.atomic
def propose_turn(order: PayOrder, *, acting_user: User, voucher: str, paid_on: date, reason: str) -> OrderTurn:
    """Proposes that the treasury paid an order in the bank's stead. Nothing moves yet, but no file takes the order any more.

    Raises: FundStateError: a payment of it is on its way, unknown or arrived; FundInputError; AccessDeniedError, NotFoundError.
    """
    access.require(acting_user, DutyCode.FUND_KEEP, order.region)
    row = _waiting(order)
    if not voucher.strip():
        raise FundInputError("国库支付凭证号", "没有填写")
    if len(reason.strip()) < 4:
        raise FundInputError("理由", "没有写明银行为什么付不了（至少 4 个字）")
    if not row.made_at.date() <= paid_on <= clock.today():
        raise FundInputError("支付日期", "早于付款单开立，或晚于今天")
    open_ = OrderTurn.objects.exclude(state=DeskState.REFUSED)
    if open_.filter(order=row).exists():
        raise FundInputError("付款单", f" {row.no} 已提出改由国库支付，待财政审核")
    if open_.filter(region=row.region, voucher=voucher.strip()).exists():
        raise FundInputError("国库支付凭证号", f" {voucher.strip()} 已用于另一张付款单")
    turn = OrderTurn.objects.create(
        order=row, region=row.region, voucher=voucher.strip()[:40], paid_on=paid_on, reason=reason.strip()[:200],
        proposed_at=clock.now(), proposed_by=acting_user,
    )  # fmt: skip
    _audit("propose_turn", acting_user, turn, row)
    return turn


@transaction.atomic
def decide_turn(turn: OrderTurn, *, acting_user: User, approve: bool, note: str = "") -> OrderTurn:
    """Agrees, and the order is booked as paid by the treasury; or refuses with a reason, and it waits for the bank again.

    Raises: FundHandsError: he proposed it; FundStateError, FundInputError, AccessDeniedError, NotFoundError.
    """
    access.require(acting_user, DutyCode.FUND_REVIEW, turn.region)
    order = _waiting(turn.order) if approve else turn.order
    row = access.locked(OrderTurn.objects, turn.pk, what="改由国库支付")
    after = DeskState.APPROVED if approve else DeskState.REFUSED
    decided(row, after, acting_user=acting_user, approve=approve, note=note, what=f"付款单 {order.no} 改由国库支付", of=order.no)  # fmt: skip
    row.save(update_fields=["state", "decided_at", "decided_by", "decision_note"])
    if approve:
        order.status = OrderStatus.TREASURY
        order.save(update_fields=["status"])
        funds.pay_by_treasury(
            order, user=acting_user, memo=f"{order.no} {order.name} 国库支付，凭证 {row.voucher} {row.paid_on}"
        )
    _audit("decide_turn", acting_user, row, order)
    return row
