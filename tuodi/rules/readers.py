"""What reading a family needs to know about a place, worked out once: the facts of each level and how each is read."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from tuodi.policy.book import Book
from tuodi.policy.faults import did_you_mean
from tuodi.policy.model import EnumDef, Fact

__all__ = ["LevelTable", "convert", "level_tables"]

#: (value as given, the same as stripped text) -> inner value. Raises ValueError with the rest of a Chinese sentence.
Convert = Callable[[Any, str], Any]


@dataclass(frozen=True)
class LevelTable:
    """How rows of one level are read.

    Attributes:
        facts: name -> (fact, its key, how a value is read), in declared order.
        empty: slot key -> inner value of a row about which nothing is said.
        required: facts without which a row has no answer, with their keys.
        broken: facts whose declared default cannot be read.
        children: collections directly below.
    """

    facts: dict[str, tuple[Fact, str, Convert]]
    empty: dict[str, Any]
    required: tuple[tuple[str, Fact], ...]
    broken: tuple[tuple[Fact, str], ...]
    children: tuple[str, ...]


def _bool(value: Any, text: str) -> bool:
    if value is True or value is False:
        return bool(value)
    if text in ("true", "是", "有", "True"):
        return True
    if text in ("false", "否", "无", "False"):
        return False
    raise ValueError(f"应是 true 或 false（是/否），这里是“{text}”")


def _date(value: Any, text: str) -> int:
    match = re.fullmatch(r"(\d{4})-(\d{1,2})-(\d{1,2})", text)
    if not match:
        raise ValueError(f"应写成 年-月-日（如 1950-01-31），这里是“{text}”")
    year, month, day = map(int, match.groups())
    try:
        date(year, month, day)
    except ValueError:
        raise ValueError(f"是不存在的日期“{text}”；请核对") from None
    return year * 10000 + month * 100 + day


def _month(value: Any, text: str) -> int:
    match = re.fullmatch(r"(\d{4})-?(\d{2})", text)
    if not match or not 1 <= int(match[2]) <= 12:
        raise ValueError(f"应写成 年-月（如 2017-04），这里是“{text}”")
    return int(match[1]) * 100 + int(match[2])


def _text(value: Any, text: str) -> str:
    return text


def _enum(enum: EnumDef) -> Convert:
    codes = {ident: at for at, ident in enumerate(enum.values, 1)}
    for ident, label in reversed(enum.values.items()):
        if label not in enum.values:
            codes[label] = codes[ident]

    def read(value: Any, text: str) -> int:
        code = codes.get(text)
        if code is None:
            options = "、".join(f"{k}（{v}）" for k, v in enum.values.items())
            raise ValueError(f"“{text}”不在可选项里；可用: {options}{did_you_mean(text, enum.values)}")
        return code

    return read


#: Whole digits of a number that is read at all; every fact's own limit lies far below.
_DIGITS = 30


def _number(fact: Fact) -> Convert:
    places = 2 if fact.type == "money" else fact.places
    scale, low, high = int(10**places), fact.lo, fact.hi

    def exactly(value: Any, text: str) -> int:
        if isinstance(value, bool):
            raise ValueError("应是数，这里是是否值")
        try:
            number = Decimal(text.replace(",", "").replace("，", "").rstrip("%"))
        except InvalidOperation:
            raise ValueError(f"应是数，这里是“{text}”；只写数字，单位是{fact.unit.text if fact.unit else ''}") from None
        if text.endswith("%") and fact.unit is not None and fact.unit.factor == 1:
            number = number / 100
        if not number.is_finite():
            raise ValueError("应是有限的数")
        if number.adjusted() >= _DIGITS:
            raise ValueError(f"的数太大（{number.adjusted() + 1} 位）；请核对")
        scaled = number.scaleb(places)
        if scaled != scaled.to_integral_value():
            raise ValueError(f"最多 {places} 位小数，这里是“{text}”")
        return int(scaled)

    def read(value: Any, text: str) -> int:
        whole, _, part = text.partition(".")
        if (
            whole.isdecimal()
            and len(whole) <= _DIGITS
            and len(part) <= places
            and (part.isdecimal() or part == "")
            and value is not True
        ):
            result: int = int(whole) * scale + (int(part) * int(10 ** (places - len(part))) if part else 0)
        else:
            result = exactly(value, text)
        if not low <= result <= high:
            shown = [f"{Decimal(b).scaleb(-places):f}" for b in (low, high)]
            raise ValueError(f"应在 {shown[0]} 到 {shown[1]} 之间，这里是 {text}")
        return result

    return read


_SIMPLE: dict[str, Convert] = {"bool": _bool, "date": _date, "month": _month, "text": _text}


def convert(book: Book, fact: Fact) -> Convert:
    """How values of one fact become inner integers or truth values."""
    if fact.type in _SIMPLE:
        return _SIMPLE[fact.type]
    enum = book.enums.get(fact.type)
    return _enum(enum) if enum is not None else _number(fact)


def level_tables(book: Book, chain: Sequence[str]) -> dict[str, LevelTable]:
    """Level -> how its rows are read at a place; kept with the book."""
    own = book.places_with_facts
    key = ("level tables", tuple(place for place in chain if place in own))
    found: dict[str, LevelTable] | None = book.plans.get(key)
    if found is None:
        by_level: dict[str, dict[str, Fact]] = {level: {} for level in book.levels()}
        for facts in book.facts_on(chain).values():
            for fact in facts:
                by_level.setdefault(fact.level, {})[fact.name] = fact
        children: dict[str, list[str]] = {}
        for name, collection in book.collections.items():
            children.setdefault(collection.of, []).append(name)
        found = {level: _table(book, facts, tuple(children.get(level, ()))) for level, facts in by_level.items()}
        book.plans[key] = found
    return found


def _table(book: Book, named: dict[str, Fact], children: tuple[str, ...]) -> LevelTable:
    facts = {name: (fact, fact.key, convert(book, fact)) for name, fact in named.items()}
    empty: dict[str, Any] = {}
    broken: list[tuple[Fact, str]] = []
    for fact, key, read in facts.values():
        empty[key] = None
        if fact.missing not in ("unknown", "none", "required"):
            try:
                empty[key] = read(str(fact.missing), str(fact.missing))
            except ValueError as error:
                broken.append((fact, str(error)))
    required = tuple((key, fact) for fact, key, _ in facts.values() if fact.missing == "required")
    return LevelTable(facts, empty, required, tuple(broken), children)
