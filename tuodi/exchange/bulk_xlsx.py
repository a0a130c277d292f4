"""Writing large tables as xlsx or CSV in seconds: cells are built in columns, not one by one.

ECMA-376 workbook with inline strings, which no spreadsheet takes for a formula; texts that could become one when the
sheet is saved as CSV get an apostrophe besides (`cellsafe`). Rows are written in slices, so memory stays bounded; after
1,048,575 rows of data a further sheet begins.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from xml.sax.saxutils import escape

import polars as pl

from tuodi.exchange.cellsafe import STARTERS

__all__ = ["MAX_ROWS", "Column", "Notes", "harmless_column", "write_csv", "write_xlsx"]

#: Rows of a sheet below the header.
MAX_ROWS = 1_048_575
_SLICE = 50_000
#: Characters XML 1.0 has no place for, and line breaks, which no cell of a register needs.
_CONTROLS = r"[\x00-\x1f\x7f\x{fffe}\x{ffff}]"


@dataclass(frozen=True)
class Column:
    """One column of the file: its field in the frame, its header, how it is written.

    Attributes:
        kind: ``text``; ``yuan`` (fen, shown in yuan with two decimals); ``number`` (whole).
        width: in characters.
    """

    field: str
    label: str
    kind: str = "text"
    width: int = 14


@dataclass(frozen=True)
class Notes:
    """What is said about the file: printed at the head and foot of each page, and on a sheet of its own."""

    header: str
    footer: str
    lines: Sequence[tuple[str, str]] = ()


def harmless_column(column: pl.Expr) -> pl.Expr:
    """`cellsafe.harmless` on a column: no control characters, an apostrophe before what could start a formula."""
    text = column.cast(pl.String).fill_null("").str.replace_all(_CONTROLS, "")
    first = text.str.strip_chars_start(" \u3000").str.slice(0, 1)
    return pl.when(first.is_in(list(STARTERS))).then(pl.lit("'") + text).otherwise(text)


def _yuan(column: pl.Expr) -> pl.Expr:
    size = column.abs()
    text = (size // 100).cast(pl.String) + "." + (size % 100).cast(pl.String).str.zfill(2)
    return pl.when(column < 0).then(pl.lit("-") + text).otherwise(text)


def _cells(columns: Sequence[Column]) -> pl.Expr:
    """One row as XML. A null amount is an empty cell, never 0."""
    parts: list[pl.Expr] = [pl.lit("<row>")]
    for one in columns:
        column = pl.col(one.field)
        if one.kind == "text":
            safe = harmless_column(column)
            for sign, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
                safe = safe.str.replace_all(sign, entity, literal=True)
            parts += [pl.lit('<c t="inlineStr"><is><t xml:space="preserve">'), safe, pl.lit("</t></is></c>")]
        else:
            style = ' s="2"' if one.kind == "yuan" else ""
            shown = _yuan(column) if one.kind == "yuan" else column.cast(pl.String)
            cell = pl.concat_str(pl.lit(f"<c{style}><v>"), shown, pl.lit("</v></c>"))
            parts.append(pl.when(column.is_null()).then(pl.lit("<c/>")).otherwise(cell))
    return pl.concat_str([*parts, pl.lit("</row>")])


_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_STYLES = (
    f'{_XML}<styleSheet xmlns="{_MAIN}"><fonts count="2"><font><sz val="11"/><name val="宋体"/></font>'
    '<font><b/><sz val="11"/><name val="宋体"/></font></fonts><fills count="2"><fill><patternFill patternType="none"/></fill>'
    '<fill><patternFill patternType="gray125"/></fill></fills><borders count="1"><border/></borders>'
    '<cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="3"><xf numFmtId="0" fontId="0" xfId="0"/>'
    '<xf numFmtId="0" fontId="1" xfId="0" applyFont="1"/>'
    '<xf numFmtId="4" fontId="0" xfId="0" applyNumberFormat="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)


def _text_cell(text: str, style: int = 0) -> str:
    return f'<c t="inlineStr" s="{style}"><is><t xml:space="preserve">{escape(text)}</t></is></c>'


def _page(notes: Notes) -> str:
    # & begins a code in headers and footers, so it is doubled; &P and &N are page and pages.
    head, foot = (escape(text.replace("&", "&&")[:220]) for text in (notes.header, notes.footer))
    return (
        '<pageMargins left="0.5" right="0.5" top="0.8" bottom="0.8" header="0.3" footer="0.3"/>'
        '<pageSetup paperSize="9" orientation="landscape"/>'
        f"<headerFooter><oddHeader>&amp;L{head}</oddHeader>"
        f"<oddFooter>&amp;L{foot}&amp;R第 &amp;P 页，共 &amp;N 页</oddFooter></headerFooter>"
    )


def write_xlsx(path: Path, frames: Iterable[pl.DataFrame], columns: Sequence[Column], notes: Notes) -> int:
    """Writes frames one below the other. Returns the rows written.

    Args:
        frames: each with the columns' fields; taken one at a time.
    """
    written = 0
    names: list[str] = []
    head = "<row>" + "".join(_text_cell(one.label, 1) for one in columns) + "</row>"
    widths = "".join(
        f'<col min="{at}" max="{at}" width="{one.width}" customWidth="1"/>' for at, one in enumerate(columns, 1)
    )
    start = (
        f'{_XML}<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0">'
        '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>'
        f"<cols>{widths}</cols><sheetData>{head}"
    )
    end = f"</sheetData>{_page(notes)}</worksheet>"
    cells = _cells(columns)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as book:
        sheet = None
        room = 0
        for frame in frames:
            for at in range(0, frame.height, _SLICE):
                part = frame.slice(at, _SLICE)
                while part.height:
                    if room == 0:
                        if sheet is not None:
                            sheet.write(end.encode())
                            sheet.close()
                        names.append(f"明细{len(names) + 1}")
                        sheet = book.open(f"xl/worksheets/sheet{len(names)}.xml", "w", force_zip64=True)
                        sheet.write(start.encode())
                        room = MAX_ROWS
                    now = part.head(room)
                    assert sheet is not None
                    sheet.write(_lines(now.select(cells), "\n", quoted="never"))
                    written += now.height
                    room -= now.height
                    part = part.slice(now.height)
        if sheet is None:
            names.append("明细1")
            sheet = book.open("xl/worksheets/sheet1.xml", "w")
            sheet.write(start.encode())
        sheet.write(end.encode())
        sheet.close()
        names.append("说明")
        told = "".join(f"<row>{_text_cell(label, 1)}{_text_cell(text)}</row>" for label, text in notes.lines)
        book.writestr(
            f"xl/worksheets/sheet{len(names)}.xml",
            f'{_XML}<worksheet xmlns="{_MAIN}"><cols><col min="1" max="1" width="16" customWidth="1"/>'
            f'<col min="2" max="2" width="80" customWidth="1"/></cols><sheetData>{told}</sheetData>{_page(notes)}</worksheet>',
        )
        _frame_parts(book, names)
    return written


def _lines(frame: pl.DataFrame, end: str, *, quoted: Literal["never", "necessary"]) -> memoryview:
    """Rows as bytes, without a Python text for each."""
    out = io.BytesIO()
    frame.write_csv(out, include_header=False, line_terminator=end, quote_style=quoted)
    return out.getbuffer()


def _frame_parts(book: zipfile.ZipFile, names: Sequence[str]) -> None:
    listed = "".join(f'<sheet name="{escape(n)}" sheetId="{i}" r:id="rId{i}"/>' for i, n in enumerate(names, 1))
    book.writestr(
        "xl/workbook.xml",
        f'{_XML}<workbook xmlns="{_MAIN}" xmlns:r="{_REL}"><sheets>{listed}</sheets></workbook>',
    )
    kind = "http://schemas.openxmlformats.org/package/2006/relationships"
    links = "".join(
        f'<Relationship Id="rId{i}" Type="{_REL}/worksheet" Target="worksheets/sheet{i}.xml"/>'
        for i in range(1, len(names) + 1)
    )
    style = f'<Relationship Id="rId{len(names) + 1}" Type="{_REL}/styles" Target="styles.xml"/>'
    book.writestr("xl/_rels/workbook.xml.rels", f'{_XML}<Relationships xmlns="{kind}">{links}{style}</Relationships>')
    book.writestr(
        "_rels/.rels",
        f'{_XML}<Relationships xmlns="{kind}"><Relationship Id="rId1" Type="{_REL}/officeDocument" Target="xl/workbook.xml"/>'
        "</Relationships>",
    )
    sheet = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    parts = "".join(
        f'<Override PartName="/xl/worksheets/sheet{i}.xml" ContentType="{sheet}.worksheet+xml"/>'
        for i in range(1, len(names) + 1)
    )
    book.writestr(
        "[Content_Types].xml",
        f'{_XML}<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{sheet}.sheet.main+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{sheet}.styles+xml"/>{parts}</Types>',
    )
    book.writestr("xl/styles.xml", _STYLES)


def write_csv(path: Path, frames: Iterable[pl.DataFrame], columns: Sequence[Column], notes: Notes, name: str) -> int:
    """Writes a zip of one UTF-8 CSV (with BOM, for spreadsheets) and a page that says what it is. Returns the rows."""
    written = 0
    shown = [
        (
            harmless_column(pl.col(one.field))
            if one.kind == "text"
            else _yuan(pl.col(one.field))
            if one.kind == "yuan"
            else pl.col(one.field)
        ).alias(one.label)
        for one in columns
    ]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        with archive.open(f"{name}.csv", "w", force_zip64=True) as file:
            file.write(b"\xef\xbb\xbf" + ",".join(one.label for one in columns).encode() + b"\r\n")
            for frame in frames:
                for at in range(0, frame.height, _SLICE):
                    part = frame.slice(at, _SLICE)
                    file.write(_lines(part.select(shown), "\r\n", quoted="necessary"))
                    written += part.height
        told = [notes.header, *(f"{label}：{text}" for label, text in notes.lines), notes.footer]
        archive.writestr("说明.txt", "\ufeff" + "\r\n".join(told) + "\r\n")
    return written
