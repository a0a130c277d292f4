"""Money of bodies on the statement: found by reference or account, booked once, never beside a voucher for the same money."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from bankkit import Desk, listening, wire_up
from casekit import at, hire
from django.db import DatabaseError, transaction
from fundkit import Treasury, clean
from hospitalkit import AFTER, Ward, premium_answer
from paykit import family

from tuodi.exchange.bank import BatchHead, load_bank_profile, read_payments, write_return
from tuodi.exchange.bank_files import StatementEntry
from tuodi.exchange.iso20022 import end_to_end
from tuodi.files.store import open_plain
from tuodi.funds import hospital, refunds
from tuodi.funds import premiums as reads
from tuodi.funds.actions import emergencies, payees, premiums
from tuodi.funds.errors import FundInputError, FundStateError
from tuodi.funds.models import PayOrder, StatementRefund
from tuodi.funds.states import ClaimFrom
from tuodi.payments import actions, bank_queries
from tuodi.payments.models import BankBatch, BankMessage, StatementLine

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("premium_rules")]
COLLECTOR, HOSPITAL = "6200000042080288", "6200000042080201"
COLLECTED, LATER = AFTER + timedelta(days=5), AFTER + timedelta(days=7)


def credit(fen: int, reference: str = "", *, account: str = "", ref: str = "") -> StatementEntry:
    return StatementEntry(0, fen, False, reference, ref, None, account, "测试对方")


def pay_all(desk: Desk, bank) -> BankBatch:
    """The orders of the county, sent and paid, with the statement of the day."""
    with desk.on(AFTER), at(desk.staff.check, AFTER):
        (batch,) = actions.make_order_files(acting_user=desk.staff.check, county="420802", profile="iso20022")
        message = BankMessage.objects.get(batch=batch)
    with desk.on(AFTER):
        actions.deliver(message.pk, acting_user=desk.staff.check)
    bank.lay("pain.002", bank.report(batch.no))
    state(desk, bank)
    return batch


def state(desk: Desk, bank, *entries: StatementEntry) -> None:
    bank.pass_day()
    bank.lay("statement", bank.write_statement(bank.statement(poison=entries)))
    desk.collect(COLLECTED)


def open_refunds(user) -> list[StatementRefund]:
    with at(user, LATER):
        return list(StatementRefund.objects.filter(state="proposed").select_related("order").order_by("line_id"))


def test_a_collector_s_money_is_booked_from_the_statement_once(make_user, settings, tmp_path) -> None:
    treasury = Treasury(make_user)
    treasury.do("appropriation", 60_000, programme="medical")
    homes = [family() for _ in range(4)]
    with at(treasury.keep, AFTER):
        made = payees.propose_payee(
            acting_user=treasury.keep, county="420802", code="SW420802", holder="测试区税务局", bank_name="国库", account=COLLECTOR, basis="函"
        )  # fmt: skip
    with at(treasury.review, AFTER):
        payees.decide_payee(made, acting_user=treasury.review, approve=True)
    with at(treasury.keep, AFTER):
        row, _ = premiums.propose_premiums(
            acting_user=treasury.keep, county="420802", year=2018, on=AFTER, code="SW420802", collector="测试区税务局"
        )
    with at(treasury.review, AFTER):
        premiums.decide_premiums(row, acting_user=treasury.review, approve=True)
    bank = wire_up(settings, tmp_path)
    with listening(bank) as address:
        desk = Desk(make_user, bank, address)
        batch = pay_all(desk, bank)
        keep = treasury.keep
        with at(keep, LATER):
            data = premium_answer(*((home.head, "未参保") for home in homes[:3]))
            premiums.import_answer(row, acting_user=keep, data=data, name="回执.csv")
            premiums.receive_refund(row, acting_user=keep, amount_fen=18_000, voucher="T1", received_on=LATER)
        reference = end_to_end(batch.no, 1)
        state(
            desk, bank, credit(18_000, reference, ref="B71"), credit(18_000, account=COLLECTOR, ref="B72"),
            credit(5, account="6200000000000009", ref="B73"), credit(99_999_00, account=COLLECTOR, ref="B74"),
        )  # fmt: skip
        first, second = open_refunds(keep)
        assert (first.order.kind, second.order, first.bank_ref, second.bank_ref) == ("premium", None, "B71", "B72")
        order = first.order
        stranger = hire(make_user, "420804", "fund_keep")
        assert open_refunds(stranger) == []
        with at(keep, LATER):
            assert bank_queries.leftovers(desk.link).count() == 4
            with pytest.raises(FundInputError, match="在对账单"):
                premiums.receive_refund(row, acting_user=keep, amount_fen=18_000, voucher="T2", received_on=LATER)
            # The voucher T1 and the first entry are one money; the second entry is money of its own.
            with pytest.raises(FundInputError, match="已登记为凭证 T1"):
                actions.confirm_refund(first, order, acting_user=keep)
            assert actions.same_refund(first, order, acting_user=keep).premium.voucher == "T1"
            with pytest.raises(FundInputError, match="没有凭凭证登记过"):
                actions.same_refund(second, order, acting_user=keep)
            booked = actions.confirm_refund(second, order, acting_user=keep)
            assert (booked.premium.voucher, booked.premium.amount_fen) == ("B72", 18_000)
            with pytest.raises(FundStateError, match="已入账"):
                actions.confirm_refund(second, order, acting_user=keep)
            with pytest.raises(FundInputError, match="已按对账单"):
                premiums.receive_refund(row, acting_user=keep, amount_fen=18_000, voucher="T2", received_on=LATER)
            assert reads.due_back(row) == 18_000
            assert bank_queries.leftovers(desk.link).count() == 2
            assert sorted(StatementLine.objects.filter(debit=False).values_list("verdict", flat=True)) == [
                "other", "other", "refund", "refund",
            ]  # fmt: skip
    assert treasury.held(programme="medical", on=LATER)["paid"] == row.amount_fen - 36_000
    clean()


def test_a_hospital_s_money_back_stays_a_paper_of_two_people(make_user, settings, tmp_path) -> None:
    treasury = Treasury(make_user)
    treasury.do("appropriation", 60_000, programme="medical")
    ward = Ward(treasury, way="bank")
    treasury.do("hospital", 3_000, programme="medical", hospital=ward.agreement, on=AFTER)
    bank = wire_up(settings, tmp_path)
    keep, review = treasury.keep, treasury.review
    with listening(bank) as address:
        desk = Desk(make_user, bank, address)
        pay_all(desk, bank)
        state(desk, bank, credit(1_000_00, account=HOSPITAL, ref="B81"))
        (found,) = open_refunds(keep)
        with at(keep, LATER):
            order = PayOrder.objects.get(kind="advance")
            with pytest.raises(FundInputError, match="在对账单"):
                treasury.propose("hospital_back", 1_000, programme="medical", hospital=ward.agreement, on=LATER)
            paper = actions.confirm_refund(found, order, acting_user=keep).paper
            assert (paper.state, hospital.balance(ward.agreement)) == ("proposed", 3_000_00)
        treasury.decide(paper, on=LATER, approve=False, note="先核对凭证")
        (again,) = open_refunds(keep)
        assert (again.pk, again.paper_id) == (found.pk, None)
        with at(keep, LATER):
            paper = actions.confirm_refund(again, order, acting_user=keep).paper
        treasury.decide(paper, on=LATER)
        with at(keep, LATER):
            assert hospital.balance(ward.agreement) == 2_000_00
            with pytest.raises(FundInputError, match="已按对账单"):
                treasury.propose("hospital_back", 1_000, programme="medical", hospital=ward.agreement, on=LATER)
            assert bank_queries.leftovers(desk.link).count() == 0
        # What is none stays a leftover for two people.
        state(desk, bank, credit(7_00, account=HOSPITAL, ref="B82"))
        (other,) = open_refunds(keep)
        with at(keep, LATER):
            with pytest.raises(FundInputError, match="理由"):
                actions.dismiss_refund(other, acting_user=keep, reason="")
            actions.dismiss_refund(other, acting_user=keep, reason="医院误转的餐费")
            assert bank_queries.leftovers(desk.link).count() == 1
    assert review.pk != keep.pk
    clean()


def test_a_hospital_gives_emergency_money_back_once_it_is_claimed(make_user) -> None:
    treasury = Treasury(make_user)
    treasury.do("appropriation", 9_000, programme="emergency")
    ward, payer, keep = Ward(treasury, way="bank"), hire(make_user, "420802", "pay_send"), treasury.keep
    with at(keep, AFTER):
        case = emergencies.propose_emergency(
            ward.agreement, acting_user=keep, label="无名氏", reason="unidentified", found="路人报警", admitted_on=date(2018, 3, 2),
            ended_on=date(2018, 3, 9), cost_fen=4_000_00, other_fen=0, asked_fen=3_000_00, evidence=b"scan", evidence_name="病历.pdf",
        )  # fmt: skip
    with at(treasury.review, AFTER):
        case = emergencies.decide_emergency(case, acting_user=treasury.review, approve=True)
    with at(payer, AFTER):
        (batch,) = actions.make_order_files(acting_user=payer, county="420802")
        layout = load_bank_profile(batch.profile)
        with open_plain(batch.file) as plain:
            head, rows = read_payments(layout, plain.read())
        told = [(one, layout.returned.paid[0], "", "", f"B{one.seq}") for one in rows]
        data = write_return(layout, BatchHead(head.no, 1, head.amount_fen, head.month, ""), told, posted=AFTER)
        actions.import_order_return(batch, acting_user=payer, data=data, name="回盘.csv")
    with at(keep, LATER):
        order = PayOrder.objects.get(status="paid")
        (found,) = refunds.propose(
            [refunds.Credit(91, "DZ1", 500_00, COLLECTED, "B91", order.region, order.code, order.name, None)]
        )
        assert (
            refunds.propose(
                [refunds.Credit(92, "DZ1", 9_000_00, COLLECTED, "B92", order.region, order.code, order.name, None)]
            )
            == []
        )
        with pytest.raises(FundStateError, match="没有未结金额"):
            actions.confirm_refund(found, order, acting_user=keep)
        emergencies.identify(
            case, acting_user=keep, identity="查明", claim_from=ClaimFrom.values[0], claim_fen=1_000_00
        )
        with pytest.raises(FundInputError, match="在对账单"):
            emergencies.receive(
                case, acting_user=keep, amount_fen=500_00, payer="某院", voucher="T9", received_on=LATER
            )
        assert actions.confirm_refund(found, order, acting_user=keep).emergency.payer == order.name
        with pytest.raises(FundInputError, match="已按对账单"):
            emergencies.receive(
                case, acting_user=keep, amount_fen=500_00, payer="某院", voucher="T9", received_on=LATER
            )
        with pytest.raises(DatabaseError, match="不能修改"), transaction.atomic():
            StatementRefund.objects.update(state="proposed", emergency=None, decided_by=None)
    clean()
