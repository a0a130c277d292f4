"""Lists of fixed amounts that another department determines (计划生育家庭扶助 …). Layouts stand in ``sources/fixed/``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tuodi.exchange import profiles
from tuodi.exchange.cells import as_text
from tuodi.exchange.list_rows import ListFile, rows_of
from tuodi.exchange.profiles import Profile
from tuodi.kernel.periods import Month

__all__ = ["Listed", "for_cases", "load_profile", "read"]

SOURCES = Path(__file__).resolve().parents[2] / "sources" / "fixed"


@dataclass(frozen=True)
class Listed:
    """One person. `amount_fen` is paid each `period` (month, year); `end` None = open; `account` empty = the one on record.

    `id_text` and `account` are whole numbers, which no page shows.
    """

    row_no: int
    name: str
    id_text: str
    basis: str
    period: str
    amount_fen: int
    start: Month
    end: Month | None
    account: str
    bank: str


def load_profile(name: str) -> Profile:
    """One layout. Raises ProfileError."""
    return profiles.load_profile(name, SOURCES)


def for_cases(profile: Profile, cases: Mapping[str, str]) -> Profile:
    """A layout for one fixed amount: its own words for the cases it knows, and for all others the words of the packs.

    Args:
        cases: code -> words.
    """
    own = {word: code for word, code in profile.values.get("basis", {}).items() if code in cases}
    words = own or {word: code for code, word in cases.items()}
    return profile.model_copy(update={"values": {**profile.values, "basis": words}})


def read(data: bytes, profile: Profile) -> ListFile[Listed]:
    """Reads a list; a row that cannot be used is refused by itself with all its reasons.

    Raises:
        FileRefusedError: unreadable, or without the columns. SheetChoiceError: several sheets.
    """
    out: ListFile[Listed] = ListFile()
    seen: dict[str, int] = {}
    for row in rows_of(data, profile):
        out.rows += 1
        name, number, basis, period = row.person(), row.number(), row.word("basis"), row.word("period")
        amount, start, end = row.fen("amount"), row.month("start"), row.month("end", needed=False)
        account = "".join(as_text(row.cells.get("account")).split())
        if not amount and not any(one.field == row.profile.columns["amount"].label for one in row.faults):
            row.fault("amount", "不能是 0")
        if start and end and end < start:
            row.fault("end", "早于起始月份")
        if account and not (account.isascii() and account.isdigit() and 8 <= len(account) <= 32):
            row.fault("account", "应为 8 至 32 位数字", "请把这一列设为文本格式后重填")
        if number and number in seen:
            row.fault("id_number", f"与第 {seen[number]} 行是同一人", "一人只报一行，请删去重复的行")
        if row.faults or start is None:
            out.faults += row.faults
            continue
        seen[number] = row.no
        bank = as_text(row.cells.get("bank"))[:14]
        out.people.append(Listed(row.no, name, number, basis, period, amount, start, end, account, bank))
    return out
