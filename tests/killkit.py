"""Workers as processes of their own against the test's database, to be killed as a system kills them (SIGKILL).

    with worker("sweep", at="raised") as one:
        one.go()
        one.wait_for("at raised")
        one.kill()

The module is both halves: what the test calls, and, as `python -m killkit <work> <point> <number>`, the worker.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
DAY = date(2017, 9, 4)
#: The name by which the database knows the workers' connections.
NAME = "tuodi-killed"
#: Longest wait for a worker's word or for its connections to end, in seconds.
PATIENCE = 120


class Worker:
    """One process; `go` lets it begin, `kill` ends it on the spot."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def go(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()

    def let_go(self) -> None:
        """Lets a worker that stands at its point go on to the end."""
        assert self.process.stdin is not None
        self.process.stdin.write("on\n")
        self.process.stdin.flush()

    def wait_for(self, word: str) -> str:
        """The rest of the line that begins with a word; a worker that ends without it fails the test."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith(word):
                return line.removeprefix(word).strip()
            if line.startswith("end"):  # it passed by: without this both sides would wait for ever
                raise AssertionError(f"the worker came to its end and never said {word!r}")
        raise AssertionError(f"the worker ended with {self.process.wait()} and never said {word!r}")

    def kill(self) -> None:
        """SIGKILL to this one process; comes back when the database has noticed too."""
        self.process.kill()
        assert self.process.wait(timeout=PATIENCE) == -9
        ended()


def ended() -> None:
    """Waits until no connection of a worker is left: its transaction is rolled back and its locks are free."""
    from django.db import connection, transaction

    until = time.monotonic() + PATIENCE
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("reset role")  # the runtime role does not see whose the other connections are
            cursor.execute(
                "select count(*) from pg_stat_activity where datname = current_database() and application_name = %s",
                [NAME],
            )
            (left,) = cursor.fetchone()  # type: ignore[misc]
            cursor.execute("set role tuodi_app")
        if not left:
            return
        assert time.monotonic() < until, f"{left} connections of killed workers are still there"
        time.sleep(0.02)


def _environment() -> dict[str, str]:
    """The test's own database, keys and files, for a process that is the product itself and no test."""
    from django.conf import settings
    from django.db import connection
    from psycopg.conninfo import make_conninfo

    from tuodi.crypto import keyring

    own = connection.settings_dict
    where = {"host": own["HOST"], "port": own["PORT"], "user": own["USER"], "password": own["PASSWORD"]}
    return os.environ | {
        "DATABASE_URL": make_conninfo(
            dbname=own["NAME"], application_name=NAME, **{k: v for k, v in where.items() if v}
        ),
        "TUODI_KEYS": keyring.active().written(),
        "TUODI_FILES": str(settings.FILES_DIR),
        "TUODI_BANK_KEY": str(settings.BANK_KEY),
        "TUODI_BANK_MARK": str(settings.BANK_MARK),
        "TUODI_OUTWARD_LOCAL": "1",  # the simulated bank lies on this machine
        "TUODI_DB_ROLE": "app",
        "TUODI_POOL": "0",
        "DJANGO_SETTINGS_MODULE": "tuodi.config.settings",
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")]),
    }


@contextmanager
def worker(work: str, *, at: str = "", number: int = 0) -> Iterator[Worker]:
    """Starts a worker and waits until it stands ready; whatever happens, it does not outlive the block.

    Args:
        work: a name of `WORKS`. at: the point where it stops and waits to be killed; none = it runs through.
        number: key of the row it works on, where the work asks for one.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "killkit", work, at, str(number)],
        cwd=ROOT,
        env=_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    one = Worker(process)
    try:
        one.wait_for("ready")
        yield one
    finally:
        process.kill()
        process.wait(timeout=PATIENCE)
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        ended()


def sweep_rows(run: Any) -> Any:
    """What a sweep has left in the database, as plain JSON: all but keys and times that differ from try to try."""
    from tuodi.monitoring.models import Clue, ClueEvent, Hit, SweepFinding, SweepRun
    from tuodi.org.access import system_scope

    def rows(found: Any, *names: str) -> list[Any]:
        return sorted(([*row] for row in found.values_list(*names)), key=str)

    with system_scope(run.place_code):
        told = {
            "run": rows(
                SweepRun.objects.filter(pk=run.pk), "no", "state", "done", "rows", "persons", "register_rows", "hits",
                "raised", "known", "declared", "unconsented", "unkeyed", "fingerprint", "error",
            ),
            "sources": rows(run.sources.all(), "kind", "rows", "matched", "name_conflicts", "hits", "raised", "known"),
            "clues": rows(
                Clue.objects.all(), "no", "region", "household_id", "person_id", "rule_code", "fact_hash", "severity", "state",
                "registered", "rule_text", "required", "deadline", "monthly_fen", "run_id", "hit__fact_hash", "hit__row_hash",
            ),
            "hits": rows(
                Hit.objects.all(), "region", "household_id", "person_id", "kind", "fact_hash", "row_hash", "line_no", "data", "run_id"
            ),
            "events": rows(ClueEvent.objects.all(), "clue__no", "at", "kind", "before", "after", "note"),
            "findings": rows(SweepFinding.objects.all(), "person_id", "kind", "fact_hash", "other_name", "data", "run_id"),
        }  # fmt: skip
    return json.loads(json.dumps(told, ensure_ascii=False, default=str))


# ---- the worker's half


def _holder(at: str) -> Callable[[str], None]:
    def hold(point: str) -> None:
        if point == at:
            print(f"at {point}", flush=True)
            if sys.stdin.readline() != "on\n":  # killed here, let go on, or the test itself is gone
                os._exit(3)

    return hold


def _after(place: Any, name: str, told: Callable[..., None]) -> None:
    """The product's own function, and a word to us when it has done its work."""
    plain = getattr(place, name)

    def wrapped(*args: Any, **more: Any) -> Any:
        found = plain(*args, **more)
        told(*args)
        return found

    setattr(place, name, wrapped)


