"""A formula in words, as a lawyer reads it, and what differs between two of them."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from datetime import date
from difflib import SequenceMatcher

from tuodi.policy.book import Book
from tuodi.rules.syntax import FormulaError, parse

__all__ = ["Segment", "differing", "in_words"]

_COMPARE = {
    ast.Lt: "＜", ast.LtE: "≤", ast.Gt: "＞", ast.GtE: "≥", ast.Eq: "＝", ast.NotEq: "≠", ast.In: "属于", ast.NotIn: "不属于",
}  # fmt: skip
_OPERATORS = {ast.Add: "＋", ast.Sub: "−", ast.Mult: "×", ast.Div: "÷"}
_CALLS = {
    "min": "较小者",
    "max": "较大者",
    "clip": "限于",
    "payable": "取整",
    "round_to": "取整",
    "age": "周岁",
    "year": "年份",
}
_BUILTINS = {"case_date": "认定日", "month_no": "当月", "month_start": "当月第一日", "month_end": "当月最后一日"}
_TOKEN = re.compile(r"[\w·]+|\s+|.", re.DOTALL)

#: A stretch of text: `same`, `out` (only before) or `in` (only after), and its words.
Segment = tuple[str, str]


class _Words:
    """Prints one formula; names are told by their labels where the place knows them."""

    def __init__(self, book: Book, place: str, on: date, programme: str) -> None:
        chain = book.chain(place)
        self.book, self.programme = book, programme
        self.texts, self.facts = book.rule_texts(chain, on), book.facts_on(chain)

    def name(self, name: str) -> str:
        if name in _BUILTINS:
            return _BUILTINS[name]
        for full in (f"{self.programme}.{name}", name):
            if full in self.texts:
                return self.texts[full].label or full
            if full in self.book.params:
                return self.book.params[full].label
        if name in self.facts:
            return self.facts[name][0].label
        for enum in self.book.enums.values():
            if name in enum.values:
                return enum.values[name]
        return name

    def items(self, nodes: Sequence[ast.expr]) -> str:
        return "，".join(self.say(one) for one in nodes)

    def tight(self, e: ast.expr) -> str:
        """An operand: in brackets where it is made of parts itself."""
        text = self.say(e)
        return f"（{text}）" if isinstance(e, ast.BoolOp | ast.IfExp | ast.Compare) else text

    def factor(self, e: ast.expr) -> str:
        text = self.tight(e)
        return f"（{text}）" if isinstance(e, ast.BinOp) and isinstance(e.op, ast.Add | ast.Sub) else text

    def say(self, e: ast.expr) -> str:
        if isinstance(e, ast.Constant):
            return ("是" if e.value else "否") if isinstance(e.value, bool) else str(e.value)
        if isinstance(e, ast.Name):
            return self.name(e.id)
        if isinstance(e, ast.Attribute):
            return self.name(ast.unparse(e))
        if isinstance(e, ast.Subscript):
            keys = list(e.slice.elts) if isinstance(e.slice, ast.Tuple) else [e.slice]
            return f"{self.say(e.value)}（按{self.items(keys)}）"
        if isinstance(e, ast.List | ast.Tuple | ast.Set):
            return "、".join(self.say(one) for one in e.elts)
        if isinstance(e, ast.BinOp):
            side = self.factor if isinstance(e.op, ast.Mult | ast.Div) else self.tight
            right = self.factor(e.right) if isinstance(e.op, ast.Sub) else side(e.right)
            if (
                isinstance(e.op, ast.Div)
                and isinstance(e.right, ast.BinOp)
                and isinstance(e.right.op, ast.Mult | ast.Div)
            ):
                right = f"（{right}）"
            return f"{side(e.left)} {_OPERATORS[type(e.op)]} {right}"
        if isinstance(e, ast.UnaryOp):
            return f"−{self.factor(e.operand)}" if isinstance(e.op, ast.USub) else f"不是（{self.say(e.operand)}）"
        if isinstance(e, ast.BoolOp):
            word = " 且 " if isinstance(e.op, ast.And) else " 或 "
            return word.join(self.tight(v) if not isinstance(v, ast.Compare) else self.say(v) for v in e.values)
        if isinstance(e, ast.Compare):
            return f"{self.tight(e.left)} {_COMPARE[type(e.ops[0])]} {self.tight(e.comparators[0])}"
        if isinstance(e, ast.IfExp):
            return f"如果 {self.say(e.test)}，则 {self.say(e.body)}；否则 {self.say(e.orelse)}"
        if isinstance(e, ast.Call):
            return self.call(e)
        return ast.unparse(e)

    def call(self, e: ast.Call) -> str:
        if isinstance(e.func, ast.Attribute):
            rows = self.book.collections.get(ast.unparse(e.func.value))
            return self.over(rows.label if rows else ast.unparse(e.func.value), e.func.attr, e.args)
        name = e.func.id if isinstance(e.func, ast.Name) else ast.unparse(e.func)
        if name == "known":
            return f"有{self.say(e.args[0])}"
        if name == "given":
            return f"{self.say(e.args[0])}（没有的按 {self.say(e.args[1])}）"
        if name == "months":
            return f"{self.say(e.args[0])}所在月"
        if name == "bracket":
            return f"{self.say(e.args[0])}（按{self.say(e.args[1])}查表）"
        return f"{_CALLS.get(name, name)}（{self.items(e.args)}）"

    def over(self, rows: str, method: str, args: list[ast.expr]) -> str:
        first = self.say(args[0])
        if method == "count":
            return f"{rows}数" if first == "是" else f"{rows}中“{first}”的数目"
        if method == "sum":
            return f"各{rows}“{first}”之和"
        if method == "any":
            return f"有{rows}“{first}”"
        if method == "all":
            return f"{rows}都“{first}”"
        word = "最大" if method == "max" else "最小"
        return f"各{rows}“{first}”中{word}的（没有的按 {self.say(args[1])}）"


def in_words(book: Book, formula: str, *, place: str, on: date, programme: str) -> str:
    """A formula with labels for names and Chinese words for signs; the formula itself where it cannot be read."""
    try:
        return _Words(book, place, on, programme).say(parse(formula))
    except (FormulaError, IndexError):
        return formula


def differing(before: str, after: str) -> list[Segment]:
    """Both texts in one: what stays, what goes out, what comes in, word by word."""
    old, new = _TOKEN.findall(before), _TOKEN.findall(after)
    out: list[Segment] = []
    for what, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if what == "equal":
            out.append(("same", "".join(old[a:b])))
            continue
        if b > a:
            out.append(("out", "".join(old[a:b])))
        if d > c:
            out.append(("in", "".join(new[c:d])))
    return out
