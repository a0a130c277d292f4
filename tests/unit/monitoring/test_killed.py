"""A sweep whose worker is killed (SIGKILL), wherever it stands, ends with exactly the clues of one nobody disturbed."""

from __future__ import annotations

import json
import os
import random
import time
from typing import Any

import pytest
from casekit import at
from killkit import DAY, sweep_rows, worker
from paykit import family
from watchkit import batch, car, clerk, consent, number, people

from tuodi.audit.models import AuditEntry
from tuodi.files.models import StoredFile
from tuodi.files.store import open_plain
from tuodi.kernel import clock
from tuodi.monitoring import sweep_actions, tasks
from tuodi.monitoring.models import SweepRun
from tuodi.org.access import NATION, system_scope

pytestmark = pytest.mark.django_db(transaction=True)
PLACE = "420802"
WRITTEN = ("clues", "hits", "events", "findings")


@pytest.fixture
def run(make_user) -> SweepRun:
    """A sweep that is opened and not yet run: clues of two registers, doubtful rows, families that did not consent."""
    homes = [family(village=f"4208020010{n % 3 + 1:02d}") for n in range(12)]
    consent(*homes[:10])
    cars = [car(home.head, f"测A{n:05d}") for n, home in enumerate(homes)]
    cars += [car(people(home)[1], f"测B{n:05d}") for n, home in enumerate(homes[:4])]
    cars[8]["name"] = "另名"
    savings = [
        {"id": number(h.head), "name": h.head.name, "balance_fen": 99_000_000_00, "bank": "某行", "account_tail": "1"}
        for h in homes[2:7]
    ]
    batch("vehicle", cars)
    batch("bank_deposit", savings)
    user = clerk(make_user)
    with at(user, DAY):
        return sweep_actions.open_sweep(PLACE, acting_user=user, as_of=DAY)


def undisturbed(run: SweepRun) -> tuple[float, Any]:
    """Seconds and rows of the same sweep in a process of its own, which takes everything back."""
    with worker("rehearse", number=run.pk) as one:
        one.go()
        seconds, rows = json.loads(one.wait_for("took "))
    assert len(rows["clues"]) > 12
    assert len(rows["events"]) == len(rows["clues"])
    assert len({clue[0] for clue in rows["clues"]}) == len(rows["clues"])
    assert rows["findings"]
    assert whole(run, rows) is False, "the rehearsal left something behind"
    return seconds, rows


def whole(run: SweepRun, expected: Any) -> bool:
    """Whether the sweep is there; what is there is all of it, what is not there has left no row."""
    rows = sweep_rows(run)
    with system_scope(NATION):
        run.refresh_from_db()
        stored = list(StoredFile.objects.filter(purpose="sweep_lists"))
        noted = AuditEntry.objects.filter(action="monitoring.sweep").count()
    if run.state != SweepRun.State.DONE:
        assert run.state in sweep_actions.UNFINISHED
        assert {name: rows[name] for name in WRITTEN} == {name: [] for name in WRITTEN}
        assert (stored, noted) == ([], 0)
        return False
    assert rows == expected
    assert ([one.pk for one in stored], noted) == ([run.lists_id], 1)
    assert open_plain(stored[0]).read(4) == b"PAR1"
    return True


def test_killed_at_any_moment_it_ends_with_the_clues_of_an_undisturbed_sweep(run, record_property):
    seed = int(os.environ.get("TUODI_KILL_SEED") or time.time_ns() % 1_000_000)
    record_property("seed", seed)
    print(f"TUODI_KILL_SEED={seed}")
    seconds, expected = undisturbed(run)
    chance = random.Random(seed)
    points = [(third + chance.random()) / 3 for third in range(3)]  # one in each third of the run
    print(f"undisturbed {seconds:.3f} s; killed at", [f"{seconds * point:.3f}" for point in points])
    interrupted = 0
    delay = 0.02
    while not interrupted and delay < seconds:  # from below: a measured length tells little on a busy machine
        with worker("sweep") as one:
            one.go()
            time.sleep(delay)
            one.kill()
        interrupted += not whole(run, expected) and run.tries > 0
        delay *= 1.5
    for point in points[1:]:
        with worker("sweep") as one:
            one.go()
            time.sleep(seconds * point)
            one.kill()
        interrupted += not whole(run, expected) and run.tries > 0
    assert interrupted, "no kill met the sweep at work"
    with clock.frozen(DAY):
        tasks.resume()
        assert whole(run, expected)
        assert tasks.resume() == 0
        assert whole(run, expected)


def test_killed_at_the_seams_nothing_is_left_until_everything_is(run):
    _, expected = undisturbed(run)
    # `raised`: every row written, `sweep`: the list and the audit row too, neither committed.
    for tries, (point, state) in enumerate((("judging", "judging"), ("raised", "raising"), ("sweep", "raising")), 1):
        with worker("sweep", at=point) as one:
            one.go()
            one.wait_for(f"at {point}")
            with clock.frozen(DAY):
                assert tasks.resume() == 0  # another process has it in hand
            one.kill()
        assert not whole(run, expected)
        assert (run.state, run.tries) == (state, tries)
    with worker("sweep", at="done") as one:
        one.go()
        one.wait_for("at done")
        one.kill()
    assert whole(run, expected)
    with clock.frozen(DAY):
        assert tasks.resume() == 0
    assert whole(run, expected)
    assert run.tries == 4
