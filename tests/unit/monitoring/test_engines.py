"""Polars, DuckDB and Spark find the same clues, to the hash."""

from __future__ import annotations

import os
import random
import shutil
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tuodi.monitoring.judge import Findings, judge
from tuodi.policy.book import Book
from tuodi.rules import load_book

DAY = date(2017, 4, 30)
PLACES = ["420802", "420804", "4208Z1"]


@pytest.fixture(scope="module")
def book() -> Book:
    return load_book(check=False)


@pytest.fixture(scope="module")
def session() -> Iterator[Any]:
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        pytest.skip("没有 Java：Spark 测试跳过；安装 Java 17 后重试")
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        pytest.skip("没有 pyspark：Spark 测试跳过；先安装 requirements-spark.lock")
    os.environ["PYSPARK_PYTHON"] = sys.executable
    os.environ["PYTHONPATH"] = os.pathsep.join(p for p in sys.path if p)
    made = (
        SparkSession.builder.master("local-cluster[2,1,1024]")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.sql.ansi.enabled", "true")
        .getOrCreate()
    )
    yield made
    made.stop()


def frames(families: int) -> dict[str, Any]:
    """A random roll with rows of several registers."""
    pick = random.Random(5748)
    members: list[dict[str, Any]] = []
    households, roll = [], []
    for family in range(1, families + 1):
        households.append(
            {
                "household_id": family,
                "place": pick.choice(PLACES) + pick.choice(["", "001"]),
                "area_kind": pick.choice(["urban", "rural"]),
            }
        )
        roll += [
            {"household_id": family, "programme": p, "category": "urban"}
            for p in pick.sample(["dibao", "tekun", "temporary"], pick.randint(0, 2))
        ]
        for _ in range(pick.randint(1, 4)):
            number = len(members) + 1
            members.append({
                "person_id": number, "household_id": family, "key": 4 * 10**16 + number, "birth": date(1999, 4, 30) if pick.random() < 0.2 else date(1960, 1, 1),
                "died": date(2017, 1, 2) if pick.random() < 0.05 else None, "disability_kind": pick.choice(["no_disability", "mental"]), "disability_grade": pick.choice([None, 1, 2]),
            })  # fmt: skip
    columns: dict[str, dict[str, list[Any]]] = {
        "vehicle": {"plate": ["鄂H1", "鄂H2", "鄂H3"], "vehicle_kind": ["car", "mobility", None], "stale": [True, False]},
        "estate": {"cert_no": ["a", "b", "c"], "use": ["residential", "shop", "garage", None], "registered_on": [None, date(2016, 6, 1), date(2001, 1, 1)]},
        "hukou": {"household_no": ["1"], "hukou_status": ["normal", "normal", "moved", "cancelled", None], "death_date": [None, None, date(2017, 2, 2)]},
        "cremation": {"cremated_on": [date(2017, 2, 3)]},
        "tax": {"tax_period": ["2016", "2017"], "tax_item": ["工资薪金"], "taxable_fen": [0, 1, 3_600_000]},
        "bank_deposit": {"bank": ["某行"], "account_tail": ["1234", "5678"], "balance_fen": [0, 10**9]},
        "disability": {"cert_no": ["x"], "grade": [1, 2, None], "valid_to": [None, DAY, date(2017, 4, 29)]},
    }  # fmt: skip
    types = {
        "stale": pl.Boolean,
        "use": pl.String,
        "vehicle_kind": pl.String,
        "hukou_status": pl.String,
        "registered_on": pl.Date,
        "death_date": pl.Date,
        "valid_to": pl.Date,
        "grade": pl.Int64,
    }
    hits = {}
    for kind, body in columns.items():
        who = [pick.choice(members) for _ in range(families)]
        rows = [
            {
                "row_id": i,
                **{k: m[k] for k in ("person_id", "household_id", "key")},
                **{k: pick.choice(v) for k, v in body.items()},
            }
            for i, m in enumerate(who)
        ]
        hits[kind] = pl.DataFrame(rows, schema_overrides={k: v for k, v in types.items() if k in body})
    return {
        "members": pl.DataFrame(members, schema_overrides={"died": pl.Date, "disability_grade": pl.Int64}),
        "households": pl.DataFrame(households), "roll": pl.DataFrame(roll), "hits": hits,
    }  # fmt: skip


def same(a: Findings, b: Findings) -> list[str]:
    """Names of the parts that differ."""
    parts = [n for n in ("findings", "hits", "unknown", "declared") if not getattr(a, n).equals(getattr(b, n))]
    return parts + [n for n in ("rules", "kinds", "fingerprint") if getattr(a, n) != getattr(b, n)]


def test_duckdb_finds_what_polars_finds(book: Book) -> None:
    given = frames(300)
    polars, duckdb = (judge(book, PLACES, DAY, **given, engine=e) for e in ("polars", "duckdb"))
    assert polars.findings["rule_code"].n_unique() >= 8, "样本要覆盖多条规则"
    assert polars.unknown.height > 0
    assert same(polars, duckdb) == []


def test_frames_of_the_engine_itself_give_the_same(book: Book, tmp_path: Path) -> None:
    """Relations over Parquet files, as a batch lies on disk."""
    import duckdb

    given = frames(120)
    con = duckdb.connect()

    def relation(name: str, frame: pl.DataFrame) -> Any:
        frame.write_parquet(tmp_path / f"{name}.parquet")
        return con.read_parquet(str(tmp_path / f"{name}.parquet"))

    native = {k: relation(k, f) for k, f in given.items() if k != "hits"}
    native["hits"] = {k: relation(k, f) for k, f in given["hits"].items()}
    assert (
        same(judge(book, PLACES, DAY, **given), judge(book, PLACES, DAY, **native, engine="duckdb", connection=con))
        == []
    )


def test_order_and_size_of_the_input_change_nothing(book: Book) -> None:
    """Families are judged alone: half of them give half of the findings; shuffled rows the same."""
    given = frames(80)
    whole = judge(book, PLACES, DAY, **given)
    shuffled = {
        **given,
        "members": given["members"].sample(fraction=1.0, shuffle=True, seed=1),
        "hits": {k: f.sample(fraction=1.0, shuffle=True, seed=2) for k, f in given["hits"].items()},
    }
    assert same(whole, judge(book, PLACES, DAY, **shuffled)) == []
    some = pl.col("household_id") <= 40
    half = {**given, "hits": {k: f.filter(some) for k, f in given["hits"].items()}}
    assert judge(book, PLACES, DAY, **half).findings.equals(whole.findings.filter(some))


@pytest.mark.spark
def test_spark_finds_what_polars_finds(book: Book, session: Any) -> None:
    given = frames(60)
    codes = ["VEHICLE", "HOUSE", "DEATH", "DEATH_MEMBER", "TAX", "DEPOSIT", "GRADE_CHANGED"]
    polars = judge(book, PLACES, DAY, **given, codes=codes)
    spark = judge(book, PLACES, DAY, **given, codes=codes, engine="spark", session=session)
    assert same(polars, spark) == []
    assert polars.findings.height > 0
