"""Official working days and legal deadlines.

The lists are those of the State Council's yearly notices; every day of the six years is compared, so a package that
changes its mind about one day fails here.
"""

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuodi.kernel.clock import BEIJING
from tuodi.kernel.workdays import Calendar, CalendarError, Unit, UnknownYearError, add_months, official_calendar

# year: (days off in the notice as month-day or month-day..month-day, make-up working days)
NOTICES = {
    2020: (
        "1-01 1-24..2-02 4-04..4-06 5-01..5-05 6-25..6-27 10-01..10-08",
        "1-19 4-26 5-09 6-28 9-27 10-10",
    ),
    2021: (
        "1-01..1-03 2-11..2-17 4-03..4-05 5-01..5-05 6-12..6-14 9-19..9-21 10-01..10-07",
        "2-07 2-20 4-25 5-08 9-18 9-26 10-09",
    ),
    2022: (
        "1-01..1-03 1-31..2-06 4-03..4-05 4-30..5-04 6-03..6-05 9-10..9-12 10-01..10-07 12-31",
        "1-29 1-30 4-02 4-24 5-07 10-08 10-09",
    ),
    2023: (
        "1-01..1-02 1-21..1-27 4-05 4-29..5-03 6-22..6-24 9-29..10-06",
        "1-28 1-29 4-23 5-06 6-25 10-07 10-08",
    ),
    2024: (
        "1-01 2-10..2-17 4-04..4-06 5-01..5-05 6-10 9-15..9-17 10-01..10-07",
        "2-04 2-18 4-07 4-28 5-11 9-14 9-29 10-12",
    ),
    2025: (
        "1-01 1-28..2-04 4-04..4-06 5-01..5-05 5-31..6-02 10-01..10-08",
        "1-26 2-08 4-27 9-28 10-11",
    ),
}

C = official_calendar()


def days(year: int, text: str) -> set[date]:
    out = set()
    for part in text.split():
        first, _, last = part.partition("..")
        day, end = (date(year, *map(int, d.split("-"))) for d in (first, last or first))
        while day <= end:
            out.add(day)
            day += timedelta(days=1)
    return out


@pytest.mark.parametrize("year", NOTICES)
def test_every_day_of_the_year_is_as_the_notice_says(year):
    off, worked = (days(year, text) for text in NOTICES[year])
    assert not off & worked
    wrong = []
    day = date(year, 1, 1)
    while day.year == year:
        expected = day in worked or (day.weekday() < 5 and day not in off)
        if C.is_workday(day) != expected:
            wrong.append(day)
        day += timedelta(days=1)
    assert wrong == []


def test_days_people_get_wrong():
    assert not C.is_workday(date(2020, 2, 1))  # the make-up day became a day off when the holiday was extended
    assert C.is_workday(date(2024, 2, 9))  # New Year's Eve was formally worked
    assert C.is_workday(datetime(2021, 10, 9, 15))  # a moment counts as its day


@pytest.mark.parametrize(
    ("n", "last"),
    [(15, date(2021, 10, 9)), (20, date(2021, 10, 15)), (30, date(2021, 10, 29)), (45, date(2021, 11, 19))],
)
def test_e38_accepted_in_september_over_two_holidays(n, last):
    assert C.add_workdays(date(2021, 9, 13), n) == last
    assert C.deadline(date(2021, 9, 13), n, "工作日") == last
    assert C.workdays_between(date(2021, 9, 13), last) == n


def test_e39_accepted_before_spring_festival_with_two_worked_weekend_days():
    assert C.is_workday(date(2022, 1, 29))
    assert C.is_workday(date(2022, 1, 30))
    assert C.deadline(date(2022, 1, 24), 15, Unit.WORKDAY) == date(2022, 2, 17)


def test_e40_a_notice_of_seven_days_over_national_day():
    assert C.deadline(date(2021, 9, 28), 7, "日") == date(2021, 10, 5)
    assert C.deadline(date(2021, 9, 28), 7, "日", roll=True) == date(2021, 10, 8)


def test_the_start_day_is_not_counted_even_on_a_day_off():
    assert C.add_workdays(date(2021, 10, 8), 1) == date(2021, 10, 9)
    assert C.add_workdays(date(2021, 10, 2), 1) == date(2021, 10, 8)
    assert C.add_workdays(date(2021, 10, 2), 0) == date(2021, 10, 2)


