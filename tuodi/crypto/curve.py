"""Points of the SM2 curve y² = x³ − 3x + b (GB/T 32918.5): multiples of the base point, and s·G + t·P for checking.

Jacobian coordinates, windows of four bits, and a table of the base point's multiples made when first needed (about 10 ms).
Python's integers take a time that depends on their value, here as in every pure Python library: the private key belongs on
a machine whose timing strangers cannot measure to the microsecond.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

__all__ = ["BASE", "ORDER", "A", "B", "P", "Point", "combine", "multiple", "on_curve"]

P = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
A = P - 3
B = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
ORDER = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
BASE = (
    0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7,
    0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0,
)
_WINDOW = 4
_DIGITS = 256 // _WINDOW

#: x and y, both below P.
Point = tuple[int, int]
#: x·z², y·z³, z; z is 0 for the point at infinity.
_Jacobian = tuple[int, int, int]
_INFINITY: _Jacobian = (1, 1, 0)


def on_curve(point: Point) -> bool:
    """Whether both coordinates are in range and fulfil the equation."""
    x, y = point
    return 0 <= x < P and 0 <= y < P and (y * y - x * x * x - A * x - B) % P == 0


def multiple(k: int) -> Point | None:
    """k·G for 0 ≤ k < 2²⁵⁶; None for the point at infinity."""
    return _affine(_add_base(_INFINITY, k))


def combine(s: int, t: int, point: Point) -> Point | None:
    """s·G + t·P; None for the point at infinity. The point must lie on the curve."""
    row = _row(point)
    total = _INFINITY
    for place in range(_DIGITS - 1, -1, -1):
        for _ in range(_WINDOW):
            total = _double(total)
        digit = t >> (_WINDOW * place) & 15
        if digit:
            total = _add(total, row[digit - 1])
    return _affine(_add_base(total, s))


def _add_base(total: _Jacobian, k: int) -> _Jacobian:
    for row in _table():
        digit = k & 15
        if digit:
            total = _add(total, row[digit - 1])
        k >>= _WINDOW
    return total


@cache
def _table() -> Sequence[Sequence[Point]]:
    """For each place of four bits, 1 to 15 times G at that place."""
    rows = []
    at: Point = BASE
    for _ in range(_DIGITS):
        row = _row(at)
        rows.append(row)
        above = _affine(_double((*row[7], 1)))  # twice eight times: one place up
        if above is None:
            raise AssertionError("the order is prime, so no power of two reaches infinity")
        at = above
    return tuple(rows)


def _row(point: Point) -> Sequence[Point]:
    """1 to 15 times a point, brought to affine with one inversion for all."""
    found: list[_Jacobian] = [(*point, 1)]
    for _ in range(14):
        found.append(_add(found[-1], point))
    products = [1]
    for one in found:
        products.append(products[-1] * one[2] % P)
    inverse = pow(products[-1], -1, P)
    row: list[Point] = []
    for (x, y, z), before in zip(reversed(found), reversed(products[:-1]), strict=True):
        own = inverse * before % P
        inverse = inverse * z % P
        square = own * own % P
        row.append((x * square % P, y * square * own % P))
    return tuple(reversed(row))


def _double(point: _Jacobian) -> _Jacobian:
    x, y, z = point
    if not z:
        return point
    delta, gamma = z * z % P, y * y % P
    beta = x * gamma % P
    alpha = 3 * (x - delta) * (x + delta) % P
    x3 = (alpha * alpha - 8 * beta) % P
    return x3, (alpha * (4 * beta - x3) - 8 * gamma * gamma) % P, 2 * y * z % P


def _add(one: _Jacobian, other: Point) -> _Jacobian:
    x1, y1, z1 = one
    x2, y2 = other
    if not z1:
        return x2, y2, 1
    square = z1 * z1 % P
    h = (x2 * square - x1) % P
    r = (y2 * square * z1 - y1) % P
    if not h:
        return _INFINITY if r else _double(one)
    h2 = h * h % P
    h3, v = h * h2 % P, x1 * h2 % P
    x3 = (r * r - h3 - 2 * v) % P
    return x3, (r * (v - x3) - y1 * h3) % P, z1 * h % P


def _affine(point: _Jacobian) -> Point | None:
    x, y, z = point
    if not z:
        return None
    inverse = pow(z, -1, P)
    square = inverse * inverse % P
    return x * square % P, y * square * inverse % P
