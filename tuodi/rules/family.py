"""Family JSON to rows of integers: every wrong, unknown or missing item is listed at once with its path.

A family is `{"household": {...}, "members": [{...}], "place_facts": {...}}`, collections nested below the rows they
belong to. Money is yuan as text or number, dates ISO, choices their identifier or Chinese label, null means 未知.
A value may be `{"value": …, "source": …, "date": …, "evidence": …}`; where it came from is kept for the explanation.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from tuodi.policy.book import Book
from tuodi.policy.faults import did_you_mean
from tuodi.policy.model import LEVEL_PLACE, LEVEL_ROOT, Fact

__all__ = ["FamilyErrors", "InputFault", "Inputs", "read_family", "schema", "validate_family"]

#: Keys a row may carry beside its facts: they name it for people and never enter a formula.
LABELS = frozenset({"name", "id", "no", "note", "relation"})
_TOP = {
    "case",
    "name",
    "place",
    "on",
    "month",
    "programme",
    "household",
    "place_facts",
    "assume",
    "expect",
    "note",
    "working",
    "$schema",
}


@dataclass(frozen=True)
class InputFault:
    """One mistake in a family file: where (`members[1].birth`) and what to write instead."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


class FamilyErrors(ValueError):  # noqa: N818 - the plural of what must be mended
    """Every fault found in one family."""

    def __init__(self, faults: list[InputFault]) -> None:
        self.faults = faults
        super().__init__("\n".join(map(str, faults)))


@dataclass
class Inputs:
    """A family ready for a compiled plan.

    Attributes:
        tree: `{"household": row, facts of the place…}`; a row maps slot keys to integers, truth values or None.
        sources: (level, row path, fact) -> where the value came from.
        names: row path -> the name people know it by.
        absent: required facts without a value: (row path, fact).
    """

    tree: dict[str, Any]
    sources: dict[tuple[str, tuple[int, ...], str], Mapping[str, Any]] = field(default_factory=dict)
    names: dict[tuple[str, tuple[int, ...]], str] = field(default_factory=dict)
    absent: list[tuple[tuple[int, ...], Fact]] = field(default_factory=list)


