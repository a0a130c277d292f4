"""A register batch against the roll's keys: which rows are about somebody on the roll, and which need a person's eyes.

A row and a person meet on the 17-digit key alone; it is a hit only where the check digit of both is right and the name
agrees (now, formerly, or the register has none). Another name or a wrong check digit is a result of its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from tuodi.matching.link import CHECKED, link
from tuodi.matching.sealed import SealedBatch
from tuodi.verification.models import RegisterBatch

__all__ = ["Linked", "linked"]


@dataclass(frozen=True)
class Linked:
    """What one batch gave.

    Attributes:
        hits: confirmed rows (`matching.link.Linked.hits`) with `batch_id`, `line_no`, `row_hash`.
        conflicts: the same with another name. bad_checks: with a wrong check digit, in the register or on the roll.
        rows: rows of the batch. matched: rows whose number is on the roll.
    """

    hits: pl.DataFrame
    conflicts: pl.DataFrame
    bad_checks: pl.DataFrame
    rows: int
    matched: int
    count: int  #: row numbers taken: hits and doubtful rows


def linked(
    batch: RegisterBatch, source: SealedBatch, persons: pl.DataFrame, *, identity: Sequence[str] = (), first_row: int = 0
) -> Linked:  # fmt: skip
    """Rows of an opened batch about some persons.

    Args:
        persons: one row a person: `person_id`, `household_id`, `key`, `name`, `former_names`, `check_ok`.
        identity: columns that tell one thing of the kind from another.
        first_row: the first `row_id`; rows of a kind are numbered through over its batches.
    """
    who = persons.lazy().filter(pl.col("key").is_not_null())
    # Only the hot half is read for all rows; names and evidence of those alone that meet somebody.
    found = source.hot("key").select("row", "key").join(who.select("key").unique(), on="key", how="semi").collect()
    rows = source.rest_rows(found["row"]).drop("row", "file_no", strict=False)
    said = [c for c in rows.columns if c not in ("line_no", "id_raw", "key", "check_state")]
    prints = [_digest(row) for row in rows.select("id_raw", *said).iter_rows()]
    rows = rows.drop("id_raw").with_columns(
        pl.col("check_state").cast(pl.String),
        batch_id=pl.lit(batch.pk, pl.Int64),
        row_hash=pl.Series(prints, dtype=pl.String),
    )
    subjects = who.select("key", "person_id", "household_id", "name", "former_names")
    got = link(subjects, rows.lazy(), identity=identity, first_row=first_row)
    # The roll's own number may be the wrong one: then nothing matches by itself either.
    own_wrong = persons.filter(~pl.col("check_ok").fill_null(True)).select("person_id").unique()
    hits = got.hits.join(own_wrong, on="person_id", how="anti")
    doubtful = pl.concat([got.doubtful, got.hits.join(own_wrong, on="person_id", how="semi")])
    conflict = pl.col("check_state").is_in(CHECKED) & (pl.col("name_state") == "conflict")
    conflicts = doubtful.filter(conflict).join(own_wrong, on="person_id", how="anti")
    return Linked(
        hits,
        conflicts,
        doubtful.join(conflicts, on="row_id", how="anti"),
        source.rows,
        rows.height,
        got.hits.height + got.doubtful.height,
    )


def _digest(row: tuple[object, ...]) -> str:
    return hashlib.sha256("\x1f".join("\x00" if cell is None else str(cell) for cell in row).encode()).hexdigest()
