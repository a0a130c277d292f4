"""Lists of people of outside groups (优抚对象、领取失业保险金人员 …) for the price subsidy. Layouts stand in ``sources/prices/``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tuodi.exchange import profiles
from tuodi.exchange.list_rows import ListFile, rows_of
from tuodi.exchange.profiles import Profile
from tuodi.kernel.periods import Month

__all__ = ["Listed", "load_profile", "profile_labels", "read"]

SOURCES = Path(__file__).resolve().parents[2] / "sources" / "prices"


@dataclass(frozen=True)
class Listed:
    """One person of one group, from a month on; `end` None = open. `id_text` is the whole number, which no page shows."""

    row_no: int
    name: str
    id_text: str
    group: str
    area_kind: str
    start: Month
    end: Month | None


def load_profile(name: str) -> Profile:
    """One layout. Raises ProfileError."""
    return profiles.load_profile(name, SOURCES)


def profile_labels() -> dict[str, str]:
    """Name -> label of all layouts."""
    return profiles.layout_labels(SOURCES)


def read(data: bytes, profile: Profile) -> ListFile[Listed]:
    """Reads a list; a row that cannot be used is refused by itself with all its reasons.

    Raises:
        FileRefusedError: unreadable, or without the columns. SheetChoiceError: several sheets.
    """
    out: ListFile[Listed] = ListFile()
    seen: dict[tuple[str, str], int] = {}
    for row in rows_of(data, profile):
        out.rows += 1
        name, number, group, area = row.person(), row.number(), row.word("group"), row.word("area")
        start, end = row.month("start"), row.month("end", needed=False)
        if start and end and end < start:
            row.fault("end", "早于起始月份")
        if number and group and not row.faults and (number, group) in seen:
            row.fault("id_number", f"与第 {seen[number, group]} 行是同一人同一类别", "一人一类只报一行，请删去重复的行")
        if row.faults or start is None:
            out.faults += row.faults
            continue
        seen[number, group] = row.no
        out.people.append(Listed(row.no, name, number, group, area, start, end))
    return out
