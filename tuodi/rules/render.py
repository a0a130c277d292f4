"""Formulas with their numbers put in, in Chinese, branches not taken folded away: compiled once a rule, run once a row."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

from tuodi.policy.book import Book
from tuodi.policy.model import EnumDef
from tuodi.rules.shown import formatter, yes_no
from tuodi.rules.slots import Model, Slot, Val

__all__ = ["Calc", "Row"]

_CMP = {ast.Lt: "＜", ast.LtE: "≤", ast.Gt: "＞", ast.GtE: "≥", ast.Eq: "＝", ast.NotEq: "≠"}
_OPS = {ast.Add: " ＋ ", ast.Sub: " − ", ast.Mult: " × ", ast.Div: " ÷ "}
_FUNCTIONS = {
    "min": "取小", "max": "取大", "clip": "限于", "bracket": "查表", "age": "周岁", "months": "月份", "given": "有则取", "year": "年份",
}  # fmt: skip
_UNSET = object()


class Row:
    """One row being explained: its rows nearest first, the values looked up so far, what took part, the figure before rounding."""

    __slots__ = ("before", "builtins", "rows", "used", "values")

    def __init__(self, calc: Calc, rows: list[dict[str, Any]], builtins: dict[str, int]) -> None:
        self.rows, self.builtins = rows, builtins
        self.values: list[Any] = [_UNSET] * len(calc.refs)
        self.used: dict[int, None] = {}
        self.before: Any = None


Show = Callable[[Row], str]
Eval = Callable[[Row], Any]


class Calc:
    """The arithmetic of one rule or aggregate. `refs` are what its formula refers to; `show(row)` writes it out."""

    def __init__(self, book: Book, model: Model, slot: Slot) -> None:
        self.book, self.model, self.slot = book, model, slot
        self.level = slot.child_level or slot.level
        self.refs: list[Val] = []
        self.readers: list[Eval] = []
        #: for each reference the slots to show for it, and whether that is an aggregate's rows
        self.sources: list[tuple[tuple[str, bool], ...]] = []
        self.numbers: dict[str, int] = {}
        self.programme = slot.name.split(".")[0]
        self.show: Show = self.text(slot.tree, 0) if slot.tree is not None else _constant("")

    # ---- what a formula refers to
    def index(self, e: ast.expr) -> int | None:
        """The number of the value an expression stands for, or None."""
        if not isinstance(e, ast.Name | ast.Attribute | ast.Subscript | ast.Call):
            return None
        source = e.id if isinstance(e, ast.Name) else ast.unparse(e)
        found = self.slot.refs.get(source)
        if found is None:
            return None
        if source not in self.numbers:
            self.numbers[source] = len(self.refs)
            self.refs.append(found)
            self.readers.append(self.reader(found))
            self.sources.append(tuple(self.behind(found.node.key)))  # type: ignore[attr-defined]
        return self.numbers[source]

    def behind(self, key: str) -> Iterator[tuple[str, bool]]:
        """What stands behind a reference: hidden intermediates give way to what they are made of."""
        slot = self.model.slots.get(key)
        if slot is None:
            return  # settled when the rules were compiled: a constant here
        if slot.kind == "hidden":
            for dep in slot.deps:
                yield from self.behind(dep)
        else:
            yield key, slot.kind == "agg"

    def raw(self, key: str) -> Eval:
        """The integer, truth value or code of a slot as seen from a row of this rule's level."""
        slot = self.model.slots[key]
        if slot.kind == "builtin":
            name = slot.name
            return lambda c: c.builtins[name]
        up = self.model.depth(self.level) - self.model.depth(slot.level)
        return lambda c: c.rows[up].get(key)

    def reader(self, v: Val) -> Eval:
        """A referred value: exact canonical number (money in fen), truth value, code, or None."""
        node: Any = v.node
        if node.key not in self.model.slots:
            # settled when the rules were compiled: the least and greatest value are one, or it could not matter
            settled = None if node.lo != node.hi else bool(node.lo) if v.type == "bool" else node.lo
            return _value(settled * v.scale if v.type == "number" and settled is not None else settled)
        raw = self.raw(node.key)
        if v.type != "number" or (v.scale == 1 and not v.factors):
            return raw
        scale, factors = v.scale, [self.raw(f) for f in v.factors]

        def read(c: Row) -> Any:
            value = raw(c)
            if value is None:
                return None
            value = value * scale
            for factor in factors:
                part = factor(c)
                if part is None:
                    return None
                value = value / part
            return value

        return read

    def value(self, number: int) -> Eval:
        reader = self.readers[number]

        def value(c: Row) -> Any:
            found = c.values[number]
            if found is _UNSET:
                found = c.values[number] = reader(c)
            return found

        return value

    # ---- text
    def text(self, e: ast.expr, tight: int) -> Show:
        number = self.index(e)
        if number is not None:
            return self.figure(number)
        if isinstance(e, ast.Constant):
            return _constant(yes_no(e.value) if isinstance(e.value, bool) else str(e.value))
        if isinstance(e, ast.BinOp):
            level = 1 if isinstance(e.op, ast.Add | ast.Sub) else 2
            left, sign = self.text(e.left, level), _OPS[type(e.op)]
            right = self.text(e.right, level + (1 if isinstance(e.op, ast.Sub | ast.Div) else 0))
            if level < tight:
                return lambda c: f"（{left(c)}{sign}{right(c)}）"
            return lambda c: left(c) + sign + right(c)
        if isinstance(e, ast.UnaryOp):
            return self.unary(e)
        if isinstance(e, ast.BoolOp):
            return self.joined(e, tight)
        if isinstance(e, ast.Compare):
            return self.comparison(e)
        if isinstance(e, ast.IfExp):
            test, asked = self.evaluate(e.test), self.text(e.test, 0)
            yes, no = self.text(e.body, tight), self.text(e.orelse, tight)

            def choose(c: Row) -> str:
                outcome = test(c)
                shown = asked(c)
                return f"未知（取决于 {shown}）" if outcome is None else yes(c) if outcome else no(c)

            return choose
        if isinstance(e, ast.Call):
            return self.call(e)
        return _constant(self.word(e))

    def figure(self, number: int) -> Show:
        v = self.refs[number]
        write = formatter(self.book, v.type, money=dict(v.dims).get("元") == 1, dims=v.dims)
        reader = self.readers[number]
        if v.type == "number" and v.dims == self.slot.dims and self.slot.unit_factor != 1:
            plain, factor = write, self.slot.unit_factor
            write = lambda value: plain(Fraction(value) / factor)  # noqa: E731 - a yearly rule shows yearly figures

        def show(c: Row) -> str:
            c.used[number] = None
            value = c.values[number]
            if value is _UNSET:
                value = c.values[number] = reader(c)
            return "未知" if value is None else write(value)

        return show

    def word(self, e: ast.expr) -> str:
        name = e.id if isinstance(e, ast.Name) else ast.unparse(e)
        for enum in self.book.enums.values():
            if name in enum.values:
                return enum.values[name]
        param = self.book.params.get(name) or self.book.params.get(f"{self.programme}.{name}")
        return param.label if param else name

    def unary(self, e: ast.UnaryOp) -> Show:
        if isinstance(e.op, ast.USub):
            operand = self.text(e.operand, 3)
            return lambda c: f"−{operand(c)}"
        inner = self.side(e.operand, 3)
        if self.index(e.operand) is not None:
            return inner  # what is said is the state as it is: 在押＝否

        def show(c: Row) -> str:
            text = inner(c)
            return text if text[:1] in ("有", "无") else f"不是（{text}）"

        return show

    def side(self, e: ast.expr, tight: int) -> Show:
        """One side of an “and” or “or”: a bare yes/no value is named, so that the sentence can be read."""
        text, number = self.text(e, tight), self.index(e)
        if number is None or self.refs[number].type != "bool":
            return text
        label = self.label(e)
        return lambda c: f"{label}＝{text(c)}"

    def joined(self, e: ast.BoolOp, tight: int) -> Show:
        word = " 且 " if isinstance(e.op, ast.And) else " 或 "
        parts = [self.side(v, 1) for v in e.values]
        tests = [self.evaluate(v) for v in e.values] if isinstance(e.op, ast.Or) else []

        def show(c: Row) -> str:
            for test, part in zip(tests, parts, strict=False):
                if test(c) is True:  # one true side settles an “or”
                    text = part(c)
                    break
            else:
                text = word.join([part(c) for part in parts])
            return f"（{text}）" if tight else text

        return show

    def comparison(self, e: ast.Compare) -> Show:
        left, right, op = self.text(e.left, 1), e.comparators[0], e.ops[0]
        if isinstance(op, ast.In | ast.NotIn):
            word = " 属于 " if isinstance(op, ast.In) else " 不属于 "
            items = right.elts if isinstance(right, ast.List | ast.Tuple | ast.Set) else [right]
            parts = [self.text(x, 0) for x in items]
            return lambda c: left(c) + word + "、".join([part(c) for part in parts])
        sign, other = f" {_CMP[type(op)]} ", self.text(right, 1)
        return lambda c: left(c) + sign + other(c)

    def call(self, e: ast.Call) -> Show:
        name = e.func.id if isinstance(e.func, ast.Name) else ""
        if name == "bracket":
            parts = [_constant(self.word(e.args[0])), *(self.text(a, 0) for a in e.args[1:])]
        else:
            parts = [self.text(a, 0) for a in e.args]
        first, value = parts[0], self.evaluate(e.args[0])
        if name in ("payable", "round_to"):

            def rounded(c: Row) -> str:
                before = value(c)
                c.before = before if isinstance(before, Fraction | int) else None
                return first(c)

            return rounded
        if name == "known":
            label = self.label(e.args[0])

            def known(c: Row) -> str:
                first(c)
                return f"{'有' if value(c) is not None else '无'}{label}"

            return known
        if name == "max" and len(e.args) == 2 and isinstance(e.args[1], ast.Constant) and e.args[1].value == 0:

            def floored(c: Row) -> str:
                at = value(c)
                inner = first(c)
                return inner if at is not None and at >= 0 else f"{inner}，不足 0 按 0"

            return floored
        if name == "given":
            other = parts[1]

            def given(c: Row) -> str:
                there = value(c) is not None
                shown = first(c)
                return shown if there else other(c)

            return given
        head = _FUNCTIONS.get(name, name)
        return lambda c: f"{head}（{'，'.join([part(c) for part in parts])}）"

    def label(self, e: ast.expr) -> str:
        number = self.index(e)
        key = self.refs[number].node.key if number is not None else ""  # type: ignore[attr-defined]
        for fact in self.book.draft.facts:
            if fact.key == key:
                return fact.label
        rule = self.book.rules.get(key)
        named = next((t.label for t in rule.texts if t.label), "") if rule else ""
        return named or (e.id if isinstance(e, ast.Name) else ast.unparse(e))

    # ---- values, for choosing the branch taken; None when unknown or not worth computing
    def evaluate(self, e: ast.expr) -> Eval:
        number = self.index(e)
        if number is not None:
            return self.value(number)
        if isinstance(e, ast.Constant):
            constant = e.value
            return lambda c: constant
        if isinstance(e, ast.UnaryOp):
            inner = self.evaluate(e.operand)
            if isinstance(e.op, ast.Not):
                return lambda c: None if (v := inner(c)) is None else not v
            return lambda c: None if (v := inner(c)) is None else -v
        if isinstance(e, ast.BoolOp):
            return _settle([self.evaluate(v) for v in e.values], isinstance(e.op, ast.Or))
        if isinstance(e, ast.Compare):
            return self.compare(e)
        if isinstance(e, ast.IfExp):
            test, yes, no = self.evaluate(e.test), self.evaluate(e.body), self.evaluate(e.orelse)
            return lambda c: None if (v := test(c)) is None else yes(c) if v else no(c)
        if isinstance(e, ast.BinOp):
            return _arithmetic(e.op, self.evaluate(e.left), self.evaluate(e.right))
        if isinstance(e, ast.Call) and isinstance(e.func, ast.Name):
            return self.function(e, e.func.id)
        constant = self.structural(e)
        return lambda c: constant

    def function(self, e: ast.Call, name: str) -> Eval:
        args = [self.evaluate(a) for a in e.args]
        first = args[0]
        if name == "known":
            return lambda c: first(c) is not None
        if name == "given":
            other = args[1]
            return lambda c: other(c) if (v := first(c)) is None else v

        def call(c: Row) -> Any:
            values = [a(c) for a in args]
            if any(v is None for v in values):
                return None
            if name == "min":
                return min(values)
            if name == "max":
                return max(values)
            if name == "clip":
                return min(max(values[0], values[1]), values[2])
            if name == "age":
                return ((values[1] if len(values) > 1 else c.builtins["case_date"]) - values[0]) // 10000
            if name == "year":
                return values[0] // 10000
            if name == "months":
                day = values[0] if values[0] > 999999 else values[0] * 100
                return day // 100 - day // 10000 * 88
            return None

        return call

    def compare(self, e: ast.Compare) -> Eval:
        left, right, op = self.evaluate(e.left), e.comparators[0], e.ops[0]
        if isinstance(op, ast.In | ast.NotIn):
            enum = self.enum_of(e.left)
            if enum is None:
                return lambda c: None
            if isinstance(right, ast.List | ast.Tuple | ast.Set):
                names = [x.id for x in right.elts]  # type: ignore[attr-defined]
            else:
                names = self.structural(right) or []
            codes, inside = frozenset(enum.code(n) for n in names), isinstance(op, ast.In)
            return lambda c: None if (v := left(c)) is None else (v in codes) is inside
        other = self.evaluate(right)
        enum = self.enum_of(e.left) or self.enum_of(right)
        if enum is not None:
            if isinstance(e.left, ast.Name) and e.left.id in enum.values and self.index(e.left) is None:
                left = _value(enum.code(e.left.id))
            if isinstance(right, ast.Name) and right.id in enum.values and self.index(right) is None:
                other = _value(enum.code(right.id))
        return _compared(op, left, other)

    def enum_of(self, e: ast.expr) -> EnumDef | None:
        """The enum a value belongs to: a fact's, a rule's or a structural parameter's."""
        number = self.index(e)
        if number is not None:
            return self.book.enums.get(self.refs[number].type)
        name = e.id if isinstance(e, ast.Name) else ast.unparse(e)
        for full in (f"{self.programme}.{name}", name):
            param = self.book.params.get(full)
            if param is not None and param.kind == "enum":
                return self.book.enums.get(param.of)
        return None

    def structural(self, e: ast.expr) -> Any:
        """A switch, choice, set or table: part of the rule's identity, so the same for every family of a model."""
        name = e.id if isinstance(e, ast.Name) else ast.unparse(e)
        for full in (f"{self.programme}.{name}", name):
            param = self.book.params.get(full)
            if param is not None and param.structural:
                row = self.model.structural.get(full)
                if row is None:
                    return None
                return self.book.enums[param.of].code(row.value) if param.kind == "enum" and row.value else row.value
        return None


