"""The demo's registers: exact counts, every oddity present, and a reader of its own that finds the planted clues."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import polars as pl
import pytest
import python_calamine

from tuodi.demo.registers import KINDS, Registers, generate, read_truth
from tuodi.demo.registers.dirt import DAMAGED, HARMLESS, NAMES
from tuodi.demo.registers.kinds import CLUES, TRUE
from tuodi.demo.registers.layouts import LAYOUTS
from tuodi.demo.registers.plan import read_roll
from tuodi.demo.registers.reasons import FALSE
from tuodi.kernel.identity import InvalidIdError, parse_id
from tuodi.kernel.names import normalise_name

ON = date(2017, 5, 2)


@pytest.fixture(scope="module")
def whole(roll: Path, tmp_path_factory: pytest.TempPathFactory) -> Registers:
    """Every family and clue, one stranger in twenty."""
    return generate(roll, tmp_path_factory.mktemp("registers"), scale=0.05)


@pytest.fixture(scope="module")
def small(roll: Path, tmp_path_factory: pytest.TempPathFactory) -> Registers:
    """One family in fifty and its share of everything."""
    return generate(roll, tmp_path_factory.mktemp("small"), part=50)


def _rows(kind: str, path: Path) -> Iterator[dict[str, Any]]:
    """A department's file, read without any of the product's readers."""
    layout = LAYOUTS[kind]
    if layout.carrier == "json":
        yield from json.loads(path.read_text(encoding="utf-8"))["data"]
        return
    if layout.carrier == "xml":
        for row in ElementTree.parse(path).getroot():
            yield {field.tag: field.text for field in row}
        return
    if layout.carrier in ("xls", "xlsx"):
        book = python_calamine.CalamineWorkbook.from_path(str(path))
        table: list[list[Any]] = book.get_sheet_by_index(0).to_python()
    elif layout.carrier == "fixed":
        for line in path.read_bytes().split(b"\r\n")[:-1]:
            at, row = 0, {}
            for header, width in zip(layout.columns.values(), layout.widths, strict=True):
                row[header] = line[at : at + width].decode(layout.encoding).rstrip(" ")
                at += width
            yield row
        return
    else:
        text = path.read_bytes().decode(layout.encoding)
        table = list(csv.reader(io.StringIO(text), delimiter=layout.delimiter))
    headers = list(layout.columns.values())
    start = next(n for n, row in enumerate(table) if row == headers)
    for row in table[start + 1 :]:
        if len(row) == len(headers) and not str(row[0]).startswith(("合计", "共 ")):
            yield dict(zip(headers, row, strict=True))


def _person(row: dict[str, Any], kind: str) -> tuple[str | None, bool, str]:
    columns = LAYOUTS[kind].columns
    try:
        read = parse_id(row.get(columns["id_text"]), on=ON)
    except InvalidIdError:
        return None, False, ""
    return read.text18, read.check_ok, normalise_name(row.get(columns["name_text"]))


def _day(text: str) -> date:
    year, month, day = map(int, text.split("/"))
    return date(year, month, day)


def _brute_force(made: Registers, roll: Path, part: int = 1) -> dict[str, set[tuple[Any, ...]]]:
    """Row by row, what a person reading the files by the four rules would call a clue: rule -> facts."""
    _, people, _ = read_roll(roll / "truth", part)
    silent = set(pl.read_csv(made.unconsented)["person_no"])
    on = {
        p["id_no"]: (p["person_no"], p["household_no"], p["name"])
        for p in people.iter_rows(named=True)
        if p["person_no"] not in silent and p["died"] is None
    }

    def hits(kind: str) -> Iterator[tuple[tuple[int, int], dict[str, Any]]]:
        for row in _rows(kind, made.files[kind]):
            number, check_ok, name = _person(row, kind)
            if number in on and check_ok and normalise_name(on[number][2]) == name:
                yield on[number][:2], row

    found: dict[str, set[tuple[Any, ...]]] = defaultdict(set)
    for (person, _), row in hits("vehicle"):
        if row["机动车状态"] in ("正常", "逾期未检验") and row["车辆类型"] != "残疾人专用汽车":
            found["VEHICLE"].add((person, row["号牌号码"]))
    for (person, _), row in hits("business"):
        if row["登记状态"] == "存续" and row["职务"] in ("法定代表人", "股东", "经营者"):
            found["BUSINESS"].add((person, row["统一社会信用代码"]))
    for (person, _), row in hits("fiscal_kin"):
        if row["职工状态"] in ("在职", "退休"):
            found["FISCAL_KIN"].add((person, row["职工姓名"], row["工作单位"]))
    homes: dict[int, dict[str, tuple[str, date]]] = defaultdict(dict)
    for (_, household), row in hits("estate"):
        if row["权属状态"] == "现势" and row["用途"] in ("住宅", "商业服务", "办公"):
            homes[household][row["不动产权证号"]] = (row["用途"], _day(row["登记日期"]))
    for household, titles in homes.items():
        dwellings = [day for use, day in titles.values() if use == "住宅"]
        bought = any(day > ON - timedelta(days=365) for _, day in titles.values())
        if len(dwellings) > 1 or len(dwellings) < len(titles) or bought:
            found["HOUSE"].add((household,))
    for kind in ("fiscal", "cremation"):
        for (person, _), row in hits(kind):
            if row.get("人员状态", "正常") == "正常":
                found[kind].add((person,))
    for (person, _), row in hits("social_insurance"):
        if row["险种"] != "城乡居民基本养老保险" and (float(row["缴费基数"]) or float(row["月养老金"])):
            found["social_insurance"].add((person,))
    for (person, _), row in hits("housing_fund"):
        if float(row["月缴存额"]):
            found["housing_fund"].add((person,))
    for (person, _), row in hits("tax"):
        if float(row["收入额"]):
            found["tax"].add((person,))
    for (person, _), row in hits("hukou"):
        if row["户籍状态"] != "正常":
            found["hukou"].add((person,))
    return found


def test_at_full_size_there_are_5_200_000_rows_and_5748_clues_of_which_554_are_true() -> None:
    assert sum(kind.rows for kind in KINDS) == 5_200_000
    assert len(KINDS) >= 9
    assert (CLUES, TRUE, CLUES - TRUE) == (5748, 554, 5194)


def test_a_reader_of_its_own_finds_exactly_the_5748_clues(whole: Registers, roll: Path) -> None:
    found = _brute_force(whole, roll)
    assert {rule: len(facts) for rule, facts in found.items()} == {
        "VEHICLE": 1962, "HOUSE": 1487, "BUSINESS": 1305, "FISCAL_KIN": 994,
    }  # fmt: skip
    truth = read_truth(whole.truth).filter(pl.col("clue") > 0)
    for rule, name in (("VEHICLE", "person_no"), ("BUSINESS", "person_no"), ("HOUSE", "household_no")):
        planted = set(truth.filter(pl.col("rule") == rule)[name])
        assert {fact[0] for fact in found[rule]} == planted


def test_at_a_fiftieth_the_clues_are_the_planted_ones(small: Registers, roll: Path) -> None:
    found = _brute_force(small, roll, part=50)
    truth = read_truth(small.truth).filter(pl.col("clue") > 0)
    planted = dict(truth.unique("clue").group_by("rule").len().iter_rows())
    assert {rule: len(facts) for rule, facts in found.items()} == planted
    assert sum(planted.values()) == truth["clue"].n_unique() == 114


def test_the_manifest_of_truth_is_consistent(whole: Registers, roll: Path) -> None:
    truth = read_truth(whole.truth)
    clues = truth.filter(pl.col("clue") > 0).unique("clue")
    assert dict(clues.group_by("verdict").len().iter_rows()) == {"confirmed": 554, "refuted": 5194}
    assert dict(clues.filter(pl.col("verdict") == "confirmed").group_by("kind").len().iter_rows()) == {
        "business": 187, "fiscal_kin": 78, "estate": 121, "vehicle": 168,
    }  # fmt: skip
    for kind, reasons in FALSE.items():
        refuted = clues.filter((pl.col("kind") == kind) & (pl.col("verdict") == "refuted"))
        assert set(refuted["reason"]) == {reason.code for reason in reasons}
        assert refuted["text"].null_count() == refuted["evidence"].null_count() == 0
    assert clues["household_no"].n_unique() == 5748
    silent = set(pl.read_csv(whole.unconsented)["household_no"])
    assert len(silent) == 312
    assert not silent & set(clues["household_no"])
    assert truth.filter(pl.col("clue") == 0)["verdict"].null_count() == truth.filter(pl.col("clue") == 0).height


def test_true_clues_are_of_families_paid_in_the_ten_months_and_gone_by_august(whole: Registers, roll: Path) -> None:
    truth = read_truth(whole.truth).filter(pl.col("verdict") == "confirmed")
    homes = pl.read_parquet(roll / "truth" / "households.parquet")
    gone = truth.unique("clue").join(homes, on="household_no")
    assert gone.height == 554
    assert gone["until"].is_between(201705, 201708).all()
    assert set(gone["end_reason"]) == {"收入超过标准"}
    assert set(gone["programme"]) == {"dibao"}
    paid = pl.read_parquet(whole.payments)
    assert set(gone["household_no"]) <= set(paid["household_no"])
    assert paid.height == 444_646


def test_every_oddity_is_in_the_files_and_every_decoy_has_its_part(whole: Registers) -> None:
    summary = json.loads(whole.summary.read_text(encoding="utf-8"))
    seen: Counter[str] = Counter()
    cast: Counter[str] = Counter()
    for kind in summary.values():
        seen.update(kind["oddities"])
        cast.update(kind["cast"])
    assert set(HARMLESS) | set(DAMAGED) | set(NAMES) <= set(seen)
    assert all(count >= 3 for count in seen.values()), seen
    assert {"stale", "exempt", "harmless", "bad_check", "name_conflict", "unconsented", "left"} <= set(cast)
    assert all(kind["duplicates"] for code, kind in summary.items() if code in ("vehicle", "estate", "business"))
    # What the codes say is in the bytes, too: a number in 15 digits, a wide one, a private-use character.
    text = whole.files["vehicle"].read_bytes().decode("gb18030")
    assert "\ue863" in text or "\ue863" in whole.files["estate"].read_bytes().decode("gb18030")
    assert any(len(line.split("|")[6]) == 15 for line in text.splitlines()[1:-1])
    assert all(sign in text for sign in ("\uff11", "\u200b", "\u00a0", "E+17"))


def test_the_rows_written_are_those_the_summary_counts(small: Registers) -> None:
    summary = json.loads(small.summary.read_text(encoding="utf-8"))
    carriers = set()
    for kind, path in small.files.items():
        carriers.add(LAYOUTS[kind].carrier)
        assert sum(1 for _ in _rows(kind, path)) == summary[kind]["rows"], kind
    assert carriers == {"text", "fixed", "xlsx", "xls", "json", "xml"}


def test_strangers_are_of_no_place_and_never_on_the_roll(small: Registers, roll: Path) -> None:
    own = set(pl.read_parquet(roll / "truth" / "persons.parquet")["id_no"].str.slice(0, 17))
    for kind in ("vehicle", "hukou"):
        for row in _rows(kind, small.files[kind]):
            number, _, _ = _person(row, kind)
            assert number is None or number[:6] == "420899" or number[:17] in own


def test_the_same_seed_gives_the_same_registers(small: Registers, roll: Path, tmp_path: Path) -> None:
    again = generate(roll, tmp_path, part=50)
    for kind, path in small.files.items():
        if path.suffix != ".xlsx":
            assert path.read_bytes() == again.files[kind].read_bytes(), kind
    assert small.truth.read_bytes() == again.truth.read_bytes()
