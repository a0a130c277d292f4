"""What each family of the truth gets: the standards in force, incomes calibrated to the printed spending.

From January to August 2017 荆门 spent 1.67亿 yuan on 68,000 people. One factor on all incomes brings the generated
roll to that sum. This is the generator's own arithmetic on purpose, a check on the product's, not a use of it.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from tuodi.demo.generator.history import FIRST, LAST, Roll
from tuodi.demo.generator.population import Household
from tuodi.kernel.periods import Month

__all__ = ["HYPOTHETICAL", "SPENT_FEN", "Line", "lines", "standard"]

#: Printed dibao spending of 2017-01 to 2017-08, fen.
SPENT_FEN = 16_700_000_000
_SPENT_FROM, _SPENT_TO = Month(2017, 1).no, Month(2017, 8).no

#: Standards before the printed ones begin: assumed (假设), yuan; the demo's overlay pack holds the same values.
HYPOTHETICAL = {"urban_centre": 520, "urban": 450, "rural_year": 4000, "wubao_year": 6900}

_APRIL, _JANUARY = Month(2017, 4).no, Month(2017, 1).no


def standard(home: Household, month: int) -> int:
    """Standard per person in whole yuan: a month for urban dibao, a year for rural dibao and 五保."""
    if home.programme == "tekun":
        return 7512 if month >= _APRIL else HYPOTHETICAL["wubao_year"]
    if home.category == "rural":
        return 4500 if month >= _JANUARY else HYPOTHETICAL["rural_year"]
    if month >= _APRIL:
        return 575 if home.county.centre else 500
    return HYPOTHETICAL["urban_centre" if home.county.centre else "urban"]


class Line(NamedTuple):
    """One family in one month. ``income_fen``: of the household, a month (urban) or a year (rural); 0 for 五保."""

    month: int
    household: Household
    persons: int
    income_fen: int
    amount_fen: int


def lines(roll: Roll) -> list[Line]:
    """All lines of the span in order of month; incomes are whole yuan, amounts rounded once, half up, to the fen."""
    full = wanted = 0
    for month in range(_SPENT_FROM, _SPENT_TO + 1):
        for home in roll.on(month):
            if home.programme == "dibao":
                persons = len(home.present(month))
                per_year = 1 if home.category == "rural" else 12
                full += standard(home, month) * per_year * persons * 100
                wanted += int(_reference(home, month) * per_year * persons * 100)
    factor = (full - SPENT_FEN * 12) / wanted
    out: list[Line] = []
    for month in range(FIRST.no, LAST.no + 1):
        for home in roll.on(month):
            out.append(_line(home, month, factor))
    return out


def _reference(home: Household, month: int) -> float:
    """Income per person in yuan before calibration: a share of the lowest standard it was ever held against."""
    since = max(m for m in home.shares if m <= month)
    return home.shares[since] * standard(home, since)


def _line(home: Household, month: int, factor: float) -> Line:
    persons = len(home.present(month))
    rate = standard(home, month)
    if home.programme == "tekun":
        return Line(month, home, persons, 0, persons * _half_up(rate * 100, 12))
    since = max(m for m in home.shares if m <= month)
    share = min(home.shares[since] * factor, 0.985)
    income = int(share * standard(home, since) * persons)
    gap = rate * persons * 100 - income * 100
    return Line(month, home, persons, income * 100, _half_up(gap, 12) if home.category == "rural" else gap)


def _half_up(fen: int, parts: int) -> int:
    return int((Decimal(fen) / parts).quantize(Decimal(1), ROUND_HALF_UP))
