"""Fault 26: the tables are to change while a batch is at work: the change gives way or is refused in words; the batch ends as it would have."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time

import pytest
from killkit import ROOT, _environment, worker
from paykit import Staff, family, pay_day, run_month

from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.org.access import NATION, system_scope
from tuodi.payments import invariants
from tuodi.payments.models import PayLine, PayRun

pytestmark = pytest.mark.django_db(transaction=True)
MAY = Month(2017, 5)
KILLS = int(os.environ.get("TUODI_KILLS", "1"))
SEED = int(os.environ.get("TUODI_SEED", "2017"))
#: A change as a migration makes it: in one transaction, with the settings `tuodi migrate` connects with. It undoes itself.
CHANGE = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "tuodi.config.settings"
import django
django.setup()
from django.db import connection, transaction
from tuodi.config import migrating
from tuodi.config.errors import MigrationBusyError

def change():
    with transaction.atomic(), connection.schema_editor() as editor:
        editor.execute("alter table payments_payline add column later_thought integer")
        editor.execute("alter table payments_payline drop column later_thought")
    print("changed")

try:
    migrating.patiently(change, tries=int(sys.argv[1]), pause=0.2)
except MigrationBusyError as error:
    print("refused", error)
"""


def change(tries: int) -> tuple[str, float]:
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", CHANGE, str(tries)],
        cwd=ROOT,
        env=_environment() | {"TUODI_DB_ROLE": "owner"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip(), time.monotonic() - began


def sound(run: PayRun, wanted: int) -> None:
    with system_scope(NATION):
        assert (PayRun.objects.get(pk=run.pk).state, PayLine.objects.filter(run=run).count()) == ("calculated", wanted)
        report = invariants.check()
    assert report.ok, str(report)


@pytest.fixture
def run(make_user, monkeypatch) -> PayRun:
    monkeypatch.setenv("KILLKIT_DAY", pay_day(MAY).isoformat())
    for n in range(4):
        family(village=f"42080200100{n + 1}")
    return run_month(Staff(make_user), MAY, upto="open")


def test_a_change_meets_a_batch_and_gives_way(run: PayRun) -> None:
    """The batch stands with its county written and not committed."""
    with worker("pay", at="copied", number=run.pk) as one:
        one.go()
        one.wait_for("at copied")
        words, _ = change(1)
        assert words.startswith("refused")
        assert "没有升级" in words
        assert "tuodi migrate" in words
        one.let_go()
        one.wait_for("end")
    sound(run, 4)
    assert change(1)[0] == "changed"
    sound(run, 4)


def test_a_batch_meets_a_change_at_any_moment(run: PayRun) -> None:
    """Both begin at once, the change a random moment later: each ends, or the change says that it did not."""
    luck = random.Random(SEED)
    print(f"seed {SEED}, {KILLS} meetings")
    for _ in range(KILLS):
        with clock.frozen(pay_day(MAY)), system_scope(NATION):
            PayRun.objects.filter(pk=run.pk).update(state="open", progress={})
        with worker("pay", number=run.pk) as one:
            one.go()
            time.sleep(luck.uniform(0.0, 1.0))
            words, _ = change(5)
            one.wait_for("end")
        assert words == "changed" or words.startswith("refused")
        sound(run, 4)
