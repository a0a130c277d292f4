"""An order the bank cannot pay is turned into one of the treasury's by two people, and never while a payment of it may arrive."""

from __future__ import annotations

from datetime import timedelta

import pytest
from casekit import at, hire
from django.db import DatabaseError, transaction
from fundkit import Treasury, clean
from hospitalkit import AFTER, Ward, row
from paykit import family

from tuodi.exchange.bank import BatchHead, load_bank_profile, read_payments, write_return
from tuodi.files.store import open_plain
from tuodi.funds import hospital, orders
from tuodi.funds.errors import FundInputError, FundStateError
from tuodi.funds.models import OrderTurn, PayOrder
from tuodi.funds.states import OrderKind
from tuodi.kernel import clock
from tuodi.org.errors import AccessDeniedError
from tuodi.payments import actions
from tuodi.payments.errors import NothingToSendError
from tuodi.payments.models import BankItem

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("medical_rules")]
MAY = AFTER + timedelta(days=30)


def answered(batch, word: str) -> bytes:
    layout = load_bank_profile(batch.profile)
    with open_plain(batch.file) as plain:
        head, rows = read_payments(layout, plain.read())
    told = [(one, word, "", "", f"B{one.seq}") for one in rows]
    fen = sum(one.amount_fen for one in rows)
    return write_return(layout, BatchHead(head.no, len(rows), fen, head.month, ""), told, posted=AFTER)


def test_an_order_the_bank_cannot_pay_is_paid_by_the_treasury(make_user) -> None:
    treasury = Treasury(make_user)
    treasury.do("appropriation", 60_000, programme="medical")
    ward = Ward(treasury, way="bank")
    payer, keep, review = hire(make_user, "420802", "pay_send"), treasury.keep, treasury.review
    ward.send(row("A1", family().head), row("A2", family().head))
    made = ward.decide(ward.propose(replenish=1_000))
    spent, advance = ward.orders()
    asked = {"voucher": "GK-1", "paid_on": AFTER, "reason": "收款行不在清算系统"}

    with at(payer, AFTER):
        (batch,) = actions.make_order_files(acting_user=payer, county="420802", orders=[spent.pk])
    with at(keep, AFTER), pytest.raises(FundStateError, match="已送银行"):
        actions.propose_turn(spent, acting_user=keep, **asked)
    with at(payer, AFTER):
        failed = load_bank_profile("generic-csv").returned.failed[0]
        actions.import_order_return(batch, acting_user=payer, data=answered(batch, failed), name="回盘.csv")
    with at(keep, AFTER):
        with pytest.raises(FundInputError, match="理由"):
            actions.propose_turn(spent, acting_user=keep, voucher="GK-1", paid_on=AFTER, reason="")
        with pytest.raises(FundInputError, match="早于付款单开立，或晚于今天"):
            actions.propose_turn(spent, acting_user=keep, **{**asked, "paid_on": MAY})
        turn = actions.propose_turn(spent, acting_user=keep, **asked)
        with pytest.raises(FundInputError, match="GK-1 已用于另一张"):
            actions.propose_turn(advance, acting_user=keep, **asked)
        second = actions.propose_turn(advance, acting_user=keep, **{**asked, "voucher": "GK-2"})
        with pytest.raises(AccessDeniedError):
            actions.decide_turn(turn, acting_user=keep, approve=True)
        with pytest.raises(DatabaseError, match="须经两人"), transaction.atomic():
            PayOrder.objects.filter(pk=advance.pk).update(status="treasury")
    # The treasury may have paid already: no file takes the order while it is asked.
    with at(payer, AFTER):
        with pytest.raises(NothingToSendError):
            actions.reissue_orders(acting_user=payer, county="420802")
        with pytest.raises(NothingToSendError):
            actions.make_order_files(acting_user=payer, county="420802")
    with at(review, AFTER):
        with pytest.raises(DatabaseError, match="funds_order_turn_four_eyes"), transaction.atomic():
            OrderTurn.objects.filter(pk=turn.pk).update(state="approved", decided_by=keep, decided_at=clock.now())
        with pytest.raises(FundInputError, match="理由"):
            actions.decide_turn(second, acting_user=review, approve=False)
        actions.decide_turn(second, acting_user=review, approve=False, note="凭证号不对")
        actions.decide_turn(turn, acting_user=review, approve=True)
    with at(keep, AFTER):
        third = actions.propose_turn(advance, acting_user=keep, **{**asked, "voucher": "GK-3"})
    assert treasury.held(programme="medical", on=MAY) == {
        "available": 56_200_00, "reserved": 1_000_00, "paid": made.paid_fen,
    }  # fmt: skip
    clean()
    with at(review, AFTER):
        actions.decide_turn(third, acting_user=review, approve=True)
        assert (hospital.balance(ward.agreement), hospital.pending(ward.agreement)) == (1_000_00, 0)
        assert orders.arrived(OrderKind.CLEARING, spent.subject_id)
        assert [one.status for one in PayOrder.objects.order_by("pk")] == ["treasury", "treasury"]
        with pytest.raises(FundStateError, match="国库已支付"):
            actions.decide_turn(turn, acting_user=review, approve=True)
    assert treasury.held(programme="medical", on=MAY) == {
        "available": 56_200_00, "hospital": 1_000_00, "paid": made.paid_fen,
    }  # fmt: skip
    # Nor does the database let a payment that is out stand beside it.
    with at(payer, AFTER), pytest.raises(DatabaseError, match="不能再经银行付出"), transaction.atomic():
        BankItem.objects.filter(order=spent).update(status="unknown")
    clean()
