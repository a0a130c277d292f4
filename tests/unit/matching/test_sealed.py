"""A register at rest: whole or not there, lossless, and it opens for its own batch only."""

from __future__ import annotations

import os
import stat
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tuodi.crypto.errors import DecryptError
from tuodi.crypto.keyring import Keyring
from tuodi.kernel.identity import make_id
from tuodi.matching import sealed
from tuodi.matching.sealed import SealedWriter, open_sealed

RING = Keyring.generate()
DAY = date(2017, 8, 31)


def rows(*ids: str | None, plate: str = "鄂H", start: int = 2, as_of: date | None = DAY) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "line_no": range(start, start + len(ids)),
            "id_raw": pl.Series(ids, dtype=pl.String),
            "name": [f"张{n % 7}" for n in range(len(ids))],
            "as_of": pl.Series([as_of] * len(ids), dtype=pl.Date),
            "stale": [n % 5 == 0 for n in range(len(ids))],
            "plate": [f"{plate}{n}" for n in range(len(ids))],
            "value_fen": pl.Series([n * 100 for n in range(len(ids))], dtype=pl.Int64),
        }
    )


PEOPLE = [make_id("420899", date(1950, 1, 1 + n % 28), 1 + n) for n in range(300) if n % 100 != 99]


def seal(tmp_path: Path, *frames: pl.DataFrame, name: str = "b", part: int = 100, batch: str = "1/a"):  # type: ignore[no-untyped-def]
    path = tmp_path / "kept" / name
    with SealedWriter(
        path, batch, hot=["plate", "absent"], scratch=tmp_path, as_of=DAY, on=DAY, part=part, keys=RING
    ) as writer:
        for frame in frames:
            writer.write(frame)
        return path, writer.finish()


def opened(path: Path, tmp_path: Path, batch: str = "1/a"):  # type: ignore[no-untyped-def]
    return open_sealed(path, batch, scratch=tmp_path, keys=RING)


def test_everything_comes_back_as_it_was_written(tmp_path: Path) -> None:
    odd = ["  " + PEOPLE[0], "坏号", None, "420899500101011", PEOPLE[1].lower()]
    given_rows = pl.concat([rows(*PEOPLE), rows(*odd, start=1000, plate="京")])
    path, totals = seal(tmp_path, given_rows)
    assert (totals.rows, totals.kept, totals.duplicates, totals.unkeyed) == (len(given_rows), len(given_rows), 0, 2)
    with opened(path, tmp_path) as batch:
        again = pl.concat(batch.frames()).select(given_rows.columns).sort("line_no")
        assert again.equals(given_rows)
        hot = batch.hot().collect()
        assert hot.columns == ["row", "key", "check_state", "stale", "as_of", "plate"]
        assert hot["row"].to_list() == list(range(batch.rows))
        at = hot.filter(pl.col("plate") == "鄂H7")["row"]
        [row] = batch.rest_rows(at).iter_rows(named=True)
        assert (row["line_no"], row["id_raw"], row["name"], row["value_fen"]) == (9, PEOPLE[7], "张0", 700)
        assert len(batch.rest_rows([])) == 0


def test_a_row_that_comes_twice_counts_once_wherever_it_stands(tmp_path: Path) -> None:
    first = rows(*PEOPLE)
    _, totals = seal(tmp_path, first, first.with_columns(pl.col("line_no") + 5000), rows(*PEOPLE[:3], plate="沪"))
    assert (totals.rows, totals.kept, totals.duplicates) == (2 * len(PEOPLE) + 3, len(PEOPLE) + 3, len(PEOPLE))


def test_doubles_are_found_on_disk_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealed, "_IN_MEMORY", 150)
    first = rows(*PEOPLE)
    path, totals = seal(tmp_path, first, first.reverse(), rows(None, None), rows(None, None))
    assert (totals.kept, totals.duplicates) == (len(PEOPLE) + 2, len(PEOPLE) + 2)
    with opened(path, tmp_path) as batch:
        assert batch.rows == sum(frame.height for frame in batch.frames()) == totals.kept


def test_each_row_keeps_its_rest_when_doubles_go(tmp_path: Path) -> None:
    plain = rows(*PEOPLE, None, PEOPLE[0][:17] + "?").sample(fraction=1.0, shuffle=True, seed=5)
    doubled = pl.concat([plain[:60], plain[20:90], plain[:10], plain[90:], plain[150:]])
    path, totals = seal(tmp_path, doubled)
    assert totals.duplicates == len(doubled) - len(plain)
    with opened(path, tmp_path) as batch:
        assert pl.concat(batch.frames()).select(plain.columns).sort("line_no").equals(plain.sort("line_no"))
        hot = batch.hot().collect()
        some = hot.filter(pl.col("row") % 3 == 1)
        told = batch.rest_rows(some["row"])
        assert told.select("row", "key", "plate").equals(some.select("row", "key", "plate"))
        assert told.select(plain.columns).join(plain, on=plain.columns, nulls_equal=True).height == len(some)
        numbers = told.filter(pl.col("check_state") == "ok")
        assert numbers["id_raw"].str.head(17).cast(pl.Int64).equals(numbers["key"])


