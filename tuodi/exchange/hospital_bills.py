"""Bills of one-stop settlement (一站式结算) as hospitals send them: one discharge a row. Layouts stand in ``sources/hospitals/``.

The parts of a bill must add up to its total: 总费用 = 基本医保 + 大病保险 + 其他 + 医疗救助 + 个人支付. What a rescue rule
counts from is 个人自付合规医疗费用 = 总费用 − 基本医保 − 大病保险 − 其他 − 目录外自费.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from tuodi.exchange import profiles
from tuodi.exchange.list_rows import ListRow, rows_of
from tuodi.exchange.payment_rows import RowFault
from tuodi.exchange.profiles import Profile
from tuodi.kernel.money import format_yuan

__all__ = ["Bill", "BillFile", "load_profile", "profile_labels", "read"]

SOURCES = Path(__file__).resolve().parents[2] / "sources" / "hospitals"
_MONEY = ("total", "basic", "catastrophic", "other", "outside", "claimed", "own")
_MAY_LACK = ("other",)


@dataclass(frozen=True)
class Bill:
    """One bill, in fen. `id_text` is the whole number, which no page shows; `illness` is empty where not stated."""

    row_no: int
    bill_no: str
    name: str
    id_text: str
    admitted: date
    discharged: date
    illness: str
    total: int
    basic: int
    catastrophic: int
    other: int
    outside: int
    claimed: int
    own: int


@dataclass
class BillFile:
    """What a file holds: every row with content is in `bills` or has its faults."""

    rows: int = 0
    bills: list[Bill] = field(default_factory=list)
    faults: list[RowFault] = field(default_factory=list)

    @property
    def bad(self) -> int:
        """Rows that cannot be used."""
        return self.rows - len(self.bills)


def load_profile(name: str) -> Profile:
    """One layout. Raises ProfileError."""
    return profiles.load_profile(name, SOURCES)


def profile_labels() -> dict[str, str]:
    """Name -> label of all layouts."""
    return profiles.layout_labels(SOURCES)


def read(data: bytes, profile: Profile, *, today: date) -> BillFile:
    """Reads a table; a row that cannot be used is refused by itself with all its reasons.

    Args:
        today: no one is discharged after it.

    Raises:
        FileRefusedError: unreadable, or without the columns. SheetChoiceError: several sheets.
    """
    out = BillFile()
    seen: dict[str, int] = {}
    for row in rows_of(data, profile):
        out.rows += 1
        bill = _bill(row, today)
        if bill is not None and bill.bill_no in seen:
            row.fault("bill_no", f"单据号与第 {seen[bill.bill_no]} 行重复", "一张单据只报一次，请删去重复的行")
        if bill is None or row.faults:
            out.faults += row.faults
            continue
        seen[bill.bill_no] = row.no
        out.bills.append(bill)
    return out


def _bill(row: ListRow, today: date) -> Bill | None:
    """The bill of a row, or None where a field cannot be read; what does not fit together is put down too."""
    no, name, number = row.text("bill_no", 40), row.person(), row.number()
    admitted, discharged = row.day("admitted"), row.day("discharged")
    illness = row.word("illness", needed=False)
    money = {one: row.fen(one, needed=one not in _MAY_LACK) for one in _MONEY}
    if admitted and discharged and discharged < admitted:
        row.fault("discharged", "早于入院日期")
    if discharged and discharged > today:
        row.fault("discharged", "晚于今天")
    if row.faults or admitted is None or discharged is None:
        return None
    parts = money["basic"] + money["catastrophic"] + money["other"] + money["claimed"] + money["own"]
    if parts != money["total"]:
        row.fault("total", f"{format_yuan(money['total'])} 元，各项支付合计 {format_yuan(parts)} 元，不相等")
    elif money["outside"] > money["own"]:
        row.fault("outside", "大于个人支付：目录外费用由个人负担，救助不能支付")
    return Bill(row.no, no, name, number, admitted, discharged, illness, **money)
