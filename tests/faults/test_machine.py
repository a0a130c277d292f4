"""The database server dies, the power goes, a disk is full, a disk fails: in a server of the test's own, which it may kill.

Off by default, since it needs minutes, root and a mount (docs/faults.md has the command and the recorded runs):

    mount -t tmpfs -o size=3g,mode=755 tmpfs /tmp/small
    TUODI_MACHINE=50 TUODI_VAR=/tmp/small pytest tests/faults/test_machine.py --reuse-db -s

`TUODI_MACHINE` is the number of kills for each of the faults 4 and 6.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from bankkit import DAY, Desk
from casekit import at, hire
from django.db import connection, connections
from killkit import DAY as KILL_DAY
from killkit import worker
from paykit import Staff, family, pay_day, run_month
from webkit import Browser, Web, serving

from tuodi.config import postgres
from tuodi.kernel.periods import Month
from tuodi.monitoring import export_actions
from tuodi.monitoring.ledgers import Choices
from tuodi.org.access import NATION, system_scope
from tuodi.payments import actions, invariants, tasks
from tuodi.payments.models import BankReturn, LedgerEntry, PayLine, PayRun

TIMES = int(os.environ.get("TUODI_MACHINE", "0"))
SEED = int(os.environ.get("TUODI_SEED", "2017"))
VAR = os.environ.get("TUODI_VAR", "")
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        not TIMES or not os.path.ismount(VAR or "/nowhere") or os.geteuid() != 0,
        reason="TUODI_MACHINE=次数，TUODI_VAR=专用的 tmpfs 挂载点，以 root 运行",
    ),
]
MAY = Month(2017, 5)


@pytest.fixture
def luck(monkeypatch: pytest.MonkeyPatch) -> random.Random:
    print(f"seed {SEED}, {TIMES} times")
    monkeypatch.setenv("KILLKIT_DAY", DAY.isoformat())
    return random.Random(SEED)


@pytest.fixture
def web(tmp_path: Path, django_db_setup: None) -> Iterator[Web]:
    with serving(tmp_path, DAY.isoformat()) as found:
        yield found


def sound() -> None:
    with system_scope(NATION):
        report = invariants.check()
    assert report.ok, str(report)


def granted(run: PayRun) -> tuple[str, int]:
    with system_scope(NATION):
        found = PayRun.objects.get(pk=run.pk).state, LedgerEntry.objects.filter(run_id=run.pk, kind="grant").count()
    sound()
    return found


def back() -> float:
    """Starts the server again as the product does; how long that took."""
    connections.close_all()
    began = time.monotonic()
    postgres.ensure_running()
    return time.monotonic() - began


def descendants(pid: int) -> list[int]:
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except FileNotFoundError:
        return []
    found = [int(one) for one in text.split()]
    return [*found, *(lower for one in found for lower in descendants(one))]


def kill_server(everything: bool, *, also: tuple[int, ...] = ()) -> None:
    """SIGKILL to the postmaster alone, or at one stroke to all of it and to whoever works with it."""
    pid = postgres.postmaster_pid(postgres.layout())
    assert pid is not None
    doomed = [*also, pid, *descendants(pid)] if everything else [pid]
    for one in doomed:
        with contextlib.suppress(ProcessLookupError):
            os.kill(one, signal.SIGKILL)


class Teller:
    """A client with nothing but numbers: counts what the server said is stored."""

    def __init__(self) -> None:
        self.said = self.tried = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._tell)
        with _owner() as link:
            link.execute("create table if not exists crash_teller (n integer primary key)")
            link.execute("truncate crash_teller")
        self._thread.start()

    def _tell(self) -> None:
        with contextlib.suppress(psycopg.Error), _owner() as link:
            while not self._stop.is_set():
                self.tried += 1
                link.execute("insert into crash_teller values (%s)", [self.tried])
                self.said = self.tried

    def check(self) -> None:
        """After the server is back: all that was acknowledged is there, in order, and nothing that was not tried."""
        self._stop.set()
        self._thread.join(timeout=30)
        with _owner() as link:
            row = link.execute("select count(*), coalesce(max(n), 0) from crash_teller").fetchone()
            assert row is not None
            count, most = row
            link.execute("drop table crash_teller")
        assert count == most
        assert self.said <= most <= self.tried
        assert self.said, "the teller came to nothing before the kill"


def _owner() -> psycopg.Connection[Any]:
    own = connection.settings_dict
    return psycopg.connect(host=own["HOST"], port=own["PORT"], user=own["USER"], dbname=own["NAME"], autocommit=True)


@pytest.mark.parametrize("everything", [False, True], ids=["postmaster", "power"])
def test_what_was_acknowledged_is_there_after_the_server_died_in_a_batch(
    desk: Desk, luck: random.Random, everything: bool
) -> None:
    """Fault 4 (the postmaster alone) and 6 (all at one stroke), in each part of a month."""
    with connection.cursor() as cursor:
        for name, wanted in {"fsync": "on", "full_page_writes": "on"}.items():
            cursor.execute(f"show {name}")
            assert cursor.fetchone() == (wanted,)
    with _owner() as link:
        assert link.execute("show synchronous_commit").fetchone() == ("on",)
    for n in range(4):
        family(village=f"42080200100{n + 1}")
    slowest = 0.0
    for n in range(TIMES):
        part = ("pay", "deliver", "collect")[n % 3]
        month = MAY + n // 3
        if part == "pay":
            run = run_month(desk.staff, month, upto="open")
            number = run.pk
        elif part == "deliver":
            run = _approved(desk, run)
            (message,) = desk.messages(run)
            number = message.pk
        else:
            desk.deliver(run)
            desk.bank.lay("report", desk.bank.report(message.no))
            number = desk.link.pk
        checkpoint()
        with worker(part, number=number) as one:
            teller = Teller()
            one.go()
            time.sleep(luck.uniform(0.05, 0.8))
            kill_server(everything, also=(one.process.pid,))
            slowest = max(slowest, back())
            one.process.kill()
            one.process.wait(timeout=60)
        teller.check()
        sound()
        with system_scope(NATION):
            run = PayRun.objects.get(pk=run.pk)
            lines = PayLine.objects.filter(run=run).count()
        if part == "pay":
            assert lines in (0, 4)
            with at(desk.staff.prepare, pay_day(month)):
                run = actions.calculate(run, acting_user=desk.staff.prepare) if run.state == "open" else run
        elif part == "deliver":
            (message,) = desk.deliver(run)
            assert (message.state, desk.bank.totals()[message.no]["copies"]) == ("acknowledged", 1)
        else:
            assert desk.statuses(run) in (["sent"] * 4, ["paid"] * 4)
            if not desk.bank.inbox:
                desk.bank.lay("report", desk.bank.report(message.no))
            desk.collect()
            assert desk.statuses(run) == ["paid"] * 4
            with system_scope(NATION):
                assert LedgerEntry.objects.filter(run_id=run.pk, kind="paid").count() == 1
            run_month_settled(desk, run)
        sound()
        print(f"{'power' if everything else 'postmaster'} {n + 1}: {part}, {teller.said} said", flush=True)
    assert {one["copies"] for one in desk.bank.totals().values()} == {1}
    print(f"slowest start {slowest:.1f} s")


def checkpoint() -> None:
    """Tests write without waiting for the disk; what they have prepared must not be what is lost."""
    with postgres.superuser_link(postgres.layout()) as link:
        link.execute("checkpoint")


def _approved(desk: Desk, run: PayRun) -> PayRun:
    staff, day = desk.staff, pay_day(Month.parse(str(run.month)))
    with at(staff.check, day):
        run = actions.check(run, acting_user=staff.check)
    with at(staff.approve, day):
        run = actions.approve(run, acting_user=staff.approve)
    return desk.send(run)


def run_month_settled(desk: Desk, run: PayRun) -> None:
    with at(desk.staff.check, DAY):
        actions.settle(PayRun.objects.get(pk=run.pk), acting_user=desk.staff.check)


def test_web_and_worker_find_a_server_that_came_back(web: Web, make_user: Any) -> None:
    """Fault 4 as people see it: 503 in words meanwhile, and everything by itself afterwards."""
    family(village="420802001001")
    staff = Staff(make_user)
    run = run_month(staff, MAY, upto="open")
    browser = Browser(web, staff.approve)
    address = f"/runs/{run.pk}/"
    assert browser.get(address).status_code == 200
    log = (web.folder / "worker.log").open("ab")
    from killkit import ROOT, _environment

    command = [
        "python",
        "-c",
        "import sys; from tuodi.config.verbs import serve; sys.exit(serve.keep([serve.worker()]))",
    ]
    keeper = subprocess.Popen(
        [str(ROOT / ".venv/bin" / command[0]), *command[1:]], cwd=ROOT, env=_environment(), stdout=log, stderr=log
    )
    try:
        time.sleep(8)
        checkpoint()
        kill_server(False)
        began = time.monotonic()
        answer = browser.get(address)
        took = time.monotonic() - began
        assert (answer.status_code, "暂时连不上数据库" in answer.text) == (503, True)
        time.sleep(20)  # long enough for pauses between tries to have grown
        back()
        found = web.up(30)
        assert browser.get(address).status_code == 200
        tasks.calculate_run.defer(run_id=run.pk, user_id=staff.prepare.pk)
        until = time.monotonic() + 60
        while granted(run)[0] != "calculated":
            assert time.monotonic() < until, (web.folder / "worker.log").read_text()[-2000:]
            time.sleep(0.5)
        print(f"503 after {took:.1f} s; web back in {found:.1f} s, worker in {60 - until + time.monotonic():.1f} s")
    finally:
        keeper.terminate()
        keeper.wait(timeout=30)
        log.close()


@contextlib.contextmanager
def full(folder: Path) -> Iterator[None]:
    """No byte is left where a folder lies, until the block ends."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as handle, contextlib.suppress(OSError):
        while True:
            handle.write(b"\0" * (1 << 20))
    with ballast.open("ab", buffering=0) as handle, contextlib.suppress(OSError):
        while True:
            handle.write(b"\0" * 512)
    try:
        yield
    finally:
        ballast.unlink()


