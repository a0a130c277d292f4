"""What each unit is due in a month, by the rules, for a whole roll at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from tuodi.kernel.periods import Month
from tuodi.payments.frames import KEYS, covering, frames_of, rule_place, valid
from tuodi.payments.source import Inputs, print_of
from tuodi.payments.stated import units
from tuodi.payments.states import is_stated_code
from tuodi.people.enums import ONCE_PROGRAMMES, PERSON_PROGRAMMES
from tuodi.policy.book import Book
from tuodi.policy.model import LEVEL_ROOT, NO_CAP, Programme
from tuodi.rules import Plan, plan_for
from tuodi.rules.bulk import column_name, run_bulk

__all__ = ["UNIT", "Due", "due", "print_of", "standards_of"]

#: What names a unit in every frame; `person_id` is null for a household's entitlement.
UNIT = ["programme", "household_id", "person_id"]
#: Component of a programme -> column of a line; any other goes to `other_fen`.
COLUMNS = {
    "base": "base_fen",
    "basic": "base_fen",
    "increment": "increment_fen",
    "care": "care_fen",
    "grace": "grace_fen",
}
MONEY = ("base_fen", "increment_fen", "care_fen", "grace_fen", "other_fen")


@dataclass
class Due:
    """The answer for one month.

    Attributes:
        rows: a unit each: UNIT, `outcome` (pass, fail, unknown), money columns (fen, null = unknown), `regular_fen`
            their sum, `persons`, `income_year_fen`, `in_grace`, `from_roll`, `fault`, `fingerprint`, `place`.
        fingerprints: place -> programme -> fingerprint of the texts in force.
    """

    rows: pl.DataFrame
    fingerprints: dict[str, dict[str, str]]


SCHEMA = {
    "programme": pl.String, "household_id": pl.Int64, "person_id": pl.Int64, "outcome": pl.String,
    **dict.fromkeys(MONEY, pl.Int64), "regular_fen": pl.Int64, "persons": pl.Int64, "income_year_fen": pl.Int64,
    "in_grace": pl.Boolean, "from_roll": pl.Boolean, "fault": pl.String, "fingerprint": pl.String, "place": pl.String,
}  # fmt: skip


def due(
    inputs: Inputs, month: Month, programmes: list[str], book: Book, entries: pl.DataFrame | None = None, texts_on: date | None = None
) -> Due:  # fmt: skip
    """What the rules give every unit on the roll in a month.

    The first day of the month is the case date: texts, ages and members as of then; standards are those of the month.

    Args:
        entries: the roll entries to compute; all that cover the month unless given.
        texts_on: takes the texts of another day, to tell what a change of rules did; values are the month's all the same.
    """
    wanted = covering(inputs.roll, month) if entries is None else entries
    parts: list[pl.DataFrame] = []
    prints: dict[str, dict[str, str]] = {}
    for programme in programmes:
        mine = wanted.filter(pl.col("programme") == programme)
        if mine.is_empty():
            continue
        if is_stated_code(programme):
            parts.append(_stated(mine, programme, book))
            continue
        if programme in ONCE_PROGRAMMES:
            rows_, place_prints = _granted(inputs, mine, programme, month, book)
            parts.append(rows_)
            for place, found in place_prints.items():
                prints.setdefault(place, {})[programme] = found
            continue
        per_person = programme in PERSON_PROGRAMMES
        frames, filled = frames_of(inputs, mine, month, book, per_person=per_person)
        parts += _by_model(frames, filled, mine, programme, month, book, prints, texts_on, per_person=per_person)
    rows = pl.concat(parts, how="vertical") if parts else pl.DataFrame(schema=SCHEMA)
    return Due(rows, prints)


def _stated(entries: pl.DataFrame, programme: str, book: Book) -> pl.DataFrame:
    """What an agreement or a list states for a month. A caregiver's line counts nobody: who is looked after is counted by his own."""
    column = COLUMNS.get(programme, "base_fen")
    made = units(entries).with_columns(
        rule_place(book).alias("place"),
        pl.lit("pass").alias("outcome"),
        pl.col("amount_fen").alias("regular_fen"),
        *(pl.col("amount_fen").alias(name) if name == column else pl.lit(0).alias(name) for name in MONEY),
        pl.lit(0 if programme == "care" else 1).alias("persons"),
        pl.lit(None, dtype=pl.Int64).alias("income_year_fen"),
        pl.lit(False).alias("in_grace"),
        pl.lit(False).alias("from_roll"),
        pl.lit(None, dtype=pl.String).alias("fault"),
        pl.lit("").alias("fingerprint"),
    )
    return made.select(pl.col(name).cast(kind) for name, kind in SCHEMA.items())


