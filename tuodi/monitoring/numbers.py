"""Numbers of clues: `XS-420802-2017-00001`, one series a county and year."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from tuodi.cases.series import take_yearly
from tuodi.kernel import clock

__all__ = ["clue_numbers", "numbers_for"]


def clue_numbers(regions: Sequence[str]) -> list[str]:
    """A number for each of many clues, one statement a county.

    Args:
        regions: 12-character code of each clue's family.

    Returns:
        The numbers in the order of `regions`; within a county they follow that order.
    """
    return numbers_for("clue", regions)


def numbers_for(kind: str, regions: Iterable[str]) -> list[str]:
    """Numbers of a yearly series (`cases.series.YEARLY`) for rows of several counties, in the order of the rows."""
    rows = list(regions)
    year = clock.today().year
    counts = Counter(region[:6] for region in rows)
    # In the order of codes: two batches that meet wait for each other and never lock each other out.
    taken: dict[str, Iterator[str]] = {
        county: iter(take_yearly(kind, county, year, counts[county])) for county in sorted(counts)
    }
    return [next(taken[region[:6]]) for region in rows]
