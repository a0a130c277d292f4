"""Runs worked examples: a family, a place, dates, and what must come out, to the fen."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

from tuodi.kernel.money import format_yuan
from tuodi.kernel.periods import Month
from tuodi.policy.book import Book
from tuodi.policy.faults import Fault, PolicyErrors
from tuodi.policy.model import LEVEL_PLACE, LEVEL_ROOT, Case
from tuodi.policy.units import parse_unit
from tuodi.policy.values import to_inner
from tuodi.rules.family import FamilyErrors, read_family
from tuodi.rules.plan import Plan, plan_for
from tuodi.rules.scalar import compile_scalar
from tuodi.rules.slots import Model, Slot

__all__ = [
    "CaseOutcome",
    "case_plan",
    "expected_rules",
    "plain_family",
    "run_case",
    "run_cases",
    "same_value",
    "value_at",
]

_ITEM = re.compile(r"([a-z0-9_.]+)((?:\[\d+\])*)\Z")


@dataclass(frozen=True)
class CaseOutcome:
    """What one example gave: `wrong` holds (rule, wanted, got) where they differ."""

    case: Case
    wrong: tuple[tuple[str, str, str], ...]


def plain_family(node: Any) -> Any:
    """YAML nodes to plain values."""
    if isinstance(node, dict):
        return {str(k): plain_family(v) for k, v in node.items()}
    if isinstance(node, list):
        return [plain_family(v) for v in node]
    text = str(node)
    return None if getattr(node, "plain", False) and text in ("", "null", "~") else text


def case_plan(book: Book, case: Case) -> Plan:
    """The plan a case is decided by: its place, case date and month."""
    month = Month.parse(case.month) if case.month else Month.of(case.on).next()
    return plan_for(book, case.place, case.on, month)


def show(book: Book, slot: Slot, value: Any) -> str:
    """A value the way an expectation is written: yuan, fractions, identifiers."""
    if value is None:
        return "unknown"
    if slot.type == "bool":
        return "true" if value else "false"
    if slot.type in book.enums:
        return book.enums[slot.type].value(value)
    if slot.type == "date":
        return f"{value // 10000:04}-{value // 100 % 100:02}-{value % 100:02}"
    return str(value)


def same_value(book: Book, slot: Slot, value: Any, exact: Fraction | None, want: str) -> bool:
    """Whether a value is what an expectation says, exactly."""
    want = want.strip()
    if value is None:
        return want in ("unknown", "未知", "null")
    if slot.type == "bool":
        return want in (("pass", "true", "是") if value else ("fail", "false", "否"))
    if slot.type in book.enums:
        name = book.enums[slot.type].value(value)
        return want in (name, book.enums[slot.type].values[name])
    if slot.type == "date":
        return want == show(book, slot, value)
    if dict(slot.dims).get("月份"):
        month = re.fullmatch(r"(\d{4})-(\d{2})", want)
        return bool(month) and int(month[1]) * 12 + int(month[2]) == exact  # type: ignore[index]
    if not re.fullmatch(r"-?[\d,.]+(/\d+)?%?", want):
        return False
    unit = parse_unit(slot.text.unit_text) if slot.text else None
    if unit is None:
        return exact == Fraction(want.replace(",", ""))
    return exact == to_inner(want.replace(",", ""), unit, unit)


def value_at(model: Model, tree: dict[str, Any], name: str, path: tuple[int, ...]) -> tuple[Slot, Any, Fraction | None]:
    """A rule's slot, inner value and exact value on one row."""
    slot = model.slots[name]
    row: dict[str, Any] = tree if slot.level == LEVEL_PLACE else tree["household"]
    names: list[str] = []
    level = slot.level
    while level not in (LEVEL_PLACE, LEVEL_ROOT):
        names.append(level)
        level = model.levels[level]
    rows = [row]
    for at, i in zip(reversed(names), path, strict=False):
        row = row[at][i]
        rows.append(row)
    value = row.get(name)
    if value is None or slot.type != "number":
        return slot, value, None
    exact = Fraction(value) * slot.scale
    for factor in slot.factors:
        owner = next(r for r in [*reversed(rows), tree] if factor in r)
        exact /= owner[factor]
    return slot, value, exact


def _wanted(case: Case) -> list[tuple[str, str, tuple[int, ...], str]]:
    """(as written, full rule name, row, expected) of every expectation."""
    out = []
    for item, want in case.expect.items():
        match = _ITEM.match(item)
        name = match[1] if match else item
        full = name if "." in name or not case.programme else f"{case.programme}.{name}"
        path = tuple(int(i) for i in re.findall(r"\[(\d+)\]", match[2])) if match else ()
        out.append((item, full, path, want))
    return out


def expected_rules(case: Case) -> tuple[str, ...]:
    """The rules an example speaks about, each once."""
    return tuple(dict.fromkeys(full for _, full, _, _ in _wanted(case)))


def run_case(book: Book, case: Case) -> CaseOutcome:
    """Decides one example. A rule that is not in force, a bad family or a formula's fault counts as wrong."""
    wrong: list[tuple[str, str, str]] = []
    wanted = _wanted(case)
    try:
        plan = case_plan(book, case).assuming(plain_family(case.assume) if case.assume else None)
        texts = plan.book.rule_texts(plan.chain, plan.case_date)
        absent = [w for w in wanted if w[1] not in texts]
        for item, full, _, want in absent:
            wrong.append((item, want, f"{case.place} 在 {case.on} 没有规则 {full}"))
        names = tuple(dict.fromkeys(full for _, full, _, _ in wanted if full in texts))
        model = plan.model(names)
        inputs = read_family(plan.book, plan.chain, plain_family(case.family or {}))
        need = [f for _, f in inputs.absent if f.key in model.slots]
        if need:
            raise PolicyErrors(
                [Fault(case.where.file, case.where.line, f"缺少必填事实 {'、'.join(f.name for f in need)}")]
            )
        compile_scalar(model)(inputs.tree, plan.ints(model), plan.builtins)
        for item, full, path, want in wanted:
            if full not in texts:
                continue
            slot, value, exact = value_at(model, inputs.tree, full, path)
            if not same_value(plan.book, slot, value, exact, want):
                shown = show(plan.book, slot, value)
                if exact is not None:
                    shown = (
                        f"{format_yuan(round(exact), sep=False)} 元（{exact} 分）"
                        if dict(slot.dims).get("元") == 1
                        else str(exact)
                    )
                wrong.append((item, want, shown))
    except (PolicyErrors, FamilyErrors) as error:
        wrong.append(("（算例）", "能计算", "；".join(map(str, error.faults))))
    except (IndexError, KeyError) as error:
        wrong.append(("（算例）", "能计算", f"没有这一行 {error}"))
    return CaseOutcome(case, tuple(wrong))


def run_cases(book: Book, cases: Iterable[Case] | None = None) -> list[Fault]:
    """Every example that does not come out, as faults."""
    out = []
    for case in book.cases if cases is None else cases:
        if case.on == date(1, 1, 1):
            continue  # already reported by the loader
        for item, want, got in run_case(book, case).wrong:
            out.append(Fault(case.where.file, case.where.line, f"算例“{case.id}”: {item} 应为 {want}，算得 {got}"))
    return out
