"""The life of a register: asked for, agreed, delivered, delivered twice, corrected, replaced, destroyed."""

from __future__ import annotations

import os
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest
from registerkit import VEHICLE, person, vehicle, write

from tuodi.audit.queries import history
from tuodi.cases.errors import MoveRefusedError
from tuodi.exchange.errors import FileRefusedError, HeaderNotFoundError
from tuodi.files import store
from tuodi.kernel import clock
from tuodi.org import access
from tuodi.org.errors import AccessDeniedError, NotFoundError
from tuodi.verification import register_actions, register_imports, register_store
from tuodi.verification.models import DataSource, RegisterBatch
from tuodi.verification.register_errors import (
    BatchGoneError,
    BatchNumberError,
    BatchOrderError,
    SourceInputError,
    SourceStateError,
)
from tuodi.verification.register_queries import health, ready_batches

pytestmark = pytest.mark.django_db(transaction=True)
State = RegisterBatch.State
AUGUST = date(2017, 8, 31)


@pytest.fixture(autouse=True)
def _on_a_day():
    with clock.frozen(datetime(2017, 9, 4, 9)):
        yield


@pytest.fixture
def clerk(transactional_db, make_user):
    return make_user("4208", "sweep")


@pytest.fixture
def source(clerk) -> DataSource:
    with access.scope(clerk):
        made = register_actions.add_source(
            acting_user=clerk, code="vehicle", kind="vehicle", place_code="4208", label="市车管所", department="公安局",
            mode="batch", profile="vehicle", retention_days=60,
        )  # fmt: skip
        return register_actions.change_source(made, acting_user=clerk, state="agreed", agreement_no="荆核〔2017〕3号")


def deliver(source: DataSource, path: Path, clerk, no: str = "2017-08", as_of: date | None = AUGUST) -> RegisterBatch:
    return register_actions.import_register(source, [path], batch_no=no, as_of=as_of, acting_user=clerk)


def test_a_register_from_agreement_to_destruction(source, clerk, tmp_path: Path, files_dir: Path) -> None:
    assert health(source).state == "off"
    rows = [vehicle(n) for n in range(60)]
    rows[3][2] = f" {rows[3][2]}\u3000"
    rows[4][2] = "4.20899E+17"
    rows[5][2] = "不详"
    rows.append(rows[10])
    path = write(tmp_path / "八月.csv", rows)

    batch = deliver(source, path, clerk)
    assert (batch.state, batch.rows, batch.accepted, batch.duplicates, batch.rejected, batch.unkeyed) == (
        State.READY, 61, 59, 1, 1, 1,
    )  # fmt: skip
    assert batch.reasons["id_damaged"] == ["证件号码被表格软件改成了科学计数法或丢失了末尾数字", 1]
    assert batch.reasons["note.id_spaces"][1] == 1
    assert batch.retain_until == date(2017, 11, 3)
    source.refresh_from_db()
    assert health(source).state == "fresh"
    assert list(ready_batches("420802")) == [batch]

    with access.scope(clerk):
        sheet = store.open_plain(batch.faults).read().decode("utf-8-sig")
    assert "八月.csv,6,未采用" in sheet
    assert "采用，待人工" in sheet
    assert person(7) not in sheet

    with register_store.open_batch(batch) as opened:
        hot = opened.hot().collect()
        assert hot.columns == [
            "row",
            "key",
            "check_state",
            "stale",
            "as_of",
            "vehicle_kind",
            "registered_on",
            "value_fen",
        ]
        [row] = opened.rest_rows(hot.filter(pl.col("key") == int(person(3)[:17]))["row"]).iter_rows(named=True)
        assert (row["plate"], row["id_raw"], row["line_no"], row["value_fen"]) == (
            "鄂H00003",
            f" {person(3)}\u3000",
            5,
            3_000_000,
        )
    sealed = register_store.path(batch).read_bytes()
    assert person(7).encode() not in sealed

    # The same file again, under any number, is the batch there is.
    assert deliver(source, path, clerk).pk == batch.pk
    assert deliver(source, path, clerk, "other").pk == batch.pk
    assert RegisterBatch.objects.count() == 1

    # Another file under the number, the same day: rows known already count as duplicates.
    more = write(tmp_path / "补充.csv", [vehicle(n) for n in range(50, 70)])
    batch = deliver(source, more, clerk)
    assert (batch.rows, batch.accepted, batch.duplicates, batch.rejected) == (81, 69, 11, 1)
    assert batch.file_names == ["八月.csv", "补充.csv"]

    # A day later the number is taken, and an older register puts nothing back.
    with clock.frozen(datetime(2017, 9, 5, 9)):
        with pytest.raises(BatchNumberError):
            deliver(source, write(tmp_path / "x.csv", [vehicle(99)]), clerk)
        with pytest.raises(BatchOrderError):
            deliver(source, write(tmp_path / "x.csv", [vehicle(99)]), clerk, "2017-07", date(2017, 7, 31))
    assert RegisterBatch.objects.get(batch_no="2017-07").state == State.REFUSED

    # The next delivery supersedes it, and its file is gone.
    with clock.frozen(datetime(2017, 10, 9, 9)):
        after = deliver(source, write(tmp_path / "九月.csv", [vehicle(1)]), clerk, "2017-09", date(2017, 9, 30))
        batch.refresh_from_db()
        assert (batch.state, batch.sealed) == (State.SUPERSEDED, "")
        with pytest.raises(BatchGoneError), register_store.open_batch(batch):
            pass
        assert [p.name for p in files_dir.glob("registers/*/*")] == [f"{after.pk}.sealed"]

    # Past its retention date nothing is left but counts.
    with clock.frozen(datetime(2018, 1, 9, 9)):
        assert register_actions.purge_expired() == 3
        assert register_actions.purge_expired() == 0
        after.refresh_from_db()
        assert (after.state, after.accepted, after.sealed_bytes) == (State.PURGED, 1, 0)
        assert not list(files_dir.glob("registers/*/*"))
        assert health(source).state in ("off", "overdue")
    with access.scope(clerk):
        verbs = {entry.action for entry in history("registerbatch", batch.pk)}
    assert verbs == {"verification.receive_batch", "verification.import_batch", "verification.supersede_batch", "verification.purge_batch"}  # fmt: skip


