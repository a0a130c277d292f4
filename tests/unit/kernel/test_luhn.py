# ruff: noqa: RUF001 - full-width digits are what is tested
"""Bank card check digits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuodi.kernel.luhn import luhn_digit, luhn_ok


@pytest.mark.parametrize("text", ["4111111111111111", "6222020000000000000"[:18] + luhn_digit("622202000000000000")])
def test_good_cards(text):
    assert luhn_ok(text)


@pytest.mark.parametrize(
    "text", ["4111111111111112", "", "411111111111111", "0" * 20, "411111111111111１", "4111 1111 1111 1111"]
)
def test_wrong_digit_length_or_characters(text):
    assert not luhn_ok(text)


@given(st.text("0123456789", min_size=15, max_size=18), st.integers(1, 9), st.data())
def test_one_wrong_digit_is_always_found(body, change, data):
    card = body + luhn_digit(body)
    assert luhn_ok(card)
    at = data.draw(st.integers(0, len(card) - 1))
    wrong = card[:at] + str((int(card[at]) + change) % 10) + card[at + 1 :]
    assert not luhn_ok(wrong)
