# ruff: noqa: RUF001 - full-width signs are what is tested
"""Registers: every carrier means the same, every oddity is named, no broken file gets through."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import date
from pathlib import Path

import polars as pl
import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from registerkit import VEHICLE, person, vehicle, write

from tuodi.exchange.errors import FileRefusedError, HeaderNotFoundError, ProfileError
from tuodi.exchange.registers import KINDS, OpenedRegister, load_register, open_register, register_profiles
from tuodi.exchange.registers.lines import read_lines
from tuodi.exchange.registers.profiles import RegisterColumn
from tuodi.exchange.registers.values import typed
from tuodi.kernel.errors import TuodiError

ON = date(2017, 9, 4)
AS_OF = date(2017, 8, 31)


def read(
    path: Path, profile: str = "vehicle", as_of: date | None = AS_OF
) -> tuple[OpenedRegister, pl.DataFrame, pl.DataFrame]:
    opened = open_register(path, load_register(profile), on=ON, as_of=as_of)
    chunks = list(opened.chunks())
    totals = opened.totals
    assert totals.rows == totals.given + totals.rejected
    assert sum(chunk.frame.height for chunk in chunks) == totals.given
    return opened, pl.concat(chunk.frame for chunk in chunks), pl.concat(chunk.faults for chunk in chunks)


def test_profiles_cover_every_kind_and_carrier() -> None:
    profiles = register_profiles()
    assert {profile.kind for profile in profiles.values()} == set(KINDS)
    assert {profile.carrier.type for profile in profiles.values()} == {"text", "fixed", "workbook", "json", "xml"}
    assert {profile.carrier.header for profile in profiles.values()} == {0, 1, 2}
    for profile in profiles.values():
        assert profile.identity
        assert set(profile.rules) <= set(profile.own)
        assert profile.note


def test_the_common_shape_of_a_register(tmp_path: Path) -> None:
    rows = [
        vehicle(0),
        vehicle(1, 车辆类型="大型汽车", 机动车状态="报废", 购置价格='"1,234.50元"'),
        vehicle(2, 初次登记日期="20100301"),
    ]
    opened, frame, faults = read(write(tmp_path / "v.txt", rows))
    assert frame.columns == [
        "line_no", "id_raw", "name", "as_of", "stale", "plate", "vehicle_kind", "brand", "registered_on", "value_fen",
    ]  # fmt: skip
    assert frame["line_no"].to_list() == [2, 3, 4]
    assert frame["stale"].to_list() == [False, True, False]
    assert frame["vehicle_kind"].to_list() == ["car", "other", "car"]
    assert frame["registered_on"].to_list() == [date(2010, 3, 1)] * 3
    assert frame["value_fen"].to_list() == [3_000_000, 123_450, 3_000_000]
    assert frame["as_of"].to_list() == [AS_OF] * 3
    assert faults.height == 0
    assert opened.totals.rows == 3


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8", "utf-8-sig"])
def test_rare_characters_survive_in_every_encoding(tmp_path: Path, encoding: str) -> None:
    names = ["㛃某", "䶮某", "𬭎某", "买买提·艾力", "阿依古丽•买买提", "\ue863某"]
    rows = [vehicle(n, 所有人=name) for n, name in enumerate(names)]
    _, frame, _ = read(write(tmp_path / "v.csv", rows, encoding=encoding))
    assert frame["name"].to_list() == ["㛃某", "䶮某", "𬭎某", "买买提·艾力", "阿依古丽·买买提", "䶮某"]


@pytest.mark.parametrize(
    ("written", "change"),
    [
        ("{} ", "id_spaces"), ("\u3000{}", "id_spaces"), ("\u00a0{}", "id_spaces"), ("'{}", "id_apostrophe"),
        ("\u200b{}", "id_invisible"), ("\ufeff{}", "id_invisible"),
    ],
)  # fmt: skip
def test_a_number_written_oddly_is_kept_and_the_change_is_counted(tmp_path: Path, written: str, change: str) -> None:
    raw = written.format(person(1))
    opened, frame, _ = read(write(tmp_path / "v.csv", [vehicle(1, 身份证明号码=raw)], encoding="utf-8"))
    assert frame["id_raw"].to_list() == [raw]
    assert opened.totals.notes[change] == 1


@pytest.mark.parametrize("raw", ["1.10105E+17", "4.20899195001011E+17", "420899195001010000", "420899195001010011.0"])
def test_a_number_damaged_by_a_spreadsheet_is_rejected_and_never_guessed(tmp_path: Path, raw: str) -> None:
    opened, frame, faults = read(write(tmp_path / "v.csv", [vehicle(1), vehicle(2, 身份证明号码=raw), vehicle(3)]))
    assert frame["line_no"].to_list() == [2, 4]
    assert opened.totals.reasons == {"id_damaged": 1}
    [fault] = faults.iter_rows(named=True)
    assert (fault["line_no"], fault["level"], fault["field"]) == (3, "rejected", "id_no")
    assert "不要手工补" in fault["remedy"]


def test_an_unreadable_value_is_unknown_and_said(tmp_path: Path) -> None:
    row = vehicle(1, 购置价格="约三万", 初次登记日期="2017-02-30", 机动车状态="待定")
    opened, frame, faults = read(write(tmp_path / "v.csv", [row]))
    assert frame.select("value_fen", "registered_on", "stale").row(0) == (None, None, False)
    assert opened.totals.reasons == {"bad_money": 1, "bad_date": 1, "bad_status": 1}
    assert set(faults["level"]) == {"warning"}


def test_words_the_table_does_not_know_are_unknown_unless_it_says_otherwise(tmp_path: Path) -> None:
    header = ("公民身份号码", "姓名", "户籍状态", "户号", "死亡日期")
    rows = [[person(1), "张三", "正常", "7", ""], [person(2), "李四", "失踪", "7", "2017年4月1日"]]
    opened, frame, _ = read(write(tmp_path / "h.txt", rows, header=header, delimiter="|"), "hukou")
    assert frame["hukou_status"].to_list() == ["normal", None]
    assert frame["death_date"].to_list() == [None, date(2017, 4, 1)]
    assert opened.totals.reasons["bad_code"] == 1


def test_sums_blank_lines_repeated_headers_and_remarks_are_no_rows(tmp_path: Path) -> None:
    rows = [vehicle(1), [""] * 7, list(VEHICLE), vehicle(2), ["合计", "", "", "", "", "", "60000"]]
    opened, frame, _ = read(
        write(tmp_path / "v.csv", rows, above=["全市机动车登记", "单位:元"], below=["制表：车管所", ""])
    )
    assert opened.totals.rows == frame.height == 2
    assert opened.totals.skipped == {"blank": 2, "headers": 1, "totals": 1, "notes": 1}


def test_rows_that_break_the_columns_are_rejected_with_their_line(tmp_path: Path) -> None:
    rows = [vehicle(1), vehicle(2)[:5], [*vehicle(3), person(9)], vehicle(4)]
    opened, frame, faults = read(write(tmp_path / "v.csv", rows))
    assert frame["line_no"].to_list() == [2, 5]
    assert faults["line_no"].to_list() == [3, 4]
    assert opened.totals.reasons == {"columns": 2}
    assert not any(person(n) in shown for n in (2, 3, 9) for shown in faults["shown"])


def test_quotation_marks(tmp_path: Path) -> None:
    rows = [
        vehicle(1), vehicle(2, 号牌号码='"鄂,H"'), vehicle(3, 号牌号码='"鄂\nH"'), vehicle(4, 号牌号码='"鄂H'),
        vehicle(5), vehicle(6, 号牌号码='鄂"H'),
    ]  # fmt: skip
    opened, frame, faults = read(write(tmp_path / "v.csv", rows))
    assert frame["plate"].to_list()[:3] == ["鄂H00001", "鄂,H", "鄂\nH"]
    assert person(5) in frame["id_raw"].to_list()
    assert opened.totals.rows == 6
    assert set(faults["code"]) <= {"quotes"}
    assert frame.filter(pl.col("id_raw") == person(5))["line_no"].item() == 7


def test_a_mark_never_closed_costs_its_own_line_only(tmp_path: Path) -> None:
    rows = [vehicle(n) for n in range(500)]
    rows[100][0] = '"鄂H'
    opened, frame, faults = read(write(tmp_path / "v.csv", rows))
    assert (opened.totals.rows, frame.height) == (500, 499)
    assert faults["line_no"].to_list() == [102]


def test_lines_of_another_encoding_are_rejected_not_misread(tmp_path: Path) -> None:
    path = tmp_path / "v.csv"
    lines = [",".join(VEHICLE).encode("gb18030")]
    for n in range(6):
        lines.append(",".join(vehicle(n, 所有人="欧阳修远")).encode("utf-8" if n == 3 else "gb18030"))
    path.write_bytes(b"\r\n".join(lines) + b"\r\n")
    opened, frame, faults = read(path)
    assert frame["name"].to_list() == ["欧阳修远"] * 5
    assert faults["line_no"].to_list() == [5]
    assert (opened.totals.rows, opened.totals.rejected) == (6, 1)


def test_lines_with_nul_are_rejected(tmp_path: Path) -> None:
    path = write(tmp_path / "v.csv", [vehicle(n) for n in range(6)])
    path.write_bytes(path.read_bytes().replace("鄂H00003".encode("gb18030"), b"\x00\x00\x00\x00"))
    opened, frame, _ = read(path)
    assert frame.height == 5
    assert opened.totals.reasons == {"nul": 1}


def test_formulas_stay_text(tmp_path: Path) -> None:
    _, frame, _ = read(write(tmp_path / "v.csv", [vehicle(1, 号牌号码="=cmd|'/c calc'!A1")]))
    assert frame["plate"].to_list() == ["=cmd|'/c calc'!A1"]


def refused(path: Path, reason: str, profile: str = "vehicle", as_of: date | None = AS_OF) -> str:
    with pytest.raises(FileRefusedError) as caught:
        read(path, profile, as_of)
    assert caught.value.reason == reason
    return str(caught.value)


def test_files_refused_whole(tmp_path: Path) -> None:
    def file(name: str, data: bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(data)
        return path

    good = write(tmp_path / "good.csv", [vehicle(n) for n in range(30)]).read_bytes()
    refused(file("empty", b""), "empty")
    refused(file("blank", b"\r\n \r\n"), "empty")
    refused(file("only_header", ",".join(VEHICLE).encode()), "empty")
    refused(file("pdf.csv", b"%PDF-1.4 ..."), "unknown")
    refused(file("gz.csv", b"\x1f\x8b\x08" + bytes(50)), "unknown")
    refused(file("web.csv", b"<html><table>"), "html")
    refused(file("binary.csv", bytes(range(256)) * 40), "unknown")
    refused(file("cut.csv", good[: good.rindex("张".encode("gb18030")) + 1]), "truncated")
    refused(write(tmp_path / "rows.csv", [vehicle(1)], below=["共2条"]), "row_count")
    refused(write(tmp_path / "future.csv", [vehicle(1)], above=["数据截至2017年12月31日"]), "as_of_future", as_of=None)
    refused(write(tmp_path / "lie.csv", [vehicle(1)], above=["数据截至2017年1月31日"]), "as_of_differs")
    refused(write(tmp_path / "twice.csv", [[*vehicle(1), ""]], header=(*VEHICLE, "所有人")), "doubled_header")
    refused(write(tmp_path / "ids.csv", [vehicle(n, 身份证明号码="4.2E+17") for n in range(9)]), "rejected")
    with pytest.raises(HeaderNotFoundError, match="号牌号码"):
        read(write(tmp_path / "other.csv", [["张三", person(1)]], header=("姓名", "身份证号")))
    with pytest.raises(HeaderNotFoundError):
        read(write(tmp_path / "none.csv", [vehicle(2)], header=vehicle(1)))
    with pytest.raises(FileRefusedError, match="晚于"):
        open_register(write(tmp_path / "f.csv", [vehicle(1)]), load_register("vehicle"), on=ON, as_of=date(2017, 9, 5))


def test_a_wrong_delimiter_is_found_out(tmp_path: Path) -> None:
    for sign in "\t|;":
        _, frame, _ = read(write(tmp_path / "v.txt", [vehicle(1), vehicle(2)], delimiter=sign))
        assert frame.height == 2


def book(path: Path, rows: list[list[object]]) -> Path:
    made = xlsxwriter.Workbook(path)
    sheet = made.add_worksheet("数据")
    for at, row in enumerate(rows):
        for to, cell in enumerate(row):
            sheet.write(at, to, cell)
    made.close()
    return path


def test_workbooks(tmp_path: Path) -> None:
    rows: list[list[object]] = [
        ["殡葬火化登记"], ["姓名", "身份证号", "火化日期"], ["张三", person(1), 42826], ["李四", 420899195001010119, "2017/4/1"],
        ["王五", person(2), "2017年4月1日"],
    ]  # fmt: skip
    opened, frame, faults = read(book(tmp_path / "c.xlsx", rows), "cremation")
    assert frame["cremated_on"].to_list() == [date(2017, 4, 1)] * 2
    assert faults["code"].to_list() == ["id_damaged"]
    assert opened.totals.rows == 3
    # What was agreed as text is read as a workbook as well, by what the file is.
    header: list[object] = list(VEHICLE)
    assert read(book(tmp_path / "v.csv", [header, [*vehicle(1)]]))[1].height == 1


def test_two_lines_of_header(tmp_path: Path) -> None:
    rows: list[list[object]] = [
        ["所有人", "", "机具", ""], ["姓名", "身份证号", "牌证号", "种类"], ["张三", person(1), "鄂08-1", "轮式拖拉机"],
    ]  # fmt: skip
    _, frame, _ = read(book(tmp_path / "m.xlsx", rows), "machinery")
    assert frame.select("name", "machine_no", "machine_kind").row(0) == ("张三", "鄂08-1", "tractor")


def test_a_disability_card_number_holds_person_kind_and_grade(tmp_path: Path) -> None:
    rows: list[list[object]] = [["姓名", "残疾人证号"], ["张三", person(1) + "42"], ["李四", person(2) + "61B1"]]
    _, frame, _ = read(book(tmp_path / "d.xlsx", rows), "disability")
    assert frame.select("id_raw", "category", "grade").rows() == [(person(1), "physical", 2), (person(2), "mental", 1)]


def test_bombs_and_macros_are_not_opened(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * (40 << 20))
    refused(bomb, "bomb", "cremation")
    macros = tmp_path / "m.xlsx"
    with zipfile.ZipFile(macros, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        archive.writestr("xl/vbaProject.bin", "x")
    refused(macros, "macros", "cremation")


def bank(number: int, fen: int, day: str = "20170830") -> str:
    def fixed(text: str, size: int) -> str:
        return text + " " * (size - len(text.encode("gb18030")))

    return person(number) + fixed("欧阳某", 20) + fixed("农商银行", 20) + "1234" + f"{fen:>15}" + day


def test_fixed_width_in_bytes(tmp_path: Path) -> None:
    path = tmp_path / "b.txt"
    lines = ["银行存款 记录数3", bank(1, 12_345), bank(2, 0), bank(3, 99)[:60]]
    path.write_bytes("\r\n".join(lines).encode("gb18030") + b"\r\n")
    opened, frame, faults = read(path, "bank_deposit")
    assert frame.select("name", "bank", "account_tail", "balance_fen", "as_of").row(0) == (
        "欧阳某", "农商银行", "1234", 12_345, date(2017, 8, 30),
    )  # fmt: skip
    assert frame["balance_fen"].to_list() == [12_345, 0]
    assert faults["code"].to_list() == ["columns"]
    assert opened.totals.rows == 3
    path.write_bytes("\r\n".join(["银行存款", bank(1, 12_345)]).encode("gb18030"))
    refused(path, "truncated", "bank_deposit")


def test_a_row_dated_in_the_future_is_rejected_and_an_old_one_is_stale(tmp_path: Path) -> None:
    path = tmp_path / "b.txt"
    lines = ["记录数3", bank(1, 1), bank(2, 2, "20170101"), bank(3, 3, "20180101")]
    path.write_bytes("\r\n".join(lines).encode("gb18030") + b"\r\n")
    opened, frame, _ = read(path, "bank_deposit")
    assert frame["stale"].to_list() == [False, True]
    assert opened.totals.reasons == {"as_of_future": 1}


def estate(number: int) -> dict[str, object]:
    return {"qlrzjh": person(number), "qlrmc": "张三", "bdcqzh": f"鄂{number}", "ghyt": "住宅", "jzmj": 89.125 if number == 2 else 89.5, "qlbl": "1/3", "qszt": "现势"}  # fmt: skip


def test_json_of_every_shape(tmp_path: Path) -> None:
    path = tmp_path / "e.json"
    path.write_text(json.dumps({"code": 0, "data": {"rows": [estate(1), estate(2), "x"]}}, ensure_ascii=False), "utf-8")
    opened, frame, faults = read(path, "estate")
    assert frame.select("use", "area", "share").rows() == [("residential", 8950, 3333), ("residential", None, 3333)]
    assert set(faults["code"]) == {"record", "bad_number"}
    assert opened.totals.rows == 3
    path.write_text(json.dumps({"data": {"rows": [estate(1)] * 50}})[:-200], "utf-8")
    refused(path, "broken", "estate")
    path.write_text('{"data": []}', "utf-8")
    refused(path, "columns", "estate")
    path.write_text('{"data": {"rows": []}}', "utf-8")
    refused(path, "empty", "estate")
    lines = tmp_path / "b.jsonl"
    row = {"cerno": 420899195001010119, "person": "张三", "uniscid": "9142", "position": "法定代表人", "regcap": 1.5}
    lines.write_text(json.dumps(row) + "\n{坏}\n" + json.dumps({**row, "cerno": person(1)}) + "\n", "utf-8")
    opened, frame, faults = read(lines, "business")
    assert frame["capital_fen"].to_list() == [1_500_000] * 2
    assert frame["id_raw"].to_list() == ["420899195001010119", person(1)]
    assert faults["line_no"].to_list() == [2]


def marriage(rows: str, head: str = '<?xml version="1.0" encoding="UTF-8"?>') -> str:
    return f"{head}<records>{rows}</records>"


def test_xml_is_read_and_its_tricks_are_not(tmp_path: Path) -> None:
    path = tmp_path / "m.xml"
    row = f"<record><sfzh>{person(1)}</sfzh><xm>张三</xm><posfzh>{person(2)}</posfzh><jhrq>2001-05-06</jhrq></record>"
    path.write_text(marriage(row * 3), "utf-8")
    _, frame, _ = read(path, "marriage")
    assert frame["spouse_key"].to_list() == [int(person(2)[:17])] * 3
    path.write_bytes(marriage(row, '<?xml version="1.0" encoding="GBK"?>').encode("gb18030"))
    assert read(path, "marriage")[1]["name"].to_list() == ["张三"]
    evil = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
    path.write_text(f'<?xml version="1.0"?>{evil}' + f"{marriage(row.replace('张三', '&e;'), '')}", "utf-8")
    refused(path, "entities", "marriage")
    lol = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>'
    path.write_text(f'<?xml version="1.0"?>{lol}{marriage(row, "")}', "utf-8")
    refused(path, "entities", "marriage")
    path.write_text(marriage(row * 9)[:-40], "utf-8")
    refused(path, "broken", "marriage")
    path.write_text(marriage("<other/>"), "utf-8")
    refused(path, "columns", "marriage")
    path.write_text(marriage("<a>" * 90 + "</a>" * 90), "utf-8")
    refused(path, "entities", "marriage")


def test_without_a_header_the_profile_says_where(tmp_path: Path) -> None:
    path = tmp_path / "s.txt"
    rows = [[person(1), "张三", "市社保局", "110", "2312.50", "", "", "", "退休", "20170831"], [person(2), "李四", "市社保局", "170", "103", "", "", "", "死亡", ""]]  # fmt: skip
    path.write_bytes("\r\n".join("\t".join(row) for row in rows).encode("gb18030"))
    _, frame, _ = read(path, "social_insurance")
    assert frame.select("pension_kind", "monthly_pension_fen", "stale").rows() == [("employee", 231_250, False), ("resident", 10_300, True)]  # fmt: skip
    path.write_bytes("\r\n".join("\t".join(row[:4]) for row in rows).encode("gb18030"))
    refused(path, "columns", "social_insurance")


MONEY = RegisterColumn(label="额", headers=("额",), type="money")


@pytest.mark.parametrize(
    ("written", "fen"),
    [
        ("0", 0), ("12", 1200), ("12.5", 1250), ("12.50", 1250), ("12.500", 1250), ("-3.05", -305), ("１２．５", 1250),
        ("1,234.50元", 123_450), ("¥ 7", 700), ("12.505", None), ("约5", None), ("1e3", None), ("", None), (".", None),
        ("99999999999999999", None), ("9999999999999.99", 999_999_999_999_999),
        ("+5", None), ("0005", 500), ("-0", 0), ("-0.00", 0), ("0000000000005", 500), ("0000000000000005", None), ("-9999999999999", -999_999_999_999_900),
        ("99999999999999", None), ("-99999999999999", None), ("5_0", None), ("5.0", 500), ("1,000", 100_000),
    ],
)  # fmt: skip
def test_amounts(written: str, fen: int | None) -> None:
    assert typed(pl.Series([written or None], dtype=pl.String), MONEY).to_list() == [fen]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(-(10**14), 10**14), min_size=1, max_size=40))
def test_every_fen_comes_back(amounts: list[int]) -> None:
    texts = [f"{'-' if n < 0 else ''}{abs(n) // 100}.{abs(n) % 100:02d}" for n in amounts]
    assert typed(pl.Series(texts), MONEY).to_list() == amounts
    assert typed(pl.Series([str(n // 100) for n in amounts]), MONEY).to_list() == [n // 100 * 100 for n in amounts]
    tens = MONEY.model_copy(update={"unit": "wan"})
    small = [n % 10**14 for n in amounts]
    assert typed(pl.Series([f"{n // 10**6}.{n % 10**6:06d}" for n in small]), tens).to_list() == small


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_whatever_is_done_to_a_file_it_is_read_or_refused_with_a_sentence(tmp_path: Path, data: st.DataObject) -> None:
    path = write(tmp_path / "v.csv", [vehicle(n) for n in range(12)], below=["合计,,,,,,9"])
    raw = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(raw) - 1))
        match data.draw(st.sampled_from(["cut", "flip", "insert", "double"])):
            case "cut":
                raw = raw[: max(1, at)]
            case "flip":
                raw[at] = data.draw(st.integers(0, 255))
            case "insert":
                raw[at:at] = data.draw(st.sampled_from([b'"', b"\n", b"\x00", b",", b"\r", b"\xff", "合计".encode()]))
            case _:
                raw = raw[:at] + raw[max(0, at - 80) :]
    path.write_bytes(bytes(raw))
    try:
        read(path)
    except TuodiError as error:
        sentence = str(error)
    else:
        sentence = "读完。"
    assert sentence.endswith("。")


def test_blocks_of_lines_do_not_depend_on_their_size(tmp_path: Path) -> None:
    path = write(tmp_path / "v.csv", [vehicle(n, 号牌号码='"a\nb"' if n % 7 == 0 else "x") for n in range(200)])
    whole = path.read_bytes().decode("gb18030")
    for size in (300, 1000, 4096):
        blocks = list(read_lines(path, ("gb18030",), quoted=True, block=size))
        assert "".join(block.text for block in blocks) == whole
        assert [block.first for block in blocks] == [1 + sum(b.lines for b in blocks[:at]) for at in range(len(blocks))]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("kind: boat", "kind"), ("columns: {extra: {label: x}}", "headers"), ("rules: [nothing]", "rules"),
        ("says_rows: '(共'", "says_rows"), ("ended: [正常]", "状态“正常”"), ("carrier: {type: fixed}", "span"),
        ("unknown: 1", "unknown"), ("extends: nowhere", "nowhere"), (": :", "YAML"),
        ("columns: {brand: {label: x, headers: [姓名]}}", "姓名"),
    ],
)  # fmt: skip
def test_a_bad_profile_says_which_file_and_what_to_do(tmp_path: Path, change: str, says: str) -> None:
    text = (Path(__file__).parents[3] / "sources/registers/vehicle.yaml").read_text("utf-8")
    (tmp_path / "vehicle.yaml").write_text(text, "utf-8")
    body = change if change.startswith((":", "extends")) else f"extends: vehicle\n{change}"
    (tmp_path / "mine.yaml").write_text(body, "utf-8")
    with pytest.raises(ProfileError) as caught:
        load_register("mine", tmp_path)
    assert "sources/registers/mine.yaml" in str(caught.value)
    assert says in str(caught.value)
    assert "请" in str(caught.value)
    _ = io
