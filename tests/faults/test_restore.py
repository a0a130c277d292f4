"""Fault 25: the database comes back from last night's backup, and the bank has paid meanwhile.

With a real backup: `tuodi backup make`, one more month that leaves and is paid, `tuodi backup restore` over the database in use.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from bankkit import DAY, Desk
from casekit import at
from django.db import connection, connections
from psycopg import sql

from tuodi.config import backup
from tuodi.config.backup import Server
from tuodi.kernel import clock
from tuodi.org.access import NATION, system_scope
from tuodi.payments import actions, invariants, tasks
from tuodi.payments.errors import BankBlockedError, HandoutBlockedError
from tuodi.payments.models import BankMessage, PayRun

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(bool(os.environ.get("DATABASE_URL")), reason="在私有数据库服务上测试换名"),
]
NEXT = DAY + timedelta(days=1)


@pytest.fixture
def server() -> Iterator[Server]:
    """The tests' own database as a backup sees it; the one that stepped aside is dropped in the end."""
    name = connection.settings_dict["NAME"]
    found = Server.present(name)
    yield found
    with found.named("postgres").connect(autocommit=True) as link:
        rows = link.execute("select datname from pg_database where starts_with(datname, %s)", (f"{name}_before_",))
        for (one,) in rows.fetchall():
            link.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(one)))


def sound() -> None:
    with system_scope(NATION):
        report = invariants.check()
    assert report.ok, str(report)


def quiet(_words: str) -> None:
    pass


def test_what_the_bank_has_paid_since_the_backup_is_found_before_anything_leaves(
    desk: Desk, server: Server, files_dir: Path, tmp_path: Path
) -> None:
    run = desk.month()  # approved, its file made; nothing has left yet
    night = backup.make(tmp_path / "kept", files=files_dir, server=server, tell=quiet)
    (message,) = desk.deliver(run)  # the morning after: it leaves and is paid
    with clock.frozen(DAY):  # and somebody fetches a copy of its file, to carry it
        actions.hand_out(message.batch_id, acting_user=desk.staff.check)
    desk.bank.lay("report", desk.bank.report(message.no))
    desk.collect()
    assert desk.statuses(run) == ["paid"] * 3
    sound()

    connections.close_all()
    told = backup.restore(night, files=files_dir, server=server, replace=True, tell=quiet)
    assert told["before"]
    with system_scope("420802"):
        (forgotten,) = BankMessage.objects.filter(batch__run=run)
        assert (PayRun.objects.get(pk=run.pk).state, forgotten.state) == ("sent", "created")
        desk.link.refresh_from_db()
    assert desk.statuses(run) == ["sent"] * 3
    sound()

    # Neither an officer nor the timetable nor who would like to go on gets anything out.
    with pytest.raises(BankBlockedError, match="可能是由备份恢复的"):
        desk.deliver(run, NEXT)
    with desk.on(NEXT):
        (why,) = tasks.deliver_due()
    assert "暂停送出" in why
    approve = desk.staff.approve
    with at(approve, NEXT), pytest.raises(BankBlockedError, match="须覆盖到"):
        actions.resume_sending(desk.link, acting_user=approve)
    assert desk.bank.totals()[message.no]["copies"] == 1
    with clock.frozen(NEXT), pytest.raises(HandoutBlockedError, match=message.no):
        actions.hand_out(message.batch_id, acting_user=desk.staff.check)

    # The statement tells what was paid; then the line opens, and the bank is asked before it is sent anything.
    desk.bank.lay("statement", desk.bank.write_statement(desk.bank.statement()))
    (statement,) = desk.collect(NEXT)
    assert (statement.state, statement.faults, desk.statuses(run)) == ("applied", [], ["paid"] * 3)
    sound()
    with at(approve, NEXT):
        actions.resume_sending(desk.link, acting_user=approve)
        actions.release_by_evidence("420802", acting_user=approve)
    with clock.frozen(NEXT), pytest.raises(HandoutBlockedError, match="不能再送"):
        actions.hand_out(message.batch_id, acting_user=desk.staff.check)
    (message,) = desk.deliver(run, NEXT)
    assert message.state == "acknowledged"
    assert {one["copies"] for one in desk.bank.totals().values()} == {1}
    assert {one["paid"] for one in desk.bank.totals().values()} == {3}
    assert desk.lines(run) == ["paid"] * 3
    sound()
