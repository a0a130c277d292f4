"""One rule over one family: its value with every figure behind it, whatever programme it belongs to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tuodi.policy.model import LEVEL_PLACE, LEVEL_ROOT, Programme
from tuodi.rules.explain import Explanation, explain_rules
from tuodi.rules.family import read_family
from tuodi.rules.plan import Plan, ProgrammeResult
from tuodi.rules.scalar import compile_scalar

__all__ = ["explain_rule", "word_of"]


def explain_rule(
    plan: Plan, name: str, family: Mapping[str, Any], path: Sequence[int] = (), *, also: Sequence[str] = ()
) -> Explanation:
    """The graph of values behind one yes/no rule on one row.

    Args:
        plan: place and dates.
        name: full name of the rule.
        family: Family JSON; register rows stand in their collections below the members.
        path: the row: member number, then the number of the register row; empty at the household.
        also: further rules to show beside it, on the same row or above.

    Raises: FamilyErrors with every fault of the family; KeyError if the rule is not in force; IndexError if there is no such row.
    """
    text = plan.texts[name]
    model = plan.model(tuple(dict.fromkeys((name, *also))))
    inputs = read_family(plan.book, plan.chain, family)
    absent = tuple(dict.fromkeys(f.label for _, f in inputs.absent if f.key in model.slots))
    label = text.label
    unit = text.level or LEVEL_ROOT
    programme = Programme("", label, unit, name, (), "", {}, "once", "", plan.place, text.where)
    result = ProgrammeResult(
        programme.id, label, unit, "once", "unknown", None, [], absent, model.fingerprint, model, inputs, plan, absent
    )
    if not absent:
        compile_scalar(model)(inputs.tree, plan.ints(model), plan.builtins)
        row = inputs.tree[LEVEL_ROOT]
        names: list[str] = []
        level = model.slots[name].level
        while level != LEVEL_ROOT:
            names.append(level)
            level = model.levels[level]
        for at, number in zip(reversed(names), path, strict=True):
            row = row[at][number]
        value = row[name]
        result.outcome = "unknown" if value is None else "pass" if value else "fail"
    return explain_rules(result, [n for n in (name, *also) if n in model.slots], tuple(path))


def word_of(plan: Plan, name: str, family: Mapping[str, Any], path: Sequence[int] = ()) -> str:
    """What a rule that answers with a word of a closed list says on one row: the word's code; empty = unknown.

    Args:
        plan: place and dates. name: full name of the rule. family, path: as for `explain_rule`.

    Raises: FamilyErrors with every fault of the family; KeyError if the rule is not in force or answers with no such word;
    IndexError if there is no such row.
    """
    model = plan.model((name,))
    slot = model.slots[name]
    words = plan.book.enums[slot.type]
    inputs = read_family(plan.book, plan.chain, family)
    if any(fact.key in model.slots for _, fact in inputs.absent):
        return ""
    compile_scalar(model)(inputs.tree, plan.ints(model), plan.builtins)
    row = inputs.tree[LEVEL_ROOT]
    names: list[str] = []
    level = slot.level
    while level not in (LEVEL_ROOT, LEVEL_PLACE):
        names.append(level)
        level = model.levels[level]
    for at, number in zip(reversed(names), path, strict=True):
        row = row[at][number]
    value = row[name]
    return "" if value is None else words.value(value)
