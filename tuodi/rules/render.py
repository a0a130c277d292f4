"""Formulas with their numbers put in, in Chinese, branches not taken folded away."""

from __future__ import annotations

import ast
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from tuodi.policy.book import Book
from tuodi.policy.model import NO_CAP, EnumDef
from tuodi.policy.units import Dims
from tuodi.rules.slots import Slot, Val

__all__ = ["Renderer", "format_value"]

_CMP = {ast.Lt: "＜", ast.LtE: "≤", ast.Gt: "＞", ast.GtE: "≥", ast.Eq: "＝", ast.NotEq: "≠"}
_OPS = {ast.Add: " ＋ ", ast.Sub: " − ", ast.Mult: " × ", ast.Div: " ÷ "}
_FUNCTIONS = {
    "min": "取小", "max": "取大", "clip": "限于", "bracket": "查表", "age": "周岁", "months": "月份", "given": "有则取", "year": "年份",
}  # fmt: skip


def format_value(book: Book, kind: str, value: Any, *, money: bool = False, dims: Dims = ()) -> str:
    """A value for people: yuan with two decimals, labels, 是/否, ISO dates. `…` marks a fraction that does not end."""
    if kind == "bool":
        return "是" if value else "否"
    if kind == "date":
        return f"{value // 10000:04}-{value // 100 % 100:02}-{value % 100:02}"
    if kind in book.enums:
        enum = book.enums[kind]
        return enum.values[enum.value(value)]
    if kind == "month":
        return f"{value // 100:04}-{value % 100:02}"
    if ("月份", 1) in dims:
        number = int(value)
        return f"{(number - 1) // 12:04}-{number - (number - 1) // 12 * 12:02}"
    if value == NO_CAP:
        return "无上限"
    if money:
        if value.denominator == 1 if isinstance(value, Fraction) else True:
            fen = int(value)
            sign = "-" if fen < 0 else ""
            return f"{sign}{abs(fen) // 100:,}.{abs(fen) % 100:02}"
        fen = round(value)
        return f"{fen // 100:,}.{fen % 100:02}…"
    if isinstance(value, int) or value.denominator == 1:
        return f"{int(value):,}"
    shown = f"{float(value):.4f}".rstrip("0")  # for the eye only; the exact value stays a fraction
    return shown if Fraction(shown) == value else f"{shown}…"


