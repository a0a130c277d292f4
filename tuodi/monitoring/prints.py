"""What makes a fact the same over time, and what makes it a new one: SHA-256 over columns, in a fixed spelling."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import polars as pl

from tuodi.policy.book import Book
from tuodi.policy.clues import REGISTER, ClueRule

__all__ = ["PLAIN", "columns_looked_at", "digest", "identity_of", "row_prints", "watched"]

#: Columns every hit may have beside the canonical ones of its kind; never part of what the register says.
PLAIN = (
    "row_id", "household_id", "person_id", "key", "as_of", "stale", "name_state", "check_state", "batch_id", "line_no",
    "row_hash", "name", "copies",
)  # fmt: skip
_SEPARATOR, _NOTHING = "\x1f", "\x00"


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _facts(book: Book, kind: str) -> list[str]:
    return [f.name for f in book.draft.facts if f.level == REGISTER + kind and f.name not in PLAIN]


def identity_of(book: Book, rule: ClueRule, kind: str, profile: Sequence[str] = ()) -> tuple[str, ...]:
    """Columns that say which thing a row is about: the rule's, else the profile's, else every text column of the kind."""
    own = set(_facts(book, kind))
    found = tuple(c for c in (rule.identity or profile) if c in own)
    return found or tuple(
        f.name for f in book.draft.facts if f.level == REGISTER + kind and f.type == "text" and f.name not in PLAIN
    )


def watched(book: Book, rule: ClueRule, kind: str, looked: Sequence[str]) -> tuple[str, ...]:
    """Columns whose change makes a new fact: the rule's, else those its formulas look at."""
    own = set(_facts(book, kind))
    return tuple(c for c in (rule.watch or sorted(looked)) if c in own)


def columns_looked_at(slots: Mapping[str, object], kind: str) -> tuple[str, ...]:
    """Columns of a kind that a compiled model reads."""
    head = f"{REGISTER}{kind}."
    return tuple(sorted(k[len(head) :] for k, s in slots.items() if k.startswith(head) and s.kind == "fact"))  # type: ignore[attr-defined]


def _spelt(frame: pl.DataFrame, columns: Sequence[str]) -> pl.Expr:
    parts = [
        pl.col(c).cast(pl.String).str.strip_chars().fill_null(_NOTHING) if c in frame.columns else pl.lit(_NOTHING)
        for c in columns
    ]
    return pl.concat_str(parts, separator=_SEPARATOR) if parts else pl.lit("")


def row_prints(kind: str, frame: pl.DataFrame, identity: Sequence[str], watch: Sequence[str]) -> pl.DataFrame:
    """The frame with `fact_key` and `fact_hash` of each row.

    `fact_key` is SHA-256 over kind, the person's key and the identity columns; `fact_hash` over that and the watched
    columns. A missing column counts as empty, so that a source that leaves it out gives a stable fact.
    """
    person = pl.col("key") if "key" in frame.columns else pl.col("person_id")
    found = frame.select(
        pl.concat_str([pl.lit(kind), person.cast(pl.String).fill_null(_NOTHING), _spelt(frame, identity)], separator=_SEPARATOR)
        .alias("identity"),
        _spelt(frame, watch).alias("watch"),
    )  # fmt: skip
    keys = [digest(text) for text in found["identity"].to_list()]
    hashes = [digest(key + _SEPARATOR + text) for key, text in zip(keys, found["watch"].to_list(), strict=True)]
    return frame.with_columns(
        pl.Series("fact_key", keys, dtype=pl.String), pl.Series("fact_hash", hashes, dtype=pl.String)
    )
