"""Payments asked back of a bank before it executes them: the bank's word alone decides, and what was to be stopped stays stopped."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from bankkit import ACCOUNT, DAY, MAY, Desk, listening, wire_up
from casekit import at
from django.db import DatabaseError, transaction
from fundkit import Treasury, clean
from paykit import family, pay_day, run_month

from tuodi.exchange.bank import load_bank_profile
from tuodi.files.store import open_plain
from tuodi.kernel import clock
from tuodi.org.access import system_scope
from tuodi.payments import actions, chain
from tuodi.payments.errors import FourEyesError, NothingToSendError, RecallError, StateError
from tuodi.payments.models import BankBatch, BankRecall, BankReturn, LedgerEntry, PayLine, PayRun, RecallLine

pytestmark = pytest.mark.django_db(transaction=True)
LATER = DAY + timedelta(days=1)


@pytest.fixture
def desk(make_user, settings, tmp_path):
    bank = wire_up(settings, tmp_path)
    bank.slow = True
    with listening(bank) as address:
        yield Desk(make_user, bank, address)


def sent(desk: Desk, homes: int = 3) -> tuple[PayRun, BankBatch]:
    """A month the bank has and has not executed."""
    run = desk.month(homes)
    desk.deliver(run)
    with system_scope("420802"):
        return run, BankBatch.objects.get(run=run)


def balance(run: PayRun, account: str) -> int:
    from tuodi.funds.models import Posting

    with system_scope("420802"):
        rows = Posting.objects.filter(entry__run_id=run.pk, account=account)
        return sum(one.debit_fen - one.credit_fen for one in rows)


def test_cancelled_before_it_was_paid_the_money_is_free_again_and_the_next_run_decides(desk: Desk, make_user) -> None:
    treasury = Treasury(make_user)
    treasury.do("appropriation", 100_000)
    run, batch = sent(desk)
    before = treasury.held()
    recall = desk.ask_back(batch, 2)
    assert (recall.state, recall.no) == ("asked", f"{batch.no}C01")
    assert desk.statuses(run) == ["sent"] * 3  # asking moves nothing
    assert desk.bank.taken[batch.no].cancelled == {2}
    desk.bank.lay("answer", desk.bank.answer_request(recall.no))
    (answer,) = desk.collect()
    assert (answer.state, answer.kind, answer.faults, answer.recall_id) == ("applied", "camt.029", [], recall.pk)
    desk.bank.execute(batch.no)
    desk.bank.lay("report", desk.bank.report(batch.no, seqs=[1, 3]))
    desk.collect()
    assert (desk.statuses(run), desk.words(recall)) == (["paid", "failed", "paid"], ["cancelled"])
    with system_scope("420802"):
        recall.refresh_from_db()
        line = PayLine.objects.get(items__batch=batch, items__seq=2)
        assert (recall.state, line.status) == ("answered", "withheld")
        assert [one.kind for one in line.events.order_by("id")] == ["sent", "failed", "withheld"]
        assert LedgerEntry.objects.filter(run_id=run.pk, kind__in=["failed", "withheld"]).count() == 2
        stopped = LedgerEntry.objects.get(run_id=run.pk, kind="withheld")
        found = chain.behind(stopped)
        assert found is not None
        assert [one.pk for one in found] == [line.pk]
    after = treasury.held()
    assert after["available"] == before["available"] + line.amount_fen
    assert after.get("suspense", 0) == after.get("transit", 0) == 0
    desk.clean(run)
    clean()
    with at(desk.staff.check, LATER), pytest.raises(NothingToSendError):
        actions.reissue(run, acting_user=desk.staff.check, profile="iso20022")
    # The family is still entitled here: the next month pays what this one did not.
    june = run_month(desk.staff, MAY + 1, upto="calculate")
    with system_scope("420802"):
        again = PayLine.objects.get(run=june, household_id=line.household_id)
        assert again.back_pay_fen == line.amount_fen


def test_a_county_without_a_fund_book_comes_out_even_too(desk: Desk) -> None:
    run, batch = sent(desk)
    recall = desk.ask_back(batch)
    desk.bank.lay("answer", desk.bank.answer_request(recall.no))
    desk.collect()
    assert desk.statuses(run) == ["failed"] * 3
    assert desk.lines(run) == ["withheld"] * 3
    assert {name: balance(run, name) for name in ("transit", "suspense", "reserved", "payable", "available")} == {
        "transit": 0, "suspense": 0, "reserved": 0, "payable": 0, "available": 0,
    }  # fmt: skip
    desk.clean(run)
    clean()


def test_to_be_paid_again_it_waits_to_be_named(desk: Desk) -> None:
    run, batch = sent(desk)
    recall = desk.ask_back(batch, 1, purpose="again", code="AC03")
    desk.bank.lay("answer", desk.bank.answer_request(recall.no))
    desk.collect()
    assert desk.lines(run) == ["failed", "sent", "sent"]
    with at(desk.staff.check, LATER):
        with pytest.raises(NothingToSendError):
            actions.reissue(run, acting_user=desk.staff.check, profile="iso20022")
        line = PayLine.objects.get(run=run, status="failed")
        (anew,) = actions.reissue(run, acting_user=desk.staff.check, lines=[line.pk], profile="iso20022")
    assert anew.lines == 1
    desk.clean(run)
    clean()


def test_paid_already_it_stays_paid_until_the_money_is_back(desk: Desk) -> None:
    """Accepted after paid: nothing moves on the word alone, whether the bank's report of the payment came before or not."""
    run, batch = sent(desk, 2)
    desk.bank.execute(batch.no)
    desk.bank.lay("report", desk.bank.report(batch.no, seqs=[1]))
    recall = desk.ask_back(batch)
    assert desk.bank.asked[recall.no].truth == {1: "returning", 2: "returning"}
    desk.bank.lay("answer", desk.bank.answer_request(recall.no))
    desk.collect()  # the report of 1 lies there first
    assert (desk.statuses(run), desk.words(recall)) == (["paid", "sent"], ["returning"] * 2)
    with system_scope("420802"), pytest.raises(RecallError, match="序号 1、2"):
        actions.propose_recall(
            batch, acting_user=desk.staff.check, purpose="stop", reason_code="UPAY", reason="再问一次", seqs=[1, 2]
        )
    desk.bank.lay("back", desk.bank.give_back(batch.no, [1, 2], code="FOCR"))
    desk.collect()
    assert (desk.statuses(run), desk.words(recall), desk.lines(run)) == (
        ["returned"] * 2, ["back"] * 2, ["withheld"] * 2,
    )  # fmt: skip
    desk.clean(run)
    clean()