def _constant(text: str) -> Show:
    return lambda c: text


def _value(value: Any) -> Eval:
    return lambda c: value


def _settle(parts: list[Eval], stop: bool) -> Eval:
    def settle(c: Row) -> Any:
        unknown = False
        for part in parts:
            value = part(c)
            if value is None:
                unknown = True
            elif bool(value) is stop:
                return stop
        return None if unknown else not stop

    return settle


def _arithmetic(op: ast.operator, left: Eval, right: Eval) -> Eval:
    def arithmetic(c: Row) -> Any:
        a, b = left(c), right(c)
        if a is None or b is None:
            return None
        if isinstance(op, ast.Add):
            return a + b
        if isinstance(op, ast.Sub):
            return a - b
        if isinstance(op, ast.Mult):
            return a * b
        return Fraction(a) / Fraction(b) if b else None

    return arithmetic


def _compared(op: ast.cmpop, left: Eval, right: Eval) -> Eval:
    def compared(c: Row) -> Any:
        a, b = left(c), right(c)
        if a is None or b is None:
            return None
        if isinstance(op, ast.Lt):
            return a < b
        if isinstance(op, ast.LtE):
            return a <= b
        if isinstance(op, ast.Gt):
            return a > b
        if isinstance(op, ast.GtE):
            return a >= b
        return a == b if isinstance(op, ast.Eq) else a != b

    return compared