def test_a_full_disk_of_the_database_refuses_in_words_and_keeps_no_half(web: Web, make_user: Any) -> None:
    """Fault 15: tables and log lie on the volume that is full."""
    for n in range(6):
        family(village=f"42080200100{n + 1}")
    staff = Staff(make_user)
    browser = Browser(web, staff.check)
    runs = []
    for n in range(8):
        run = run_month(staff, MAY + n, upto="check")
        with at(staff.approve, pay_day(MAY + n)):
            actions.approve(run, acting_user=staff.approve)
        runs.append(run)
    tokens = {run.pk: browser.token(f"/runs/{run.pk}/") for run in runs}
    checkpoint()
    told: list[httpx.Response] = []
    with full(Path(VAR)):
        for run in runs:
            answer = browser.post(f"/runs/{run.pk}/", tokens[run.pk], do="send", profile="generic-csv")
            assert answer.status_code in (303, 503), answer.text
            if answer.status_code == 503:
                told.append(answer)
            page = browser.get(f"/runs/{run.pk}/")
            assert page.status_code == 200, page.text  # reading goes on
    assert told, "nothing was refused: the disk was not full"
    print(f"{len(told)} of {len(runs)} refused: {told[0].headers['Retry-After']} s")
    assert all("存储空间已满" in one.text and "没有保存" in one.text for one in told)
    back()
    web.up(30)
    for run in runs:
        with system_scope(NATION):
            state = PayRun.objects.get(pk=run.pk).state
            lines = set(PayLine.objects.filter(run=run).values_list("status", flat=True))
        assert (state, lines) in (("approved", {"ready"}), ("sent", {"sent"}))
        if state == "approved":
            answer = browser.post(f"/runs/{run.pk}/", tokens[run.pk], do="send", profile="generic-csv")
            assert answer.status_code == 303
        assert granted(run) == ("sent", 1)


