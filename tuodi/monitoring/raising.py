"""The clues of a sweep into the ledger, thousands in a few statements.

Rows go by COPY into a temporary table and from there by one INSERT, because the policy of a place refuses COPY into its
tables (`org.copying`). Everything of a sweep is in one transaction: its clues appear whole or not at all.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl
from django.db import connection, models

from tuodi.cases import calendar
from tuodi.kernel import clock
from tuodi.kernel.money import format_yuan
from tuodi.monitoring.models import Clue, Hit, SweepFinding, SweepRun
from tuodi.monitoring.numbers import clue_numbers
from tuodi.policy.book import Book
from tuodi.policy.clues import REGISTER, ClueRule

__all__ = ["WARNING_KINDS", "Raised", "insert", "raise_all", "rule_text"]

#: The five sources an early warning must watch at least (云南 2020: vehicles, pensions, housing fund, real estate, payroll).
WARNING_KINDS = frozenset({
    "vehicle", "social_insurance", "housing_fund", "estate", "fiscal", "fiscal_kin", "business", "hukou", "cremation",
    "prison",
})  # fmt: skip


@dataclass(frozen=True)
class Raised:
    """What a sweep wrote: clues, hits and findings that were not there before."""

    clues: int
    hits: int
    findings: int


def insert(model: type[models.Model], frame: pl.DataFrame, conflict: Sequence[str] = ()) -> int:
    """Writes a frame (columns named as the table's) by COPY and one INSERT. Returns the rows written.

    Args:
        conflict: columns of a unique constraint; a row that is there already is passed over.
    """
    if not frame.height:
        return 0
    table = model._meta.db_table
    listed = ", ".join(f'"{name}"' for name in frame.columns)
    with connection.cursor() as cursor:
        _load(cursor, f"tmp_{table}", table, frame)
        over = f" on conflict ({', '.join(conflict)}) do nothing" if conflict else ""
        cursor.execute(f'insert into "{table}" ({listed}) select {listed} from "tmp_{table}"{over}')
        written = int(cursor.rowcount)
        cursor.execute(f'drop table "tmp_{table}"')
    return written


def _load(cursor: Any, name: str, like: str, frame: pl.DataFrame, more: Mapping[str, str] | None = None) -> None:
    """A temporary table with the frame's columns as `like` has them; `more` are columns of its own."""
    own = [c for c in frame.columns if c not in (more or {})]
    listed = ", ".join(f'"{c}"' for c in own)
    cursor.execute(f'create temporary table "{name}" on commit drop as select {listed} from "{like}" with no data')
    for column, kind in (more or {}).items():
        cursor.execute(f'alter table "{name}" add column "{column}" {kind}')
    text = io.BytesIO()
    frame.select([*own, *(more or {})]).write_csv(text, include_header=False, quote_style="necessary")
    ordered = ", ".join(f'"{c}"' for c in [*own, *(more or {})])
    with cursor.copy(f'copy "{name}" ({ordered}) from stdin (format csv)') as copy:
        copy.write(text.getvalue())


def rule_text(book: Book, rule: ClueRule, on: date) -> dict[str, Any]:
    """What a clue keeps of its rule, as it was: label, clause, version, formula, evidence with labels."""
    texts = book.rule_texts(book.chain(rule.place), on)
    formula = texts[rule.rule].formula if rule.rule in texts else ""
    return {
        "label": rule.label, "clause": book.clause(rule.clause).text, "version": rule.fingerprint[:16], "place": rule.place,
        "since": rule.start.isoformat(), "rule": rule.rule, "formula": str(formula), "evidence": dict(rule.evidence),
        "second_person": rule.second_person, "note": rule.note, "opens": rule.opens,
        "deadline": {"n": rule.deadline.n, "unit": str(rule.deadline.unit), "clause": rule.deadline.clause},
    }  # fmt: skip


class _Printer:
    """A hit's values as people read them: words for codes, yuan for fen. JSON in, JSON out."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self.facts: dict[str, dict[str, Any]] = {}
        self.known: dict[tuple[str, str], str] = {}

    def __call__(self, kind: str, text: str) -> str:
        found = self.known.get((kind, text))
        if found is None:
            found = self.known[kind, text] = json.dumps(self.words(kind, json.loads(text)), ensure_ascii=False)
        return found

    def words(self, kind: str, values: Mapping[str, Any]) -> dict[str, str]:
        """Column -> text; columns that are no fact of the kind are left out, and those that hold nothing."""
        if kind not in self.facts:
            level = REGISTER + kind
            self.facts[kind] = {
                f.name: (f, self.book.enums.get(f.type)) for f in self.book.draft.facts if f.level == level
            }
        facts = self.facts[kind]
        out: dict[str, str] = {}
        for name, value in values.items():
            if value is None or name not in facts:
                continue
            fact, enum = facts[name]
            if enum is not None:
                out[name] = str(enum.values.get(str(value), value))
            elif fact.type == "money":
                out[name] = format_yuan(int(value))
            elif fact.type in ("number", "ratio") and fact.places and isinstance(value, int):
                out[name] = f"{value / 10**fact.places:.{fact.places}f}"
            elif isinstance(value, bool):
                out[name] = "是" if value else "否"
            else:
                out[name] = str(value)
        return out


def _array(values: Sequence[str]) -> str:
    return "{" + ",".join(f'"{one}"' for one in values) + "}"


def raise_all(
    run: SweepRun, findings: pl.DataFrame, hits: pl.DataFrame, persons: pl.DataFrame, doubts: pl.DataFrame, book: Book, *,
    push: bool,
) -> Raised:  # fmt: skip
    """Writes hits, clues, their first events and doubtful rows of a sweep. Needs a transaction in the run's scope.

    Args:
        findings, hits: of `judge`, without what is known (`fresh`). persons: `Roll.persons`.
        doubts: `person_id, household_id, region, kind, batch_id, fact_hash, other_name, data`.
        push: new clues of the watched kinds are early warnings.
    """
    now, today = clock.now(), clock.today()
    home = persons.select("household_id", "region").unique("household_id")
    printed = _Printer(book)
    stored = insert(Hit, _hits(run, hits.join(home, on="household_id"), printed), ("person_id", "kind", "fact_hash"))
    found = insert(
        SweepFinding,
        doubts.with_columns(
            run_id=pl.lit(run.pk, pl.Int64), found_on=pl.lit(today), settled=pl.lit(""), note=pl.lit("")
        ),
        ("person_id", "kind", "fact_hash"),
    )
    clues = _clues(run, findings.join(home, on="household_id"), hits, persons, book, printed, today)
    if not clues.height:
        return Raised(0, stored, found)
    clues = clues.with_columns(
        pushed_at=pl.when(pl.col("source").is_in(list(WARNING_KINDS)) & pl.lit(push)).then(pl.lit(now.isoformat()))
    )
    with connection.cursor() as cursor:
        _load(
            cursor,
            "tmp_clues",
            Clue._meta.db_table,
            clues,
            {"hit_person": "bigint", "hit_kind": "text", "hit_hash": "text"},
        )
        names = [c for c in clues.columns if not c.startswith("hit_")]
        listed, taken = ", ".join(f'"{c}"' for c in names), ", ".join(f't."{c}"' for c in names)
        cursor.execute(
            f"insert into monitoring_clue ({listed}, hit_id) select {taken}, h.id from tmp_clues t "
            "left join monitoring_hit h on h.person_id = t.hit_person and h.kind = t.hit_kind and h.fact_hash = t.hit_hash "
            "on conflict (person_id, rule_code, fact_hash) do nothing"
        )
        written = int(cursor.rowcount)
        cursor.execute("drop table tmp_clues")
        cursor.execute(
            "insert into monitoring_clueevent (clue_id, region, at, kind, before, after, note) "
            "select id, region, %s, kind, '', state, note from monitoring_clue, "
            "(values ('raise', %s), ('pushed', '预警推送县级')) as told (kind, note) "
            "where run_id = %s and (kind = 'raise' or pushed_at is not null) order by id, kind desc",
            [now, f"比对 {run.no}", run.pk],
        )
    return Raised(written, stored, found)


def _hits(run: SweepRun, hits: pl.DataFrame, printed: _Printer) -> pl.DataFrame:
    kept = hits.filter(pl.col("batch_id").is_not_null()).unique(
        ["person_id", "kind", "fact_hash"], keep="first", maintain_order=True
    )
    return kept.select(
        "region", pl.lit(run.pk, pl.Int64).alias("run_id"), "batch_id", "kind", "household_id", "person_id", "fact_key",
        "fact_hash", "row_hash", "line_no",
        pl.Series("data", [printed(k, v) for k, v in kept.select("kind", "values").iter_rows()], dtype=pl.String),
        pl.col("as_of").fill_null(run.as_of), "stale", "name_state", "check_state",
    )  # fmt: skip


def _clues(
    run: SweepRun,
    findings: pl.DataFrame,
    hits: pl.DataFrame,
    persons: pl.DataFrame,
    book: Book,
    printed: _Printer,
    today: date,
) -> pl.DataFrame:
    if not findings.height:
        return pl.DataFrame()
    rules: dict[tuple[str, str], ClueRule] = {}
    for place in findings["place"].unique():
        rules.update({(rule.code, place): rule for rule in book.clue_rules(place, run.as_of)})
    texts: dict[tuple[str, str], dict[str, Any]] = {}
    for code, place in findings.select("rule_code", "place").unique().sort("rule_code", "place").iter_rows():
        rule = rules[code, place]
        due = calendar.due(rule.deadline, today)
        texts[code, place] = {
            "rule_text": json.dumps(rule_text(book, rule, run.as_of), ensure_ascii=False),
            "required": _array(rule.required), "outcomes": _array(rule.outcomes), "default_action": rule.default_action,
            "deadline": due.on, "deadline_pending": due.pending, "deadline_note": due.note[:200],
        }  # fmt: skip
    ruled = pl.DataFrame([{"rule_code": c, "place": p, **words} for (c, p), words in texts.items()])
    ruled = ruled.with_columns(pl.col("deadline").cast(pl.Date))
    first = findings.with_columns(row_id=pl.col("rows").list.first()).join(
        hits.select(
            "rule_code", "row_id", "household_id", "batch_id", "values", "kind",
            hit_person="person_id", hit_kind="kind", hit_hash="fact_hash",
        ).unique(["rule_code", "kind", "row_id", "household_id"], keep="first"),
        on=["rule_code", "kind", "row_id", "household_id"], how="left",
    )  # fmt: skip
    drawn = persons.group_by("household_id", "programme").agg(monthly_fen=pl.col("monthly_fen").max())
    own = persons.filter(pl.col("programme").is_in(["tekun", "child"])).select(
        "person_id", "programme", own_fen="monthly_fen"
    )
    first = (
        first.join(ruled, on=["rule_code", "place"], how="left")
        .join(drawn, on=["household_id", "programme"], how="left")
        .join(own.unique(["person_id", "programme"]), on=["person_id", "programme"], how="left")
        .sort("region", "household_id", "rule_code", "fact_hash")
    )
    given = clue_numbers(first["region"].to_list())
    shown = [printed(kind, values or "{}") for kind, values in first.select("kind", "values").iter_rows()]
    return first.select(
        "region", pl.Series("no", given, dtype=pl.String), pl.lit(run.pk, pl.Int64).alias("run_id"),
        pl.col("kind").alias("source"), "batch_id", "rule_code", "rule_text", "severity", "programme",
        pl.col("category").fill_null(""), "household_id", "person_id", "fact_key", "fact_hash",
        pl.Series("registered", shown, dtype=pl.String), pl.lit("{}").alias("stated"), pl.lit(today).alias("found_on"),
        pl.coalesce("own_fen", "monthly_fen").alias("monthly_fen"), "required", "outcomes",
        "default_action", "on_confirmed", "deadline", "deadline_pending", "deadline_note", "hit_person", "hit_kind", "hit_hash",
    ).pipe(_filled, Clue)  # fmt: skip


def _filled(frame: pl.DataFrame, model: type[models.Model]) -> pl.DataFrame:
    """With the default of every column that must hold something and is not there."""
    rest = []
    for field in model._meta.concrete_fields:
        if field.primary_key or field.null or field.column in frame.columns:
            continue
        value = field.get_default()
        if isinstance(value, dict):
            value = json.dumps(value)
        elif isinstance(value, list):
            value = _array(value)
        elif isinstance(value, models.Choices):
            value = value.value
        rest.append(pl.lit("" if value is None else value).alias(field.column))
    return frame.with_columns(rest)
