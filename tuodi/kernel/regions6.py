"""Six-digit prefixes of identity numbers: which are known, and whether they still are in force.

A number keeps the code of the county where it was first issued, so abolished codes stay valid in numbers.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from tuodi.kernel._divisions import upper_rows

__all__ = ["Region6", "known_codes", "lookup"]

# Residence permits of people from Hong Kong, Macao and Taiwan (港澳台居民居住证) use these in place of a county.
_PERMITS = {"810000": "香港（居住证）", "820000": "澳门（居住证）", "830000": "台湾（居住证）"}


class Region6(NamedTuple):
    """What is known of a prefix.

    Attributes:
        code: Six digits.
        name: The latest name under this code.
        current: False if the code was abolished; such a number is still good.
    """

    code: str
    name: str
    current: bool


@cache
def _table() -> dict[str, Region6]:
    table: dict[str, Region6] = {}
    for row in upper_rows():
        if len(row.code) > 2:  # a province alone is in no number
            code = row.code.ljust(6, "0")
            table[code] = Region6(code, row.name, row.until is None)
    table |= {code: Region6(code, name, True) for code, name in _PERMITS.items()}
    return table


@cache
def known_codes() -> frozenset[str]:
    """All known prefixes, for fast membership tests."""
    return frozenset(_table())


def lookup(code6: str) -> Region6 | None:
    """Name and state of a prefix; None if the list does not know it."""
    return _table().get(code6)
