"""The monthly run with PostgreSQL as the system of record. Usage: end_to_end.py PERSONS traffic | run

`traffic` is the floor: the four tables out by ADBC, a ready answer in by COPY, a unique index. `run` puts the calculation
between. Both read the same tables (loaded on first use into a database of their own on the product's private server) and end
with the same indexed table, whose sum is reported. Explanations need no table of their own: they are computed again from
the facts and the fingerprint of the rules (`explain_ms` does this for one household of the database).
"""

from __future__ import annotations

import io
import os
import sys
import time
from typing import Any

import adbc_driver_postgresql.dbapi as adbc
import polars as pl
import psycopg
from common import COLUMNS, TABLES, clocked, report, result, table
from monthly import FRAMES, calculate, load, plans_of

from tuodi.config import postgres

DATABASE = "tuodi_bench"
TYPES: dict[Any, str] = {pl.Int64: "bigint", pl.Int32: "integer", pl.Int8: "smallint", pl.Boolean: "boolean", pl.Date: "date"}  # fmt: skip
PART = 250_000


def open_database() -> tuple[psycopg.Connection[Any], str]:
    """A superuser's link to the benchmark's database, and the address ADBC takes."""
    url = os.environ.get("DATABASE_URL")
    if url:
        return psycopg.connect(url, autocommit=True), url
    layout = postgres.ensure_running()
    assert layout is not None
    with postgres.superuser_link(layout) as link:
        if not link.execute("select 1 from pg_database where datname = %s", (DATABASE,)).fetchone():
            link.execute(f"create database {DATABASE}")
    uri = f"postgresql:///{DATABASE}?host={layout.socket}&user={postgres.SUPERUSER}"
    return postgres.superuser_link(layout, DATABASE), uri


def copy_in(link: psycopg.Connection[Any], name: str, frame: pl.DataFrame) -> None:
    """CSV by COPY, in parts, so that no whole text is held."""
    with link.cursor().copy(f"copy {name} from stdin (format csv)") as copy:
        for part in frame.iter_slices(PART):
            buffer = io.BytesIO()
            part.write_csv(buffer, include_header=False)
            copy.write(buffer.getbuffer())


def prepare(link: psycopg.Connection[Any], persons: int) -> None:
    """The four input tables of one size, once."""
    for name in TABLES:
        target = f"m{persons}_{name}"
        if link.execute("select to_regclass(%s)", (target,)).fetchone() != (None,):
            continue
        frame = pl.read_parquet(table(persons, name))
        columns = ", ".join(f"{k} {TYPES[v]}" for k, v in frame.schema.items())
        link.execute(f"create table {target} ({columns})")
        copy_in(link, target, frame)
        link.execute(f"vacuum analyze {target}")


def main() -> None:
    persons, what = int(sys.argv[1]), sys.argv[2]
    link, uri = open_database()
    prepare(link, persons)
    ready = pl.read_parquet(result("polars", persons))
    book = load()
    link.execute("drop table if exists pay_order")
    link.execute(f"create table pay_order ({', '.join(f'{c} bigint' for c in COLUMNS)})")
    link.execute("checkpoint")
    laps: dict[str, float] = {}
    start = time.perf_counter()
    with clocked(laps, "out_s"):
        frames = {}
        with adbc.connect(uri) as source, source.cursor() as cursor:
            for level, name in FRAMES.items():
                cursor.execute(f"select * from m{persons}_{name}")
                frames[level] = pl.from_arrow(cursor.fetch_arrow_table())
    if what == "run":
        with clocked(laps, "rules_s"):
            there = frames["household"]["place"].unique().cast(pl.String)
            plans, model = plans_of(book, {*there})
            lazy = calculate(plans, model, {k: f.lazy() for k, f in frames.items()})
            ready = lazy.collect(engine="streaming")
    del frames
    with clocked(laps, "in_s"):
        copy_in(link, "pay_order", ready)
    with clocked(laps, "index_s"):
        link.execute("create unique index on pay_order (household_id)")
    wall = time.perf_counter() - start
    total = link.execute("select sum(total)::bigint from pay_order").fetchone()
    link.execute("drop table pay_order")
    report(wall=wall, total_fen=total[0] if total else None, **laps)


if __name__ == "__main__":
    main()
