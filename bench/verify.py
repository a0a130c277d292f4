"""Verification by the product: registers to clues, through the same linking and judging the sweep uses.

Usage: verify.py MODE PERSONS [ENGINE] [--rows N]
MODE: import (numbers to keys and the roll sorted by key and by family, written once), keyed, parquet, csv (raw: in memory, nothing
written), day (one new register of N rows against the sorted roll).
ENGINE: polars; duckdb-1GB links and judges within `memory_limit` 1 GB; spark judges on two executors what Polars has linked.
"""

from __future__ import annotations

import sys
import time
from datetime import date
from pathlib import Path
from typing import Any

import narwhals as nw
import polars as pl
from common import BENCH, ROOT, clocked, report
from verify_spec import CLUE, REGISTERS, answer, data, keyed_file

from tuodi.matching.keys import with_key
from tuodi.matching.link import link, link_all
from tuodi.matching.lookup import SortedTable
from tuodi.monitoring.judge import Findings, judge, looked_at
from tuodi.policy.book import Book
from tuodi.rules import load_book

DAY = date(2020, 9, 1)


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
    roll = pl.read_parquet(keyed_file(persons, "people")).with_columns(
        pl.col("area_kind").cast(pl.Int64), pl.col("household_id").cast(pl.Int64)
    )
    for by in ("key", "household_id"):
        SortedTable.of(roll, by).write(sorted_file(persons, by))


def sorted_file(persons: str, by: str) -> Path:
    return keyed_file(persons, f"people-by-{by}").with_suffix(".arrow")


def day(persons: str, rows: int) -> None:
    """A new vehicle register of some rows: numbers to keys, persons by halving, their families, judging. No scan of the roll."""
    rules = book()
    numbers = pl.scan_parquet(data(persons, "vehicle")).head(rows).collect()
    spent: dict[str, float] = {}
    with_key(numbers.head(1))  # tables of check digits are made once a process, not once a register
    began, cpu = time.perf_counter(), time.process_time()
    with clocked(spent, "keys_s"):
        new = with_key(numbers)
    with clocked(spent, "find_s"):
        people = SortedTable.open(sorted_file(persons, "key"), "key").find(new["key"])
        families = SortedTable.open(sorted_file(persons, "household_id"), "household_id")
        found_in = families.find(people["household_id"])
    with clocked(spent, "link_s"):
        subjects = people.lazy().select("key", "person_id", "household_id")
        hits = link(subjects, new.lazy().drop("id_raw"), columns=["vehicle_kind", "value_fen"]).hits
    with clocked(spent, "judge_s"):
        found = judged(rules, found_in.lazy(), {"vehicle": hits}, "polars")
    report(
        wall=round(time.perf_counter() - began, 4), cpu=round(time.process_time() - cpu, 4), **{k: round(v, 4) for k, v in spent.items()}, rows=numbers.height,
        hits=hits.height, clues=found.findings.height,
    )  # fmt: skip


def judged(rules: Book, roll: pl.LazyFrame, hits: dict[str, Any], engine: str, **more: Any) -> Findings:
    touched = pl.concat([frame.select("household_id").lazy() for frame in hits.values()]).unique()
    roll = roll.join(touched, on="household_id", how="semi").collect(engine="streaming").lazy()
    members = roll.select("person_id", "household_id", "key")
    households = roll.select("household_id", "area_kind").unique("household_id", keep="any")
    paid = households.select("household_id", pl.lit("dibao").alias("programme"))
    return judge(rules, "cn", DAY, roll=paid, members=members, households=households, hits=hits, engine=engine, **more)


def limited(persons: str, rules: Book, spent: dict[str, float]) -> Findings:
    """The same on DuckDB within 1 GB: the join in SQL, the rules through the same columns."""
    import duckdb

    con = duckdb.connect()
    con.execute(
        f"set memory_limit = '1GB'; set temp_directory = '{ROOT / 'spill'}'; set preserve_insertion_order = false"
    )
    wanted = looked_at(rules, ["cn"], DAY)
    with clocked(spent, "roll_s"):
        con.execute(
            f"create table roll as select key, person_id, household_id, area_kind from '{keyed_file(persons, 'people')}'"
        )
    hits = {}
    with clocked(spent, "link_s"):
        for register in REGISTERS:
            columns = "".join(f", {c}" for c in wanted.get(register, ()))
            con.execute(
                f"create table hit_{register} as select row_number() over () as row_id, r.key, person_id, household_id{columns} "
                f"from '{keyed_file(persons, register)}' r join roll on r.key = roll.key"
            )
            hits[register] = con.table(f"hit_{register}")
    with clocked(spent, "judge_s"):
        members = con.sql("select person_id, household_id, key from roll")
        households = con.sql("select household_id, any_value(area_kind) as area_kind from roll group by household_id")
        paid = con.sql("select distinct household_id, 'dibao' as programme from roll")
        return judge(
            rules,
            "cn",
            DAY,
            roll=paid,
            members=members,
            households=households,
            hits=hits,
            engine="duckdb",
            connection=con,
        )


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


def linked(persons: str, mode: str, rules: Book, spent: dict[str, float], engine: str, session: Any) -> Findings:
    wanted = looked_at(rules, ["cn"], DAY)
    with clocked(spent, "roll_s"):
        own = ["person_id", "household_id", "area_kind"]
        own_number = "key" if mode == "keyed" else "id_raw"
        roll = scan(persons, "people", mode).select(own_number, *own).collect(engine="streaming")
        if mode != "keyed":
            roll = with_key(roll).select("key", *own)
    subjects = roll.lazy().select("key", "person_id", "household_id")
    with clocked(spent, "link_s"):
        registers = {r: scan(persons, r, mode) for r in REGISTERS}
        if mode != "parquet":
            number = None if mode == "keyed" else "id_raw"
            found = link_all(subjects, registers, columns=wanted, number=number)
        else:  # a province's text is what costs memory: one register at a time takes half of it, and a fifth more time
            found = {}
            for r, rows in registers.items():
                found |= link_all(subjects, {r: rows}, columns=wanted, number="id_raw")
        hits = {r: linked.hits for r, linked in found.items()}
    with clocked(spent, "judge_s"):
        return judged(rules, roll.lazy(), hits, engine, session=session)


def main() -> None:
    mode, persons = sys.argv[1:3]
    engine = next((a for a in sys.argv[3:] if a in ("polars", "duckdb-1GB", "spark")), "polars")
    spent: dict[str, float] = {}
    if mode == "import":
        with clocked(spent, "wall"):
            import_(persons)
        report(**{k: round(v, 3) for k, v in spent.items()})
        return
    if mode == "day":
        day(persons, int(sys.argv[sys.argv.index("--rows") + 1]))
        return
    rules = book()
    session: Any = None
    if engine == "spark":
        from monthly import spark_session

        session = spark_session()
    nw.from_native(
        pl.LazyFrame()
    )  # Narwhals loads half of itself here; the peers' libraries are loaded before the clock, too
    began, cpu = time.perf_counter(), time.process_time()
    if engine == "duckdb-1GB":
        found = limited(persons, rules, spent)
    else:
        found = linked(persons, mode, rules, spent, engine, session)
    out = clues(found)
    out.write_parquet(answer(f"tuodi-{mode}-{engine}", persons))
    wall = time.perf_counter() - began
    report(
        wall=round(wall, 3),
        cpu=round(time.process_time() - cpu, 3),
        **{k: round(v, 3) for k, v in spent.items()},
        clues=out.height,
    )


if __name__ == "__main__":
    main()
