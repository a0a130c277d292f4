"""Working days and legal deadlines, from official calendars only.

A year whose notice has not been published is an error, never Monday to Friday; whoever stores a deadline keeps it
as unknown until the year is entered.

Basis: 民法典 art. 201 (the start day is not counted), 202 (months and years end on the same day number, else on the
month's end), 203 (a last day that is off moves to the next working day; here a switch, because notices of
「7天」 are read as calendar days).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import Literal, overload

from tuodi.kernel.errors import TuodiError
from tuodi.kernel.periods import Month

__all__ = ["Calendar", "CalendarError", "Unit", "UnknownYearError", "add_months", "official_calendar"]

_DAY = timedelta(days=1)


class CalendarError(TuodiError):
    """A deadline that cannot be reckoned from what was given."""

    code = "kernel.calendar"


class UnknownYearError(CalendarError):
    """The calendar has no official arrangement for a year.

    Attributes:
        year: The first year that was needed and is missing.
    """

    code = "kernel.calendar.unknown_year"

    def __init__(self, year: int) -> None:
        self.year = year
        super().__init__(
            f"没有 {year} 年的法定工作日安排，不能计算期限。请在国务院办公厅公布放假通知后录入该年日历，期限将自动补算。",
            year=year,
        )


class Unit(StrEnum):
    """Units of legal periods, as documents print them."""

    WORKDAY = "工作日"
    DAY = "日"
    MONTH = "月"
    YEAR = "年"
    HOUR = "小时"
    #: Not a length: the day of the following month by which something is due, 次月10日.
    NEXT_MONTH = "次月"


class Calendar:
    """Which days are worked, for the years an official notice covers.

    Args:
        days: True for a working day, False for a day off; a covered year must have all its days. A calendar that
            an operator corrected is a new one with a new version, so old deadlines can be explained.
        version: What the arrangement rests on; stored beside every deadline.
    """

    def __init__(self, days: Mapping[date, bool], version: str) -> None:
        self._days = dict(days)
        self.version = version
        for year in {day.year for day in self._days}:
            first, last = date(year, 1, 1), date(year, 12, 31)
            have = sum(first + _DAY * i in self._days for i in range((last - first).days + 1))
            if have != (last - first).days + 1:
                raise CalendarError(
                    f"{year} 年的日历不完整，只有 {have} 天。请补全该年每一天是否为工作日。", year=year, days=have
                )
        self.years = tuple(sorted({day.year for day in self._days}))

    def with_days(self, days: Mapping[date, bool], version: str) -> Calendar:
        """A new calendar with some days changed or a year added."""
        return Calendar(self._days | dict(days), version)

    def is_workday(self, day: date) -> bool:
        """True on working days, make-up days included. UnknownYearError outside the covered years."""
        try:
            return self._days[_plain(day)]
        except KeyError:
            raise UnknownYearError(day.year) from None

    def add_workdays(self, start: date, n: int) -> date:
        """The n-th working day after start; start itself is not counted, and n = 0 gives start.

        Raises:
            UnknownYearError: The count runs into a year that is not covered.
            ValueError: n is negative.
        """
        if n < 0:
            raise ValueError("a period cannot be negative")
        day = _plain(start)
        while n:
            day += _DAY
            n -= self.is_workday(day)
        return day

    def workdays_between(self, start: date, end: date) -> int:
        """Working days after start up to and including end; negative if end is earlier.

        ``add_workdays(start, workdays_between(start, end)) == end`` whenever end is a working day.
        """
        start, end = _plain(start), _plain(end)
        if end < start:
            return -self.workdays_between(end, start)
        return sum(self.is_workday(start + _DAY * i) for i in range(1, (end - start).days + 1))

    def next_workday(self, day: date) -> date:
        """The day itself if it is worked, else the next one that is (民法典 203)."""
        day = _plain(day)
        while not self.is_workday(day):
            day += _DAY
        return day

    @overload
    def deadline(
        self, start: datetime, n: int, unit: Literal[Unit.HOUR, "小时"], *, roll: bool = False
    ) -> datetime: ...
    @overload
    def deadline(self, start: date, n: int, unit: Unit | str, *, roll: bool = False) -> date: ...
    def deadline(self, start: date, n: int, unit: Unit | str, *, roll: bool = False) -> date:
        """The last day of a period that begins on start.

        Args:
            start: The day the clock starts, not counted. Hours need a moment.
            n: How many units. With 次月: the day of the following month, 31 and 0 meaning its end.
            unit: A Unit or its Chinese name.
            roll: Move a last day that is off to the next working day. A period of working days never needs it.

        Returns:
            The last day on which the act is in time; for hours the moment, aware as start is.

        Raises:
            UnknownYearError: Working days or rolling reach a year that is not covered.
            CalendarError: Hours without a time of day, or an unknown unit.
            ValueError: n is negative.
        """
        if n < 0:
            raise ValueError("a period cannot be negative")
        try:
            unit = Unit(unit)
        except ValueError:
            known = "、".join(Unit)
            raise CalendarError(f"期限单位“{unit}”不能识别。请从 {known} 中选一个。", unit=str(unit)) from None
        if unit is Unit.HOUR:
            return self._hours(start, n, roll)
        day = _plain(start)
        if unit is Unit.WORKDAY:
            return self.add_workdays(day, n)
        if unit is Unit.DAY:
            end = day + _DAY * n
        elif unit is Unit.NEXT_MONTH:
            month = Month.of(day).next()
            end = month.last_day if n == 0 or n > month.last_day.day else date(month.year, month.month, n)
        else:
            end = add_months(day, n * 12 if unit is Unit.YEAR else n)
        return self.next_workday(end) if roll else end

    def _hours(self, start: date, n: int, roll: bool) -> datetime:
        if not isinstance(start, datetime):
            raise CalendarError("以小时计算的期限需要起算的时刻，不能只有日期。请填写时和分。", start=start)
        end = start + timedelta(hours=n)
        if not roll:
            return end
        day = self.next_workday(end)
        return end.replace(year=day.year, month=day.month, day=day.day)


def add_months(day: date, n: int) -> date:
    """The same day number n months later, or the month's end where it has no such day (民法典 202).

    31 January and one month is 28 or 29 February; 29 February and one year is 28 February.
    """
    month = Month.of(day) + n
    return date(month.year, month.month, min(day.day, month.last_day.day))


def _plain(day: date) -> date:
    # A datetime is a date, but never equal to one as a key.
    return day.date() if isinstance(day, datetime) else day


@cache
def official_calendar() -> Calendar:
    """The published arrangements that ship with the product: whole years 2004 to 2026.

    Only years with a complete notice are taken; an operator adds the next with ``with_days``.
    """
    import chinese_calendar

    off, worked = chinese_calendar.holidays, chinese_calendar.workdays
    # New Year's Day stands in every notice, so the years that have one are the years covered.
    years = {day.year for day in off if (day.month, day.day) == (1, 1)}
    days: dict[date, bool] = {}
    for year in sorted(years):
        day = date(year, 1, 1)
        while day.year == year:
            days[day] = day in worked or (day.weekday() < 5 and day not in off)
            day += _DAY
    return Calendar(days, f"chinesecalendar {chinese_calendar.__version__}")
