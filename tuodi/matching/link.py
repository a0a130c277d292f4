"""Links register rows to people on the roll by the integer key, never by name; names and check digits then confirm.

A row is a hit when its number is a person's number, the check digit is right and the name is the person's (or the register
has none). A wrong check digit or another name is no hit: it is listed for somebody to look at. Pure columns: no database.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

import polars as pl

from tuodi.kernel.names import normalise_name
from tuodi.matching.keys import keyed, plain_body, spelt_body

__all__ = [
    "CHECKED",
    "NAME_STATES",
    "Linked",
    "double_receipts",
    "link",
    "link_all",
    "link_sealed",
    "shared_numbers",
    "two_numbers",
]

#: How the name of the register compares with the person's.
NAME_STATES: Mapping[str, str] = {
    "same": "一致",
    "former": "与曾用名一致",
    "conflict": "不一致",
    "absent": "登记中没有姓名",
}
#: No key: stands in its place for numbers that have to be cleaned; the column with the number as it was written.
_TO_CLEAN, _NUMBER = -1, "number__"
#: Check states of a number that may match by itself.
CHECKED = ("ok", "converted15")


@dataclass(frozen=True)
class Linked:
    """What one register gave.

    Attributes:
        hits: rows about persons on the roll: `row_id`, `key`, `person_id`, `household_id`, `name_state`, `check_state`,
            `copies` (rows that said the same), and the register's own columns.
        doubtful: rows whose number is on the roll but whose name or check digit is not right; same columns.
    """

    hits: pl.DataFrame
    doubtful: pl.DataFrame

    @property
    def duplicates(self) -> int:
        """Rows left out because another says the same."""
        return int((self.hits["copies"] - 1).sum()) + int((self.doubtful["copies"] - 1).sum())


def link(
    subjects: pl.LazyFrame,
    register: pl.LazyFrame,
    *,
    columns: Sequence[str] | None = None,
    identity: Sequence[str] = (),
    first_row: int = 0,
) -> Linked:
    """Rows of a register about persons on the roll.

    Args:
        subjects: `key` (null: no usable number, never linked), `person_id`, `household_id`; `name` and `former_names`
            (list) if names are to be compared. A person with two numbers has two rows.
        register: `key`, and `check_state`, `name`, `as_of` where it has them, and its own columns.
        columns: the columns of the register wanted; all unless given. Fewer are read faster.
        identity: columns that tell one thing from another: rows of one person that agree in them are one, the latest `as_of`
            stays, `copies` counts them. Empty: every row is a thing of its own.
        first_row: the first `row_id`; give the next free one for the second batch of a kind.
    """
    found = _rows(register, columns).join(_people(subjects), on="key", how="inner").collect(engine="streaming")
    return _judged(found, identity, first_row)


def link_all(
    subjects: pl.LazyFrame,
    registers: Mapping[str, pl.LazyFrame],
    *,
    columns: Mapping[str, Sequence[str]] | None = None,
    identity: Mapping[str, Sequence[str]] | None = None,
    number: str | None = None,
    on: date | None = None,
) -> dict[str, Linked]:
    """Several registers in one pass: the roll's table of keys is built once, not once a register.

    Args: as `link`, by register. Names in `columns` that a register lacks are left out.
        number: registers that are not keyed yet have their numbers as text in this column; nothing is stored. A number then costs
            one cast: only those that are not 17 digits and a character are cleaned as text (and held in memory), and only those
            on the roll are asked for their day and check digit.
        on: with `number`: a birth after this day makes it unusable (`matching.keys.key_of`).
    """
    parts: list[pl.LazyFrame] = []
    own: list[dict[str, str]] = []  # a register's column -> its column in the common frame
    for place, (name, register) in enumerate(registers.items()):
        asked = None if columns is None else columns.get(name, ())
        if number is not None:
            register = register.drop("key", "check_state", strict=False)
            key = plain_body(pl.col(number)).fill_null(_TO_CLEAN)
            register = register.with_columns(pl.col(number).alias(_NUMBER), key.alias("key"))
            asked = asked if asked is None else (_NUMBER, *asked)
        rows = _rows(register, asked)
        taken: dict[str, int] = {}
        places = {}
        for column, dtype in rows.collect_schema().items():
            # Registers share columns of one type: a column that only one of them has costs a null in each row of all others.
            taken[str(dtype)] = taken.get(str(dtype), -1) + 1
            places[column] = column if column in ("key", _NUMBER) else f"{dtype}__{taken[str(dtype)]}"
        own.append(places)
        parts.append(rows.rename(places).with_columns(pl.lit(place, pl.UInt16).alias("register__")))
    if not parts:
        return {}
    people = _people(subjects)
    extra = [c for c in people.collect_schema().names() if c != "key"]
    rows = pl.concat(parts, how="diagonal")
    if number is None:
        whole = rows.join(people, on="key", how="inner").collect(engine="streaming")
    else:
        whole = _met(rows, people, on)
        extra.append("check_state")
    out = {}
    for place, (name, places) in enumerate(zip(registers, own, strict=True)):
        back = {common: column for column, common in places.items() if column != _NUMBER}
        found = whole.filter(pl.col("register__") == place).select(*back, *extra).rename(back)
        out[name] = _judged(found, (identity or {}).get(name, ()), 0)
    return out


def _met(rows: pl.LazyFrame, people: pl.LazyFrame, on: date | None) -> pl.DataFrame:
    """Rows with numbers as text that are about persons on the roll, with `check_state`."""
    # One more "person" takes along what has to be cleaned, so that registers are read once.
    nobody = pl.LazyFrame({"key": [_TO_CLEAN]}, schema={"key": pl.Int64})
    met = rows.join(pl.concat([people, nobody], how="diagonal"), on="key", how="inner").collect(engine="streaming")
    odd = met.filter(pl.col("key") == _TO_CLEAN)
    again = odd.select(rows.collect_schema().names()).with_columns(spelt_body(odd[_NUMBER]).alias("key"))
    cleaned = again.lazy().join(people, on="key", how="inner").select(met.columns).collect(engine="streaming")
    met = pl.concat([met.filter(pl.col("key") != _TO_CLEAN), cleaned])
    usable = keyed(met[_NUMBER], on=on)
    return met.with_columns(usable["key"], usable["check_state"]).filter(pl.col("key").is_not_null())


def _people(subjects: pl.LazyFrame) -> pl.LazyFrame:
    names = subjects.collect_schema().names()
    return subjects.filter(pl.col("key").is_not_null()).select(
        "key", "person_id", "household_id",
        *(pl.col(c).alias(f"{c}__") for c in ("name", "former_names") if c in names),
    )  # fmt: skip


def _rows(register: pl.LazyFrame, columns: Sequence[str] | None) -> pl.LazyFrame:
    have = register.collect_schema().names()
    wanted = [c for c in (have if columns is None else columns) if c in have]
    fixed = [c for c in ("check_state", "name", "as_of") if c in have]
    return register.select(*dict.fromkeys(("key", *fixed, *wanted)))  # a null key joins nobody


def _judged(found: pl.DataFrame, identity: Sequence[str], first_row: int) -> Linked:
    found = _compared(_single(found, identity))
    if "check_state" not in found.columns:
        found = found.with_columns(pl.lit("ok").alias("check_state"))
    found = found.with_row_index("row_id", offset=first_row).with_columns(pl.col("row_id").cast(pl.Int64))
    sure = pl.col("check_state").cast(pl.String).is_in(CHECKED) & (pl.col("name_state") != "conflict")
    return Linked(found.filter(sure), found.filter(~sure))


def _single(found: pl.DataFrame, identity: Sequence[str]) -> pl.DataFrame:
    on = [c for c in identity if c in found.columns]
    order = [c for c in ("as_of", "line_no") if c in found.columns]
    if not on:
        return found.with_columns(pl.lit(1, dtype=pl.Int64).alias("copies"))
    group = ["key", "person_id", "household_id", *on]
    if order:
        found = found.sort(order, descending=[c == "as_of" for c in order], nulls_last=True, maintain_order=True)
    counted = found.with_columns(pl.len().over(group).cast(pl.Int64).alias("copies"))
    return counted.unique(group, keep="first", maintain_order=True)


def _compared(found: pl.DataFrame) -> pl.DataFrame:
    """With `name_state`. Equal spellings are settled as columns; the few others are cleaned one by one."""
    if "name" not in found.columns or "name__" not in found.columns:
        extra = [c for c in ("name__", "former_names__") if c in found.columns]
        return found.with_columns(pl.lit("absent").alias("name_state")).drop(extra)
    theirs, ours = pl.col("name").fill_null(""), pl.col("name__").fill_null("")
    found = found.with_columns(
        pl.when(theirs.str.strip_chars() == "").then(pl.lit("absent")).when(theirs == ours).then(pl.lit("same"))
        .alias("name_state")
    )  # fmt: skip
    former = "former_names__" in found.columns
    open_ = found["name_state"].is_null()
    if open_.any():
        rows = found.filter(open_).select("name", "name__", *(["former_names__"] if former else []))
        states = [_name_state(*row) for row in rows.iter_rows()]
        found = found.with_columns(
            pl.coalesce(
                "name_state", pl.Series(_spread(open_.to_list(), states), dtype=pl.String)
            ).alias("name_state")
        )  # fmt: skip
    return found.drop(["name__", *(["former_names__"] if former else [])])


def _spread(mask: Sequence[bool], values: Sequence[str]) -> list[str | None]:
    rest = iter(values)
    return [next(rest) if m else None for m in mask]


def _name_state(theirs: str, ours: str | None, former: Sequence[str] | None = None) -> str:
    name = normalise_name(theirs)
    if not name:
        return "absent"
    if name == normalise_name(ours):
        return "same"
    return "former" if any(name == normalise_name(f) for f in former or ()) else "conflict"


# ---- what the roll itself shows


def two_numbers(subjects: pl.LazyFrame) -> pl.DataFrame:
    """Persons with more than one usable number: `person_id`, `keys`."""
    keyed = subjects.filter(pl.col("key").is_not_null()).select("person_id", "key").unique()
    grouped = keyed.group_by("person_id").agg(pl.col("key").sort().alias("keys"))
    return grouped.filter(pl.col("keys").list.len() > 1).sort("person_id").collect()


def shared_numbers(subjects: pl.LazyFrame) -> pl.DataFrame:
    """Numbers that several persons have (a 15-digit and an 18-digit record of one person among them): `key`, `persons`."""
    keyed = subjects.filter(pl.col("key").is_not_null()).select("person_id", "key").unique()
    grouped = keyed.group_by("key").agg(pl.col("person_id").sort().alias("persons"))
    return grouped.filter(pl.col("persons").list.len() > 1).sort("key").collect()


def double_receipts(roll: pl.LazyFrame, first_row: int = 0) -> pl.DataFrame:
    """One number on the roll twice: the rows of the register `roll`, one for each entry and each other entry.

    Args:
        roll: `key`, `person_id`, `household_id`, `region`, `programme`, and if there is any `category` (urban, rural).

    Returns: `row_id`, `key`, `person_id`, `household_id`, `other_programme`, `other_region`, `other_area_kind`,
        `cross_region` (another county). Two lines of one family in one programme are one entry.
    """
    have = roll.collect_schema().names()
    category = pl.col("category") if "category" in have else pl.lit(None, dtype=pl.String)
    entries = (
        roll.filter(pl.col("key").is_not_null())
        .select("key", "person_id", "household_id", "region", "programme", category.alias("category"))
        .unique(["key", "household_id", "programme"], keep="any")
    )
    twice = entries.group_by("key").len().filter(pl.col("len") > 1).select("key")
    entries = entries.join(twice, on="key", how="semi")
    other = entries.select(
        "key", other_household=pl.col("household_id"), other_programme=pl.col("programme"),
        other_region=pl.col("region"), other_area_kind=pl.col("category"),
    )  # fmt: skip
    differs = (pl.col("household_id") != pl.col("other_household")) | (pl.col("programme") != pl.col("other_programme"))
    found = (
        entries.join(other, on="key", how="inner")
        .filter(differs)
        .with_columns(
            cross_region=pl.col("region").str.slice(0, 6) != pl.col("other_region").str.slice(0, 6),
            same_cause=pl.lit(False),
        )
        .select(
            "key",
            "person_id",
            "household_id",
            "other_programme",
            "other_region",
            "other_area_kind",
            "cross_region",
            "same_cause",
        )
        .sort("key", "household_id", "other_programme", "other_region")
        .collect()
    )
    return found.with_row_index("row_id", offset=first_row).with_columns(pl.col("row_id").cast(pl.Int64))


class _Batch(Protocol):
    """An opened batch at rest: `matching.sealed.SealedBatch`."""

    def hot(self, *columns: str) -> pl.LazyFrame: ...

    def rest_rows(self, rows: pl.Series) -> pl.DataFrame: ...


def link_sealed(
    subjects: pl.LazyFrame, batch: _Batch, *, columns: Sequence[str], identity: Sequence[str] = (), first_row: int = 0
) -> Linked:
    """The same from a batch at rest: its hot half is scanned, and of the rest only the rows that hit are opened.

    Args:
        columns: columns that rules look at (`monitoring.judge.looked_at`).

    Returns: as `link`, with `line_no`, `row` (place in the batch) and every column of the rows that hit.
    """
    people = subjects.filter(pl.col("key").is_not_null())
    keyed = batch.hot(*columns).filter(pl.col("key").is_not_null())
    hot = keyed.join(people.select("key"), on="key", how="semi").collect(engine="streaming")
    rest = batch.rest_rows(hot["row"])
    own = [c for c in rest.columns if c not in hot.columns and c != "id_raw"]
    rows = hot.join(rest.select("row", *own), on="row", how="inner").with_columns(pl.col("check_state").cast(pl.String))
    return link(subjects, rows.lazy(), identity=identity, first_row=first_row)
