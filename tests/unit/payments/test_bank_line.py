"""A message's way to the bank and back: nothing lost, nothing twice, nothing believed that the bank did not sign."""

from __future__ import annotations

import argparse
import threading
from datetime import date, timedelta

import pytest
from bankkit import DAY, Desk, wire_up
from casekit import at
from django.db import connection, transaction
from django.db.utils import DatabaseError

from tuodi.kernel import clock
from tuodi.org.access import system_scope
from tuodi.payments import actions, bank_queries, tasks
from tuodi.payments.errors import BankBlockedError, DecisionError, NothingToSendError
from tuodi.payments.models import BankAttempt, BankDecision, BankItem, BankMessage, BankReturn, LedgerEntry, LineEvent

pytestmark = pytest.mark.django_db(transaction=True)
LATER = DAY + timedelta(days=1)


def words(desk: Desk, run) -> list[tuple[str, str]]:
    with system_scope("420802"):
        return list(BankAttempt.objects.filter(message__batch__run=run).order_by("id").values_list("kind", "word"))


def booked(run, *kinds: str) -> dict[str, int]:
    with system_scope("420802"):
        found = LedgerEntry.objects.filter(run_id=run.pk, kind__in=kinds).values_list("kind", flat=True)
        return {kind: list(found).count(kind) for kind in kinds}


def verb(*words: str) -> int:
    """`tuodi bank …`."""
    from tuodi.cli.verbs import bank

    parser = argparse.ArgumentParser()
    bank.register(parser.add_subparsers())
    given = parser.parse_args(["bank", *words])
    return int(given.run(given))


def test_a_message_goes_from_made_to_paid(desk: Desk, capsys) -> None:
    run = desk.month()
    (message,) = desk.messages(run)
    assert (message.state, message.signature, desk.bank.taken) == ("created", "", {})
    (message,) = desk.deliver(run)
    assert (message.state, len(message.signature), desk.statuses(run)) == ("acknowledged", 128, ["sent"] * 3)
    assert desk.bank.totals() == {message.no: {"copies": 1, "paid": 3, "failed": 0, "returned": 0}}
    assert words(desk, run) == [("leave", ""), ("ask", "absent"), ("word", "accepted")]
    desk.deliver(run)  # again: nothing leaves
    assert desk.bank.totals()[message.no]["copies"] == 1
    desk.bank.lay("report", desk.bank.report(message.no))
    (answer,) = desk.collect()
    assert (answer.state, answer.kind, answer.paid_lines, answer.faults) == ("applied", "pain.002", 3, [])
    assert (desk.statuses(run), desk.bank.inbox) == (["paid"] * 3, {})
    desk.clean(run)
    with desk.on():
        assert verb("status") == 0
        assert "农商行直联：已送 1 份，对账遗留 0 笔" in capsys.readouterr().out
        assert verb("key") == 0
        assert desk.bank.client.hex() in capsys.readouterr().out
    with system_scope("420802"), pytest.raises(DatabaseError, match="不能修改"), transaction.atomic():
        BankMessage.objects.filter(pk=message.pk).update(no="X")


@pytest.fixture
def one_a_file(monkeypatch):
    """The bank takes one payment a file: a run goes out as as many messages as it has lines."""
    from tuodi.exchange.bank import load_bank_profile

    small = load_bank_profile("iso20022").model_copy(update={"max_lines": 1})
    monkeypatch.setattr("tuodi.payments.actions.bank.load_bank_profile", lambda name: small)


