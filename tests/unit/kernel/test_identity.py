# ruff: noqa: RUF001 - full-width digits are what is tested
"""Identity numbers as people, old registers and spreadsheets write them. All numbers are synthetic or the standard's."""

import contextlib
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuodi.kernel import clock
from tuodi.kernel.identity import (
    CHANGE_LABELS,
    WARNING_LABELS,
    IdNumber,
    InvalidIdError,
    body_key,
    check_digit,
    make_id,
    normalise,
    parse_id,
)

ON = date(2021, 9, 13)
GOOD = "11010519491231002X"  # printed in GB 11643-1999

births = st.dates(date(1902, 1, 1), date(2021, 9, 13))
ids = st.builds(make_id, st.sampled_from(["420899", "420802", "150302"]), births, st.integers(1, 999))


# --- cleaning -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "changes"),
    [
        (GOOD, ()),
        ("11010519491231002x", ("uppercase",)),
        ("１１０１０５１９４９１２３１００２Ｘ", ("fullwidth",)),
        ("１１０１０５１９４９１２３１００２ｘ", ("fullwidth", "uppercase")),
        (" 110105 19491231 002X\t\r\n", ("spaces",)),
        ("110105\u00a019491231\u3000002X", ("spaces",)),
        ("\ufeff11010519491231002X", ("invisible",)),
        ("110105\u200b1949\u200d1231\u2060002X\u200e", ("invisible",)),
        ("11010519491231002X\x00", ("invisible",)),
        ("'11010519491231002X", ("apostrophe",)),
        ("’11010519491231002X", ("apostrophe",)),
        ("＇11010519491231002X", ("fullwidth", "apostrophe")),
        (" '\u200b１10105 19491231002x", ("invisible", "fullwidth", "spaces", "apostrophe", "uppercase")),
    ],
)
def test_cleaning_says_what_it_changed(raw, changes):
    assert normalise(raw) == (GOOD, changes)
    assert set(changes) <= set(CHANGE_LABELS)
    assert parse_id(raw, on=ON).text18 == GOOD


def test_cleaning_of_cells_that_are_no_text():
    assert normalise(None) == ("", ())
    assert normalise("") == ("", ())
    assert normalise(110105491231002) == ("110105491231002", ("number",))
    assert normalise(110105491231002.0) == ("110105491231002", ("number",))
    assert normalise(float(110105194912310021)).text.count("e+17") == 1


def test_nothing_is_guessed():
    assert normalise("1101O519491231OO2X").text == "1101O519491231OO2X"  # letter O is no zero
    assert normalise("110105-19491231-002X").text == "110105-19491231-002X"


@given(st.text(max_size=25) | ids)
def test_cleaning_twice_changes_nothing_more(raw):
    once = normalise(raw)
    assert normalise(once.text) == (once.text, ())
    assert bool(once.changes) == (once.text != raw)


# --- reading --------------------------------------------------------------------------------------------------


def test_the_standards_own_samples():
    assert parse_id(GOOD, on=ON) == IdNumber(GOOD, "resident", "110105", date(1949, 12, 31), "女", True, (), GOOD)
    old = parse_id("440524188001010014", on=ON)
    assert (old.birth, old.sex, old.check_ok, old.warnings) == (date(1880, 1, 1), "男", True, ("over_120",))
    assert check_digit(GOOD[:17]) == "X"


@given(st.sampled_from(["420899", "530102"]), births, st.integers(1, 999))
def test_what_is_made_reads_back(region, birth, seq):
    made = make_id(region, birth, seq)
    if made.endswith("000"):
        with pytest.raises(InvalidIdError):
            parse_id(made, on=ON)
        made_ok = parse_id(made, on=ON, allow_trailing_zeros=True)
    else:
        made_ok = parse_id(made, on=ON)
    assert (made_ok.region6, made_ok.birth, made_ok.check_ok) == (region, birth, True)
    assert made_ok.sex == ("男" if seq % 2 else "女")


@given(ids, st.integers(0, 17), st.integers(1, 9))
def test_one_wrong_digit_is_never_taken_as_good(text, at, change):
    if text[at] == "X":
        return
    wrong = text[:at] + str((int(text[at]) + change) % 10) + text[at + 1 :]
    with contextlib.suppress(InvalidIdError):
        assert not parse_id(wrong, on=ON).check_ok


@given(ids, st.integers(0, 16))
def test_two_neighbours_swapped_are_never_taken_as_good(text, at):
    wrong = text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    if wrong == text:
        return
    with contextlib.suppress(InvalidIdError):
        assert not parse_id(wrong, on=ON).check_ok


def test_a_wrong_check_digit_comes_back_marked():
    read = parse_id("110105194912310021", on=ON)
    assert not read.check_ok
    assert read.warnings == ("check_digit",)
    assert set(WARNING_LABELS) >= set(read.warnings)


def test_fifteen_digits_become_eighteen_and_both_are_kept():
    read = parse_id("110105491231002", on=ON)
    assert (read.text18, read.original, read.check_ok) == (GOOD, "110105491231002", True)
    assert read.warnings == ("converted_15",)
    assert parse_id("'110105491231002 ", on=ON).original == "110105491231002"


@pytest.mark.parametrize("suffix", ["996", "997", "998", "999"])
def test_fifteen_digits_of_people_born_before_1900_are_left_to_a_person(suffix):
    with pytest.raises(InvalidIdError, match="996 至 999") as caught:
        parse_id("110105981231" + suffix, on=ON)
    assert caught.value.reason == "century"
    assert parse_id("110105981231995", on=ON).birth == date(1998, 12, 31)