def test_refused_and_silent_nothing_changes_and_time_ends_nothing(desk: Desk) -> None:
    run, batch = sent(desk)
    desk.bank.gives_back = False
    desk.bank.execute(batch.no, [1])
    recall = desk.ask_back(batch, 1, 2)
    assert desk.bank.asked[recall.no].truth == {1: "refused", 2: "cancelled"}
    desk.bank.lay("refused", desk.bank.answer_request(recall.no, only=[1]))
    desk.collect()
    assert (desk.statuses(run), desk.words(recall)) == (["sent"] * 3, ["refused", "asked"])
    far = DAY + timedelta(days=60)
    desk.bring(recall, far)
    assert desk.bank.totals()[recall.no]["copies"] == 1
    desk.bank.lay("looking", desk.bank.answer_request(recall.no, only=[2], pending=True))
    (pending,) = desk.collect(far)
    assert (pending.state, desk.words(recall)) == ("applied", ["refused", "asked"])
    with at(desk.staff.approve, far):
        with pytest.raises(RecallError, match="理由"):
            actions.give_up_recall(recall, acting_user=desk.staff.approve, reason=" ")
        actions.give_up_recall(recall, acting_user=desk.staff.approve, reason="银行三次催问不复")
    assert (desk.statuses(run), desk.words(recall)) == (["sent"] * 3, ["refused", "dropped"])
    desk.bank.lay("late", desk.bank.answer_request(recall.no, only=[2]))  # it counts all the same
    desk.collect(far)
    assert (desk.statuses(run), desk.words(recall)) == (["sent", "failed", "sent"], ["refused", "cancelled"])
    desk.clean(run)
    clean()


def test_an_answer_twice_forged_or_about_another_changes_nothing(desk: Desk) -> None:
    run, batch = sent(desk)
    recall = desk.ask_back(batch, 1, 2)
    true = desk.bank.answer_request(recall.no)
    text = true.decode()
    forged = {
        "no": text.replace(recall.no, f"{batch.no}C09"),
        "seq": text.replace(f"<OrgnlEndToEndId>{batch.no}-2<", f"<OrgnlEndToEndId>{batch.no}-3<"),
        "batch": text.replace(f"<OrgnlMsgId>{batch.no}<", f"<OrgnlMsgId>{batch.no[:-1]}9<"),
        "word": text.replace("ACCR", "NIXX", 1),
        "conf": text.replace("<Conf>CNCL<", "<Conf>NIXX<"),
    }
    for name, one in forged.items():
        assert one != text, name
        desk.bank.lay(name, one.encode())
    desk.bank.lay("bad", true, signature="bad")
    got = desk.collect()
    assert [one.state for one in got] == ["refused"] * 6
    assert all(one.faults for one in got)
    assert (desk.statuses(run), desk.words(recall)) == (["sent"] * 3, ["asked"] * 2)
    for _ in range(3):
        desk.bank.lay("true", true)
    desk.collect()
    with system_scope("420802"):
        assert BankReturn.objects.filter(recall=recall, state="applied").count() == 1
        assert LedgerEntry.objects.filter(run_id=run.pk, kind__in=["failed", "withheld"]).count() == 2
    # Cancelled and refused exclude each other; cancelled and paid as well.
    desk.bank.asked[recall.no].truth = {1: "refused", 2: "refused"}
    desk.bank.lay("other", desk.bank.answer_request(recall.no))
    desk.bank.lay("paid", desk.bank.report(batch.no, told=desk.bank.told(batch.no, [1], status="ACSC")))
    assert [one.state for one in desk.collect()] == ["refused", "refused"]
    assert desk.lines(run) == ["sent", "withheld", "withheld"]
    desk.clean(run)
    clean()


