"""Lowers formulas to the integer core: names, types, units, levels, fractions, rounding and unknown are settled here."""

from __future__ import annotations

import ast
import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from fractions import Fraction
from typing import Any

from tuodi.policy.book import Book
from tuodi.policy.faults import Fault, did_you_mean
from tuodi.policy.model import LEVEL_PLACE, Fact, ParamValue, RuleText
from tuodi.policy.units import (
    BOOL,
    DATE,
    ENUM,
    MONTH_NO,
    ONE,
    Dims,
    UnknownUnitError,
    parse_unit,
    show,
    without_person,
)
from tuodi.rules import core
from tuodi.rules.numbers import Numbers
from tuodi.rules.slots import Model, Slot, Val
from tuodi.rules.syntax import METHODS, FormulaError, parse

__all__ = ["Lowerer"]

_OPS: dict[type[ast.cmpop], Any] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}
_BUILTINS = {
    "case_date": ("date", ONE),
    "month_start": ("date", ONE),
    "month_end": ("date", ONE),
    "month_no": ("number", MONTH_NO),
}
_DAY = (1_01_01, 9999_12_31)
_BROKEN = Val("broken", core.const(0))


class Lowerer(Numbers):
    """Lowers the rules in force for one place and case date.

    Args:
        book: the packs.
        chain: the place and what lies above it.
        on: the case date: picks rule texts and structural values.
        complete: tells whether a numeric parameter has a value for every key (then its look-up is never unknown).
        faults: collects faults; a rule with a fault yields no slot.
    """

    def __init__(
        self, book: Book, chain: Sequence[str], on: date, complete: Callable[[str], bool], faults: list[Fault]
    ) -> None:
        super().__init__()
        self.book, self.chain, self.on, self.ask_complete, self.faults = book, list(chain), on, complete, faults
        self.texts: Mapping[str, RuleText] = book.rule_texts(chain, on)
        self.facts = book.facts_on(chain)
        self.levels = book.levels()
        self.structural: dict[str, Any] = {}
        self.complete: dict[str, bool] = {}
        self.bad: set[str] = set()
        self.stack: list[str] = []
        # the rule being lowered
        self.programme = ""
        self.positive: frozenset[str | core.Node] = frozenset()
        self.known: frozenset[str] = frozenset()
        self.asking = False  # inside known(…) or the first of given(…)
        self.refs: dict[str, Val] = {}

    # ---- levels
    def above(self, level: str) -> list[str]:
        out = [level]
        while self.levels.get(out[-1]):
            out.append(self.levels[out[-1]])
        return out

    def personal(self, level: str) -> bool:
        """True on rows of persons and below, where 人 falls away."""
        return any(x in self.book.collections and self.book.collections[x].unit.text == "人" for x in self.above(level))

    def dims_at(self, dims: Dims, level: str) -> Dims:
        return without_person(dims) if self.personal(level) else dims

    def deepest(self, keys: Sequence[str]) -> str:
        level = LEVEL_PLACE
        for key in keys:
            if not key.startswith("=") and len(self.above(self.slots[key].level)) > len(self.above(level)):
                level = self.slots[key].level
        return level

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

    def kind_label(self, kind: str) -> str:
        words = {"bool": "是否", "number": "数", "date": "日期", "month": "月份"}
        return f"枚举 {kind[4:]} 的集合" if kind.startswith("set:") else words.get(kind, f"枚举 {kind}")

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

    # ---- names
    def find(self, name: str, level: str) -> Val | None:
        """What a bare or dotted name means on a row of `level`; None if nothing does."""
        if name in _BUILTINS:
            kind, dims = _BUILTINS[name]
            key = f"@{name}"
            if key not in self.slots:
                lo, hi = _DAY if kind == "date" else (12, 9999 * 12 + 12)
                self.slots[key] = Slot(key, LEVEL_PLACE, "builtin", kind, None, lo, hi, False, dims, name=name)
            return self.use(self.slots[key], level, name)
        reach = self.above(level)
        found: list[tuple[str, Callable[[], Val]]] = []
        if "." not in name:
            for fact in self.facts.get(name, ()):
                if fact.level in reach:
                    found.append((f"{fact.level} 的事实", lambda f=fact: self.use(self.fact(f), level, name)))  # type: ignore[misc]
        seen: set[str] = set()
        for full in (f"{self.programme}.{name}", name) if "." not in name and self.programme else (name,):
            if full in seen:
                continue
            seen.add(full)
            here = len(found)
            if full in self.book.params and self.book.params[full].place in self.chain:
                found.append((f"参数“{full}”", lambda f=full: self.parameter(f, [], level, name)))  # type: ignore[misc]
            if full in self.texts:
                found.append((f"规则“{full}”", lambda f=full: self.named_rule(f, level, name)))  # type: ignore[misc]
            if len(found) > here:
                break  # the programme's own name hides a common one
        if len(found) > 1:
            raise FormulaError(f"“{name}”既是{found[0][0]}又是{found[1][0]}，分不清；改其中一个的名字")
        return found[0][1]() if found else None

    def named_rule(self, full: str, level: str, source: str) -> Val:
        slot = self.rule(full)
        if slot is None:
            return _BROKEN
        if slot.level not in self.above(level):
            raise self.too_deep(full, slot.level, level)
        return self.use(slot, level, source)

    def too_deep(self, name: str, its: str, here: str) -> FormulaError:
        return FormulaError(f"“{name}”在 {its} 一级，这里是 {here}；先用 {its}.sum/any/count/max 汇总")

    def fact(self, fact: Fact) -> Slot:
        if fact.key not in self.slots:
            null = fact.missing in ("unknown", "none")
            if fact.type == "bool":
                slot = Slot(fact.key, fact.level, "fact", "bool", None, 0, 1, null)
            elif fact.type in ("date", "month"):
                lo, hi = _DAY if fact.type == "date" else (101, 9999_12)
                slot = Slot(fact.key, fact.level, "fact", fact.type, None, lo, hi, null)
            elif fact.type in self.book.enums:
                slot = Slot(
                    fact.key, fact.level, "fact", fact.type, None, 1, len(self.book.enums[fact.type].values), null
                )
            elif fact.type == "text":
                raise FormulaError(f"“{fact.name}”是文字，不能写进公式")
            else:
                assert fact.unit is not None
                scale = Fraction(1) if fact.type == "money" else Fraction(1, 10**fact.places)
                slot = Slot(
                    fact.key,
                    fact.level,
                    "fact",
                    "number",
                    None,
                    fact.lo,
                    fact.hi,
                    null,
                    fact.unit.dims,
                    scale,
                    fact.unit.factor,
                )
            slot.name, slot.event = fact.name, fact.missing == "none"
            self.slots[fact.key] = slot
        return self.slots[fact.key]

    def use(self, slot: Slot, level: str, source: str) -> Val:
        if slot.event and not self.asking and slot.key not in self.known:
            raise FormulaError(
                f"“{source}”可能没有发生（missing: none），不能直接取值；写成 … if known({source}) else …，或 given({source}, 默认值)"
            )
        node = core.Col(slot.type == "bool", slot.lo, slot.hi, slot.null and slot.key not in self.known, slot.key)
        value = Val(slot.type, node, self.dims_at(slot.dims, level), slot.scale * slot.unit_factor, slot.factors)
        self.refs[source] = value
        return value

    def missing_name(self, name: str, level: str) -> FormulaError:
        for fact in self.facts.get(name, ()):
            return self.too_deep(name, fact.level, level)
        known = {
            *self.facts,
            *self.texts,
            *(n.split(".")[-1] for n in self.texts if n.startswith(f"{self.programme}.")),
        }
        known |= {
            *self.book.params,
            *(n.split(".")[-1] for n in self.book.params if n.startswith(f"{self.programme}.")),
        }
        return FormulaError(f"没有“{name}”这个名字{did_you_mean(name, known)}")

    # ---- parameters
    def structural_value(self, name: str) -> ParamValue | None:
        row = self.book.value(name, self.chain, (), self.on)
        self.structural[name] = row
        return row

    def parameter(self, full: str, keys: list[ast.expr], level: str, source: str) -> Val:
        param = self.book.params[full]
        if len(keys) != len(param.by):
            need = f"{full}[{', '.join(param.by)}]" if param.by else full
            raise FormulaError(
                f"参数“{full}”按 {'、'.join(param.by) or '无键'} 取值；请写成 {need.split('.')[-1] if '.' in need else need}"
            )
        if param.structural:
            if param.by:
                raise FormulaError(f"参数“{full}”是{param.unit_text}，不能再按键取值")
            row = self.structural_value(full)
            value = row.value if row else None
            if param.kind == "bool":
                return Val("bool", core.const(value, bool_=True))
            if param.kind == "enum":
                code = self.book.enums[param.of].code(value) if value else None
                return Val(param.of, core.const(code))
            if param.kind == "set":
                return Val(f"set:{param.of}", core.const(0))
            raise FormulaError(f"参数“{full}”是分档表，用 bracket({full.split('.')[-1]}, 数) 取值")
        assert param.unit is not None
        slots: list[str] = []
        for key, enum_name in zip(keys, param.by, strict=True):
            enum = self.book.enums.get(enum_name)
            if enum is None:
                raise FormulaError(f"参数“{full}”的键“{enum_name}”没有枚举")
            if isinstance(key, ast.Name) and key.id in enum.values and not self.facts.get(key.id):
                slots.append(f"={enum.code(key.id)}")
                continue
            value = self.lower(key, level, enum_name)
            if value.type == "broken":
                return _BROKEN
            if value.type != enum_name:
                raise FormulaError(f"参数“{full}”按 {enum_name} 取值，这里给的是{self.kind_label(value.type)}")
            slots.append(value.node.key if isinstance(value.node, core.Col) else self.hide(value, level))
        key_text = f"{full}[{','.join(slots)}]" if slots else full
        if key_text not in self.slots:
            low, high, den = self.book.bounds(full)
            if full not in self.complete:
                self.complete[full] = self.ask_complete(full)
            null = not self.complete[full] or any(not k.startswith("=") and self.slots[k].null for k in slots)
            self.slots[key_text] = Slot(
                key_text, self.deepest(slots), "param", "number", None, int(low * den), int(high * den), null, param.unit.dims,
                Fraction(1, den), param.unit.factor, deps=tuple(k for k in slots if not k.startswith("=")), name=full, keys=tuple(slots),
            )  # fmt: skip
        return self.use(self.slots[key_text], level, source)

    def constant_param(self, e: ast.expr, kind: str) -> Any:
        """A rounding unit, mode or table named in a formula: its value on the case date, part of the rule's identity."""
        name = (
            e.id
            if isinstance(e, ast.Name)
            else f"{e.value.id}.{e.attr}"
            if isinstance(e, ast.Attribute) and isinstance(e.value, ast.Name)
            else ""
        )
        if kind == "mode" and name in ("half_up", "up", "down"):
            return name
        for full in (f"{self.programme}.{name}", name):
            param = self.book.params.get(full)
            if (
                param is not None
                and param.place in self.chain
                and (param.kind == {"mode": "enum", "unit": "number", "table": "table"}[kind])
            ):
                row = self.structural_value(full)
                if row is None or row.value is None:
                    raise FormulaError(f"参数“{full}”在 {self.chain[0]} 没有值，公式要用它取整或分档；请补值")
                return (param, row.value) if kind == "table" else row.value
        label = {
            "mode": "取整方式（half_up、up、down 或枚举参数）",
            "unit": "取整单位（金额参数）",
            "table": "分档表参数",
        }[kind]
        raise FormulaError(f"“{name or ast.unparse(e)}”不是{label}")

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
                return _BROKEN
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
            return _BROKEN
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
            return _BROKEN
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
            return _BROKEN
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
            return _BROKEN
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
            return _BROKEN
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