def test_fifteen_digits_may_end_in_zeros():
    assert parse_id("110105491231000", on=ON).text18.startswith("11010519491231000")


@pytest.mark.parametrize(("region", "place"), [("810000", "香港"), ("820000", "澳门"), ("830000", "台湾")])
def test_residence_permits(region, place):
    read = parse_id(make_id(region, date(1990, 1, 1), 1), on=ON)
    assert (read.kind, read.check_ok, read.warnings) == ("permit", True, ())


def test_a_foreigners_permit_is_for_manual_review():
    read = parse_id(make_id("911124", date(1981, 3, 3), 1), on=ON)
    assert (read.kind, read.warnings) == ("permit", ("foreign_permit",))


def test_an_abolished_region_is_recognised_and_an_unknown_one_only_warns():
    assert parse_id(make_id("420821", date(1985, 1, 1), 11), on=ON).warnings == ()
    assert parse_id(make_id("422432", date(1985, 1, 1), 11), on=ON).warnings == ()
    assert parse_id(make_id("441900", date(1985, 1, 1), 11), on=ON).warnings == ()
    unknown = parse_id(make_id("429999", date(1985, 1, 1), 11), on=ON)
    assert unknown.warnings == ("unknown_region",)
    assert unknown.check_ok


# --- refusing -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (None, "empty"),
        ("", "empty"),
        (" \u200b'", "empty"),
        ("1.10105E+17", "damaged"),
        ("1.10105194912310E17", "damaged"),
        ("1.10105e+17", "damaged"),
        ("4.20899E+14", "damaged"),
        (1.1010519491231e17, "damaged"),
        ("110105194912310000.0", "damaged"),
        ("110105194912310000", "trailing_zeros"),
        (110105194912310000, "trailing_zeros"),
        ("1101051949123100", "length"),
        ("1101051949123100211", "length"),
        ("123", "length"),
        ("11010549123100X", "characters"),
        ("1101O519491231002X", "characters"),
        ("11010519491231X02X", "characters"),
        ("11010519491231002Y", "characters"),
        ("١١٠١٠٥١٩٤٩١٢٣١٠٠٢١", "characters"),  # Arabic-Indic digits are no digits here
        (make_id("110105", date(1949, 12, 1), 2)[:12] + "32" + "002X", "birth"),
        ("110105194900010021", "birth"),
        ("110105000001010021", "birth"),
        ("420899210231001", "birth"),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_reason(raw, reason):
    with pytest.raises(InvalidIdError) as caught:
        parse_id(raw, on=ON)
    assert caught.value.reason == reason


def test_the_twenty_ninth_of_february():
    assert parse_id("42089920000229" + "001" + check_digit("42089920000229001"), on=ON).birth == date(2000, 2, 29)
    for year in (1900, 2001, 2100):
        body = f"420899{year}0229001"
        with pytest.raises(InvalidIdError, match="出生日期不存在"):
            parse_id(body + check_digit(body), on=date(2200, 1, 1))


def test_a_birth_today_is_possible_and_tomorrow_is_not():
    today, tomorrow = make_id("420899", ON, 1), make_id("420899", date(2021, 9, 14), 1)
    assert parse_id(today, on=ON).birth == ON
    with pytest.raises(InvalidIdError, match="晚于今天"):
        parse_id(tomorrow, on=ON)
    with clock.frozen(date(2021, 9, 14)):
        assert parse_id(tomorrow).birth == date(2021, 9, 14)
    with clock.frozen(ON), pytest.raises(InvalidIdError):
        parse_id(tomorrow)


def test_trailing_zeros_need_an_officer_and_a_right_check_digit():
    births_ = (date(1950, 1, d) for d in range(1, 29))
    real = next(i for b in births_ for s in (100, 200, 300) if (i := make_id("420899", b, s)).endswith("000"))
    with pytest.raises(InvalidIdError, match="表格软件"):
        parse_id(real, on=ON)
    assert parse_id(real, on=ON, allow_trailing_zeros=True).warnings == ("trailing_zeros",)
    with pytest.raises(InvalidIdError):
        parse_id("110105194912310000", on=ON, allow_trailing_zeros=True)


def test_the_sentence_shows_the_number_masked():
    with pytest.raises(InvalidIdError) as caught:
        parse_id("110105194913310021", on=ON)
    assert "110105********0021" in str(caught.value)
    assert "19491331" not in str(caught.value) + repr(caught.value.fields)


# --- keys and synthetic numbers -------------------------------------------------------------------------------


@given(ids, ids)
def test_the_key_tells_numbers_apart_and_fits_64_bits(a, b):
    assert (body_key(a) == body_key(b)) == (a == b)
    assert 0 < body_key(a) < 2**63


@pytest.mark.parametrize("text", ["", "110105491231002", "1101051949123100２X", "11010519491231X02X"])
def test_no_key_for_what_was_not_parsed(text):
    with pytest.raises(ValueError, match="parsed"):
        body_key(text)


@pytest.mark.parametrize(("region", "seq"), [("42089", 1), ("4208a9", 1), ("420899", -1), ("420899", 1000)])
def test_impossible_synthetic_numbers(region, seq):
    with pytest.raises(ValueError, match="six digits"):
        make_id(region, date(1990, 1, 1), seq)
