"""Files that must be refused, asked about or read, by what they are and not by what they are called."""

from __future__ import annotations

import time
import zipfile
from pathlib import Path

import pytest
import xlsxwriter

from tuodi.demo.generator.xls import workbook
from tuodi.exchange.errors import FileRefusedError, SheetChoiceError
from tuodi.exchange.sheets import open_book
from tuodi.exchange.text import detect_delimiter, detect_encoding

ROWS = [["姓名", "身份证号"], ["㛃䶮𬭎", "420899195001010011"]]


def book(path: Path, sheets: dict[str, list[list[object]]] | None = None) -> Path:
    made = xlsxwriter.Workbook(path)
    for name, rows in (sheets or {"名册": ROWS}).items():
        sheet = made.add_worksheet(name)
        for r, row in enumerate(rows):
            for c, cell in enumerate(row):
                sheet.write(r, c, cell)
    made.close()
    return path


def read_all(path: Path) -> None:
    opened = open_book(path)
    list(opened.rows(opened.choose()))


def reason(path: Path) -> str:
    with pytest.raises(FileRefusedError) as caught:
        read_all(path)
    assert "文件不能导入" in str(caught.value)
    return caught.value.reason


def rezip(source: Path, target: Path, extra: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for item in old.infolist():
            if item.filename not in extra:
                new.writestr(item, old.read(item))
        for name, data in extra.items():
            new.writestr(name, data)
    return target


def test_a_clean_workbook_is_read_with_rare_characters(tmp_path: Path) -> None:
    opened = open_book(book(tmp_path / "a.xlsx"))
    assert [row.cells for row in opened.rows(opened.choose())] == [tuple(row) for row in ROWS]


def test_the_ending_of_the_name_is_not_believed(tmp_path: Path) -> None:
    path = book(tmp_path / "a.csv")
    assert open_book(path).container.kind == "xlsx"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "empty"),
        (b"%PDF-1.7 ...", "unknown"),
        (b"\x89PNG\r\n\x1a\n....", "unknown"),
        (b"MZ\x90\x00", "unknown"),
        (b"<html><table><tr><td>x</td></tr></table></html>", "html"),
        (b'<?xml version="1.0"?><Workbook/>', "html"),
        (b"PK\x03\x04 truncated", "broken"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 2000, "unknown"),
        (b"\x00\x01\x02\x03" * 100, "unknown"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, data: bytes, expected: str) -> None:
    path = tmp_path / "x.xlsx"
    path.write_bytes(data)
    assert reason(path) == expected


def test_a_truncated_workbook_is_refused(tmp_path: Path) -> None:
    path = book(tmp_path / "a.xlsx")
    path.write_bytes(path.read_bytes()[:-200])
    assert reason(path) == "broken"


def test_a_damaged_part_is_refused(tmp_path: Path) -> None:
    path = book(tmp_path / "a.xlsx")
    data = bytearray(path.read_bytes())
    at = data.index(b"xl/worksheets/sheet1.xml") + 60
    data[at : at + 8] = b"\xff" * 8
    path.write_bytes(bytes(data))
    assert reason(path) == "broken"


def test_a_truncated_old_workbook_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.xls"
    path.write_bytes(workbook([("名册", ROWS, [])])[:-300])
    assert reason(path) == "broken"


def test_encrypted_workbooks_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    path.write_bytes(
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 1016 + "EncryptedPackage".encode("utf-16-le") + b"\0" * 480
    )
    assert reason(path) == "encrypted"


def test_an_old_workbook_with_a_password_is_refused(tmp_path: Path) -> None:
    plain = workbook([("名册", ROWS, [])])
    # FILEPASS (RC4) takes the place of the CODEPAGE record, right behind the first BOF.
    at = plain.index(b"\x42\x00\x02\x00")
    path = tmp_path / "a.xls"
    path.write_bytes(plain[:at] + b"\x2f\x00\x02\x00" + plain[at + 4 :])
    assert reason(path) in ("encrypted", "broken")


def test_macros_are_refused_in_both_formats(tmp_path: Path) -> None:
    new = rezip(book(tmp_path / "a.xlsx"), tmp_path / "b.xlsx", {"xl/vbaProject.bin": b"x"})
    assert reason(new) == "macros"
    old = tmp_path / "a.xls"
    plain = bytearray(workbook([("名册", ROWS, [])]))
    name = "_VBA_PROJECT_CUR".encode("utf-16-le")
    plain[-len(name) :] = name
    old.write_bytes(bytes(plain))
    assert reason(old) == "macros"


def test_entities_are_refused_before_any_parser_sees_them(tmp_path: Path) -> None:
    evil = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><sst>&a;</sst>'
    path = rezip(book(tmp_path / "a.xlsx"), tmp_path / "b.xlsx", {"xl/sharedStrings.xml": evil})
    assert reason(path) == "entities"
    late = b"<sst>" + b" " * (1 << 20) + b"<!DOCTYPE x></sst>"
    path = rezip(book(tmp_path / "c.xlsx"), tmp_path / "d.xlsx", {"xl/sharedStrings.xml": late})
    assert reason(path) == "entities"


