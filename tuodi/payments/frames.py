"""From a reading to the frames the rules take, as of one month. The facts of a month are those valid on its first day.

So who joined or left during a month counts from the next one, and who died during it is still counted: the household
is taken as it stood when the month began.
"""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import polars as pl

from tuodi.kernel.periods import Month
from tuodi.payments.source import Inputs
from tuodi.policy.book import Book
from tuodi.rules import FamilyErrors
from tuodi.rules.bulk import Keys
from tuodi.rules.family import read_family

__all__ = ["KEYS", "covering", "frames_of", "rule_place", "valid"]

KEYS = Keys(
    own={"household": "household_id", "members": "person_id"},
    up={"members": "household_id", "incomes": "person_id", "supporters": "person_id"},
)
#: Findings an earlier determination must have made for a unit to be on an imported roll.
FINDINGS = ("labour_finding", "livelihood_finding", "supporter_finding", "supporters_listed")
#: Ends of an account, names and notes that are no facts.
_NO_FACT = {"name", "id", "no", "note", "person_id", "relation", "birth", "died"}


def valid(frame: pl.DataFrame, on: date, start: str = "valid_from", end: str = "valid_to") -> pl.DataFrame:
    """Rows whose period covers a day."""
    return frame.filter((pl.col(start) <= on) & (pl.col(end).is_null() | (pl.col(end) > on)))


def covering(roll: pl.DataFrame, month: Month, programme: str | None = None) -> pl.DataFrame:
    """Roll entries that cover a month."""
    found = roll.filter(
        (pl.col("start_month") <= month.yyyymm)
        & (pl.col("end_month").is_null() | (pl.col("end_month") >= month.yyyymm))
    )
    return found if programme is None else found.filter(pl.col("programme") == programme)


def rule_place(book: Book) -> pl.Expr:
    """The place whose rules hold for a row: its county, or its town where a pack speaks of that town."""
    towns = [place for place in book.places_named() if len(place) == 9]
    county = pl.col("region").str.slice(0, 6)
    if not towns:
        return county
    town = pl.col("region").str.slice(0, 9)
    return pl.when(town.is_in(towns)).then(town).otherwise(county)


def frames_of(
    inputs: Inputs, entries: pl.DataFrame, month: Month, book: Book, *, per_person: bool
) -> tuple[dict[str, pl.DataFrame], pl.DataFrame]:
    """The rule frames of some roll entries, and what was filled in or found wrong.

    Args:
        entries: roll entries of one programme that cover the month.
        per_person: the entitled unit is a person: only the entitled persons are members.

    Returns:
        Level -> frame; and a frame a household: `from_roll` (a finding was taken from the roll), `fault` (stored
        facts that no longer fit the law's words; null = none).
    """
    on = month.first_day
    roll = entries.unique("household_id", keep="first", maintain_order=True)
    facts = valid(inputs.households, on)
    homes = roll.select("household_id", "region", "category", "imported").join(facts, on="household_id", how="left")
    homes = homes.with_columns(
        pl.coalesce("area_kind", "category").alias("area_kind"),
        rule_place(book).alias("place"),
        (pl.col("imported") & pl.col("assets_ok").is_null()).alias("from_roll"),
        pl.col("income_year_fen").alias("income_year"),
        pl.col("cost_medical_fen").alias("cost_medical"),
    ).with_columns(pl.when("from_roll").then(True).otherwise(pl.col("assets_ok")).alias("assets_ok"))
    people = valid(inputs.members, on, "since", "until").join(
        homes.select("household_id", "place", "imported"), on="household_id", how="semi"
    )
    if per_person:
        people = people.join(entries.select("person_id"), on="person_id", how="semi")
    people = people.join(valid(inputs.member_facts, on), on="person_id", how="left").with_columns(
        pl.when(pl.col("died_on") <= on).then("died_on").alias("died"),
        pl.col("own_income_year_fen").alias("own_income_year"),
    )
    on_dibao = covering(inputs.roll, month, "dibao").select("household_id", pl.lit(True).alias("in_dibao"))
    on_tekun = covering(inputs.roll, month, "tekun").select(
        "person_id", pl.lit(True).alias("in_tekun"), "form", pl.col("self_care").alias("roll_care"), "imported"
    )
    people = (
        people.join(on_dibao.unique("household_id"), on="household_id", how="left")
        .join(on_tekun.unique("person_id"), on="person_id", how="left")
        .with_columns(pl.col("in_dibao").fill_null(False), pl.col("in_tekun").fill_null(False))
    )
    faults: dict[int, str] = {}
    homes = _with_extra(homes, "household", "household_id", book, faults)
    people, nested = _with_nested(people, book, faults)
    people = _from_roll(people, book)
    frames: dict[str, pl.DataFrame] = {
        "household": homes.drop("area_kind_right", "extra", "valid_from", "valid_to", "imported", strict=False),
        "members": people.drop(
            "name", "leave_reason", "extra", "since", "until", "died_on", "form", "roll_care", strict=False
        ),
        **nested,
    }
    marks = people.group_by("household_id").agg(pl.col("taken").any())
    filled = (
        homes.select("household_id", "from_roll")
        .join(marks, on="household_id", how="left")
        .select("household_id", pl.col("from_roll") | pl.col("taken").fill_null(False))
        .with_columns(
            pl.col("household_id").replace_strict(faults, default=None, return_dtype=pl.String).alias("fault")
        )
    )
    return frames, filled


