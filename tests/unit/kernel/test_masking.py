"""Masks keep what is named and nothing more."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuodi.kernel.masking import mask_account, mask_address, mask_id, mask_name, mask_phone


@pytest.mark.parametrize(
    ("name", "masked"),
    [
        ("王小明", "王**"),
        ("王明", "王*"),
        ("欧阳健", "欧阳*"),
        ("欧阳明日", "欧阳**"),
        ("欧阳", "欧*"),
        ("王", "*"),
        ("", ""),
        (" 王明 ", "王*"),
        ("阿依古丽·买买提", "阿***·***"),
        ("John Smith", "J*** *****"),
        ("𬭎小明", "𬭎**"),
    ],
)
def test_names(name, masked):
    assert mask_name(name) == masked


def test_numbers():
    assert mask_id("11010519491231002X") == "110105********002X"
    assert mask_id("110105491231002") == "110105*****1002"
    assert mask_phone("13800138000") == "138****8000"
    assert mask_account("6222021234567890123") == "***************0123"


@pytest.mark.parametrize("mask", [mask_id, mask_phone, mask_account])
@given(text=st.text("0123456789X", max_size=30))
def test_a_mask_never_shows_nearly_all_of_a_short_value(mask, text):
    masked = mask(text)
    assert len(masked) == len(text)
    assert masked.count("*") >= min(3, len(text))


@pytest.mark.parametrize(
    ("address", "masked"),
    [
        ("湖北省荆门市东宝区龙泉街道天鹅社区15号", "湖北省荆门市东宝区龙泉街道天鹅社区***"),
        ("湖北省荆门市京山县新市镇城中路1号", "湖北省荆门市京山县新市镇***"),
        ("河南省新乡市红旗区洪门镇原堤村3组", "河南省新乡市红旗区洪门镇原堤村***"),
        ("江西省景德镇市珠山区昌江街道5号", "江西省景德镇市珠山区昌江街道***"),
        ("内蒙古自治区乌海市海勃湾区新华街道和平社区8-1", "内蒙古自治区乌海市海勃湾区新华街道和平社区***"),
        ("内蒙古自治区鄂托克旗乌兰镇阿日嘎查2号", "内蒙古自治区鄂托克旗乌兰镇阿日嘎查***"),
        ("云南省昆明市五华区护国街道文庙社区", "云南省昆明市五华区护国街道文庙社区"),
        ("东宝区象山大道1号幸福小区3栋2单元", "东宝区***"),
        ("象山大道1号幸福小区3栋2单元", "***"),
        ("幸福小区3栋", "***"),
        ("12号", "***"),
        ("", ""),
    ],
)
def test_addresses_end_at_the_village(address, masked):
    assert mask_address(address) == masked


@given(st.text(max_size=40))
def test_an_address_mask_is_a_beginning_without_house_numbers(text):
    kept = mask_address(text).removesuffix("***")
    assert text.strip().startswith(kept)
    assert not any(c.isdigit() and c.isascii() for c in kept)
