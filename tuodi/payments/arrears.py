"""Late facts: what earlier months should have been, against what was granted for them.

A month's due is computed anew with the facts, texts and standards as they are known now for that month. Granted is what
its own line gave without one-off parts, plus every correction an approved run has booked since. The difference is
booked once: positive is paid back to the family, negative is owed by it and offset month by month.
"""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from tuodi.kernel.periods import Month
from tuodi.payments.compute import UNIT, due, print_of
from tuodi.payments.frames import covering, rule_place
from tuodi.payments.source import Inputs
from tuodi.payments.stated import is_stated
from tuodi.payments.states import Basis, Cause, Held, LineStatus
from tuodi.people.enums import ONCE_PROGRAMMES
from tuodi.policy.book import Book

__all__ = ["SCHEMA", "claims", "corrected_prices", "earlier_months"]

SCHEMA = {
    "programme": pl.String, "household_id": pl.Int64, "person_id": pl.Int64, "region": pl.String, "for_month": pl.Int64,
    "due_fen": pl.Int64, "granted_fen": pl.Int64, "amount_fen": pl.Int64, "cause": pl.String, "note": pl.String,
    "undone_fen": pl.Int64,
}  # fmt: skip
#: Columns of the roll that say whom and where it is paid to.
_OF_PAYMENT = [
    "roll_id", "household_no", "account_id", "account_uid", "account_cipher", "account_index", "account_last4", "bank_code", "holder",
    "determination_id", "payee",
]  # fmt: skip
_SUM = ["base_fen", "increment_fen", "care_fen", "grace_fen", "other_fen"]


def earlier_months(inputs: Inputs, month: Month, programmes: list[str], book: Book) -> pl.DataFrame:
    """Differences of earlier months, a row a unit and month (`SCHEMA`).

    `undone_fen` is what of a difference in the family's favour takes back an overpayment told before: it clears the claim first.

    Only months with an approved run are compared. Left alone: amounts carried from a roll without facts, months in
    which the rules have no answer, and families the rules no longer fit while no decision ended their entry.
    """
    months = sorted(inputs.lines["month"].unique())
    # What is due rests on neither accounts nor names, and each month would take them along again and again.
    inputs = replace(
        inputs,
        roll=inputs.roll.drop(_OF_PAYMENT, strict=False),
        members=inputs.members.drop("name", "leave_reason", strict=False),
    )
    parts = [_one(inputs, Month.parse(str(m)), programmes, book) for m in months if m < month.yyyymm]
    return pl.concat(parts) if parts else pl.DataFrame(schema=SCHEMA)


