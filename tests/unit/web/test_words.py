"""Codes and numbers become what a reader expects."""

from __future__ import annotations

import pytest

from tuodi.web.components import words


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("825.00", "825.00"),
        ("2400", "2,400"),
        ("-1300.50", "−1,300.50"),
        ("0", "0"),
        (None, "—"),
        ("", "—"),
        ("C 类", "C 类"),
    ],
)
def test_figures(given: str | None, shown: str) -> None:
    assert words.figures(given) == shown


def test_arithmetic_gets_full_signs_and_commas_but_years_stay() -> None:
    assert words.calc("10800.00 / 12 - 300.00 * 2") == "10,800.00 ÷ 12 − 300.00 × 2"
    assert words.calc("900.00 < 1725.00") == "900.00 ＜ 1,725.00"
    assert words.calc("自 2017-04-01") == "自 2017-04-01"


def test_missing_state_is_unknown_and_not_red() -> None:
    assert words.state(None).css == "unknown"
    assert words.state("fail").css == "bad"


def test_unlisted_state_shows_itself() -> None:
    assert words.state("renamed").word == "renamed"


@pytest.mark.parametrize(
    ("raw", "unit", "shown"),
    [
        (True, "是否", ("是", "")),
        ("false", None, ("否", "")),
        (None, "元", ("—", "")),
        ("575.00", "元/人·月", ("575.00", "元/人·月")),
    ],
)
def test_value_with_unit(raw: object, unit: str | None, shown: tuple[str, str]) -> None:
    assert words.value(raw, unit) == shown


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("民发\u30142021\u301557号 第23条", "57号 23条"),
        ("国务院令第649号 第9条", "649号令 9条"),
        ("荆门市 2017", "荆门市 2017"),
    ],
)
def test_clause_chip_drops_issuer_and_year(text: str, short: str) -> None:
    assert words.clause_short(text) == short