class _Reader:
    def __init__(self, book: Book, chain: list[str]) -> None:
        self.book, self.faults = book, list[InputFault]()
        self.by_level: dict[str, dict[str, Fact]] = {}
        for facts in book.facts_on(chain).values():
            for fact in facts:
                self.by_level.setdefault(fact.level, {})[fact.name] = fact
        self.children: dict[str, list[str]] = {}
        for name, c in book.collections.items():
            self.children.setdefault(c.of, []).append(name)
        self.out = Inputs({})

    def fault(self, path: str, message: str) -> None:
        self.faults.append(InputFault(path or "（顶层）", message))

    def row(self, level: str, raw: Any, path: str, at: tuple[int, ...]) -> dict[str, Any]:
        facts = self.by_level.get(level, {})
        row: dict[str, Any] = {}
        if not isinstance(raw, Mapping):
            self.fault(path, "这里应是“名称: 值”的对象")
            raw = {}
        nested = self.children.get(level, []) if level != LEVEL_ROOT else []
        for key, value in raw.items():
            if key in facts:
                continue
            if key in LABELS:
                if key == "name":
                    self.out.names[level, at] = str(value)
            elif key not in nested:
                self.fault(
                    f"{path}.{key}" if path else str(key), f"没有这个事实{did_you_mean(str(key), [*facts, *nested])}"
                )
        for name, fact in facts.items():
            here = f"{path}.{name}" if path else name
            value = raw.get(name)
            if isinstance(value, Mapping) and "value" in value:
                self.out.sources[level, at, name] = value
                value = value["value"]
            row[fact.key] = self.value(fact, value, here, at, given=name in raw)
        for name in nested:
            row[name] = self.rows(name, raw.get(name), f"{path}.{name}" if path else name, at)
        return row

    def rows(self, name: str, raw: Any, path: str, at: tuple[int, ...]) -> list[dict[str, Any]]:
        collection = self.book.collections[name]
        if raw is None:
            return []
        if isinstance(raw, str) and raw.isdigit():
            raw = int(raw)
        if isinstance(raw, int) and not isinstance(raw, bool):
            raw = [{} for _ in range(min(raw, collection.max + 1))]
        if not isinstance(raw, list):
            self.fault(path, f"{collection.label}应是列表")
            return []
        if len(raw) > collection.max:
            self.fault(path, f"{collection.label}最多 {collection.max} 行，这里有 {len(raw)} 行；请核对")
            raw = raw[: collection.max]
        return [self.row(name, item, f"{path}[{i}]", (*at, i)) for i, item in enumerate(raw)]

    def value(self, fact: Fact, value: Any, path: str, at: tuple[int, ...], *, given: bool) -> Any:
        text = str(value).strip() if value is not None else ""
        if value is None or text in ("", "null", "unknown", "未知"):
            if fact.missing in ("unknown", "none"):
                return None
            if fact.missing == "required" or given:
                self.out.absent.append((at, fact))
                return None
            text = str(fact.missing)
            value = text
        try:
            return self.inner(fact, value, text)
        except ValueError as error:
            self.fault(path, f"{fact.label}{error}")
            return None

    def inner(self, fact: Fact, value: Any, text: str) -> Any:
        if fact.type == "bool":
            if isinstance(value, bool):
                return value
            if text in ("true", "是", "有", "True"):
                return True
            if text in ("false", "否", "无", "False"):
                return False
            raise ValueError(f"应是 true 或 false（是/否），这里是“{text}”")
        if fact.type == "text":
            return text
        if fact.type == "date":
            match = re.fullmatch(r"(\d{4})-(\d{1,2})-(\d{1,2})", text)
            if not match:
                raise ValueError(f"应写成 年-月-日（如 1950-01-31），这里是“{text}”")
            try:
                day = date(*map(int, match.groups()))
            except ValueError:
                raise ValueError(f"是不存在的日期“{text}”；请核对") from None
            return day.year * 10000 + day.month * 100 + day.day
        if fact.type == "month":
            match = re.fullmatch(r"(\d{4})-?(\d{2})", text)
            if not match or not 1 <= int(match[2]) <= 12:
                raise ValueError(f"应写成 年-月（如 2017-04），这里是“{text}”")
            return int(match[1]) * 100 + int(match[2])
        enum = self.book.enums.get(fact.type)
        if enum is not None:
            if text in enum.values:
                return enum.code(text)
            for ident, label in enum.values.items():
                if text == label:
                    return enum.code(ident)
            raise ValueError(
                f"“{text}”不在可选项里；可用: {'、'.join(f'{k}（{v}）' for k, v in enum.values.items())}{did_you_mean(text, enum.values)}"
            )
        if isinstance(value, bool):
            raise ValueError("应是数，这里是是否值")
        try:
            number = Decimal(text.replace(",", "").replace("，", "").rstrip("%"))
        except InvalidOperation:
            raise ValueError(f"应是数，这里是“{text}”；只写数字，单位是{fact.unit.text if fact.unit else ''}") from None
        places = 2 if fact.type == "money" else fact.places
        if text.endswith("%") and fact.unit is not None and fact.unit.factor == 1:
            number = number / 100
        if not number.is_finite():
            raise ValueError("应是有限的数")
        scaled = number.scaleb(places)
        if scaled != scaled.to_integral_value():
            raise ValueError(f"最多 {places} 位小数，这里是“{text}”")
        result = int(scaled)
        low, high = fact.lo, fact.hi
        if not low <= result <= high:
            shown = [f"{Decimal(b).scaleb(-places):f}" for b in (low, high)]
            raise ValueError(f"应在 {shown[0]} 到 {shown[1]} 之间，这里是 {text}")
        return result