def _one(inputs: Inputs, month: Month, programmes: list[str], book: Book) -> pl.DataFrame:
    lines = inputs.lines.filter(pl.col("month") == month.yyyymm).with_columns(
        # Withheld between approval and sending: nothing was paid, as if the line had been held.
        pl.when(pl.col("status") == LineStatus.WITHHELD.value)
        .then(pl.lit(Held.SUSPENDED.value))
        .otherwise(pl.col("held"))
        .alias("held")
    )
    # A county with no approved run of that month was paid elsewhere: nothing to compare with.
    counties = lines["region"].str.slice(0, 6).unique().implode()
    entries = covering(inputs.roll, month).filter(pl.col("region").str.slice(0, 6).is_in(counties))
    entries = entries.filter(~is_stated() | _carried(inputs, month))
    now = due(inputs, month, programmes, book, entries).rows
    granted = lines.select(
        *UNIT,
        "region",
        "persons",
        "income_year_fen",
        "basis",
        "held",
        # Of lines frozen before texts were told apart nothing is known.
        *(["print"] if "print" in lines.columns else [pl.lit(None, dtype=pl.Int64).alias("print")]),
        pl.when(pl.col("held") != "").then(pl.col("price_fen")).otherwise(0).alias("held_price"),
        # A held line granted nothing; it is paid back once its hindrance is gone.
        pl.when(pl.col("held") == "").then(pl.sum_horizontal(_SUM)).otherwise(0).alias("granted_fen"),
        pl.sum_horizontal(_SUM).alias("own_fen"),
    )
    booked = (
        inputs.arrears.filter(pl.col("for_month") == month.yyyymm)
        .group_by(UNIT)
        .agg(pl.col("amount_fen").sum().alias("booked_fen"))
    )
    found = inputs.findings.filter(pl.col("for_month") == month.yyyymm).select(*UNIT, "found_fen")
    marks = entries.select(*UNIT, pl.col("region").alias("roll_region"), "imported").unique(UNIT, keep="first")
    ever = inputs.roll.select(UNIT).unique().with_columns(pl.lit(True).alias("ever"))
    both = (
        granted.join(
            now.drop("persons", "income_year_fen").join(
                now.select(
                    *UNIT,
                    pl.col("persons").alias("n_now"),
                    pl.col("income_year_fen").alias("income_now"),
                    print_of().alias("print_now"),
                ),
                on=UNIT,
                nulls_equal=True,
            ),
            on=UNIT,
            how="full",
            coalesce=True,
            nulls_equal=True,
        )
        .join(booked, on=UNIT, how="left", nulls_equal=True)
        .join(found, on=UNIT, how="left", nulls_equal=True)
        .join(marks, on=UNIT, how="left", nulls_equal=True)
        .join(ever, on=UNIT, how="left", nulls_equal=True)
        .with_columns(pl.col("booked_fen", "granted_fen", "found_fen").fill_null(0))
    )
    had_line = pl.col("basis").is_not_null()
    by_rules = pl.col("basis").is_in(
        [Basis.RULES.value, Basis.RULES_ROLL.value, Basis.AGREEMENT.value, Basis.LIST.value]
    )
    held = pl.col("held").fill_null("") != ""
    once = pl.col("programme").is_in(ONCE_PROGRAMMES) | is_stated()
    due_fen = (
        # Off the roll for that month by a later decision: nothing was due. Relief taken back leaves no entry at all.
        pl.when(pl.col("outcome").is_null() & had_line & (pl.col("ever").fill_null(False) | once) & ~held)
        .then(0)
        .when((pl.col("outcome") == "pass") & (by_rules | (~had_line & ~pl.col("imported").fill_null(True))))
        .then(pl.col("regular_fen"))
        # Held as the roll had it, and decided by the rules since (a decrease): the new amount is owed.
        .when(held & (pl.col("outcome") == "pass") & ~pl.col("imported").fill_null(True))
        .then(pl.col("regular_fen"))
        # Held with a known amount of the roll: that amount is owed.
        .when(held & (pl.col("basis") == Basis.ROLL.value) & pl.col("roll_region").is_not_null())
        .then(pl.col("own_fen"))
    )
    # An account that still is no good must not turn the held month into back pay of the next; that is for the caller,
    # which holds the whole line then.
    cause = (
        pl.when(~had_line | held)
        .then(pl.lit(Cause.RESUMED.value))
        .when(pl.col("n_now").is_null())
        .then(pl.lit(Cause.EXIT.value))
        .when(is_stated())
        .then(pl.lit(Cause.STATED.value))
        .when(pl.col("n_now") < pl.col("persons"))
        .then(pl.lit(Cause.DEATH.value))
        .when(pl.col("n_now") != pl.col("persons"))
        .then(pl.lit(Cause.MEMBERS.value))
        .when(pl.col("income_now").eq_missing(pl.col("income_year_fen")).not_())
        .then(pl.lit(Cause.INCOME.value))
        .when(pl.col("print").is_not_null() & (pl.col("print") != pl.col("print_now")))
        .then(pl.lit(Cause.RULES_BACK.value))
        .otherwise(pl.lit(Cause.STANDARD_BACK.value))
    )
    return (
        both.with_columns(
            # A held month's price subsidy was not paid either.
            (due_fen + pl.col("held_price").fill_null(0)).alias("due_fen"),
            (pl.col("granted_fen") + pl.col("booked_fen")).alias("granted_fen"),
        )
        # What people determined to be overpaid of a month is owed already: facts that come to it later ask for the rest alone.
        .with_columns(
            pl.when(pl.col("due_fen") < pl.col("granted_fen"))
            .then(pl.max_horizontal("due_fen", pl.col("granted_fen") - pl.col("found_fen")))
            .otherwise(pl.col("granted_fen"))
            .alias("granted_fen")
        )
        .filter(pl.col("due_fen").is_not_null() & (pl.col("due_fen") != pl.col("granted_fen")))
        # While the reason it was held for still stands (no such months are settled), nothing is booked.
        .filter((pl.col("held").fill_null("") != Held.NOT_ELIGIBLE.value) | (pl.col("outcome") == "pass"))
        .with_columns(
            pl.coalesce("region", "roll_region").alias("region"),
            pl.lit(month.yyyymm, dtype=pl.Int64).alias("for_month"),
            (pl.col("due_fen") - pl.col("granted_fen")).alias("amount_fen"),
            pl.min_horizontal(
                (pl.col("due_fen") - pl.col("granted_fen")).clip(lower_bound=0),
                (-pl.col("booked_fen")).clip(lower_bound=0),
            ).alias("undone_fen"),
            cause.alias("cause"),
            pl.format("{}：应发 {} 元，已发 {} 元", pl.lit(str(month)), _yuan("due_fen"), _yuan("granted_fen")).alias(
                "note"
            ),
        )
        .select(pl.col(name).cast(kind) for name, kind in SCHEMA.items())
        .sort("programme", "household_id", "person_id")
    )


