"""Linking by key: a name never matches, and what is not sure is listed, not lost."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from tuodi.crypto.keyring import Keyring
from tuodi.kernel.identity import make_id
from tuodi.matching.keys import key_of, with_key
from tuodi.matching.link import double_receipts, link, link_all, link_sealed, shared_numbers, two_numbers
from tuodi.matching.sealed import SealedWriter, open_sealed

BIRTH = date(1960, 5, 1)
NUMBERS = [make_id("420899", BIRTH, n) for n in range(101, 109)]
KEYS = [key_of(n).key for n in NUMBERS]


def people(*rows: tuple[Any, ...]) -> pl.LazyFrame:
    """(key, person, household, name, former names)"""
    schema = {
        "key": pl.Int64,
        "person_id": pl.Int64,
        "household_id": pl.Int64,
        "name": pl.String,
        "former_names": pl.List(pl.String),
    }
    return pl.LazyFrame([(*r, *([None] * (5 - len(r)))) for r in rows], schema=schema, orient="row")


def cars(*rows: tuple[str, str | None, str]) -> pl.LazyFrame:
    """(number as written, name, plate)"""
    return with_key(
        pl.LazyFrame(rows, schema={"id_raw": pl.String, "name": pl.String, "plate": pl.String}, orient="row")
    )


def test_the_name_confirms_and_never_matches():
    roll = people(
        (KEYS[0], 1, 10, "王明", ["王小明"]), (KEYS[1], 2, 20, "阿依古丽·买买提"), (KEYS[2], 3, 30, "\u4dae羽")
    )
    found = link(
        roll,
        cars(
            (NUMBERS[0], "王 明", "A1"), (NUMBERS[0], "王小明", "A2"), (NUMBERS[0], "李明", "A3"), (NUMBERS[0], None, "A4"),
            (NUMBERS[1], "阿依古丽•买买提", "B1"), (NUMBERS[2], "\ue863羽", "C1"), (NUMBERS[5], "王明", "Z9"),
        ),
    )  # fmt: skip
    states = dict(found.hits.select("plate", "name_state").iter_rows())
    assert states == {"A1": "same", "A2": "former", "A4": "absent", "B1": "same", "C1": "same"}
    assert found.doubtful.select("plate", "name_state").rows() == [("A3", "conflict")]
    assert set(found.hits["person_id"]) == {1, 2, 3}, "同名不同号的不是同一人"


def test_a_wrong_check_digit_is_listed_and_an_old_number_matches():
    wrong = NUMBERS[0][:17] + next(c for c in "0123456789X" if c != NUMBERS[0][17])
    old = NUMBERS[1][:6] + NUMBERS[1][8:17]
    roll = people((KEYS[0], 1, 10, "甲"), (KEYS[1], 2, 20, "乙"))
    found = link(roll, cars((wrong, "甲", "A1"), (old, "乙", "B1"), ("12345", "甲", "X1")))
    assert found.hits.select("plate", "check_state").rows() == [("B1", "converted15")]
    assert found.doubtful.select("plate", "check_state").rows() == [("A1", "bad_check")]


def test_rows_that_say_the_same_are_one_and_counted():
    rows = cars((NUMBERS[0], "甲", "A1"), (NUMBERS[0], "甲", "A1"), (NUMBERS[0], "甲", "A2"))
    rows = rows.with_columns(pl.Series("as_of", [date(2017, 1, 1), date(2017, 3, 1), date(2017, 1, 1)]))
    found = link(people((KEYS[0], 1, 10, "甲")), rows, identity=["plate"], first_row=7)
    assert sorted(found.hits.select("plate", "as_of", "copies").rows()) == [
        ("A1", date(2017, 3, 1), 2),
        ("A2", date(2017, 1, 1), 1),
    ]
    assert found.duplicates == 1
    assert sorted(found.hits["row_id"]) == [7, 8]


def test_a_person_with_two_numbers_is_found_under_both_and_named():
    roll = people((KEYS[0], 1, 10, "甲"), (KEYS[1], 1, 10, "甲"), (KEYS[2], 2, 20, "乙"), (KEYS[2], 3, 30, "乙"))
    found = link(roll, cars((NUMBERS[0], "甲", "A1"), (NUMBERS[1], "甲", "A2")))
    assert sorted(found.hits["plate"]) == ["A1", "A2"]
    assert two_numbers(roll).rows() == [(1, sorted([KEYS[0], KEYS[1]]))]
    assert shared_numbers(roll).rows() == [(KEYS[2], [2, 3])]


def test_one_number_paid_in_two_places_or_programmes():
    roll = pl.LazyFrame(
        {
            "key": [1, 1, 2, 2, 3, 3, None, None], "person_id": [1, 2, 3, 3, 5, 5, 7, 8],
            "household_id": [10, 20, 30, 30, 50, 50, 70, 80],
            "region": ["420802001", "420804001", "420802001", "420802001", "420802001", "420802001", "420802", "420804"],
            "programme": ["dibao", "dibao", "dibao", "tekun", "dibao", "dibao", "dibao", "dibao"],
            "category": ["urban", "rural"] * 4,
        }
    )  # fmt: skip
    found = double_receipts(roll)
    assert found.select("person_id", "other_programme", "other_region", "cross_region").rows() == [
        (1, "dibao", "420804001", True), (2, "dibao", "420802001", True),
        (3, "dibao", "420802001", False), (3, "tekun", "420802001", False),
    ]  # fmt: skip


def test_several_registers_in_one_pass_give_what_each_gives_alone():
    roll = people((KEYS[0], 1, 10, "甲", ["乙"]), (KEYS[1], 2, 20, "丙"))
    registers = {
        "car": cars((NUMBERS[0], "甲", "A1"), (NUMBERS[1], "丁", "A2"), (NUMBERS[5], "丙", "A3"), ("x", "甲", "A4")),
        "home": cars((NUMBERS[0], "乙", "1"), (NUMBERS[0], "乙", "1")).rename({"plate": "cert_no"}),
        "tax": with_key(pl.LazyFrame({"id_raw": [NUMBERS[1], None], "plate": [7, 8]})),  # the same word, a number
        "none": cars().rename({"plate": "x"}),
    }
    identity = {"home": ["cert_no"]}
    together = link_all(roll, registers, identity=identity)
    for name, register in registers.items():
        alone = link(roll, register, identity=identity.get(name, ()))
        for part in ("hits", "doubtful"):
            a, b = getattr(together[name], part), getattr(alone, part)
            assert (
                a.drop("row_id")
                .sort(pl.all())
                .equals(b.drop("row_id").select(*a.drop("row_id").columns).sort(pl.all()))
            ), name
    assert together["tax"].hits["plate"].to_list() == [7]
    assert link_all(roll, {}) == {}


def test_a_batch_at_rest_gives_the_same_hits(tmp_path: Path):
    keyring = Keyring.generate()
    roll = people((KEYS[0], 1, 10, "甲", ["甲乙"]), (KEYS[3], 2, 20, "乙"))
    plain = pl.DataFrame(
        {
            "line_no": [2, 3, 4, 5], "id_raw": [NUMBERS[0], NUMBERS[3], NUMBERS[4], NUMBERS[3]],
            "name": ["甲乙", "丙", "丁", "乙"], "stale": [False, True, False, False], "as_of": [date(2017, 4, 1)] * 4,
            "plate": ["A1", "B1", "C1", "B2"], "brand": ["x", "y", "z", "w"],
        }
    )  # fmt: skip
    with SealedWriter(tmp_path / "b", "1", hot=["plate"], scratch=tmp_path, keys=keyring) as writer:
        writer.write(plain)
        writer.finish()
    with open_sealed(tmp_path / "b", "1", scratch=tmp_path, keys=keyring) as batch:
        sealed = link_sealed(roll, batch, columns=["plate"])
    memory = link(roll, with_key(plain.lazy()))
    shown = ["line_no", "plate", "brand", "stale", "as_of", "person_id", "name_state"]
    assert sealed.hits.select(shown).sort("line_no").rows() == memory.hits.select(shown).sort("line_no").rows()
    assert sealed.doubtful.select(shown).rows() == memory.doubtful.select(shown).rows() != []


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 5), st.sampled_from("甲乙")), max_size=12),
    st.lists(st.tuples(st.integers(0, 7), st.sampled_from(["甲", "乙", "", None])), max_size=12),
)
def test_as_a_loop_over_all_pairs_would_do(subjects: list[Any], rows: list[Any]):
    roll = people(*((KEYS[n], i, i * 10, name) for i, (n, name) in enumerate(subjects)))
    found = link(roll, cars(*((NUMBERS[n], name, f"P{i}") for i, (n, name) in enumerate(rows))))
    want = {(f"P{j}", i) for i, (n, _) in enumerate(subjects) for j, (m, _) in enumerate(rows) if n == m}
    sure = {
        (f"P{j}", i)
        for i, (n, a) in enumerate(subjects)
        for j, (m, b) in enumerate(rows)
        if n == m and b in (a, "", None)
    }
    assert set(found.hits.select("plate", "person_id").iter_rows()) == sure
    assert set(found.doubtful.select("plate", "person_id").iter_rows()) == want - sure


@given(
    st.lists(
        st.tuples(
            st.sampled_from(NUMBERS),
            st.sampled_from(["as is", "wide", "spaces", "old", "wrong end", "no day", "empty", "lower", "excel"]),
            st.sampled_from(["王明", "李明", None]),
        ),
        max_size=30,
    )
)
@settings(max_examples=60, deadline=None)
def test_numbers_as_written_give_what_their_keys_give(rows: list[tuple[str, str, str | None]]):
    def written(number: str, how: str) -> str | None:
        return {
            "as is": number,
            "wide": "".join(chr(ord(c) + 0xFEE0) for c in number),
            "spaces": f" '{number[:6]} {number[6:]}\t",
            "old": number[:6] + number[8:17],
            "wrong end": number[:17] + ("1" if number[17] != "1" else "2"),
            "no day": number[:10] + "1332" + number[14:],
            "empty": None,
            "lower": number.lower(),
            "excel": number[:15] + "000",
        }[how]

    # The roll keeps what its own numbers say, so the spreadsheet's damaged key is on no roll; here it is, to show that it is refused.
    damaged = int(NUMBERS[0][:15] + "00")
    roll = people(*((k, i, i * 10, "王明") for i, k in enumerate(KEYS[:5], 1)), (damaged, 9, 90, "王明"))
    register = pl.LazyFrame(
        [(written(n, how), name, f"P{i}") for i, (n, how, name) in enumerate(rows)],
        schema={"id_raw": pl.String, "name": pl.String, "plate": pl.String},
        orient="row",
    )
    ours = link_all(roll, {"cars": register, "none": register.head(0)}, columns={"cars": ["plate"]}, number="id_raw")[
        "cars"
    ]
    theirs = link(roll, with_key(register), columns=["plate"])
    for a, b in ((ours.hits, theirs.hits), (ours.doubtful, theirs.doubtful)):
        assert a.drop("row_id").sort("plate").equals(b.drop("row_id").select(a.drop("row_id").columns).sort("plate"))
