"""A sorted table finds what a filter finds."""

from __future__ import annotations

from pathlib import Path

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from tuodi.matching.lookup import SortedTable

NUMBERS = st.lists(st.one_of(st.none(), st.integers(0, 12)), max_size=30)


@settings(max_examples=100, deadline=None)
@given(NUMBERS, NUMBERS)
def test_as_a_filter_would_do(keys: list[int | None], asked: list[int | None]):
    frame = pl.DataFrame({"key": keys, "at": range(len(keys))}, schema={"key": pl.Int64, "at": pl.Int64})
    found = SortedTable.of(frame, "key").find(pl.Series(asked, dtype=pl.Int64))
    want = frame.filter(pl.col("key").is_in([a for a in asked if a is not None]))
    assert found.sort("at").rows() == want.sort("at").rows()


def test_a_written_file_is_private_and_gives_the_same(tmp_path: Path):
    frame = pl.DataFrame({"key": [5, 3, 3, None, 9], "name": ["e", "c", "d", "x", "n"]})
    table = SortedTable.of(frame, "key")
    table.write(tmp_path / "keys")
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o600
    found = SortedTable.open(tmp_path / "keys", "key").find(pl.Series([3, 9, 4]))
    assert found.rows() == [(3, "c"), (3, "d"), (9, "n")] or found.rows() == [(3, "d"), (3, "c"), (9, "n")]
    empty = SortedTable.of(frame.clear(), "key")
    empty.write(tmp_path / "empty")
    assert SortedTable.open(tmp_path / "empty", "key").find(pl.Series([1])).height == 0
