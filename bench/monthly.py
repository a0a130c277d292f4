"""The monthly run with the product's engine. Usage: monthly.py ENGINE PERSONS

ENGINE: polars, duckdb, duckdb-1GB, spark (two separate executors). Parquet on disk to Parquet on disk; reading the packs,
importing and starting Spark are reported beside the wall time, not in it.
"""

from __future__ import annotations

import datetime as dt
import os
import sys
import time
from pathlib import Path
from typing import Any

from common import COLUMNS, MONTH, ROOT, YEAR, clocked, report, result, table

from tuodi.kernel.periods import Month
from tuodi.policy.book import Book
from tuodi.rules import load_book
from tuodi.rules.bulk import Keys, column_name, run_bulk
from tuodi.rules.plan import Plan, plan_for
from tuodi.rules.slots import Model

#: Benchmark column -> rule.
RULES = {"outcome": "monthly.outcome_now"} | {
    name: f"monthly.{name}" for name in COLUMNS if name not in ("household_id", "outcome")
}
FRAMES = {"household": "households", "members": "members", "incomes": "incomes", "costs": "costs"}
KEYS = Keys(
    own={"household": "household_id", "members": "person_id"},
    up={"members": "household_id", "incomes": "person_id", "costs": "household_id"},
)


def load() -> Book:
    return load_book([ROOT / "pack"], cache=ROOT / "cache")


def plans_of(book: Book, only: set[str] | None = None) -> tuple[list[Plan], Model]:
    """One plan a county (of those named), and the model they share."""
    places = sorted({row.place for row in book.draft.values["monthly.standard"]} & (only or {*book.places_named()}))
    plans = [plan_for(book, place, dt.date(YEAR, MONTH, 1), Month(YEAR, MONTH)) for place in places]
    models = {id(m): m for m in (plan.model(tuple(RULES.values())) for plan in plans)}
    (model,) = models.values()
    return plans, model


def calculate(plans: list[Plan], model: Model, frames: dict[str, Any], connection: Any = None) -> Any:
    """The engine's own lazy frame with the 13 columns."""
    import narwhals as nw

    out = run_bulk(plans, model, frames, tuple(RULES.values()), keys=KEYS, connection=connection)["household"]
    renamed = {column_name(rule): name for name, rule in RULES.items()}
    frame = nw.from_native(out).rename(renamed)
    return frame.select(*COLUMNS).to_native()


def spark_session() -> Any:
    """Two executors in processes of their own: what a cluster is, on one machine."""
    sys.path.insert(0, str(ROOT / "spark"))
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    os.environ["PYSPARK_PYTHON"] = sys.executable
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT / "spark"), os.environ.get("PYTHONPATH", "")])
    from pyspark.sql import SparkSession

    settings = {
        "spark.ui.enabled": "false", "spark.sql.shuffle.partitions": "8", "spark.driver.memory": "2g",
        "spark.executor.memory": "1g", "spark.driver.bindAddress": "127.0.0.1", "spark.driver.host": "127.0.0.1",
        "spark.local.dir": str(ROOT / "spark-tmp"), "spark.sql.warehouse.dir": str(ROOT / "spark-wh"),
        "spark.sql.session.timeZone": "UTC",
    }  # fmt: skip
    builder = SparkSession.builder.master("local-cluster[2,1,1024]")
    for key, value in settings.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    return session


def main() -> None:
    engine, persons = sys.argv[1], int(sys.argv[2])
    laps: dict[str, float] = {}
    with clocked(laps, "load_s"):
        book = load()
    paths = {level: str(table(persons, name)) for level, name in FRAMES.items()}
    target = result("tuodi-" + engine, persons)
    if engine == "polars":
        import polars as pl

        with clocked(laps, "wall"):
            with clocked(laps, "build_s"):
                plans, model = plans_of(book)
                lazy = calculate(plans, model, {k: pl.scan_parquet(p) for k, p in paths.items()})
            lazy.sink_parquet(target, compression="snappy")
    elif engine.startswith("duckdb"):
        import duckdb

        connection = duckdb.connect()
        if engine == "duckdb-1GB":
            connection.execute(f"set memory_limit = '1GB'; set temp_directory = '{ROOT / 'duck-tmp'}'")
        with clocked(laps, "wall"):
            plans, model = plans_of(book)
            frames = {k: connection.read_parquet(p) for k, p in paths.items()}
            calculate(plans, model, frames, connection).write_parquet(str(target))
    else:
        with clocked(laps, "start_s"):
            session = spark_session()
        with clocked(laps, "wall"):
            plans, model = plans_of(book)
            frames = {k: session.read.parquet(p) for k, p in paths.items()}
            answer = calculate(plans, model, frames)
            answer.write.mode("overwrite").parquet(str(target.with_suffix("")))
        start = time.perf_counter()
        answer.write.mode("overwrite").parquet(str(target.with_suffix("")))
        laps["warm_s"] = time.perf_counter() - start
        laps["executors"] = len(session.sparkContext._jsc.sc().statusTracker().getExecutorInfos()) - 1
        Path(target).unlink(missing_ok=True)
        session.stop()
    report(**laps)


if __name__ == "__main__":
    main()
