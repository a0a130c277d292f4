"""From true answers to findings: facts told apart, what was declared taken out, severity by programme. Small Polars frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from tuodi.monitoring.prints import PLAIN, columns_looked_at, digest, identity_of, print_texts, watched
from tuodi.policy.book import Book
from tuodi.policy.clues import ClueRule, kind_of
from tuodi.rules.bulk import column_name

__all__ = ["FINDING", "HIT", "Answer", "Graded", "Judged", "graded"]

#: One row a clue to be.
FINDING: Mapping[str, Any] = {
    "rule_code": pl.String, "level": pl.String, "place": pl.String, "household_id": pl.Int64, "person_id": pl.Int64,
    "programme": pl.String, "category": pl.String, "severity": pl.String, "on_confirmed": pl.String, "kind": pl.String,
    "rows": pl.List(pl.Int64), "stale": pl.Boolean, "fact_key": pl.String, "fact_hash": pl.String, "figures": pl.String,
}  # fmt: skip
#: One row a register row that a finding rests on.
HIT: Mapping[str, Any] = {
    "rule_code": pl.String, "kind": pl.String, "row_id": pl.Int64, "household_id": pl.Int64, "person_id": pl.Int64,
    "key": pl.Int64, "as_of": pl.Date, "stale": pl.Boolean, "name_state": pl.String, "check_state": pl.String,
    "batch_id": pl.Int64, "line_no": pl.Int64, "row_hash": pl.String, "fact_key": pl.String, "fact_hash": pl.String,
    "values": pl.String,
}  # fmt: skip
UNKNOWN: Mapping[str, Any] = {"rule_code": pl.String, "household_id": pl.Int64, "person_id": pl.Int64}
_RANK = ("R", "O", "Y", "")


@dataclass(frozen=True)
class Judged:
    """What one rule gave, in facts: rows, persons or families by its level. `true = raised + declared + ungraded + known`."""

    true: int = 0
    unknown: int = 0  #: 未知: listed, not raised
    declared: int = 0  #: the family had said so itself
    ungraded: int = 0  #: not on the roll given, or no severity for the programmes the family is in
    stale: int = 0  #: of those raised, resting on stale rows only
    raised: int = 0
    known: int = 0  #: answered before and unchanged (`fresh`)


@dataclass(frozen=True)
class Answer:
    """What one clue rule said. `true` and `unknown` hold the ids of its level, the family, its place (`true`), and the figures shown."""

    rule: ClueRule
    true: pl.DataFrame
    unknown: pl.DataFrame
    rows: Mapping[str, pl.DataFrame]
    slots: Mapping[str, Any]


@dataclass(frozen=True)
class Graded:
    """All answers told apart and graded: frames in an order that does not depend on the engine, and the figures of each rule."""

    findings: pl.DataFrame
    hits: pl.DataFrame
    unknown: pl.DataFrame
    declared: pl.DataFrame
    rules: Mapping[str, Judged]


#: What a register row below an answer is known by, all registers alike. `answer` is the number of the answer: places may
#: grade a rule of one code each in its own way.
_ROW: Mapping[str, Any] = {**HIT, "answer": pl.Int64, "who": pl.Int64, "subject": pl.String, "declared": pl.Boolean}
_ORDER = ("rule_code", "household_id", "person_id", "fact_hash")


def graded(
    book: Book,
    answers: Sequence[Answer],
    roll: pl.DataFrame,
    declared: Mapping[str, pl.DataFrame],
    identity: Mapping[str, Sequence[str]],
) -> Graded:
    """All rules at once: a few hundred rows a rule cost less than the calls for them.

    Args:
        roll: who is paid what, of the families found.
        declared: kind -> what families said themselves.
        identity: kind -> the profile's identity columns.
    """
    rows = _evidence(book, answers, declared, identity)
    facts = _facts(answers, rows)
    found = _severities(answers, facts, roll)
    open_ = _open(answers)
    said = found.filter(pl.col("declared") & (pl.col("severity") != ""))
    raised = found.filter(~pl.col("declared") & (pl.col("severity") != ""))
    pairs = raised.lazy().select("answer", "household_id", pl.col("rows").alias("row_id")).explode("row_id")
    hits = rows.lazy().join(pairs, on=["answer", "household_id", "row_id"], how="semi").select(list(HIT)).collect()
    counts = {
        code: dict.fromkeys(("true", "unknown", "declared", "raised", "stale"), 0)
        for code in sorted({a.rule.code for a in answers})
    }
    for name, frame in (
        ("true", found), ("unknown", open_), ("declared", said), ("raised", raised), ("stale", raised.filter("stale")),
    ):  # fmt: skip
        for code, rows_ in frame["rule_code"].value_counts().iter_rows():
            counts[code][name] = rows_
    return Graded(
        _shaped(raised, FINDING).sort(_ORDER),
        hits.sort("rule_code", "household_id", "kind", "row_id"),
        open_.sort(list(UNKNOWN)),
        _shaped(said, FINDING).sort(_ORDER),
        {code: Judged(**c, ungraded=c["true"] - c["declared"] - c["raised"]) for code, c in counts.items()},
    )


def _shaped(frame: pl.DataFrame, schema: Mapping[str, Any]) -> pl.DataFrame:
    have = set(frame.columns)
    return frame.select(
        (pl.col(c).cast(t, strict=False) if c in have else pl.lit(None, dtype=t)).alias(c) for c, t in schema.items()
    )


def _json(frame: pl.DataFrame, columns: Sequence[str]) -> pl.Expr:
    """Columns as one JSON text; dates ISO, numbers as they are."""
    if not columns:
        return pl.lit("{}")
    dates = [c for c in columns if frame.schema[c] in (pl.Date, pl.Datetime)]
    return pl.struct(*(pl.col(c).cast(pl.String) if c in dates else pl.col(c) for c in columns)).struct.json_encode()


def _open(answers: Sequence[Answer]) -> pl.DataFrame:
    """What could not be decided, each once."""
    parts = [
        _shaped(a.unknown.with_columns(pl.lit(a.rule.code).alias("rule_code")), UNKNOWN).unique()
        for a in answers
        if a.unknown.height
    ]
    return pl.concat([pl.DataFrame(schema=UNKNOWN), *parts])


def _evidence(
    book: Book,
    answers: Sequence[Answer],
    declared: Mapping[str, pl.DataFrame],
    identity: Mapping[str, Sequence[str]],
) -> pl.DataFrame:
    """The rows below all answers (`_ROW`): their prints, their values as JSON, and whether the family had declared them."""
    parts = []
    for number, answer in enumerate(answers):
        who = "person_id" if answer.rule.level == "members" else "household_id"
        for kind, frame in answer.rows.items():
            if not frame.height:
                continue
            own = identity_of(book, answer.rule, kind, identity.get(kind, ()))
            watch = watched(book, answer.rule, kind, columns_looked_at(answer.slots, kind))
            thing, seen = print_texts(kind, frame.columns, own, watch)
            made = {
                "rule_code": pl.lit(answer.rule.code), "kind": pl.lit(kind), "answer": pl.lit(number), "who": pl.col(who),
                "subject": pl.col("key" if "key" in frame.columns else "person_id"), "fact_key": thing, "fact_hash": seen,
                "values": _json(frame, [c for c in frame.columns if c not in PLAIN]), "declared": pl.col("declared"),
            }  # fmt: skip
            have = {c: pl.col(c) for c in frame.columns if c in HIT} | made
            if "stale" not in frame.columns:
                have["stale"] = pl.lit(False)
            parts.append(
                _declared(frame.lazy(), frame.columns, own, declared.get(kind)).select(
                    have[c].cast(t, strict=False).alias(c) if c in have else pl.lit(None, dtype=t).alias(c)
                    for c, t in _ROW.items()
                )
            )
    if not parts:
        return pl.DataFrame(schema=_ROW)
    rows = pl.concat(parts).with_columns(pl.col("stale").fill_null(False)).collect()
    keys = [digest(text) for text in rows["fact_key"].to_list()]
    hashes = [digest(f"{key}\x1f{text}") for key, text in zip(keys, rows["fact_hash"].to_list(), strict=True)]
    return rows.with_columns(
        pl.Series("fact_key", keys, dtype=pl.String), pl.Series("fact_hash", hashes, dtype=pl.String)
    )


def _declared(
    frame: pl.LazyFrame, columns: Sequence[str], identity: Sequence[str], said: pl.DataFrame | None
) -> pl.LazyFrame:
    """Marks rows about a thing the family named itself, whichever member it named it for."""
    on = [c for c in identity if said is not None and c in said.columns and c in columns]
    if said is None or not on:
        return frame.with_columns(pl.lit(False).alias("declared"))

    def spelt(column: str) -> pl.Expr:
        return pl.col(column).cast(pl.String).str.replace_all(r"[\s·]", "").str.to_uppercase().alias(f"{column}__")

    keys = ["household_id", *(f"{c}__" for c in on)]
    named = said.lazy().select(pl.col("household_id").cast(pl.Int64), *map(spelt, on)).unique()
    marked = frame.with_columns(*map(spelt, on)).join(
        named.with_columns(pl.lit(True).alias("declared")), on=keys, how="left"
    )
    return marked.with_columns(pl.col("declared").fill_null(False)).drop(keys[1:])


def _facts(answers: Sequence[Answer], rows: pl.DataFrame) -> pl.DataFrame:
    """One row a fact: a register row, or all rows of a person or family that a rule counts together."""
    single = [n for n, a in enumerate(answers) if kind_of(a.rule.level)]
    several = [n for n in range(len(answers)) if n not in single]
    parts = [_single(answers, single, rows)] if single else []
    parts += [_several(answers, several, rows)] if several else []
    levels = [a.rule.level for a in answers]
    found = (
        pl.concat(parts, how="diagonal")
        if parts
        else pl.DataFrame(schema={**FINDING, "answer": pl.Int64, "declared": pl.Boolean})
    )
    return (
        found.with_columns(
            pl.col("answer").replace_strict(range(len(levels)), levels, return_dtype=pl.String).alias("level")
        )
        if levels
        else found
    )


def _told(answers: Sequence[Answer], numbers: Sequence[int], columns: Sequence[str]) -> pl.LazyFrame:
    """`answer`, the columns given (`who` is the key of its level), `place` and `figures` of what was true."""
    parts = []
    for number in numbers:
        rule, true = answers[number].rule, answers[number].true
        own = "person_id" if rule.level == "members" else "household_id"
        shows = [column_name(n) for n in rule.shows if column_name(n) in true.columns]
        parts.append(
            true.lazy().select(
                pl.lit(number, dtype=pl.Int64).alias("answer"),
                *(pl.col(own if new == "who" else new).cast(pl.Int64).alias(new) for new in columns),
                pl.col("place").cast(pl.String),
                _json(true, shows).alias("figures"),
            )
        )
    return pl.concat(parts)


def _single(answers: Sequence[Answer], numbers: Sequence[int], rows: pl.DataFrame) -> pl.DataFrame:
    on = ["answer", "row_id", "household_id"]
    told = _told(answers, numbers, on[1:])
    # rows that say the same (two sources, two batches) are one fact
    return (
        rows.lazy()
        .join(told, on=on, how="inner")
        .sort("answer", "row_id")
        .group_by("answer", "household_id", "person_id", "fact_hash", maintain_order=True)
        .agg(
            pl.col("rule_code", "kind", "fact_key", "place", "figures").first(),
            pl.col("row_id").alias("rows"),
            pl.col("stale", "declared").all(),
        )
        .collect()
    )


def _several(answers: Sequence[Answer], numbers: Sequence[int], rows: pl.DataFrame) -> pl.DataFrame:
    found = (
        rows.lazy()
        .filter(pl.col("answer").is_in(numbers))
        .sort("answer", "person_id", "kind", "row_id")
        .group_by("answer", "who", maintain_order=True)
        .agg(
            pl.col("rule_code", "kind", "household_id", "person_id", "subject").first(),
            pl.col("row_id").alias("rows"),
            pl.col("stale", "declared").all(),
            pl.col("fact_hash").alias("parts"),
        )
        .with_columns(
            pl.col("rows").list.sort(),
            pl.col("parts").list.unique().list.sort().list.join("\n"),
        )
        .join(_told(answers, numbers, ["who"]), on=["answer", "who"], how="inner", maintain_order="left")
        .collect()
    )
    heads = {n: f"{'+'.join(answers[n].rule.kinds)}\x1f{answers[n].rule.code}\x1f" for n in numbers}
    keys = [digest(f"{heads[n]}{who}") for n, who in found.select("answer", "subject").iter_rows()]
    hashes = [digest(f"{k}\x1f{p}") for k, p in zip(keys, found["parts"].to_list(), strict=True)]
    return found.drop("who", "subject", "parts").with_columns(
        pl.Series("fact_key", keys, dtype=pl.String), pl.Series("fact_hash", hashes, dtype=pl.String)
    )


def _severities(answers: Sequence[Answer], found: pl.DataFrame, roll: pl.DataFrame) -> pl.DataFrame:
    """Severity by the programmes the family is in: the gravest counts, then the programme's name. Empty = not raised."""
    have = set(roll.columns)
    paid = (
        roll.lazy()
        .select(
            pl.col("household_id").cast(pl.Int64),
            pl.col("programme").cast(pl.String),
            *(
                (pl.col(c).cast(t) if c in have else pl.lit(None, dtype=t)).alias(a)
                for c, t, a in (
                    ("person_id", pl.Int64, "only"),
                    ("category", pl.String, "category"),
                    ("family_class", pl.String, "class"),
                )
            ),
        )
        .unique()
    )
    if not found.height:
        return found.with_columns(
            pl.lit("", dtype=pl.String).alias(c) for c in ("programme", "category", "severity", "on_confirmed")
        )
    numbered = found.with_row_index("no")
    both = (
        numbered.lazy()
        .select("no", "answer", "level", "household_id", "person_id", "stale")
        .join(paid, on="household_id", how="inner")
        .filter((pl.col("level") == "household") | pl.col("only").is_null() | (pl.col("only") == pl.col("person_id")))
        .collect()
    )
    kinds = both.select("answer", "programme", "class", "stale").unique()
    grades = [answers[n].rule.severity_for(p, c or "", stale=s) for n, p, c, s in kinds.iter_rows()]
    confirmed = [
        answers[n].rule.confirmed(g) if g in ("R", "O", "Y") else ""
        for n, g in zip(kinds["answer"].to_list(), grades, strict=True)
    ]
    table = kinds.with_columns(
        pl.Series("severity", grades, dtype=pl.String),
        pl.Series("on_confirmed", confirmed, dtype=pl.String),
        pl.Series("rank", [_RANK.index(g) for g in grades], dtype=pl.Int64),
    )
    best = (
        both.lazy()
        .join(table.lazy(), on=["answer", "programme", "class", "stale"], how="inner", nulls_equal=True)
        .sort("no", "rank", "programme")
        .unique("no", keep="first", maintain_order=True)
        .select("no", "programme", "category", "severity", "on_confirmed")
    )
    return (
        numbered.lazy()
        .join(best, on="no", how="left")
        .with_columns(pl.col("severity", "on_confirmed").fill_null(""))
        .collect()
    )
