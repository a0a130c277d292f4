"""A register batch against the roll's keys: which rows are about somebody on the roll, and which need a person's eyes.

A row and a person meet on the 17-digit key alone; it is a hit only where the check digit of both is right and the name
agrees (now, formerly, or the register has none). Another name or a wrong check digit is a result of its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from django.conf import settings

from tuodi.matching.sealed import SealedBatch, open_sealed
from tuodi.verification.models import RegisterBatch

__all__ = ["Linked", "link", "opened", "sealed_name", "spelt"]

#: Every dot people put between the parts of a name (· • ・ ． ‧), and blanks of any width.
_NOISE = r"[\s\u3000·•・．‧.]"
#: Numbers whose check digit is right, or that have none of this kind.
SOUND = ("ok", "converted15", "foreign")


@dataclass(frozen=True)
class Linked:
    """What one batch gave.

    Attributes:
        hits: confirmed rows: `person_id`, `household_id`, `key`, the batch's columns, `name_state`, `check_state`,
            `batch_id`, `line_no`, `row_hash`. One row a register row and person.
        conflicts: the same with another name. bad_checks: with a wrong check digit, in the register or on the roll.
        rows: rows of the batch. matched: rows whose number is on the roll.
    """

    hits: pl.DataFrame
    conflicts: pl.DataFrame
    bad_checks: pl.DataFrame
    rows: int
    matched: int


def sealed_name(batch: RegisterBatch) -> str:
    """The identity a batch's file was sealed with."""
    return str(batch.pk)


@contextmanager
def opened(batch: RegisterBatch) -> Iterator[SealedBatch]:
    """The batch's hot half in private scratch for the time of the block. Raises DecryptError, FileNotFoundError."""
    scratch = Path(settings.FILES_DIR) / ".scratch"
    scratch.mkdir(parents=True, exist_ok=True, mode=0o700)
    with open_sealed(Path(settings.FILES_DIR) / batch.sealed, sealed_name(batch), scratch=scratch) as found:
        yield found


def spelt(name: pl.Expr) -> pl.Expr:
    """A name as it is compared."""
    return name.cast(pl.String).str.normalize("NFKC").str.replace_all(_NOISE, "").str.to_uppercase()


def link(batch: RegisterBatch, source: SealedBatch, persons: pl.DataFrame) -> Linked:
    """Rows of an opened batch about some persons.

    Args:
        persons: one row a person: `person_id`, `household_id`, `key`, `name`, `former`, `check_ok`.
    """
    who = persons.filter(pl.col("key").is_not_null())
    found = source.hot("key").select("row", "key").join(who.select("key").unique().lazy(), on="key", how="semi").collect()
    if not found.height:
        empty = pl.DataFrame(schema={"person_id": pl.Int64, "household_id": pl.Int64, "key": pl.Int64})
        return Linked(empty, empty, empty, source.rows, 0)
    rows = source.rest_rows(found["row"]).with_columns(pl.col("check_state").cast(pl.String))
    said = [c for c in rows.columns if c not in ("row", "line_no", "file_no", "id_raw", "key", "check_state")]
    rows = rows.with_columns(
        row_hash=pl.Series([_digest(one) for one in rows.select(["id_raw", *said]).iter_rows()], dtype=pl.String)
    ).drop("id_raw", "file_no", strict=False)
    both = rows.join(
        who.select("person_id", "household_id", "key", "check_ok", "former", roll_name="name"), on="key", how="inner"
    )
    written, own = spelt(pl.col("name")), spelt(pl.col("roll_name"))
    former = pl.col("former").list.eval(spelt(pl.element())).list.contains(written).fill_null(False)
    both = both.with_columns(
        name_state=pl.when(written.is_null() | (written == ""))
        .then(pl.lit("absent"))
        .when(written == own)
        .then(pl.lit("same"))
        .when(former)
        .then(pl.lit("former"))
        .otherwise(pl.lit("conflict")),
        batch_id=pl.lit(batch.pk, pl.Int64),
    )
    wrong = ~pl.col("check_state").is_in(list(SOUND)) | ~pl.col("check_ok").fill_null(True)
    conflict = pl.col("name_state") == "conflict"
    shown = both.drop("former")
    return Linked(
        shown.filter(~wrong & ~conflict).drop("roll_name", "check_ok"),
        shown.filter(~wrong & conflict),
        shown.filter(wrong),
        source.rows,
        rows.height,
    )


def _digest(row: tuple[object, ...]) -> str:
    return hashlib.sha256("\x1f".join("\x00" if cell is None else str(cell) for cell in row).encode()).hexdigest()
