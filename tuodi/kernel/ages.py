"""Age in completed years, and being of age (民法典 art. 17: eighteen)."""

from __future__ import annotations

from datetime import date

__all__ = ["OF_AGE", "age", "birthday"]

OF_AGE = 18


def age(birth: date, on: date) -> int:
    """Completed years on a day; who was born on 29 February completes one on 1 March of a common year."""
    return on.year - birth.year - ((on.month, on.day) < (birth.month, birth.day))


def birthday(birth: date, years: int) -> date:
    """The day so many years are completed; for who was born on 29 February, 1 March of a common year."""
    try:
        return birth.replace(year=birth.year + years)
    except ValueError:
        return date(birth.year + years, 3, 1)
