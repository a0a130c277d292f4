"""Amounts that are stated and not computed: a caregiver's subsidy by his agreement, a fixed amount by a department's list.

The entitled unit of `care` is the caregiver for one household: who looks after two of its people has one line, the sum of both
agreements. So another caregiver is another unit, and owes or is owed what is his own.
"""

from __future__ import annotations

import polars as pl

from tuodi.payments.states import ROLL_PROGRAMMES, Basis

__all__ = ["UNIT_COLUMNS", "basis_of", "is_stated", "suspended_too", "units"]

UNIT_COLUMNS = ["programme", "household_id", "person_id"]
#: Columns of the roll that frames frozen before there were stated amounts do not have.
_MORE = {"agreement_id": pl.Int64, "payee": pl.String, "ward_id": pl.Int64}


def is_stated() -> pl.Expr:
    """Whether a row's programme pays stated amounts."""
    return ~pl.col("programme").is_in(ROLL_PROGRAMMES)


def basis_of(programme: pl.Expr) -> pl.Expr:
    """What a stated amount rests on."""
    return pl.when(programme == "care").then(pl.lit(Basis.AGREEMENT.value)).otherwise(pl.lit(Basis.LIST.value))


def units(entries: pl.DataFrame) -> pl.DataFrame:
    """Roll entries that cover one month, one row a unit: stated amounts of a unit are summed, the newest row tells the rest."""
    missing = [pl.lit(None, dtype=kind).alias(name) for name, kind in _MORE.items() if name not in entries.columns]
    entries = entries.with_columns(missing)
    stated = entries.filter(is_stated())
    if stated.is_empty():
        return entries
    summed = stated.group_by(UNIT_COLUMNS, maintain_order=True).agg(
        pl.col("amount_fen").sum(), pl.exclude("amount_fen", *UNIT_COLUMNS).last()
    )
    return pl.concat([entries.filter(~is_stated()), summed.select(entries.columns)])


def suspended_too(suspensions: pl.DataFrame, entries: pl.DataFrame) -> pl.DataFrame:
    """Suspensions of people looked after, as those of who looks after them: UNIT and the other columns."""
    if "ward_id" not in entries.columns:
        return suspensions.clear()
    care = entries.filter(pl.col("programme") == "care").select("household_id", "person_id", "ward_id")
    of_wards = suspensions.filter(pl.col("programme") == "tekun").rename({"person_id": "ward_id"})
    found = care.join(of_wards, on=["household_id", "ward_id"], how="inner")
    return found.with_columns(pl.lit("care").alias("programme")).select(suspensions.columns)
