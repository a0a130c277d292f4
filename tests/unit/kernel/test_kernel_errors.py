"""The error base: a code, a sentence, the facts; alive after a trip to another process."""

import pickle

import pytest

from tuodi.kernel.errors import TuodiError
from tuodi.kernel.identity import InvalidIdError
from tuodi.kernel.money import MoneyError
from tuodi.kernel.periods import PeriodError
from tuodi.kernel.places import PlaceError, UnknownPlaceError
from tuodi.kernel.workdays import UnknownYearError

ERRORS = [
    TuodiError("出错了。", a=1),
    MoneyError("x", "不是数字"),
    PeriodError("x"),
    InvalidIdError("110105194912310000", "trailing_zeros"),
    PlaceError("x"),
    UnknownPlaceError("429999"),
    UnknownYearError(2027),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda e: type(e).__name__)
def test_an_error_survives_pickling_whole(error):
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert (str(copy), copy.fields, copy.code) == (str(error), error.fields, error.code)
    assert copy.__dict__ == error.__dict__


def test_codes_are_distinct_and_sentences_chinese():
    assert len({e.code for e in ERRORS}) == len(ERRORS)
    assert all(str(e).endswith("。") for e in ERRORS)