def test_no_answer_is_no_failure_and_nothing_leaves_before_the_bank_is_asked(desk: Desk, one_a_file) -> None:
    """Faults 2 and 9: the bank has the file and its word is lost; a reply that is not signed is no word either."""
    faults = ["500_after", "cut_after", "timeout_after", "unsigned"]
    run = desk.month(len(faults))
    desk.bank.submit_faults = list(faults)
    lost = desk.deliver(run)
    assert ([one.state for one in lost], desk.statuses(run)) == (["sent"] * 4, ["unknown"] * 4)
    desk.clean(run)
    with at(desk.staff.check, LATER), pytest.raises(NothingToSendError):
        actions.reissue(run, acting_user=desk.staff.check, profile="iso20022")
    found = desk.deliver(run, LATER)
    assert [one.state for one in found] == ["acknowledged"] * 4
    assert words(desk, run)[-2:] == [("leave", ""), ("ask", "accepted")]
    assert {told["copies"] for told in desk.bank.totals().values()} == {1}
    for one in found:
        desk.bank.lay("report", desk.bank.report(one.no))
    desk.collect(LATER)
    assert desk.statuses(run) == ["paid"] * 4
    desk.clean(run)


def test_what_never_arrived_is_sent_again_under_the_same_number_with_the_same_bytes(desk: Desk) -> None:
    run = desk.month()
    desk.bank.submit_faults = ["500_before"]
    desk.deliver(run)
    assert (desk.statuses(run), desk.bank.taken) == (["unknown"] * 3, {})
    with desk.on(LATER):  # fault 21: nothing in a queue; the work is found from the rows, twice, and done once
        tasks.deliver_due()
        tasks.deliver_due()
    (message,) = desk.messages(run)
    assert message.state == "acknowledged"
    assert desk.bank.taken[message.no].sha256 == message.sha256
    assert desk.bank.totals()[message.no]["copies"] == 1


def test_a_batch_the_bank_refuses_fails_line_by_line_and_goes_out_anew_under_another_number(desk: Desk) -> None:
    run = desk.month()
    desk.bank.submit_faults = ["refuse"]
    (first,) = desk.deliver(run)
    assert (first.state, desk.statuses(run), booked(run, "failed")) == ("refused", ["failed"] * 3, {"failed": 1})
    desk.clean(run)
    with at(desk.staff.check, LATER):
        actions.reissue(run, acting_user=desk.staff.check, profile="iso20022")
    second = desk.messages(run)[1]
    with system_scope("420802"):
        assert second.no != first.no
        assert {one.orig.batch_id for one in second.batch.items.all()} == {first.batch_id}
    desk.deliver(run, LATER)
    desk.bank.lay("report", desk.bank.report(second.no))
    desk.collect(LATER)
    assert desk.lines(run) == ["paid"] * 3
    desk.clean(run)


def test_two_workers_bring_one_message_once(desk: Desk) -> None:
    """Fault 8."""
    run = desk.month()
    (message,) = desk.messages(run)
    failed: list[BaseException] = []
    with desk.on():

        def work() -> None:
            try:
                actions.deliver(message.pk)
            except BaseException as error:
                failed.append(error)
            finally:
                connection.close()

        threads = [threading.Thread(target=work) for _ in range(6)]
        for one in threads:
            one.start()
        for one in threads:
            one.join(timeout=60)
    assert failed == []
    assert desk.bank.totals()[message.no]["copies"] == 1
    assert [word for kind, word in words(desk, run) if kind == "word"] == ["accepted"]


def test_the_bank_takes_it_and_keeps_silent(desk: Desk) -> None:
    """Fault 10: an alarm after so many working days; nothing is sent again and nothing fails."""
    run = desk.month()
    desk.deliver(run)
    with at(desk.staff.check, DAY + timedelta(days=2)):
        assert bank_queries.silent(desk.link) == []
    with at(desk.staff.check, DAY + timedelta(days=4)):  # Monday to Friday: more than three working days
        (late,) = bank_queries.silent(desk.link)
    assert (late.days, late.lines) == (4, 3)
    desk.deliver(run, DAY + timedelta(days=4))
    assert desk.bank.totals()[late.no]["copies"] == 1
    assert desk.statuses(run) == ["sent"] * 3


ORDERS = (
    ("paid", "back"), ("back", "paid"), ("paid", "back", "back"), ("back", "back", "paid", "paid"), ("pending", "back", "paid", "pending"),
)  # fmt: skip


