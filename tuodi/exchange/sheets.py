"""Opens a table of any kind offices send (xlsx, xls, csv, txt) and gives its rows, merged cells filled downwards.

    book = open_book(path)          inspected; refuses what must not be read
    sheet = book.choose(name)       asks when there are several
    for row in book.rows(sheet): …  row.no counts from 1 as the spreadsheet shows it

Workbooks whose sheets unpack to more than ``STREAM_FROM`` bytes are streamed, so memory stays bounded; smaller ones
go through the fast reader.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import openpyxl
import python_calamine

from tuodi.exchange import containers, text
from tuodi.exchange.containers import MAX_ROWS, Container
from tuodi.exchange.errors import FileRefusedError, SheetChoiceError

__all__ = ["STREAM_FROM", "Book", "Cell", "RawRow", "open_book"]

Cell: TypeAlias = str | int | float | bool | date | datetime | time | timedelta | None
STREAM_FROM = 120 * 1024 * 1024
#: The fast reader fills the whole rectangle, about 32 bytes a cell.
_LOADED_CELLS = 8_000_000
#: Cells to the right of this are formatting left-overs, never data.
_MAX_COLUMNS = 200


class RawRow(NamedTuple):
    """One row: its number in the sheet (from 1) and its cells; an empty cell is None."""

    no: int
    cells: tuple[Cell, ...]


class Book:
    """An inspected file. ``sheets`` names those with content; a text table has one with an empty name."""

    def __init__(self, path: Path, container: Container) -> None:
        self.path = path
        self.container = container
        self.encoding = ""
        self.delimiter = ""
        self._book: Any = None
        if container.kind == "text":
            self.encoding = text.detect_encoding(path)
            self.delimiter = text.detect_delimiter(path, self.encoding)
            self.sheets = [""]
        else:
            self.sheets = self._visible_sheets()

    def _visible_sheets(self) -> list[str]:
        try:
            self._book = python_calamine.CalamineWorkbook.from_path(str(self.path))
            return [
                found.name
                for found in self._book.sheets_metadata
                if found.typ == python_calamine.SheetTypeEnum.WorkSheet
                and found.visible == python_calamine.SheetVisibleEnum.Visible
            ]
        except python_calamine.PasswordError as error:
            raise FileRefusedError("encrypted", "工作簿有打开密码", "请去掉密码后再导入") from error
        except Exception as error:  # the parsers below raise their own kinds for broken files
            raise _broken() from error

    def choose(self, name: str | None = None) -> str:
        """The sheet to read: the one asked for, or the only visible one.

        Raises:
            SheetChoiceError: Several and none asked for, or no such sheet.
        """
        if name is not None and self.container.kind != "text":
            if name not in self.sheets:
                raise SheetChoiceError(self.sheets, name)
            return name
        if len(self.sheets) != 1:
            raise SheetChoiceError(self.sheets)
        return self.sheets[0]

    def rows(self, sheet: str) -> Iterator[RawRow]:
        """All rows from the first to the last with content, in order.

        Raises:
            FileRefusedError: Broken, or more than a million rows.
        """
        if self.container.kind == "text":
            raw: Iterable[Sequence[Any]] = text.read(self.path, self.encoding, self.delimiter)
            merges: Sequence[Any] = ()
            left = 0
        elif self._is_large():
            raw, merges, left = self._streamed(sheet), (), 0
        else:
            raw, merges, left = self._loaded(sheet)
        yield from _limited(_filled(raw, merges, left))

    def _is_large(self) -> bool:
        found = self.container
        return found.kind == "xlsx" and (found.unpacked > STREAM_FROM or found.area > _LOADED_CELLS)

    def _loaded(self, sheet: str) -> tuple[Iterable[Sequence[Any]], Sequence[Any], int]:
        try:
            found = self._book.get_sheet_by_name(sheet)
            # Rows come from row 1, cells from the first column with content.
            left = (found.start or (0, 0))[1]
            return found.iter_rows(), found.merged_cell_ranges or (), left
        except FileRefusedError:
            raise
        except python_calamine.PasswordError as error:
            raise FileRefusedError("encrypted", "工作簿有打开密码", "请去掉密码后再导入") from error
        except Exception as error:
            raise _broken() from error

    def _streamed(self, sheet: str) -> Iterator[Sequence[Any]]:
        book = openpyxl.load_workbook(self.path, read_only=True, data_only=True)
        try:
            for row in book[sheet].iter_rows(values_only=True, max_col=_MAX_COLUMNS):
                width = len(row)
                while width and row[width - 1] is None:
                    width -= 1
                yield row[:width]
        except FileRefusedError:
            raise
        except Exception as error:
            raise _broken() from error
        finally:
            book.close()


def open_book(path: Path) -> Book:
    """Inspect and open a file.

    Raises:
        FileRefusedError: See ``containers.inspect``.
    """
    return Book(path, containers.inspect(path))


def _broken() -> FileRefusedError:
    return FileRefusedError("broken", "文件不完整或已损坏", "请用表格软件打开并另存为 xlsx 后再导入")


def _filled(raw: Iterable[Sequence[Any]], merges: Sequence[Any], offset: int) -> Iterator[RawRow]:
    """Rows with the value of a merged area repeated down its first column."""
    starts: dict[int, list[tuple[int, int]]] = {}
    for (top, left), (bottom, _) in merges:
        if bottom > top:
            starts.setdefault(top, []).append((left - offset, bottom))
    open_areas: dict[int, tuple[int, Cell]] = {}
    for at, source in enumerate(raw):
        cells = [None if c == "" else c for c in source[:_MAX_COLUMNS]]
        for column, (bottom, value) in list(open_areas.items()):
            if at > bottom:
                del open_areas[column]
            elif column < len(cells) and cells[column] is None:
                cells[column] = value
        for column, bottom in starts.get(at, ()):
            open_areas[column] = (bottom, cells[column] if column < len(cells) else None)
        yield RawRow(at + 1, tuple(cells))


def _limited(rows: Iterator[RawRow]) -> Iterator[RawRow]:
    """Drop nothing, but stop at a million rows with content."""
    seen = 0
    for row in rows:
        if any(cell is not None for cell in row.cells):
            seen += 1
            if seen > MAX_ROWS:
                raise containers.too_many_rows()
        yield row
