"""What a change of standards or rules would do to a frozen roll: who gains, loses, comes in, goes out, and what it costs.

Pure columns: a month's frozen inputs, today's book and one or two changed ones in, frames out. Nothing of the roll, no line
and no decision is touched. Amounts are what the rules give a month (regular amounts), without back pay of other causes,
holds for accounts or offsets; relief granted once is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import polars as pl

from tuodi.kernel.periods import Month
from tuodi.payments.arrears import earlier_months
from tuodi.payments.compute import UNIT, due
from tuodi.payments.frames import covering, rule_place, valid
from tuodi.payments.source import Inputs
from tuodi.payments.states import ROLL_PROGRAMMES
from tuodi.people.enums import ONCE_PROGRAMMES
from tuodi.policy.book import Book

__all__ = [
    "BUCKETS",
    "CLASSES",
    "Side",
    "Simulated",
    "Variant",
    "back_pay",
    "base_of_lines",
    "classify",
    "simulate",
    "summarise",
]

#: What becomes of a unit; `open` = the rules have no answer (amount carried from the roll, or a fact missing).
CLASSES = ("gain", "lose", "same", "enter", "leave", "open", "out")
#: Upper ends of the distribution of changes, in fen; the last has none.
BUCKETS = (-20000, -10000, -1, 0, 5000, 10000, 20000, None)


@dataclass(frozen=True)
class Variant:
    """One draft: its mark (`a`, `b`), its name, and the book as it would be."""

    mark: str
    label: str
    book: Book


@dataclass
class Side:
    """The figures of one side: today, or a draft.

    Attributes:
        counts: class -> units (families, or persons on tekun). households: units paid; persons in them.
        places: rows a county and programme: `place`, `programme`, `units`, `persons`, `amount_fen`.
        buckets: units by change, in the order of `BUCKETS`.
        back_fen: back pay for earlier months; months: how many months of the year it would be paid.
    """

    amount_fen: int = 0
    units: int = 0
    persons: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    places: list[dict[str, object]] = field(default_factory=list)
    buckets: list[int] = field(default_factory=list)
    back_fen: int = 0


@dataclass
class Simulated:
    """The answer: sides by mark (`now`, `a`, `b`) and the units that change under any draft."""

    sides: dict[str, Side]
    changed: pl.DataFrame
    already: int
    near_unknown: int


def _paid(entries: pl.DataFrame, rows: pl.DataFrame, suffix: str) -> pl.DataFrame:
    """Adds `in_` (paid by the rules or carried), `fen_` and `open_` of one side to roll entries."""
    found = entries.join(
        rows.select(*UNIT, "outcome", "regular_fen", "fault", "persons"), on=UNIT, how="left", nulls_equal=True
    )
    open_ = pl.col("outcome").fill_null("unknown") == "unknown"
    carried = pl.col("imported").fill_null(False) & open_ & pl.col("fault").is_null()
    return found.select(
        *UNIT,
        (carried | (pl.col("outcome") == "pass")).fill_null(False).alias(f"in_{suffix}"),
        pl.when(carried)
        .then(pl.col("amount_fen"))
        .when(pl.col("outcome") == "pass")
        .then(pl.col("regular_fen"))
        .otherwise(0)
        .fill_null(0)
        .alias(f"fen_{suffix}"),
        open_.alias(f"open_{suffix}"),
        pl.col("persons").fill_null(0).alias(f"persons_{suffix}"),
    )


def base_of_lines(lines: pl.DataFrame) -> pl.DataFrame:
    """Today's side from the frozen lines of a run, so that it need not be computed again: the columns of `due`."""
    carried = pl.col("basis") == "roll"
    return lines.filter("on_roll").select(
        *UNIT,
        pl.when(carried).then(pl.lit("unknown")).otherwise(pl.col("outcome")).alias("outcome"),
        pl.when(pl.col("outcome") == "pass")
        .then(pl.sum_horizontal("base_fen", "increment_fen", "care_fen", "grace_fen", "other_fen"))
        .alias("regular_fen"),
        pl.when(carried).then(None).otherwise(pl.col("fault")).alias("fault"),
        pl.col("persons").cast(pl.Int64),
    )


def _near(inputs: Inputs, month: Month, homes: pl.DataFrame) -> pl.DataFrame:
    """Families with accepted facts and members, not on the dibao roll: pseudo entries of the roll."""
    on = month.first_day
    here = covering(inputs.roll, month, "dibao").select("household_id")
    facts = valid(inputs.households, on).filter(pl.col("income_year_fen").is_not_null())
    people = (
        valid(inputs.members, on, "since", "until").filter(pl.col("died_on").is_null()).select("household_id").unique()
    )
    found = (
        facts.join(here, on="household_id", how="anti")
        .join(people, on="household_id", how="semi")
        .unique("household_id", keep="last", maintain_order=True)
        .join(homes, on="household_id", how="inner")
        .select("household_id", "region", pl.col("area_kind").alias("category"))
    )
    empty = inputs.roll.clear()
    return pl.concat(
        [
            empty,
            found.with_columns(
                pl.lit("dibao").alias("programme"), pl.lit(False).alias("imported"), pl.lit(0, dtype=pl.Int64).alias("amount_fen")
            ),
        ],
        how="diagonal_relaxed",
    )  # fmt: skip


