"""Verification by the product: registers to clues, through the same linking and judging the sweep uses.

Usage: verify.py MODE PERSONS [ENGINE] [--limit 1GB]
MODE: import (numbers to keys, written once), keyed, parquet, csv (raw, in memory, nothing written), day (see below).
ENGINE: polars, duckdb, spark judge; Polars links. `--limit` lets DuckDB link and judge in that memory.
"""

from __future__ import annotations

import sys
import time
from datetime import date
from typing import Any

import polars as pl
from common import BENCH, ROOT, clocked, report
from verify_spec import CLUE, REGISTERS, answer, data, keyed_file

from tuodi.matching.keys import with_key
from tuodi.matching.link import link
from tuodi.monitoring.judge import Findings, judge, looked_at
from tuodi.policy.book import Book
from tuodi.rules import load_book

DAY = date(2020, 9, 1)
CODES = {
    "vehicle_kind": ("car", "other"), "use": ("residential", "shop", "other"), "status": ("active", "gone"),
    "area_kind": ("urban", "rural"),
}  # fmt: skip


def book() -> Book:
    return load_book([BENCH / "pack" / "verify.yaml"], cache=ROOT / "cache")


def scan(persons: str, name: str, mode: str) -> pl.LazyFrame:
    if mode == "csv":
        rows = pl.scan_csv(data(persons, name, "csv"), schema_overrides={"id_raw": pl.String})
    elif mode == "parquet":
        rows = pl.scan_parquet(data(persons, name))
    else:
        return pl.scan_parquet(keyed_file(persons, name))
    return rows


def import_(persons: str) -> None:
    """The import of the benchmark: keys beside the columns, sorted by nothing."""
    for name in (*REGISTERS, "people"):
        target = keyed_file(persons, name)
        target.parent.mkdir(parents=True, exist_ok=True)
        rows = with_key(pl.scan_parquet(data(persons, name))).drop("id_raw", "check_state")
        rows.sink_parquet(target, compression="snappy")


def clues(found: Findings) -> pl.DataFrame:
    """The columns every engine writes, out of the figures kept with each clue."""
    parts = []
    for register in REGISTERS:
        rows = found.findings.filter(pl.col("rule_code") == register.upper())
        names = {n: f"verify__{register}_{n}" for n in ("cnt", "persons", "amount")}
        body = rows["figures"].str.json_decode(pl.Struct(dict.fromkeys(names.values(), pl.Int64))).struct.unnest()
        parts.append(
            rows.select("household_id", pl.lit(register).alias("rule"))
            .hstack(body)
            .select("household_id", "rule", *(pl.col(old).fill_null(0).alias(new) for new, old in names.items()))
        )
    return pl.concat(parts).select(CLUE)


def main() -> None:
    mode, persons = sys.argv[1:3]
    engine = next((a for a in sys.argv[3:] if a in ("polars", "duckdb", "spark")), "polars")
    spent: dict[str, float] = {}
    if mode == "import":
        with clocked(spent, "wall"):
            import_(persons)
        report(**{k: round(v, 3) for k, v in spent.items()})
        return
    rules = book()
    session: Any = None
    if engine == "spark":
        from monthly import spark_session

        session = spark_session()
    began = time.perf_counter()
    wanted = looked_at(rules, ["cn"], DAY)
    with clocked(spent, "roll_s"):
        people = scan(persons, "people", mode)
        if mode != "keyed":
            people = with_key(people)
        roll = people.select("key", "person_id", "household_id", "area_kind").collect(engine="streaming")
    subjects = roll.lazy().select("key", "person_id", "household_id")
    hits: dict[str, pl.DataFrame] = {}
    with clocked(spent, "link_s"):
        for register in REGISTERS:
            rows = scan(persons, register, mode)
            columns = [c for c in wanted.get(register, ()) if c in rows.collect_schema().names()]
            rows = rows.select("key" if mode == "keyed" else "id_raw", *columns)
            if mode != "keyed":
                rows = with_key(rows)
            hits[register] = link(subjects, rows, columns=columns).hits
    with clocked(spent, "judge_s"):
        members = roll.lazy().select("person_id", "household_id", "key")
        households = roll.lazy().select("household_id", "area_kind").unique()
        paid = households.select("household_id", pl.lit("dibao").alias("programme"))
        found = judge(
            rules,
            "cn",
            DAY,
            roll=paid,
            members=members,
            households=households,
            hits=hits,
            engine=engine,
            session=session,
        )
    out = clues(found)
    out.write_parquet(answer(f"tuodi-{mode}-{engine}", persons))
    wall = time.perf_counter() - began
    report(wall=round(wall, 3), **{k: round(v, 3) for k, v in spent.items()}, clues=out.height)


if __name__ == "__main__":
    main()
