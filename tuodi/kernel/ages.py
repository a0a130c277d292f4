"""Age in completed years, and being of age (民法典 art. 17: eighteen)."""

from __future__ import annotations

from datetime import date

__all__ = ["OF_AGE", "age"]

OF_AGE = 18


def age(birth: date, on: date) -> int:
    """Completed years on a day; who was born on 29 February completes one on 1 March of a common year."""
    return on.year - birth.year - ((on.month, on.day) < (birth.month, birth.day))
