"""Money to hospitals over a bank file: order, file, answer, return, another account, statement; the books balance at each step."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from bankkit import Desk, listening, wire_up
from casekit import at, hire
from django.db import DatabaseError, transaction
from fundkit import Treasury, clean
from hospitalkit import AFTER, Ward, row
from paykit import family

from tuodi.exchange.bank import BatchHead, load_bank_profile, read_payments, write_return
from tuodi.files.store import open_plain
from tuodi.funds.actions import hospital as hospitals
from tuodi.funds.actions import papers, payees
from tuodi.funds.errors import FundInputError
from tuodi.funds.models import HospitalClearing, PayeeAccount, PayOrder
from tuodi.org.errors import AccessDeniedError, NotFoundError
from tuodi.payments import actions
from tuodi.payments.errors import NothingToSendError
from tuodi.payments.models import BankBatch, BankItem, BankMessage, OrderEvent, StatementLine

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("medical_rules")]
MAY = AFTER + timedelta(days=30)


@pytest.fixture
def treasury(make_user):
    found = Treasury(make_user)
    found.do("appropriation", 60_000, programme="medical")
    return found


@pytest.fixture
def ward(treasury):
    return Ward(treasury, way="bank")


@pytest.fixture
def payer(make_user):
    return hire(make_user, "420802", "pay_send")


def held(ward) -> dict[str, int]:
    return ward.money.held(programme="medical", on=MAY)


def clear(ward, *, replenish: int = 0) -> HospitalClearing:
    """A month of two bills, cleared: 2,800 yuan."""
    ward.send(row("A1", family().head), row("A2", family().head))
    return ward.decide(ward.propose(replenish=replenish))


def answer(batch: BankBatch, *results: tuple[str, str]) -> bytes:
    """The bank's table about a file: (word, code) for each line."""
    layout = load_bank_profile(batch.profile)
    with open_plain(batch.file) as plain:
        head, rows = read_payments(layout, plain.read())
    told = [(one, word, code, "", f"B{one.seq}") for one, (word, code) in zip(rows, results, strict=True)]
    fen = sum(one.amount_fen for one in rows)
    return write_return(layout, BatchHead(head.no, len(rows), fen, head.month, ""), told, posted=AFTER)


def test_a_clearing_waits_for_the_bank_and_is_spent_when_it_arrives(ward, payer) -> None:
    made = clear(ward, replenish=1_000)
    first, refill = ward.orders()
    assert [(one.kind, one.amount_fen, one.status) for one in (first, refill)] == [
        ("clearing", 280_000, "ready"), ("refill", 100_000, "ready"),
    ]  # fmt: skip
    assert (made.advance_fen, made.paid_fen, made.entry_id) == (0, 280_000, None)
    assert held(ward) == {"available": 5_620_000, "reserved": 380_000}
    clean()

    with at(payer, AFTER):
        (batch,) = actions.make_order_files(acting_user=payer, county="420802")
        with pytest.raises(NothingToSendError, match="没有待送银行的付款单"):
            actions.make_order_files(acting_user=payer, county="420802")
        with open_plain(batch.file) as plain:
            _, rows = read_payments(load_bank_profile(batch.profile), plain.read())
    assert [(one.name, one.account, one.amount_fen) for one in rows] == [
        ("测试区人民医院", "6200000042080201", 280_000), ("测试区人民医院", "6200000042080201", 100_000),
    ]  # fmt: skip
    assert held(ward) == {"available": 5_620_000, "transit": 380_000}
    clean()

    yes, no = load_bank_profile("generic-csv").returned.paid[0], load_bank_profile("generic-csv").returned.failed[0]
    with at(payer, AFTER):
        wrong = answer(batch, (yes, ""), (yes, "")).replace(b"2,800.00", b"2,900.00").replace(b"2800.00", b"2900.00")
        refused = actions.import_order_return(batch, acting_user=payer, data=wrong, name="错.csv")
        assert (refused.state, bool(refused.faults)) == ("refused", True)
        data = answer(batch, (yes, ""), (no, "E0004"))
        taken = actions.import_order_return(batch, acting_user=payer, data=data, name="回盘.csv")
        again = actions.import_order_return(batch, acting_user=payer, data=data, name="回盘.csv")
    assert (taken.state, taken.paid_fen, taken.failed_fen, again.pk) == ("applied", 280_000, 100_000, taken.pk)
    assert [one.status for one in ward.orders()] == ["paid", "failed"]
    assert held(ward) == {"available": 5_620_000, "suspense": 100_000, "paid": 280_000}
    with at(payer, AFTER):
        kinds = list(OrderEvent.objects.order_by("id").values_list("order_id", "kind"))
    assert kinds == [(first.pk, "sent"), (refill.pk, "sent"), (first.pk, "paid"), (refill.pk, "failed")]
    clean()


