"""Monthly payment rows as offices keep them: one family, month and programme a row. Layouts stand in ``sources/payments/``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

from tuodi.exchange import profiles, sheets
from tuodi.exchange.cells import BadCellError, as_count, as_fen, as_month, as_text
from tuodi.exchange.errors import FileRefusedError
from tuodi.exchange.profiles import Profile, squeeze

__all__ = ["COLUMNS", "PaymentRows", "RowFault", "content_of", "load_profile", "profile_names", "read"]

SOURCES = Path(__file__).resolve().parents[2] / "sources" / "payments"
#: One row a family, month and programme; money in fen; persons null = not stated.
COLUMNS = {
    "row_no": pl.Int64, "month": pl.Int64, "programme": pl.String, "category": pl.String, "household_no": pl.String,
    "persons": pl.Int64, "amount_fen": pl.Int64,
}  # fmt: skip


@dataclass(frozen=True)
class RowFault:
    """Why one row was not used: its number in the sheet, the field, the reason and what to do."""

    row_no: int
    field: str
    reason: str
    remedy: str


@dataclass
class PaymentRows:
    """What a file holds. ``rows`` counts all rows with content below the header: used and refused ones."""

    frame: pl.DataFrame
    rows: int
    faults: list[RowFault] = field(default_factory=list)


def load_profile(name: str) -> Profile:
    """One layout. Raises ProfileError."""
    return profiles.load_profile(name, SOURCES)


def profile_names() -> dict[str, str]:
    """Name -> label of all layouts."""
    return profiles.layout_labels(SOURCES)


def read(path: Path, profile: Profile, sheet: str | None = None) -> PaymentRows:
    """Reads a file; a row that cannot be used is refused by itself, with its reason.

    Raises:
        FileRefusedError: unreadable, or without the columns.
        SheetChoiceError: several sheets and none chosen.
    """
    book = sheets.open_book(path)
    found = book.rows(book.choose(sheet))
    readers = _readers(profile)
    columns: dict[str, list[Any]] = {name: [] for name in COLUMNS}
    out = PaymentRows(pl.DataFrame(schema=COLUMNS), 0)
    for no, cells in content_of(found, profile):
        out.rows += 1
        try:
            values = {name: readers[name](cells.get(name.removesuffix("_fen"))) for name in readers}
        except _RowError as error:
            out.faults.append(RowFault(no, error.label, error.reason, "请改正这一行后重新导入"))
            continue
        columns["row_no"].append(no)
        for name, value in values.items():
            columns[name].append(value)
    out.frame = pl.DataFrame(columns, schema=COLUMNS)
    return out


class _RowError(ValueError):
    def __init__(self, label: str, reason: str) -> None:
        super().__init__(reason)
        self.label, self.reason = label, reason


def _header_of(rows: Any, profile: Profile) -> dict[str, int]:
    """Field -> column of the header row, which is read from the rows and passed over. Raises FileRefusedError naming what lacks."""
    index = profile.header_index()
    wanted = {name for name, column in profile.columns.items() if column.required}
    best: set[str] = set()
    for row in rows:
        where: dict[str, int] = {}
        for at, cell in enumerate(row.cells):
            name = index.get(squeeze(as_text(cell)))
            if name is not None:
                where.setdefault(name, at)
        if wanted <= set(where):
            return where
        best = max(best, set(where), key=len)
        if row.no >= profile.search_rows:
            break
    missing = "、".join(profile.columns[name].label for name in profile.columns if name in wanted - best)
    raise FileRefusedError("columns", f"没有找到表头，缺少：{missing}", "请选对模板，或补上这些列后再导入")


def content_of(rows: Any, profile: Profile) -> Iterator[tuple[int, dict[str, Any]]]:
    """(row number, field -> cell) of the rows with content below the header; sums at the end are passed over.

    Raises: FileRefusedError without the columns.
    """
    where = _header_of(rows, profile)
    for row in rows:
        cells = {name: row.cells[at] if at < len(row.cells) else None for name, at in where.items()}
        if all(cell is None or cell == "" for cell in cells.values()):
            continue
        if any(as_text(cell).startswith(profile.totals) for cell in cells.values() if isinstance(cell, str)):
            continue
        yield row.no, cells


def _readers(profile: Profile) -> dict[str, Callable[[Any], Any]]:
    """Field -> cell reader. Months and words repeat hundreds of thousands of times, so their answers are kept."""

    def guarded(name: str, read_cell: Callable[[Any], Any], *, needed: bool = True) -> Callable[[Any], Any]:
        label = profile.columns[name].label if name in profile.columns else name

        def one(cell: Any) -> Any:
            try:
                value = read_cell(cell)
            except BadCellError as error:
                raise _RowError(label, str(error)) from None
            if needed and value in (None, ""):
                raise _RowError(label, "没有填写")
            return value

        return one

    def coded(name: str) -> Callable[[Any], Any]:
        table = {squeeze(written): ours for written, ours in profile.values.get(name, {}).items()}

        @cache
        def one(text: str) -> str:
            if not text:
                return ""
            try:
                return table[squeeze(text)]
            except KeyError:
                raise BadCellError(f"“{text[:20]}”不认识，可写 {'、'.join(profile.values.get(name, {}))}") from None

        return lambda cell: one(as_text(cell))

    month = cache(lambda cell: found.yyyymm if (found := as_month(cell)) else None)
    wan = profile.unit == "wan"
    return {
        "month": guarded("month", month),
        "programme": guarded("programme", coded("programme")),
        "category": guarded("category", coded("category")),
        "household_no": guarded("household_no", as_text),
        "persons": guarded("persons", as_count, needed=False),
        "amount_fen": guarded("amount", lambda cell: as_fen(cell, wan=wan)),
    }
