"""The integer core both compilers print: a dozen node kinds over whole numbers and truth values, each with bounds.

All meaning (fractions, rounding, look-ups, ages, unknown) is decided before this point. A node carries the least and
greatest value it can take and whether it may be unknown, so that a printer knows where plain operators do and a pack
whose arithmetic could pass 2^63 is refused when it is loaded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = [
    "LIMIT", "Add", "And", "Cmp", "Coalesce", "Col", "Const", "FloorDiv", "If", "Known", "Max", "Min", "Mul", "Node", "Not",
    "Or", "OverflowError_", "add", "and_", "cmp", "coalesce", "const", "floordiv", "if_", "known", "max_", "min_", "mul", "not_", "or_", "sub",
]  # fmt: skip

LIMIT = 2**63 - 1


class OverflowError_(ValueError):  # noqa: N801, N818 - the builtin means something else
    """A value that could leave 64 bits. `reach` is the bound it could get to."""

    def __init__(self, reach: int) -> None:
        super().__init__(f"{reach:.3g}" if abs(reach) < 10**300 else "1e300")
        self.reach = reach


@dataclass(frozen=True, slots=True)
class Node:
    """Common head: kind of value, bounds (0/1 for truth values), may be unknown."""

    bool_: bool
    lo: int
    hi: int
    null: bool


@dataclass(frozen=True, slots=True)
class Const(Node):
    value: int | bool | None


@dataclass(frozen=True, slots=True)
class Col(Node):
    key: str


@dataclass(frozen=True, slots=True)
class Add(Node):
    a: Node
    b: Node
    minus: bool


@dataclass(frozen=True, slots=True)
class Mul(Node):
    a: Node
    b: Node


@dataclass(frozen=True, slots=True)
class FloorDiv(Node):
    a: Node
    b: Node


@dataclass(frozen=True, slots=True)
class Cmp(Node):
    op: Literal["==", "!=", "<", "<=", ">", ">="]
    a: Node
    b: Node


@dataclass(frozen=True, slots=True)
class And(Node):
    a: Node
    b: Node


@dataclass(frozen=True, slots=True)
class Or(Node):
    a: Node
    b: Node


@dataclass(frozen=True, slots=True)
class Not(Node):
    a: Node


@dataclass(frozen=True, slots=True)
class If(Node):
    c: Node
    a: Node
    b: Node


@dataclass(frozen=True, slots=True)
class Min(Node):
    a: Node
    b: Node


@dataclass(frozen=True, slots=True)
class Max(Node):
    a: Node
    b: Node


@dataclass(frozen=True, slots=True)
class Known(Node):
    a: Node


@dataclass(frozen=True, slots=True)
class Coalesce(Node):
    a: Node
    b: Node


def _in(lo: int, hi: int) -> tuple[int, int]:
    if lo < -LIMIT or hi > LIMIT:
        raise OverflowError_(hi if hi > LIMIT else lo)
    return lo, hi


def const(value: int | bool | None, *, bool_: bool = False) -> Const:
    """A constant; None is the unknown of the given kind."""
    if value is None:
        return Const(bool_, 0, 1 if bool_ else 0, True, None)
    if isinstance(value, bool):
        return Const(True, int(value), int(value), False, value)
    _in(value, value)
    return Const(False, value, value, False, value)


def _is(node: Node, value: int | bool) -> bool:
    return (
        isinstance(node, Const)
        and node.value is not None
        and node.value == value
        and isinstance(node.value, bool) == isinstance(value, bool)
    )


def add(a: Node, b: Node) -> Node:
    if _is(a, 0):
        return b
    if _is(b, 0):
        return a
    if isinstance(a, Const) and isinstance(b, Const) and a.value is not None and b.value is not None:
        return const(a.value + b.value)
    return Add(False, *_in(a.lo + b.lo, a.hi + b.hi), a.null or b.null, a, b, False)


def sub(a: Node, b: Node) -> Node:
    if _is(b, 0):
        return a
    if isinstance(a, Const) and isinstance(b, Const) and a.value is not None and b.value is not None:
        return const(a.value - b.value)
    return Add(False, *_in(a.lo - b.hi, a.hi - b.lo), a.null or b.null, a, b, True)


def mul(a: Node, b: Node) -> Node:
    if _is(a, 1):
        return b
    if _is(b, 1):
        return a
    if isinstance(a, Const) and isinstance(b, Const) and a.value is not None and b.value is not None:
        return const(a.value * b.value)
    if isinstance(a, Const):
        a, b = b, a
    if (
        isinstance(b, Const)
        and b.value is not None
        and isinstance(a, Mul)
        and isinstance(a.b, Const)
        and a.b.value is not None
    ):
        return mul(a.a, const(a.b.value * b.value))
    corners = (a.lo * b.lo, a.lo * b.hi, a.hi * b.lo, a.hi * b.hi)
    return Mul(False, *_in(min(corners), max(corners)), a.null or b.null, a, b)


def floordiv(a: Node, b: Node) -> Node:
    """Floor of a/b. The divisor's lower bound must be positive (the lowering proves it)."""
    if b.lo <= 0:
        raise ValueError("divisor may be zero")
    if _is(b, 1):
        return a
    if isinstance(a, Const) and isinstance(b, Const) and a.value is not None and b.value is not None:
        return const(a.value // b.value)
    corners = (a.lo // b.lo, a.lo // b.hi, a.hi // b.lo, a.hi // b.hi)
    return FloorDiv(False, min(corners), max(corners), a.null or b.null, a, b)


_FLIP = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "==": "==", "!=": "!="}


def cmp(op: Literal["==", "!=", "<", "<=", ">", ">="], a: Node, b: Node) -> Node:
    if isinstance(a, Const) and isinstance(b, Const) and a.value is not None and b.value is not None:
        x, y = int(a.value), int(b.value)
        return const({"==": x == y, "!=": x != y, "<": x < y, "<=": x <= y, ">": x > y, ">=": x >= y}[op])
    if isinstance(a, Const):
        a, b, op = b, a, _FLIP[op]  # type: ignore[assignment]
    return Cmp(True, 0, 1, a.null or b.null, op, a, b)


def and_(a: Node, b: Node) -> Node:
    if _is(a, True):
        return b
    if _is(b, True):
        return a
    if _is(a, False) or _is(b, False):
        return const(False)
    return And(True, 0, 1, a.null or b.null, a, b)


def or_(a: Node, b: Node) -> Node:
    if _is(a, False):
        return b
    if _is(b, False):
        return a
    if _is(a, True) or _is(b, True):
        return const(True)
    return Or(True, 0, 1, a.null or b.null, a, b)


def not_(a: Node) -> Node:
    if isinstance(a, Const) and a.value is not None:
        return const(not a.value)
    if isinstance(a, Not):
        return a.a
    return Not(True, 0, 1, a.null, a)


def if_(c: Node, a: Node, b: Node) -> Node:
    if isinstance(c, Const) and c.value is not None:
        return a if c.value else b
    if a == b and not c.null:
        return a
    return If(a.bool_, min(a.lo, b.lo), max(a.hi, b.hi), c.null or a.null or b.null, c, a, b)


def min_(a: Node, b: Node) -> Node:
    if not (a.null or b.null):
        if a.hi <= b.lo:
            return a
        if b.hi <= a.lo:
            return b
    return Min(False, min(a.lo, b.lo), min(a.hi, b.hi), a.null or b.null, a, b)


def max_(a: Node, b: Node) -> Node:
    if not (a.null or b.null):
        if a.lo >= b.hi:
            return a
        if b.lo >= a.hi:
            return b
    return Max(False, max(a.lo, b.lo), max(a.hi, b.hi), a.null or b.null, a, b)


def known(a: Node) -> Node:
    if not a.null:
        return const(True)
    if isinstance(a, Const):
        return const(a.value is not None)
    return Known(True, 0, 1, False, a)


def coalesce(a: Node, b: Node) -> Node:
    if not a.null:
        return a
    return Coalesce(a.bool_, min(a.lo, b.lo), max(a.hi, b.hi), b.null, a, b)