def test_what_came_back_goes_out_again_to_another_account_once(ward, payer) -> None:
    clear(ward)
    words = load_bank_profile("generic-csv").returned
    with at(payer, AFTER):
        (batch,) = actions.make_order_files(acting_user=payer, county="420802")
        actions.import_order_return(batch, acting_user=payer, data=answer(batch, (words.paid[0], "")), name="一.csv")
        actions.import_order_return(
            batch, acting_user=payer, data=answer(batch, (words.returned[0], "9")), name="二.csv"
        )
    (order,) = ward.orders()
    assert (order.status, held(ward)) == ("returned", {"available": 5_720_000, "suspense": 280_000})
    clean()
    with at(payer, AFTER), pytest.raises(NothingToSendError, match="收款账户还没有更换"):
        actions.reissue_orders(acting_user=payer, county="420802")
    ward.account("6200000042080299")
    with at(payer, AFTER):
        (second,) = actions.reissue_orders(acting_user=payer, county="420802")
        item = BankItem.objects.get(batch=second)
        assert (second.is_reissue, item.account_last4, item.orig.batch_id, item.amount_fen) == (
            True,
            "0299",
            batch.pk,
            280_000,
        )
        assert second.no != batch.no
        actions.import_order_return(second, acting_user=payer, data=answer(second, (words.paid[0], "")), name="三.csv")
    assert held(ward) == {"available": 5_720_000, "paid": 280_000}
    clean()
    # The database: an order is in one file at a time, and its amount stands.
    with at(payer, AFTER):
        with pytest.raises(DatabaseError, match="payments_item_one_order"), transaction.atomic():
            BankItem.objects.filter(batch=batch).update(status="paid")
        with pytest.raises(DatabaseError, match="不能修改"), transaction.atomic():
            PayOrder.objects.filter(pk=order.pk).update(amount_fen=1)
        with pytest.raises(DatabaseError, match="不能由 paid 变为 sent"), transaction.atomic():
            PayOrder.objects.filter(pk=order.pk).update(status="sent")


def test_an_advance_that_came_back_after_it_was_used_is_owed(ward, treasury, payer) -> None:
    """The hospital's next month was set off against an advance the bank then gave back: the hospital never had that money."""
    words = load_bank_profile("generic-csv").returned
    treasury.do("hospital", 3_000, programme="medical", hospital=ward.agreement, on=date(2018, 1, 9))
    with at(treasury.keep, date(2018, 1, 9)), pytest.raises(FundInputError, match=r"在途 3,000\.00 元"):
        papers.propose(
            acting_user=treasury.keep, county="420802", kind="hospital", amount_fen=4_800_000, reason="再预付", programme="medical",
            hospital=ward.agreement,
        )  # fmt: skip
    with at(payer, date(2018, 1, 10)):
        (batch,) = actions.make_order_files(acting_user=payer, county="420802")
        actions.import_order_return(batch, acting_user=payer, data=answer(batch, (words.paid[0], "")), name="一.csv")
    assert held(ward) == {"available": 5_700_000, "hospital": 300_000}
    made = clear(ward)
    assert (made.advance_fen, made.paid_fen, len(ward.orders())) == (280_000, 0, 1)
    assert held(ward) == {"available": 5_700_000, "hospital": 20_000, "paid": 280_000}
    with at(payer, AFTER):
        actions.import_order_return(
            batch, acting_user=payer, data=answer(batch, (words.returned[0], "")), name="二.csv"
        )
    assert held(ward) == {"available": 5_700_000, "suspense": 300_000}
    clean()
    with at(payer, AFTER):
        (again,) = actions.reissue_orders(acting_user=payer, county="420802")
    clean()
    with at(payer, AFTER):
        actions.import_order_return(again, acting_user=payer, data=answer(again, (words.paid[0], "")), name="三.csv")
    assert held(ward) == {"available": 5_700_000, "hospital": 20_000, "paid": 280_000}
    clean()
    with at(payer, AFTER):  # and once more: what was paid as owed comes back as owed
        actions.import_order_return(
            again, acting_user=payer, data=answer(again, (words.returned[0], "")), name="四.csv"
        )
    assert held(ward) == {"available": 5_700_000, "suspense": 300_000}
    clean()


