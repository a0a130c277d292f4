"""Bank files carried by hand: marked outside the database before they are given out, and after a restore never twice."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest
from bankkit import DAY, MAY, Desk
from casekit import at
from django.db import connection, transaction
from django.db.utils import DatabaseError, IntegrityError
from django.test import Client
from django.urls import reverse
from paykit import Staff, family, run_month

from simulators.bank import answer_file
from tuodi.exchange.bank_files import StatementEntry
from tuodi.exchange.iso20022 import end_to_end
from tuodi.files.store import open_plain
from tuodi.kernel import clock
from tuodi.org.access import NATION, system_scope
from tuodi.org.errors import AccessDeniedError
from tuodi.payments import actions
from tuodi.payments.actions import handouts
from tuodi.payments.errors import DecisionError, HandoutBlockedError
from tuodi.payments.models import BankBatch, BankReturn, Handout, HandoutRelease, PayRun

pytestmark = pytest.mark.django_db(transaction=True)
LATER = DAY + timedelta(days=1)
COUNTY = "420802"


@pytest.fixture
def staff(make_user) -> Staff:
    return Staff(make_user, COUNTY)


def made(staff: Staff, homes: int = 2) -> tuple[PayRun, BankBatch]:
    """A run with its file, which nobody has fetched yet."""
    for n in range(homes):
        family(village=f"42080200100{n % 9 + 1}")
    run = run_month(staff, MAY, upto="send")
    with system_scope(COUNTY):
        return run, run.batches.select_related("file").get()


def fetch(staff: Staff, batch: BankBatch, day: date = DAY) -> bytes:
    with clock.frozen(day):
        return actions.hand_out(batch.pk, acting_user=staff.check)[1]


def restored(as_owner) -> None:
    """The database as it was before anything was carried."""
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("alter table payments_handout disable trigger user")
        cursor.execute("delete from payments_handout")
        cursor.execute("alter table payments_handout enable trigger user")


def blocked() -> list[str]:
    with system_scope(NATION):
        return [one.block for one in handouts.blocks_over(COUNTY)]


def take_answer(staff: Staff, run: PayRun, batch: BankBatch, day: date = LATER) -> BankReturn:
    with at(staff.check, day):
        data = answer_file(open_plain(batch.file).read(), seed=1, failing=0.0, posted=day)
        return actions.import_return(run, acting_user=staff.check, data=data, name="回盘.csv")


def test_the_mark_is_on_disk_before_the_bytes_and_counts_each_file_once(staff: Staff, settings, monkeypatch) -> None:
    _, batch = made(staff)
    seen: list[tuple[dict, int]] = []
    real = handouts.plain_copy

    def watched(stored):
        with system_scope(COUNTY):
            seen.append((json.loads(settings.BANK_MARK.read_text()), Handout.objects.count()))
        return real(stored)

    monkeypatch.setattr(handouts, "plain_copy", watched)
    body = fetch(staff, batch)
    assert body.startswith(open_plain(batch.file).read()[:20])
    mark = {"no": 1, "day": "2017-05-08", "files": {batch.no: [1, "2017-05-08"]}}
    assert seen == [({"hand:420802": mark}, 1)]
    assert fetch(staff, batch, LATER) == body  # again: the same file, nothing counted
    assert json.loads(settings.BANK_MARK.read_text()) == {"hand:420802": mark}
    assert blocked() == []
    with system_scope(COUNTY), pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        Handout.objects.update(no=7)
    with at(staff.check, DAY), pytest.raises(RuntimeError, match="commits its steps"):
        actions.hand_out(batch.pk, acting_user=staff.check)


def test_a_mark_that_cannot_be_written_gives_nothing_out_and_blocks_nothing(
    staff: Staff, settings, monkeypatch
) -> None:
    _, batch = made(staff)

    def full(*_args, **_more) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("tuodi.payments.actions.messages.write_whole", full)
        with pytest.raises(OSError, match="No space"):
            fetch(staff, batch)
    with system_scope(COUNTY):
        assert Handout.objects.count() == 0
    assert (blocked(), bool(fetch(staff, batch))) == ([], True)


def test_after_a_restore_nothing_is_carried_before_two_persons_said_so(staff: Staff, as_owner) -> None:
    _, batch = made(staff)
    fetch(staff, batch)
    restored(as_owner)
    (why,) = blocked()
    assert "数据库记到第 0 份" in why
    assert "2017-05-08 已交出第 1 份" in why
    assert batch.no in why
    with pytest.raises(HandoutBlockedError, match=r"不能下载送银行.*由备份恢复"):
        fetch(staff, batch, LATER)
    # The prefecture's files pay the same families.
    with system_scope(NATION):
        assert len(handouts.blocks_over("4208")) == 1
        assert handouts.blocks_over("420803") == []
    with at(staff.approve, LATER), pytest.raises(HandoutBlockedError, match="没有银行回盘"):
        actions.release_by_evidence(COUNTY, acting_user=staff.approve)
    with at(staff.check, LATER), pytest.raises(DecisionError, match="依据"):
        actions.propose_release(COUNTY, acting_user=staff.check, reason="好")
    with at(staff.check, LATER):
        asked = actions.propose_release(COUNTY, acting_user=staff.check, reason="农商行 5 月 9 日书面答复没有收到")
        with pytest.raises(AccessDeniedError):
            actions.confirm_release(asked, acting_user=staff.check)
        with pytest.raises(DecisionError, match="已有待复核"):
            actions.propose_release(COUNTY, acting_user=staff.check, reason="农商行书面答复")
        alone = HandoutRelease.objects.filter(pk=asked.pk)
        with pytest.raises(IntegrityError, match="four_eyes"), transaction.atomic():
            alone.update(state="confirmed", closed_by=staff.check, closed_at=clock.now())
    with pytest.raises(HandoutBlockedError):
        fetch(staff, batch, LATER)
    with at(staff.approve, LATER):
        actions.confirm_release(asked, acting_user=staff.approve)
    assert (blocked(), bool(fetch(staff, batch, LATER))) == ([], True)
    with system_scope(COUNTY):
        assert Handout.objects.get().no == 2  # the number the bank may know is not used again
    with system_scope(COUNTY), pytest.raises(DatabaseError, match="不能修改"), transaction.atomic():
        HandoutRelease.objects.update(reason="改写")


def test_the_banks_answer_to_each_forgotten_file_opens_and_that_file_never_leaves_again(staff: Staff, as_owner) -> None:
    run, batch = made(staff)
    fetch(staff, batch)
    restored(as_owner)
    assert take_answer(staff, run, batch).faults == []
    assert len(blocked()) == 1  # somebody looks before it goes on
    with at(staff.approve, LATER):
        found = actions.release_by_evidence(COUNTY, acting_user=staff.approve)
        assert (found.kind, found.files, found.state) == ("evidence", [batch.no], "confirmed")
        with pytest.raises(DecisionError, match="没有暂停"):
            actions.release_by_evidence(COUNTY, acting_user=staff.approve)
    assert blocked() == []
    with pytest.raises(HandoutBlockedError, match="银行已有回盘"):
        fetch(staff, batch, LATER)


def test_a_statement_that_names_the_forgotten_file_and_covers_its_day_opens(desk: Desk, as_owner) -> None:
    staff = desk.staff
    _, batch = made(staff, 1)
    fetch(staff, batch)
    restored(as_owner)
    approve = staff.approve
    # A statement that knows nothing of the file is no statement of its account.
    desk.bank.lay("statement", desk.bank.write_statement(desk.bank.statement()))
    assert desk.collect()[0].state == "applied"
    with at(approve, LATER), pytest.raises(HandoutBlockedError, match="对账单上也没有"):
        actions.release_by_evidence(COUNTY, acting_user=approve)
    paid = StatementEntry(0, batch.amount_fen, True, end_to_end(batch.no, 1), "H1", DAY)
    desk.bank.now += timedelta(days=1)
    told = desk.bank.statement(poison=[paid])
    desk.bank.lay("statement", desk.bank.write_statement(told))
    (statement,) = desk.collect(LATER)
    assert statement.state == "applied"
    with at(approve, LATER), pytest.raises(HandoutBlockedError, match="还有 1 笔没有核平"):
        actions.release_by_evidence(COUNTY, acting_user=approve)
    with at(staff.check, LATER):
        said = actions.propose_leftover(statement.lines.get(), acting_user=staff.check, reason="恢复前人工送出的文件")
    with at(approve, LATER):
        actions.confirm_decision(said, acting_user=approve)
        actions.release_by_evidence(COUNTY, acting_user=approve)
    assert blocked() == []
    with pytest.raises(HandoutBlockedError, match="对账单上已有它的款项"):
        fetch(staff, batch, LATER)


def test_a_lost_mark_blocks_until_two_persons_said_so(staff: Staff, settings) -> None:
    _, batch = made(staff)
    fetch(staff, batch)
    settings.BANK_MARK.unlink()
    assert ["没有交出标记" in one for one in blocked()] == [True]
    with at(staff.approve, LATER), pytest.raises(HandoutBlockedError, match="须由两人认定"):
        actions.release_by_evidence(COUNTY, acting_user=staff.approve)
    with at(staff.check, LATER):
        asked = actions.propose_release(COUNTY, acting_user=staff.check, reason="换了服务器，文件都已对过账")
    with at(staff.approve, LATER):
        actions.confirm_release(asked, acting_user=staff.approve)
    assert blocked() == []
    assert json.loads(settings.BANK_MARK.read_text())["hand:420802"]["no"] == 1


def test_the_pages_refuse_the_download_and_open_again_by_two(staff: Staff, as_owner) -> None:
    run, batch = made(staff)
    sender, approver = Client(), Client()
    sender.force_login(staff.check, backend="tuodi.org.backends.StaffBackend")
    approver.force_login(staff.approve, backend="tuodi.org.backends.StaffBackend")
    address, bank = reverse("web:run-file", args=[run.pk, batch.pk]), reverse("web:bank")
    with clock.frozen(DAY):
        assert b"".join(sender.get(address).streaming_content) == open_plain(batch.file).read()
        restored(as_owner)
        refused = sender.get(address)
        assert (refused.status_code, "不能下载送银行" in refused.content.decode()) == (409, True)
        page = sender.get(bank).content.decode()
        assert "暂停送取" in page
        assert batch.no in page
        sender.post(bank, {"do": "carry_propose", "place": COUNTY, "reason": "银行书面答复没有收到这份文件"})
        with system_scope(COUNTY):
            asked = HandoutRelease.objects.get()
        assert "复核并恢复送取" not in sender.get(bank).content.decode()
        assert "复核并恢复送取" in approver.get(bank).content.decode()
        approver.post(bank, {"do": "carry_confirm", "release": asked.pk})
        assert "暂停送取" not in sender.get(bank).content.decode()
        assert sender.get(address).status_code == 200
