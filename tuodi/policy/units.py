"""Units as Chinese documents print them: 元/人·月, 元/人·年, %, 倍. Sums and comparisons are checked by dimension.

A unit is a set of base dimensions with exponents and an exact factor to the canonical unit of that dimension
(年 = 12 月, 万元 = 10000 元, % = 1/100). 人 is a dimension of its own and falls away on a member's row.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

__all__ = [
    "BOOL",
    "COUNTS",
    "DATE",
    "ENUM",
    "MONTH_NO",
    "ONE",
    "SET",
    "Dims",
    "Unit",
    "UnknownUnitError",
    "parse_unit",
    "show",
]

#: Dimension -> exponent, sorted; () is a plain number.
Dims = tuple[tuple[str, int], ...]

ONE: Dims = ()
MONTH_NO: Dims = (("月份", 1),)
BOOL, ENUM, SET, DATE = "是否", "枚举", "集合", "日期"

_BASE: dict[str, tuple[str | None, Fraction]] = {
    "元": ("元", Fraction(1)),
    "万元": ("元", Fraction(10000)),
    "分": ("元", Fraction(1, 100)),
    "人": ("人", Fraction(1)),
    "生": ("人", Fraction(1)),
    "居民": ("人", Fraction(1)),
    "人次": ("人", Fraction(1)),
    "月": ("月", Fraction(1)),
    "年": ("月", Fraction(12)),
    "学年": ("月", Fraction(12)),
    "季": ("月", Fraction(3)),
    "日": ("日", Fraction(1)),
    "工作日": ("工作日", Fraction(1)),
    "小时": ("小时", Fraction(1)),
    "户": ("户", Fraction(1)),
    "项": ("项", Fraction(1)),
    "次": ("次", Fraction(1)),
    "个": ("项", Fraction(1)),
    "岁": ("岁", Fraction(1)),
    "级": ("级", Fraction(1)),
    "㎡": ("㎡", Fraction(1)),
    "平方米": ("㎡", Fraction(1)),
    "月份": ("月份", Fraction(1)),
    "年份": (None, Fraction(1)),
    "比例": (None, Fraction(1)),
    "倍": (None, Fraction(1)),
    "%": (None, Fraction(1, 100)),
    "数": (None, Fraction(1)),
}

#: Dimensions a bare integer may stand for.
COUNTS = frozenset({"岁", "人", "项", "次", "级", "月", "户", "日", "小时", "工作日"})


class UnknownUnitError(ValueError):
    """A unit word outside the registry."""


@dataclass(frozen=True)
class Unit:
    """A parsed unit: `text` as written, `dims`, and the exact `factor` to the canonical unit of these dimensions."""

    text: str
    dims: Dims
    factor: Fraction

    @property
    def money(self) -> bool:
        return dict(self.dims).get("元") == 1


def normal(dims: dict[str, int]) -> Dims:
    return tuple(sorted((k, v) for k, v in dims.items() if v))


def multiply(a: Dims, b: Dims, sign: int = 1) -> Dims:
    """Dimensions of a product (`sign=1`) or quotient (`sign=-1`)."""
    out = dict(a)
    for name, power in b:
        out[name] = out.get(name, 0) + sign * power
    return normal(out)


def without_person(dims: Dims) -> Dims:
    """On a member's row one row is one person, so 人 falls away."""
    return tuple(d for d in dims if d[0] != "人")


@lru_cache(maxsize=4096)
def parse_unit(text: str) -> Unit:
    """Reads a unit as printed.

    Raises: UnknownUnitError naming the unknown word.

    Example:
        >>> parse_unit("元/人·年").factor
        Fraction(1, 12)
    """
    dims: dict[str, int] = {}
    factor = Fraction(1)
    for position, part in enumerate(
        text.replace("每", "").replace("／", "/").replace("\uff0e", "·").replace(".", "·").split("/")
    ):
        for word in part.split("·"):
            word = word.strip()
            if word not in _BASE:
                raise UnknownUnitError(word)
            base, scale = _BASE[word]
            sign = 1 if position == 0 else -1
            factor *= scale**sign
            if base:
                dims[base] = dims.get(base, 0) + sign
    return Unit(text, normal(dims), factor)


def show(dims: Dims) -> str:
    """Dimensions in the way documents print them; a plain number is 比例."""
    top = [k if v == 1 else f"{k}{v}" for k, v in dims if v > 0]
    low = [k if v == -1 else f"{k}{-v}" for k, v in dims if v < 0]
    order = ["元", "人", "月"]
    key = lambda w: order.index(w) if w in order else 9  # noqa: E731
    head = "·".join(sorted(top, key=key)) or ("1" if low else "比例")
    return head + ("/" + "·".join(sorted(low, key=key)) if low else "")
