"""Why this month differs from last month, unit by unit; the parts of each unit sum to its difference to the fen.

A changed amount is taken apart by recomputing: last month's facts under this month's standards, then with this
month's members, then with everything. Each step's change has one cause.
"""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from tuodi.kernel.periods import Month
from tuodi.payments.compute import UNIT, due, print_of
from tuodi.payments.frames import rule_place, valid
from tuodi.payments.source import Inputs, Known
from tuodi.payments.stated import is_stated
from tuodi.payments.states import Cause, Held
from tuodi.people.enums import ONCE_PROGRAMMES
from tuodi.policy.book import Book

__all__ = ["SCHEMA", "explain_differences"]

SCHEMA = {
    "programme": pl.String, "household_id": pl.Int64, "person_id": pl.Int64, "region": pl.String, "cause": pl.String,
    "amount_fen": pl.Int64, "households": pl.Int64, "persons": pl.Int64, "affected": pl.Int64, "note": pl.String,
}  # fmt: skip
_REGULAR = ["base_fen", "increment_fen", "care_fen", "other_fen"]
#: Coming and going, and stages of different size, are what relief granted once is; no other word fits.
_once = pl.col("programme").is_in(ONCE_PROGRAMMES)
#: Causes that lie in standards and rules, not in the family: who is paid is who is concerned.
_BY_LAW = [Cause.STANDARD.value, Cause.RULES.value]
#: Back pay that is told by its own word.
_OWN_WORD = [Cause.STANDARD_BACK.value, Cause.RULES_BACK.value, Cause.PRICE_BACK.value]
_EXIT_CAUSES = {"clue": Cause.CLUE, "verification": Cause.CLUE, "death": Cause.DEATH}


def _paid(frame: pl.DataFrame) -> pl.DataFrame:
    """Lines that count: not held. Everything of a held one is nil."""
    return frame.filter(pl.col("held") == "").select(
        *UNIT, "region", "persons", "income_year_fen", "basis", "in_grace",
        pl.sum_horizontal(_REGULAR).alias("regular"), "grace_fen", "price_fen", "back_pay_fen", "offset_fen", "amount_fen",
    )  # fmt: skip


def explain_differences(
    lines: pl.DataFrame, inputs: Inputs, before: Callable[[], Known | None], month: Month, programmes: list[str], book: Book,
    late: pl.DataFrame, exits: dict[int, str],
) -> pl.DataFrame:  # fmt: skip
    """The rows of the difference to the month before (`SCHEMA`).

    Args:
        lines: this month's lines; last month's are in `inputs.lines`.
        before: gives what last month's run knew, if it is still there (asked only where an amount changed); without it a change of
            members and income at once is told by the larger word alone.
        late: this run's corrections, which say what back pay is for.
        exits: household -> cause of the determination that ended it.
    """
    last_rows = inputs.lines.filter(pl.col("month") == month.prev().yyyymm)
    now, last = _paid(lines), _paid(last_rows)
    both = now.join(last, on=UNIT, how="full", coalesce=True, suffix="_was", nulls_equal=True).with_columns(
        pl.coalesce("region", "region_was").alias("region"),
        pl.col("amount_fen").is_not_null().alias("here"),
        pl.col("amount_fen_was").is_not_null().alias("was"),
    )
    money = ["regular", "grace_fen", "price_fen", "back_pay_fen", "offset_fen", "amount_fen"]
    both = both.with_columns(pl.col(c, f"{c}_was").fill_null(0) for c in money)
    held_now = lines.filter(pl.col("held") != "").select(*UNIT, pl.col("held").alias("held_now"))
    held_was = last_rows.filter(pl.col("held") != "").select(*UNIT, pl.lit(True).alias("held_was"))
    both = both.join(held_now, on=UNIT, how="left", nulls_equal=True).join(
        held_was, on=UNIT, how="left", nulls_equal=True
    )
    parts = [
        _entering(both, exits, inputs, month),
        _one_off(both, late),
        _changed(both, inputs, before, month, programmes, book),
    ]
    rows = pl.concat([p.select(pl.col(n).cast(k) for n, k in SCHEMA.items()) for p in parts])
    rows = rows.filter((pl.col("amount_fen") != 0) | (pl.col("households") != 0) | (pl.col("persons") != 0))
    _assert_sums(rows, both)
    return rows.sort("region", "programme", "household_id", "person_id", "cause")


