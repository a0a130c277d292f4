"""Random families over a rich pack: a third of what may be left open is open, several places in one frame, one answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from enginekit import ENGINES, book_of, compare, pack
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from richpack import LOCAL, NAMES, ON, PARAMETERS, PLACES, RULES

from tuodi.policy.book import Book
from tuodi.rules import plan_for


def _open(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Left open a third of the time."""
    return st.one_of(st.none(), strategy, strategy)


YUAN = st.sampled_from([0, 0.01, 33.33, 100, 499.99, 500, 575, 1149.99, 99999.99])
DAYS = ["1957-05-09", "1957-05-10", "1957-05-11", "2000-02-29", "2017-05-10", "1900-01-01"]
ITEM = st.fixed_dictionaries({"kind": st.sampled_from(["wage", "pension", "aid"]), "item": _open(YUAN)})
MEMBER = st.fixed_dictionaries(
    {
        "birth": _open(st.sampled_from(DAYS)), "died": st.sampled_from([None, None, "2017-05-31", "2017-06-01"]),
        "disabled": st.booleans(), "share": _open(YUAN), "incomes": st.lists(ITEM, max_size=2),
    }
)  # fmt: skip
HOUSEHOLD = st.fixed_dictionaries(
    {
        "area_kind": st.sampled_from(["urban", "rural"]), "income_year": _open(st.sampled_from([0, 7000, 10800, 20700, 20700.01])),
        "rigid": st.sampled_from([0, 12.34]), "assets_ok": _open(st.booleans()), "flag_a": _open(st.booleans()),
        "flag_b": _open(st.booleans()), "amount": _open(YUAN), "k": _open(st.integers(0, 3)), "x": _open(st.integers(-3, 4)),
        "paid_until": st.sampled_from([None, "2017-05-31", "2017-06-30"]), "state": _open(st.sampled_from(["receive", "grace", "stop"])),
    }
)  # fmt: skip
FAMILIES = st.lists(
    st.tuples(
        st.sampled_from(PLACES),
        st.fixed_dictionaries({"household": HOUSEHOLD, "members": st.lists(MEMBER, max_size=3)}),
    ),
    min_size=25,
    max_size=40,
)
FACTS = st.fixed_dictionaries(
    {p: st.fixed_dictionaries({"cpi": _open(st.sampled_from([-1, 2.9, 3, 3.1]))}) for p in PLACES}
)


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Book:
    return book_of(tmp_path_factory.mktemp("r"), pack(RULES, parameters=PARAMETERS), LOCAL)


def _agrees(
    book: Book, engine: str, rows: list[tuple[str, dict[str, Any]]], facts: dict[str, Any], **more: Any
) -> None:
    plans = {p: plan_for(book, p, ON) for p in PLACES}
    families = [(plans[p], {**fam, "place_facts": facts[p]}) for p, fam in rows]
    assert compare(engine, families, NAMES, place_facts=facts, **more) == []


def _check(engine: str, examples: int) -> Callable[[Book], None]:
    def run(book: Book) -> None:
        @settings(
            max_examples=examples, deadline=None, derandomize=True, database=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
        )  # fmt: skip
        @given(FAMILIES, FACTS)
        def agree(rows: list[tuple[str, dict[str, Any]]], facts: dict[str, Any]) -> None:
            _agrees(book, engine, rows, facts)

        agree()

    return run


@pytest.mark.parametrize(("engine", "examples"), [(ENGINES[0], 12), (ENGINES[1], 4)])
def test_random_families_get_one_answer(book: Book, engine: str, examples: int) -> None:
    _check(engine, examples)(book)
