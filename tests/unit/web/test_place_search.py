"""Finding a place: by its name, by pinyin, by initials; what is near comes first, and fillers are nobody's answer."""

from __future__ import annotations

from datetime import date

import pytest

from tuodi.web.components import place_search

pytestmark = pytest.mark.django_db
DAY = date(2021, 9, 13)
HOME = "420802001001"


def codes(text: str, home: str = HOME) -> list[str]:
    return [one.code for one in place_search.find(text, home=home, on=DAY)]


@pytest.mark.parametrize("text", ["钟祥", "zhongxiang", "Zhong Xiang", "zxs"])
def test_a_county_is_found_by_name_pinyin_and_initials(text: str) -> None:
    assert "420881" in codes(text)


def test_the_readers_own_region_comes_first() -> None:
    found = place_search.find("东宝", home=HOME, on=DAY)
    assert found[0].code == "420802"
    assert found[0].path == "湖北省 荆门市 东宝区"
    ours, theirs = codes("新华街道", HOME), codes("新华街道", "530102001001")
    assert all(code.startswith("42") for code in ours), "towns are searched in the reader's province alone"
    assert all(code.startswith("53") for code in theirs)


def test_the_day_says_which_code_a_county_has() -> None:
    assert "420882" in codes("京山")
    assert [one.code for one in place_search.find("京山", home=HOME, on=date(2017, 9, 11)) if len(one.code) == 6] == [
        "420821"
    ]


def test_fillers_and_blanks_find_nothing() -> None:
    assert codes("市辖区") == []
    assert codes("  ") == []
    assert codes("没有这个地方") == []
    assert place_search.inside("4208", on=DAY)[0].path == "东宝区"
    assert place_search.inside("999999", on=DAY) == []
