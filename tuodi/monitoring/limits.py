"""The limits this room goes by, out of the policy book: nothing of them stands in code."""

from __future__ import annotations

from datetime import date

from tuodi.cases import calendar
from tuodi.cases.calendar import Due
from tuodi.kernel.workdays import Unit, UnknownYearError
from tuodi.verification.rulebook import limit

__all__ = ["due_after", "limit", "workdays_since"]


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
