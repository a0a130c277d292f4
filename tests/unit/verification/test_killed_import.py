"""An import whose worker is killed (SIGKILL), wherever it stands, is found by its row; its batch is whole or not there."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import polars as pl
import pytest
from casekit import hire
from killkit import DAY, worker
from registerkit import vehicle, write

from tuodi.audit.models import AuditEntry
from tuodi.files.models import StoredFile
from tuodi.kernel import clock
from tuodi.org import access
from tuodi.verification import register_actions, register_imports, register_store, tasks
from tuodi.verification.models import DataSource, RegisterBatch
from tuodi.verification.register_errors import BatchGoneError

pytestmark = pytest.mark.django_db(transaction=True)
State = RegisterBatch.State
ROWS = 12_000
COUNTED = ("rows", "accepted", "duplicates", "rejected", "unkeyed", "reasons", "file_hashes", "as_of")


@pytest.fixture(scope="module")
def delivery(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One department's file, with rows that come twice and rows that cannot be used."""
    rows = [vehicle(n) for n in range(ROWS)] + [vehicle(n) for n in range(50)]
    rows += [vehicle(n, 身份证明号码="4.20899E+17") for n in range(30)]
    return write(tmp_path_factory.mktemp("delivery") / "a.csv", rows)


@pytest.fixture
def received(make_user, delivery: Path):
    """`received("a")`: the delivery uploaded for a new source, waiting for the job."""
    clerk = hire(make_user, "4208", "sweep")

    def make(code: str) -> RegisterBatch:
        with clock.frozen(DAY), access.scope(clerk):
            source = register_actions.add_source(
                acting_user=clerk, code=code, kind="vehicle", place_code="4208", label="市车管所", department="公安局",
                mode="batch", profile="vehicle", retention_days=60,
            )  # fmt: skip
            register_actions.change_source(source, acting_user=clerk, state="agreed", agreement_no="荆核〔2017〕3号")
            source.refresh_from_db()
            return register_actions.receive_register(
                source, delivery, batch_no="2017-08", name="a.csv", as_of=DAY, acting_user=clerk
            )

    return make


def content(batch: RegisterBatch) -> pl.DataFrame:
    with register_store.open_batch(batch) as opened:
        return pl.concat(opened.frames(), how="diagonal").sort("line_no")


def whole(batch: RegisterBatch, expected: RegisterBatch) -> bool:
    """Whether the batch is there; then it is as the other, else no part of it can be used and its upload is kept."""
    batch.refresh_from_db()
    with access.system_scope("4208"):
        raw = StoredFile.objects.filter(purpose=register_store.RAW, sha256__in=batch.file_hashes).count()
        noted = AuditEntry.objects.filter(action="verification.import_batch", subject_id=str(batch.pk)).count()
    if batch.state != State.READY:
        assert batch.state == State.IMPORTING
        assert (batch.rows, batch.accepted, batch.sealed, noted, raw) == (0, 0, "", 0, 1)
        with pytest.raises(BatchGoneError), register_store.open_batch(batch):
            pass
        return False
    assert [getattr(batch, name) for name in COUNTED] == [getattr(expected, name) for name in COUNTED]
    assert noted == 1
    assert content(batch).equals(content(expected))
    return True


def undisturbed(received) -> tuple[float, RegisterBatch]:
    """Seconds and batch of the same delivery for another source, in a process of its own."""
    batch = received("first")
    with worker("import") as one:
        one.go()
        seconds = float(one.wait_for("took "))
    batch.refresh_from_db()
    assert (batch.state, batch.accepted, batch.duplicates, batch.rejected) == (State.READY, ROWS, 50, 30)
    return seconds, batch


def resumed(batch: RegisterBatch, expected: RegisterBatch) -> None:
    """The normal road takes it up, once."""
    with clock.frozen(DAY):
        register_imports.resume_imports()
        assert whole(batch, expected)
        assert register_imports.resume_imports() == 0
    assert whole(batch, expected)
    with access.system_scope("4208"):
        assert not StoredFile.objects.filter(purpose=register_store.RAW).exists()
    assert DataSource.objects.get(pk=batch.source_id).failures == 0


def test_killed_at_any_moment_its_batch_is_that_of_an_undisturbed_import(received, record_property) -> None:
    seed = int(os.environ.get("TUODI_KILL_SEED") or time.time_ns() % 1_000_000)
    record_property("seed", seed)
    print(f"TUODI_KILL_SEED={seed}")
    seconds, expected = undisturbed(received)
    chance = random.Random(seed)
    points = [(third + chance.random()) / 3 for third in range(3)]  # one in each third of the import
    print(f"undisturbed {seconds:.3f} s; killed at", [f"{seconds * point:.3f}" for point in points])
    batch = received("second")
    interrupted = 0
    delay = 0.02
    while not interrupted and delay < seconds:  # from below: a measured length tells little on a busy machine
        with worker("import", number=batch.pk) as one:
            one.go()
            time.sleep(delay)
            one.kill()
        interrupted += not whole(batch, expected)
        delay *= 1.5
    for point in points[1:]:
        with worker("import", number=batch.pk) as one:
            one.go()
            time.sleep(seconds * point)
            one.kill()
        interrupted += not whole(batch, expected)
    assert interrupted, "no kill met the import at work"
    resumed(batch, expected)


def test_killed_at_the_seams_the_batch_cannot_be_used_until_its_row_says_so(received) -> None:
    _, expected = undisturbed(received)
    batch = received("second")
    # `sealed`: the encrypted file lies in its place; `import_batch`: the row is written too, `forgotten`: the upload is
    # given up as well, but neither is committed.
    for point in ("sealed", "import_batch", "forgotten"):
        with worker("import", at=point, number=batch.pk) as one:
            one.go()
            one.wait_for(f"at {point}")
            with clock.frozen(DAY):
                assert register_imports.resume_imports() == 0  # another process has it in hand
            one.kill()
        assert register_store.path(batch).exists()
        assert not whole(batch, expected)
    plain = list(register_store.scratch().rglob("a.csv"))
    assert len(plain) == 3  # who is killed removes nothing: the daily job does
    kept = register_store.scratch() / "of-today"
    with clock.frozen(DAY):
        tasks.purge_registers(0)
        assert list(register_store.scratch().rglob("a.csv")) == plain
        for one in register_store.scratch().rglob("*"):
            os.utime(one, (time.time() - 25 * 3600,) * 2)
        kept.mkdir()
        tasks.purge_registers(0)
    assert list(register_store.scratch().iterdir()) == [kept]
    with worker("import", at="done", number=batch.pk) as one:
        one.go()
        one.wait_for("at done")
        one.kill()
    assert whole(batch, expected)
    resumed(batch, expected)
