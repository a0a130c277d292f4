"""Judging hits: what a brute-force reading of each family says, on every engine; nothing raised twice, nothing lost."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuodi.monitoring.judge import (
    Findings,
    MembersTwiceError,
    explain_clue,
    fresh,
    judge,
    looked_at,
    register_row,
)
from tuodi.policy.book import Book
from tuodi.rules import load_book

DAY = date(2017, 4, 30)
PLACES = ["420802", "420804", "4208Z1"]
IDS = {"row_id": pl.Int64, "person_id": pl.Int64, "household_id": pl.Int64, "key": pl.Int64}


@pytest.fixture(scope="module")
def book() -> Book:
    return load_book(check=False)


def members(*rows: tuple[int, int], **more: list[Any]) -> pl.DataFrame:
    """(person, household); a person's key is his id and a thousand."""
    schema = {"person_id": pl.Int64, "household_id": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row").with_columns(key=pl.col("person_id") + 1000, **{
        k: pl.Series(v) for k, v in more.items()
    })  # fmt: skip


def hits(persons: pl.DataFrame, rows: list[dict[str, Any]], **types: Any) -> pl.DataFrame:
    """Register rows about persons."""
    schema = {"person_id": pl.Int64, **types}
    body = pl.DataFrame([{k: r.get(k) for k in schema} for r in rows], schema=schema).with_row_index("row_id")
    return body.with_columns(pl.col("row_id").cast(pl.Int64)).join(
        persons.select("person_id", "household_id", "key"), on="person_id"
    )


