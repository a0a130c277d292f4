"""A bank for demonstrations and tests: takes one of our files, answers like a bank does. Seeded, so it can be repeated.

    answer = answer_file(data, seed=2017, posted=date(2017, 6, 8))

About two lines in a hundred fail, over many codes; the same file and seed always get the same answer.
"""

from __future__ import annotations

import hashlib
from datetime import date

from tuodi.exchange.bank import load_bank_profile, read_payments, write_return

__all__ = ["FAILURES", "answer_file"]

#: Codes a failing line gets, the frequent ones first (a table of 邮储 is where they come from).
FAILURES = ("37", "4", "9", "25", "13", "10", "17", "16", "43")
_WEIGHTS = (30, 15, 15, 12, 8, 6, 6, 4, 4)


def _draw(seed: int, batch: str, seq: int, what: str) -> float:
    digest = hashlib.sha256(f"{seed}|{batch}|{seq}|{what}".encode()).digest()
    return int.from_bytes(digest[:7], "big") / 2**56


def answer_file(
    data: bytes,
    *,
    seed: int = 2017,
    posted: date,
    profile: str = "generic-csv",
    failing: float = 0.02,
    unknown: float = 0.0,
) -> bytes:
    """The answer to a file.

    Args:
        data: the file as it was sent.
        posted: the day the bank names.
        failing, unknown: shares of lines that fail, or are still being worked on.
    """
    layout = load_bank_profile(profile)
    head, payments = read_payments(layout, data)
    rows = []
    for one in payments:
        luck = _draw(seed, head.no, one.seq, "luck")
        number = hashlib.sha256(f"{seed}|{head.no}|{one.seq}".encode()).hexdigest()[:16].upper()
        if luck < failing:
            place = _draw(seed, head.no, one.seq, "code") * sum(_WEIGHTS)
            code = FAILURES[-1]
            for candidate, weight in zip(FAILURES, _WEIGHTS, strict=True):
                place -= weight
                if place < 0:
                    code = candidate
                    break
            rows.append((one, layout.returned.failed[0], code, layout.meaning(code), number))
        elif luck < failing + unknown:
            rows.append((one, layout.returned.unknown[0], "", "", number))
        else:
            rows.append((one, layout.returned.paid[0], "0", layout.meaning("0"), number))
    return write_return(layout, head, rows, posted=posted)
