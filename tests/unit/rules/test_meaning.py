"""What formulas mean, by hand-written tables; each value is decided for one family and confirmed by Polars and DuckDB."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from enginekit import ENGINES, ROUNDING, book_of, compare, decide, family, formulas, pack, scalar_tree

from tuodi.policy.book import Book
from tuodi.rules import plan_for

T, F, U = True, False, None
ON = date(2017, 5, 10)


# ---- 未知
def both(a: Any, b: Any) -> Any:
    return F if F in (a, b) else U if U in (a, b) else T


def either(a: Any, b: Any) -> Any:
    return T if T in (a, b) else U if U in (a, b) else F


KLEENE = {
    "b_and": ("flag_a and flag_b", both),
    "b_or": ("flag_a or flag_b", either),
    "b_not": ("not flag_a", lambda a, b: U if a is U else not a),
    "b_same": ("flag_a == flag_b", lambda a, b: U if U in (a, b) else a == b),
    "b_if": ("flag_b if flag_a else not flag_b", lambda a, b: U if U in (a, b) else b if a else not b),
    "b_if_const": ("true if flag_a else flag_b", lambda a, b: U if a is U else True if a else b),
    "b_known": ("known(flag_a) and flag_b", lambda a, b: F if a is U else b),
    "b_given": ("given(flag_a, false) or flag_b", lambda a, b: either(bool(a), b)),
    "b_guard": ("not known(flag_a) or flag_a", lambda a, b: T if a is U else a),
}


@pytest.fixture(scope="module")
def kleene(tmp_path_factory: pytest.TempPathFactory) -> Book:
    rules = {name: f"是否 | {text}" for name, (text, _) in KLEENE.items()}
    return formulas(tmp_path_factory.mktemp("k"), rules)


@pytest.mark.parametrize("name", KLEENE)
def test_truth_tables(kleene: Book, name: str) -> None:
    plan = plan_for(kleene, "cn", ON)
    model = plan.model((f"t.{name}",))
    for a, b in product((T, F, U), repeat=2):
        tree = scalar_tree(plan, model, family(flag_a=a, flag_b=b))
        assert tree["household"][f"t.{name}"] is KLEENE[name][1](a, b), (a, b)


@pytest.mark.parametrize("engine", ENGINES)
def test_truth_tables_in_columns(kleene: Book, engine: str) -> None:
    plan = plan_for(kleene, "cn", ON)
    rows = [(plan, family(flag_a=a, flag_b=b)) for a, b in product((T, F, U), repeat=2)]
    assert compare(engine, rows, [f"t.{n}" for n in KLEENE]) == []


# ---- a table of formulas: level, unit, formula, family, expected inner value (None is 未知)
PEOPLE = [
    {"share": 10, "disabled": True},
    {"share": 30},
    {"share": 20, "incomes": [{"kind": "aid", "item": 5}, {"kind": "wage", "item": 7}]},
]
TABLE = [
    # arithmetic with unknown is unknown; extremes skip nothing
    ("数", "x + y", family(x=2), U),
    ("数", "x * 0 + y", family(y=3), U),
    ("数", "min(x, y)", family(x=2), U),
    ("数", "max(x, y, 7)", family(x=2, y=9), 9),
    ("数", "clip(x, 0, 5)", family(x=-3), 0),
    ("数", "clip(x, 0, 5)", family(x=8), 5),
    ("数", "-x", family(x=4), -4),
    ("是否", "x < y", family(x=2), U),
    ("是否", "x != y", family(x=2, y=3), T),
    ("数", "given(x, 7)", family(), 7),
    ("数", "x / k * k if k > 0 else 0", family(x=7, k=3), 7),
    # enumerations and sets
    ("是否", "state == receive", family(state="receive"), T),
    ("是否", "state == receive", family(), U),
    ("是否", "state in [grace, stop]", family(state="stop"), T),
    ("是否", "state not in [grace, stop]", family(state="stop"), F),
    ("是否", "state not in [grace, stop]", family(), U),
    ("枚举", "receive if flag_a else stop", family(flag_a=F), 3),
    # collections, empty ones among them
    ("元/月", "members.sum(share)", family(PEOPLE), 6000),
    ("元/月", "members.sum(share)", family(), 0),
    ("元/月", "members.sum(share)", family([{"share": 1}, {}]), U),
    ("元/月", "members.sum(given(share, 0))", family([{"share": 1}, {}]), 100),
    ("人", "members.count(true)", family(4), 4),
    ("人", "members.count(disabled)", family(PEOPLE), 1),
    ("人", "members.count(share > rigid)", family([{"share": 20}, {}], rigid=15), U),
    ("是否", "members.any(share > rigid)", family([{"share": 20}, {}], rigid=15), T),
    ("是否", "members.any(share > rigid)", family([{"share": 10}, {}], rigid=15), U),
    ("是否", "members.any(disabled)", family(), F),
    ("是否", "members.all(share > rigid)", family([{"share": 10}, {}], rigid=15), F),
    ("是否", "members.all(share > rigid)", family([{"share": 20}, {}], rigid=15), U),
    ("是否", "members.all(disabled)", family(), T),
    ("元/月", "members.max(share, 0)", family(PEOPLE), 3000),
    ("元/月", "members.min(share, 0)", family(PEOPLE), 1000),
    ("元/月", "members.max(share, rigid)", family(rigid=9), 900),
    ("元/月", "members.max(share, 0)", family([{"share": 1}, {}]), U),
    # division guards hold in the branch not taken
    ("元/人·月", "amount / k if k > 0 else 0", family(amount=10, k=0), 0),
    ("元/人·月", "amount / members.count(true) if members.count(true) > 0 else 0", family(amount=10), 0),
    ("数", "x / (y + 5) if y + 5 > 0 else 0", family(x=6, y=-5), 0),
    # events: what may not have happened
    ("是否", "known(paid_until) and month_no <= months(paid_until)", family(), F),
    ("是否", "known(paid_until) and month_no <= months(paid_until)", family(paid_until="2017-06-01"), T),
    ("是否", "not known(paid_until) or month_no <= months(paid_until)", family(paid_until="2017-05-31"), F),
    ("月份", "months(case_date) + 1", family(), 2017 * 12 + 6),
    ("月", "months(case_date) - months(paid_until) if known(paid_until) else 0", family(paid_until="2016-12-31"), 5),
    ("数", "year(case_date)", family(), 2017),
]  # fmt: skip


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Book:
    return formulas(
        tmp_path_factory.mktemp("t"), {f"q{i}": f"{unit} | {text}" for i, (unit, text, _, _) in enumerate(TABLE)}
    )


def _value(book: Book, name: str, fam: dict[str, Any]) -> Any:
    plan = plan_for(book, "cn", ON)
    model = plan.model((name,))
    value = scalar_tree(plan, model, fam)["household"][name]
    slot = model.slots[name]
    if value is None or slot.type != "number":
        return value
    exact = Fraction(value) * slot.scale
    for factor in slot.factors:
        exact /= scalar_tree(plan, model, fam)["household"][factor]
    return exact


@pytest.mark.parametrize("i", range(len(TABLE)), ids=[f"{t[1]} {n}" for n, t in enumerate(TABLE)])
def test_formula_means(table: Book, i: int) -> None:
    _, _, fam, want = TABLE[i]
    got = _value(table, f"t.q{i}", fam)
    assert got == want
    assert (got is None) == (want is None)


@pytest.mark.parametrize("engine", ENGINES)
def test_formulas_mean_the_same_in_columns(table: Book, engine: str) -> None:
    plan = plan_for(table, "cn", ON)
    wrong = compare(engine, [(plan, fam) for _, _, fam, _ in TABLE], [f"t.q{i}" for i in range(len(TABLE))])
    assert [(row, TABLE[int(name[3:])][1], a, b) for row, name, a, b in wrong] == []


# ---- exact until one rounding
def test_money_is_exact_until_rounded_once(tmp_path: Path) -> None:
    """Three persons, 4500 a year each, 7000 of income: 541.666… is 541.67; rounding per head first would say 541.68."""
    book = formulas(
        tmp_path,
        {
            "n": "人 | members.count(true)",
            "gap": "元/月 | max(rural * n - income_year, 0)",
            "due": "元/月 | payable(gap) | payable",
            "per_head": "元/人·月 | gap / n if n > 0 else 0",
        },
        parameters=ROUNDING + "rural: {label: 标准, unit: 元/人·年, value: 4500, clause: DC}\n",
    )
    fam = family(3, income_year=7000)
    assert decide(book, "t.due", fam) == 54167
    assert _value(book, "t.gap", fam) == Fraction(162500, 3)
    assert _value(book, "t.per_head", fam) == Fraction(162500, 9)


@pytest.mark.parametrize(
    ("mode", "unit", "amount", "fen"),
    [
        ("half_up", "0.01", "10.00", 333), ("half_up", "0.01", "0.05", 2), ("up", "0.01", "10.00", 334), ("down", "0.01", "10.00", 333),
        ("half_up", "1", "7.49", 200), ("half_up", "1", "7.50", 300), ("up", "1", "6.00", 200), ("up", "1", "6.01", 300),
        ("down", "0.1", "10.00", 330), ("half_up", "10", "15.00", 1000), ("half_up", "10", "14.99", 0), ("up", "10", "0.00", 0),
    ],
)  # fmt: skip
def test_rounding_modes_and_units(tmp_path: Path, mode: str, unit: str, amount: str, fen: int) -> None:
    """A third of the amount, rounded once (half of 7.50 yuan over 3 is 2.50 and goes up)."""
    parameters = f"unit_: {{label: 单位, unit: 元, value: {unit}, clause: DC}}\n"
    book = formulas(tmp_path, {"r": f"元/月 | round_to(amount / 3, unit_, {mode})"}, parameters=parameters)
    assert _value(book, "t.r", family(amount=amount)) == fen
    assert decide(book, "t.r", family(amount=amount)) is not None


def test_a_bracket_counts_its_edge_by_the_word_of_the_document(tmp_path: Path) -> None:
    """以上 includes the number (民法典第一千二百五十九条), 超过 does not; below the first end nothing is due."""
    rows = "value: [[1, 418], [4, 835]], clause: DC}\n"
    parameters = (
        f"a: {{label: 甲, unit: 元/月, table: 人, {rows}b: {{label: 乙, unit: 元/月, table: 人, ends: 超过, {rows}"
    )
    book = formulas(tmp_path, {"q": "元/月 | bracket(a, k)", "r": "元/月 | bracket(b, k)"}, parameters=parameters)
    plan = plan_for(book, "cn", ON)
    rows_ = [family(k=k) for k in (0, 1, 2, 3, 4, 5, None)]
    assert [_value(book, "t.q", f) for f in rows_] == [0, 41800, 41800, 41800, 83500, 83500, None]
    assert [_value(book, "t.r", f) for f in rows_] == [0, 0, 41800, 41800, 41800, 83500, None]
    for engine in ENGINES:
        assert compare(engine, [(plan, f) for f in rows_], ["t.q", "t.r"]) == []


@pytest.mark.parametrize(
    ("birth", "on", "age"),
    [
        ("1957-05-10", date(2017, 5, 10), 60), ("1957-05-11", date(2017, 5, 10), 59), ("1957-05-09", date(2017, 5, 10), 60),
        ("2000-02-29", date(2018, 2, 28), 17), ("2000-02-29", date(2018, 3, 1), 18), ("2000-02-29", date(2016, 2, 29), 16),
        ("2017-05-10", date(2017, 5, 10), 0), (None, date(2017, 5, 10), None),
    ],
)  # fmt: skip
def test_full_years_of_age(tmp_path: Path, birth: str | None, on: date, age: int | None) -> None:
    """The birthday itself counts; who was born on 29 February completes a year on 1 March of other years."""
    book = formulas(tmp_path, {"a": "members | 岁 | age(birth)"})
    assert decide(book, "t.a", family([{"birth": birth}]), on=on, at=(0,)) == age


def test_collections_below_collections(tmp_path: Path) -> None:
    """Items are summed on the person, persons on the household; an unanswered item reaches up only where it is needed."""
    book = formulas(
        tmp_path,
        {
            "counts": "incomes | 是否 | kind not in no_income",
            "mine": "members | 元/月 | incomes.sum(item if counts else 0)",
            "all_": "元/月 | members.sum(mine)",
            "top": "元/月 | members.max(mine, 0)",
        },
        parameters=ROUNDING + "no_income: {label: 不计, unit: 集合, of: income_kind, value: [aid], clause: DC}\n",
    )
    some = family(
        [
            {"incomes": [{"kind": "wage", "item": 3}, {"kind": "aid", "item": 50}]},
            {},
            {"incomes": [{"kind": "wage", "item": 4}]},
        ]
    )
    assert decide(book, "t.all_", some) == 700
    assert decide(book, "t.top", some) == 400
    assert decide(book, "t.all_", family([{"incomes": [{"kind": "aid"}]}])) == 0
    assert decide(book, "t.all_", family([{"incomes": [{"kind": "wage"}]}, {}])) is None
    assert decide(book, "t.all_", family(2)) == 0


def test_a_place_fact_reaches_households_and_persons(tmp_path: Path) -> None:
    rules = {
        "high": "place | 是否 | cpi >= line",
        "r": "元/月 | rigid if high else 0",
        "m": "members | 是否 | high and disabled",
    }
    book = formulas(tmp_path, rules, parameters=ROUNDING + 'line: {label: 线, unit: "%", value: 3.5, clause: DC}\n')
    yes, no, open_ = ({"place_facts": {"cpi": v}} for v in (3.5, 3.4, None))
    assert decide(book, "t.r", family(rigid=2) | yes) == 200
    assert decide(book, "t.r", family(rigid=2) | no) == 0
    assert decide(book, "t.r", family(rigid=2) | open_) is None
    assert decide(book, "t.m", family([{"disabled": True}]) | yes, at=(0,)) is True


def test_an_unset_parameter_is_unknown_and_only_where_it_is_needed(tmp_path: Path) -> None:
    parameters = (
        ROUNDING
        + "gift: {label: 慰问金, unit: 元/月, by: [area_kind], values: [{area_kind: urban, value: 5, clause: DC}]}\n"
    )
    book = formulas(tmp_path, {"r": "元/月 | gift[area_kind] if flag_a else 0"}, parameters=parameters)
    assert decide(book, "t.r", family(flag_a=True)) == 500
    assert decide(book, "t.r", {"household": {"area_kind": "rural", "flag_a": True}}) is None
    assert decide(book, "t.r", {"household": {"area_kind": "rural", "flag_a": False}}) == 0


def test_no_cap_is_no_zero_and_no_unknown(tmp_path: Path) -> None:
    book = book_of(
        tmp_path,
        pack(
            {"r": "元/月 | min(amount, cap)"}, parameters="cap: {label: 封顶, unit: 元/月, value: 无上限, clause: DC}"
        ),
    )
    assert decide(book, "t.r", family(amount="99999.99")) == 9999999