def test_a_zip_bomb_is_refused_at_once(tmp_path: Path) -> None:
    path = rezip(book(tmp_path / "a.xlsx"), tmp_path / "b.xlsx", {"xl/worksheets/sheet1.xml": b"0" * (64 << 20)})
    began = time.monotonic()
    assert reason(path) == "bomb"
    assert time.monotonic() - began < 5


def test_a_bomb_that_lies_about_its_size_is_refused(tmp_path: Path) -> None:
    path = rezip(book(tmp_path / "a.xlsx"), tmp_path / "b.xlsx", {"xl/worksheets/sheet1.xml": b"0" * (20 << 20)})
    data = path.read_bytes()
    real = (20 << 20).to_bytes(4, "little")
    path.write_bytes(data.replace(real, (1000).to_bytes(4, "little")))
    assert reason(path) == "broken"


def test_one_cell_in_the_far_corner_does_not_take_the_memory(tmp_path: Path) -> None:
    path = book(tmp_path / "a.xlsx", {"名册": ROWS})
    sheet = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1"><c r="A1"><v>1</v></c></row><row r="900000"><c r="XFD900000"><v>2</v></c></row></sheetData></worksheet>'
    path = rezip(path, tmp_path / "b.xlsx", {"xl/worksheets/sheet1.xml": sheet})
    opened = open_book(path)
    assert opened.container.area > 10**9
    assert opened._is_large()


def test_more_than_a_million_rows_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tuodi.exchange.containers.MAX_ROWS", 50)
    monkeypatch.setattr("tuodi.exchange.sheets.MAX_ROWS", 50)
    rows: list[list[object]] = [[str(i)] for i in range(51)]
    assert reason(book(tmp_path / "a.xlsx", {"名册": rows})) == "too_many_rows"
    path = tmp_path / "a.csv"
    path.write_text("\n".join(f"{i},x" for i in range(51)), encoding="utf-8")
    assert reason(path) == "too_many_rows"


def test_more_than_200_megabytes_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    with path.open("wb") as out:
        out.truncate(200 * 1024 * 1024 + 1)
    assert reason(path) == "too_large"


def test_several_sheets_are_asked_about_hidden_ones_not(tmp_path: Path) -> None:
    opened = open_book(book(tmp_path / "a.xlsx", {"说明": [["x"]], "名册": ROWS}))
    with pytest.raises(SheetChoiceError, match="“说明”、“名册”"):
        opened.choose()
    with pytest.raises(SheetChoiceError, match="没有工作表“别的”"):
        opened.choose("别的")
    assert opened.choose("名册") == "名册"
    made = xlsxwriter.Workbook(tmp_path / "b.xlsx")
    made.add_worksheet("名册").write(0, 0, "x")
    made.add_worksheet("隐藏").hide()
    made.close()
    assert open_book(tmp_path / "b.xlsx").choose() == "名册"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", "\t", "|", ";"])
def test_text_tables_of_every_encoding_and_delimiter(tmp_path: Path, encoding: str, delimiter: str) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("\r\n".join(delimiter.join(row) for row in [["标题"], *ROWS, *ROWS]).encode(encoding))
    assert detect_encoding(path) == encoding
    assert detect_delimiter(path, encoding) == delimiter
    assert list(open_book(path).rows(""))[2].cells == tuple(ROWS[1])


def test_a_broken_character_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("姓名,金额\r\n张三,1\r\n".encode("gb18030") + b"\xff\xff,2\r\n")
    with pytest.raises(FileRefusedError, match="第 3 行"):
        open_book(path)


def test_a_file_cut_inside_a_character_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("姓名,𬭎".encode("gb18030")[:-1])
    assert reason(path) == "encoding"


def test_a_quotation_mark_never_closed_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('姓名,金额\n"张三,1\n' + "李四,2\n" * 20_000, encoding="utf-8")
    assert reason(path) == "quotes"


def test_merged_cells_are_filled_downwards_only(tmp_path: Path) -> None:
    made = xlsxwriter.Workbook(tmp_path / "a.xlsx")
    sheet = made.add_worksheet()
    sheet.merge_range("C1:E1", "标题")
    sheet.merge_range("C2:C4", "户主")
    for r in (1, 2, 3):
        sheet.write(r, 3, f"成员{r}")
    made.close()
    rows = [row.cells for row in open_book(tmp_path / "a.xlsx").rows("Sheet1")]
    assert rows == [("标题", None), ("户主", "成员1"), ("户主", "成员2"), ("户主", "成员3")]


def test_large_workbooks_are_streamed_with_the_same_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = book(tmp_path / "a.xlsx")
    monkeypatch.setattr("tuodi.exchange.sheets.STREAM_FROM", 1)
    opened = open_book(path)
    assert opened._is_large()
    assert [row.cells for row in opened.rows("名册")] == [tuple(row) for row in ROWS]
