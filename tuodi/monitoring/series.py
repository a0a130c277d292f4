"""Running numbers of this room, one series a place and year. Gaps may occur (a rolled back deed), repeats cannot."""

from __future__ import annotations

from datetime import date

from django.db import connection

__all__ = ["SERIES", "numbers"]

#: Series -> letters in the number, digits.
SERIES = {
    "sweep": ("BD", 4),
    "handover": ("YJ", 4),
    "returned": ("FH", 4),
    "thirdparty": ("HT", 3),
    "export": ("DC", 4),
}


def numbers(series: str, place: str, day: date, count: int = 1) -> list[str]:
    """The next numbers of a series, in order: BD-4208-2017-0001. The series is locked until the transaction ends.

    Args:
        place: significant prefix.
    """
    if count <= 0:
        return []
    letters, digits = SERIES[series]
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into cases_numberseries (kind, place, day, last) values (%s, %s, %s, %s) "
            "on conflict (kind, place, day) do update set last = cases_numberseries.last + excluded.last returning last",
            [series, place, date(day.year, 1, 1), count],
        )
        (last,) = cursor.fetchone()
    return [f"{letters}-{place}-{day.year}-{at:0{digits}d}" for at in range(last - count + 1, last + 1)]
