"""What a corrected index would have paid: a month's shares as they were given beside those of the index that counts now.

Nothing is booked: whether a difference is paid or got back is for the office to decide.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from tuodi.kernel.periods import Month
from tuodi.org.access import range_of
from tuodi.payments import snapshot
from tuodi.payments.models import PayRun, PriceIndex, PriceShare
from tuodi.payments.prices import SHARE, facts_of, outside_members, rounds_of, shares
from tuodi.payments.source import FRAMES, Inputs
from tuodi.payments.states import BOOKED
from tuodi.policy.book import Book

__all__ = ["Carried", "Difference", "carried_otherwise", "difference"]


@dataclass(frozen=True)
class Carried:
    """A run that paid an index month by other figures than those that count now: `facts` then and `now`."""

    run: PayRun
    facts: dict[str, str]
    now: dict[str, str]


@dataclass(frozen=True)
class Difference:
    """One county and group: heads and fen as given and as they would be; `more` and `less` are persons whose share would differ."""

    county: str
    group: str
    heads: int
    fen: int
    heads_now: int
    fen_now: int
    more: int
    less: int

    @property
    def delta_fen(self) -> int:
        """What would be paid besides; less than 0 = too much was paid."""
        return self.fen_now - self.fen


def carried_otherwise(index: PriceIndex) -> list[Carried]:
    """Approved runs, within the scope in force, that carried the month of an index by other figures."""
    month = Month.parse(str(index.month))
    found = []
    last = month + 12
    for run in PayRun.objects.filter(month__gt=month.yyyymm, month__lte=last.yyyymm, state__in=BOOKED).order_by("id"):
        now = facts_of(index, run.place)
        for paid, facts in rounds_of(run):
            if paid == month and dict(facts) != now:
                found.append(Carried(run, dict(facts), now))
    return found


def difference(one: Carried, month: Month, book: Book) -> list[Difference]:
    """The difference by county and group, from the run's frozen inputs; those that change most first."""
    run = one.run
    if run.inputs is None:
        return []
    inputs = Inputs(**{name: frame for name, frame in snapshot.load(run.inputs).items() if name in FRAMES})
    area = range_of(run.place)
    outside = outside_members(area.low, area.high, month)
    given = pl.DataFrame(
        list(
            PriceShare.objects.filter(run=run, index_month=month.yyyymm, live=True).values_list(
                "person_id", "region", "group", "amount_fen"
            )
        ),
        schema={"person_id": pl.Int64, "region": pl.String, "group": pl.String, "amount_fen": pl.Int64},
        orient="row",
    )
    programmes = list(run.programmes)
    others = list(
        PriceShare.objects.filter(index_month=month.yyyymm, live=True)
        .exclude(run=run)
        .values_list("person_id", flat=True)
    )
    now = _shares(
        inputs, month, programmes, book, one.now, outside if "dibao" in programmes else outside.clear(), others
    )
    both = given.join(
        now.select("person_id", "region", "group", pl.col("amount_fen").alias("now_fen")), on="person_id", how="full", coalesce=True, suffix="_now"
    ).with_columns(
        pl.coalesce("region", "region_now").str.slice(0, 6).alias("county"), pl.coalesce("group", "group_now").alias("group"),
        pl.col("amount_fen").fill_null(0), pl.col("now_fen").fill_null(0),
    )  # fmt: skip
    rows = (
        both.group_by("county", "group")
        .agg(
            (pl.col("amount_fen") > 0).sum().cast(pl.Int64).alias("heads"), pl.col("amount_fen").sum().alias("fen"),
            (pl.col("now_fen") > 0).sum().cast(pl.Int64).alias("heads_now"), pl.col("now_fen").sum().alias("fen_now"),
            (pl.col("now_fen") > pl.col("amount_fen")).sum().cast(pl.Int64).alias("more"),
            (pl.col("now_fen") < pl.col("amount_fen")).sum().cast(pl.Int64).alias("less"),
        )
        .sort((pl.col("fen_now") - pl.col("fen")).abs(), "county", "group", descending=[True, False, False])
    )  # fmt: skip
    return [Difference(**row) for row in rows.iter_rows(named=True)]


def _shares(
    inputs: Inputs, month: Month, programmes: list[str], book: Book, facts: Mapping[str, str], outside: pl.DataFrame, taken: list[int]
) -> pl.DataFrame:  # fmt: skip
    found = shares(inputs, month, programmes, book, facts, outside, taken)
    return found if found.height else pl.DataFrame(schema=SHARE)