def test_the_payment_ended_otherwise_while_it_was_asked_for(desk: Desk) -> None:
    run, batch = sent(desk, 2)
    recall = desk.ask_back(batch, bring=False)
    desk.bank.failing = 1.0
    desk.bank.execute(batch.no)
    desk.bank.lay("report", desk.bank.report(batch.no))
    desk.collect()
    assert (desk.statuses(run), desk.words(recall), desk.lines(run)) == (
        ["failed"] * 2, ["otherwise"] * 2, ["withheld"] * 2,
    )  # fmt: skip
    assert desk.bring(recall).state == "acknowledged"
    desk.bank.lay("answer", desk.bank.answer_request(recall.no))
    (late,) = desk.collect()
    assert (late.state, late.failed_lines, desk.lines(run)) == ("applied", 0, ["withheld"] * 2)
    desk.clean(run)
    clean()


def test_four_eyes_reason_and_what_the_database_refuses(desk: Desk) -> None:
    run, batch = sent(desk)
    check, approve = desk.staff.check, desk.staff.approve
    with at(check, DAY):
        with pytest.raises(RecallError, match="理由"):
            actions.propose_recall(batch, acting_user=check, purpose="stop", reason_code="UPAY", reason="x")
        with pytest.raises(RecallError, match="序号 9"):
            actions.propose_recall(
                batch, acting_user=check, purpose="stop", reason_code="UPAY", reason="不应发放", seqs=[1, 9]
            )
        made = actions.propose_recall(batch, acting_user=check, purpose="stop", reason_code="UPAY", reason="不应发放")
        with pytest.raises(RecallError, match="没有可以"):
            actions.propose_recall(batch, acting_user=check, purpose="stop", reason_code="UPAY", reason="不应发放")
        actions.withdraw_recall(made, acting_user=check)
        made = actions.propose_recall(batch, acting_user=check, purpose="stop", reason_code="UPAY", reason="不应发放")
    with at(approve, DAY):
        with pytest.raises(DatabaseError, match="payments_recall_four_eyes"), transaction.atomic():
            BankRecall.objects.filter(pk=made.pk).update(decided_by=check, state="asked", file_id=batch.file_id)
        made = actions.confirm_recall(made, acting_user=approve)
        with pytest.raises(StateError):
            actions.confirm_recall(made, acting_user=approve)
        for change in ({"no": "X"}, {"purpose": "again"}, {"state": "proposed"}, {"sha256": "0"}):
            with pytest.raises(DatabaseError, match="撤销请求"), transaction.atomic():
                BankRecall.objects.filter(pk=made.pk).update(**change)
        with pytest.raises(DatabaseError, match="撤销明细"), transaction.atomic():
            RecallLine.objects.filter(recall=made).delete()
    assert desk.statuses(run) == ["sent"] * 3


def test_who_proposes_does_not_agree(desk: Desk) -> None:
    """Duties keep the two apart; so does the action, for who changed duty in between."""
    _, batch = sent(desk, 1)
    approve = desk.staff.approve
    with at(approve, DAY):
        made = BankRecall.objects.create(
            batch=batch, region=batch.region, no=f"{batch.no}C01", purpose="stop", reason_code="UPAY", reason="不应发放",
            proposed_at=clock.now(), proposed_by=approve,
        )  # fmt: skip
        with pytest.raises(FourEyesError):
            actions.confirm_recall(made, acting_user=approve)


