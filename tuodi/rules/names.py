"""What a name in a formula means on a row: fact, parameter or rule, at which level, from which place."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from fractions import Fraction
from typing import Any

from tuodi.policy.book import Book
from tuodi.policy.faults import Fault, did_you_mean
from tuodi.policy.model import LEVEL_PLACE, Fact, ParamValue, RuleText
from tuodi.policy.units import (
    MONTH_NO,
    ONE,
    Dims,
    without_person,
)
from tuodi.rules import core
from tuodi.rules.numbers import Numbers
from tuodi.rules.slots import Slot, Val
from tuodi.rules.syntax import FormulaError

__all__ = ["BROKEN", "Names"]

_BUILTINS = {
    "case_date": ("date", ONE),
    "month_start": ("date", ONE),
    "month_end": ("date", ONE),
    "month_no": ("number", MONTH_NO),
}
_DAY = (1_01_01, 9999_12_31)
BROKEN = Val("broken", core.const(0))


class Names(Numbers):
    """Resolves names for the rules in force for one place and case date.

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

    def rule(self, name: str) -> Slot | None:
        """The slot of a rule, lowering it first if need be."""
        raise NotImplementedError

    def lower(self, e: ast.expr, level: str, expect: str = "") -> Val:
        """The value of an expression on a row of a level; `expect` is the enum a bare word should be of."""
        raise NotImplementedError

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

    def kind_label(self, kind: str) -> str:
        words = {"bool": "是否", "number": "数", "date": "日期", "month": "月份"}
        return f"枚举 {kind[4:]} 的集合" if kind.startswith("set:") else words.get(kind, f"枚举 {kind}")

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
            return BROKEN
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
                return BROKEN
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