def test_rows_of_the_batch_before_are_known_and_not_counted(tmp_path: Path) -> None:
    old, _ = seal(tmp_path, rows(*PEOPLE[:50]))
    new = tmp_path / "kept" / "new"
    with (
        opened(old, tmp_path) as batch,
        SealedWriter(new, "1/a", hot=["plate"], scratch=tmp_path, as_of=DAY, on=DAY, part=40, keys=RING) as writer,
    ):
        for frame in batch.frames():
            writer.write(frame, known=True)
        writer.write(rows(*PEOPLE[:60]))
        totals = writer.finish()
    assert (totals.rows, totals.kept, totals.duplicates) == (60, 60, 50)


def test_days_of_their_own_are_kept(tmp_path: Path) -> None:
    path, _ = seal(tmp_path, rows(*PEOPLE[:150]), rows(*PEOPLE[150:], as_of=date(2017, 1, 1), plate="X"))
    with opened(path, tmp_path) as batch:
        counts = batch.hot("plate").group_by("as_of").len().collect()
        assert dict(counts.iter_rows()) == {DAY: 150, date(2017, 1, 1): len(PEOPLE) - 150}


def test_an_empty_register_is_a_batch_too(tmp_path: Path) -> None:
    path, totals = seal(tmp_path, rows())
    assert totals.kept == 0
    with opened(path, tmp_path) as batch:
        assert batch.hot().collect().height == 0


def test_nothing_plain_stays_and_files_are_private(tmp_path: Path) -> None:
    path, _ = seal(tmp_path, rows(*PEOPLE))
    data = path.read_bytes()
    assert PEOPLE[0].encode() not in data
    assert "张".encode() not in data
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with opened(path, tmp_path) as batch:
        assert all(stat.S_IMODE(p.stat().st_mode) == 0o600 for p in batch.hot_paths)
        assert stat.S_IMODE(batch.hot_paths[0].parent.stat().st_mode) == 0o700
    assert os.listdir(tmp_path) == ["kept"]
    assert os.listdir(tmp_path / "kept") == ["b"]


def test_a_writer_that_fails_leaves_the_file_there_was(tmp_path: Path) -> None:
    path, _ = seal(tmp_path, rows(*PEOPLE[:5]))
    before = path.read_bytes()

    def failing() -> None:
        with SealedWriter(path, "1/a", hot=[], scratch=tmp_path, as_of=DAY, part=10, keys=RING) as writer:
            writer.write(rows(*PEOPLE))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        failing()
    assert path.read_bytes() == before
    assert os.listdir(tmp_path / "kept") == ["b"]


def test_a_file_of_another_batch_or_place_does_not_open(tmp_path: Path) -> None:
    path, _ = seal(tmp_path, rows(*PEOPLE))
    with pytest.raises(DecryptError), opened(path, tmp_path, "1/b"):
        pass
    with pytest.raises(DecryptError), open_sealed(path, "1/a", scratch=tmp_path, keys=Keyring.generate()):
        pass


def test_parts_of_two_sealings_cannot_be_exchanged(tmp_path: Path) -> None:
    one, _ = seal(tmp_path, rows(*PEOPLE[:100]), name="one")
    two, _ = seal(tmp_path, rows(*PEOPLE[:100]), name="two")
    mixed = tmp_path / "mixed"
    a, b = one.read_bytes(), two.read_bytes()
    mixed.write_bytes(a[: len(a) // 2] + b[len(a) // 2 :])
    with pytest.raises(DecryptError), opened(mixed, tmp_path) as batch:
        list(batch.frames())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 10_000_000), st.sampled_from(["cut", "flip"]))
def test_an_altered_or_cut_file_never_opens_in_full(tmp_path: Path, at: int, how: str) -> None:
    path = tmp_path / "kept" / "b"
    if not path.exists():
        seal(tmp_path, rows(*PEOPLE))
    data = bytearray(path.read_bytes())
    at %= len(data)
    broken = tmp_path / "broken"
    broken.write_bytes(data[:at] if how == "cut" else bytes(data[:at]) + bytes([data[at] ^ 1]) + bytes(data[at + 1 :]))
    with pytest.raises(DecryptError), opened(broken, tmp_path) as batch:
        list(batch.frames())