def test_a_refused_file_leaves_nothing_but_its_reason(source, clerk, tmp_path: Path, files_dir: Path) -> None:
    path = write(tmp_path / "a.csv", [vehicle(n) for n in range(9)], below=["共12条"])
    with pytest.raises(FileRefusedError, match="写明有 12 条记录，实际是 9 条"):
        deliver(source, path, clerk)
    batch = RegisterBatch.objects.get()
    assert (batch.state, batch.rows, batch.accepted) == (State.REFUSED, 0, 0)
    assert "实际是 9 条" in batch.note
    assert not list(files_dir.glob("registers/*/*"))
    assert not list((files_dir / ".scratch").iterdir())
    source.refresh_from_db()
    assert source.failures == 1
    with pytest.raises(HeaderNotFoundError):
        deliver(source, write(tmp_path / "b.csv", [["1", "2"]], header=["序号", "备注"]), clerk)
    source.refresh_from_db()
    assert health(source).state == "failing"
    # The number is free for the corrected file.
    good = deliver(source, write(tmp_path / "a.csv", [vehicle(n) for n in range(9)], below=["共9条"]), clerk)
    assert good.state == State.READY
    source.refresh_from_db()
    assert (source.failures, health(source).state) == (0, "fresh")


def test_a_bad_file_added_to_a_ready_batch_leaves_the_batch_as_it_was(source, clerk, tmp_path: Path) -> None:
    batch = deliver(source, write(tmp_path / "a.csv", [vehicle(n) for n in range(9)]), clerk)
    before = register_store.path(batch).read_bytes()
    with pytest.raises(FileRefusedError):
        deliver(source, write(tmp_path / "b.csv", [vehicle(20)], below=["共7条"]), clerk)
    batch.refresh_from_db()
    assert (batch.state, batch.rows) == (State.READY, 9)
    assert register_store.path(batch).read_bytes() == before


def test_an_import_that_was_killed_is_found_by_its_row(
    source, clerk, tmp_path: Path, files_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "a.csv", [vehicle(n) for n in range(9)])
    with access.scope(clerk):
        batch = register_actions.receive_register(
            source, path, batch_no="2017-08", name="a.csv", as_of=AUGUST, acting_user=clerk
        )
    assert batch.state == State.IMPORTING
    seal = register_imports._seal

    def killed(*args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(register_imports, "_seal", killed)
    with pytest.raises(KeyboardInterrupt):
        register_actions.resume_imports()
    batch.refresh_from_db()
    assert batch.state == State.IMPORTING
    monkeypatch.setattr(register_imports, "_seal", seal)
    assert register_actions.resume_imports() == 1
    assert register_actions.resume_imports() == 0
    batch.refresh_from_db()
    assert (batch.state, batch.accepted) == (State.READY, 9)
    left = [p for p in files_dir.rglob("*") if p.is_file() and "register_raw" in p.name]
    assert not left


def test_a_file_that_says_no_day_needs_one(source, clerk, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", [vehicle(1)])
    with pytest.raises(SourceInputError, match="数据日期"):
        deliver(source, path, clerk, as_of=None)
    told = write(tmp_path / "b.csv", [vehicle(1)], above=["数据截至2017年8月20日"])
    assert deliver(source, told, clerk, "b", as_of=None).as_of == date(2017, 8, 20)


def test_doors(source, clerk, make_user, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", [vehicle(1)])
    with pytest.raises(AccessDeniedError):
        deliver(source, path, make_user("4208", "verify"))
    with pytest.raises(NotFoundError):
        deliver(source, path, make_user("4209", "sweep"))
    register_actions.change_source(source, acting_user=clerk, state="suspended")
    source.refresh_from_db()
    with pytest.raises(SourceStateError):
        deliver(source, path, clerk)
    with pytest.raises(MoveRefusedError):
        register_actions.change_source(source, acting_user=clerk, state="asked")
    with pytest.raises(SourceInputError, match="文件模板"):
        register_actions.change_source(source, acting_user=clerk, profile="estate")
    for wrong, field in (
        ({"mode": "real_time"}, "接口名"),
        ({"mode": "real_time", "service": "../control"}, "接口名"),
        ({"reply_key": "04" + "11" * 64}, "验签公钥"),
        ({"reply_key": "key"}, "验签公钥"),
        ({"freshness_days": 0}, "天数"),
        ({"quota_per_day": -1}, "每日限额"),
    ):
        with pytest.raises(SourceInputError, match=field):
            register_actions.change_source(source, acting_user=clerk, **wrong)
    source.refresh_from_db()
    assert (source.mode, source.service, source.reply_key) == ("batch", "", "")


def test_nothing_is_readable_for_others(source, clerk, tmp_path: Path) -> None:
    batch = deliver(source, write(tmp_path / "a.csv", [vehicle(1)]), clerk)
    where = register_store.path(batch)
    assert os.stat(where).st_mode & 0o077 == 0
    assert os.stat(where.parent).st_mode & 0o077 == 0
    _ = VEHICLE
