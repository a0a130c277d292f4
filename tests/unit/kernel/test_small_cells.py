"""Small counts: what is left out cannot be worked out from what is shown."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuodi.kernel.small_cells import FEWEST, shown


def answers(counts: list[int]) -> list[set[int]]:
    """What each count may be, for a reader who knows the rule: all fillings that fit what he sees, tried one by one."""
    may = shown(counts)
    out = [at for at, _ in enumerate(counts) if may.few[at] or may.held[at]]
    rest = sum(counts[at] for at in out)
    fits: list[set[int]] = [set() for _ in counts]
    for filling in product(*(range(1, FEWEST) if may.few[at] else range(FEWEST, rest + 1) for at in out)):
        if not may.total or sum(filling) == rest:
            for at, number in zip(out, filling, strict=True):
                fits[at].add(number)
    return fits


@pytest.mark.parametrize(
    ("counts", "few", "held", "total"),
    [
        ([5, 0, 9], "---", "---", True),
        ([1, 5, 9], "x--", "-x-", True),
        ([1, 3, 9], "x--", "-xx", True),  # 4 in all could only be 1 and 3
        ([2, 3, 9], "x--", "-x-", True),
        ([1, 2, 9], "xx-", "---", True),  # 3 in all: 1 and 2, or 2 and 1
        ([1, 1, 9], "xx-", "--x", True),
        ([2, 2, 0], "xx-", "---", False),
        ([1], "x", "-", False),
        ([], "", "", True),
    ],
)
def test_what_is_left_out(counts: list[int], few: str, held: str, total: bool) -> None:
    found = shown(counts)
    assert "".join("x" if one else "-" for one in found.few) == few
    assert "".join("x" if one else "-" for one in found.held) == held
    assert found.total is total
    assert found.whole is ("x" not in few)


@given(st.lists(st.integers(0, 6), max_size=4))
def test_no_small_count_can_be_worked_out(counts: list[int]) -> None:
    may = shown(counts)
    fits = answers(counts)
    for at, number in enumerate(counts):
        if may.few[at]:
            assert fits[at] == {1, 2}
        else:
            assert number == 0 or number >= FEWEST


def test_a_count_is_never_negative() -> None:
    with pytest.raises(ValueError, match="negative"):
        shown([1, -1])
