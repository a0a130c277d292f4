"""Row-for-row equality of results. Usage: check.py [verify] PERSONS ENGINE ENGINE …  The first is the reference; ends with 1 on a difference."""

from __future__ import annotations

import sys
from pathlib import Path

import polars as pl
from common import COLUMNS, report, result
from verify_spec import CLUE, answer


def read(path: Path) -> pl.DataFrame:
    """A result as 64-bit integers in household order; Spark writes a folder."""
    folder = path.with_suffix("")
    source = path if path.exists() else folder / "*.parquet"
    return pl.read_parquet(source).select(pl.col(COLUMNS).cast(pl.Int64)).sort("household_id")


def read_clues(path: Path) -> pl.DataFrame:
    """Clues in order of family and rule."""
    numbers = [c for c in CLUE if c != "rule"]
    rows = pl.read_parquet(path).select(*(pl.col(c).cast(pl.Int64) for c in numbers), pl.col("rule").cast(pl.String))
    return rows.sort("household_id", "rule")


def main() -> None:
    of_clues = sys.argv[1] == "verify"
    persons, reference, *others = sys.argv[2 if of_clues else 1 :]

    def found(engine: str) -> pl.DataFrame:
        return read_clues(answer(engine, persons)) if of_clues else read(result(engine, int(persons)))

    first = found(reference)
    verdicts: dict[str, object] = {"rows": first.height, "sum_fen": first["amount" if of_clues else "total"].sum()}
    for engine in others:
        other = found(engine)
        wrong = [c for c in first.columns if other.height != first.height or not other[c].equals(first[c])]
        verdicts[engine] = wrong or "equal"
    report(**verdicts)
    if any(isinstance(v, list) for v in verdicts.values()):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
