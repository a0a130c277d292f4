"""Verbs on refunds of bodies that a statement shows: book one, say that it is entered already, or that it is none.

What two people do by hand stays with two: money a hospital gives back is a paper that finance decides; the other kinds are
entered by one person with 资金管理, as by voucher.
"""

from __future__ import annotations

from django.db import transaction

from tuodi.audit.actions import record
from tuodi.funds import ledger, refunds
from tuodi.funds.actions import emergencies, funerals, papers, premiums
from tuodi.funds.errors import FundInputError
from tuodi.funds.models import (
    EmergencyCase,
    EmergencyReturn,
    FundPaper,
    FuneralReturn,
    FuneralWaiver,
    PayOrder,
    PremiumList,
    PremiumRefund,
    StatementRefund,
)
from tuodi.funds.states import FundProgramme, OrderKind, PaperKind, RefundState, move
from tuodi.kernel import clock
from tuodi.org import access
from tuodi.org.models import DutyCode, User

__all__ = ["confirm_refund", "dismiss_refund", "same_refund"]

Entered = PremiumRefund | EmergencyReturn | FuneralReturn | FundPaper


def _held(refund: StatementRefund, user: User, after: RefundState) -> StatementRefund:
    access.require(user, DutyCode.FUND_KEEP, refund.region)
    ledger.lock([refund.region])
    row = access.locked(StatementRefund.objects, refund.pk, what="对账单退款")
    move("这笔退款", row.state, after)
    row.state, row.decided_at, row.decided_by = after, clock.now(), user
    return row


def _order(row: StatementRefund, order: PayOrder) -> PayOrder:
    found = next((one for one in refunds.candidates(row) if one.pk == order.pk), None)
    if found is None:
        raise FundInputError("付款单", f" {order.no} 与这笔款项不符：不是付给{row.name}的，或金额不足")
    return found


def _audit(verb: str, user: User, row: StatementRefund) -> None:
    record(
        f"funds.{verb}", actor=user, subject_type="statement_refund", subject_id=row.pk, region=row.region,
        after={
            "statement": row.statement_no, "line": row.line_id, "amount_fen": row.amount_fen, "order": row.of.no if row.of else "",
            "state": row.state, "note": row.note,
        },
    )  # fmt: skip


def _name(entered: Entered) -> str:
    if isinstance(entered, FundPaper):
        return f"资金单据 {entered.no}（{entered.get_state_display()}）"
    return f"凭证 {entered.voucher}（{entered.received_on}）"


def _link(row: StatementRefund, entered: Entered) -> None:
    if isinstance(entered, PremiumRefund):
        row.premium = entered
    elif isinstance(entered, EmergencyReturn):
        row.emergency = entered
    elif isinstance(entered, FuneralReturn):
        row.funeral = entered
    else:
        row.paper = entered


@transaction.atomic
def confirm_refund(refund: StatementRefund, order: PayOrder, *, acting_user: User) -> StatementRefund:
    """Takes an entry of a statement for a refund of an order, and enters it with the bank's number, amount and day.

    Raises: FundInputError: of another body, entered by voucher already, more than is due back; FundStateError: nothing is due
        back, or somebody did it; AccessDeniedError, NotFoundError.
    """
    row = _held(refund, acting_user, RefundState.BOOKED)
    row.of = _order(row, order)
    before = refunds.entered_before(row.of, row.amount_fen, row.booked_on)
    if before is not None:
        raise FundInputError("这笔款项", f"已登记为{_name(before)}，同一笔不再入账。请点“就是已登记的这一笔”。")
    _link(row, _enter(row, row.of, acting_user))
    row.save()
    _audit("confirm_refund", acting_user, row)
    return row


def _enter(row: StatementRefund, order: PayOrder, user: User) -> Entered:
    if order.kind == OrderKind.PREMIUM:
        return premiums.receive_refund(
            access.locked(PremiumList.objects, order.subject_id, what="资助参保名单"), acting_user=user, amount_fen=row.amount_fen,
            voucher=row.voucher, received_on=row.booked_on, by_statement=True,
        )  # fmt: skip
    if order.kind == OrderKind.EMERGENCY:
        return emergencies.receive(
            access.locked(EmergencyCase.objects, order.subject_id, what="疾病应急救助"), acting_user=user, amount_fen=row.amount_fen,
            payer=order.name, voucher=row.voucher, received_on=row.booked_on, by_statement=True,
        )  # fmt: skip
    if order.kind == OrderKind.FUNERAL:
        return funerals.receive_back(
            access.locked(FuneralWaiver.objects, order.subject_id, what="丧葬费用减免"), acting_user=user, amount_fen=row.amount_fen,
            reason=f"对账单 {row.statement_no}：{order.name}退回", voucher=row.voucher, received_on=row.booked_on, by_statement=True,
        )  # fmt: skip
    return papers.propose(
        acting_user=user, county=row.region[:6], kind=PaperKind.HOSPITAL_BACK, amount_fen=row.amount_fen,
        reason=f"对账单 {row.statement_no} {row.booked_on} 流水 {row.voucher}：{order.name}退回（{order.no}）",
        programme=FundProgramme.MEDICAL, hospital=order.agreement, year=row.booked_on.year, by_statement=True,
    )  # fmt: skip


@transaction.atomic
def same_refund(refund: StatementRefund, order: PayOrder, *, acting_user: User) -> StatementRefund:
    """Says that an entry of a statement is what was entered by voucher before: nothing is booked, and the two belong together.

    Raises: FundInputError: nothing of that amount and time was entered; FundStateError, AccessDeniedError, NotFoundError.
    """
    row = _held(refund, acting_user, RefundState.SAME)
    row.of = _order(row, order)
    before = refunds.entered_before(row.of, row.amount_fen, row.booked_on)
    if before is None:
        raise FundInputError("这笔款项", "没有凭凭证登记过，请直接确认入账")
    _link(row, before)
    row.note = f"与{_name(before)}是同一笔"[:200]
    row.save()
    _audit("same_refund", acting_user, row)
    return row


@transaction.atomic
def dismiss_refund(refund: StatementRefund, *, acting_user: User, reason: str) -> StatementRefund:
    """Says that an entry is no refund, with the reason; it stays a leftover of its statement, which two people explain.

    Raises: FundInputError, FundStateError, AccessDeniedError, NotFoundError.
    """
    row = _held(refund, acting_user, RefundState.DISMISSED)
    if len(reason.strip()) < 4:
        raise FundInputError("理由", "没有写明（至少 4 个字）")
    row.note = reason.strip()[:200]
    row.save()
    _audit("dismiss_refund", acting_user, row)
    return row