def _from_roll(people: pl.DataFrame, book: Book) -> pl.DataFrame:
    """Form of care, self-care and findings the roll itself states, where no accepted fact says otherwise."""
    have = set(people.columns)
    imported = pl.col("imported").fill_null(False)
    taken = pl.lit(False)
    for name in FINDINGS:
        known = pl.col(name) if name in have else pl.lit(None, dtype=pl.Int64)
        taken = taken | (imported & known.is_null())
        people = people.with_columns(pl.when(known.is_null() & imported).then(1).otherwise(known).alias(name))
    for fact, enum, column in (
        ("support_form", "support_form", "form"),
        ("assessed_self_care", "self_care", "roll_care"),
    ):
        words = book.enums[enum]
        codes = pl.col(column).replace_strict(
            {v: words.code(v) for v in words.values}, default=None, return_dtype=pl.Int64
        )
        known = [pl.col(fact)] if fact in have else []
        if fact == "assessed_self_care" and "self_care" in have:
            known.append(
                pl.col("self_care").replace_strict(
                    {v: words.code(v) for v in words.values}, default=None, return_dtype=pl.Int64
                )
            )
        people = people.with_columns(pl.coalesce(*known, codes).alias(fact))
    return people.with_columns(taken.alias("taken")).drop("imported", "self_care", strict=False)


def _inner(book: Book, level: str, text: str, seen: dict[str, Any]) -> Any:
    """The facts of a JSON object as inner integers: (facts, nested rows) or the sentence of what is wrong."""
    if text in seen:
        return seen[text]
    raw = {k: v for k, v in json.loads(text).items() if k not in _NO_FACT}
    family = {"household": raw} if level == "household" else {"household": {}, "members": [raw]}
    try:
        tree = read_family(book, book.chain("cn"), family).tree["household"]
    except FamilyErrors as error:
        # A region's own facts are not known to the nation: read them where they are declared, by name.
        seen[text] = f"已采用的事实有误：{'；'.join(map(str, error.faults[:3]))}"
        return seen[text]
    row = tree if level == "household" else tree["members"][0]
    flat = {k: row[f"{level}.{k}"] for k in raw if f"{level}.{k}" in row}
    lists = {k: row.get(k, []) for k in ("incomes", "supporters") if k in raw}
    seen[text] = (flat, lists)
    return seen[text]


def _with_extra(frame: pl.DataFrame, level: str, key: str, book: Book, faults: dict[int, str]) -> pl.DataFrame:
    """Adds a column for each fact that stands in `extra`; typed columns win."""
    rows = frame.filter(pl.col("extra").is_not_null()).select(
        key, "household_id" if level != "household" else pl.col(key).alias("h"), "extra"
    )
    if rows.is_empty():
        return frame
    seen: dict[str, Any] = {}
    found: dict[str, dict[int, Any]] = {}
    for ident, household, text in rows.iter_rows():
        inner = _inner(book, level, text, seen)
        if isinstance(inner, str):
            faults[household] = inner
            continue
        for name, value in inner[0].items():
            if value is not None:
                found.setdefault(name, {})[ident] = int(value)
    for name, values in found.items():
        column = pl.col(key).replace_strict(values, default=None, return_dtype=pl.Int64)
        if name not in frame.columns:
            frame = frame.with_columns(column.alias(name))
    return frame


def _with_nested(
    people: pl.DataFrame, book: Book, faults: dict[int, str]
) -> tuple[pl.DataFrame, dict[str, pl.DataFrame]]:
    people = _with_extra(people, "members", "person_id", book, faults)
    rows = people.filter(pl.col("extra").is_not_null()).select("person_id", "extra")
    lists: dict[str, list[dict[str, Any]]] = {}
    seen: dict[str, Any] = {}
    for person, text in rows.iter_rows():
        inner = _inner(book, "members", text, seen)
        if isinstance(inner, str):
            continue
        for name, items in inner[1].items():
            for item in items:
                plain = {k.split(".", 1)[1]: v for k, v in item.items() if "." in k}
                lists.setdefault(name, []).append({"person_id": person, **plain})
    nested = {}
    for name, items in lists.items():
        frame = pl.DataFrame(items, infer_schema_length=None)
        nested[name] = frame.with_columns(pl.col(pl.Boolean).cast(pl.Int64)).select(
            [pl.col(c).cast(pl.Int64) for c in frame.columns]
        )
    return people, nested
