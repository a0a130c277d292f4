"""Typed reading of one YAML mapping: every key is either taken or reported, every mistake is a fault with its line."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from typing import Any

from tuodi.policy.faults import Fault, did_you_mean
from tuodi.policy.model import EVER, FOREVER, Where
from tuodi.policy.units import Unit, UnknownUnitError, parse_unit
from tuodi.policy.yamltext import Map, Seq, Text, is_null, line_of

__all__ = ["Reader", "identifier_problem"]

_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")
_KEYWORDS = frozenset(
    [
        "false",
        "none",
        "true",
        "and",
        "as",
        "assert",
        "async",
        "await",
        "break",
        "class",
        "continue",
        "def",
        "del",
        "elif",
        "else",
        "except",
        "finally",
        "for",
        "from",
        "global",
        "if",
        "import",
        "in",
        "is",
        "lambda",
        "nonlocal",
        "not",
        "or",
        "pass",
        "raise",
        "return",
        "try",
        "while",
        "with",
        "yield",
        "match",
        "case",
    ]
)
_BUILTIN = frozenset(
    [
        "min",
        "max",
        "clip",
        "round_to",
        "payable",
        "bracket",
        "age",
        "months",
        "known",
        "given",
        "year",
        "case_date",
        "month_no",
        "month_start",
        "month_end",
        "at",
        "true",
        "false",
    ]
)


def identifier_problem(name: str) -> str:
    """Why a name cannot be used in formulas, or an empty string."""
    if not _NAME.match(name):
        return "名字只能用小写字母、数字和下划线，并以字母开头"
    if name in _KEYWORDS:
        return "这是公式里的保留字，请换一个名字"
    if name in _BUILTIN:
        return "这是公式里已有的函数或日期名，请换一个名字"
    return ""


class Reader:
    """Takes keys out of a mapping. `what` names the thing in faults, e.g. 参数“standard”."""

    def __init__(self, node: Any, file: str, line: int, what: str, faults: list[Fault]) -> None:
        self.file, self.what, self.faults = file, what, faults
        self.line = line_of(node, line)
        self.node: Map
        if isinstance(node, Map):
            self.node = node
        else:
            self.node = Map()
            self.node.line, self.node.lines = line, {}
            self.fault(f"{what}应写成“键: 值”的映射", line)
        self.taken: set[str] = set()

    @property
    def where(self) -> Where:
        return Where(self.file, self.line)

    def fault(self, message: str, line: int | None = None, severity: str = "error") -> None:
        self.faults.append(Fault(self.file, line or self.line, message, severity))

    def line_at(self, key: str) -> int:
        return self.node.lines.get(key, self.line)

    def has(self, key: str) -> bool:
        return key in self.node

    def raw(self, key: str) -> Any:
        self.taken.add(key)
        return self.node.get(key)

    def text(self, key: str, *, need: bool = False, default: str = "") -> str:
        value = self.raw(key)
        if value is None or is_null(value):
            if need:
                self.fault(f"{self.what}缺少“{key}”")
            return default
        if not isinstance(value, Text):
            self.fault(f"{self.what}的“{key}”应是一段文字", self.line_at(key))
            return default
        return str(value).strip()

    def choice(self, key: str, options: Iterable[str], default: str = "") -> str:
        value = self.text(key, default=default)
        options = list(options)
        if value and value not in options:
            self.fault(
                f"{self.what}的“{key}”是“{value}”，只能是 {'、'.join(options)}{did_you_mean(value, options)}",
                self.line_at(key),
            )
            return default
        return value

    def flag(self, key: str, default: bool = False) -> bool:
        value = self.text(key)
        if not value:
            return default
        if value not in ("true", "false", "是", "否"):
            self.fault(f"{self.what}的“{key}”应是 true 或 false，这里是“{value}”", self.line_at(key))
        return value in ("true", "是")

    def integer(self, key: str, default: int) -> int:
        value = self.text(key)
        if not value:
            return default
        try:
            return int(value)
        except ValueError:
            self.fault(f"{self.what}的“{key}”应是整数，这里是“{value}”", self.line_at(key))
            return default

    def day(self, key: str, default: date) -> date:
        value = self.text(key)
        if not value:
            return default
        match = re.fullmatch(r"(\d{4})-(\d{2})-(\d{2})", value)
        if re.fullmatch(r"\d{4}", value):  # a year stands for its first day
            match = re.fullmatch(r"(\d{4})-(\d{2})-(\d{2})", f"{value}-01-01")
        if match is None:
            self.fault(f"{self.what}的“{key}”应写成 年-月-日（如 2017-04-01），这里是“{value}”", self.line_at(key))
            return default
        try:
            return date(*map(int, match.groups()))
        except ValueError:
            self.fault(f"{self.what}的“{key}”是不存在的日期“{value}”；请核对年月日", self.line_at(key))
            return default

    def month(self, key: str) -> str:
        """A month as written, `2017-04`; empty if there is none or it does not exist (reported)."""
        value = self.text(key)
        match = re.fullmatch(r"\d{4}-(\d{2})", value)
        if value and not (match and 1 <= int(match[1]) <= 12):
            self.fault(f"{self.what}的“{key}”应写成 年-月（如 2017-04），这里是“{value}”", self.line_at(key))
            return ""
        return value

    def partial_day(self, key: str) -> str:
        """A date of a document as far as it is known (`2021`, `2021-06`, `2021-06-11`), or `-`; kept as written."""
        value = self.text(key)
        if not value or value == "-":
            return value
        if not re.fullmatch(r"\d{4}(-\d{2}(-\d{2})?)?", value):
            self.fault(f"{self.what}的“{key}”应是日期，这里是“{value}”", self.line_at(key))
            return ""
        try:
            date.fromisoformat(f"{value}-01-01"[:10])
        except ValueError:
            self.fault(f"{self.what}的“{key}”是不存在的日期“{value}”；请核对年月日", self.line_at(key))
        return value

    def start(self) -> date:
        return self.day("from", EVER)

    def end(self) -> date:
        return self.day("to", FOREVER)

    def unit(self, key: str = "unit", *, need: bool = False) -> Unit | None:
        value = self.text(key, need=need)
        if not value:
            return None
        try:
            return parse_unit(value)
        except UnknownUnitError as error:
            self.fault(
                f"{self.what}的单位“{value}”里不认识“{error}”；单位见 docs/rule-language.md 第 3 节", self.line_at(key)
            )
            return None

    def names(self, key: str) -> tuple[str, ...]:
        value = self.raw(key)
        if value is None:
            return ()
        if not isinstance(value, Seq):
            self.fault(f"{self.what}的“{key}”应是列表", self.line_at(key))
            return ()
        return tuple(str(item) for item in value if isinstance(item, Text))

    def done(self) -> None:
        for key in self.node:
            if key not in self.taken:
                self.fault(f"{self.what}没有“{key}”这一项{did_you_mean(key, self.taken)}", self.line_at(key))
