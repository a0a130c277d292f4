"""Bills of one-stop settlement (一站式结算) as hospitals send them: one discharge a row. Layouts stand in ``sources/hospitals/``.

The parts of a bill must add up to its total: 总费用 = 基本医保 + 大病保险 + 其他 + 医疗救助 + 个人支付. What a rescue rule
counts from is 个人自付合规医疗费用 = 总费用 − 基本医保 − 大病保险 − 其他 − 目录外自费.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from tuodi.exchange import profiles, sheets
from tuodi.exchange.bank import table_suffix
from tuodi.exchange.cells import BadCellError, as_day, as_fen, as_text
from tuodi.exchange.names import clean_name
from tuodi.exchange.payment_rows import RowFault, header_of
from tuodi.exchange.profiles import Profile, squeeze
from tuodi.kernel.identity import InvalidIdError, normalise, parse_id
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
    return {path.stem: load_profile(path.stem).label for path in sorted(SOURCES.glob("*.yaml"))}


def read(data: bytes, profile: Profile, *, today: date) -> BillFile:
    """Reads a table; a row that cannot be used is refused by itself with all its reasons.

    Args:
        today: no one is discharged after it.

    Raises:
        FileRefusedError: unreadable, or without the columns. SheetChoiceError: several sheets.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"table{table_suffix(data)}"
        path.write_bytes(data)
        book = sheets.open_book(path)
        found = book.rows(book.choose())
        where = header_of(found, profile)
        out = BillFile()
        seen: dict[str, int] = {}
        for row in found:
            cells = {name: row.cells[at] if at < len(row.cells) else None for name, at in where.items()}
            if all(cell is None or cell == "" for cell in cells.values()):
                continue
            if any(as_text(cell).startswith(profile.totals) for cell in cells.values() if isinstance(cell, str)):
                continue
            out.rows += 1
            one = _Row(row.no, cells, profile)
            bill = one.bill(today)
            if bill is not None and bill.bill_no in seen:
                one.fault("bill_no", f"单据号与第 {seen[bill.bill_no]} 行重复", "一张单据只报一次，请删去重复的行")
            if one.faults:
                out.faults += one.faults
                continue
            assert bill is not None
            seen[bill.bill_no] = row.no
            out.bills.append(bill)
    return out


class _Row:
    def __init__(self, no: int, cells: Mapping[str, Any], profile: Profile) -> None:
        self.no, self.cells, self.profile = no, cells, profile
        self.faults: list[RowFault] = []

    def fault(self, name: str, reason: str, remedy: str = "请医院改正后重新报送这一行") -> None:
        self.faults.append(RowFault(self.no, self.profile.columns[name].label, reason, remedy))

    def text(self, name: str, longest: int) -> str:
        found = as_text(self.cells.get(name))
        if not found:
            self.fault(name, "没有填写")
        elif len(found) > longest:
            self.fault(name, f"超过 {longest} 个字符")
        return found

    def day(self, name: str) -> date | None:
        try:
            found = as_day(self.cells.get(name))
        except BadCellError as error:
            self.fault(name, str(error))
            return None
        if found is None:
            self.fault(name, "没有填写")
        return found

    def fen(self, name: str) -> int | None:
        try:
            found = as_fen(self.cells.get(name))
        except BadCellError as error:
            self.fault(name, str(error))
            return None
        if found is None and name in _MAY_LACK:
            return 0
        if found is None:
            self.fault(name, "没有填写", "没有这一项支付的请填 0")
        elif found < 0:
            self.fault(name, "小于 0", "退费请撤回原单据，不要报负数")
        return found

    def number(self) -> str:
        try:
            found = parse_id(normalise(self.cells.get("id_number")).text)
        except InvalidIdError as error:
            self.fault("id_number", str(error))
            return ""
        if not found.check_ok:
            self.fault("id_number", "校验码不对", "请医院核对证件后重新报送这一行")
        return found.text18

    def illness(self) -> str:
        written = as_text(self.cells.get("illness"))
        table = {squeeze(name): ours for name, ours in self.profile.values.get("illness", {}).items()}
        if written and squeeze(written) not in table:
            self.fault("illness", f"“{written[:20]}”不认识，可写 {'、'.join(self.profile.values['illness'])}")
        return table.get(squeeze(written), "") if written else ""

    def bill(self, today: date) -> Bill | None:
        no = self.text("bill_no", 40)
        name = clean_name(self.text("name", 60))
        if name.text and not name.ok:
            self.fault("name", "不像姓名")
        number = self.number()
        admitted, discharged = self.day("admitted"), self.day("discharged")
        illness = self.illness()
        sums = {one: self.fen(one) for one in _MONEY}
        if admitted and discharged and discharged < admitted:
            self.fault("discharged", "早于入院日期")
        if discharged and discharged > today:
            self.fault("discharged", "晚于今天")
        if self.faults or admitted is None or discharged is None:
            return None
        money = {one: int(fen or 0) for one, fen in sums.items()}
        parts = money["basic"] + money["catastrophic"] + money["other"] + money["claimed"] + money["own"]
        if parts != money["total"]:
            self.fault("total", f"{format_yuan(money['total'])} 元，各项支付合计 {format_yuan(parts)} 元，不相等")
        elif money["outside"] > money["own"]:
            self.fault("outside", "大于个人支付：目录外费用由个人负担，救助不能支付")
        return Bill(self.no, no, name.text, number, admitted, discharged, illness, **money)
