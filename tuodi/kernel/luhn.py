"""Luhn check of bank card numbers (ISO/IEC 7812-1), 16 to 19 digits.

Social-security cards' financial accounts pass it; passbook accounts do not carry it, so a failure is a reason
to look again, not proof of an error.
"""

from __future__ import annotations

__all__ = ["luhn_digit", "luhn_ok"]

_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def luhn_ok(text: str) -> bool:
    """True if text is 16 to 19 ASCII digits whose Luhn sum ends in 0."""
    return 16 <= len(text) <= 19 and text.isascii() and text.isdigit() and _sum(text) % 10 == 0


def luhn_digit(body: str) -> str:
    """The digit that makes ``body + digit`` pass; for synthetic cards in demos and tests."""
    return str(-_sum(body + "0") % 10)


def _sum(text: str) -> int:
    digits = [int(c) for c in reversed(text)]
    return sum(digits[::2]) + sum(_DOUBLED[d] for d in digits[1::2])
