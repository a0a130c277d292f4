"""The families a sweep judges, in columns: members with their facts, households, who is paid what, what was declared.

Only families with a hit are read, so the cost follows the hits and not the roll.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from tuodi.kernel.periods import Month
from tuodi.payments.frames import frames_of
from tuodi.payments.source import Inputs, reading
from tuodi.policy.book import Book
from tuodi.policy.clues import REGISTER

__all__ = ["Families", "families"]


@dataclass(frozen=True)
class Families:
    """What `judge` takes besides the hits. `places` are those whose rules hold for one of the families."""

    roll: pl.DataFrame
    members: pl.DataFrame
    households: pl.DataFrame
    declared: dict[str, pl.DataFrame]
    places: list[str]


_HOMES = """
select h.id as household_id, h.region::text as region, f.valid_from, f.valid_to, f.area_kind::text as area_kind,
  f.income_year_fen, f.cost_medical_fen, f.assets_ok, nullif(f.extra, '{{}}'::jsonb)::text as extra
from people_household h left join people_householdfacts f on f.household_id = h.id and f.valid_from <= '{on}'
  and (f.valid_to is null or f.valid_to > '{on}')
where h.id = any('{{{ids}}}'::bigint[])
"""
_MEMBERS = """
select distinct on (m.person_id) m.household_id, m.person_id, m.relation::text as relation, p.name::text as name, p.birth,
  p.died_on
from people_membership m join people_person p on p.id = m.person_id
where m.household_id = any('{{{ids}}}'::bigint[]) and m.since <= '{last}' and (m.until is null or m.until > '{first}')
order by m.person_id, m.since desc
"""
_FACTS = """
select person_id, valid_from, valid_to, own_income_year_fen, disability_kind::text as disability_kind,
  disability_grade::bigint as disability_grade, seriously_ill, lost_labour, school::text as school,
  self_care::text as self_care, nullif(extra, '{{}}'::jsonb)::text as extra
from people_memberfacts
where household_id = any('{{{ids}}}'::bigint[]) and valid_from <= '{on}' and (valid_to is null or valid_to > '{on}')
"""
_DECLARED = """
select distinct on (household_id) household_id, facts::text as facts from verification_factset
where household_id = any('{{{ids}}}'::bigint[]) and frozen_at is not null and as_of <= '{on}'
order by household_id, number desc
"""


def _fetch(cursor: Any, query: str) -> pl.DataFrame:
    cursor.execute(query)
    frame = pl.from_arrow(cursor.fetch_arrow_table())
    assert isinstance(frame, pl.DataFrame)
    return frame.with_columns(pl.col(pl.Int32, pl.Int16).cast(pl.Int64))


def families(
    place: str, households: Iterable[int], persons: pl.DataFrame, book: Book, on: date, *, first: date | None = None
) -> Families:
    """The families of some households as they stood on a day.

    Args:
        persons: of the roll compared (`rollkeys.Roll.persons`): gives keys and who is paid what.
        first: the first day looked back at: who has left since still belongs to the family he was paid in.
    """
    ids = ",".join(map(str, sorted(set(households))))
    words = {"ids": ids, "on": on, "last": on, "first": first or on}
    with reading(place) as cursor:
        homes = _fetch(cursor, _HOMES.format(**words))
        members = _fetch(cursor, _MEMBERS.format(**words))
        facts = _fetch(cursor, _FACTS.format(**words))
        told = _fetch(cursor, _DECLARED.format(**words))
    paid = persons.filter(pl.col("household_id").is_in(homes["household_id"].implode()))
    # A person who moved between two families that were both paid is judged in the one he was found in last.
    last = paid.unique("person_id", keep="last", maintain_order=True).select("person_id", home="household_id")
    always = {"valid_from": pl.lit(date(1900, 1, 1)), "valid_to": pl.lit(None, pl.Date)}  # the reading chose the day
    members = members.join(last, on="person_id", how="left").with_columns(
        died_on=pl.when(pl.col("died_on") <= on).then("died_on"),
        household_id=pl.coalesce("home", "household_id"),
        since=pl.lit(date(1900, 1, 1)),
        until=pl.lit(None, pl.Date),
        leave_reason=pl.lit(None, pl.String),
    )
    month = Month.of(on)
    entries = paid.select("household_id", "programme", "category", "region", "person_id").with_columns(
        person_id=pl.when(pl.col("programme").is_in(["tekun", "child"])).then("person_id"),
        imported=pl.lit(False), form=pl.lit(None, pl.String), self_care=pl.lit(None, pl.String),
        start_month=pl.lit(month.yyyymm, pl.Int64), end_month=pl.lit(None, pl.Int64),
    ).unique(maintain_order=True)  # fmt: skip
    nothing = pl.DataFrame()
    inputs = Inputs(
        entries, homes.drop("region").with_columns(**always), members.drop("home"), facts.with_columns(**always),
        nothing, nothing,
    )  # fmt: skip
    # Frames are as of a month's first day; of the month after, so that a death within this one is known.
    frames, _filled = frames_of(inputs, entries, month.next(), book, per_person=False)
    keys = persons.select("person_id", "key").unique("person_id")
    own = frames["members"].join(keys, on="person_id", how="left")
    roll = entries.select("household_id", "programme", "person_id", "category")
    graded = frames["household"]
    if "dibao_class" in graded.columns:
        words_ = book.enums["dibao_class"]
        names = {words_.code(value): value for value in words_.values}
        classes = graded.select(
            "household_id",
            family_class=pl.col("dibao_class").replace_strict(names, default=None, return_dtype=pl.String),
        )
        roll = roll.join(classes.unique("household_id"), on="household_id", how="left")
    places = sorted(set(graded["place"].to_list()))
    return Families(roll, own, graded, _declared(told, book), places)


def _declared(told: pl.DataFrame, book: Book) -> dict[str, pl.DataFrame]:
    """What families said themselves, out of their newest frozen fact sets: kind -> household and text columns of it."""
    texts: Mapping[str, list[str]] = {
        level.removeprefix(REGISTER): [
            f.name for f in book.draft.facts if f.level == level and f.type in ("text", "date")
        ]
        for level in book.collections
        if level.startswith(REGISTER)
    }
    found: dict[str, list[dict[str, Any]]] = {}
    for household, text in told.iter_rows():
        for member in json.loads(text).get("members", ()):
            for level in [name for name in member if name.startswith(REGISTER)]:
                kind = level.removeprefix(REGISTER)
                for row in member[level] or ():
                    said = {name: str(row[name]) for name in texts.get(kind, ()) if row.get(name) not in (None, "")}
                    if said:
                        found.setdefault(kind, []).append({"household_id": household, **said})
    return {kind: pl.DataFrame(rows, infer_schema_length=None) for kind, rows in found.items()}
