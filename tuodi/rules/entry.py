"""What a bulk run works out before it starts: fact columns, defaults, place figures, and what each level will ask for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import narwhals as nw

from tuodi.policy.model import LEVEL_PLACE, LEVEL_ROOT, Fact
from tuodi.policy.values import to_inner
from tuodi.rules.columns import literal
from tuodi.rules.core import Cmp, Col, Const, Known, Node
from tuodi.rules.family import read_family
from tuodi.rules.plan import Plan
from tuodi.rules.readers import level_tables
from tuodi.rules.scalar import compile_scalar
from tuodi.rules.slots import Model

__all__ = ["compared_only", "default_of", "fact_column", "needs", "place_values"]


def fact_column(plan: Plan, fact: Fact, schema: Mapping[str, Any], narrow: bool) -> nw.Expr:
    dtype = schema[fact.name]
    c = nw.col(fact.name)
    enum = plan.book.enums.get(fact.type)
    if fact.type == "bool":
        return c if dtype == nw.Boolean else c.cast(nw.Int64) != 0
    if fact.type == "date" and (dtype == nw.Date or isinstance(dtype, nw.Datetime)):
        d = c.dt
        return d.year().cast(nw.Int64) * 10000 + d.month().cast(nw.Int64) * 100 + d.day().cast(nw.Int64)
    if enum is not None and dtype in (nw.String, nw.Categorical, nw.Enum):
        out = literal(None, bool_=False)
        for name in reversed(enum.values):
            out = nw.when(c == name).then(literal(enum.code(name), bool_=False)).otherwise(out)
        return out
    return c if dtype == nw.Int64 or (narrow and dtype.is_integer()) else c.cast(nw.Int64)


def needs(model: Model) -> dict[str, list[str]]:
    """Level -> the slots of levels above that its rows, or rows below them, will ever look at."""
    out: dict[str, dict[str, None]] = {}
    for slot in model.slots.values():
        looks = [(slot.level, d) for d in slot.deps if slot.kind != "agg"]
        if slot.kind == "agg":
            looks.append((slot.child_level, slot.child))
        for at, key in looks:
            its = model.slots[key].level
            while at != its and at != LEVEL_PLACE:
                out.setdefault(at, {})[key] = None
                at = model.levels[at]
    return {level: list(keys) for level, keys in out.items()}


def compared_only(model: Model) -> frozenset[str]:
    """Choices that are only compared with constants: their column may stay as narrow as it is stored.

    Everything else is widened on entry, because narrow arithmetic wraps silently on Polars.
    """
    wide: set[str] = set()

    def walk(n: Node) -> None:
        if isinstance(n, Col):
            wide.add(n.key)
            return
        harmless = isinstance(n, Known) or (isinstance(n, Cmp) and isinstance(n.b, Const) and n.b.value is not None)
        for name in ("a", "b", "c"):
            child = getattr(n, name, None)
            if isinstance(child, Node) and not (harmless and isinstance(child, Col)):
                walk(child)

    for slot in model.slots.values():
        if slot.node is not None:
            walk(slot.node)
        wide.update(k for k in slot.keys if not k.startswith("="))
        wide.update(slot.factors)
        wide.add(slot.child)
    return frozenset(
        k
        for k, s in model.slots.items()
        if s.kind == "fact" and s.type not in ("bool", "number", "date", "month") and k not in wide and s.hi < 128
    )


def default_of(plan: Plan, fact: Fact) -> Any:
    """The inner value of a fact's declared default."""
    enum = plan.book.enums.get(fact.type)
    if fact.type == "bool":
        return str(fact.missing) in ("true", "是")
    if enum is not None:
        return enum.code(str(fact.missing))
    if fact.type in ("date", "month"):
        return int(str(fact.missing).replace("-", ""))
    assert fact.unit is not None
    return int(to_inner(str(fact.missing), fact.unit, fact.unit) * (1 if fact.type == "money" else 10**fact.places))


def place_values(
    plans: Sequence[Plan], model: Model, place_facts: Mapping[str, Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """The place-level values of each plan: few rows, so they are computed one by one as Python."""
    keep = {k: s for k, s in model.slots.items() if s.level == LEVEL_PLACE}
    small = Model(keep, tuple(keep), model.levels, model.fingerprint, model.structural, model.complete)
    run = compile_scalar(small)
    out = []
    for plan in plans:
        said = place_facts.get(plan.place)
        if said:
            tree = read_family(plan.book, plan.chain, {"place_facts": said}).tree
        else:
            tree = {**level_tables(plan.book, plan.chain)[LEVEL_PLACE].empty, LEVEL_ROOT: {}}
        for slot in keep.values():
            if slot.kind == "builtin":
                tree[slot.key] = plan.builtins[slot.name]
        run(tree, plan.ints(model), plan.builtins)
        out.append({k: tree.get(k) for k in keep})
    return out
