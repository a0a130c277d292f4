# ruff: noqa: RUF001 - full-width digits are what is tested
"""The place tree: codes, levels, dates, inheritance order, the shipped list."""

import itertools
import time
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuodi.kernel import places
from tuodi.kernel.places import (
    Level,
    PlaceError,
    PlaceRow,
    PlaceTree,
    UnknownPlaceError,
    is_code,
    level,
    national_tree,
    pad12,
    parent,
    parents,
    span,
    trim,
)

T = national_tree()
AREAS = [
    PlaceRow("4208Z1", "漳河新区"),
    PlaceRow("4208Z2", "屈家岭管理区"),
    PlaceRow("4208Z1001", "漳河街道"),
]


@pytest.mark.parametrize(
    ("full", "code", "lev", "up"),
    [
        ("000000000000", "cn", Level.NATION, None),
        ("420000000000", "42", Level.PROV, "cn"),
        ("420800000000", "4208", Level.PREF, "42"),
        ("420802000000", "420802", Level.COUN, "4208"),
        ("420802001000", "420802001", Level.TOWN, "420802"),
        ("420802001001", "420802001001", Level.VILL, "420802001"),
        ("4208Z1000000", "4208Z1", Level.COUN, "4208"),
        ("4208Z1001000", "4208Z1001", Level.TOWN, "4208Z1"),
        ("441900003000", "441900003", Level.TOWN, "4419"),  # 东莞 has no counties
        ("620200100000", "620200100", Level.TOWN, "6202"),
    ],
)
def test_codes_levels_parents(full, code, lev, up):
    assert trim(full) == code
    assert pad12(code) == full
    assert level(code) == level(full) == lev
    assert parent(code) == parent(full) == up
    assert is_code(code)
    assert not is_code(full) or full == code


def test_other_lengths_are_trimmed_too():
    assert trim("420800") == trim("4208") == "4208"
    assert trim("420000") == "42"
    assert trim("cn") == "cn"


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "4",
        "420",
        "42080",
        "4208Z",
        "4208ZZ",
        "420802 ",
        "４２",
        "CN",
        "42080200100",
        "4208020010011",
        "-1",
        "4208z1",
    ],
)
def test_what_is_no_code(bad):
    assert not is_code(bad)
    for function in (trim, pad12, level, parent, T.chain):
        with pytest.raises(PlaceError, match="不是地区代码"):
            function(bad)
    assert not T.exists(bad)


@given(st.from_regex(places._CODE, fullmatch=True))
def test_padding_and_trimming_undo_each_other(code):
    assert trim(pad12(code)) == trim(code)
    assert trim(trim(code)) == trim(code)
    assert len(pad12(code)) == 12
    chain = parents(code)
    assert chain[-1] == "cn"
    for inner, outer in itertools.pairwise(chain):
        low, high = span(outer)
        assert low <= pad12(inner) <= high


def test_a_span_holds_standard_areas_and_not_the_neighbour():
    low, high = span("4208")
    assert low <= pad12("4208Z1001") <= high
    assert low <= pad12("420899001001") <= high
    assert not low <= pad12("4209") <= high
    assert not low <= pad12("42") <= high
    low, high = span("cn")
    assert low <= pad12("11") <= pad12("82") <= high
    assert span("420802001001") == ("420802001001", "420802001001")


# --- dates and inheritance ------------------------------------------------------------------------------------


def test_the_chain_is_nearest_first():
    assert T.chain("420802001") == ["420802001", "420802", "4208", "42", "cn"]
    assert T.chain("420802000000") == ["420802", "4208", "42", "cn"]
    assert T.chain("cn") == ["cn"]


def test_a_renamed_county_keeps_the_rules_of_its_predecessor():
    chain = T.chain("420882100", date(2019, 1, 1))
    assert chain[:3] == ["420882100", "420882", "420821"]
    assert chain[-3:] == ["4208", "42", "cn"]
    assert T.chain("420882", date(2017, 4, 1))[:2] == ["420882", "420821"]


def test_an_old_code_is_itself_before_the_change_and_its_successor_after():
    assert T.chain("420821", date(2018, 2, 21))[0] == "420821"
    assert T.chain("420821", date(2018, 2, 22))[:2] == ["420882", "420821"]
    assert T.chain("420821")[0] == "420882"
    assert T.current("420821100", date(2019, 1, 1)) == "420882100"


def test_names_follow_the_day():
    assert T.name("420821", date(2017, 1, 1)) == "京山县"
    assert T.name("420882", date(2019, 1, 1)) == "京山市"
    assert T.name("420882", date(2017, 1, 1)) == "京山市"  # a known code always has a name
    assert not T.exists("420882", date(2018, 2, 21))
    assert T.exists("420882", date(2018, 2, 22))
    assert T.exists("420821", date(2018, 2, 21))
    assert not T.exists("420821", date(2018, 2, 22))
    assert not T.exists("420821")
    assert T.known("420821")


def test_children_follow_the_day():
    assert T.children("4208") == ["420802", "420804", "420822", "420881", "420882", "420899"]
    assert T.children("4208", date(2017, 5, 1)) == ["420802", "420804", "420821", "420822", "420881", "420899"]