def _carried(inputs: Inputs, month: Month) -> pl.Expr:
    """Whether a run has paid a row's stated programme in a month. Before the first one it was paid elsewhere, or by nobody."""
    rows = inputs.carried.filter(pl.col("month") == month.yyyymm).select("programme", "place").iter_rows()
    return pl.any_horizontal(
        pl.lit(False),
        *((pl.col("programme") == programme) & pl.col("region").str.starts_with(place) for programme, place in rows),
    )


def _yuan(column: str) -> pl.Expr:
    cents = (pl.col(column).abs() % 100).cast(pl.String).str.zfill(2)
    sign = pl.when(pl.col(column) < 0).then(pl.lit("-")).otherwise(pl.lit(""))
    return pl.concat_str(sign, (pl.col(column).abs() // 100).cast(pl.String), pl.lit("."), cents)


def corrected_prices(inputs: Inputs, book: Book) -> pl.DataFrame:
    """What decisions about corrected price indices still ask for, a row a unit and index month (`SCHEMA`, the same as of earlier months).

    It stands apart from what the month itself turned out: the regular amount is computed without subsidies.
    """
    owed = inputs.corrected
    if owed.is_empty():
        return pl.DataFrame(schema=SCHEMA)
    places = owed.with_columns(rule_place(book).alias("place"))
    asked = places.select("place", "index_month").unique().iter_rows()
    clauses = pl.DataFrame(
        [(place, month, _clause(book, place, Month.parse(str(month)))) for place, month in asked],
        schema={"place": pl.String, "index_month": pl.Int64, "clause": pl.String},
        orient="row",
    )
    rows = places.join(clauses, on=["place", "index_month"]).with_columns(
        (pl.col("before_fen") + pl.col("decided_fen")).alias("due_fen"),
        (pl.col("before_fen") + pl.col("booked_fen")).alias("granted_fen"),
        (pl.col("decided_fen") - pl.col("booked_fen")).alias("amount_fen"),
        pl.lit(Cause.PRICE_BACK.value).alias("cause"),
        pl.col("index_month").alias("for_month"),
    )
    return (
        rows.with_columns(
            pl.min_horizontal(pl.col("amount_fen").clip(lower_bound=0), (-pl.col("booked_fen")).clip(lower_bound=0)).alias("undone_fen"),
            pl.format(
                "{} 年 {} 月价格临时补贴按更正后的指数：应发 {} 元，已发 {} 元（决定 JG{}；{}）",
                pl.col("index_month") // 100, pl.col("index_month") % 100, _yuan("due_fen"), _yuan("granted_fen"),
                pl.col("decision_id").cast(pl.String).str.zfill(6), "clause",
            ).str.slice(0, 200).alias("note"),
        )
        .select(pl.col(name).cast(kind) for name, kind in SCHEMA.items())
        .sort("programme", "household_id", "person_id", "for_month")
    )  # fmt: skip


def _clause(book: Book, place: str, month: Month) -> str:
    text = book.rule_texts(book.chain(place), month.last_day).get("price.cpi_hit")
    return book.clause(text.clause).text if text is not None and text.clause else "价格联动机制"


def claims(inputs: Inputs, new: pl.DataFrame) -> pl.DataFrame:
    """What each unit owes: booked and new overpayments less what lines have offset. UNIT and `owed_fen` (> 0)."""
    over = pl.concat([inputs.arrears.select(*UNIT, "amount_fen"), new.select(*UNIT, "amount_fen")])
    over = over.filter(pl.col("amount_fen") < 0).group_by(UNIT).agg((-pl.col("amount_fen").sum()).alias("over"))
    done = inputs.arrears.filter(pl.col("for_month") == 0).group_by(UNIT).agg(pl.col("amount_fen").sum().alias("done"))
    return (
        over.join(done, on=UNIT, how="left", nulls_equal=True)
        .select(*UNIT, (pl.col("over") - pl.col("done").fill_null(0)).alias("owed_fen"))
        .filter(pl.col("owed_fen") > 0)
    )
