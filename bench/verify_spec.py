"""The nine rules of the verification benchmark, as plain data for the peers; `pack/verify.yaml` says the same in the product's language.

Register -> rows that count, the amount added up, and when a family is a clue. `limit` is in months of the family's standard (standard of
its area × persons): 0 means a bare number. Every engine gives, for each clue: household, rule, rows, persons, amount.
"""

from __future__ import annotations

from pathlib import Path

from common import ROOT

REGISTERS = ("vehicle", "estate", "business", "staff", "death", "insurance", "fund", "tax", "bank")
#: register: ([(column, operator, value)], amount column or None, (measure, operator, months of the standard, number))
RULES = {
    "vehicle": ([("vehicle_kind", "==", 1)], "value_fen", ("cnt", ">=", 0, 1)),
    "estate": ([("use", "==", 1)], "area", ("cnt", ">=", 0, 2)),
    "business": ([("status", "==", 1), ("capital_fen", ">", 10_000_000)], "capital_fen", ("cnt", ">=", 0, 1)),
    "staff": ([], None, ("cnt", ">=", 0, 1)),
    "death": ([], None, ("cnt", ">=", 0, 1)),
    "insurance": ([("months_paid", ">=", 6)], "base_fen", ("amount", ">", 6, 0)),
    "fund": ([("status", "==", 1)], "base_fen", ("amount", ">", 2, 0)),
    "tax": ([], "year_fen", ("amount", ">", 24, 0)),
    "bank": ([], "balance_fen", ("amount", ">", 24, 0)),
}  # fmt: skip
#: area_kind -> monthly standard a person, fen
STANDARD = {1: 64_000, 2: 37_500}
CLUE = ("household_id", "rule", "cnt", "persons", "amount")


def data(persons: int | str, name: str, ending: str = "parquet") -> Path:
    return ROOT / "data" / f"verify-{persons}" / f"{name}.{ending}"


def keyed_file(persons: int | str, name: str) -> Path:
    """The same table with the number turned into its key, once, at import."""
    return ROOT / "data" / f"keyed-{persons}" / f"{name}.parquet"


def answer(engine: str, persons: int | str) -> Path:
    folder = ROOT / "out"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"verify-{engine}-{persons}.parquet"