def test_tables_carried_by_hand_do_the_same(make_user, settings, tmp_path, desk: Desk) -> None:
    """A place without a line: the file is downloaded, the answer imported on the run's page."""
    from simulators.bank.core import Bank
    from tuodi.files.store import open_plain

    bank = Bank(profile="generic-csv", pair=desk.bank.pair)
    bank.slow = True
    for n in range(3):
        family(village=f"42080200100{n + 1}")
    run = run_month(desk.staff, MAY, upto="approve")
    staff = desk.staff
    with at(staff.check, pay_day(MAY)):
        (batch,) = actions.make_bank_files(run, acting_user=staff.check)
        bank.submit(batch.no, open_plain(batch.file).read(), "")
    recall = desk.ask_back(batch, 1, 3, bring=False)
    with at(staff.check, DAY):
        data = open_plain(recall.file).read()
    assert "撤销" in data.decode("gb18030")
    assert bank.submit(recall.no, data, "") == ("accepted", "")
    assert bank.submit(recall.no, data, "")[0] == "duplicate"
    answer = bank.answer_request(recall.no)
    wrong = answer.decode("gb18030").replace("已撤销", "成功", 1).encode("gb18030")
    with at(staff.check, DAY):
        refused = actions.import_return(run, acting_user=staff.check, data=wrong, name="撤销答复.csv")
        got = actions.import_return(run, acting_user=staff.check, data=answer, name="撤销答复.csv")
    assert (refused.state, "不是撤销答复的用语" in refused.faults[0]) == ("refused", True)
    assert (got.state, got.failed_lines, desk.words(recall)) == ("applied", 2, ["cancelled"] * 2)
    assert desk.lines(run) == ["sent", "withheld", "withheld"]
    bank.execute(batch.no)
    with at(staff.check, DAY):
        actions.import_return(run, acting_user=staff.check, data=bank.report(batch.no, seqs=[2]), name="回盘.csv")
    assert desk.lines(run) == ["paid", "withheld", "withheld"]
    desk.clean(run)
    clean()


def test_what_leaves_and_comes_back_reads_the_same_at_both_ends() -> None:
    from simulators.bank.messages import camt029, read_camt056
    from tuodi.exchange.bank import Payment
    from tuodi.exchange.bank_files import Payer, read_answer, write_recall

    with clock.frozen(date(2017, 5, 8)):
        now = clock.now()
    rows = [Payment(n, "欧阳&", f"62170000{n:011d}", "农商行", 100 + n, "", "k") for n in (2, 5)]
    payer = Payer("专户<1>", "4200017000000001", "402532000012")
    for profile, generation in (("iso20022-2009", "2009"), ("iso20022", "2019")):
        layout = load_bank_profile(profile)
        data = write_recall(layout, "B1C01", "B1", rows, month="201705", payer=payer, at=now, code="DUPL", note="重复&")
        assert read_camt056(data) == ("B1C01", "B1", [2, 5], 207)
        told = [(rows[0], "ACCR", ""), (rows[1], "RJCR", "ARDT")]
        found = read_answer(
            layout, camt029(generation, number="B7", at=now, recall="B1C01", batch="B1", told=told, conf="PECR")
        )
        assert (found.no, found.about, found.message_id, found.faults) == ("B1C01", "B1", "B7", [])
        assert [(row.seq, row.result, row.code) for row in found.rows] == [(2, "cancelled", ""), (5, "refused", "ARDT")]


def test_the_customer_s_own_request_is_written_where_the_line_says_so_and_answered(
    make_user, settings, tmp_path
) -> None:
    """camt.055 in both versions, read by the bank, answered under the payment information, followed as ever."""
    from simulators.bank.messages import read_camt055
    from tuodi.payments.errors import RunInputError

    bank = wire_up(settings, tmp_path)
    bank.slow = True
    with listening(bank) as address:
        desk = Desk(make_user, bank, address)
        with at(desk.staff.check, DAY):
            wanted = {
                "place": "420802", "label": "农商行直联", "profile": "iso20022", "way": "http", "address": address, "payer_name": "专户",
                "payer_account": ACCOUNT, "payer_agent": "402532000012", "bank_key": bank.pair.public.hex(),
            }  # fmt: skip
            with pytest.raises(RunInputError, match="撤销报文"):
                actions.register_link(acting_user=None, **wanted, recall_form="camt.057")
            with pytest.raises(RunInputError, match="撤销报文"):
                actions.register_link(
                    acting_user=None, **{**wanted, "profile": "generic-csv"}, recall_form="camt.055.001.09"
                )
            desk.link = actions.register_link(acting_user=None, **wanted, recall_form="camt.055.001.09")
        run = desk.month(3)
        desk.deliver(run)
        with system_scope("420802"):
            batch = run.batches.get()
        recall = desk.ask_back(batch, 1, 2)
        with open_plain(recall.file) as plain:
            data = plain.read()
        assert b"camt.055.001.09" in data[:200]
        assert read_camt055(data)[:3] == (recall.no, batch.no, [1, 2])
        answer = bank.answer_request(recall.no)
        assert b"OrgnlPmtInfAndSts" in answer
        bank.lay("camt.029", answer)
        desk.collect()
        assert desk.words(recall) == ["cancelled", "cancelled"]
        assert desk.statuses(run) == ["failed", "failed", "sent"]
        desk.clean(run)
    clean()
