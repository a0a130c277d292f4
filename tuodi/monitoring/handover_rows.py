"""What a hand-over file holds: its columns by profile (``sources/handover/``) and its rows."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Literal

import polars as pl
import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from tuodi.exchange.bulk_xlsx import Column
from tuodi.exchange.errors import ProfileError
from tuodi.kernel.places import pad12
from tuodi.monitoring.rollkeys import roll_keys
from tuodi.org.places import place_name
from tuodi.payments.source import reading
from tuodi.people.enums import AreaKind, Programme

__all__ = ["FIELDS", "filled", "load_profile", "profile_names"]

SOURCES = Path(__file__).resolve().parents[2] / "sources" / "handover"
#: What a column may show.
FIELDS = frozenset({
    "month", "programme", "category", "county", "town", "village", "household_no", "name", "id_no", "id_masked",
    "persons", "amount_fen", "address",
})  # fmt: skip


class _Column(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    field: str
    label: str
    kind: Literal["text", "number", "yuan"] = "text"
    width: int = 14


class _Profile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    label: str
    columns: tuple[_Column, ...]


@cache
def load_profile(name: str) -> tuple[str, tuple[Column, ...]]:
    """Label and columns of one layout. ProfileError if it is absent or wrong."""
    path = SOURCES / f"{name}.yaml"
    if not name.isidentifier() or not path.is_file():
        raise ProfileError(name, f"没有这个模板；现有：{'、'.join(sorted(p.stem for p in SOURCES.glob('*.yaml')))}")
    try:
        found = _Profile.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (ValidationError, yaml.YAMLError) as error:
        raise ProfileError(name, f"写法有误：{error}") from error
    for one in found.columns:
        if one.field not in FIELDS:
            raise ProfileError(name, f"没有“{one.field}”这个内容；可用：{'、'.join(sorted(FIELDS))}")
    return found.label, tuple(Column(one.field, one.label, one.kind, one.width) for one in found.columns)


def profile_names() -> dict[str, str]:
    """Name -> label of all layouts."""
    return {path.stem: load_profile(path.stem)[0] for path in sorted(SOURCES.glob("*.yaml"))}


_FAMILIES = """
select h.id as household_id, h.no::text as household_no, h.head_id, h.region::text as home, h.address::text as address
from people_household h
"""
_PERSONS = """
select p.id as who, p.name::text as name, p.region::text as region, p.id_masked::text as id_masked,
  encode(p.id_index, 'hex') as token
from people_person p where p.id in (select head_id from people_household) or p.id = any('{{{units}}}'::bigint[])
"""


def filled(place: str, rows: pl.DataFrame, *, full_numbers: bool) -> pl.DataFrame:
    """Payment rows with what their columns show; a text that is not known is empty.

    Args:
        rows: columns `history.ROWS`.
        full_numbers: open identity numbers (the caller has logged why).
    """
    units = rows["person_id"].drop_nulls().unique().to_list()
    with reading(place) as cursor:
        cursor.execute(_FAMILIES)
        families = _frame(cursor)
        cursor.execute(_PERSONS.format(units=",".join(map(str, units))))
        persons = _frame(cursor)
    if full_numbers:
        keys, _opened = roll_keys(place, persons.select(pl.col("who").alias("person_id"), "region", "token"))
        number = (pl.col("key").cast(pl.String).str.zfill(17) + pl.col("last")).alias("id_no")
        persons = persons.join(keys.select(pl.col("person_id").alias("who"), number), on="who", how="left")
    else:
        persons = persons.with_columns(id_no=pl.lit(None, pl.String))
    places = pl.DataFrame({"home": families["home"].unique()})
    for level, digits in (("county", 6), ("town", 9), ("village", 12)):
        codes = places["home"].str.slice(0, digits)
        names = {code: _name(code, digits) for code in codes.unique()}
        places = places.with_columns(codes.replace_strict(names, return_dtype=pl.String).alias(level))
    words = {one.value: one.label for one in Programme}
    kinds = {one.value: one.label for one in AreaKind}
    return (
        rows.join(families, on="household_id", how="left")
        .with_columns(who=pl.coalesce("person_id", "head_id"))
        .join(persons.drop("region"), on="who", how="left")
        .join(places, on="home", how="left")
        .with_columns(pl.col("programme").replace(words), pl.col("category").replace(kinds))
        .sort("home", "household_no", "month", "programme")
    )


def _frame(cursor: Any) -> pl.DataFrame:
    found = pl.from_arrow(cursor.fetch_arrow_table())
    assert isinstance(found, pl.DataFrame)
    return found


def _name(code: str, digits: int) -> str:
    """A place's own name; empty where a family's code does not go so deep."""
    return "" if digits > 6 and code.endswith("000") else place_name(pad12(code))
