"""How long a family may ask for 行政复议 and go to court, by the packs of its place: one answer for every page and paper."""

from __future__ import annotations

from datetime import date

from tuodi.cases.calendar import Due, notice_end
from tuodi.kernel.workdays import add_months
from tuodi.verification.rulebook import limit

__all__ = ["days_to_appeal", "last_day_to_appeal", "last_day_to_sue"]


def days_to_appeal(region: str, on: date) -> int:
    """Calendar days from knowing of a decision. Raises: MissingLimitError."""
    return limit("appeal_days", region, on)


def last_day_to_appeal(region: str, known_on: date) -> Due:
    """The last day to ask for 行政复议; the day of knowing is not counted, a last day off moves on (民法典 art 203).

    Pending where the year has no official calendar. Raises: MissingLimitError.
    """
    return notice_end(known_on, days_to_appeal(region, known_on), roll=True)


def last_day_to_sue(region: str, known_on: date) -> date:
    """The last day to go to court, by months (民法典 art 202). Raises: MissingLimitError."""
    return add_months(known_on, limit("suit_months", region, known_on))