def run(book: Book, persons: pl.DataFrame, register: dict[str, pl.DataFrame], **more: Any) -> Findings:
    families = persons["household_id"].unique().sort()
    n = len(families)
    households = pl.DataFrame(
        {
            "household_id": families,
            "place": [PLACES[i % 3] + ("001" if i % 2 else "") for i in range(n)],
            "area_kind": ["urban"] * n,
        }
    )
    roll = pl.DataFrame({"household_id": families, "programme": ["dibao", "tekun", "temporary"] * (n // 3) + ["dibao", "tekun", "temporary"][: n % 3]}, schema={"household_id": pl.Int64, "programme": pl.String})  # fmt: skip
    return judge(
        book, PLACES, DAY, **{"roll": roll, "members": persons, "households": households, "hits": register, **more}
    )


CAR = {"plate": pl.String, "vehicle_kind": pl.String, "stale": pl.Boolean}
FLAT = {"cert_no": pl.String, "use": pl.String, "registered_on": pl.Date}


def test_one_row_is_one_clue_with_its_severity_and_what_a_confirmation_does(book: Book):
    persons = members((1, 10), (2, 20), (3, 30))
    cars = hits(persons, [
        {"person_id": 1, "plate": "鄂H1", "vehicle_kind": "car"}, {"person_id": 2, "plate": "鄂H2", "vehicle_kind": "mobility"},
        {"person_id": 3, "plate": "鄂H3", "vehicle_kind": None}, {"person_id": 2, "plate": "鄂H4", "vehicle_kind": "truck", "stale": True},
    ], **CAR)  # fmt: skip
    found = run(book, persons, {"vehicle": cars})
    assert found.findings.select("household_id", "programme", "severity", "on_confirmed", "stale", "place").rows() == [
        (10, "dibao", "R", "suspend", False, "420802"),
        # 荆门 suspends whatever the severity; of ended registrations it raises nothing: family 20 is counted, not raised.
        (30, "temporary", "O", "suspend", False, "4208Z1"),
    ]
    assert found.rules["VEHICLE"].__dict__ == {
        "true": 3, "unknown": 0, "declared": 0, "ungraded": 1, "stale": 0, "raised": 2, "known": 0
    }  # fmt: skip
    assert json.loads(found.hits["values"][0]) == {"plate": "鄂H1", "vehicle_kind": "car"}
    assert found.kinds == {"vehicle": 4}


def test_outside_of_jingmen_severity_says_what_a_confirmation_does(book: Book):
    persons = members((1, 10))
    shop = hits(persons, [{"person_id": 1, "uscc": "9142", "role": "self_employed"}], uscc=pl.String, role=pl.String)
    homes = pl.DataFrame({"household_id": [10], "area_kind": ["urban"]})
    roll = pl.DataFrame({"household_id": [10], "programme": ["dibao"]})
    for place, does in (("530102", "recompute"), ("420802", "suspend")):
        found = judge(book, place, DAY, roll=roll, members=persons, households=homes, hits={"business": shop})
        assert found.findings.select("severity", "on_confirmed").rows() == [("O", does)]


def test_what_cannot_be_decided_is_listed_and_not_raised(book: Book):
    persons = members((1, 10), (2, 10))
    money = hits(
        persons, [{"person_id": 1, "bank": "某行", "balance_fen": 10**8}], bank=pl.String, balance_fen=pl.Int64
    )
    found = run(book, persons, {"bank_deposit": money})
    assert found.findings.height == 0
    assert found.unknown.rows() == [("DEPOSIT", 10, None)]
    assert found.rules["DEPOSIT"].unknown == 1


def test_a_family_off_the_roll_is_counted_and_not_raised(book: Book):
    persons = members((1, 10))
    cars = hits(persons, [{"person_id": 1, "plate": "鄂H1", "vehicle_kind": "car"}], **CAR)
    nobody = pl.DataFrame(schema={"household_id": pl.Int64, "programme": pl.String})
    found = run(book, persons, {"vehicle": cars}, roll=nobody)
    assert found.findings.height == 0
    assert (found.rules["VEHICLE"].true, found.rules["VEHICLE"].ungraded) == (1, 1)


def test_a_payment_of_one_person_gives_severity_to_that_person_only(book: Book):
    persons = members((1, 10), (2, 10))
    cars = hits(persons, [{"person_id": p, "plate": f"鄂H{p}", "vehicle_kind": "car"} for p in (1, 2)], **CAR)
    roll = pl.DataFrame({"household_id": [10, 10], "person_id": [None, 2], "programme": ["temporary", "tekun"]})
    found = run(book, persons, {"vehicle": cars}, roll=roll)
    assert found.findings.select("person_id", "programme", "severity").rows() == [
        (1, "temporary", "O"),
        (2, "tekun", "R"),
    ]


def test_what_the_family_declared_is_not_raised(book: Book):
    persons = members((1, 10), (2, 10), (3, 30))
    cars = hits(persons, [{"person_id": p, "plate": f"鄂 h{p}", "vehicle_kind": "car"} for p in (1, 2, 3)], **CAR)
    said = pl.DataFrame({"household_id": [10, 30], "plate": ["鄂H2", "鄂H1"]})
    found = run(book, persons, {"vehicle": cars}, declared={"vehicle": said})
    assert found.findings["person_id"].to_list() == [1, 3]
    assert found.declared.select("person_id", "fact_key").height == found.rules["VEHICLE"].declared == 1


def test_a_family_clue_rests_on_the_rows_that_count(book: Book):
    persons = members((1, 10), (2, 10), (3, 30))
    flats = hits(persons, [
        {"person_id": 2, "cert_no": "a", "use": "residential"}, {"person_id": 1, "cert_no": "b", "use": "residential"},
        {"person_id": 1, "cert_no": "c", "use": "garage"}, {"person_id": 3, "cert_no": "d", "use": "residential"},
    ], **FLAT)  # fmt: skip
    found = run(book, persons, {"estate": flats})
    row = found.findings.row(0, named=True)
    assert found.findings.height == 1
    assert (row["household_id"], row["person_id"], row["rows"]) == (10, 1, [0, 1])
    assert json.loads(row["figures"]) == {"clues__family_homes": 2}
    assert found.hits["row_id"].to_list() == [0, 1]


def test_two_rows_that_say_the_same_are_one_clue(book: Book):
    persons = members((1, 10))
    cars = hits(
        persons, [{"person_id": 1, "plate": "鄂H1", "vehicle_kind": "car", "stale": s} for s in (True, False)], **CAR
    )
    found = run(book, persons, {"vehicle": cars})
    assert found.findings.select("rows", "stale", "severity").rows() == [([0, 1], False, "R")]
    assert found.rules["VEHICLE"].true == found.rules["VEHICLE"].raised == 1


def test_a_spouse_in_the_family_is_no_clue(book: Book):
    persons = members((1, 10), (2, 10), (3, 30))
    rows = hits(persons, [
        {"person_id": 1, "spouse_key": 1002, "married_on": date(2000, 1, 1)}, {"person_id": 3, "spouse_key": 1002, "married_on": date(2010, 1, 1)},
    ], spouse_key=pl.Int64, married_on=pl.Date)  # fmt: skip
    assert run(book, persons, {"marriage": rows}).findings["person_id"].to_list() == [3]


def test_a_death_the_family_reported_is_no_clue_and_members_are_recomputed(book: Book):
    persons = members((1, 10), (2, 10), (3, 30), (4, 40), died=[None, None, None, date(2017, 1, 1)])
    dead = hits(persons, [{"person_id": p, "death_date": date(2017, 1, 1)} for p in (2, 3, 4)], death_date=pl.Date)
    burnt = hits(persons, [{"person_id": 3, "cremated_on": date(2017, 1, 3)}], cremated_on=pl.Date)
    found = run(book, persons, {"hukou": dead, "cremation": burnt})
    assert found.findings.select("rule_code", "person_id", "on_confirmed").rows() == [
        ("DEATH", 3, "suspend"), ("DEATH_MEMBER", 2, "recompute"),
    ]  # fmt: skip


def test_a_place_that_switched_a_rule_off_has_no_clue_of_it(tmp_path: Path):
    local = tmp_path / "local"
    local.mkdir()
    (local / "clues.yaml").write_text(
        'pack: {place: "420804"}\nclues:\n  VEHICLE: {enabled: false}\n  FISCAL: {severity: {other: Y}}\n',
        encoding="utf-8",
    )
    book = load_book(overlays=[local], check=False)
    persons = members((1, 10), (2, 20), (3, 30))
    cars = hits(persons, [{"person_id": p, "plate": f"鄂H{p}", "vehicle_kind": "car"} for p in (1, 2, 3)], **CAR)
    paid = hits(
        persons,
        [{"person_id": p, "unit": "某校", "payroll_kind": "staff"} for p in (1, 2, 3)],
        unit=pl.String,
        payroll_kind=pl.String,
    )
    for engine in ("polars", "duckdb"):
        found = run(book, persons, {"vehicle": cars, "fiscal": paid}, engine=engine).findings
        assert found.select("rule_code", "household_id", "severity").rows() == [
            ("FISCAL", 10, "R"), ("FISCAL", 20, "Y"), ("FISCAL", 30, "O"), ("VEHICLE", 10, "R"), ("VEHICLE", 30, "O"),
        ]  # fmt: skip


def test_a_limit_that_differs_by_place_is_each_places_own(tmp_path: Path):
    local = tmp_path / "local"
    local.mkdir()
    (local / "clues.yaml").write_text(
        'pack: {place: "420804", programme: clues}\nparameters:\n  pension_floor: {value: 1000, clause: DC}\n',
        encoding="utf-8",
    )
    book = load_book(overlays=[local], check=False)
    persons = members((1, 10), (2, 20))
    rows = [
        {"person_id": p, "insurer": "社保局", "pension_kind": "employee", "monthly_pension_fen": 80_000} for p in (1, 2)
    ]
    pensions = hits(persons, rows, insurer=pl.String, pension_kind=pl.String, monthly_pension_fen=pl.Int64)
    for engine in ("polars", "duckdb"):
        found = run(book, persons, {"social_insurance": pensions}, engine=engine, codes=["PENSION"])
        assert found.findings["household_id"].to_list() == [10], "800 元在 420804 低于 1000 元"


def test_a_person_in_two_families_stops_the_judgement(book: Book):
    persons = members((1, 10))
    cars = hits(persons, [{"person_id": 1, "plate": "鄂H1", "vehicle_kind": "car"}], **CAR)
    with pytest.raises(MembersTwiceError, match="1 人同时在两户"):
        run(book, persons, {"vehicle": cars}, members=members((1, 10), (1, 10)))


def test_answered_and_unchanged_is_not_raised_again_but_a_change_is(book: Book):
    persons = members((1, 10), (2, 20))
    rows = [{"person_id": p, "plate": f"鄂H{p}", "vehicle_kind": "car", "stale": False} for p in (1, 2)]
    first = run(book, persons, {"vehicle": hits(persons, rows, **CAR)})
    answered = first.findings.select("person_id", "rule_code", "fact_hash")
    moved = pl.concat([hits(persons, [{**rows[1]}, {**rows[0]}], **CAR)]).with_columns(pl.col("row_id") + 50)
    again = fresh(run(book, persons, {"vehicle": moved}), answered)
    assert (again.findings.height, again.hits.height, again.rules["VEHICLE"].known, again.rules["VEHICLE"].raised) == (
        0,
        0,
        2,
        0,
    )
    changed = run(book, persons, {"vehicle": hits(persons, [{**rows[0], "vehicle_kind": "truck"}, rows[1]], **CAR)})
    new = fresh(changed, answered)
    assert new.findings["person_id"].to_list() == [1]
    assert new.findings["fact_key"].to_list() == first.findings["fact_key"].to_list()[:1]
    assert new.hits["person_id"].to_list() == [1]


def test_the_explanation_gives_the_answer_with_figures_and_clause(book: Book):
    family = {"household": {"area_kind": "urban"}, "members": [
        {"name": "甲", "reg_estate": [register_row(book, "estate", {"use": "residential", "area": 8050, "cert_no": "a", "line_no": 7})]},
        {"name": "乙", "reg_estate": [{"use": "residential"}]},
    ]}  # fmt: skip
    found = explain_clue(book, "420802", DAY, "HOUSE", family)
    assert found.outcome == "pass"
    assert "第二套住房、经营用房或新购房产：是 ＝ 2 ＞ 1" in found.text()
    assert "不算线索的住宅套数：1 项" in found.text()
    car = explain_clue(book, "420802", DAY, "VEHICLE", {"household": {"area_kind": "urban"}, "members": [{}, {"reg_vehicle": [{"vehicle_kind": "mobility"}]}]}, (1, 0))  # fmt: skip
    assert car.outcome == "fail"
    assert register_row(book, "vehicle", {"value_fen": 123456, "vehicle_kind": "spaceship"}) == {"value_fen": "1234.56"}
    with pytest.raises(KeyError):
        explain_clue(book, "420802", DAY, "NOTHING", family)


def test_only_columns_that_are_looked_at_have_to_be_read(book: Book):
    wanted = looked_at(book, ["420802"], DAY)
    assert wanted["vehicle"] == ("plate", "vehicle_kind")
    assert "brand" not in wanted["vehicle"]
    assert "medical" not in wanted, "没有规则看的登记不用打开"
    assert "spouse_listed" not in wanted["marriage"]


# ---- against a brute-force reading

USES = ["residential", "shop", "garage", "other", None]
KINDS = ["car", "mobility", "farm", None]


def brute(
    persons: pl.DataFrame, cars: list[dict[str, Any]], flats: list[dict[str, Any]]
) -> tuple[set[Any], set[Any], set[Any]]:
    """Cars, families with a house clue, and families that cannot be decided: by loops."""
    home = dict(persons.select("person_id", "household_id").iter_rows())
    car = {(home[c["person_id"]], c["person_id"], c["plate"]) for c in cars if c["vehicle_kind"] != "mobility"}
    house, unsure = set(), set()
    for family in {home[f["person_id"]] for f in flats}:
        own = [f for f in flats if home[f["person_id"]] == family]
        uses = [f["use"] for f in own]
        bought: list[bool | None] = []
        for f in own:
            counted = None if f["use"] is None else f["use"] in ("residential", "shop")
            day = f["registered_on"]
            late = day is not None and (DAY.year - day.year) * 12 + DAY.month - day.month <= 12
            bought.append(False if counted is False or not late else counted)
        shops = [None if u is None else u == "shop" for u in uses]
        many = None if None in uses else uses.count("residential") > 1
        parts = [many, *shops, *bought]
        if True in parts:
            house.add(family)
        elif None in parts:
            unsure.add(family)
    return car, house, unsure


FAMILY = st.lists(st.integers(1, 4), min_size=1, max_size=6)


@settings(max_examples=40, deadline=None)
@given(FAMILY, st.data())
def test_as_a_loop_over_families_would_do(sizes: list[int], data: Any):
    book = _shared()
    pairs = [(100 * f + i, f) for f, size in enumerate(sizes, 1) for i in range(size)]
    persons = members(*pairs)
    who = st.sampled_from([p for p, _ in pairs])
    days = st.sampled_from([None, date(2016, 4, 1), date(2016, 3, 31), date(2010, 1, 1)])
    cars = [
        {"person_id": p, "plate": f"鄂H{i}", "vehicle_kind": k}
        for i, (p, k) in enumerate(data.draw(st.lists(st.tuples(who, st.sampled_from(KINDS)), max_size=8)))
    ]
    flats = [{"person_id": p, "cert_no": f"c{i}", "use": u, "registered_on": d} for i, (p, u, d) in enumerate(data.draw(st.lists(st.tuples(who, st.sampled_from(USES), days), max_size=10)))]  # fmt: skip
    found = run(book, persons, {"vehicle": hits(persons, cars, **CAR), "estate": hits(persons, flats, **FLAT)})
    car, house, unsure = brute(persons, cars, flats)
    plates = found.hits.filter(pl.col("rule_code") == "VEHICLE")
    assert {
        (h, p, json.loads(v)["plate"]) for h, p, v in plates.select("household_id", "person_id", "values").iter_rows()
    } == car
    assert set(found.findings.filter(pl.col("rule_code") == "HOUSE")["household_id"]) == house
    assert set(found.unknown.filter(pl.col("rule_code") == "HOUSE")["household_id"]) == unsure


_BOOKS: list[Book] = []


def _shared() -> Book:
    if not _BOOKS:
        _BOOKS.append(load_book(check=False))
    return _BOOKS[0]
