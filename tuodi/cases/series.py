"""Running numbers: `420802-SL-20170510-0001`. Gaps may occur (a rolled back deed), repeats cannot."""

from __future__ import annotations

from datetime import date

from django.db import connection

__all__ = ["KINDS", "next_no"]

#: Series and the letters that stand in the number.
KINDS = {
    "case": "SL",
    "notice": "GS",
    "decision": "JD",
    "receipt": "HZ",
    "household": "JT",
    "visit": "RH",
    "review": "PY",
    "spot": "CC",
    "kin": "JQ",
}


def next_no(kind: str, region: str, day: date) -> str:
    """The next number of a series in a county on a day. Its row is locked until the transaction ends.

    Args:
        kind: One of KINDS.
        region: 12-character code; its first six name the series.
        day: Day the number is given.
    """
    place = region[:6]
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into cases_numberseries (kind, place, day, last) values (%s, %s, %s, 1) "
            "on conflict (kind, place, day) do update set last = cases_numberseries.last + 1 returning last",
            [kind, place, day],
        )
        (number,) = cursor.fetchone()
    return f"{place}-{KINDS[kind]}-{day:%Y%m%d}-{number:04d}"
