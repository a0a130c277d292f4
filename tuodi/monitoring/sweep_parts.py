"""The parts of a sweep that only look: consents, doubtful rows, receipts elsewhere, and what has been answered."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import date
from typing import Any

import polars as pl
from django.db import connection

from tuodi.kernel.masking import mask_id
from tuodi.matching.link import double_receipts
from tuodi.org.access import range_of, system_scope
from tuodi.payments.source import reading

__all__ = ["DOUBT", "answered", "consents", "double_roll", "doubts_of", "elsewhere"]

#: A doubtful row as `SweepFinding` takes it.
DOUBT = {
    "person_id": pl.Int64, "household_id": pl.Int64, "region": pl.String, "kind": pl.String, "batch_id": pl.Int64,
    "fact_hash": pl.String, "other_name": pl.String, "data": pl.String,
}  # fmt: skip
#: Persons asked for at once; the database logs each question.
_LOT = 1000


def _fetch(cursor: Any, query: str) -> pl.DataFrame:
    cursor.execute(query)
    frame = pl.from_arrow(cursor.fetch_arrow_table())
    assert isinstance(frame, pl.DataFrame)
    return frame


def consents(place: str, on: date) -> pl.DataFrame:
    """Who may be compared on a day: `person_id`, `covers_bank`; one row a person with a valid consent."""
    with reading(place) as cursor:
        found = _fetch(
            cursor,
            "select person_id, covers_bank from verification_consent where role = 'member' and person_id is not null "
            f"and signed_on <= '{on}' and (valid_to is null or valid_to >= '{on}') and (ended_on is null or ended_on > '{on}')",
        )
    return found.group_by("person_id").agg(pl.col("covers_bank").any())


def answered(place: str) -> pl.DataFrame:
    """Every clue there is: `person_id`, `rule_code`, `fact_hash`."""
    with reading(place) as cursor:
        return _fetch(
            cursor, "select person_id, rule_code::text as rule_code, fact_hash::text as fact_hash from monitoring_clue"
        )


def doubts_of(kind: str, register: str, rows: pl.DataFrame, persons: pl.DataFrame) -> pl.DataFrame:
    """Doubtful rows of one batch as findings: what the register says of the name and the number, the rest stays sealed.

    Args:
        kind: `name_conflict` or `bad_check`. register: kind of register.
    """
    if not rows.height:
        return pl.DataFrame(schema=DOUBT)
    name = pl.col("name") if "name" in rows.columns else pl.lit("")
    frame = rows.join(persons.select("person_id", "region", "own").unique("person_id"), on="person_id").with_columns(
        name.fill_null("").alias("said")
    )
    frame = frame.unique(["person_id", "said"], keep="first", maintain_order=True)
    told = [
        (
            person, household, region, kind, batch,
            hashlib.sha256(f"{kind}|{register}|{key}|{said}".encode()).hexdigest(), said[:60],
            json.dumps({"register": register, "line": line, "roll_name": own, "check": check}, ensure_ascii=False),
        )
        for person, household, region, batch, key, said, line, own, check in frame.select(
            "person_id", "household_id", "region", "batch_id", "key", "said", "line_no", "own", "check_state"
        ).iter_rows()
    ]  # fmt: skip
    return pl.DataFrame(told, schema=DOUBT, orient="row")


def double_roll(persons: pl.DataFrame, on: date) -> pl.DataFrame:
    """Rows of the register `roll`: a number with two entries of this place in one month, each seen from the other."""
    found = double_receipts(persons.lazy())
    if not found.height:
        return found
    span = persons.select("key", "household_id", "programme", "region", "first_month", "last_month").drop_nulls("key")
    other = span.rename({
        "programme": "other_programme", "region": "other_region", "first_month": "from", "last_month": "to",
        "household_id": "other_household",
    })  # fmt: skip
    own = found.join(span.drop("region"), on=["key", "household_id"], how="inner")
    both = own.join(other, on=["key", "other_programme", "other_region"], how="inner").filter(
        (pl.col("household_id") != pl.col("other_household")) | (pl.col("programme") != pl.col("other_programme")),
        (pl.col("first_month") <= pl.col("to")) & (pl.col("from") <= pl.col("last_month")),
    )
    kept = found.join(both.select("row_id").unique(), on="row_id", how="semi")
    return kept.with_columns(
        as_of=pl.lit(on), stale=pl.lit(False), name_state=pl.lit("same"), check_state=pl.lit("ok"),
        batch_id=pl.lit(None, pl.Int64), line_no=pl.lit(None, pl.Int64), row_hash=pl.lit(None, pl.String),
    )  # fmt: skip


def elsewhere(place: str, persons: pl.DataFrame) -> pl.DataFrame:
    """Who receives in a county outside the place too, as findings: whether and where, never the row there.

    Asked through the one function that may look past the walls; the database writes each question into its log.
    """
    inside = range_of(place)
    who = persons.filter(pl.col("token").is_not_null()).unique("person_id").sort("region", "person_id")
    told: list[tuple[Any, ...]] = []
    with system_scope(place):
        for row, counties in _asked(who, inside):
            told.append((
                row["person_id"], row["household_id"], row["region"], "cross_region", None,
                hashlib.sha256(f"cross_region|{row['token']}|{','.join(counties)}".encode()).hexdigest(), "",
                json.dumps({"counties": counties}),
            ))  # fmt: skip
    return pl.DataFrame(told, schema=DOUBT, orient="row")


def _asked(who: pl.DataFrame, inside: Any) -> Iterator[tuple[dict[str, Any], list[str]]]:
    """The persons with a receipt outside, by halving lots until one is left."""
    waiting = [who.slice(at, _LOT) for at in range(0, who.height, _LOT)]
    while waiting:
        lot = waiting.pop()
        counties = _counties(lot, inside)
        if not counties:
            continue
        if lot.height == 1:
            yield lot.row(0, named=True), counties
            continue
        half = lot.height // 2
        waiting += [lot.slice(half), lot.head(half)]


def _counties(lot: pl.DataFrame, inside: Any) -> list[str]:
    key = lot["key"][0]
    one = mask_id(f"{key:017d}X") if lot.height == 1 and key is not None else f"比对 {lot.height} 人"
    with connection.cursor() as cursor:
        cursor.execute(
            "select place6, in_benefit from people_find_elsewhere(%s::bytea[], %s)",
            [[bytes.fromhex(token) for token in lot["token"]], one],
        )
        return sorted(
            county for county, benefit in cursor.fetchall() if benefit and county.ljust(12, "0") not in inside
        )