def _assert_sums(rows: pl.DataFrame, both: pl.DataFrame) -> None:
    """Every fen has a cause: a fault here is ours, and stops the run."""
    explained = rows.group_by(UNIT).agg(pl.col("amount_fen").sum().alias("explained"))
    wrong = (
        both.select(*UNIT, (pl.col("amount_fen") - pl.col("amount_fen_was")).alias("delta"))
        .join(explained, on=UNIT, how="left", nulls_equal=True)
        .filter(pl.col("delta") != pl.col("explained").fill_null(0))
    )
    if wrong.height:
        raise AssertionError(f"differences do not sum for {wrong.height} units")


def _entering(both: pl.DataFrame, exits: dict[int, str], inputs: Inputs, month: Month) -> pl.DataFrame:
    """Units that are paid in one of the two months only: their own regular amount, grace included."""
    came = both.filter(pl.col("here") & ~pl.col("was")).with_columns(
        pl.when(pl.col("held_was").fill_null(False))
        .then(pl.lit(Cause.RESUMED.value))
        .otherwise(pl.lit(Cause.NEW.value))
        .alias("cause"),
        (pl.col("regular") + pl.col("grace_fen")).alias("amount"),
        pl.lit(1).alias("households"),
        pl.col("persons").alias("n"),
    )
    went = both.filter(~pl.col("here") & pl.col("was"))
    causes = [_EXIT_CAUSES.get(exits.get(home, ""), Cause.EXIT).value for home in went["household_id"].to_list()]
    died = inputs.members.filter(pl.col("died_on").is_not_null())
    alive = valid(inputs.members, month.first_day, "since", "until").filter(pl.col("died_on").is_null())["household_id"]
    empty = set(died["household_id"].to_list()) - set(alive.to_list())
    causes = [
        Cause.DEATH.value if cause == Cause.EXIT and home in empty else cause
        for cause, home in zip(causes, went["household_id"].to_list(), strict=True)
    ]
    went = went.with_columns(
        pl.Series("cause", causes, dtype=pl.String),
        (-pl.col("regular_was") - pl.col("grace_fen_was")).alias("amount"),
        pl.lit(-1).alias("households"),
        (-pl.col("persons_was")).alias("n"),
    ).with_columns(
        pl.when(pl.col("held_now") == Held.SUSPENDED.value)
        .then(pl.lit(Cause.CLUE.value))
        .when(pl.col("held_now").is_not_null())
        .then(pl.lit(Cause.HELD.value))
        .otherwise(pl.col("cause"))
        .alias("cause")
    )
    rows = pl.concat([came, went], how="diagonal_relaxed").with_columns(
        pl.when(_once & ~pl.col("cause").is_in([Cause.HELD.value, Cause.CLUE.value, Cause.RESUMED.value]))
        .then(pl.lit(Cause.RELIEF.value))
        .otherwise(pl.col("cause"))
        .alias("cause")
    )
    return rows.select(
        *UNIT, "region", "cause", pl.col("amount").alias("amount_fen"), "households", pl.col("n").alias("persons"),
        pl.col("n").abs().alias("affected"), pl.lit("").alias("note"),
    )  # fmt: skip


def _one_off(both: pl.DataFrame, late: pl.DataFrame) -> pl.DataFrame:
    """Back pay of this month by what it is for, last month's running out, offsets, price subsidies."""
    paid_back = late.filter(pl.col("amount_fen") > 0).join(
        both.filter(pl.col("back_pay_fen") > 0).select(*UNIT, pl.coalesce("persons", "persons_was").alias("n")),
        on=UNIT,
        how="inner",
        nulls_equal=True,
    )
    back = paid_back.group_by(
        *UNIT,
        "region",
        pl.when(pl.col("cause").is_in(_OWN_WORD))
        .then(pl.col("cause"))
        .otherwise(pl.lit(Cause.BACK.value))
        .alias("why"),
    ).agg(
        pl.col("amount_fen").sum(),
        pl.col("n").first(),
        pl.col("for_month")
        .sort()
        .cast(pl.String)
        .str.slice(4, 2)
        .str.strip_chars_start("0")
        .str.join("、")
        .alias("months"),
    )
    rows = [
        back.select(
            *UNIT, "region", pl.col("why").alias("cause"), "amount_fen", pl.lit(0).alias("households"), pl.lit(0).alias("persons"),
            pl.col("n").alias("affected"),
            pl.format("补 {} 月{}", "months", pl.when(pl.col("why") == Cause.PRICE_BACK.value).then(pl.lit("价格补贴")).otherwise(pl.lit(""))).alias("note"),
        )
    ]  # fmt: skip

    def simple(cause: Cause, amount: pl.Expr) -> pl.DataFrame:
        return (
            both.with_columns(amount.alias("a"))
            .filter(pl.col("a") != 0)
            .select(
                *UNIT, "region", pl.lit(cause.value).alias("cause"), pl.col("a").alias("amount_fen"), pl.lit(0).alias("households"),
                pl.lit(0).alias("persons"), pl.coalesce("persons", "persons_was").alias("affected"), pl.lit("").alias("note"),
            )
        )  # fmt: skip

    rows.append(simple(Cause.ONE_OFF, -pl.col("back_pay_fen_was")))
    rows.append(simple(Cause.OFFSET, pl.col("offset_fen") - pl.col("offset_fen_was")))
    rows.append(simple(Cause.PRICE, pl.col("price_fen") - pl.col("price_fen_was")))
    return pl.concat(rows, how="vertical_relaxed")


