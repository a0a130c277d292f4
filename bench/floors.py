"""What the monthly run cannot do without: read every column, group every table once, write the answer. Usage: floors.py PERSONS

The groupings sum one amount or count by the key its rows are climbed by. The answer written is the hand-written peer's.
"""

from __future__ import annotations

import sys

import polars as pl
from common import least, report, result, table

ROUNDS = 3


def main() -> None:
    persons = int(sys.argv[1])
    scans = {name: pl.scan_parquet(table(persons, name)) for name in ("households", "members", "incomes", "costs")}

    def take(frame: pl.LazyFrame) -> None:
        frame.select(pl.all().max()).collect(engine="streaming")

    groups = [
        scans["members"].group_by("household_id").agg(pl.len()),
        scans["incomes"].group_by("person_id").agg(pl.col("income_amount").sum()),
        scans["costs"].group_by("household_id").agg(pl.col("cost_amount").sum()),
    ]
    scan = least(lambda: [take(frame) for frame in scans.values()], ROUNDS)
    group = least(lambda: [take(frame) for frame in groups], ROUNDS)
    answer = pl.read_parquet(result("polars", persons)).lazy()
    write = least(lambda: answer.sink_parquet(result("floor", persons), compression="snappy"), ROUNDS)
    report(wall=scan + group + write, scan_s=scan, group_s=group, write_s=write)


if __name__ == "__main__":
    main()