@pytest.mark.parametrize(
    ("start", "n", "unit", "last"),
    [
        (date(2021, 1, 31), 1, "月", date(2021, 2, 28)),
        (date(2020, 1, 31), 1, "月", date(2020, 2, 29)),
        (date(2021, 2, 28), 1, "月", date(2021, 3, 28)),
        (date(2021, 10, 31), 1, "月", date(2021, 11, 30)),
        (date(2021, 11, 30), 3, "月", date(2022, 2, 28)),
        (date(2021, 12, 15), 2, "月", date(2022, 2, 15)),
        (date(2020, 2, 29), 1, "年", date(2021, 2, 28)),
        (date(2020, 2, 29), 4, "年", date(2024, 2, 29)),
        (date(2021, 2, 28), 3, "年", date(2024, 2, 28)),
        (date(2021, 9, 28), 10, "次月", date(2021, 10, 10)),
        (date(2021, 12, 1), 10, "次月", date(2022, 1, 10)),
        (date(2021, 1, 5), 31, "次月", date(2021, 2, 28)),
        (date(2020, 1, 5), 0, "次月", date(2020, 2, 29)),
        (date(2021, 9, 28), 0, "日", date(2021, 9, 28)),
    ],
)
def test_months_and_years_end_on_the_same_number_or_the_months_end(start, n, unit, last):
    assert C.deadline(start, n, unit) == last


def test_rolling_moves_only_a_day_off():
    assert C.deadline(date(2021, 9, 5), 1, "月", roll=True) == date(2021, 10, 8)  # 10-05 is off
    assert C.deadline(date(2021, 9, 8), 1, "月", roll=True) == date(2021, 10, 8)
    assert C.deadline(date(2021, 9, 10), 10, "次月", roll=True) == date(2021, 10, 11)  # 10-09 worked, 10-10 off


def test_hours_need_a_moment_and_keep_it():
    start = datetime(2021, 9, 30, 16, 30, tzinfo=BEIJING)
    assert C.deadline(start, 24, "小时") == datetime(2021, 10, 1, 16, 30, tzinfo=BEIJING)
    assert C.deadline(start, 24, Unit.HOUR, roll=True) == datetime(2021, 10, 8, 16, 30, tzinfo=BEIJING)
    with pytest.raises(CalendarError, match="起算的时刻"):
        C.deadline(date(2021, 9, 30), 24, "小时")


def test_a_year_without_a_notice_is_an_error_not_monday_to_friday():
    assert 2026 in C.years
    assert 2027 not in C.years
    with pytest.raises(UnknownYearError, match="2027 年") as caught:
        C.is_workday(date(2027, 3, 1))
    assert caught.value.year == caught.value.fields["year"] == 2027
    with pytest.raises(UnknownYearError):
        C.deadline(date(2026, 12, 21), 15, "工作日")
    with pytest.raises(UnknownYearError):
        C.deadline(date(2026, 12, 28), 7, "日", roll=True)
    with pytest.raises(UnknownYearError):
        C.is_workday(date(2003, 6, 2))


def test_calendar_days_and_months_need_no_official_year():
    assert C.deadline(date(2026, 12, 28), 7, "日") == date(2027, 1, 4)
    assert C.deadline(date(2027, 1, 31), 1, "月") == date(2027, 2, 28)


def test_an_operator_adds_a_year_and_corrects_a_day_without_touching_the_old_calendar():
    plain = {d: d.weekday() < 5 for i in range(365) if (d := date(2027, 1, 1) + timedelta(days=i))}
    wider = C.with_days(plain, "2027 手工录入")
    assert wider.deadline(date(2026, 12, 31), 1, "工作日") == date(2027, 1, 1)
    assert wider.version != C.version
    corrected = wider.with_days({date(2027, 1, 1): False}, "更正")
    assert corrected.deadline(date(2026, 12, 31), 1, "工作日") == date(2027, 1, 4)
    assert wider.is_workday(date(2027, 1, 1))
    assert 2027 not in C.years


def test_half_a_year_is_refused():
    with pytest.raises(CalendarError, match="2027 年的日历不完整，只有 1 天"):
        C.with_days({date(2027, 1, 1): False}, "x")
    with pytest.raises(CalendarError):
        Calendar({date(2020, 1, 1): True}, "x")


@pytest.mark.parametrize(
    "call", [lambda: C.add_workdays(date(2021, 1, 1), -1), lambda: C.deadline(date(2021, 1, 1), -1, "日")]
)
def test_a_negative_period_is_a_fault(call):
    with pytest.raises(ValueError, match="negative"):
        call()


def test_an_unknown_unit_lists_the_known_ones():
    with pytest.raises(CalendarError, match="工作日、日、月、年、小时、次月"):
        C.deadline(date(2021, 1, 1), 1, "周")


@given(st.dates(date(2010, 1, 1), date(2025, 6, 30)), st.integers(0, 90))
def test_counting_forth_and_back(start, n):
    end = C.add_workdays(start, n)
    assert C.workdays_between(start, end) == n
    assert C.workdays_between(end, start) == -n
    assert n == 0 or C.is_workday(end)
    assert C.next_workday(end) == end or n == 0


@given(st.dates(date(1990, 1, 1), date(2090, 1, 1)), st.integers(0, 600))
def test_months_never_skip_one(day, n):
    end = add_months(day, n)
    assert (end.year * 12 + end.month) - (day.year * 12 + day.month) == n
    assert end.day <= day.day
    assert end.day == day.day or (end + timedelta(days=1)).day == 1
