"""Counts that would point at a person, kept from readers who have no right to the names (小数抑制).

A count of one or two families of a kind in a place says who they are to whoever knows the place. It is not enough to leave
that count out: the others taken from the total give it back. So further counts are left out, the smallest first, until what
is shown fits more than one answer for each; where no further count is left, the total goes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["FEWEST", "Shown", "shown"]

#: The least count shown; zero says nothing about anybody and is shown.
FEWEST = 3


@dataclass(frozen=True, slots=True)
class Shown:
    """What may be shown of some counts and their total.

    Attributes:
        few: Which counts are below `FEWEST` and above zero. held: Which are left out only to protect those.
        total: Whether their sum may be shown.
    """

    few: tuple[bool, ...]
    held: tuple[bool, ...]
    total: bool

    @property
    def whole(self) -> bool:
        """Whether nothing is left out."""
        return not any(self.few)


def shown(counts: Sequence[int]) -> Shown:
    """Decides for one row of counts whose total stands beside them. Counts in a second order (a table with totals on both sides)
    need a decision for each order.

    Raises:
        ValueError: A count is negative.
    """
    if any(number < 0 for number in counts):
        raise ValueError("a count is never negative")
    few = [0 < number < FEWEST for number in counts]
    held = [False] * len(counts)
    if not any(few):
        return Shown(tuple(few), tuple(held), True)
    spare = sorted((number, at) for at, number in enumerate(counts) if number >= FEWEST)
    while not _open(sum(few), sum(held), sum(n for at, n in enumerate(counts) if few[at] or held[at])):
        if not spare:
            return Shown(tuple(few), tuple(held), False)
        held[spare.pop(0)[1]] = True
    return Shown(tuple(few), tuple(held), True)


def _open(few: int, held: int, rest: int) -> bool:
    """Whether each of `few` counts may be the least or the most a small count can be, when all left out come to `rest`."""
    for value in (1, FEWEST - 1):
        least = value + (few - 1) + FEWEST * held
        most = value + (few - 1) * (FEWEST - 1)
        if rest < least or (not held and rest > most):
            return False
    return True