def _export(make_user: Any, files: Path) -> None:
    """What the job does: no file, the reason on the row, and once there is room the same row again."""
    clerk = hire(make_user, "420802", "accept", "review")
    choices = Choices("dibao", Month(2017, 9), date(2017, 1, 1), date(2017, 9, 30))
    with at(clerk, KILL_DAY):
        row = export_actions.request(acting_user=clerk, kind="roster", place="420802", choices=choices)
    with full(files), at(clerk, KILL_DAY), pytest.raises(Exception, match="No space left"):
        export_actions.make(row, acting_user=clerk)
    with at(clerk, KILL_DAY):
        row.refresh_from_db()
        assert (row.state, row.stored_id, row.progress_done) == ("approved", None, 0)
        assert "存储空间已满" in row.fault
        row = export_actions.make(row, acting_user=clerk)
    assert (row.state, row.rows, row.fault) == ("ready", 3, "")


def test_a_full_disk_for_files_refuses_in_words_and_leaves_no_empty_file(
    web: Web, make_user: Any, settings: Any
) -> None:
    """Fault 16: the files of the site lie on a volume of their own; making bank files, an upload, and an export in the background."""
    for n in range(3):
        family(village=f"42080200100{n + 1}")
    staff = Staff(make_user)
    run = run_month(staff, MAY, upto="approve")
    browser = Browser(web, staff.check)
    address = f"/runs/{run.pk}/"
    token = browser.token(address)
    files = web.folder / "files"
    files.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(files)], check=True)
    try:
        with full(files):
            answer = browser.post(address, token, do="send", profile="generic-csv")
            assert (answer.status_code, "存储空间已满" in answer.text) == (503, True), answer.text
        assert granted(run) == ("approved", 1)
        assert [one for one in files.rglob("*") if one.is_file()] == []
        assert browser.post(address, token, do="send", profile="generic-csv").status_code == 303
        assert granted(run) == ("sent", 1)
        upload = {"file": ("回盘.csv", "流水号,结果\n1,成功\n".encode() * 50, "text/csv")}
        said = {"do": "return", "profile": "generic-csv"}
        with full(files):
            answer = browser.http.post(address, data=said, files=upload, headers={"X-CSRFToken": token})
            assert (answer.status_code, "存储空间已满" in answer.text) == (503, True), answer.text
        with system_scope(NATION):
            assert BankReturn.objects.count() == 0
        answer = browser.http.post(address, data=said, files=upload, headers={"X-CSRFToken": token})
        assert answer.status_code == 303
        with system_scope(NATION):
            assert BankReturn.objects.get().state == "refused"  # no bank's table: kept as evidence all the same
        sound()
        assert [one for one in files.rglob("*") if one.is_file() and not one.stat().st_size] == []
        settings.FILES_DIR = files
        _export(make_user, files)
    finally:
        subprocess.run(["umount", "-l", str(files)], check=True)


