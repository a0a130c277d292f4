"""What-if on the frozen roll of the monthly benchmark, beside the plain monthly run. Usage: what_if.py PERSONS [ROUNDS]

Interleaved in one process, the least of the rounds counts. `plain`: plans, the calculation and its answer written, as
`monthly.py polars`. `what_if`: the same roll under a draft that raises every standard by 5 %, today's side read from the answer
the run left (as `payments.simulate` takes it from a run's frozen lines), every household compared and classified, the figures
added up and the changed households written.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import replace
from typing import Any

import polars as pl
from common import clocked, report, result, table
from monthly import FRAMES, calculate, load, plans_of

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tuodi.config.settings")

import django

django.setup()

from tuodi.payments.simulate import classify, summarise  # noqa: E402
from tuodi.policy.book import Book  # noqa: E402


def raised(book: Book) -> Book:
    """The book with each standard 5 % higher."""
    rows = book.draft.values["monthly.standard"]
    draft = replace(book.draft)
    draft.values = {
        **draft.values,
        "monthly.standard": [
            replace(row, value=type(row.value)(int(row.value * 105 / 100))) for row in rows if row.value
        ],
    }
    return Book(draft, book.warnings, book.predecessors)


def side(frame: pl.DataFrame, mark: str) -> pl.DataFrame:
    """The columns `classify` reads."""
    return frame.select(
        "household_id", (pl.col("total") > 0).alias(f"in_{mark}"), pl.col("total").fill_null(0).alias(f"fen_{mark}"),
        pl.col("total").is_null().alias(f"open_{mark}"), pl.col("counted").cast(pl.Int64).alias(f"persons_{mark}"),
    )  # fmt: skip


def plain(book: Book, paths: dict[str, str], persons: int) -> float:
    """The monthly run; seconds."""
    began = time.perf_counter()
    plans, model = plans_of(book)
    lazy = calculate(plans, model, {k: pl.scan_parquet(p) for k, p in paths.items()})
    lazy.sink_parquet(result("tuodi-polars", persons), compression="snappy")
    return time.perf_counter() - began


def what_if(book: Book, paths: dict[str, str], persons: int) -> tuple[float, Any]:
    """The draft against the run's answer; seconds and the figures."""
    began = time.perf_counter()
    plans, model = plans_of(book)
    lazy = calculate(plans, model, {k: pl.scan_parquet(p) for k, p in paths.items()})
    draft = lazy.select("household_id", "total", "counted").collect(engine="streaming")
    now = pl.read_parquet(result("tuodi-polars", persons), columns=["household_id", "total", "counted"])
    homes = pl.read_parquet(paths["household"], columns=["household_id", "place"])
    units = (
        side(now, "now")
        .join(side(draft, "a"), on="household_id")
        .join(homes.select("household_id", pl.col("place").cast(pl.String).alias("county")), on="household_id")
        .with_columns(pl.lit(True).alias("on_roll"), pl.lit("monthly").alias("programme"))
    )
    answer = summarise(classify(units, ["a"]), ["a"])
    answer.changed.write_parquet(result("what-if", persons), compression="snappy")
    return time.perf_counter() - began, answer


def main() -> None:
    persons, rounds = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 3
    laps: dict[str, float] = {}
    with clocked(laps, "load_s"):
        today = load()
        draft = raised(today)
    paths = {level: str(table(persons, name)) for level, name in FRAMES.items()}
    monthly, simulated = [], []
    for _ in range(rounds):
        monthly.append(plain(today, paths, persons))
        seconds, answer = what_if(draft, paths, persons)
        simulated.append(seconds)
    counts = answer.sides["a"].counts
    report(
        plain=round(min(monthly), 3),
        wall=round(min(simulated), 3),
        ratio=round(min(simulated) / min(monthly), 2),
        gain=counts["gain"],
        lose=counts["lose"],
        more_fen=answer.sides["a"].amount_fen - answer.sides["now"].amount_fen,
        **laps,
    )


if __name__ == "__main__":
    main()