def test_the_end_does_not_depend_on_the_order_of_answers(desk: Desk) -> None:
    """Faults 11 and 12: twice, out of order, a return before the success: one reversal, money back once."""
    run = desk.month(len(ORDERS))
    (message,) = desk.deliver(run)
    bank, no = desk.bank, message.no
    for seq, order in enumerate(ORDERS, 1):
        answers = {
            "paid": bank.report(no, seqs=[seq]),
            "back": bank.give_back(no, [seq]),
            "pending": bank.report(no, told=bank.told(no, [seq], status="PDNG")),
        }
        for one in order:
            bank.lay(one, answers[one])
    got = desk.collect()
    assert [one.faults for one in got] == [[]] * sum(map(len, ORDERS))
    assert desk.statuses(run) == ["returned"] * len(ORDERS)
    with system_scope("420802"):
        kinds = list(LineEvent.objects.filter(line__run=run).values_list("kind", flat=True))
        assert (kinds.count("paid"), kinds.count("returned")) == (len(ORDERS), len(ORDERS))
    desk.clean(run)


def test_one_answer_taken_by_several_at_once_is_applied_once(desk: Desk) -> None:
    run = desk.month()
    (message,) = desk.deliver(run)
    desk.bank.lay("report", desk.bank.report(message.no))
    data = next(iter(desk.bank.inbox.values()))[0]
    failed: list[BaseException] = []

    def work() -> None:
        try:
            actions.collect(desk.link, acting_user=desk.staff.check)
        except BaseException as error:
            failed.append(error)
        finally:
            connection.close()

    with desk.on():
        threads = [threading.Thread(target=work) for _ in range(4)]
        for one in threads:
            one.start()
        for one in threads:
            one.join(timeout=60)
    assert failed == []
    assert data
    assert booked(run, "paid") == {"paid": 1}
    with system_scope("420802"):
        assert BankReturn.objects.filter(batch=message.batch, state="applied").count() == 1
    desk.clean(run)


FORGED = {
    "amount": "送出的是", "account": "不是送出的账号", "name": "户名与送出的不同", "unknown": "没有序号 99999",
    "other_batch": "不是本期送出的批次", "sum": "银行收到", "count": "银行收到 4 笔",
}  # fmt: skip


def test_a_forged_answer_is_refused_whole_and_kept(desk: Desk) -> None:
    """Fault 13, one file for each; and signatures: wrong, missing, a file cut short."""
    run = desk.month()
    (message,) = desk.deliver(run)
    for forge in FORGED:
        desk.bank.lay(forge, desk.bank.report(message.no, forge=forge))
    whole = desk.bank.report(message.no)
    desk.bank.lay("bad", whole, signature="bad")
    desk.bank.lay("none", whole, signature="none")
    desk.bank.lay("cut", whole[:-300])
    got = desk.collect()
    assert [one.state for one in got] == ["refused"] * (len(FORGED) + 3)
    for one, why in zip(got, [*FORGED.values(), "签名不能通过", "没有银行签名", "不是完整的 XML"], strict=True):
        assert any(why in fault for fault in one.faults), (why, one.faults)
    assert desk.statuses(run) == ["sent"] * 3
    assert booked(run, "paid", "failed", "returned") == {"paid": 0, "failed": 0, "returned": 0}
    with system_scope("420802"):
        assert {one.sha256 for one in BankReturn.objects.all()} == {one.sha256 for one in got}  # evidence
    with at(desk.staff.check, DAY):  # by hand, without the bank's signature: neither an answer nor a statement
        by_hand = actions.import_return(
            run, acting_user=desk.staff.check, data=whole, name="回盘.xml", profile="iso20022"
        )
        paper = desk.bank.write_statement(desk.bank.statement())
        statement = actions.import_statement(desk.link, acting_user=desk.staff.check, data=paper, name="对账单.xml")
    assert (by_hand.state, statement.state, desk.statuses(run)) == ("refused", "refused", ["sent"] * 3)
    desk.bank.lay("report", whole)  # the true one, after its forged copies
    (answer,) = desk.collect()
    assert (answer.state, desk.statuses(run)) == ("applied", ["paid"] * 3)
    desk.clean(run)


