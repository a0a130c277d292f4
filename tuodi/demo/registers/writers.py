"""Writes a register in its department's carrier, piece by piece: memory holds one piece of a file, whatever its size.

Old workbooks (.xls) are the exception; they end at 65,536 rows anyway.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import polars as pl
import xlsxwriter

from tuodi.demo.generator import xls
from tuodi.demo.registers.layouts import Layout

__all__ = ["writer"]

Put = Callable[[pl.DataFrame], None]
_EPOCH = date(1899, 12, 30)


@contextmanager
def writer(path: Path, layout: Layout, rows: int, as_of: date) -> Iterator[Put]:
    """Gives a function that takes the register's columns, piece after piece.

    Args:
        rows: How many there will be in all; stands in footers. as_of: The day the register is true of; stands in banners.
    """
    said = {"rows": rows, "as_of": as_of.isoformat()}
    layout = replace(
        layout,
        banner=tuple(line.format(**said) for line in layout.banner),
        footer=tuple(line.format(**said) for line in layout.footer),
    )
    make = {"text": _text, "fixed": _fixed, "xlsx": _xlsx, "xls": _xls, "json": _json, "xml": _xml}[layout.carrier]
    with make(path, layout, rows) as put:
        yield lambda frame: put(frame.select(_printed(frame, layout)))


def _printed(frame: pl.DataFrame, layout: Layout) -> list[pl.Expr]:
    out = []
    for name, header in layout.columns.items():
        column = pl.col(name)
        if frame.schema[name] == pl.Date:
            column = _date(column, layout.dates)
        out.append(column.alias(header))
    return out


def _date(column: pl.Expr, form: str) -> pl.Expr:
    if form == "serial":
        return (column - pl.lit(_EPOCH)).dt.total_days()
    year, month, day = (
        part.cast(pl.String) for part in (column.dt.year(), column.dt.month(), column.dt.day())
    )  # fmt: skip
    if form == "slash":
        return year + "/" + month + "/" + day
    if form == "chinese":
        return year + "年" + month + "月" + day + "日"
    return column.dt.strftime("%Y%m%d" if form == "compact" else "%Y-%m-%d")


@contextmanager
def _text(path: Path, layout: Layout, rows: int) -> Iterator[Put]:
    plain = layout.encoding.removesuffix("-sig")
    with path.open("wb") as sink:
        if plain != layout.encoding:
            sink.write(b"\xef\xbb\xbf")
        for line in layout.banner:
            sink.write((line + "\r\n").encode(plain))
        sink.write((layout.delimiter.join(layout.columns.values()) + "\r\n").encode(plain))

        def put(frame: pl.DataFrame) -> None:
            body = frame.write_csv(
                separator=layout.delimiter, include_header=False, line_terminator="\r\n", null_value=""
            )
            sink.write(body.encode() if plain == "utf-8" else body.encode(plain))

        yield put
        for line in layout.footer:
            sink.write((line + "\r\n").encode(plain))


@contextmanager
def _fixed(path: Path, layout: Layout, rows: int) -> Iterator[Put]:
    with path.open("wb") as sink:

        def put(frame: pl.DataFrame) -> None:
            columns = []
            for name, width in zip(frame.columns, layout.widths, strict=True):
                texts = frame[name].fill_null("")
                if texts.str.len_chars().eq(texts.str.len_bytes()).all():
                    columns.append([text.ljust(width) for text in texts.to_list()])
                else:
                    # Widths count bytes of the code page: most characters have two, rare ones four.
                    columns.append(
                        [text + " " * (width - len(text.encode(layout.encoding))) for text in texts.to_list()]
                    )
            lines = map("".join, zip(*columns, strict=True))
            sink.write(("\r\n".join(lines) + "\r\n").encode(layout.encoding))

        yield put


@contextmanager
def _xlsx(path: Path, layout: Layout, rows: int) -> Iterator[Put]:
    book = xlsxwriter.Workbook(path, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    sheet = book.add_worksheet()
    day = book.add_format({"num_format": "yyyy/m/d"})
    at = 0
    for line in layout.banner:
        sheet.write_string(at, 0, line)
        at += 1
    for column, header in enumerate(layout.columns.values()):
        sheet.write_string(at, column, header)
    at += 1
    numbers = {layout.columns[name] for name in layout.numbers}

    def put(frame: pl.DataFrame) -> None:
        nonlocal at
        kinds = [(name in numbers, frame.schema[name].is_integer()) for name in frame.columns]
        for row in frame.iter_rows():
            for column, (value, (number, serial)) in enumerate(zip(row, kinds, strict=True)):
                if value is None or value == "":
                    continue
                if serial:
                    sheet.write_number(at, column, value, day)
                elif number:
                    sheet.write_number(at, column, float(value))
                else:
                    sheet.write_string(at, column, value)
            at += 1

    yield put
    for line in layout.footer:
        sheet.write_string(at, 0, line)
        at += 1
    book.close()


@contextmanager
def _xls(path: Path, layout: Layout, rows: int) -> Iterator[Put]:
    width = len(layout.columns)
    head: list[list[Any]] = [[line] + [None] * (width - 1) for line in layout.banner]
    cells: list[Any] = [*head, list(layout.columns.values())]

    def put(frame: pl.DataFrame) -> None:
        cells.extend(frame.rows())

    yield put
    path.write_bytes(xls.workbook([("Sheet1", cells, [])]))


@contextmanager
def _json(path: Path, layout: Layout, rows: int) -> Iterator[Put]:
    with path.open("w", encoding="utf-8") as sink:
        sink.write(f'{{"total": {rows}, "data": [\n')
        begun = False

        def put(frame: pl.DataFrame) -> None:
            nonlocal begun
            lines = [json.dumps(row, ensure_ascii=False) for row in frame.iter_rows(named=True)]
            sink.write((",\n" if begun else "") + ",\n".join(lines))
            begun = begun or bool(lines)

        yield put
        sink.write("\n]}\n")


@contextmanager
def _xml(path: Path, layout: Layout, rows: int) -> Iterator[Put]:
    tags = list(layout.columns.values())
    with path.open("w", encoding="utf-8", newline="") as sink:
        sink.write('<?xml version="1.0" encoding="UTF-8"?>\n<root>\n')

        def put(frame: pl.DataFrame) -> None:
            for row in frame.iter_rows():
                fields = "".join(
                    f"<{tag}>{escape(value)}</{tag}>" for tag, value in zip(tags, row, strict=True) if value
                )
                sink.write(f"<row>{fields}</row>\n")

        yield put
        sink.write("</root>\n")
