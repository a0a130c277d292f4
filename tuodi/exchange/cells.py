"""Reading single cells: text, amounts, months, days. Each refuses with a reason; nothing is guessed."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from tuodi.kernel.money import MoneyError, parse_yuan
from tuodi.kernel.periods import Month, PeriodError

__all__ = ["BadCellError", "as_count", "as_day", "as_fen", "as_month", "as_text"]

_EPOCH = date(1899, 12, 30)
#: Serial numbers from 1910 to 2099: nothing else in a roster has five digits and means a day.
_SERIAL = range(3653, 73051)


class BadCellError(ValueError):
    """A cell that is not what its column wants; the text is the Chinese reason, without the value."""


def as_text(cell: Any) -> str:
    """A cell as a person reads it: whole floats without a point, dates as ISO days, None as empty."""
    if cell is None:
        return ""
    if isinstance(cell, str):
        return cell.strip()
    if isinstance(cell, bool):
        return "是" if cell else "否"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    return str(cell)


def as_fen(cell: Any, *, wan: bool = False) -> int | None:
    """An amount in fen; None for an empty cell.

    Args:
        wan: The column is in 万元.

    Raises:
        BadCellError: Not a number, or finer than a fen.
    """
    if cell is None or cell == "":
        return None
    if isinstance(cell, bool | date | timedelta):
        raise BadCellError("不是金额")
    number: str | Decimal
    if isinstance(cell, int | float):
        number = _decimal(cell, wan)
    else:
        number = cell.removesuffix("/月").removesuffix("万元").strip() if wan else cell.strip()
        if wan or "E" in number.upper():
            number = _wan_text(number)
    try:
        if wan:
            number = Decimal(number) * 10000
        return parse_yuan(number)
    except (MoneyError, ArithmeticError, ValueError) as error:
        raise BadCellError(error.fields["why"] if isinstance(error, MoneyError) else "不是数字") from None


def _decimal(cell: int | float, wan: bool) -> Decimal:
    number = Decimal(repr(cell)) if isinstance(cell, float) else Decimal(cell)
    if not number.is_finite():
        raise BadCellError("不是数字")
    # A spreadsheet's own arithmetic leaves 312.40000000000003; what is within a millionth of a fen is that fen.
    places = Decimal("0.000001") if wan else Decimal("0.01")
    near = number.quantize(places)
    return near if abs(near - number) < Decimal("1e-9") else number


def _wan_text(text: str) -> Decimal:
    try:
        return Decimal(unicodedata.normalize("NFKC", text).replace(",", "").removesuffix("元"))
    except ArithmeticError:
        raise BadCellError("不是数字") from None


_PARTS = re.compile(r"(\d{4})[-/.年](\d{1,2})(?:[-/.月](\d{1,2})日?|月)?(?:[ T]\d{1,2}:\d{2}(?::\d{2})?)?")


def as_day(cell: Any) -> date | None:
    """A day: ISO, slashes, Chinese, eight digits, a date cell or a serial number; None for an empty cell.

    Raises:
        BadCellError: None of these, or no day of the calendar.
    """
    if cell is None or cell == "":
        return None
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    text = unicodedata.normalize("NFKC", as_text(cell)).replace(" 00:00:00", "")
    if text.isascii() and text.isdigit():
        if len(text) == 5 and int(text) in _SERIAL:
            return _EPOCH + timedelta(days=int(text))
        if len(text) == 8:
            text = f"{text[:4]}-{text[4:6]}-{text[6:]}"
    match = _PARTS.fullmatch(text)
    if match is None or match[3] is None:
        raise BadCellError("不是日期")
    try:
        return date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        raise BadCellError("没有这一天") from None


def as_month(cell: Any) -> Month | None:
    """A month, from a month or a day in any form; None for an empty cell.

    Raises:
        BadCellError: None of these.
    """
    if cell is None or cell == "":
        return None
    text = unicodedata.normalize("NFKC", as_text(cell))
    if text.isascii() and text.isdigit() and len(text) == 6:
        text = f"{text[:4]}-{text[4:]}"
    match = _PARTS.fullmatch(text)
    if match is not None and match[3] is None:
        try:
            return Month(int(match[1]), int(match[2]))
        except PeriodError:
            raise BadCellError("没有这个月份") from None
    try:
        day = as_day(cell)
    except BadCellError:
        raise BadCellError("不是年月") from None
    return None if day is None else Month.of(day)


def as_count(cell: Any) -> int | None:
    """A small whole number such as 保障人口; None for an empty cell. Raises BadCellError otherwise."""
    text = unicodedata.normalize("NFKC", as_text(cell)).removesuffix("人").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 3):
        raise BadCellError("不是人数")
    return int(text)