def test_one_number_of_the_bank_with_another_content_is_refused(desk: Desk) -> None:
    run = desk.month()
    (message,) = desk.deliver(run)
    first = desk.bank.report(message.no, seqs=[1])
    desk.bank.lay("first", first)
    number = first.split(b"<MsgId>")[1].split(b"<")[0]
    other = desk.bank.report(message.no, seqs=[2])
    desk.bank.lay("other", other.replace(other.split(b"<MsgId>")[1].split(b"<")[0], number, 1))
    assert [one.state for one in desk.collect()] == ["applied", "refused"]
    assert desk.statuses(run) == ["paid", "sent", "sent"]


def test_failed_and_paid_exclude_each_other(desk: Desk) -> None:
    run = desk.month()
    (message,) = desk.deliver(run)
    desk.bank.lay("failed", desk.bank.report(message.no, told=desk.bank.told(message.no, [1], status="RJCT")))
    desk.bank.lay("paid", desk.bank.report(message.no, seqs=[1]))
    assert [one.state for one in desk.collect()] == ["applied", "refused"]
    assert desk.statuses(run) == ["failed", "sent", "sent"]
    desk.clean(run)


def test_an_unknown_line_ends_by_two_people_or_by_the_bank(desk: Desk) -> None:
    run = desk.month()
    desk.bank.submit_faults = ["500_after"]
    (message,) = desk.deliver(run)
    staff = desk.staff
    with system_scope("420802"):
        one, two, three = BankItem.objects.filter(batch=message.batch).order_by("seq")
    with at(staff.check, LATER):
        with pytest.raises(DecisionError, match="依据"):
            actions.propose_item(one, acting_user=staff.check, outcome="paid", reason=" ")
        with pytest.raises(DecisionError, match="请选择"):
            actions.propose_item(one, acting_user=staff.check, outcome="returned", reason="银行来电答复")
        paid = actions.propose_item(
            one, acting_user=staff.check, outcome="paid", reason="农商行 5 月 9 日书面答复已入账"
        )
        failed = actions.propose_item(
            two, acting_user=staff.check, outcome="failed", reason="农商行 5 月 9 日书面答复未受理"
        )
        late = actions.propose_item(three, acting_user=staff.check, outcome="failed", reason="农商行 5 月 9 日电话答复")
        with pytest.raises(DecisionError, match="待复核"):
            actions.propose_item(one, acting_user=staff.check, outcome="failed", reason="再提一次")
    assert desk.statuses(run) == ["unknown"] * 3
    with (
        system_scope("420802"),
        pytest.raises(DatabaseError, match="payments_decision_four_eyes"),
        transaction.atomic(),
    ):
        BankDecision.objects.filter(pk=paid.pk).update(state="confirmed", closed_by=staff.check, closed_at=clock.now())
    with at(staff.approve, LATER):
        actions.confirm_decision(paid, acting_user=staff.approve)
        actions.confirm_decision(failed, acting_user=staff.approve)
        with pytest.raises(DecisionError, match="已复核"):
            actions.confirm_decision(paid, acting_user=staff.approve)
    assert desk.statuses(run) == ["paid", "failed", "unknown"]
    assert booked(run, "paid", "failed") == {"paid": 1, "failed": 1}
    # The bank speaks before the third is confirmed: its word stands, and it is contradicted nowhere.
    desk.bank.lay("report", desk.bank.report(message.no, seqs=[3]))
    desk.collect(LATER)
    with at(staff.approve, LATER):
        with pytest.raises(DecisionError, match="以银行答复为准"):
            actions.confirm_decision(late, acting_user=staff.approve)
        actions.withdraw_decision(late, acting_user=staff.approve)
    assert desk.statuses(run) == ["paid", "failed", "paid"]
    desk.clean(run)


