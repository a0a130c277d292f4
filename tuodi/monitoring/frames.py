"""The engine a judgement runs on: frames in, small Polars frames out. Polars, DuckDB and Spark behind one face."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import narwhals as nw
import polars as pl

__all__ = ["Engine"]


class Engine:
    """Takes frames of any engine, or Polars frames for another one.

    Args:
        name: `polars`, `duckdb` or `spark`.
        connection: the DuckDB connection relations belong to; made if Polars frames are given and none is.
        session: the Spark session, needed to give it Polars frames.
    """

    def __init__(self, name: str, connection: Any = None, session: Any = None) -> None:
        if name not in ("polars", "duckdb", "spark"):
            raise ValueError(f"没有计算引擎“{name}”；可用: polars、duckdb、spark")
        self.name, self.connection, self.session = name, connection, session
        if name == "duckdb" and connection is None:
            import duckdb

            self.connection = duckdb.connect()
        self.kept: list[Any] = []  # Arrow tables that relations read from

    def take(self, frame: Any) -> nw.LazyFrame[Any]:
        """A frame on this engine."""
        if not isinstance(frame, pl.DataFrame | pl.LazyFrame):
            return nw.from_native(frame).lazy()
        if self.name == "polars":
            return nw.from_native(frame.lazy())
        table = (frame.collect() if isinstance(frame, pl.LazyFrame) else frame).to_arrow()
        if self.name == "duckdb":
            self.kept.append(table)
            return nw.from_native(self.connection.from_arrow(table)).lazy()
        return nw.from_native(self.session.createDataFrame(table)).lazy()

    def collect(self, frame: nw.LazyFrame[Any]) -> pl.DataFrame:
        """The rows as a Polars frame."""
        native = nw.to_native(frame)
        if isinstance(native, pl.LazyFrame):
            return native.collect(engine="streaming")
        if self.name == "duckdb":
            out: pl.DataFrame = native.pl()
            return out
        found = pl.from_arrow(native.toArrow())
        assert isinstance(found, pl.DataFrame)
        return found

    def collect_many(self, frames: Sequence[nw.LazyFrame[Any]]) -> list[pl.DataFrame]:
        """The rows of many frames. Polars works them out side by side: most are small and cost the call more than the work."""
        if self.name == "polars" and len(frames) > 1:
            return pl.collect_all([nw.to_native(frame) for frame in frames])
        return [self.collect(frame) for frame in frames]

    def height(self, frame: Any, taken: nw.LazyFrame[Any]) -> int:
        """How many rows a frame has, counted only where it is not known."""
        if isinstance(frame, pl.DataFrame):
            return frame.height
        return int(self.collect(taken.select(n=nw.len()))["n"][0])

    def store(self, frame: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
        """Computed once, used often: an engine that shares no sub-plan would work it out again at each use."""
        return self.store_many([frame])[0]

    def store_many(self, frames: Sequence[nw.LazyFrame[Any]]) -> list[nw.LazyFrame[Any]]:
        """Like `store` for many."""
        if self.name == "spark":
            return [nw.from_native(nw.to_native(frame).cache()).lazy() for frame in frames]
        return [self.take(rows) for rows in self.collect_many(frames)]