def test_a_file_of_orders_travels_the_line_of_the_place_and_its_statement_fits(
    ward, make_user, settings, tmp_path
) -> None:
    bank = wire_up(settings, tmp_path)
    with listening(bank) as address:
        desk = Desk(make_user, bank, address)
        clear(ward)
        with desk.on(AFTER), at(desk.staff.check, AFTER):
            (batch,) = actions.make_order_files(acting_user=desk.staff.check, county="420802", profile="iso20022")
            message = BankMessage.objects.get(batch=batch)
        assert message.no == batch.no
        with desk.on(AFTER):
            sent = actions.deliver(message.pk, acting_user=desk.staff.check)
        assert (sent.state, len(sent.signature)) == ("acknowledged", 128)
        bank.lay("pain.002", bank.report(batch.no))
        bank.pass_day()
        bank.lay("statement", bank.write_statement(bank.statement()))
        desk.collect(AFTER)
    assert held(ward) == {"available": 5_720_000, "paid": 280_000}
    with at(ward.money.keep, AFTER):
        (stated,) = StatementLine.objects.all()
        assert (stated.verdict, stated.item.order_id) == ("matched", ward.orders()[0].pk)
    clean()


def test_accounts_of_bodies_need_two_people_and_orders_need_an_account(treasury, make_user) -> None:
    ward = Ward(treasury, way="bank")
    with at(treasury.keep, AFTER):
        for wrong, field in (("12", "账号"), ("六二二", "账号")):
            with pytest.raises(FundInputError, match=field):
                payees.propose_payee(
                    acting_user=treasury.keep,
                    county="420802",
                    code="X",
                    holder="某院",
                    bank_name="某行",
                    account=wrong,
                    basis="函",
                )
        made = payees.propose_payee(
            acting_user=treasury.keep, county="420802", code="H9", holder="某院", bank_name="某行", account="6200 0000 0000 1234", basis="函"
        )  # fmt: skip
    assert (made.state, made.last4) == ("proposed", "1234")
    with at(treasury.keep, AFTER), pytest.raises(AccessDeniedError):
        payees.decide_payee(made, acting_user=treasury.keep, approve=True)
    with at(treasury.review, AFTER):
        with pytest.raises(FundInputError, match="理由"):
            payees.decide_payee(made, acting_user=treasury.review, approve=False)
        with pytest.raises(DatabaseError, match="不能修改"), transaction.atomic():
            PayeeAccount.objects.filter(pk=made.pk).update(holder="别人")
    # A hospital without an account in force is not cleared by the bank, and says what to do.
    other = Ward(treasury, code="H42080200002")
    with at(treasury.review, AFTER):
        papers.set_pay_way(acting_user=treasury.review, county="420802", way="bank")
    other.send(row("B1", family().head))
    with pytest.raises(FundInputError, match="没有在用的收款账户"):
        other.propose()
    # By the treasury it is booked at once, as before.
    with at(treasury.review, AFTER):
        papers.set_pay_way(acting_user=treasury.review, county="420802", way="treasury")
    done = other.decide(other.propose())
    assert (done.paid_fen, bool(done.entry_id), other.orders()) == (140_000, True, [])
    assert held(ward)["paid"] == 140_000
    clean()
    # Nor does an agreement end while money is on its way to the hospital.
    with at(treasury.review, MAY):
        papers.set_pay_way(acting_user=treasury.review, county="420802", way="bank")
    clear(ward)
    with at(treasury.keep, MAY), pytest.raises(FundInputError, match="还没有到账"):
        hospitals.end_agreement(ward.agreement, acting_user=treasury.keep, reason="到期")


def test_orders_are_the_countys_own(ward, make_user) -> None:
    clear(ward)
    other = hire(make_user, "420804", "pay_send", "fund_keep")
    with at(other, AFTER):
        assert not PayOrder.objects.exists()
        assert not PayeeAccount.objects.exists()
        with pytest.raises(NothingToSendError):
            actions.make_order_files(acting_user=other, county="420804")
        with pytest.raises(NotFoundError):
            actions.make_order_files(acting_user=other, county="420802")
