"""Single values as people read them: yuan with two decimals, labels, 是/否, ISO dates."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from tuodi.policy.book import Book
from tuodi.policy.model import NO_CAP
from tuodi.policy.units import Dims

__all__ = ["Format", "format_value", "formatter", "yes_no"]

Format = Callable[[Any], str]


def yes_no(value: Any) -> str:
    return "是" if value else "否"


def _date(value: Any) -> str:
    return f"{value // 10000:04}-{value // 100 % 100:02}-{value % 100:02}"


def _month(value: Any) -> str:
    return f"{value // 100:04}-{value % 100:02}"


def _month_no(value: Any) -> str:
    number = int(value)
    return f"{(number - 1) // 12:04}-{(number - 1) % 12 + 1:02}"


def _money(value: Any) -> str:
    if value == NO_CAP:
        return "无上限"
    if value.denominator == 1:
        fen = int(value)
        return f"{fen // 100:,}.{fen % 100:02}" if fen >= 0 else f"-{-fen // 100:,}.{-fen % 100:02}"
    fen = round(value)
    return f"{fen // 100:,}.{fen % 100:02}…"


def _number(value: Any) -> str:
    if value == NO_CAP:
        return "无上限"
    if value.denominator == 1:
        return f"{int(value):,}"
    shown = f"{float(value):.4f}".rstrip("0")  # for the eye only; the exact value stays a fraction
    return shown if Fraction(shown) == value else f"{shown}…"


def formatter(book: Book, kind: str, *, money: bool = False, dims: Dims = ()) -> Format:
    """How values of a kind are written: yuan with two decimals, labels, 是/否, ISO dates. `…` marks a fraction that does not end."""
    if kind == "bool":
        return yes_no
    if kind == "date":
        return _date
    if kind in book.enums:
        labels = tuple(book.enums[kind].values.values())
        return lambda value: labels[value - 1]
    if kind == "month":
        return _month
    if ("月份", 1) in dims:
        return _month_no
    return _money if money else _number


def format_value(book: Book, kind: str, value: Any, *, money: bool = False, dims: Dims = ()) -> str:
    """One value for people."""
    return formatter(book, kind, money=money, dims=dims)(value)
