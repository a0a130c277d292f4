# ruff: noqa: RUF001 - full-width digits and odd spaces are what is tested
"""Keys on columns say what the kernel says of each number alone."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuodi.kernel.identity import body_key, check_digit, make_id
from tuodi.matching.keys import check_of, key_of, keyed, text_of, with_key

GOOD = make_id("420899", date(1950, 1, 1), 11)
ON = date(2017, 9, 1)


def columns(texts: list[str | None], on: date | None = ON) -> list[tuple[int | None, str]]:
    frame = pl.DataFrame({"id_raw": pl.Series(texts, dtype=pl.String)})
    return with_key(frame, on=on).select("key", "check_state").rows()


@pytest.mark.parametrize(
    ("text", "state"),
    [
        (GOOD, "ok"),
        (f" {GOOD}", "ok"),
        (f"\u3000{GOOD}\u00a0", "ok"),
        (f"\ufeff{GOOD}\u200b", "ok"),
        (f"'{GOOD}", "ok"),
        ("\t" + GOOD[:6] + " " + GOOD[6:], "ok"),
        ("".join(chr(ord(c) + 0xFEE0) for c in GOOD), "ok"),
        (GOOD[:17] + ("0" if GOOD[17] != "0" else "1"), "bad_check"),
        ("420899500101011", "converted15"),
        ("420899500101011.0", "converted15"),
        ("420899500101998", "invalid"),
        ("4.20899E+17", "invalid"),
        ("420899195001010000", "invalid"),
        ("420899195013010110", "invalid"),
        ("420899195002290110", "invalid"),
        ("420899201801010112", "invalid"),
        ("42089919500101011", "invalid"),
        ("", "invalid"),
        (None, "invalid"),
        ("+" + GOOD[1:], "invalid"),
        ("无", "invalid"),
        (make_id("810000", date(1980, 2, 29), 12), "foreign"),
        (make_id("911110", date(1980, 2, 29), 12), "foreign"),
    ],
)
def test_a_number_as_offices_write_it(text: str | None, state: str) -> None:
    [(key, found)] = columns([text])
    assert found == state
    assert (key is None) == (state == "invalid")
    assert (key, found) == key_of(text, on=ON)


def test_a_small_x_stands_for_ten() -> None:
    number = next(n for s in range(1, 99) if (n := make_id("420899", date(1950, 1, 1), s)).endswith("X"))
    assert columns([number, number.lower()]) == [(body_key(number), "ok")] * 2
    assert keyed(pl.Series([number]))["last"].to_list() == [10]
    assert keyed(pl.Series([number.lower()]))["last"].to_list() == [None]


def test_lazy_and_eager_frames_agree() -> None:
    frame = pl.DataFrame({"id_raw": [GOOD, "x", None, GOOD + " "]})
    assert with_key(frame.lazy(), on=ON).collect(engine="streaming").equals(with_key(frame, on=ON))


def test_the_text_of_a_key_is_the_number() -> None:
    numbers = [make_id("420899", date(1950, 1, 1), s) for s in range(1, 300) if s % 100]
    frame = keyed(pl.Series(numbers)).select(text_of(pl.col("key"), pl.col("last")).alias("text"))
    assert frame["text"].to_list() == numbers


digits = st.text("0123456789", min_size=17, max_size=17)
numbers = st.builds(
    lambda area, day, seq: make_id(area, day, seq),
    st.sampled_from(["420899", "110105", "810000", "950000"]),
    st.dates(date(1890, 1, 1), date(2019, 12, 31)),
    st.integers(0, 999),
)
noise = st.sampled_from(
    ["", " ", "\u3000", "\t", "\u200b", "\ufeff", "\u00a0", "'", "’", "x", "０", "\u2060", "1", "."]
)
written = st.one_of(
    numbers,
    st.builds(lambda n, a, b, at: a + n[:at] + b + n[at:], numbers, noise, noise, st.integers(0, 18)),
    st.builds(lambda n: n[:6] + n[8:17], numbers),
    st.builds(lambda n: n.lower().translate({ord(c): ord(c) + 0xFEE0 for c in "0123456789x"}), numbers),
    st.builds(
        lambda n, at, c: n[:at] + c + n[at + 1 :], numbers, st.integers(0, 17), st.sampled_from("0123456789Xx٣ＸA")
    ),
    st.text(max_size=22),
    st.none(),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(written, min_size=1, max_size=30))
def test_columns_say_what_the_kernel_says(texts: list[str | None]) -> None:
    assert columns(texts) == [tuple(key_of(text, on=ON)) for text in texts]
    assert columns(texts, None) == [tuple(key_of(text)) for text in texts]


@settings(max_examples=100, deadline=None)
@given(st.lists(digits, min_size=1, max_size=50))
def test_check_characters_agree(bodies: list[str]) -> None:
    frame = pl.DataFrame({"key": [int(body) for body in bodies]}).select(check_of(pl.col("key")).alias("c"))
    assert ["X" if c == 10 else str(c) for c in frame["c"]] == [check_digit(body) for body in bodies]
