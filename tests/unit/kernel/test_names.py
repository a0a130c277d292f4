# ruff: noqa: RUF001 - full-width letters are what is tested
"""Names as registers write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuodi.kernel.names import normalise_name


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("王明", "王明"),
        (" 王\u3000明 ", "王明"),
        ("王 \t明\n", "王明"),
        ("\ufeff王\u200b明", "王明"),
        ("阿依古丽•买买提", "阿依古丽·买买提"),
        ("阿依古丽・买买提", "阿依古丽·买买提"),
        ("阿依古丽．买买提", "阿依古丽·买买提"),
        ("阿依古丽.买买提", "阿依古丽·买买提"),
        ("阿依古丽 · 买买提", "阿依古丽·买买提"),
        ("阿依古丽··买买提", "阿依古丽·买买提"),
        ("ＪＯＨＮ　Smith", "JOHN Smith"),
        ("J. Smith", "J. Smith"),
        ("李\ue863", "李䶮"),
        ("𬭎小明", "𬭎小明"),
        (None, ""),
        ("　", ""),
    ],
)
def test_one_way_to_write_a_name(raw, name):
    assert normalise_name(raw) == name


def test_rare_ideographs_are_not_replaced_by_likenesses():
    assert normalise_name("\uf9dc") == "\uf9dc"  # NFKC would make it 隆


@pytest.mark.parametrize(("code", "character"), [("fe9f", "䶮"), ("8230b731", "㛃"), ("9933a932", "𬭎")])
def test_gb18030_names_survive(code, character):
    assert normalise_name(bytes.fromhex(code).decode("gb18030")) == character


@given(st.text(max_size=12))
def test_cleaning_twice_changes_nothing_more(raw):
    assert normalise_name(normalise_name(raw)) == normalise_name(raw)