def simulate(
    inputs: Inputs, month: Month, programmes: Sequence[str], today: Book, variants: Sequence[Variant], *,
    homes: pl.DataFrame | None = None, base: pl.DataFrame | None = None,
) -> Simulated:  # fmt: skip
    """Computes a frozen roll under changed books.

    Args:
        month: the month computed for; the drafts are in force in it.
        homes: `household_id`, `region` of families not on the roll that may come in; None = nobody comes in.
        base: today's side if it is known (`base_of_lines`), for the roll's own units.
    """
    wanted = [one for one in programmes if one in ROLL_PROGRAMMES and one not in ONCE_PROGRAMMES]
    roll = (
        covering(inputs.roll, month)
        .filter(pl.col("programme").is_in(wanted))
        .unique(UNIT, keep="first", maintain_order=True)
    )
    near = _near(inputs, month, homes) if homes is not None and "dibao" in wanted else roll.clear()
    sides: dict[str, pl.DataFrame] = {}
    for mark, book in [("now", today), *((one.mark, one.book) for one in variants)]:
        rows = base if mark == "now" and base is not None else due(inputs, month, wanted, book, roll).rows
        part = _paid(roll, rows, mark).with_columns(pl.lit(True).alias("on_roll"))
        if near.height:
            met = _paid(near, due(inputs, month, ["dibao"], book, near).rows, mark)
            part = pl.concat([part, met.with_columns(pl.lit(False).alias("on_roll"))])
        sides[mark] = part
    where = pl.concat([roll.select(*UNIT, "region"), near.select(*UNIT, "region")]).with_columns(
        pl.col("region").str.slice(0, 6).alias("county"), rule_place(today).alias("place")
    )
    units = sides["now"]
    for one in variants:
        units = units.join(sides[one.mark].drop("on_roll"), on=UNIT, how="left", nulls_equal=True)
    units = units.join(where, on=UNIT, how="left", nulls_equal=True)
    units = classify(units, [one.mark for one in variants])
    return summarise(units, [one.mark for one in variants])


def classify(units: pl.DataFrame, marks: Sequence[str]) -> pl.DataFrame:
    """Adds `class_` and `delta_` of each draft. A family not on the roll that is entitled today already does not count as coming in."""
    on_roll, was = pl.col("on_roll"), pl.col("in_now")
    out = []
    for mark in marks:
        now, delta = pl.col(f"in_{mark}"), pl.col(f"fen_{mark}") - pl.col("fen_now")
        known = ~(pl.col("open_now") | pl.col(f"open_{mark}"))
        word = (
            pl.when(~on_roll & was)
            .then(pl.lit("out"))
            .when(~was & now)
            .then(pl.lit("enter"))
            .when(on_roll & was & ~now)
            .then(pl.lit("leave"))
            .when(~on_roll)
            .then(pl.lit("out"))
            .when(~known & (delta == 0))
            .then(pl.lit("open"))
            .when(~was & ~now)
            .then(pl.lit("out"))
            .when(delta > 0)
            .then(pl.lit("gain"))
            .when(delta < 0)
            .then(pl.lit("lose"))
            .otherwise(pl.lit("same"))
        )
        out += [word.alias(f"class_{mark}"), pl.when(~on_roll & was).then(0).otherwise(delta).alias(f"delta_{mark}")]
    return units.with_columns(out)


def summarise(units: pl.DataFrame, marks: Sequence[str]) -> Simulated:
    """From classified units to figures and the units that change."""
    sides: dict[str, Side] = {}
    for mark in ("now", *marks):
        # Who is entitled today and has not applied costs nothing today and nothing under a draft.
        inside = units.filter(pl.col(f"in_{mark}") & (pl.col("on_roll") | ~pl.col("in_now")))
        side = Side(
            amount_fen=int(inside[f"fen_{mark}"].sum()),
            units=inside.height,
            persons=int(inside[f"persons_{mark}"].sum()),
        )
        side.places = (
            inside.group_by(pl.col("county").alias("place"), "programme")
            .agg(
                pl.len().cast(pl.Int64).alias("units"), pl.col(f"persons_{mark}").sum().alias("persons"),
                pl.col(f"fen_{mark}").sum().alias("amount_fen"),
            )
            .sort("place", "programme")
            .to_dicts()
        )  # fmt: skip
        if mark != "now":
            found = dict(units.group_by(f"class_{mark}").agg(pl.len()).iter_rows())
            side.counts = {name: int(found.get(name, 0)) for name in CLASSES}
            moved = units.filter(pl.col(f"class_{mark}").is_in(["gain", "lose", "same", "enter", "leave"]))
            side.buckets = _spread(moved[f"delta_{mark}"])
        sides[mark] = side
    changed = units.filter(
        pl.any_horizontal(pl.col(f"class_{mark}").is_in(["gain", "lose", "enter", "leave"]) for mark in marks)
    )
    outside = units.filter(~pl.col("on_roll") & ~pl.col("in_now"))
    open_ = pl.any_horizontal(pl.col(f"open_{mark}") for mark in ("now", *marks))
    already = units.filter(~pl.col("on_roll") & pl.col("in_now")).height
    return Simulated(sides, changed, already, outside.filter(open_).height)


def _spread(delta: pl.Series) -> list[int]:
    """How many changes fall into each of `BUCKETS`."""
    counts, low = [], None
    for high in BUCKETS:
        inside = pl.repeat(True, delta.len(), eager=True)
        if low is not None:
            inside = inside & (delta > low)
        if high is not None:
            inside = inside & (delta <= high)
        counts.append(int(inside.sum()))
        low = high
    return counts


def back_pay(inputs: Inputs, month: Month, since: Month, programmes: Sequence[str], today: Book, draft: Book) -> int:
    """What a draft in force since an earlier month would add in back pay, in fen; less than 0 = overpaid.

    Both books are asked what is still owed for those months, so that what is owed anyhow does not count.
    """
    if since >= month:
        return 0
    late = replace(inputs, lines=inputs.lines.filter(pl.col("month") >= since.yyyymm))
    sums = [int(earlier_months(late, month, list(programmes), book)["amount_fen"].sum()) for book in (draft, today)]
    return sums[0] - sums[1]