def read_family(book: Book, chain: list[str], family: Mapping[str, Any]) -> Inputs:
    """Reads one family for a place. Raises FamilyErrors with every fault; absent required facts are no fault here."""
    reader = _Reader(book, chain)
    if not isinstance(family, Mapping):
        raise FamilyErrors([InputFault("（顶层）", "文件应是一个 JSON 对象")])
    below = reader.children.get(LEVEL_ROOT, [])
    for key in family:
        if key not in _TOP and key not in below:
            reader.fault(str(key), f"没有这一块{did_you_mean(str(key), [*_TOP, *below])}")
    tree = reader.row(LEVEL_PLACE, family.get("place_facts") or {}, "place_facts", ())
    household = reader.row(LEVEL_ROOT, family.get("household") or {}, "household", ())
    for name in below:
        household[name] = reader.rows(name, family.get(name), name, ())
    tree["household"] = household
    reader.out.tree = tree
    if reader.faults:
        raise FamilyErrors(reader.faults)
    return reader.out


def validate_family(book: Book, place: str, family: Mapping[str, Any]) -> list[InputFault]:
    """Every fault of a family file, or an empty list."""
    try:
        read_family(book, book.chain(place), family)
    except FamilyErrors as error:
        return error.faults
    return []


def schema(book: Book, place: str = "cn") -> dict[str, Any]:
    """JSON Schema (2020-12) of the family file for a place: what `tuodi decide` reads."""
    reader = _Reader(book, book.chain(place))

    def one(fact: Fact) -> dict[str, Any]:
        enum = book.enums.get(fact.type)
        kinds: dict[str, dict[str, Any]] = {
            "bool": {"type": ["boolean", "null"]}, "date": {"type": ["string", "null"], "format": "date"},
            "month": {"type": ["string", "null"], "pattern": r"^\d{4}-\d{2}$"}, "text": {"type": ["string", "null"]},
        }  # fmt: skip
        body = {"enum": [*enum.values, None]} if enum else kinds.get(fact.type, {"type": ["number", "string", "null"]})
        unit = f"，单位 {fact.unit.text}" if fact.unit and fact.type in ("money", "number", "ratio") else ""
        note = {"required": "；需要时必须有", "unknown": "；没有就是未知", "none": "；没有就是未发生"}.get(
            str(fact.missing), f"；没有就是 {fact.missing}"
        )
        return {**body, "title": fact.label, "description": f"{fact.label}{unit}{note}"}

    def level(name: str) -> dict[str, Any]:
        props: dict[str, Any] = {f.name: one(f) for f in reader.by_level.get(name, {}).values()}
        if name != LEVEL_PLACE:
            props |= {k: {"type": "string"} for k in sorted(LABELS)}
        for child in reader.children.get(name, []) if name != LEVEL_ROOT else []:
            props[child] = {
                "type": "array",
                "title": book.collections[child].label,
                "maxItems": book.collections[child].max,
                "items": level(child),
            }
        return {"type": "object", "additionalProperties": False, "properties": props}

    props = {
        "place": {"type": "string", "title": "地区代码"}, "on": {"type": "string", "format": "date", "title": "决定日期"},
        "month": {"type": "string", "pattern": r"^\d{4}-\d{2}$", "title": "发放月份"}, "case": {"type": "string"}, "name": {"type": "string"},
        "programme": {"type": "string"}, "note": {"type": "string"}, "working": {"type": "string"}, "expect": {"type": "object"},
        "assume": {"type": "object", "title": "假设的参数值，凡用到处印“假设”"},
        "place_facts": level(LEVEL_PLACE), "household": level(LEVEL_ROOT),
    }  # fmt: skip
    for child in reader.children.get(LEVEL_ROOT, []):
        rows = {"type": "array", "maxItems": book.collections[child].max, "items": level(child)}
        props[child] = {"title": book.collections[child].label, "oneOf": [rows, {"type": "integer", "minimum": 0}]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema", "title": "一户家庭", "type": "object",
        "additionalProperties": False, "properties": props,
    }  # fmt: skip
