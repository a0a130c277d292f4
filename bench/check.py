"""Row-for-row equality of results. Usage: check.py PERSONS ENGINE ENGINE …  The first is the reference; ends with 1 on a difference."""

from __future__ import annotations

import sys
from pathlib import Path

import polars as pl
from common import COLUMNS, report, result


def read(path: Path) -> pl.DataFrame:
    """A result as 64-bit integers in household order; Spark writes a folder."""
    folder = path.with_suffix("")
    source = path if path.exists() else folder / "*.parquet"
    return pl.read_parquet(source).select(pl.col(COLUMNS).cast(pl.Int64)).sort("household_id")


def main() -> None:
    persons, reference, *others = int(sys.argv[1]), *sys.argv[2:]
    first = read(result(reference, persons))
    verdicts: dict[str, object] = {"rows": first.height, "total_fen": first["total"].sum()}
    for engine in others:
        other = read(result(engine, persons))
        wrong = [c for c in COLUMNS if other.height != first.height or not other[c].equals(first[c])]
        verdicts[engine] = wrong or "equal"
    report(**verdicts)
    if any(isinstance(v, list) for v in verdicts.values()):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