def test_predecessors_are_followed_only_where_days_meet():
    # 419001 was 义马 for a while before it became 济源's code: rules of 济源 must not reach 义马.
    assert "419001" in T.chain("411281")
    assert "410881" not in T.chain("411281")
    assert "410881" in T.chain("419001")


def test_every_place_of_the_upper_levels_has_a_chain_to_the_nation():
    for code in T.walk("cn", down_to=Level.COUN):
        chain = T.chain(code)
        assert chain[0] == code
        assert chain[-1] == "cn"
        assert len(chain) == len(set(chain))
        assert set(parents(code)) <= set(chain)


@pytest.mark.parametrize("code", ["99", "4299", "429999", "429999001", "429999001001"])
def test_an_unknown_place_inherits_nothing(code):
    with pytest.raises(UnknownPlaceError, match=code):
        T.chain(code)
    with pytest.raises(UnknownPlaceError):
        T.name(code)


def test_a_village_that_was_not_shipped_still_inherits():
    assert not T.exists("110101001001")
    assert T.chain("110101001001")[:2] == ["110101001001", "110101001"]


def test_a_circle_of_successors_ends():
    rows = [
        PlaceRow("99", "甲"),
        PlaceRow("9901", "乙", None, date(2000, 1, 1), "9902"),
        PlaceRow("9902", "丙", None, date(2000, 1, 1), "9901"),
    ]
    tree = PlaceTree(rows)
    assert tree.current("9901", date(2020, 1, 1)) in {"9901", "9902"}
    assert tree.chain("9901", date(2020, 1, 1))[-2:] == ["99", "cn"]


# --- standard areas -------------------------------------------------------------------------------------------


def test_standard_areas_are_added_to_a_new_tree():
    tree = T.with_areas(AREAS)
    assert tree.children("4208")[-2:] == ["4208Z1", "4208Z2"]
    assert tree.chain("4208Z1001") == ["4208Z1001", "4208Z1", "4208", "42", "cn"]
    assert tree.full_name("4208Z1001") == "湖北省荆门市漳河新区漳河街道"
    assert tree.children("420802") == T.children("420802")
    assert not T.known("4208Z1")


def test_an_area_needs_a_place_above_it_and_a_good_code():
    with pytest.raises(UnknownPlaceError):
        T.with_areas([PlaceRow("4299Z1", "无")])
    with pytest.raises(PlaceError):
        T.with_areas([PlaceRow("4208z1", "小写")])


def test_an_added_town_survives_the_loading_of_its_province():
    tree = PlaceTree(places_upper(), T._loader).with_areas(
        [PlaceRow("420802999", "新设镇"), PlaceRow("420802999001", "新村")]
    )
    assert "420802999" in tree.children("420802")
    assert "420802001" in tree.children("420802")
    assert tree.children("420802999") == ["420802999001"]


def places_upper():
    from tuodi.kernel._divisions import upper_rows

    return upper_rows()


# --- the shipped list -----------------------------------------------------------------------------------------


def test_the_nation_is_whole():
    assert len(T.children("cn")) == 34
    assert {T.name(c) for c in ("71", "81", "82")} == {"台湾省", "香港特别行政区", "澳门特别行政区"}
    counties = [c for c in T.walk("cn", down_to=Level.COUN) if level(c) is Level.COUN]
    assert len(counties) > 2950


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("420802", "湖北省荆门市东宝区"),
        ("150302", "内蒙古自治区乌海市海勃湾区"),
        ("220103", "吉林省长春市宽城区"),
        ("530102", "云南省昆明市五华区"),
        ("420899001", "湖北省荆门市示例县城关街道"),
        ("441900003", "广东省东莞市东城街道"),
        ("110101001", "北京市东城区东华门街道"),
        ("429004001", "湖北省仙桃市沙嘴街道"),
        ("cn", "全国"),
    ],
)
def test_full_names(code, name):
    assert T.full_name(code) == name


@pytest.mark.parametrize("town", ["420802001", "150302002", "530102001", "220103002", "420899001"])
def test_demo_prefectures_have_villages(town):
    villages = T.children(town)
    assert villages
    assert all(level(v) is Level.VILL and parent(v) == town for v in villages)


def test_rows_of_one_code_do_not_overlap_and_successors_exist():
    for code in {row.code for row in places_upper()}:
        rows = T.rows(code)
        for before, after in itertools.pairwise(rows):
            assert before.until is not None
            assert after.since is None or before.until <= after.since, code
        for row in rows:
            assert row.successor is None or (T.known(row.successor) and level(row.successor) == level(code))
            assert row.since is None or row.until is None or row.since < row.until


def test_loading_is_quick_and_lazy():
    from tuodi.kernel import _divisions

    for cached in (_divisions._blocks, _divisions.upper_rows, _divisions._index, _divisions.tree):
        cached.cache_clear()
    start = time.process_time()
    tree = national_tree()
    assert tree.name("420802001") == "龙泉街道"
    assert time.process_time() - start < 0.6  # measured 0.04; the bound allows for a busy machine
    assert "53" not in tree._loaded