def _changed(
    both: pl.DataFrame,
    inputs: Inputs,
    before: Callable[[], Known | None],
    month: Month,
    programmes: list[str],
    book: Book,
) -> pl.DataFrame:
    """Units paid in both months: the regular amount by standard, members, income; grace and basis apart."""
    stay = both.filter(pl.col("here") & pl.col("was")).with_columns(
        (pl.col("regular") + pl.col("grace_fen")).alias("a3"),
        (pl.col("regular_was") + pl.col("grace_fen_was")).alias("a0"),
    )
    moved = stay.filter((pl.col("a3") != pl.col("a0")) | (pl.col("persons") != pl.col("persons_was")))
    other_basis = (pl.col("basis") == "roll") != (pl.col("basis_was") == "roll")
    graced = pl.col("in_grace") != pl.col("in_grace_was")
    whole = moved.filter(other_basis | graced | _once | is_stated()).with_columns(
        pl.when(_once)
        .then(pl.lit(Cause.RELIEF.value))
        .when(is_stated())
        .then(pl.lit(Cause.STATED.value))
        .when(graced)
        .then(pl.lit(Cause.GRACE.value))
        .otherwise(pl.lit(Cause.BASIS.value))
        .alias("cause")
    )
    steps = moved.filter(~(other_basis | graced | _once | is_stated()))
    steps = _stages(steps, inputs, before, month, programmes, book)
    fewer = (
        pl.when(pl.col("persons") < pl.col("persons_was"))
        .then(pl.lit(Cause.DEATH.value))
        .otherwise(pl.lit(Cause.MEMBERS.value))
    )
    gone = _gone(inputs, month)
    by_death = pl.col("household_id").is_in(gone)
    people = pl.when(by_death).then(fewer).otherwise(pl.lit(Cause.MEMBERS.value))
    rest = (
        pl.when(pl.col("basis") == "roll")
        .then(pl.lit(Cause.OTHER.value))
        .when(pl.col("persons") != pl.col("persons_was"))
        .then(
            pl.when(pl.col("income_year_fen").eq_missing(pl.col("income_year_fen_was")))
            .then(people)
            .otherwise(pl.lit(Cause.INCOME.value))
        )
        .otherwise(pl.lit(Cause.INCOME.value))
    )
    change = (pl.col("persons") - pl.col("persons_was")).fill_null(0)
    rows = []
    for frame, cause, amount, n in (
        (whole, pl.col("cause"), pl.col("a3") - pl.col("a0"), change),
        (steps, pl.lit(Cause.STANDARD.value), pl.col("ar") - pl.col("a0"), pl.lit(0)),
        (steps, pl.lit(Cause.RULES.value), pl.col("a1") - pl.col("ar"), pl.lit(0)),
        (steps, people, pl.col("a2") - pl.col("a1"), change),
        (steps, rest, pl.col("a3") - pl.col("a2"), pl.lit(0)),
    ):
        rows.append(
            frame.with_columns(cause.alias("cause"), amount.alias("a"), n.cast(pl.Int64).alias("n")).select(
                *UNIT, "region", "cause", pl.col("a").alias("amount_fen"), pl.lit(0).alias("households"), pl.col("n").alias("persons"),
                pl.when(pl.col("cause").is_in(_BY_LAW) | (pl.col("n") == 0)).then(pl.col("persons")).otherwise(pl.col("n").abs()).alias("affected"),
                pl.lit("").alias("note"),
            )
        )  # fmt: skip
    return pl.concat(rows, how="vertical_relaxed")


def _gone(inputs: Inputs, month: Month) -> list[int]:
    """Households a member of which left by death within the last months."""
    since = (month - 6).first_day
    left = inputs.members.filter(
        (pl.col("leave_reason") == "death") & (pl.col("until") > since) & (pl.col("until") <= month.first_day)
    )
    return left["household_id"].unique().to_list()


