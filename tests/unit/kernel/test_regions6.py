"""Prefixes of identity numbers."""

import pytest

from tuodi.kernel.regions6 import known_codes, lookup


@pytest.mark.parametrize(
    ("code", "name", "current"),
    [
        ("420802", "东宝区", True),
        ("420899", "示例县", True),
        ("420882", "京山市", True),
        ("420821", "京山县", False),
        ("422432", "京山县", False),
        ("532331", "禄丰县", False),
        ("441900", "东莞市", True),
        ("220103", "宽城区", True),
        ("150303", "海南区", True),
        ("810000", "香港（居住证）", True),
    ],
)
def test_known_prefixes(code, name, current):
    assert lookup(code) == (code, name, current)
    assert code in known_codes()


@pytest.mark.parametrize("code", ["429999", "000000", "420000", "42", "", "4208020"])
def test_unknown_prefixes(code):
    assert lookup(code) is None
    assert code not in known_codes()


def test_both_kinds_are_there_in_numbers():
    states = [lookup(code).current for code in known_codes()]
    assert states.count(True) > 3200
    assert states.count(False) > 2500
