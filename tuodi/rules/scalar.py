"""Prints a model as plain Python over integers: one family, every value kept, no interpretation at run time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tuodi.rules import core
from tuodi.rules.schedule import steps_of
from tuodi.rules.slots import Model, Slot

__all__ = ["compile_scalar", "source_of"]

#: run(tree, tables, builtins) -> None; values are written into the rows of the tree.
Run = Callable[[dict[str, Any], Mapping[str, Any], Mapping[str, int]], None]

_CMP = {"==": "==", "!=": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}


class _Printer:
    """Prints expressions. What may be unknown is named by `:=` at its first look, so branches not taken are not evaluated."""

    def __init__(self, names: dict[str, str]) -> None:
        self.names, self.count = names, 0

    def first(self, n: core.Node) -> tuple[str, str]:
        """(text for the first look, text for later ones) of a value looked at more than once."""
        text = self.expr(n)
        if text.isidentifier() or text.lstrip("-").isdigit():
            return text, text
        self.count += 1
        return f"(t{self.count} := {text})", f"t{self.count}"

    def expr(self, n: core.Node) -> str:
        if isinstance(n, core.Const):
            return repr(n.value)
        if isinstance(n, core.Col):
            return self.names[n.key]
        if isinstance(n, core.Known):
            return f"({self.expr(n.a)} is not None)"
        if isinstance(n, core.Coalesce):
            look, again = self.first(n.a)
            return f"({self.expr(n.b)} if {look} is None else {again})"
        if isinstance(n, core.Not):
            if not n.null:
                return f"(not {self.expr(n.a)})"
            look, again = self.first(n.a)
            return f"(None if {look} is None else not {again})"
        if isinstance(n, core.If):
            return self.if_(n)
        a_node, b_node = n.a, n.b  # type: ignore[attr-defined]
        if isinstance(n, core.And | core.Or):
            word, stop, go = ("and", "False", "True") if isinstance(n, core.And) else ("or", "True", "False")
            if not n.null:
                return f"({self.expr(a_node)} {word} {self.expr(b_node)})"
            (a1, a), (b1, b) = self.first(a_node), self.first(b_node)
            return f"({stop} if {a1} is {stop} or {b1} is {stop} else None if {a} is None or {b} is None else {go})"
        if not n.null:
            return self.plain(n, self.expr(a_node), self.expr(b_node))
        a1, a = self.first(a_node) if a_node.null else ("", self.expr(a_node))
        b1, b = self.first(b_node) if b_node.null else ("", self.expr(b_node))
        tests = " or ".join(f"{x} is None" for x in (a1, b1) if x)
        return f"(None if {tests} else {self.plain(n, a, b)})"

    def plain(self, n: core.Node, a: str, b: str) -> str:
        if isinstance(n, core.Add):
            return f"({a} {'-' if n.minus else '+'} {b})"
        if isinstance(n, core.Mul):
            return f"({a} * {b})"
        if isinstance(n, core.FloorDiv):
            return f"({a} // {b})"
        if isinstance(n, core.Cmp):
            return f"({a} {_CMP[n.op]} {b})"
        (a1, a), (b1, b) = self.again(a), self.again(b)
        return f"({a} if {a1} {'<' if isinstance(n, core.Min) else '>'} {b1} else {b})"

    def again(self, text: str) -> tuple[str, str]:
        if text.isidentifier() or text.lstrip("-").isdigit():
            return text, text
        self.count += 1
        return f"(t{self.count} := {text})", f"t{self.count}"

    def if_(self, n: core.If) -> str:
        if not n.c.null:
            return f"({self.expr(n.a)} if {self.expr(n.c)} else {self.expr(n.b)})"
        look, again = self.first(n.c)
        return f"(None if {look} is None else {self.expr(n.a)} if {again} else {self.expr(n.b)})"


def source_of(model: Model) -> str:
    """The Python text of a model. Levels are nested dictionaries: a row holds its collections under their names."""
    index = {key: i for i, key in enumerate(model.slots)}
    names = {key: f"v{i}" for key, i in index.items()}
    children: dict[str, list[str]] = {}
    for level, up in model.levels.items():
        if up:
            children.setdefault(up, []).append(level)
    out = ["def run(P, T, B):"]
    emit = out.append
    for key, slot in model.slots.items():
        if slot.kind == "builtin":
            emit(f"  {names[key]} = B[{slot.name!r}]")
    for key, slot in model.slots.items():
        if slot.kind == "param":
            emit(f"  T{index[key]} = T[{slot.name!r}]")
    emit("  H = P['household']")
    held = {"place": "P", "household": "H"}

    def open_rows(level: str) -> tuple[str, str]:
        """Opens the loops down to a level; returns (indent, row variable)."""
        path = []
        at = level
        while at not in held:
            path.append(at)
            at = model.levels[at]
        indent, row = "  ", held[at]
        for name in reversed(path):
            var = f"r_{name}"
            emit(f"{indent}for {var} in {row}[{name!r}]:")
            indent, row = indent + "  ", var
        return indent, row

    loaded: set[str] = set()

    def load(indent: str, row: str, level: str, keys: list[str]) -> None:
        for key in keys:
            slot = model.slots[key]
            if slot.kind == "builtin" or (slot.level in held and key in loaded):
                continue
            owner = row if slot.level == level else held.get(slot.level, f"r_{slot.level}")
            emit(f"{indent}{names[key]} = {owner}[{key!r}]")

    for level in ("place", "household"):
        facts = [k for k, s in model.slots.items() if s.level == level and s.kind == "fact"]
        load("  ", held[level], level, facts)
        loaded.update(facts)
    for step in steps_of(model):
        if step.kind == "compute":
            keys = set(step.keys)
            outside = list(dict.fromkeys(d for k in step.keys for d in model.slots[k].deps if d not in keys))
            indent, row = open_rows(step.level)
            load(indent, row, step.level, [d for d in outside if not (model.slots[d].level in held and d in loaded)])
            for key in step.keys:
                slot = model.slots[key]
                if slot.kind == "param":
                    text = _lookup(slot, index[key], names)
                else:
                    printer = _Printer(names)
                    assert slot.node is not None
                    text = printer.expr(slot.node)
                emit(f"{indent}{names[key]} = {row}[{key!r}] = {text}")
                if step.level in held:
                    loaded.add(key)
        else:
            _climb(model, step.level, step.keys, names, emit, open_rows, loaded, held)
    return "\n".join(out) + "\n"


def _lookup(slot: Slot, number: int, names: dict[str, str]) -> str:
    if not slot.keys:
        return f"T{number}"
    parts = []
    for key in slot.keys:
        parts.append(key[1:] if key.startswith("=") else names[key])
    return f"T{number}.get(({', '.join(parts)},))"


def _climb(
    model: Model,
    level: str,
    keys: tuple[str, ...],
    names: dict[str, str],
    emit: Any,
    open_rows: Any,
    loaded: set[str],
    held: dict[str, str],
) -> None:
    up = model.levels[level]
    indent, row = open_rows(up)
    for key in keys:
        slot = model.slots[key]
        n = names[key]
        start = {"sum": "0", "count": "0", "any": "False", "max": "None", "min": "None"}[slot.agg]
        emit(f"{indent}{n} = {start}")
        if slot.null:
            emit(f"{indent}{n}_u = False")
    emit(f"{indent}for r_{level} in {row}[{level!r}]:")
    inner = indent + "  "
    children = list(dict.fromkeys(model.slots[k].child for k in keys))
    for child in children:
        slot = model.slots[child]
        owner = f"r_{level}" if slot.level == level else held.get(slot.level, f"r_{slot.level}")
        emit(
            f"{inner}x = {owner}[{child!r}]" if len(children) == 1 else f"{inner}x_{names[child]} = {owner}[{child!r}]"
        )
    for key in keys:
        slot, n = model.slots[key], names[key]
        x = "x" if len(children) == 1 else f"x_{names[slot.child]}"
        add = {
            "sum": f"{n} += {x}", "count": f"{n} += {x}", "any": f"{n} = {n} or {x}",
            "max": f"{n} = {x} if {n} is None or {x} > {n} else {n}", "min": f"{n} = {x} if {n} is None or {x} < {n} else {n}",
        }[slot.agg]  # fmt: skip
        if slot.null:
            emit(f"{inner}if {x} is None: {n}_u = True")
            emit(f"{inner}else: {add}")
        else:
            emit(f"{inner}{add}")
    for key in keys:
        slot, n = model.slots[key], names[key]
        if slot.agg in ("max", "min"):
            emit(f"{indent}if {n} is None: {n} = 0")
        if slot.null:
            emit(f"{indent}if {n}_u{' and not ' + n if slot.agg == 'any' else ''}: {n} = None")
        emit(f"{indent}{row}[{key!r}] = {n}")
        if up in held:
            loaded.add(key)


def compile_scalar(model: Model) -> Run:
    """The model as a function; compiled once and kept with the model."""
    if "scalar" not in model.compiled:
        space: dict[str, Any] = {}
        exec(
            compile(source_of(model), "<rules>", "exec"), space
        )  # text made above from a checked tree, never from input
        model.compiled["scalar"] = space["run"]
    run: Run = model.compiled["scalar"]
    return run