class Renderer:
    """Renders one rule on one row. `used` lists the sources that took part; `before` is the figure before rounding."""

    def __init__(self, book: Book, plan: Any, slot: Slot, number: Callable[[Val], Any], labels: dict[str, str]) -> None:
        self.book, self.plan, self.slot, self.number, self.labels = book, plan, slot, number, labels
        self.used: dict[str, None] = {}
        self.before: Fraction | None = None
        self.cache: dict[str, Any] = {}

    def source(self, e: ast.expr) -> str:
        text = getattr(e, "src", None)
        if text is None:
            text = e.id if isinstance(e, ast.Name) else ast.unparse(e)
            e.src = text  # type: ignore[attr-defined]
        return text  # type: ignore[no-any-return]

    def ref(self, e: ast.expr) -> Val | None:
        if isinstance(e, ast.Name | ast.Attribute | ast.Subscript | ast.Call):
            return self.slot.refs.get(self.source(e))
        return None

    def calc(self) -> str:
        return self.show(self.slot.tree, 0)

    # ---- text
    def show(self, e: ast.expr, tight: int) -> str:
        found = self.ref(e)
        if found is not None:
            source = self.source(e)
            self.used[source] = None
            value = self.value_of(source, found)
            if value is None:
                return "未知"
            if found.type == "number" and found.dims == self.slot.dims and self.slot.unit_factor != 1:
                value = Fraction(value) / self.slot.unit_factor  # a yearly rule shows yearly figures
            return format_value(self.book, found.type, value, money=dict(found.dims).get("元") == 1, dims=found.dims)
        if isinstance(e, ast.Constant):
            return ("是" if e.value else "否") if isinstance(e.value, bool) else str(e.value)
        if isinstance(e, ast.BinOp):
            level = 1 if isinstance(e.op, ast.Add | ast.Sub) else 2
            text = (
                self.show(e.left, level)
                + _OPS[type(e.op)]
                + self.show(e.right, level + (1 if isinstance(e.op, ast.Sub | ast.Div) else 0))
            )
            return f"（{text}）" if level < tight else text
        if isinstance(e, ast.UnaryOp):
            if isinstance(e.op, ast.USub):
                return f"−{self.show(e.operand, 3)}"
            inner = self.side(e.operand, 3)
            # what is said is the state as it is: 无死亡日期, 在押＝否
            return inner if self.ref(e.operand) is not None or inner[:1] in ("有", "无") else f"不是（{inner}）"
        if isinstance(e, ast.BoolOp):
            word = " 且 " if isinstance(e.op, ast.And) else " 或 "
            deciding = [v for v in e.values if isinstance(e.op, ast.Or) and self.evaluate(v) is True]
            text = word.join(self.side(v, 1) for v in (deciding[:1] or e.values))  # one true side settles an “or”
            return f"（{text}）" if tight else text
        if isinstance(e, ast.Compare):
            return self.compare(e)
        if isinstance(e, ast.IfExp):
            test = self.evaluate(e.test)
            if test is None:
                return f"未知（取决于 {self.show(e.test, 0)}）"
            self.show(e.test, 0)
            return self.show(e.body if test else e.orelse, tight)
        if isinstance(e, ast.Call):
            return self.call(e)
        name = e.id if isinstance(e, ast.Name) else self.source(e)
        for enum in self.book.enums.values():
            if name in enum.values:
                return enum.values[name]
        param = self.book.params.get(name) or self.book.params.get(f"{self.slot.name.split('.')[0]}.{name}")
        return param.label if param else name

    def side(self, e: ast.expr, tight: int) -> str:
        """One side of an “and” or “or”: a bare yes/no value is named, so that the sentence can be read."""
        found = self.ref(e)
        text = self.show(e, tight)
        return f"{self.label(e)}＝{text}" if found is not None and found.type == "bool" else text

    def compare(self, e: ast.Compare) -> str:
        left = self.show(e.left, 1)
        right = e.comparators[0]
        if isinstance(e.ops[0], ast.In | ast.NotIn):
            word = "属于" if isinstance(e.ops[0], ast.In) else "不属于"
            shown = (
                "、".join(self.show(x, 0) for x in right.elts)
                if isinstance(right, ast.List | ast.Tuple | ast.Set)
                else self.show(right, 0)
            )
            return f"{left} {word} {shown}"
        return f"{left} {_CMP[type(e.ops[0])]} {self.show(right, 1)}"

    def call(self, e: ast.Call) -> str:
        name = e.func.id if isinstance(e.func, ast.Name) else ""
        if name in ("payable", "round_to"):
            value = self.evaluate(e.args[0])
            self.before = value if isinstance(value, Fraction | int) else None
            return self.show(e.args[0], 0)
        if name == "known":
            value = self.evaluate(e.args[0])
            self.show(e.args[0], 0)
            return f"{'有' if value is not None else '无'}{self.label(e.args[0])}"
        if name == "max" and len(e.args) == 2 and isinstance(e.args[1], ast.Constant) and e.args[1].value == 0:
            value = self.evaluate(e.args[0])
            inner = self.show(e.args[0], 0)
            return inner if value is not None and value >= 0 else f"{inner}，不足 0 按 0"
        if name == "given":
            value = self.evaluate(e.args[0])
            first = self.show(e.args[0], 0)
            return first if value is not None else self.show(e.args[1], 0)
        parts = [self.show(a, 0) for a in e.args]
        return f"{_FUNCTIONS.get(name, name)}（{'，'.join(parts)}）"

    def label(self, e: ast.expr) -> str:
        found = self.ref(e)
        key = found.node.key if found is not None else ""  # type: ignore[attr-defined]
        if key not in self.labels:
            facts = {f.key: f.label for f in self.book.draft.facts}
            rule = self.book.rules.get(key)
            named = next((t.label for t in rule.texts if t.label), "") if rule else ""
            self.labels[key] = facts.get(key) or named or self.source(e)
        return self.labels[key]

    # ---- values, for choosing the branch taken
    def value_of(self, source: str, v: Val) -> Any:
        if source not in self.cache:
            self.cache[source] = self.number(v)
        return self.cache[source]

    def evaluate(self, e: ast.expr) -> Any:
        """The value of an expression with the row's figures; None when unknown or not worth computing for a branch."""
        found = self.ref(e)
        if found is not None:
            return self.value_of(self.source(e), found)
        if isinstance(e, ast.Constant):
            return e.value
        if isinstance(e, ast.UnaryOp):
            value = self.evaluate(e.operand)
            return None if value is None else (not value) if isinstance(e.op, ast.Not) else -value
        if isinstance(e, ast.BoolOp):
            stop = isinstance(e.op, ast.Or)
            values = [self.evaluate(v) for v in e.values]
            if any(v is not None and bool(v) is stop for v in values):
                return stop
            return None if any(v is None for v in values) else not stop
        if isinstance(e, ast.Compare):
            return self.evaluate_compare(e)
        if isinstance(e, ast.IfExp):
            test = self.evaluate(e.test)
            return None if test is None else self.evaluate(e.body if test else e.orelse)
        if isinstance(e, ast.BinOp):
            a, b = self.evaluate(e.left), self.evaluate(e.right)
            if a is None or b is None:
                return None
            if isinstance(e.op, ast.Add):
                return a + b
            if isinstance(e.op, ast.Sub):
                return a - b
            if isinstance(e.op, ast.Mult):
                return a * b
            return Fraction(a) / Fraction(b) if b else None
        if isinstance(e, ast.Call) and isinstance(e.func, ast.Name):
            return self.evaluate_call(e, e.func.id)
        return self.structural(e)

    def evaluate_call(self, e: ast.Call, name: str) -> Any:
        args = [self.evaluate(a) for a in e.args]
        if name == "known":
            return args[0] is not None
        if name == "given":
            return args[0] if args[0] is not None else args[1]
        if any(a is None for a in args):
            return None
        if name in ("min", "max"):
            return min(args) if name == "min" else max(args)
        if name == "clip":
            return min(max(args[0], args[1]), args[2])
        if name == "age":
            return ((args[1] if len(args) > 1 else self.plan.builtins["case_date"]) - args[0]) // 10000
        if name == "year":
            return args[0] // 10000
        if name == "months":
            day = args[0] if args[0] > 999999 else args[0] * 100
            return day // 100 - day // 10000 * 88
        return None

    def evaluate_compare(self, e: ast.Compare) -> Any:
        a, right, op = self.evaluate(e.left), e.comparators[0], e.ops[0]
        if isinstance(op, ast.In | ast.NotIn):
            enum = self.enum_of(e.left)
            if a is None or enum is None:
                return None
            if isinstance(right, ast.List | ast.Tuple | ast.Set):
                names = [x.id for x in right.elts]  # type: ignore[attr-defined]
            else:
                names = self.structural(right) or []
            inside = enum.value(a) in names
            return inside if isinstance(op, ast.In) else not inside
        b = self.evaluate(right)
        enum = self.enum_of(e.left) or self.enum_of(right)
        if enum is not None:
            a = enum.code(e.left.id) if a is None and isinstance(e.left, ast.Name) and e.left.id in enum.values else a
            b = enum.code(right.id) if b is None and isinstance(right, ast.Name) and right.id in enum.values else b
        if a is None or b is None:
            return None
        return {ast.Lt: a < b, ast.LtE: a <= b, ast.Gt: a > b, ast.GtE: a >= b, ast.Eq: a == b, ast.NotEq: a != b}[
            type(op)
        ]

    def enum_of(self, e: ast.expr) -> EnumDef | None:
        """The enum a value belongs to: a fact's, a rule's or a structural parameter's."""
        found = self.ref(e)
        if found is not None:
            return self.book.enums.get(found.type)
        name = self.source(e)
        for full in (f"{self.slot.name.split('.')[0]}.{name}", name):
            param = self.book.params.get(full)
            if param is not None and param.kind == "enum":
                return self.book.enums.get(param.of)
        return None

    def structural(self, e: ast.expr) -> Any:
        name = self.source(e)
        for full in (f"{self.slot.name.split('.')[0]}.{name}", name):
            param = self.book.params.get(full)
            if param is not None and param.structural:
                row = self.book.value(full, self.plan.chain, (), self.plan.case_date)
                if row is None:
                    return None
                return self.book.enums[param.of].code(row.value) if param.kind == "enum" and row.value else row.value
        return None
