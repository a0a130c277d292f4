"""Completed years, at the boundary days."""

from __future__ import annotations

from datetime import date

import pytest

from tuodi.kernel.ages import OF_AGE, age


@pytest.mark.parametrize(
    ("birth", "on", "years"),
    [
        (date(1999, 9, 8), date(2017, 9, 7), 17),
        (date(1999, 9, 8), date(2017, 9, 8), OF_AGE),
        (date(2000, 2, 29), date(2018, 2, 28), 17),
        (date(2000, 2, 29), date(2018, 3, 1), 18),
        (date(2017, 9, 8), date(2017, 9, 8), 0),
    ],
)
def test_a_year_is_completed_on_the_birthday(birth: date, on: date, years: int) -> None:
    assert age(birth, on) == years
