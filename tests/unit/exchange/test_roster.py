# ruff: noqa: RUF001 - full-width digits and signs are what is tested
"""Rosters: the header is found, cells mean what the office meant, every oddity is named."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from datetime import date, datetime
from pathlib import Path

import pytest
import xlsxwriter

from tuodi.demo.generator import generate
from tuodi.exchange.cells import BadCellError, as_count, as_day, as_fen, as_month
from tuodi.exchange.cellsafe import harmless
from tuodi.exchange.errors import HeaderNotFoundError, ProfileError
from tuodi.exchange.names import clean_name
from tuodi.exchange.profiles import Column, Profile, load_profile, profile_names, squeeze
from tuodi.exchange.roster import OpenedRoster, open_roster
from tuodi.kernel.identity import make_id
from tuodi.kernel.periods import Month

ID = make_id("420899", date(1950, 1, 1), 11)
OTHER = make_id("420899", date(1980, 5, 5), 22)


def csv_of(tmp_path: Path, *rows: list[str]) -> OpenedRoster:
    path = tmp_path / "r.csv"
    with path.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows(rows)
    return open_roster(path, load_profile("jingmen-urban"))


HEADER = ["户编号", "姓名", "身份证号", "与户主关系", "户月保障金额", "银行账号", "起始年月"]


@pytest.mark.parametrize(
    ("cell", "fen"),
    [
        ("312.5", 31250), ("312.50元", 31250), ("１，２３４．５０", 123450), ("1,234.5", 123450), (312.5, 31250), (313, 31300),
        (312.40000000000003, 31240), (None, None), ("", None), ("-5", -500),
    ],
)  # fmt: skip
def test_amounts_in_yuan(cell: object, fen: int | None) -> None:
    assert as_fen(cell) == fen


@pytest.mark.parametrize(("cell", "fen"), [(0.03125, 31250), ("0.03125万元", 31250), ("0.0575", 57500), (1, 1_000_000)])
def test_amounts_in_ten_thousand_yuan(cell: object, fen: int) -> None:
    assert as_fen(cell, wan=True) == fen


@pytest.mark.parametrize(
    "cell", ["待定", "312.505", "1.2.3", True, date(2017, 1, 1), float("nan"), "1e3x", "0.0312599万"]
)
def test_amounts_that_are_none_are_refused(cell: object) -> None:
    with pytest.raises(BadCellError):
        as_fen(cell)


@pytest.mark.parametrize(
    "cell",
    [
        "20170401",
        "2017/4/1",
        "2017-04-01",
        "2017年4月1日",
        "2017.4.1",
        42826,
        "42826",
        42826.0,
        datetime(2017, 4, 1),
        date(2017, 4, 1),
    ],
)
def test_days_in_every_form(cell: object) -> None:
    assert as_day(cell) == date(2017, 4, 1)
    assert as_month(cell) == Month(2017, 4)


@pytest.mark.parametrize("cell", ["201704", "2017-04", "2017年4月", "2017/4", "2017.4", 201704, "２０１７年４月"])
def test_months_in_every_form(cell: object) -> None:
    assert as_month(cell) == Month(2017, 4)


@pytest.mark.parametrize("cell", ["2017-13", "2017-02-30", "去年", "12", "2017", "20171301"])
def test_months_that_are_none_are_refused(cell: object) -> None:
    with pytest.raises(BadCellError):
        as_month(cell)


def test_counts() -> None:
    assert (as_count("3人"), as_count(3.0), as_count("３"), as_count("")) == (3, 3, 3, None)
    with pytest.raises(BadCellError):
        as_count("三口")


@pytest.mark.parametrize(
    ("raw", "text", "change"),
    [
        ("王\u3000芳", "王芳", "name_spaces"), (" 李四 ", "李四", "name_spaces"), ("张\ue863", "张䶮", "name_private_use"),
        ("阿依古丽•买买提", "阿依古丽·买买提", "name_dot"), ("艾力．吐尔逊", "艾力·吐尔逊", "name_dot"),
        ("古丽・艾合买提", "古丽·艾合买提", "name_dot"), ("王\u200b芳", "王芳", "name_invisible"),
    ],
)  # fmt: skip
def test_names_are_cleaned(raw: str, text: str, change: str) -> None:
    assert clean_name(raw) == (text, (change,), True)


@pytest.mark.parametrize("raw", ["欧阳健", "㛃䶮𬭎", "John Smith", "李", "買買提·依明"])
def test_good_names_stay(raw: str) -> None:
    assert clean_name(raw) == (raw, (), True)


@pytest.mark.parametrize(
    "raw", ["", "=1+1", "@SUM(A1)", "王芳1", "+86", "-王", "a" * 41, "王;芳", '=HYPERLINK("http://x","王")']
)
def test_what_is_no_name_is_told(raw: str) -> None:
    assert not clean_name(raw).ok


@pytest.mark.parametrize("raw", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "＝1", " =1", "|cmd", "－1"])
def test_no_cell_written_starts_a_formula(raw: str) -> None:
    assert harmless(raw).startswith("'")
    assert harmless("王芳") == "王芳"


def test_headers_are_compared_without_units_spaces_and_brackets() -> None:
    assert squeeze("月保障 金额\n（万元）") == squeeze("月保障金额") == "月保障金额"
    assert squeeze("家庭月收入(元/月)") == "家庭月收入"
    assert squeeze("卡（折）号") == "卡折号"


def test_the_header_may_stand_below_banners(tmp_path: Path) -> None:
    opened = csv_of(
        tmp_path,
        ["某区花名册（2017年8月）"],
        [],
        ["单位：元"],
        HEADER,
        ["1", "王芳", ID, "户主", "312.5", "", "201603"],
    )
    assert opened.header_row == 4
    assert "2017年8月" in opened.title
    (row,) = opened.rows()
    assert (row.no, row.household.amount_fen, row.household.start, row.relation) == (5, 31250, Month(2016, 3), "self")


def test_a_missing_column_is_named_with_the_row_most_like_a_header(tmp_path: Path) -> None:
    with pytest.raises(HeaderNotFoundError, match="缺少 “月保障金额” 列；最像表头的是第 2 行") as caught:
        csv_of(tmp_path, ["标题"], ["户编号", "姓名", "身份证号", "备注"])
    assert caught.value.missing == ["月保障金额"]


def test_a_file_without_any_header_says_so(tmp_path: Path) -> None:
    with pytest.raises(HeaderNotFoundError, match="都不像表头"):
        csv_of(tmp_path, ["1", "王芳"], ["2", "李四"])


def test_a_title_may_say_that_amounts_are_in_ten_thousand(tmp_path: Path) -> None:
    opened = csv_of(tmp_path, ["单位：万元"], HEADER, ["1", "王芳", ID, "户主", "0.03125", "", "201603"])
    assert next(opened.rows()).household.amount_fen == 31250


def test_an_amount_in_the_wrong_unit_is_an_error(tmp_path: Path) -> None:
    opened = csv_of(tmp_path, ["单位：万元"], HEADER, ["1", "王芳", ID, "户主", "312.5", "", "201603"])
    (row,) = opened.rows()
    assert [f.code for f in row.faults if f.level == "error"] == ["bad_amount"]
    assert any("单位" in fault.reason for fault in row.faults)


def test_totals_blank_lines_repeated_headers_and_signatures_are_counted_not_read(tmp_path: Path) -> None:
    line = ["1", "王芳", ID, "户主", "312.5", "", "201603"]
    opened = csv_of(
        tmp_path, HEADER, line, ["某镇小计", "", "", "", "312.5"], ["", ""], HEADER, ["2", "李四", OTHER, "户主", "1", "", "201603"],
        ["合 计", "", "", "", "313.5"], ["制表人：张三"], ["本页合计：", "2人"],
    )  # fmt: skip
    assert [row.name for row in opened.rows()] == ["王芳", "李四"]
    assert opened.skipped == {"totals": 3, "blank": 1, "headers": 1, "notes": 1}


def test_a_person_called_like_a_total_is_a_person(tmp_path: Path) -> None:
    opened = csv_of(tmp_path, HEADER, ["1", "何总计", ID, "户主", "312.5", "", "201603"])
    assert [row.name for row in opened.rows()] == ["何总计"]


def test_household_cells_left_blank_belong_to_the_family_above(tmp_path: Path) -> None:
    opened = csv_of(
        tmp_path, HEADER, ["1", "王芳", ID, "户主", "312.5", "", "201603"], ["", "李小四", OTHER, "之子", "", "", ""]
    )
    first, second = opened.rows()
    assert second.household is first.household
    assert second.relation == "child"


def test_two_amounts_in_one_family_are_an_error(tmp_path: Path) -> None:
    opened = csv_of(
        tmp_path,
        HEADER,
        ["1", "王芳", ID, "户主", "312.5", "", "201603"],
        ["1", "李小四", OTHER, "之子", "400", "", "201603"],
    )
    assert [f.code for f in list(opened.rows())[1].faults] == ["household_differs"]


def test_numbers_typed_as_numbers(tmp_path: Path) -> None:
    made = xlsxwriter.Workbook(tmp_path / "a.xlsx")
    sheet = made.add_worksheet()
    fifteen = int(ID[:6] + ID[8:17])
    for r, row in enumerate(
        [
            HEADER,
            ["1", "王芳", fifteen, "户主", 312.5, 6228480000000000000.0, 42430],
            ["2", "李四", float(ID[:15] + "000"), "户主", 1, "", 42430],
        ]
    ):
        for c, cell in enumerate(row):
            sheet.write(r, c, cell)
    made.close()
    good, bad = open_roster(tmp_path / "a.xlsx", load_profile("jingmen-urban")).rows()
    assert good.id is not None
    assert good.id.text18 == ID
    assert {"id_converted_15", "account_damaged"} <= {f.code for f in good.faults}
    assert good.household.account == ""
    assert good.household.start == Month(2016, 3)
    assert (bad.id, bad.worst(), [f.code for f in bad.faults][-1]) == (None, "quarantine", "id_damaged")


def test_no_fault_shows_a_whole_number(tmp_path: Path) -> None:
    wrong = ID[:17] + ("1" if ID[17] != "1" else "2")
    card = "6228480000000000001"
    opened = csv_of(tmp_path, HEADER, ["1", "王芳", wrong, "户主", "1", card, "201603"])
    (row,) = opened.rows()
    assert row.worst() == "quarantine"
    text = repr(row.faults)
    assert wrong not in text
    assert card not in text
    assert all(fault.remedy for fault in row.faults)


def test_profiles_load_and_say_what_is_wrong(tmp_path: Path) -> None:
    assert set(profile_names()) == {"jingmen-urban", "jingmen-rural", "jingmen-wubao", "jingmen-mixed"}
    with pytest.raises(ProfileError, match="没有这个模板"):
        load_profile("../../etc/passwd")
    (tmp_path / "a.yaml").write_text("label: x\nextends: b\ncolumns: {}", encoding="utf-8")
    (tmp_path / "b.yaml").write_text("label: x\nextends: a\ncolumns: {}", encoding="utf-8")
    with pytest.raises(ProfileError, match="互相引用"):
        load_profile("a", tmp_path)
    (tmp_path / "c.yaml").write_text("label: x\ncolour: red\ncolumns: {}", encoding="utf-8")
    with pytest.raises(ProfileError, match="colour"):
        load_profile("c", tmp_path)
    twice = Profile(
        name="t",
        label="t",
        columns={"a": Column(label="甲", headers=("姓名",)), "b": Column(label="乙", headers=("姓 名",))},
    )
    with pytest.raises(ProfileError, match="同时属于 a 和 b"):
        twice.header_index()


#: Told by the database or by all rows of a family, not by one row alone.
_LATER = {
    "duplicate",
    "double_household",
    "double_receipt",
    "double_county",
    "name_conflict",
    "unknown_place",
    "persons_differ",
}


def test_every_planted_oddity_of_twenty_one_offices_is_named_and_nothing_else(tmp_path: Path) -> None:
    made = generate(tmp_path)
    expected: dict[tuple[str, int], set[str]] = defaultdict(set)
    with made.manifest.open(encoding="utf-8") as source:
        for plant in csv.DictReader(source):
            expected[plant["file"], int(plant["row"])].add(plant["code"])
    summary = {f["name"]: f for f in json.loads(made.summary.read_text(encoding="utf-8"))["files"]}
    wrong = []
    for path in made.rosters:
        key = "urban" if "城市" in path.name else "wubao" if "五保" in path.name else "rural"
        sheet = path.name.split("（")[0] if path.name.startswith("钟祥") else None
        opened = open_roster(path, load_profile(f"jingmen-{key}"), sheet)
        families, rows = set(), 0
        for row in opened.rows():
            rows += 1
            families.add(row.household.key)
            codes = {fault.code for fault in row.faults} - {"id_number_cell"}
            if codes != expected[path.name, row.no] - _LATER - {""}:
                wrong.append((path.name, row.no, codes, expected[path.name, row.no]))
        told = summary[path.name]
        assert (rows, len(families)) == (told["rows"], told["families"]), path.name
        assert (opened.skipped["totals"], opened.skipped["headers"]) == (told["totals"], told["headers"]), path.name
    assert wrong == []
