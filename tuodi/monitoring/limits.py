"""The limits this room goes by, out of the policy book: nothing of them stands in code."""

from __future__ import annotations

from datetime import date

from tuodi.cases import calendar
from tuodi.cases.calendar import Due
from tuodi.kernel.periods import Month
from tuodi.kernel.places import trim
from tuodi.kernel.workdays import Unit, UnknownYearError, add_months
from tuodi.monitoring.sweep_errors import MissingLimitError
from tuodi.verification.rulebook import book

__all__ = ["due_after", "limit", "months_before", "workdays_since"]


def limit(name: str, place: str, on: date) -> int:
    """The value of a limit in a place on a day.

    Args:
        place: a region or a significant prefix.
    Raises: MissingLimitError where no pack gives one: a limit is never guessed.
    """
    known = book()
    name = f"profile.{name}"
    row = known.value(name, known.chain(trim(place)[:9]), (), on)
    if row is None or row.value is None:
        raise MissingLimitError(known.params[name].label if name in known.params else name, place)
    return int(row.value)


def due_after(name: str, place: str, start: date, *, days: int | None = None) -> Due:
    """The last working day of a limit that begins on a day; pending where the year has no official calendar.

    Args:
        days: working days that go before the parameter (a clue rule's own); None = the parameter.
    """
    n = limit(name, place, start) if days is None else days
    note = f"{start} 起 {n} 个工作日"
    try:
        return Due(calendar.calendar().deadline(start, n, Unit.WORKDAY), note=note)
    except UnknownYearError as error:
        return Due(pending=True, note=f"{note}；{error.year} 年日历未公布，待定")


def workdays_since(start: date, today: date) -> int | None:
    """Working days after a day up to today; None where a year between has no official calendar."""
    try:
        return calendar.calendar().workdays_between(start, today)
    except UnknownYearError:
        return None


def months_before(on: date, months: int) -> Month:
    """The month so many months before a day."""
    return Month.of(add_months(on, -months))
