"""What-if on the frozen roll of the monthly benchmark. Usage: what_if.py PERSONS

Today's side is the answer the monthly run left as Parquet (`monthly.py polars PERSONS` is run once if it is not there); the
draft raises every standard by 5 %. Measured: both read, the draft computed, every household compared and classified, and the
figures and the changed households written: what `payments.simulate` does with a run's frozen results.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import polars as pl
from common import clocked, report, result, table
from monthly import FRAMES, calculate, load, plans_of

from tuodi.payments.simulate import classify, summarise
from tuodi.policy.book import Book


def raised(book: Book) -> Book:
    """The book with each standard 5 % higher."""
    rows = book.draft.values["monthly.standard"]
    draft = replace(book.draft)
    draft.values = {
        **draft.values,
        "monthly.standard": [replace(row, value=row.value * 105 / 100) for row in rows if row.value],
    }
    return Book(draft, book.warnings, book.predecessors)


def side(frame: pl.DataFrame, mark: str) -> pl.DataFrame:
    """The columns `classify` reads."""
    return frame.select(
        "household_id", (pl.col("total") > 0).alias(f"in_{mark}"), pl.col("total").fill_null(0).alias(f"fen_{mark}"),
        pl.col("total").is_null().alias(f"open_{mark}"), pl.col("counted").cast(pl.Int64).alias(f"persons_{mark}"),
    )  # fmt: skip


def main() -> None:
    persons = int(sys.argv[1])
    before = result("tuodi-polars", persons)
    if not before.exists():
        subprocess.run(
            [sys.executable, str(Path(__file__).with_name("monthly.py")), "polars", str(persons)], check=True
        )
    laps: dict[str, float] = {}
    with clocked(laps, "load_s"):
        book = raised(load())
    paths = {level: str(table(persons, name)) for level, name in FRAMES.items()}
    with clocked(laps, "wall"):
        plans, model = plans_of(book)
        lazy = calculate(plans, model, {k: pl.scan_parquet(p) for k, p in paths.items()})
        draft = lazy.select("household_id", "total", "counted").collect(engine="streaming")
        now = pl.read_parquet(before, columns=["household_id", "total", "counted"])
        homes = pl.read_parquet(paths["household"], columns=["household_id", "place"])
        units = (
            side(now, "now")
            .join(side(draft, "a"), on="household_id")
            .join(homes.select("household_id", pl.col("place").cast(pl.String).alias("county")), on="household_id")
            .with_columns(pl.lit(True).alias("on_roll"), pl.lit("monthly").alias("programme"))
        )
        answer = summarise(classify(units, ["a"]), ["a"])
        answer.changed.write_parquet(result("what-if", persons), compression="snappy")
    counts = answer.sides["a"].counts
    report(
        gain=counts["gain"],
        lose=counts["lose"],
        more_fen=answer.sides["a"].amount_fen - answer.sides["now"].amount_fen,
        **laps,
    )


if __name__ == "__main__":
    main()