@pytest.mark.skipif(shutil.which("strace") is None, reason="需要 strace")
def test_a_failing_disk_is_no_success(web: Web, make_user: Any) -> None:
    """Fault 17: the log cannot be brought to the disk (EIO): PostgreSQL panics and recovers, the click was not acknowledged."""
    family(village="420802001001")
    staff = Staff(make_user)
    run = run_month(staff, MAY, upto="check")
    browser = Browser(web, staff.approve)
    address = f"/runs/{run.pk}/"
    token = browser.token(address)
    checkpoint()
    connections.close_all()
    pid = postgres.postmaster_pid(postgres.layout())
    assert pid is not None
    backends = [word for one in [pid, *descendants(pid)] for word in ("-p", str(one))]
    with (web.folder / "strace.log").open("wb") as log:
        tracing = subprocess.Popen(
            ["strace", "-f", "-e", "trace=fdatasync,fsync", "-e", "inject=fdatasync:error=EIO", *backends], stderr=log
        )
        time.sleep(2)
        try:
            answer = browser.post(address, token, do="approve")
        finally:
            tracing.terminate()
            tracing.wait(timeout=20)
    assert answer.status_code == 503, answer.text
    assert b"EIO" in (web.folder / "strace.log").read_bytes()
    server_log = Path(postgres.layout().data, "server.log").read_text(errors="replace")
    assert "PANIC" in server_log
    assert "could not fdatasync" in server_log
    time.sleep(1)
    print(f"back after {back():.1f} s")
    web.up(30)
    # The commit record may have reached the disk before the fault: then it is there whole, and the second click changes nothing.
    assert granted(run) in (("checked", 0), ("approved", 1))
    assert browser.post(address, token, do="approve").status_code == 303
    assert granted(run) == ("approved", 1)