def _stages(
    steps: pl.DataFrame,
    inputs: Inputs,
    before: Callable[[], Known | None],
    month: Month,
    programmes: list[str],
    book: Book,
) -> pl.DataFrame:
    """Adds `ar` (last month's facts and texts, this month's standards), `a1` (this month's texts) and `a2` (this month's members)."""
    own = [pl.col("a0").alias("ar"), pl.col("a0").alias("a1"), pl.col("a0").alias("a2")]
    if steps.is_empty():
        return steps.with_columns(own)
    units = steps.select(UNIT)
    entries = inputs.roll.join(units, on=UNIT, how="semi", nulls_equal=True).filter(
        (pl.col("start_month") <= month.yyyymm)
        & (pl.col("end_month").is_null() | (pl.col("end_month") >= month.yyyymm))
    )
    old, new = before() or inputs.known, inputs.known
    on_then, on_now = month.prev().first_day, month.first_day

    def as_of(facts: Known, people: Known, facts_on: object, people_on: object) -> Inputs:
        # Facts of one month made valid in the month computed for.
        homes = valid(facts.households, facts_on).with_columns(
            pl.lit(on_then).alias("valid_from"), pl.lit(None, dtype=pl.Date).alias("valid_to")
        )  # type: ignore[arg-type]
        member_facts = valid(facts.member_facts, facts_on).with_columns(
            pl.lit(on_then).alias("valid_from"), pl.lit(None, dtype=pl.Date).alias("valid_to")
        )  # type: ignore[arg-type]
        members = valid(people.members, people_on, "since", "until").with_columns(
            pl.lit(on_then).alias("since"), pl.lit(None, dtype=pl.Date).alias("until")
        )  # type: ignore[arg-type]
        return Inputs(inputs.roll, homes, members, member_facts, inputs.lines, inputs.arrears)

    first = due(as_of(old, old, on_then, on_then), month, programmes, book, entries).rows
    places = entries.select(rule_place(book).alias("place"))["place"].unique()
    told_apart = any(
        book.text_identity(book.chain(one), on_then) != book.text_identity(book.chain(one), on_now) for one in places
    )
    # Where no rule was written anew between the two months, nothing can be by rules.
    by_old = (
        due(as_of(old, old, on_then, on_then), month, programmes, book, entries, texts_on=on_then).rows
        if told_apart
        else first
    )
    second = due(as_of(old, new, on_then, on_now), month, programmes, book, entries).rows
    got = steps.join(_rewritten(inputs, month, by_old, first), on=UNIT, how="left", nulls_equal=True)
    for name, rows in (("ar", by_old), ("a1", first), ("a2", second)):
        part = rows.select(*UNIT, pl.when(pl.col("outcome") == "pass").then(pl.col("regular_fen")).alias(name))
        got = got.join(part, on=UNIT, how="left", nulls_equal=True)
    # A text that came late, with a day of before: the last line was paid by another one, so what moved moved by it.
    got = got.with_columns(pl.when("rewritten").then(pl.col("a0")).otherwise(pl.col("ar")).alias("ar")).drop(
        "rewritten"
    )
    return got.with_columns(
        # Where a middle step has no answer (not eligible under the old facts), the change belongs to the next one.
        pl.coalesce("ar", "a0").alias("ar"), pl.coalesce("a1", "ar", "a0").alias("a1"), pl.coalesce("a2", "a1", "ar", "a0").alias("a2")
    )  # fmt: skip


def _rewritten(inputs: Inputs, month: Month, by_old: pl.DataFrame, first: pl.DataFrame) -> pl.DataFrame:
    """Units whose line of last month was paid by other texts than those in force for it now: UNIT and `rewritten`."""
    last = inputs.lines.filter(pl.col("month") == month.prev().yyyymm)
    if "print" not in last.columns:  # frozen before texts were told apart
        return last.select(*UNIT, pl.lit(False).alias("rewritten")).unique(UNIT)
    then = by_old.select(*UNIT, print_of().alias("then"))
    now = first.select(*UNIT, print_of().alias("now"))
    both = last.select(*UNIT, "print").join(then, on=UNIT, nulls_equal=True).join(now, on=UNIT, nulls_equal=True)
    moved = (pl.col("print") != pl.col("then")) & (pl.col("then") == pl.col("now"))
    return both.select(*UNIT, moved.fill_null(False).alias("rewritten")).unique(UNIT)
