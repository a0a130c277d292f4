"""What a collector of premiums says of a list of people a county paid for: one person a row. Layouts stand in ``sources/premiums/``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tuodi.exchange import profiles
from tuodi.exchange.list_rows import ListFile, rows_of
from tuodi.exchange.profiles import Profile

__all__ = ["Told", "load_profile", "read"]

SOURCES = Path(__file__).resolve().parents[2] / "sources" / "premiums"


@dataclass(frozen=True)
class Told:
    """One person. `id_text` is the whole number, which no page shows; `result`: insured, not_insured, double."""

    row_no: int
    name: str
    id_text: str
    result: str
    note: str


def load_profile(name: str) -> Profile:
    """One layout. Raises ProfileError."""
    return profiles.load_profile(name, SOURCES)


def read(data: bytes, profile: Profile) -> ListFile[Told]:
    """Reads an answer; a row that cannot be used is refused by itself with all its reasons.

    Raises:
        FileRefusedError: unreadable, or without the columns. SheetChoiceError: several sheets.
    """
    out: ListFile[Told] = ListFile()
    seen: dict[str, int] = {}
    for row in rows_of(data, profile):
        out.rows += 1
        name, number, result = row.person(), row.number(), row.word("result")
        if number and number in seen:
            row.fault("id_number", f"与第 {seen[number]} 行是同一人", "一人只报一行，请删去重复的行")
        if row.faults:
            out.faults += row.faults
            continue
        seen[number] = row.no
        note = row.text("note", 200) if "note" in profile.columns and row.cells.get("note") else ""
        out.people.append(Told(row.no, name, number, result, note))
    return out
