"""A big table found by key at the cost of what is asked: sorted once, then looked up by halving, never scanned.

A new day's register is small and the roll is not. Sorted by key, a hundred thousand questions to four million persons touch a few
pages each. The file is plain Arrow, mapped and not read; it holds keys, so it belongs into a private scratch folder for as
long as a process needs it, and at rest the roll stays where it is encrypted.
"""

from __future__ import annotations

import os
from pathlib import Path

import polars as pl
import pyarrow as pa

__all__ = ["SortedTable"]


class SortedTable:
    """Rows sorted by one integer column without nulls; a value may stand in many rows.

    Args:
        frame: sorted by `by`; `write` and `of` see to that.
    """

    def __init__(self, frame: pl.DataFrame, by: str) -> None:
        self.frame, self.by = frame, by

    @classmethod
    def of(cls, frame: pl.DataFrame, by: str) -> SortedTable:
        """In memory; rows without a value are left out."""
        return cls(frame.filter(pl.col(by).is_not_null()).sort(by), by)

    @classmethod
    def open(cls, path: Path, by: str) -> SortedTable:
        """A written file, mapped into memory: pages of numbers are read when they are looked at, text is read whole."""
        frame = pl.from_arrow(pa.ipc.open_file(pa.memory_map(str(path))).read_all(), rechunk=False)
        assert isinstance(frame, pl.DataFrame)
        return cls(frame, by)

    def write(self, path: Path) -> None:
        """The file appears whole or not at all, readable by the system's user only."""
        part = path.with_name(f".{path.name}.part")
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as out:
            self.frame.rechunk().write_ipc(out, compression="uncompressed", record_batch_size=max(self.frame.height, 1))
        part.replace(path)

    def find(self, values: pl.Series) -> pl.DataFrame:
        """Every row whose value is one of those asked; in order of the value."""
        asked = values.drop_nulls().unique().sort()
        column = self.frame[self.by]
        first = column.search_sorted(asked, side="left").cast(pl.Int64)
        last = column.search_sorted(asked, side="right").cast(pl.Int64)
        spans = pl.DataFrame({"first": first, "last": last}).filter(pl.col("first") < pl.col("last"))
        at = spans.select(pl.int_ranges("first", "last").alias("at")).explode("at")["at"]
        return self.frame[at] if at.len() else self.frame.clear()