def test_drop_folders_work_the_same(make_user, settings, tmp_path) -> None:
    bank = wire_up(settings, tmp_path)
    root = tmp_path / "drop"
    desk = Desk(make_user, bank, str(root), way="folder")
    run = desk.month()
    (message,) = desk.deliver(run)
    name = f"{message.no}.xml"
    assert sorted(one.name for one in (root / "out").iterdir()) == [name, f"{name}.sig"]
    assert (message.state, desk.statuses(run)) == (
        "sent",
        ["sent"] * 3,
    )  # nobody has said anything, which is no time-out
    bank.visit(root)
    assert bank.totals()[message.no]["paid"] == 3
    bank.lay("ack", bank.report(message.no, told=[], group="ACCP"))
    bank.lay("report", bank.report(message.no))
    bank.visit(root)
    (root / "in" / ".half.xml").write_bytes(b"<Docu")  # still being written
    assert [one.state for one in desk.collect()] == ["applied", "applied"]
    assert [one.state for one in desk.messages(run)] == ["acknowledged"]
    assert desk.statuses(run) == ["paid"] * 3
    assert len(list((root / "done").iterdir())) == 4
    desk.clean(run)


def test_a_restored_database_sends_nothing_before_a_statement_is_reconciled(desk: Desk, as_owner) -> None:
    """Fault 25, in the small: what left last night is unknown to the database and paid at the bank."""
    run = desk.month()
    (message,) = desk.deliver(run)
    # The database as it was before: nothing had left. The mark outside knows better.
    with as_owner(), connection.cursor() as cursor:
        cursor.execute(
            "alter table payments_bankmessage disable trigger user; alter table payments_banklink disable trigger user"
        )
        cursor.execute(
            "update payments_bankmessage set state = 'created', signature = '', key_id = '', signed_at = null, sent_at = null"
        )
        cursor.execute("update payments_banklink set sent_no = 0, sent_on = null")
        cursor.execute(
            "alter table payments_bankmessage enable trigger user; alter table payments_banklink enable trigger user"
        )
    with pytest.raises(BankBlockedError, match="可能是由备份恢复的"):
        desk.deliver(run, LATER)
    with desk.on(LATER):
        (why,) = tasks.deliver_due()
    assert "暂停送出" in why
    approve = desk.staff.approve
    with at(approve, LATER), pytest.raises(BankBlockedError, match="须覆盖到"):
        actions.resume_sending(desk.link, acting_user=approve)
    desk.bank.lay("statement", desk.bank.write_statement(desk.bank.statement()))
    (statement,) = desk.collect()
    assert (statement.state, statement.faults, desk.statuses(run)) == ("applied", [], ["paid"] * 3)
    with at(approve, LATER):
        actions.resume_sending(desk.link, acting_user=approve)
    (message,) = desk.deliver(run, LATER)  # asked first: the bank has it
    assert message.state == "acknowledged"
    assert desk.bank.totals()[message.no]["copies"] == 1
    desk.clean(run)
    assert desk.lines(run) == ["paid"] * 3


def test_a_lost_mark_blocks_too(desk: Desk, settings) -> None:
    first = desk.month()
    desk.deliver(first)
    settings.BANK_MARK.unlink()
    from tuodi.payments.actions.messages import block_of

    with system_scope("420802"):
        desk.link.refresh_from_db()
        assert "没有送出标记" in block_of(desk.link)


def test_the_clock_of_a_year_without_a_list_of_days_off_raises_no_alarm_it_cannot_reckon(desk: Desk) -> None:
    run = desk.month()
    desk.deliver(run)
    with at(desk.staff.check, date(2031, 1, 5)):
        (late,) = bank_queries.silent(desk.link)
    assert late.days is None  # pending: shown, and not reckoned
