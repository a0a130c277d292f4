# ruff: noqa: RUF001 - full-width digits are what is tested
"""Months as values."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuodi.kernel.periods import Month, PeriodError

months = st.builds(Month, st.integers(1900, 2200), st.integers(1, 12))


@pytest.mark.parametrize("text", ["2017-04", "201704", " 2017-04 "])
def test_reading(text):
    assert Month.parse(text) == Month(2017, 4)


@pytest.mark.parametrize(
    "text", ["2017-4", "2017-13", "2017-00", "0000-01", "2017/04", "", "二〇一七", "20170401", "２０１７０４"]
)
def test_what_is_no_month(text):
    with pytest.raises(PeriodError, match="不是月份"):
        Month.parse(text)


@pytest.mark.parametrize(("year", "month"), [(2017, 0), (2017, 13), (0, 1), (10000, 1)])
def test_no_such_month_can_be_made(year, month):
    with pytest.raises(PeriodError):
        Month(year, month)


def test_the_end_of_the_year_is_crossed():
    assert Month(2016, 12).next() == Month(2017, 1)
    assert Month(2017, 1).prev() == Month(2016, 12)
    assert Month(2017, 12) + 1 == Month(2018, 1)
    assert Month(2017, 1) - 1 == Month(2016, 12)
    assert Month(2018, 1) - Month(2016, 12) == 13


@pytest.mark.parametrize(
    ("month", "last"),
    [(Month(2020, 2), 29), (Month(2021, 2), 28), (Month(1900, 2), 28), (Month(2000, 2), 29), (Month(2021, 4), 30)],
)
def test_last_days(month, last):
    assert month.last_day.day == last
    assert month.first_day.day == 1
    assert month.last_day in month
    assert date(2019, 6, 1) not in month


def test_forms():
    month = Month.of(date(2017, 4, 30))
    assert (str(month), month.yyyymm, month.no, month.label) == ("2017-04", 201704, 2017 * 12 + 4, "2017年4月")


def test_order_and_use_as_a_key():
    assert Month(2016, 12) < Month(2017, 1) < Month(2017, 2)
    assert {Month(2017, 1): 1}[Month.parse("201701")] == 1


@given(months, st.integers(-500, 500))
def test_adding_is_undone_by_subtracting(month, n):
    assert (month + n) - n == month
    assert (month + n) - month == n
    assert Month.from_no(month.no) == month
    assert Month.parse(str(month)) == Month.parse(f"{month.yyyymm}") == month
    assert month.next().first_day.toordinal() == month.last_day.toordinal() + 1
