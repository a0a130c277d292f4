"""Verification as a county clerk writes it in pandas: a Python function for each number, merge, groupby, limits.

Usage: <verify python> pandas_verify.py PERSONS csv|parquet
"""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from common import report
from verify_spec import CLUE, REGISTERS, RULES, STANDARD, answer, data

_HALF = str.maketrans(
    "".join(chr(0xFF10 + i) for i in range(10))
    + "\N{FULLWIDTH LATIN CAPITAL LETTER X}\N{FULLWIDTH LATIN SMALL LETTER X}x",
    "0123456789" + "X" * 3,
)
_NEW, _OLD = re.compile(r"[0-9]{17}[0-9X]"), re.compile(r"[0-9]{15}")


def key(raw: str) -> int | None:
    text = re.sub(r"[\s\u3000']", "", raw.translate(_HALF))
    if _OLD.fullmatch(text):
        text = text[:6] + "19" + text[6:] + "0"
    return int(text[:17]) if _NEW.fullmatch(text) else None


def main() -> None:
    persons, ending = sys.argv[1:3]

    def read(name: str) -> pd.DataFrame:
        path = data(persons, name, ending)
        return pd.read_parquet(path) if ending == "parquet" else pd.read_csv(path, dtype={"id_raw": str})

    began, cpu = time.perf_counter(), time.process_time()
    people = read("people")
    people["key"] = people["id_raw"].map(key)
    families = (
        people.groupby("household_id").agg(n=("person_id", "size"), area_kind=("area_kind", "first")).reset_index()
    )
    families["standard"] = families["area_kind"].map(STANDARD) * families["n"]
    found = []
    for register in REGISTERS:
        filters, amount, (measure, operator, months, number) = RULES[register]
        rows = read(register)
        rows["key"] = rows["id_raw"].map(key)
        for column, sign, value in filters:
            rows = rows[{"==": rows[column] == value, ">": rows[column] > value, ">=": rows[column] >= value}[sign]]
        hits = rows.merge(people[["key", "household_id", "person_id"]], on="key", how="inner")
        hits["amount"] = hits[amount] if amount else 0
        grouped = hits.groupby("household_id").agg(
            cnt=("key", "size"), persons=("person_id", "nunique"), amount=("amount", "sum")
        )
        grouped = grouped.reset_index().merge(families, on="household_id")
        limit = months * grouped["standard"] + number
        clues = grouped[grouped[measure] >= limit if operator == ">=" else grouped[measure] > limit].copy()
        clues["rule"] = register
        found.append(clues[list(CLUE)])
    pd.concat(found).to_parquet(answer("pandas", persons), index=False)
    report(wall=round(time.perf_counter() - began, 3), cpu=round(time.process_time() - cpu, 3))


if __name__ == "__main__":
    main()
