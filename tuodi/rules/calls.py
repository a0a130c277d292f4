"""Lowers calls: collection methods, which climb a level, and the functions of the language."""

from __future__ import annotations

import ast
import math

from tuodi.policy.faults import did_you_mean
from tuodi.policy.units import (
    MONTH_NO,
    ONE,
    UnknownUnitError,
    parse_unit,
    show,
)
from tuodi.rules import core
from tuodi.rules.names import BROKEN, Names
from tuodi.rules.slots import Slot, Val
from tuodi.rules.syntax import METHODS, FormulaError

__all__ = ["Calls"]


class Calls(Names):
    """The part of the lowering that knows functions and collections."""

    # ---- collections
    def _aggregate(self, e: ast.Call, level: str) -> Val:
        name, method = e.func.value.id, e.func.attr  # type: ignore[attr-defined]
        collection = self.book.collections.get(name)
        if collection is None:
            raise FormulaError(
                f"没有集合“{name}”{did_you_mean(name, self.book.collections)}；点号前应是集合名，方法有 {'、'.join(METHODS)}"
            )
        if collection.of != level:
            raise FormulaError(
                f"{name} 属于 {collection.of} 一级，这里是 {level}；先在 {collection.of} 一级汇总成一条规则"
            )
        outer, outer_positive = self.refs, self.positive
        self.refs = {}
        x = self.lower(e.args[0], name)
        inner, self.refs, self.positive = self.refs, outer, outer_positive
        if x.type == "broken":
            return x
        rows = self.rows_of(name)
        if method in ("count", "any", "all"):
            self.need(x, "bool", f"{name}.{method} 里")
            child = self.hide(Val("bool", core.not_(x.node)) if method == "all" else x, name)
            kind = "count" if method == "count" else "any"
            slot = self.agg_slot(
                kind,
                name,
                level,
                child,
                0,
                collection.max if kind == "count" else 1,
                x.node.null,
                "number" if kind == "count" else "bool",
            )
            slot.refs, slot.tree = inner, e.args[0]
            if kind == "count":
                slot.dims = collection.unit.dims
            value = self.use(slot, level, ast.unparse(e))
            return Val("bool", core.not_(value.node)) if method == "all" else value
        self.need(x, "number", f"{name}.{method} 里")
        default = self.lower(e.args[1], level) if method != "sum" else None
        if default is not None and default.type == "broken":
            return default
        if default is not None:
            self.need(default, "number", f"{name}.{method} 的默认值")
            self.same_dims(x, default, ast.unparse(e.args[0]), ast.unparse(e.args[1]))
        for factor in x.factors:
            if self.slots[factor].level not in self.above(level):
                raise FormulaError(
                    f"{name}.{method} 里的数带着每行不同的分母；先用 round_to 取整或把分母移到 {level} 一级"
                )
        child = self.hide(Val("number", x.node, x.dims), name)
        if method == "sum":
            lo, hi = min(x.node.lo * rows, 0), max(x.node.hi * rows, 0)
            core._in(lo, hi)
            slot = self.agg_slot("sum", name, level, child, lo, hi, x.node.null, "number")
            slot.refs, slot.tree = inner, e.args[0]
            return self.shown(
                ast.unparse(e),
                Val("number", self.use(slot, level, "").node, self.dims_at(x.dims, level), x.scale, x.factors),
            )
        slot = self.agg_slot(method, name, level, child, min(x.node.lo, 0), max(x.node.hi, 0), x.node.null, "number")
        slot.refs, slot.tree = inner, e.args[0]
        count = self.agg_slot(
            "count", name, level, self.hide(Val("bool", core.const(True)), name), 0, collection.max, False, "number"
        )
        best = self.shown(ast.unparse(e), Val("number", self.use(slot, level, "").node, x.dims, x.scale, x.factors))
        assert default is not None
        nodes, scale, factors = self.common([best, default])
        empty = core.cmp("==", core.Col(False, 0, collection.max, False, count.key), core.const(0))
        return Val("number", core.if_(empty, nodes[1], nodes[0]), x.dims, scale, factors)

    def shown(self, source: str, value: Val) -> Val:
        self.refs.pop("", None)
        self.refs[source] = value
        return value

    def rows_of(self, name: str) -> int:
        return self.book.collections[name].max

    def agg_slot(
        self, kind: str, child_level: str, level: str, child: str, lo: int, hi: int, null: bool, kind_of: str
    ) -> Slot:
        key = f"{child_level}.{kind}({child})"
        if key not in self.slots:
            self.slots[key] = Slot(
                key,
                level,
                "agg",
                kind_of,
                None,
                lo,
                hi,
                null,
                deps=(child,),
                agg=kind,
                child=child,
                child_level=child_level,
            )
        return self.slots[key]

    # ---- functions
    def _function(self, e: ast.Call, level: str) -> Val:
        name: str = e.func.id  # type: ignore[attr-defined]
        if name == "payable":
            x = self.lower(e.args[0], level)
            if x.type == "broken":
                return x
            unit = self.constant_param(ast.Name("pay_unit"), "unit")
            return self.round(x, unit, self.constant_param(ast.Name("pay_mode"), "mode"), ast.unparse(e.args[0]))
        if name == "round_to":
            x = self.lower(e.args[0], level)
            if x.type == "broken":
                return x
            return self.round(
                x,
                self.constant_param(e.args[1], "unit"),
                self.constant_param(e.args[2], "mode"),
                ast.unparse(e.args[0]),
            )
        if name == "bracket":
            return self._bracket(e, level)
        saved, self.asking = self.asking, self.asking or name in ("known", "given")
        first = self.lower(e.args[0], level)
        self.asking = saved
        args = [first, *(self.lower(a, level) for a in e.args[1:])]
        if any(a.type == "broken" for a in args):
            return BROKEN
        if name in ("known", "given"):
            x = args[0]
            if name == "known":
                return Val("bool", core.known(x.node))
            if x.type != args[1].type:
                raise FormulaError(f"given 的默认值应与“{ast.unparse(e.args[0])}”同类")
            if x.type != "number":
                return Val(x.type, core.coalesce(x.node, args[1].node))
            dims = self.same_dims(x, args[1], ast.unparse(e.args[0]), ast.unparse(e.args[1]))
            nodes, scale, factors = self.common([x, args[1]])
            return Val("number", core.coalesce(nodes[0], nodes[1]), dims, scale, factors)
        if name in ("min", "max", "clip"):
            for arg, source in zip(args, e.args, strict=True):
                self.need(arg, "number", f"{name} 的“{ast.unparse(source)}”")
            dims = args[0].dims
            for arg, source in zip(args[1:], e.args[1:], strict=True):
                dims = self.same_dims(
                    Val("number", args[0].node, dims, bare=args[0].bare and dims == ONE),
                    arg,
                    ast.unparse(e.args[0]),
                    ast.unparse(source),
                )
            nodes, scale, factors = self.common(args)
            if name == "clip":
                return Val("number", core.min_(core.max_(nodes[0], nodes[1]), nodes[2]), dims, scale, factors)
            node = nodes[0]
            for other in nodes[1:]:
                node = core.min_(node, other) if name == "min" else core.max_(node, other)
            return Val("number", node, dims, scale, factors)
        self.need(args[0], "date" if name != "months" or args[0].type != "month" else "month", f"{name} 里")
        day = args[0].node
        if name == "age":
            at = args[1] if len(args) > 1 else self.find("case_date", level)
            assert at is not None
            self.need(at, "date", "age 的第二个参数")
            return Val("number", core.floordiv(core.sub(at.node, day), core.const(10000)), parse_unit("岁").dims)
        if name == "year":
            return Val("number", core.floordiv(day, core.const(10000)))
        if args[0].type == "month":
            return Val("number", core.sub(day, core.mul(core.floordiv(day, core.const(100)), core.const(88))), MONTH_NO)
        year = core.floordiv(day, core.const(10000))
        return Val("number", core.sub(core.floordiv(day, core.const(100)), core.mul(year, core.const(88))), MONTH_NO)

    def _bracket(self, e: ast.Call, level: str) -> Val:
        param, rows = self.constant_param(e.args[0], "table")
        x = self.lower(e.args[1], level)
        if x.type == "broken":
            return x
        self.need(x, "number", "bracket 的第二个参数")
        try:
            key_unit = parse_unit(param.of)
        except UnknownUnitError as error:
            raise FormulaError(f"分档表“{param.name}”的 table 写的是按什么单位分档，不认识“{error}”") from None
        if not self.fits(x, self.dims_at(key_unit.dims, level)):
            raise FormulaError(f"分档表“{param.name}”按 {param.of} 分档，这里给的是 {show(x.dims)}")
        den = math.lcm(*(value.denominator for _, value in rows))
        node: core.Node = core.const(0)
        money = 100 if key_unit.money else 1
        for low, value in rows:
            edge = Val("number", core.const(low.numerator * money), x.dims, key_unit.factor / low.denominator)
            nodes, _, _ = self.common([x, edge])
            node = core.if_(
                core.cmp(">=" if param.ends == "以上" else ">", nodes[0], nodes[1]), core.const(int(value * den)), node
            )
        return Val("number", node, self.dims_at(param.unit.dims, level), param.unit.factor / den)