def _granted(
    inputs: Inputs, entries: pl.DataFrame, programme: str, month: Month, book: Book
) -> tuple[pl.DataFrame, dict[str, str]]:
    """What was granted once for a month: the roll's own amount, never computed anew from the family's present facts.

    The rules spoke when it was granted, on the facts of that event; their fingerprint is that of the month all the same.
    """
    present = valid(inputs.members, month.first_day, "since", "until")
    heads = present.group_by("household_id").agg(pl.len().cast(pl.Int64).alias("persons"))
    rows = entries.with_columns(rule_place(book).alias("place")).join(heads, on="household_id", how="left")
    prints: dict[str, str] = {}
    for place in rows["place"].unique().sort():
        plan = plan_for(book, place, month.first_day, month)
        known = next((p for p in plan.programmes() if p.id == programme), None)
        prints[place] = plan.model(plan.outputs_of(known)).fingerprint if known else ""
    made = rows.with_columns(
        pl.lit("pass").alias("outcome"),
        pl.col("amount_fen").alias("base_fen"),
        *(pl.lit(0, dtype=pl.Int64).alias(name) for name in MONEY if name != "base_fen"),
        pl.col("amount_fen").alias("regular_fen"),
        pl.col("persons").fill_null(0),
        pl.lit(None, dtype=pl.Int64).alias("income_year_fen"),
        pl.lit(False).alias("in_grace"),
        pl.lit(False).alias("from_roll"),
        pl.lit(None, dtype=pl.String).alias("fault"),
        pl.col("place").replace_strict(prints, default="", return_dtype=pl.String).alias("fingerprint"),
    )
    return made.select(pl.col(name).cast(kind) for name, kind in SCHEMA.items()), prints


def _by_model(
    frames: dict[str, pl.DataFrame], filled: pl.DataFrame, entries: pl.DataFrame, programme: str, month: Month, book: Book,
    prints: dict[str, dict[str, str]], texts_on: date | None, *, per_person: bool,
) -> list[pl.DataFrame]:  # fmt: skip
    """Places with the same texts share one model and run together."""
    groups: dict[int, tuple[Any, Programme, list[Plan]]] = {}
    for place in frames["household"]["place"].unique().sort():
        plan = plan_for(book, place, texts_on or month.first_day, month)
        known = next((p for p in plan.programmes() if p.id == programme), None)
        if known is None:
            continue
        model = plan.model(_outputs(plan, known))
        prints.setdefault(place, {})[programme] = model.fingerprint
        groups.setdefault(id(model), (model, known, []))[2].append(plan)
    parts = []
    for model, known, plans in groups.values():
        here = frames["household"].filter(pl.col("place").is_in([plan.place for plan in plans]))
        if here.height == frames["household"].height:
            mine = frames
        else:
            people = frames["members"].join(here.select("household_id"), on="household_id", how="semi")
            nested = {
                name: frame.join(people.select("person_id"), on="person_id", how="semi")
                for name, frame in frames.items()
                if name not in ("household", "members")
            }
            mine = {"household": here, "members": people, **nested}
        answer = run_bulk(plans, model, mine, keys=KEYS)
        level = "members" if per_person else LEVEL_ROOT
        part = pl.DataFrame(answer[level].collect() if isinstance(answer[level], pl.LazyFrame) else answer[level])
        parts.append(_shape(part, model, known, mine, filled, entries, per_person=per_person))
    return parts


