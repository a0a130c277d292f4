"""The synthetic roll meets the printed counts exactly and cannot be taken for real people."""

from __future__ import annotations

import csv
import json
from collections import Counter
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest

from tuodi.demo.generator import generate, history, place_rows
from tuodi.demo.generator.xls import workbook
from tuodi.kernel.identity import parse_id
from tuodi.kernel.luhn import luhn_ok


@pytest.fixture(scope="module")
def made(roll: Path) -> Path:
    return roll


def test_ten_months_have_the_printed_444646_rows(made: Path) -> None:
    rows = pl.read_parquet(made / "truth" / "rows.parquet").filter(pl.col("month") <= 201704)
    assert rows["month"].n_unique() == 10
    found = {(p, c): n for p, c, n in rows.group_by("programme", "category").len().iter_rows()}
    assert found == {("dibao", "urban"): 183_028, ("dibao", "rural"): 218_580, ("tekun", "rural"): 43_038}
    assert sum(found.values()) == 444_646


def test_duodao_and_the_prefecture_have_the_printed_people(made: Path) -> None:
    august = pl.read_parquet(made / "truth" / "rows.parquet").filter(
        (pl.col("month") == 201708) & (pl.col("programme") == "dibao")
    )
    duodao = august.filter(pl.col("county") == "420804")
    assert (duodao.height, duodao["persons"].sum()) == (2464, 3835)
    assert august["persons"].sum() == 68_000


def test_the_spending_of_january_to_august_is_the_printed_one(made: Path) -> None:
    rows = pl.read_parquet(made / "truth" / "rows.parquet")
    spent = rows.filter(pl.col("month").is_between(201701, 201708) & (pl.col("programme") == "dibao"))[
        "amount_fen"
    ].sum()
    assert abs(spent - 16_700_000_000) < 0.002 * 16_700_000_000
    assert rows["amount_fen"].min() > 0


def test_months_follow_from_each_other_by_the_events(made: Path) -> None:
    """Last month + new - exits = this month, for every month."""
    rows = pl.read_parquet(made / "truth" / "rows.parquet")
    events = pl.read_parquet(made / "truth" / "events.parquet")
    count = dict(rows.group_by("month").len().iter_rows())
    new = dict(events.filter(pl.col("kind") == "新增").group_by("month").len().iter_rows())
    gone = dict(events.filter(pl.col("kind") == "退出").group_by("month").len().iter_rows())
    months = sorted(count)
    for before, month in pairwise(months):
        assert count[month] == count[before] + new.get(month, 0) - gone.get(month, 0)


def test_ids_and_cards_are_valid_unique_and_visibly_synthetic(made: Path) -> None:
    people = pl.read_parquet(made / "truth" / "persons.parquet")
    assert people["id_no"].n_unique() == people.height
    for number, sex, birth in people.select("id_no", "sex", "birth").sample(3000, seed=1).iter_rows():
        read = parse_id(number)
        assert read.check_ok
        assert (read.sex, read.birth) == (sex, birth)
        assert number[14] == "9"
    homes = pl.read_parquet(made / "truth" / "households.parquet")
    cards = homes.filter(pl.col("account_kind") == "银行卡")["account"].to_list()
    assert all(luhn_ok(card) and card[6:10] == "9900" for card in cards)
    names = "".join(people["name"].to_list())
    assert all(rare in names for rare in "㛃䶮𬭎·")
    assert any(name.startswith("欧阳") for name in people["name"])


def test_the_same_seed_gives_the_same_files(made: Path, tmp_path: Path) -> None:
    generate(tmp_path)
    for path in sorted((made / "rosters").iterdir()):
        if path.suffix != ".xlsx":  # a workbook's zip holds times; its manifest below speaks for it
            assert path.read_bytes() == (tmp_path / "rosters" / path.name).read_bytes(), path.name
    assert (made / "manifest.csv").read_bytes() == (tmp_path / "manifest.csv").read_bytes()
    assert (made / "summary.json").read_bytes() == (tmp_path / "summary.json").read_bytes()


def test_every_anomaly_is_planted_several_times(made: Path) -> None:
    with (made / "manifest.csv").open(encoding="utf-8") as source:
        kinds = Counter(row["kind"] for row in csv.DictReader(source))
    assert len(kinds) >= 45
    assert all(count >= 3 for count in kinds.values()), kinds
    files = json.loads((made / "summary.json").read_text(encoding="utf-8"))["files"]
    assert len(files) == 21
    assert Counter(Path(file["name"]).suffix for file in files) == {".xlsx": 9, ".csv": 6, ".xls": 3, ".txt": 3}


def test_places_of_the_demo_have_parents_and_no_double_codes() -> None:
    rows = place_rows()
    codes = [row.code for row in rows]
    assert len(codes) == len(set(codes))
    for code in codes:
        assert code[:9] == code or code[:9] in codes
        assert code[:6] in codes


def test_counts_are_planned_without_negative_or_empty_lists() -> None:
    assert all(min(counts) > 100 and len(counts) == 18 for counts in history.plan_counts().values())


def test_old_workbooks_are_read_back_by_both_readers() -> None:
    import io

    import python_calamine
    import xlrd

    data = workbook([("一", [["说明"]], []), ("二", [["姓名", "金额"], ["𬭎", 312.5], [None, 7]], [(1, 2, 0, 0)])])
    book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
    assert book.sheet_names == ["一", "二"]
    sheet = book.get_sheet_by_name("二")
    assert list(sheet.iter_rows()) == [["姓名", "金额"], ["𬭎", 312.5], ["", 7.0]]
    assert list(sheet.merged_cell_ranges or ()) == [((1, 0), (2, 0))]
    assert xlrd.open_workbook(file_contents=data).sheet_by_index(1).cell_value(1, 0) == "𬭎"
