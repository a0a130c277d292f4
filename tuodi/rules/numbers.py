"""Exact arithmetic of the lowering: an integer times a constant fraction over named positive integers."""

from __future__ import annotations

import ast
import math
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction

from tuodi.policy.units import COUNTS, MONTH_NO, Dims, multiply, parse_unit, show
from tuodi.rules import core
from tuodi.rules.slots import Slot, Val
from tuodi.rules.syntax import FormulaError

__all__ = ["Numbers"]


class Numbers:
    """The part of the lowering that knows numbers only. State: the slots, and the unit factor of the rule being lowered."""

    def __init__(self) -> None:
        self.slots: dict[str, Slot] = {}
        self.hidden: dict[tuple[str, core.Node], str] = {}
        self.positive: frozenset[str | core.Node] = frozenset()
        self.unit_factor = Fraction(1)

    def need(self, value: Val, kind: str, where: str) -> None:
        if value.type != kind:
            names = {"bool": "是否判断", "number": "数", "date": "日期", "month": "月份"}
            got = "集合" if value.type.startswith("set:") else names.get(value.type, f"枚举 {value.type}")
            raise FormulaError(f"{where}应是{names.get(kind, kind)}，这里是{got}")

    # ---- dimensions
    def fits(self, value: Val, want: Dims) -> bool:
        """A value may stand where `want` is asked: equal dimension, a zero, or a bare integer where things are counted."""
        if value.dims == want:
            return True
        if isinstance(value.node, core.Const) and value.node.value == 0 and value.bare:
            return True
        return value.bare and len(want) == 1 and want[0][1] == 1 and want[0][0] in COUNTS

    def same_dims(self, a: Val, b: Val, left: str, right: str) -> Dims:
        if self.fits(a, b.dims):
            return b.dims
        if self.fits(b, a.dims):
            return a.dims
        raise FormulaError(f"“{left}”和“{right}”两边单位不同: {show(a.dims)} 与 {show(b.dims)}")

    # ---- fractions
    def product(self, factors: Sequence[str]) -> core.Node:
        node: core.Node = core.const(1)
        for key in factors:
            slot = self.slots[key]
            node = core.mul(node, core.Col(False, slot.lo, slot.hi, slot.null, key))
        return node

    def common(self, values: Sequence[Val]) -> tuple[list[core.Node], Fraction, tuple[str, ...]]:
        """The same values over one scale and one set of factors."""
        union: Counter[str] = Counter()
        for v in values:
            union |= Counter(v.factors)
        num = math.gcd(*(v.scale.numerator for v in values))
        den = math.lcm(*(v.scale.denominator for v in values))
        scale = Fraction(num, den)
        nodes = []
        for v in values:
            ratio = v.scale / scale
            assert ratio.denominator == 1
            missing = sorted((union - Counter(v.factors)).elements())
            nodes.append(core.mul(core.mul(v.node, self.product(missing)), core.const(ratio.numerator)))
        return nodes, scale, tuple(sorted(union.elements()))

    def arithmetic(self, e: ast.BinOp, a: Val, b: Val, level: str) -> Val:
        left, right = ast.unparse(e.left), ast.unparse(e.right)
        if isinstance(e.op, ast.Sub) and a.type == b.type == "date":
            raise FormulaError("日期不能相减；用 months(…) 或 age(…)")
        self.need(a, "number", f"“{left}”")
        self.need(b, "number", f"“{right}”")
        if isinstance(e.op, ast.Mult):
            factors = tuple(sorted((*a.factors, *b.factors)))
            return Val(
                "number",
                core.mul(a.node, b.node),
                multiply(a.dims, b.dims),
                a.scale * b.scale,
                factors,
                a.bare and b.bare,
            )
        if isinstance(e.op, ast.Div):
            return self.divide(a, b, right, level)
        month = parse_unit("月").dims
        if MONTH_NO in (a.dims, b.dims) and not (a.dims == b.dims and isinstance(e.op, ast.Add)):
            dims = self.month_dims(a, b, isinstance(e.op, ast.Sub), month, left, right)
        else:
            dims = self.same_dims(a, b, left, right)
        nodes, scale, factors = self.common([a, b])
        join = core.add if isinstance(e.op, ast.Add) else core.sub
        return Val("number", join(nodes[0], nodes[1]), dims, scale, factors, a.bare and b.bare)

    def month_dims(self, a: Val, b: Val, minus: bool, month: Dims, left: str, right: str) -> Dims:
        """月份 − 月份 is 月; 月份 ± 月 is 月份."""
        if minus and a.dims == b.dims == MONTH_NO:
            return month
        if a.dims == MONTH_NO and self.fits(b, month):
            return MONTH_NO
        if not minus and b.dims == MONTH_NO and self.fits(a, month):
            return MONTH_NO
        raise FormulaError(f"“{left}”和“{right}”两边单位不同: {show(a.dims)} 与 {show(b.dims)}")

    def divide(self, a: Val, b: Val, right: str, level: str) -> Val:
        dims = multiply(a.dims, b.dims, -1)
        if isinstance(b.node, core.Const) and b.node.value is not None:
            number = int(b.node.value)
            if number == 0:
                raise FormulaError("除数是 0")
            node = core.mul(a.node, core.const(-1)) if number < 0 else a.node
            node = core.mul(node, self.product(b.factors))
            return Val("number", node, dims, a.scale / (b.scale * abs(number)), a.factors)
        divisor = b.node.key if isinstance(b.node, core.Col) else self.hide(Val("number", b.node), level)
        if b.node.lo <= 0 and divisor not in self.positive and b.node not in self.positive:
            raise FormulaError(f"除数“{right}”可能是 0；写成 … / ({right}) if {right} > 0 else …")
        ours, theirs = Counter(a.factors), Counter(b.factors)
        node = core.mul(a.node, self.product(sorted((theirs - ours).elements())))
        factors = sorted([*(ours - theirs).elements(), self.at_least_one(divisor)])
        return Val("number", node, dims, a.scale / b.scale, tuple(factors))

    def at_least_one(self, key: str) -> str:
        """A slot that equals `key` where that is positive and is 1 elsewhere, so that branches not taken never divide by 0."""
        slot = self.slots[key]
        if slot.lo >= 1:
            return key
        name = f"max({key},1)"
        if name not in self.slots:
            node = core.max_(core.Col(False, slot.lo, slot.hi, slot.null, key), core.const(1))
            self.slots[name] = Slot(
                name, slot.level, "hidden", "number", node, node.lo, node.hi, node.null, deps=(key,), name=slot.name
            )
        return name

    def round(self, x: Val, unit: Fraction, mode: str, source: str) -> Val:
        """To a multiple of `unit` fen, once; in the unit the rule declares."""
        self.need(x, "number", f"取整的“{source}”")
        if x.node.lo < 0:
            raise FormulaError(f"取整的数“{source}”可能为负；先写 max(…, 0)")
        if unit <= 0:
            raise FormulaError("取整单位必须大于 0")
        ratio = x.scale / self.unit_factor / unit
        p, q = ratio.numerator, ratio.denominator
        below = core.mul(core.const(q), self.product(x.factors))
        above = core.mul(x.node, core.const(p))
        if mode == "half_up":
            node = core.floordiv(core.add(core.mul(above, core.const(2)), below), core.mul(below, core.const(2)))
        elif mode == "up":
            node = core.floordiv(core.add(above, core.sub(below, core.const(1))), below)
        else:
            node = core.floordiv(above, below)
        if q == 1 and not x.factors:
            node = above
        return Val("number", node, x.dims, unit * self.unit_factor)

    # ---- hidden slots
    def hide(self, value: Val, level: str) -> str:
        """A slot for an intermediate; an existing column is used as it is if it stands on the same level."""
        if isinstance(value.node, core.Col) and self.slots[value.node.key].level == level:
            return value.node.key
        key = self.hidden.setdefault((level, value.node), f"{level}#{len(self.hidden) + 1}")
        if key not in self.slots:
            n = value.node
            self.slots[key] = Slot(key, level, "hidden", value.type, n, n.lo, n.hi, n.null, deps=self.deps_of(n, ()))
        return key

    def deps_of(self, node: core.Node, factors: Sequence[str]) -> tuple[str, ...]:
        found: dict[str, None] = {}

        def walk(n: core.Node) -> None:
            if isinstance(n, core.Col):
                found[n.key] = None
            for name in ("a", "b", "c"):
                child = getattr(n, name, None)
                if isinstance(child, core.Node):
                    walk(child)

        walk(node)
        for key in factors:
            found[key] = None
        return tuple(found)

    def learn(self, node: core.Node, truth: bool) -> frozenset[str | core.Node]:
        """Columns (by key) and sums of columns (by node) known to be positive when `node` has the given truth value."""
        if isinstance(node, core.And) and truth:
            return self.learn(node.a, True) | self.learn(node.b, True)
        if isinstance(node, core.Or) and not truth:
            return self.learn(node.a, False) | self.learn(node.b, False)
        if isinstance(node, core.Not):
            return self.learn(node.a, not truth)
        if isinstance(node, core.Cmp) and isinstance(node.b, core.Const) and node.b.value is not None:
            bound, op = int(node.b.value), node.op
            if not truth:
                op = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}[op]  # type: ignore[assignment]
            column = node.a
            if isinstance(column, core.Mul) and isinstance(column.b, core.Const) and (column.b.value or 0) > 0:
                column = column.a
            sure = (
                (op == ">" and bound >= 0)
                or (op == ">=" and bound >= 1)
                or (op == "!=" and bound == 0 and node.a.lo >= 0)
                or (op == "==" and bound > 0)
            )
            if sure and isinstance(column, core.Col):
                return frozenset({column.key})
            if sure:
                return frozenset({column})
        return frozenset()

    def learn_known(self, node: core.Node, truth: bool) -> frozenset[str]:
        """Columns known to have a value when `node` (itself never unknown) has the given truth value."""
        if isinstance(node, core.Known) and truth and isinstance(node.a, core.Col):
            return frozenset({node.a.key})
        if isinstance(node, core.Not):
            return self.learn_known(node.a, not truth)
        if (isinstance(node, core.And) and truth) or (isinstance(node, core.Or) and not truth):
            return self.learn_known(node.a, truth) | self.learn_known(node.b, truth)
        return frozenset()
