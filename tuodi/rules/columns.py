"""Prints core nodes as Narwhals expressions: the same text for Polars, DuckDB and Spark. Knows no law."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import narwhals as nw

from tuodi.rules import core

__all__ = ["Printer", "literal"]


def literal(value: int | bool | None, *, bool_: bool) -> nw.Expr:
    """A typed literal; an untyped null beside a truth value would stop Polars."""
    return nw.lit(value, nw.Boolean if bool_ else nw.Int64)


class Printer:
    """Prints nodes; `given` maps slot keys to columns, or to plain constants."""

    def __init__(self, given: Mapping[str, nw.Expr | int | bool | None]) -> None:
        self.given = given

    def expr_of(self, key: str) -> nw.Expr:
        """A given slot as an expression; only asked whether it is null, so a constant's kind does not matter."""
        found = self.given[key]
        return found if isinstance(found, nw.Expr) else literal(None if found is None else 0, bool_=False)

    def expr(self, n: core.Node) -> nw.Expr:
        """The node as an expression, constants made literal."""
        out = self.part(n)
        return out if isinstance(out, nw.Expr) else literal(out, bool_=n.bool_)

    def part(self, n: core.Node) -> Any:
        """The node as an expression or as a plain constant."""
        if isinstance(n, core.Const):
            return n.value if n.value is not None else literal(None, bool_=n.bool_)
        if isinstance(n, core.Col):
            found = self.given[n.key]
            return literal(None, bool_=n.bool_) if found is None else found
        if isinstance(n, core.Known):
            inner = self.part(n.a)
            return ~inner.is_null() if isinstance(inner, nw.Expr) else inner is not None
        if isinstance(n, core.Coalesce):
            return nw.coalesce(self.expr(n.a), self.expr(n.b))
        if isinstance(n, core.Not):
            return ~self.expr(n.a)
        if isinstance(n, core.If):
            c = self.part(n.c)
            if isinstance(c, bool):
                return self.part(n.a if c else n.b)
            then = nw.when(c).then(self.expr(n.a))
            if not n.c.null:
                return then.otherwise(self.expr(n.b))
            return then.otherwise(nw.when(~c).then(self.expr(n.b)))
        a, b = self.part(n.a), self.part(n.b)  # type: ignore[attr-defined]
        if not isinstance(a, nw.Expr) and not isinstance(b, nw.Expr):
            return self.fold(n, a, b)
        if isinstance(n, core.And | core.Or):
            a, b = self.lift(a, True), self.lift(b, True)
            return a & b if isinstance(n, core.And) else a | b
        if isinstance(n, core.Cmp):
            return self.compare(n.op, self.lift(a, False), b)
        if isinstance(n, core.Add):
            if not isinstance(a, nw.Expr):
                a = literal(a, bool_=False)
            return a - b if n.minus else a + b
        if isinstance(n, core.Mul):
            return a * b if isinstance(a, nw.Expr) else b * a
        if isinstance(n, core.FloorDiv):
            return self.lift(a, False) // b
        a, b = self.lift(a, False), self.lift(b, False)
        if not n.null:
            return nw.min_horizontal(a, b) if isinstance(n, core.Min) else nw.max_horizontal(a, b)
        first = (a <= b) if isinstance(n, core.Min) else (a >= b)
        return nw.when(first).then(a).otherwise(nw.when(~first).then(b))

    def lift(self, x: Any, bool_: bool) -> nw.Expr:
        return x if isinstance(x, nw.Expr) else literal(x, bool_=bool_)

    def compare(self, op: str, a: nw.Expr, b: Any) -> nw.Expr:
        return {"==": a.__eq__, "!=": a.__ne__, "<": a.__lt__, "<=": a.__le__, ">": a.__gt__, ">=": a.__ge__}[op](b)

    def fold(self, n: core.Node, a: Any, b: Any) -> Any:
        """Both sides constant: the place's own figures often are."""
        if isinstance(n, core.And):
            return a and b
        if isinstance(n, core.Or):
            return a or b
        if isinstance(n, core.Cmp):
            return {"==": a == b, "!=": a != b, "<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b}[n.op]
        if isinstance(n, core.Add):
            return a - b if n.minus else a + b
        if isinstance(n, core.Mul):
            return a * b
        if isinstance(n, core.FloorDiv):
            return a // b
        return min(a, b) if isinstance(n, core.Min) else max(a, b)
