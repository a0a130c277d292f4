"""Sorting keys of names."""

import pytest

from tuodi.kernel.pinyin import initials, sort_key
from tuodi.kernel.surnames import COMPOUND, READINGS


@pytest.mark.parametrize(
    ("name", "key", "first"),
    [
        ("曾小红", "zeng xiao hong", "zxh"),
        ("单雄信", "shan xiong xin", "sxx"),
        ("仇和", "qiu he", "qh"),
        ("解放", "xie fang", "xf"),
        ("查良", "zha liang", "zl"),
        ("区小明", "ou xiao ming", "oxm"),
        ("任重", "ren zhong", "rz"),
        ("欧阳建", "ou yang jian", "oyj"),
        ("尉迟恭", "yu chi gong", "ycg"),
        ("长孙无忌", "zhang sun wu ji", "zswj"),
        ("万俟卨", "mo qi xie", "mqx"),
        ("吕布", "lv bu", "lb"),
        ("王曾", "wang ceng", "wc"),
        ("张单", "zhang dan", "zd"),
        ("王", "wang", "w"),
        ("", "", ""),
        ("阿依古丽·买买提", "a yi gu li mai mai ti", "ayglmmt"),
        ("John Smith", "john smith", "js"),
        ("𬭎小明", "hong xiao ming", "hxm"),
    ],
)
def test_keys(name, key, first):
    assert sort_key(name) == key
    assert initials(name) == first


def test_surname_readings_sort_where_people_look():
    assert sorted(["单小一", "王一", "曾一", "阿一", "仇一"], key=sort_key) == [
        "阿一",
        "仇一",
        "单小一",
        "王一",
        "曾一",
    ]


def test_tables_are_well_formed():
    assert all(len(name) == 2 and len(reading.split()) == 2 for name, reading in COMPOUND.items())
    assert all(len(name) == 1 and reading.isalpha() for name, reading in READINGS.items())


def test_unknown_characters_do_not_break_a_key():
    assert sort_key("\U000f0000王") != ""
    assert initials("～！") == ""