def _outputs(plan: Plan, programme: Programme) -> tuple[str, ...]:
    texts = plan.book.rule_texts(plan.chain, plan.case_date)
    more = [name for name in (f"{programme.id}.n", f"{programme.id}.in_grace") if name in texts]
    return (*plan.outputs_of(programme), *more)


def _shape(
    part: pl.DataFrame, model: Any, known: Programme, frames: dict[str, pl.DataFrame], filled: pl.DataFrame,
    entries: pl.DataFrame, *, per_person: bool,
) -> pl.DataFrame:  # fmt: skip
    """One row a unit with our columns, whatever the programme calls its components."""

    def fen(rule: str) -> pl.Expr:
        scale = model.slots[rule].scale
        assert scale.denominator == 1, rule  # payables are whole fen
        return pl.col(column_name(rule)).cast(pl.Int64) * int(scale)

    money: dict[str, pl.Expr] = {}
    for name, rule in (known.components or {"base": known.amount}).items():
        if rule not in model.slots:
            continue
        column = COLUMNS.get(name, "other_fen")
        money[column] = money[column] + fen(rule) if column in money else fen(rule)
    eligible = pl.col(column_name(known.eligible))
    outcome = (
        pl.when(eligible.is_null())
        .then(pl.lit("unknown"))
        .when(eligible)
        .then(pl.lit("pass"))
        .otherwise(pl.lit("fail"))
    )
    count = f"{known.id}.n"
    grace = f"{known.id}.in_grace"
    out = part.with_columns(
        outcome.alias("outcome"),
        *(money.get(c, pl.lit(0, dtype=pl.Int64)).alias(c) for c in MONEY),
        fen(known.amount).alias("regular_fen"),
        (
            pl.col(column_name(count)).cast(pl.Int64)
            if count in model.slots and not per_person
            else pl.lit(None, dtype=pl.Int64)
        ).alias("counted"),
        (pl.col(column_name(grace)).fill_null(False) if grace in model.slots else pl.lit(False)).alias("in_grace"),
        pl.lit(model.fingerprint).alias("fingerprint"),
        pl.lit(known.id).alias("programme"),
    )
    if per_person:
        out = out.with_columns(pl.lit(1, dtype=pl.Int64).alias("persons"))
        out = entries.select("household_id", "person_id").join(
            out.drop("household_id", strict=False), on="person_id", how="inner"
        )
    else:
        heads = frames["members"].group_by("household_id").agg(pl.len().cast(pl.Int64).alias("heads"))
        out = (
            out.join(heads, on="household_id", how="left")
            .with_columns(pl.coalesce("counted", "heads", pl.lit(0, dtype=pl.Int64)).alias("persons"))
            .with_columns(pl.lit(None, dtype=pl.Int64).alias("person_id"))
        )
    homes = frames["household"].select("household_id", "place", "income_year_fen")
    out = out.join(homes, on="household_id", how="left").join(filled, on="household_id", how="left")
    # An amount nobody can vouch for is unknown, even where the test itself could be answered.
    out = out.with_columns(
        pl.when((pl.col("outcome") == "pass") & (pl.col("regular_fen").is_null() | pl.col("fault").is_not_null()))
        .then(pl.lit("unknown"))
        .when(pl.col("fault").is_not_null())
        .then(pl.lit("unknown"))
        .otherwise(pl.col("outcome"))
        .alias("outcome")
    )
    return out.select(pl.col(name).cast(kind) for name, kind in SCHEMA.items())


def standards_of(book: Book, places: list[str], month: Month, programmes: list[str]) -> dict[str, dict[str, str]]:
    """What the standards were, for labels and for telling a rise from other causes: place -> keys -> yuan a month."""
    names = {"dibao": "dibao.standard", "tekun": "tekun.basic"}
    found: dict[str, dict[str, str]] = {}
    for place in places:
        chain = book.chain(place)
        for programme in programmes:
            name = names.get(programme)
            if name is None or name not in book.params:
                continue
            for keys, row in book.table(name, chain, month.last_day).items():
                if row is not None and row.value is not None and row.value != NO_CAP:
                    fen = row.value
                    found.setdefault(place, {})[".".join((name, *keys))] = str(fen)
    return found
