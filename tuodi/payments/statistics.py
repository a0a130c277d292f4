"""Fresh planner statistics for the big steps of a month. See migration 0004."""

from __future__ import annotations

from typing import Literal

from django.db import connection

__all__ = ["refresh"]


def refresh(what: Literal["roll", "lines", "bank"]) -> None:
    """Analyses the tables a step has just filled or is about to read; seen at once in this transaction, elsewhere on commit."""
    with connection.cursor() as cursor:
        cursor.execute(f"select payments_analyze_{what}()")