def _sweep(at: str, number: int) -> None:
    """Takes up what was left, by the road of the periodic job. Points: the phases, `raised`, `sweep` (uncommitted), `done`."""
    from tuodi.monitoring import sweep_actions, tasks

    hold = _holder(at)
    _after(sweep_actions._Work, "step", lambda work, state, done: hold(str(state)))
    _after(sweep_actions, "raise_all", lambda *args: hold("raised"))
    _after(sweep_actions, "_note", lambda verb, *args: hold(verb))
    _begin()
    tasks.resume()
    hold("done")


def _rehearse(at: str, number: int) -> None:
    """A sweep nobody disturbs, told and then taken back: what it takes, and what it would have left."""
    from django.db import transaction

    from tuodi.monitoring import sweep_actions
    from tuodi.monitoring.models import SweepRun
    from tuodi.org.access import NATION, system_scope

    with system_scope(NATION):
        run = SweepRun.objects.get(pk=number)
    _begin()
    began = time.perf_counter()
    with transaction.atomic():
        sweep_actions.run_sweep(run)
        seconds = time.perf_counter() - began
        print("took " + json.dumps([seconds, sweep_rows(run)]), flush=True)
        transaction.set_rollback(True)


def _import(at: str, number: int) -> None:
    """Imports what was received, by the road of the periodic job. Points: `sealed`; `import_batch`, `forgotten` (uncommitted); `done`."""
    from tuodi.verification import register_imports, register_store

    hold = _holder(at)
    _after(register_imports, "_seal", lambda *args: hold("sealed"))
    _after(register_imports, "_note", lambda verb, *args: hold(verb))
    _after(register_store, "forget_raw", lambda *args: hold("forgotten"))
    _begin()
    began = time.perf_counter()
    register_imports.resume_imports(number or None)
    print(f"took {time.perf_counter() - began}", flush=True)
    hold("done")


def _jobs(at: str, number: int) -> None:
    """The worker itself on the queue of long jobs until it is empty. Points: `written`: a file stands in plain, not kept yet."""
    from procrastinate.contrib.django import app

    from tuodi.monitoring import export_actions

    hold = _holder(at)
    _after(export_actions, "write_xlsx", lambda *args: hold("written"))
    _begin()
    with app.replace_connector(app.connector.get_worker_connector()) as found:
        found.run_worker(wait=False, queues=["long"], install_signal_handlers=False)
    hold("done")


def _pay(at: str, number: int) -> None:
    """Calculates a run, in the name of who opened it. Points: `copied` (lines are in, uncommitted), `write` (the counties are committed, the run is not), `done`."""
    from tuodi.org.access import NATION, system_scope
    from tuodi.payments import calculate, tasks
    from tuodi.payments.models import PayRun

    hold = _holder(at)
    _after(calculate, "_copy", lambda run, table, *args: hold("copied") if table == "payments_payline" else None)
    _after(calculate, "write_run", lambda *args: hold("write"))
    with system_scope(NATION):
        user = PayRun.objects.get(pk=number).opened_by_id
    _begin()
    began = time.perf_counter()
    tasks.calculate_run(number, user)
    print(f"took {time.perf_counter() - began}", flush=True)
    hold("done")


def _deliver(at: str, number: int) -> None:
    """Brings a message. Points: `ask`, `send` (the bank has it, nothing is noted), `done`."""
    from tuodi.exchange.bank_transport import HttpBank
    from tuodi.payments import actions

    hold = _holder(at)
    _after(HttpBank, "ask", lambda *args: hold("ask"))
    _after(HttpBank, "send", lambda *args: hold("send"))
    _begin()
    began = time.perf_counter()
    actions.deliver(number)
    print(f"took {time.perf_counter() - began}", flush=True)
    hold("done")


def _collect(at: str, number: int) -> None:
    """Takes in what a link's bank has laid out, in the name of who sent the last run. Points: `settled` (uncommitted), `taken`, `done`."""
    from tuodi.exchange.bank_transport import HttpBank
    from tuodi.org.access import NATION, system_scope
    from tuodi.payments import tasks
    from tuodi.payments.actions import answers, recall
    from tuodi.payments.models import PayRun

    hold = _holder(at)
    _after(answers, "settle_items", lambda *args: hold("settled"))
    _after(recall, "settle_items", lambda *args: hold("settled"))
    _after(HttpBank, "taken", lambda *args: hold("taken"))
    with system_scope(NATION):
        user = PayRun.objects.exclude(sent_by=None).latest("id").sent_by_id
    _begin()
    began = time.perf_counter()
    tasks.collect_from_bank(number, user)
    print(f"took {time.perf_counter() - began}", flush=True)
    hold("done")


WORKS = {
    "pay": _pay,
    "deliver": _deliver,
    "collect": _collect,
    "sweep": _sweep,
    "rehearse": _rehearse,
    "import": _import,
    "jobs": _jobs,
}


def _begin() -> None:
    print("ready", flush=True)
    if sys.stdin.readline() != "go\n":
        os._exit(3)


def _main(work: str, at: str, number: str) -> None:
    import django

    django.setup()
    from tuodi.kernel import clock

    with clock.frozen(date.fromisoformat(os.environ.get("KILLKIT_DAY") or DAY.isoformat())):
        WORKS[work](at, int(number))
    print("end", flush=True)
    sys.stdin.readline()  # a kill that comes late still finds its process


if __name__ == "__main__":
    _main(*sys.argv[1:])
