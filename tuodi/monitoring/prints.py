"""What makes a fact the same over time, and what makes it a new one: SHA-256 over columns, in a fixed spelling."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import polars as pl

from tuodi.policy.book import Book
from tuodi.policy.clues import REGISTER, ClueRule

__all__ = ["PLAIN", "columns_looked_at", "digest", "identity_of", "print_texts", "watched"]

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


def _spelt(have: Sequence[str], columns: Sequence[str]) -> pl.Expr:
    parts = [
        pl.col(c).cast(pl.String).str.strip_chars().fill_null(_NOTHING) if c in have else pl.lit(_NOTHING)
        for c in columns
    ]
    return pl.concat_str(parts, separator=_SEPARATOR) if parts else pl.lit("")


def print_texts(
    kind: str, have: Sequence[str], identity: Sequence[str], watch: Sequence[str]
) -> tuple[pl.Expr, pl.Expr]:
    """What the prints of a row are taken of, out of the columns it has.

    `fact_key` is SHA-256 over the first: kind, the person's key and the identity columns; `fact_hash` over `fact_key`, the separator
    and the second, the watched columns. A missing column counts as empty, so that a source that leaves it out gives a stable fact.
    """
    person = pl.col("key") if "key" in have else pl.col("person_id")
    head = [pl.lit(kind), person.cast(pl.String).fill_null(_NOTHING), _spelt(have, identity)]
    return pl.concat_str(head, separator=_SEPARATOR), _spelt(have, watch)
