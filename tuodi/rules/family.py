"""Family JSON to rows of integers: every wrong, unknown or missing item is listed at once with its path.

A family is `{"household": {...}, "members": [{...}], "place_facts": {...}}`, collections nested below the rows they
belong to. Money is yuan as text or number, dates ISO, choices their identifier or Chinese label, null means 未知.
A value may be `{"value": …, "source": …, "date": …, "evidence": …}`; where it came from is kept for the explanation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tuodi.policy.book import Book
from tuodi.policy.faults import did_you_mean
from tuodi.policy.model import LEVEL_PLACE, LEVEL_ROOT, Fact
from tuodi.rules.readers import level_tables

__all__ = ["FamilyErrors", "InputFault", "Inputs", "read_family", "schema", "validate_family"]

#: Keys a row may carry beside its facts: they name it for people and never enter a formula.
LABELS = frozenset({"name", "id", "no", "note", "relation"})
#: Ways to say that a value is not known.
_NOTHING = frozenset({"", "null", "unknown", "未知"})
_PLAIN = frozenset({str, int, bool, float, type(None)})
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

    def fresh(self) -> Inputs:
        """The same family with rows of its own: a programme writes its values into them."""
        return Inputs(_fresh(self.tree), self.sources, self.names, self.absent)


def _fresh(row: dict[str, Any]) -> dict[str, Any]:
    out = row.copy()
    for key, value in row.items():
        if type(value) is list:
            out[key] = [_fresh(below) for below in value]
        elif type(value) is dict:
            out[key] = _fresh(value)
    return out


class _Reader:
    def __init__(self, book: Book, chain: Sequence[str]) -> None:
        self.book, self.faults = book, list[InputFault]()
        self.tables = level_tables(book, chain)
        self.out = Inputs({})

    def fault(self, path: str, message: str) -> None:
        self.faults.append(InputFault(path or "（顶层）", message))

    def row(self, level: str, raw: Any, path: str, at: tuple[int, ...]) -> dict[str, Any]:
        table = self.tables[level]
        row = table.empty.copy()
        if type(raw) is not dict and not isinstance(raw, Mapping):
            self.fault(path, "这里应是“名称: 值”的对象")
            raw = {}
        nested = table.children if level not in (LEVEL_ROOT, LEVEL_PLACE) else ()
        head = f"{path}." if path else ""
        for name, value in raw.items():
            found = table.facts.get(name)
            if found is not None:
                if type(value) not in _PLAIN and isinstance(value, Mapping) and "value" in value:
                    self.out.sources[level, at, name] = value
                    value = value["value"]
                text = value.strip() if type(value) is str else "" if value is None else str(value).strip()
                fact, key, read = found
                if text in _NOTHING:
                    row[key] = None
                    if fact.missing not in ("unknown", "none", "required"):
                        self.out.absent.append((at, fact))  # said to be unknown, where silence means the default
                    continue
                try:
                    row[key] = read(value, text)
                except ValueError as error:
                    self.fault(f"{head}{name}", f"{fact.label}{error}")
            elif name in LABELS:
                if value is not None and not isinstance(value, str | int):
                    self.fault(f"{head}{name}", "这里应是文字；写在引号里")
                elif name == "name":
                    self.out.names[level, at] = str(value)
            elif name not in nested:
                self.fault(f"{head}{name}", f"没有这个事实{did_you_mean(str(name), [*table.facts, *nested])}")
        for fact, problem in table.broken:
            if fact.name not in raw:
                self.fault(f"{head}{fact.name}", f"{fact.label}{problem}")
        for key, fact in table.required:
            if row[key] is None:
                self.out.absent.append((at, fact))
        for name in nested:
            row[name] = self.rows(name, raw.get(name), f"{head}{name}", at)
        return row

    def rows(self, name: str, raw: Any, path: str, at: tuple[int, ...]) -> list[dict[str, Any]]:
        collection = self.book.collections[name]
        if raw is None:
            return []
        if isinstance(raw, str) and raw.isdigit():
            raw = int(raw)
        if isinstance(raw, int) and not isinstance(raw, bool):
            if raw < 0:
                self.fault(path, f"{collection.label}不能少于 0，这里是 {raw}；写人数，或写成列表")
            raw = [{} for _ in range(min(raw, collection.max + 1))]
        if not isinstance(raw, list):
            self.fault(path, f"{collection.label}应是列表")
            return []
        if len(raw) > collection.max:
            self.fault(path, f"{collection.label}最多 {collection.max} 行，这里有 {len(raw)} 行；请核对")
            raw = raw[: collection.max]
        return [self.row(name, item, f"{path}[{i}]", (*at, i)) for i, item in enumerate(raw)]


def _block(family: Mapping[str, Any], name: str) -> Any:
    """A block of the file; left out or null, nothing is said about it."""
    found = family.get(name)
    return {} if found is None else found


def read_family(book: Book, chain: Sequence[str], family: Mapping[str, Any]) -> Inputs:
    """Reads one family for a place. Raises FamilyErrors with every fault; absent required facts are no fault here."""
    reader = _Reader(book, chain)
    if not isinstance(family, Mapping):
        raise FamilyErrors([InputFault("（顶层）", "文件应是一个 JSON 对象")])
    below = reader.tables[LEVEL_ROOT].children
    for key in family:
        if key not in _TOP and key not in below:
            reader.fault(str(key), f"没有这一块{did_you_mean(str(key), [*_TOP, *below])}")
    tree = reader.row(LEVEL_PLACE, _block(family, "place_facts"), "place_facts", ())
    household = reader.row(LEVEL_ROOT, _block(family, "household"), "household", ())
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
        props: dict[str, Any] = {f.name: one(f) for f, _, _ in reader.tables[name].facts.values()}
        if name != LEVEL_PLACE:
            props |= {k: {"type": "string"} for k in sorted(LABELS)}
        for child in reader.tables[name].children if name not in (LEVEL_ROOT, LEVEL_PLACE) else ():
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
    for child in reader.tables[LEVEL_ROOT].children:
        rows = {"type": "array", "maxItems": book.collections[child].max, "items": level(child)}
        props[child] = {"title": book.collections[child].label, "oneOf": [rows, {"type": "integer", "minimum": 0}]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema", "title": "一户家庭", "type": "object",
        "additionalProperties": False, "properties": props,
    }  # fmt: skip
