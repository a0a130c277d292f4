"""From true answers to findings: facts told apart, what was declared taken out, severity by programme. Small Polars frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from tuodi.monitoring.prints import PLAIN, columns_looked_at, digest, identity_of, row_prints, watched
from tuodi.policy.book import Book
from tuodi.policy.clues import ClueRule, kind_of
from tuodi.rules.bulk import column_name

__all__ = ["FINDING", "HIT", "Answer", "Judged", "Parts"]

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


@dataclass
class Parts:
    """Findings as they come in, rule by rule."""

    findings: list[pl.DataFrame] = field(default_factory=list)
    hits: list[pl.DataFrame] = field(default_factory=list)
    unknown: list[pl.DataFrame] = field(default_factory=list)
    declared: list[pl.DataFrame] = field(default_factory=list)
    counts: dict[str, dict[str, int]] = field(default_factory=dict)

    def frames(self) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame, pl.DataFrame]:
        """`findings`, `hits`, `unknown`, `declared`, in an order that does not depend on the engine."""

        def whole(parts: list[pl.DataFrame], schema: Mapping[str, Any], order: Sequence[str]) -> pl.DataFrame:
            return pl.concat([pl.DataFrame(schema=schema), *parts]).sort(order)

        order = ("rule_code", "household_id", "person_id", "fact_hash")
        return (
            whole(self.findings, FINDING, order),
            whole(self.hits, HIT, ("rule_code", "household_id", "kind", "row_id")),
            whole(self.unknown, UNKNOWN, tuple(UNKNOWN)),
            whole(self.declared, FINDING, order),
        )

    @property
    def judged(self) -> dict[str, Judged]:
        """Rule code -> figures."""
        return {code: Judged(**counts) for code, counts in sorted(self.counts.items())}

    def add(
        self,
        book: Book,
        answer: Answer,
        roll: pl.DataFrame,
        declared: Mapping[str, pl.DataFrame],
        identity: Mapping[str, Sequence[str]],
    ) -> None:
        """One rule's answer, with the roll of the families found, what families declared, and the profiles' identities."""
        rule = answer.rule
        rows = _printed(book, answer, declared, identity)
        found = _facts(answer, rows)
        graded = _graded(rule, found, roll)
        said = graded.filter(pl.col("declared") & (pl.col("severity") != ""))
        raised = graded.filter(~pl.col("declared") & (pl.col("severity") != ""))
        open_ = _shaped(answer.unknown.with_columns(pl.lit(rule.code).alias("rule_code")), UNKNOWN).unique()
        self.findings.append(_shaped(raised, FINDING))
        self.declared.append(_shaped(said, FINDING))
        self.unknown.append(open_)
        pairs = raised.select("household_id", pl.col("rows").alias("row_id")).explode("row_id")
        self.hits += [
            _shaped(frame.join(pairs, on=["household_id", "row_id"], how="semi"), HIT) for frame in rows.values()
        ]
        new = {
            "true": found.height, "unknown": open_.height, "declared": said.height, "raised": raised.height,
            "ungraded": found.height - said.height - raised.height, "stale": int(raised["stale"].sum()), "known": 0,
        }  # fmt: skip
        old = self.counts.get(rule.code, {})
        self.counts[rule.code] = {k: v + old.get(k, 0) for k, v in new.items()}


def _printed(
    book: Book, answer: Answer, declared: Mapping[str, pl.DataFrame], identity: Mapping[str, Sequence[str]]
) -> dict[str, pl.DataFrame]:
    """The rows with their prints, their values as JSON, and whether the family had declared them."""
    out = {}
    for kind, frame in answer.rows.items():
        if not frame.height:
            continue
        own = identity_of(book, answer.rule, kind, identity.get(kind, ()))
        watch = watched(book, answer.rule, kind, columns_looked_at(answer.slots, kind))
        values = [c for c in frame.columns if c not in PLAIN]
        full = row_prints(kind, frame, own, watch).with_columns(
            pl.lit(answer.rule.code).alias("rule_code"),
            pl.lit(kind).alias("kind"),
            _json(frame, values).alias("values"),
            (pl.col("stale").cast(pl.Boolean).fill_null(False) if "stale" in frame.columns else pl.lit(False)).alias(
                "stale"
            ),
        )
        out[kind] = _declared(full, own, declared.get(kind))
    return out


def _declared(frame: pl.DataFrame, identity: Sequence[str], said: pl.DataFrame | None) -> pl.DataFrame:
    """Marks rows about a thing the family named itself, whichever member it named it for."""
    on = [c for c in identity if said is not None and c in said.columns and c in frame.columns]
    if said is None or not on:
        return frame.with_columns(pl.lit(False).alias("declared"))

    def spelt(column: str) -> pl.Expr:
        return pl.col(column).cast(pl.String).str.replace_all(r"[\s·]", "").str.to_uppercase().alias(f"{column}__")

    keys = ["household_id", *(f"{c}__" for c in on)]
    named = said.select(pl.col("household_id").cast(pl.Int64), *map(spelt, on)).unique()
    marked = frame.with_columns(*map(spelt, on)).join(
        named.with_columns(pl.lit(True).alias("declared")), on=keys, how="left"
    )
    return marked.with_columns(pl.col("declared").fill_null(False)).drop(keys[1:])


def _facts(answer: Answer, rows: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """One row a fact: a register row, or all rows of a person or family that the rule counts together."""
    rule, true = answer.rule, answer.true
    shows = [column_name(n) for n in rule.shows if column_name(n) in true.columns]
    figures = _json(true, shows)
    heads = ["rule_code", "kind", "row_id", "household_id", "person_id", "stale", "declared", "fact_key", "fact_hash"]
    if "key" in next(iter(rows.values()), pl.DataFrame()).columns:
        heads.append("key")
    below = pl.concat([f.select(heads) for f in rows.values()]) if rows else None
    if below is None:
        return pl.DataFrame(schema={**FINDING, "declared": pl.Boolean})
    if kind_of(rule.level):
        told = true.select("row_id", "household_id", "place", figures.alias("figures"))
        # rows that say the same (two sources, two batches) are one fact
        found = (
            below.join(told, on=["row_id", "household_id"], how="inner")
            .sort("row_id")
            .group_by("household_id", "person_id", "fact_hash", maintain_order=True)
            .agg(
                pl.col("rule_code", "kind", "fact_key", "place", "figures").first(),
                pl.col("row_id").alias("rows"),
                pl.col("stale", "declared").all(),
            )
        )
    else:
        on = "person_id" if rule.level == "members" else "household_id"
        found = (
            below.sort("person_id", "kind", "row_id")
            .group_by(on, maintain_order=True)
            .agg(
                pl.col("rule_code").first(),
                pl.col("kind").first(),
                pl.col("household_id" if on == "person_id" else "person_id").first(),
                pl.col("key" if "key" in heads else "person_id").first().cast(pl.String).alias("subject"),
                pl.col("row_id").sort().alias("rows"),
                pl.col("stale").all(),
                pl.col("declared").all(),
                pl.col("fact_hash").unique().sort().str.join("\n").alias("parts"),
            )
        )
        keys = [digest(f"{'+'.join(rule.kinds)}\x1f{rule.code}\x1f{who}") for who in found["subject"].to_list()]
        hashes = [digest(f"{k}\x1f{p}") for k, p in zip(keys, found["parts"].to_list(), strict=True)]
        found = found.with_columns(
            pl.Series("fact_key", keys, dtype=pl.String), pl.Series("fact_hash", hashes, dtype=pl.String)
        ).join(true.select(on, "place", figures.alias("figures")), on=on, how="inner")
    return found.with_columns(pl.lit(rule.level).alias("level"))


def _graded(rule: ClueRule, found: pl.DataFrame, roll: pl.DataFrame) -> pl.DataFrame:
    """Severity by the programmes the family is in: the gravest counts, then the programme's name. Empty = not raised."""
    have = set(roll.columns)
    paid = roll.select(
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
    ).unique()
    if not found.height:
        return found.with_columns(
            pl.lit("", dtype=pl.String).alias(c) for c in ("programme", "category", "severity", "on_confirmed")
        )
    numbered = found.with_row_index("no")
    both = numbered.select("no", "household_id", "person_id", "stale").join(paid, on="household_id", how="inner")
    if rule.level != "household":
        both = both.filter(pl.col("only").is_null() | (pl.col("only") == pl.col("person_id")))
    kinds = both.select("programme", "class", "stale").unique()
    grades = [rule.severity_for(p, c or "", stale=s) for p, c, s in kinds.iter_rows()]
    table = kinds.with_columns(
        pl.Series("severity", grades, dtype=pl.String),
        pl.Series("rank", [_RANK.index(g) for g in grades], dtype=pl.Int64),
    )
    best = (
        both.join(table, on=["programme", "class", "stale"], how="inner", nulls_equal=True)
        .sort("no", "rank", "programme")
        .group_by("no", maintain_order=True)
        .first()
        .select("no", "programme", "category", "severity")
    )
    confirmed = {s: rule.confirmed(s) for s in "ROY"}
    return (
        numbered.join(best, on="no", how="left")
        .with_columns(pl.col("severity").fill_null(""))
        .with_columns(pl.col("severity").replace_strict(confirmed, default="").alias("on_confirmed"))
    )
