# ruff: noqa: RUF001 - full-width digits are what is tested
"""Amounts: yuan text to fen and back, exactly or not at all."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuodi.kernel.money import MAX_FEN, MoneyError, format_yuan, parse_yuan, split_exact


@pytest.mark.parametrize(
    ("raw", "fen"),
    [
        ("575", 57500),
        ("575.5", 57550),
        ("575.05", 57505),
        ("0.01", 1),
        ("0", 0),
        ("-0.01", -1),
        ("−3.50", -350),
        ("+3", 300),
        ("1,234.50", 123450),
        ("12,345,678", 1234567800),
        ("  7512 元 ", 751200),
        ("¥98.70", 9870),
        ("￥98.70", 9870),
        ("１２３．４５", 12345),
        (575, 57500),
        (-2, -200),
        (Decimal("4500"), 450000),
        (Decimal("45E+2"), 450000),
        (Decimal("0.30"), 30),
        (Decimal("10.5000"), 1050),
        (Decimal("-0.01"), -1),
        ("92233720368547758.07", MAX_FEN),
    ],
)
def test_an_amount_becomes_fen(raw, fen):
    assert parse_yuan(raw) == fen


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        ("", "是空的"),
        ("   ", "是空的"),
        ("元", "是空的"),
        ("五百", "不是数字"),
        ("1.234", "小数超过两位"),
        ("1.000", "小数超过两位"),
        ("1.", "小数点后没有数字"),
        (".5", "不是数字"),
        ("1,23", "不是数字"),
        ("1,2345", "不是数字"),
        ("1234,567", "不是数字"),
        ("1e3", "不是数字"),
        ("--1", "不是数字"),
        ("1 2", "不是数字"),
        ("NaN", "不是数字"),
        (0.1, "小数必须"),
        (True, "不是数字"),
        (None, "不是数字"),
        (Decimal("1.234"), "小数超过两位"),
        (Decimal("NaN"), "不是数字"),
        (Decimal("Infinity"), "不是数字"),
        (Decimal("1E+400000000"), "数值太大"),
        (Decimal("1E-400000000"), "小数超过两位"),
        ("92233720368547758.08", "数值太大"),
        (MAX_FEN, "数值太大"),
        ("9" * 400, "数值太大"),
    ],
)
def test_what_is_no_amount_is_refused_with_the_reason(raw, why):
    with pytest.raises(MoneyError, match=why) as caught:
        parse_yuan(raw)
    assert caught.value.fields["raw"] == raw or raw != raw or str(raw) == "NaN"


@pytest.mark.parametrize(
    ("fen", "text", "plain"),
    [
        (0, "0.00", "0.00"),
        (5, "0.05", "0.05"),
        (-5, "-0.05", "-0.05"),
        (123450, "1,234.50", "1234.50"),
        (-123456789, "-1,234,567.89", "-1234567.89"),
    ],
)
def test_printing(fen, text, plain):
    assert format_yuan(fen) == text
    assert format_yuan(fen, sep=False) == plain


def test_people_get_a_true_minus():
    assert format_yuan(-150, minus="−") == "−1.50"


@given(st.integers(-MAX_FEN, MAX_FEN), st.booleans(), st.sampled_from(["-", "−"]))
def test_what_is_printed_reads_back(fen, sep, minus):
    assert parse_yuan(format_yuan(fen, sep=sep, minus=minus)) == fen
    assert parse_yuan(Decimal(fen).scaleb(-2)) == fen or abs(fen) > 10**27


@given(st.integers(-(10**15), 10**15), st.integers(1, 400))
def test_a_split_adds_up_and_is_even(fen, n):
    parts = split_exact(fen, n)
    assert sum(parts) == fen
    assert len(parts) == n
    assert max(parts) - min(parts) <= 1
    assert sorted(parts, key=abs, reverse=True) == parts


def test_a_split_into_nothing_is_a_fault():
    with pytest.raises(ValueError, match="0 parts"):
        split_exact(100, 0)
