"""The monthly run as a careful programmer writes it in Polars. Usage: polars_monthly.py PERSONS"""

from __future__ import annotations

import datetime as dt
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import polars as pl
from common import COLUMNS, MONTH, TABLES, YEAR, report, result, table

FIRST = dt.date(YEAR, MONTH, 1)
c = pl.col


def kinds(frame: pl.LazyFrame, by: str, kind: str, amount: str, names: dict[str, list[int]]) -> pl.LazyFrame:
    return frame.group_by(by).agg(
        **{name: pl.when(c(kind).is_in(codes)).then(c(amount)).otherwise(0).sum() for name, codes in names.items()}
    )


def rules(
    households: pl.LazyFrame, members: pl.LazyFrame, incomes: pl.LazyFrame, costs: pl.LazyFrame, standards: pl.LazyFrame
) -> pl.LazyFrame:
    """The 13 columns of common.COLUMNS, one row a household."""
    last = dt.date(YEAR, MONTH, 30)
    now = standards.filter((c("eff_from") <= last) & (c("eff_to") > last)).drop("eff_from", "eff_to")
    hs = households.join(now, on=["place", "area_kind"])
    pay = kinds(incomes, "person_id", "income_kind", "income_amount", {"wage": [1], "pension": [2], "other": [3, 5]})
    birth = c("birth").dt
    m = members.join(hs.select("household_id", "standard"), on="household_id").join(pay, on="person_id", how="left")
    m = m.with_columns(
        c("wage", "pension", "other").fill_null(0),
        age=YEAR
        - birth.year().cast(pl.Int64)
        - (birth.month().cast(pl.Int64) * 100 + birth.day() > MONTH * 100 + 1).cast(pl.Int64),
        hard=c("disability").is_in([1, 2]),
    ).with_columns(severe=c("hard") | c("severe_ill"))
    m = m.with_columns(
        income=c("wage")
        - pl.min_horizontal(c("wage") * 30 // 100, c("standard") // 2)
        + c("other")
        + pl.max_horizontal(c("pension") - 10300, 0),
        rate=pl.when(c("hard") | (c("age") >= 80))
        .then(30)
        .when((c("age") >= 70) | (c("disability") == 3) | c("severe_ill") | c("pregnant"))
        .then(20)
        .when((c("age") < 18) | c("student"))
        .then(10)
        .otherwise(0)
        .cast(pl.Int64),
    ).with_columns(more=(c("standard") * c("rate") + 500) // 1000 * 10)
    per_household = m.group_by("household_id").agg(
        n=pl.len().cast(pl.Int64),
        counted=c("income").sum(),
        more_all=c("more").sum(),
        n_severe=c("severe").cast(pl.Int64).sum(),
        more_severe=pl.when(c("severe")).then(c("more")).otherwise(0).sum(),
        **{f"tier{k}": (c("care_tier") == k).cast(pl.Int64).sum() for k in (1, 2, 3)},
    )
    spent = kinds(costs, "household_id", "cost_kind", "cost_amount", {"medical": [1], "schooling": [2], "rent": [3]})
    h = (
        hs.join(per_household, on="household_id")
        .join(spent, on="household_id", how="left")
        .with_columns(c("medical", "schooling", "rent").fill_null(0))
    )
    std = c("standard")
    rigid = (
        pl.min_horizontal(c("medical"), std * 2)
        + pl.min_horizontal(c("schooling"), std)
        + pl.min_horizontal(c("rent"), std // 2)
    )
    h = h.with_columns(net=pl.max_horizontal(c("counted") - rigid, 0)).with_columns(percap=c("net") // c("n"))
    left = c("exit_from").cast(pl.Int64)
    passed = YEAR * 12 + MONTH - (left // 100 * 12 + left % 100)
    h = h.with_columns(
        outcome=pl.when(c("scheme") == 2)
        .then(4)
        .when(c("percap") < std)
        .then(1)
        .when(left.is_not_null() & (c("percap") < std * 2) & (passed < 6))
        .then(2)
        .when((c("n_severe") > 0) & (c("percap") * 2 < std * 3))
        .then(3)
        .otherwise(5)
        .cast(pl.Int64)
    )
    o = c("outcome")
    tiers = c("tier1") * c("care_full") + c("tier2") * c("care_half") + c("tier3") * c("care_self")
    gap = pl.max_horizontal((std * c("n") - c("net") + 99) // 100 * 100, (std + 99) // 100 * 10)
    h = h.with_columns(
        base=pl.when(o == 1)
        .then(gap)
        .when(o == 2)
        .then(c("prior_amount"))
        .when(o == 3)
        .then(c("n_severe") * std)
        .otherwise(0),
        increment=pl.when(o == 1).then(c("more_all")).when(o == 3).then(c("more_severe")).otherwise(0),
        basic=pl.when(o == 4).then(c("extreme_standard") * c("n")).otherwise(0),
        care=pl.when(o == 4).then(tiers // pl.when(c("form") == 2).then(2).otherwise(1)).otherwise(0),
        price=pl.when(o == 5).then(0).when(o == 3).then(c("n_severe")).otherwise(c("n"))
        * ((std * c("price_rate") + 500) // 1000),
    )
    total = c("base") + c("increment") + c("basic") + c("care") + c("price")
    return h.with_columns(total=total).rename({"standard": "std"}).select(COLUMNS)


def main() -> None:
    persons = int(sys.argv[1])
    start = time.perf_counter()
    frames = [pl.scan_parquet(table(persons, t)) for t in (*TABLES, "standards")]
    rules(*frames).sink_parquet(result("polars", persons), compression="snappy")
    report(wall=time.perf_counter() - start)


if __name__ == "__main__":
    main()
