"""The same rules on a real cluster: two executor processes share the work and give the scalar compiler's values."""

from __future__ import annotations

import os
import random
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from enginekit import book_of, compare, family, frames_of, pack
from richpack import LOCAL, NAMES, ON, PARAMETERS, PLACES, RULES

from tuodi.policy.book import Book
from tuodi.rules import plan_for
from tuodi.rules.bulk import run_bulk

pytestmark = pytest.mark.spark


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
        .config("spark.sql.shuffle.partitions", "4")
        .config("spark.sql.ansi.enabled", "true")
        .getOrCreate()
    )
    yield made
    made.stop()


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Book:
    return book_of(tmp_path_factory.mktemp("s"), pack(RULES, parameters=PARAMETERS), LOCAL)


def _roll(book: Book, size: int) -> tuple[list[tuple[Any, dict[str, Any]]], dict[str, Any]]:
    pick = random.Random(20170510)
    money = [None, 0, 0.01, 33.33, 500, 575, 99999.99]
    plans = {p: plan_for(book, p, ON) for p in PLACES}
    facts = {p: {"cpi": c} for p, c in zip(PLACES, (3, None, 2.9), strict=True)}
    rows = []
    for _ in range(size):
        members = [
            {
                "birth": pick.choice([None, "1957-05-10", "1957-05-11", "2000-02-29"]), "died": pick.choice([None, None, "2017-05-31"]),
                "disabled": pick.random() < 0.3, "share": pick.choice(money),
                "incomes": [{"kind": pick.choice(["wage", "aid"]), "item": pick.choice(money)} for _ in range(pick.randint(0, 2))],
            }
            for _ in range(pick.randint(0, 3))
        ]  # fmt: skip
        place = pick.choice(PLACES)
        fam = family(
            members, area_kind=pick.choice(["urban", "rural"]), income_year=pick.choice([None, 0, 10800, 20700]), rigid=pick.choice([0, 12.34]),
            assets_ok=pick.choice([None, True, True, False]), flag_a=pick.choice([None, True, False]), flag_b=pick.choice([None, False]),
            amount=pick.choice(money), k=pick.choice([None, 0, 1, 2]), x=pick.choice([None, -3, 3]),
            paid_until=pick.choice([None, "2017-06-30"]), state=pick.choice([None, "receive", "grace", "stop"]),
        )  # fmt: skip
        rows.append((plans[place], {**fam, "place_facts": facts[place]}))
    return rows, facts


def test_spark_gives_the_scalar_values(book: Book, session: Any, tmp_path: Path) -> None:
    """Several places, unknowns and empty families in Parquet files; ANSI mode on, so nothing overflows or divides by 0 unseen."""
    assert session.conf.get("spark.sql.ansi.enabled") == "true"
    rows, facts = _roll(book, 60)
    assert compare("spark", rows, NAMES, place_facts=facts, session=session, folder=tmp_path) == []


def test_two_executors_did_the_work(book: Book, session: Any, tmp_path: Path) -> None:
    """Each result row is stamped with the process and executor that made it; both executors appear."""

    rows, facts = _roll(book, 200)
    plans = list({p.place: p for p, _ in rows}.values())
    model = plans[0].model(NAMES)
    frames, keys = frames_of(book, model, rows)
    native = {}
    for level, frame in frames.items():
        frame.write_parquet(tmp_path / f"{level}.parquet")
        native[level] = session.read.parquet(str(tmp_path / f"{level}.parquet"))
    result = run_bulk(plans, model, native, keys=keys, place_facts=facts)["household"].repartition(8)

    def stamp(rows: Any) -> Any:
        import time

        time.sleep(0.5)  # long enough for the other executor to take its share
        for row in rows:
            yield os.getcwd(), row["id_household"]  # every executor of a local cluster works in a folder of its own

    found = result.rdd.mapPartitions(stamp).collect()
    assert len({key for _, key in found}) == 200
    assert len({who for who, _ in found}) == 2
