"""Dates, amounts and clauses as printed papers say them."""

from __future__ import annotations

import re
from datetime import date, datetime

from tuodi.kernel.ages import age
from tuodi.kernel.clock import BEIJING
from tuodi.kernel.money import format_yuan
from tuodi.kernel.periods import Month
from tuodi.verification.rulebook import book

__all__ = ["age_on", "clause_words", "day_words", "iso", "month_iso", "month_words", "when", "yuan"]

_DIGITS = "零一二三四五六七八九"


def iso(value: date | datetime | None) -> str:
    """A day as the forms take it; empty for none."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        value = value.astimezone(BEIJING).date()
    return value.isoformat()


def when(value: datetime | None) -> str:
    """A moment in Beijing time."""
    return f"{value.astimezone(BEIJING):%Y-%m-%d %H:%M}" if value else ""


def day_words(value: date | None, *, year: bool = True) -> str:
    """2017 年 9 月 7 日."""
    if value is None:
        return ""
    return (f"{value.year} 年 " if year else "") + f"{value.month} 月 {value.day} 日"


def month_iso(yyyymm: int | None) -> str:
    """201710 -> 2017-10; empty for none."""
    return str(Month.parse(str(yyyymm))) if yyyymm else ""


def month_words(yyyymm: int | None) -> str:
    """2017 年 10 月."""
    return f"{yyyymm // 100} 年 {yyyymm % 100} 月" if yyyymm else ""


def yuan(fen: int | None) -> str:
    """1,234.50; empty for what is not known."""
    return "" if fen is None else format_yuan(fen, minus="−")


def age_on(birth: date | None, day: date) -> str:
    """Full years; empty where nobody knows."""
    return "" if birth is None else str(age(birth, day))


def clause_words(raw: str) -> str:
    """`220-25` -> 《最低生活保障审核审批办法（试行）》（民发〔2012〕220号）第二十五条; what is no citation stays as it is."""
    if not raw:
        return ""
    found = book().clause(raw)
    if found.instrument is None:
        return raw
    title = found.instrument.title
    name = title if title.startswith("《") else f"《{title}》"
    number = found.instrument.number
    place = re.sub(r"^(\d+)", lambda match: f"第{_chinese(int(match[1]))}条", found.locator)
    return name + (f"（{number}）" if number not in ("", "-") else "") + place


def _chinese(number: int) -> str:
    """Numbers of articles, up to 999."""
    if number < 10:
        return _DIGITS[number]
    if number < 20:
        return "十" + (_DIGITS[number % 10] if number % 10 else "")
    if number < 100:
        return _DIGITS[number // 10] + "十" + (_DIGITS[number % 10] if number % 10 else "")
    rest = number % 100
    tail = (
        ""
        if not rest
        else (
            "零" + _DIGITS[rest]
            if rest < 10
            else _DIGITS[rest // 10] + "十" + (_DIGITS[rest % 10] if rest % 10 else "")
        )
    )
    return _DIGITS[number // 100 % 10] + "百" + tail
