"""Running numbers: `420802-SL-20170510-0001`, by year `XS-420802-2017-00001`. Gaps may occur (a rolled back deed), repeats cannot."""

from __future__ import annotations

from datetime import date

from django.db import connection

__all__ = ["KINDS", "YEARLY", "next_no", "take_yearly"]

#: Series and the letters that stand in the number.
KINDS = {
    "case": "SL",
    "notice": "GS",
    "decision": "JD",
    "receipt": "HZ",
    "household": "JT",
    "check": "HD",
    "report": "HB",
    "visit": "RH",
    "review": "PY",
    "spot": "CC",
    "kin": "JQ",
    "relief": "JN",
    "discovery": "FX",
    "online": "WS",
    "complaint": "TS",
    "appeal": "FY",
    "self_care": "ZL",
    "care": "WT",
    "need": "XQ",
    "ticket": "RX",
    "fund": "ZJ",
    "petty": "BY",
    "order": "FK",
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


#: Series that run for a year in a county, and the letters that lead the number: clues, notices of suspension and of changes, reports of changes, moves, support about to end, lists pushed.
YEARLY = {
    "clue": "XS",
    "suspension": "TB",
    "roll_notice": "TZ",
    "change": "BH",
    "move": "QY",
    "end": "ZZ",
    "push": "TJ",
}


def take_yearly(kind: str, region: str, year: int, count: int = 1) -> list[str]:
    """The next numbers of a yearly series in a county, in order, in one statement. Its row is locked until the transaction ends.

    Args:
        kind: One of YEARLY.
        region: 12-character code; its first six name the series.
    """
    if count < 1:
        return []
    place = region[:6]
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into cases_numberseries (kind, place, day, last) values (%s, %s, %s, %s) "
            "on conflict (kind, place, day) do update set last = cases_numberseries.last + excluded.last returning last",
            [kind, place, date(year, 1, 1), count],
        )
        (last,) = cursor.fetchone()
    return [f"{YEARLY[kind]}-{place}-{year}-{number:05d}" for number in range(last - count + 1, last + 1)]
