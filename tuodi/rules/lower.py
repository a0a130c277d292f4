"""Lowers formulas to the integer core: names, types, units, levels, fractions, rounding and unknown are settled here."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from tuodi.policy.faults import Fault, did_you_mean
from tuodi.policy.model import RuleText
from tuodi.policy.units import (
    BOOL,
    DATE,
    ENUM,
    ONE,
    UnknownUnitError,
    parse_unit,
    show,
)
from tuodi.rules import core
from tuodi.rules.calls import Calls
from tuodi.rules.names import BROKEN
from tuodi.rules.slots import Model, Slot, Val
from tuodi.rules.syntax import FormulaError, parse

__all__ = ["Lowerer"]

_OPS: dict[type[ast.cmpop], Any] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}


class Lowerer(Calls):
    """Lowers the rules in force for one place and case date; made with the arguments of `Names`."""

    # ---- rules
    def rule(self, name: str) -> Slot | None:
        """The slot of a rule, lowering it first if need be. None if it has a fault (already reported)."""
        if name in self.slots:
            return self.slots[name]
        if name in self.bad:
            return None
        text = self.texts.get(name)
        if text is None:
            return None
        if name in self.stack:
            loop = " → ".join([*self.stack[self.stack.index(name) :], name])
            self.fault(text, f"规则互相引用成环: {loop}；改其中一条")
            self.bad.add(name)
            return None
        saved = (self.programme, self.positive, self.known, self.refs, self.unit_factor, self.asking)
        self.stack.append(name)
        self.programme = name.split(".")[0] if "." in name else ""
        self.positive, self.known, self.refs, self.asking = frozenset(), frozenset(), {}, False
        try:
            slot = self._rule(name, text)
        except FormulaError as error:
            self.fault(text, str(error))
            slot = None
        except core.OverflowError_ as error:
            self.fault(text, f"中间结果可能达到 {error}，超过 2^63；请缩小事实的上限（max）或早一步取整")
            slot = None
        finally:
            self.stack.pop()
            self.programme, self.positive, self.known, self.refs, self.unit_factor, self.asking = saved
        if slot is None:
            self.bad.add(name)
            return None
        self.slots[name] = slot
        return slot

    def fault(self, text: RuleText, message: str) -> None:
        self.faults.append(Fault(text.where.file, text.where.line, f"规则“{text.name}”: {message}"))

    def _rule(self, name: str, text: RuleText) -> Slot | None:
        if text.level not in self.levels:
            raise FormulaError(f"级别“{text.level}”没有声明{did_you_mean(text.level, self.levels)}")
        if not text.unit_text:
            raise FormulaError("缺少 unit；是否判断写 是否，枚举写 枚举，金额写 元/月 这样的单位")
        special = text.unit_text in (BOOL, ENUM, DATE)
        try:
            unit = None if special else parse_unit(text.unit_text)
        except UnknownUnitError as error:
            raise FormulaError(f"单位“{text.unit_text}”里不认识“{error}”") from None
        self.unit_factor = unit.factor if unit else Fraction(1)
        tree = parse(text.formula)
        refs = self.refs
        value = self.lower(tree, text.level, self._expected_enum(tree))
        if value.type == "broken":
            return None
        node, scale = value.node, Fraction(1)
        factors: tuple[str, ...] = ()
        if unit is not None:
            if value.type != "number":
                raise FormulaError(f"公式得到的是{self.kind_label(value.type)}，单位却写成 {text.unit_text}")
            want = self.dims_at(unit.dims, text.level)
            if not self.fits(value, want):
                raise FormulaError(f"公式得到的单位是 {show(value.dims)}，规则写的是 {text.unit_text}")
            canonical = value.scale / unit.factor
            node = core.mul(node, core.const(canonical.numerator))
            scale, factors = Fraction(1, canonical.denominator), value.factors
        elif text.unit_text == BOOL and value.type != "bool":
            raise FormulaError(f"公式得到的是{self.kind_label(value.type)}，单位却写成 是否")
        elif text.unit_text == ENUM and value.type not in self.book.enums:
            raise FormulaError("公式没有得到枚举值")
        elif text.unit_text == DATE and value.type != "date":
            raise FormulaError("公式没有得到日期")
        if text.role == "payable" and (unit is None or not unit.money or scale != 1 or factors):
            raise FormulaError("应付金额还带着分数；用 payable(...) 取整一次再作为应付")
        if text.role == "test" and value.type != "bool":
            raise FormulaError("条件（role: test）的结果应是 是否")
        dims = self.dims_at(unit.dims, text.level) if unit else ONE
        return Slot(
            name, text.level, "rule", value.type, node, node.lo, node.hi, node.null, dims, scale, self.unit_factor, factors,
            self.deps_of(node, factors), name=name, text=text, tree=tree, refs=refs,
        )  # fmt: skip

    def _expected_enum(self, tree: ast.expr) -> str:
        """The enum that holds every bare name in result position, if exactly one does."""
        words: list[str] = []

        def walk(e: ast.expr) -> None:
            if isinstance(e, ast.IfExp):
                walk(e.body)
                walk(e.orelse)
            elif isinstance(e, ast.Name):
                words.append(e.id)

        walk(tree)
        fits = [n for n, enum in self.book.enums.items() if words and all(w in enum.values for w in words)]
        return fits[0] if len(fits) == 1 else ""

    # ---- expressions
    def lower(self, e: ast.expr, level: str, expect: str = "") -> Val:
        if isinstance(e, ast.Constant):
            if isinstance(e.value, bool):
                return Val("bool", core.const(e.value))
            return Val("number", core.const(int(e.value)), bare=True)  # type: ignore[arg-type]
        if isinstance(e, ast.Name | ast.Attribute):
            return self._name(e, level, expect)
        if isinstance(e, ast.Subscript):
            return self._lookup(e, level)
        if isinstance(e, ast.UnaryOp):
            value = self.lower(e.operand, level)
            if value.type == "broken":
                return value
            if isinstance(e.op, ast.Not):
                self.need(value, "bool", "not 后面")
                return Val("bool", core.not_(value.node))
            self.need(value, "number", "负号后面")
            return Val(
                "number", core.mul(value.node, core.const(-1)), value.dims, value.scale, value.factors, value.bare
            )
        if isinstance(e, ast.BinOp):
            a, b = self.lower(e.left, level), self.lower(e.right, level)
            if "broken" in (a.type, b.type):
                return BROKEN
            return self.arithmetic(e, a, b, level)
        if isinstance(e, ast.BoolOp):
            return self._bool(e, level)
        if isinstance(e, ast.Compare):
            return self._compare(e, level)
        if isinstance(e, ast.IfExp):
            return self._if(e, level, expect)
        assert isinstance(e, ast.Call)
        if isinstance(e.func, ast.Attribute):
            return self._aggregate(e, level)
        return self._function(e, level)

    def _name(self, e: ast.Name | ast.Attribute, level: str, expect: str) -> Val:
        name = e.id if isinstance(e, ast.Name) else f"{e.value.id}.{e.attr}"  # type: ignore[attr-defined]
        value = self.find(name, level)
        if value is not None:
            return value
        if isinstance(e, ast.Name):
            fits = [n for n, enum in self.book.enums.items() if name in enum.values]
            chosen = expect if expect in fits else fits[0] if len(fits) == 1 else ""
            if chosen:
                return Val(chosen, core.const(self.book.enums[chosen].code(name)))
            if fits:
                raise FormulaError(f"枚举值“{name}”在 {'、'.join(fits)} 里都有，这里看不出是哪一个；改名或写成比较")
        if name in self.bad:
            return BROKEN
        raise self.missing_name(name, level)

    def _lookup(self, e: ast.Subscript, level: str) -> Val:
        base = e.value
        name = base.id if isinstance(base, ast.Name) else f"{base.value.id}.{base.attr}"  # type: ignore[attr-defined]
        keys = list(e.slice.elts) if isinstance(e.slice, ast.Tuple) else [e.slice]
        for full in (f"{self.programme}.{name}", name):
            if full in self.book.params and self.book.params[full].place in self.chain:
                return self.parameter(full, keys, level, ast.unparse(e))
        raise FormulaError(f"“{name}”不是可以按键取值的参数{did_you_mean(name, self.book.params)}")

    def _bool(self, e: ast.BoolOp, level: str) -> Val:
        saved, saved_known = self.positive, self.known
        both = isinstance(e.op, ast.And)
        parts: list[tuple[core.Node, bool]] = []  # each part, and whether the next ones rest on it
        broken = False
        for part in e.values:
            value = self.lower(part, level)
            if value.type == "broken":
                broken = True
                continue
            self.need(value, "bool", "and / or 两边")
            sure = self.learn_known(value.node, both) - self.known if not value.node.null else frozenset()
            parts.append((value.node, bool(sure)))
            self.positive |= self.learn(value.node, both)
            self.known |= sure
        self.positive, self.known = saved, saved_known
        if broken or not parts:
            return BROKEN
        result, _ = parts[-1]
        for node, rests in reversed(parts[:-1]):
            if rests:  # later parts were lowered knowing this one's outcome: choose, do not join
                result = core.if_(node, result, core.const(False)) if both else core.if_(node, core.const(True), result)
            else:
                result = core.and_(node, result) if both else core.or_(node, result)
        return Val("bool", result)

    def _if(self, e: ast.IfExp, level: str, expect: str) -> Val:
        expect = expect or self._expected_enum(e)
        test = self.lower(e.test, level)
        saved, saved_known = self.positive, self.known
        if test.type != "broken":
            self.need(test, "bool", "if 后面的条件")
            self.positive = saved | self.learn(test.node, True)
            self.known = saved_known | (self.learn_known(test.node, True) if not test.node.null else frozenset())
        a = self.lower(e.body, level, expect)
        if test.type != "broken":
            self.positive = saved | self.learn(test.node, False)
            self.known = saved_known | (self.learn_known(test.node, False) if not test.node.null else frozenset())
        b = self.lower(e.orelse, level, expect)
        self.positive, self.known = saved, saved_known
        if "broken" in (a.type, b.type, test.type):
            return BROKEN
        if a.type != b.type:
            raise FormulaError(f"if 两个分支一边是{self.kind_label(a.type)}，一边是{self.kind_label(b.type)}")
        if a.type != "number":
            return Val(a.type, core.if_(test.node, a.node, b.node))
        dims = self.same_dims(a, b, ast.unparse(e.body), ast.unparse(e.orelse))
        nodes, scale, factors = self.common([a, b])
        return Val("number", core.if_(test.node, nodes[0], nodes[1]), dims, scale, factors, a.bare and b.bare)

    def _compare(self, e: ast.Compare, level: str) -> Val:
        op, right = e.ops[0], e.comparators[0]
        if isinstance(op, ast.In | ast.NotIn):
            return self._membership(e, level)
        swap = isinstance(e.left, ast.Name) and self.find_quiet(e.left.id, level) is None
        first, second = (right, e.left) if swap else (e.left, right)
        x = self.lower(first, level)
        y = self.lower(second, level, x.type if x.type in self.book.enums else "")
        if "broken" in (x.type, y.type):
            return BROKEN
        a, b = (y, x) if swap else (x, y)
        if a.type != b.type:
            raise FormulaError(
                f"“{ast.unparse(e.left)}”是{self.kind_label(a.type)}，“{ast.unparse(right)}”是{self.kind_label(b.type)}，不能比较"
            )
        code = _OPS[type(op)]
        if a.type == "number":
            self.same_dims(a, b, ast.unparse(e.left), ast.unparse(right))
            nodes, _, _ = self.common([a, b])
            return Val("bool", core.cmp(code, nodes[0], nodes[1]))
        if a.type == "bool":
            if code not in ("==", "!="):
                raise FormulaError("是否值只能比较相等")
            same = core.or_(core.and_(a.node, b.node), core.and_(core.not_(a.node), core.not_(b.node)))
            return Val("bool", same if code == "==" else core.not_(same))
        if a.type in self.book.enums and code not in ("==", "!="):
            raise FormulaError("枚举值只能比较相等，或用 in")
        return Val("bool", core.cmp(code, a.node, b.node))

    def find_quiet(self, name: str, level: str) -> Val | None:
        saved = dict(self.refs)
        try:
            return self.find(name, level)
        finally:
            self.refs.clear()
            self.refs.update(saved)

    def _membership(self, e: ast.Compare, level: str) -> Val:
        value = self.lower(e.left, level)
        if value.type == "broken":
            return value
        if value.type not in self.book.enums:
            raise FormulaError(f"in 左边应是枚举值，“{ast.unparse(e.left)}”是{self.kind_label(value.type)}")
        enum, right = self.book.enums[value.type], e.comparators[0]
        if isinstance(right, ast.List | ast.Tuple | ast.Set):
            members = [x.id for x in right.elts]  # type: ignore[attr-defined]
            for word in members:
                if word not in enum.values:
                    raise FormulaError(f"“{word}”不在枚举 {enum.name} 里{did_you_mean(word, enum.values)}")
        else:
            got = self.lower(right, level)
            if got.type != f"set:{enum.name}":
                raise FormulaError(f"in 右边应是枚举 {enum.name} 的集合")
            full = next(
                f for f in (f"{self.programme}.{ast.unparse(right)}", ast.unparse(right)) if f in self.structural
            )
            row = self.structural[full]
            if row is None or row.value is None:
                return Val("bool", core.const(None, bool_=True))
            members = list(row.value)
        node: core.Node = core.const(False)
        for word in members:
            node = core.or_(node, core.cmp("==", value.node, core.const(enum.code(word))))
        if not members and value.node.null:
            node = core.const(False)
        return Val("bool", core.not_(node) if isinstance(e.ops[0], ast.NotIn) else node)

    # ---- whole models
    def model(self, outputs: Sequence[str]) -> Model:
        """The slots the outputs rest on, with their fingerprint."""
        keep: dict[str, Slot] = {}

        def walk(key: str) -> None:
            if key in keep:
                return
            slot = self.slots[key]
            for dep in slot.deps:
                walk(dep)
            keep[key] = slot

        for name in outputs:
            if self.rule(name) is not None:
                walk(name)
        lines = sorted(
            f"{s.key}|{s.level}|{s.text.unit_text}|{s.text.formula}|{s.text.clause}"
            for s in keep.values()
            if s.text is not None
        ) + sorted(f"{n}={row.printed if row else None}" for n, row in self.structural.items())
        return Model(
            keep, tuple(n for n in outputs if n in keep), self.levels, hashlib.sha256("\n".join(lines).encode()).hexdigest(),
            dict(self.structural), dict(self.complete),
        )  # fmt: skip
