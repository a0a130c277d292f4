"""Every carrier as the same thing: blocks of text columns under our names, with the number of the line each row stood in.

What is no row of data (blank lines, sums, repeated headers, remarks) is counted as skipped, what cannot be split into
columns is rejected with its line; nothing disappears.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.csv as pacsv

from tuodi.exchange import containers, sheets
from tuodi.exchange.cells import as_text
from tuodi.exchange.errors import FileRefusedError, HeaderNotFoundError
from tuodi.exchange.registers.faults import Fault, fault
from tuodi.exchange.registers.header import Header, find_header, fixed_header
from tuodi.exchange.registers.lines import LineBlock, read_lines
from tuodi.exchange.registers.profiles import RegisterProfile
from tuodi.exchange.registers.records import read_json, read_xml

__all__ = ["Block", "Source", "open_source"]

#: Rows of a block from carriers that are read row by row.
ROWS = 50_000
#: A cell in quotation marks spans at most so many lines.
_SPAN = 20
_NUMBER = re.compile(r"[0-9]{15}")


@dataclass(slots=True)
class Block:
    """Attributes: frame: `line_no` and a text column for each of ours that the file has. faults: rejected lines.
    rejected: how many lines that is."""

    frame: pl.DataFrame
    faults: list[Fault]


@dataclass(slots=True)
class Source:
    """An opened carrier.

    Attributes:
        columns: Columns of ours that the file has.
        said: Text above the header and remarks below the data.
        skipped: Lines that are no data, by kind: blank, totals, headers, notes.
        ignored: Headers nobody asked for.
    """

    profile: RegisterProfile
    columns: tuple[str, ...] = ()
    said: list[str] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    ignored: tuple[str, ...] = ()

    def blocks(self) -> Iterator[Block]:
        """All rows, in order."""
        raise NotImplementedError

    def _grid(self, cells: pl.DataFrame, header: Header, bad: list[Fault]) -> Block:
        """Rows of cells `c0` … and `line_no`: what is no data goes, the rest takes our names."""
        own = []
        for name, place in header.at.items():
            cell = pl.col(f"c{place}")
            if name in header.cuts:
                start, size = header.cuts[name]
                cell = cell.str.strip_chars().str.slice(start - 1, size)
            own.append(cell.alias(name))
        number = f"c{header.at['id_no']}"
        every = [name for name in cells.columns if name != "line_no"]
        # Only what is no number can be empty or a header.
        at = cells[number].cast(pl.Int64, strict=False).is_null().arg_true()
        written = cells[number].gather(at).str.strip_chars()
        odd = (written == "").fill_null(True)
        if header.names:
            odd = odd | (written == header.names[header.at["id_no"]]).fill_null(False)
        rest = cells[at.filter(odd)]
        bare = pl.col(number).str.strip_chars()
        if not rest.height:
            return Block(cells.select("line_no", *own), bad)
        kind = pl.when(pl.concat_str(every, ignore_nulls=True).str.strip_chars() == "").then(pl.lit("blank"))
        if header.names:
            kind = kind.when(bare == header.names[header.at["id_no"]]).then(pl.lit("headers"))
        totals = "(" + "|".join(map(re.escape, self.profile.totals)) + r")[\s:：0-9]*$"
        sums = pl.any_horizontal(pl.col(name).str.contains(totals) for name in every)
        filled = pl.sum_horizontal((pl.col(name).str.strip_chars() != "").fill_null(False) for name in every)
        kind = kind.when(sums).then(pl.lit("totals")).when((filled <= 2) & (len(every) > 3)).then(pl.lit("notes"))
        rest = rest.select("line_no", kind=kind, text=pl.concat_str(every, separator=" ", ignore_nulls=True))
        gone = rest.filter(pl.col("kind").is_not_null())
        for found, count in gone["kind"].value_counts().iter_rows():
            self.skipped[found] += count
        self.said += gone.filter(pl.col("kind").is_in(["totals", "notes"]))["text"].tail(20).to_list()
        kept = cells.join(gone.select("line_no"), on="line_no", how="anti", maintain_order="left")
        return Block(kept.select("line_no", *own), bad)

    def _misfit(self, line_no: int, text: str, bad: list[Fault], code: str = "columns") -> None:
        """A line that has not the columns of the header: a sum or a remark, or a row that is rejected."""
        bare = text.strip().strip("\ufeff").strip()
        if not bare:
            self.skipped["blank"] += 1
        elif any(word in bare[:40] for word in self.profile.totals) and not _NUMBER.search(bare):
            self.skipped["totals"] += 1
            self.said.append(bare[:400])
        elif self._is_note(bare):
            self.skipped["notes"] += 1
            self.said.append(bare[:400])
        else:
            bad.append(fault(line_no, "rejected", code, "row", "", bare))

    def _is_note(self, text: str) -> bool:
        for pattern in (self.profile.says_as_of, self.profile.says_rows):
            if pattern and re.search(pattern, text):
                return True
        return not _NUMBER.search(text) and not any(sign in text for sign in "\t|") and text.count(",") < 2


@dataclass(slots=True)
class TextSource(Source):
    """Delimited text of any size."""

    path: Path = Path()
    delimiter: str = ","
    header: Header = field(default_factory=lambda: Header(-1, {}, 0, (), ()))

    def blocks(self) -> Iterator[Block]:
        """See `Source`. Most blocks are split as a whole; one with odd quotation marks line by line."""
        skip = self.header.row + 1
        quoted = self.profile.carrier.quoted
        for block in read_lines(self.path, self.profile.encodings, quoted=quoted):
            text = block.text
            data = text.encode() if block.data is None else block.data
            first = block.first
            if first <= skip:
                for _ in range(min(skip - first + 1, block.lines)):
                    text = text.partition("\n")[2]
                    data = data.partition(b"\n")[2]
                    first += 1
            lines = block.lines - (first - block.first)
            bad = [found for found in block.bad if found.line_no >= first]
            if lines > 0:
                cells, misfits = self._split(text, data, lines, quoted)
                unread = {found.line_no for found in bad}
                for at, line, code in misfits:
                    if first + at not in unread:
                        self._misfit(first + at, line, bad, code)
                cells = cells.with_columns(line_no=pl.col("line_no") + first)
                before = self.skipped["blank"]
                made = self._grid(cells, self.header, bad)
                # A line that could not be read was blanked out; it is rejected, not blank.
                self.skipped["blank"] = max(before, self.skipped["blank"] - self._blanked(cells, unread))
                yield made

    @staticmethod
    def _blanked(cells: pl.DataFrame, unread: set[int]) -> int:
        return cells.filter(pl.col("line_no").is_in(list(unread))).height if unread else 0

    def _split(
        self, text: str, data: bytes, lines: int, quoted: bool
    ) -> tuple[pl.DataFrame, list[tuple[int, str, str]]]:
        names = [f"c{place}" for place in range(self.header.width)]
        quoted = quoted and '"' in text
        misfits: list[tuple[int, str, str]] = []

        def misfit(row: pacsv.InvalidRow) -> str:
            misfits.append((row.number - 1, row.text, "columns"))
            return "skip"

        table = pacsv.read_csv(
            pa.BufferReader(data),
            pacsv.ReadOptions(column_names=names, use_threads=False, block_size=64 << 20),
            pacsv.ParseOptions(
                delimiter=self.delimiter, quote_char='"' if quoted else False, ignore_empty_lines=False,
                invalid_row_handler=misfit, newlines_in_values=quoted,
            ),
            pacsv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False, check_utf8=False
            ),
        ) if data.strip(b"\r\n") else pa.table({name: pa.array([""] * lines, pa.string()) for name in names})  # fmt: skip
        if table.num_rows + len(misfits) != lines:
            return self._line_by_line(text)
        frame = pl.DataFrame(pl.from_arrow(table))
        numbers = pl.int_range(lines, eager=True)
        if misfits:
            numbers = numbers.filter(~numbers.is_in(pl.Series([at for at, _, _ in misfits]).implode()))
        return frame.with_columns(line_no=numbers), misfits

    def _line_by_line(self, text: str) -> tuple[pl.DataFrame, list[tuple[int, str, str]]]:
        """Quotation marks that span lines or are not closed: each record is tried, and a line that spoils is left out."""
        width = self.header.width
        rows: list[list[str]] = []
        numbers: list[int] = []
        misfits: list[tuple[int, str, str]] = []
        lines = text.split("\n")
        if lines and not lines[-1]:
            lines.pop()
        at = 0
        while at < len(lines):
            line = lines[at].removesuffix("\r")
            used, cells = 1, line.split(self.delimiter)
            if '"' in line:
                used, cells = self._quoted(lines, at)
            if cells and len(cells) == width:
                rows.append(cells)
                numbers.append(at)
            else:
                misfits.append((at, line, "columns" if cells else "quotes"))
                used = 1
            at += used
        columns = {f"c{place}": [row[place] for row in rows] for place in range(width)}
        frame = pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))
        return frame.with_columns(line_no=pl.Series(numbers, dtype=pl.Int64)), misfits

    def _quoted(self, lines: Sequence[str], at: int) -> tuple[int, list[str]]:
        record = lines[at].removesuffix("\r")
        for used in range(1, _SPAN + 1):
            if record.count('"') % 2 == 0:
                cells = _parsed(record, self.delimiter)
                if any("\n" in cell and (_NUMBER.search(cell) or self.delimiter in cell) for cell in cells):
                    return 1, []  # two stray marks that swallowed rows between them
                return (used, cells) if len(cells) == self.header.width else (1, [])
            if at + used >= len(lines):
                break
            record += "\n" + lines[at + used].removesuffix("\r")
        return 1, []


@dataclass(slots=True)
class FixedSource(Source):
    """Lines of fixed width, counted in characters or in bytes of the file's encoding."""

    path: Path = Path()

    def blocks(self) -> Iterator[Block]:
        """See `Source`."""
        spans = {name: column.span for name, column in self.profile.columns.items() if column.span}
        width = max(start + length - 1 for start, length in spans.values())
        skip = self.profile.carrier.header
        for block in read_lines(self.path, self.profile.encodings, quoted=False):
            yield self._cut(block, spans, width, skip)

    def _cut(self, block: LineBlock, spans: dict[str, tuple[int, int]], width: int, skip: int) -> Block:
        lines = block.text.split("\n")[: block.lines]
        bad = list(block.bad)
        unread = {found.line_no for found in bad}
        in_bytes = self.profile.carrier.measure == "bytes"
        # As many bytes as the department counted: GB18030 where that is accepted, else what the file is in.
        encoding = "gb18030" if "gb18030" in self.profile.encodings else "utf-8"
        kept: list[str] = []
        numbers: list[int] = []
        for at, written in enumerate(lines):
            number = block.first + at
            line = written.removesuffix("\r")
            if number <= skip:
                self.said.append(line)
            elif number in unread:
                continue
            else:
                shown = line.encode(encoding).decode("latin-1") if in_bytes else line
                if self._fits(shown, spans, width):
                    kept.append(shown)
                    numbers.append(number)
                else:
                    self._misfit(number, line, bad)
        frame = pl.DataFrame({"line_no": pl.Series(numbers, dtype=pl.Int64), "line": pl.Series(kept, dtype=pl.String)})
        cells = frame.select(
            "line_no", *(
                pl.col("line").str.slice(start - 1, size).str.strip_chars_end(" ").alias(f"c{at}")  # padding
                for at, (start, size) in enumerate(spans.values())
            ),
        )  # fmt: skip
        if in_bytes:
            cells = cells.with_columns(_back(cells[name], encoding) for name in cells.columns if name != "line_no")
        header = Header(-1, {name: at for at, name in enumerate(spans)}, len(spans), (), ())
        return self._grid(cells, header, bad)

    def _fits(self, line: str, spans: dict[str, tuple[int, int]], width: int) -> bool:
        """Neither longer than the layout, nor cut inside a column where a cut would change the value."""
        size = len(line)
        if size > width:
            return not line[width:].strip()
        if size == width:
            return True
        for name, (start, length) in spans.items():
            inside = start - 1 < size < start - 1 + length
            if (inside and self.profile.columns[name].type != "text") or (
                name == "id_no" and size < start - 1 + length
            ):
                return False
        return True


def _back(cells: pl.Series, encoding: str) -> pl.Series:
    """Bytes that stood as Latin letters, as the text they are; only cells that are not ASCII cost anything."""
    if cells.str.contains(r"[^\x00-\x7f]").sum() == 0:
        return cells
    return pl.Series(
        cells.name,
        [cell if cell.isascii() else cell.encode("latin-1").decode(encoding, "replace") for cell in cells],
        dtype=pl.String,
    )


@dataclass(slots=True)
class SheetSource(Source):
    """A sheet of a workbook, inspected before any parser sees it."""

    book: sheets.Book | None = None
    sheet: str = ""
    header: Header = field(default_factory=lambda: Header(-1, {}, 0, (), ()))

    def blocks(self) -> Iterator[Block]:
        """See `Source`."""
        assert self.book is not None
        rows: list[list[str]] = []
        numbers: list[int] = []
        width = self.header.width
        bad: list[Fault] = []
        for row in self.book.rows(self.sheet):
            if row.no <= self.header.row + 1:
                continue
            cells = [_cell(cell) for cell in row.cells]
            if any(cell.strip() for cell in cells[width:]):
                self._misfit(row.no, " ".join(cells), bad)
                continue
            rows.append((cells + [""] * (width - len(cells)))[:width])
            numbers.append(row.no)
            if len(rows) >= ROWS:
                yield self._grid(_frame(rows, numbers, width), self.header, bad)
                rows, numbers, bad = [], [], []
        yield self._grid(_frame(rows, numbers, width), self.header, bad)


def _cell(cell: sheets.Cell) -> str:
    """A cell as text. A whole float stays without a point; one that lost digits shows it (1.10105E+17)."""
    if isinstance(cell, float) and not cell.is_integer():
        near = round(cell, 6)
        return repr(near if abs(near - cell) < 1e-9 else cell)
    return as_text(cell)


def _frame(rows: list[list[str]], numbers: list[int], width: int) -> pl.DataFrame:
    columns = {f"c{place}": [row[place] for row in rows] for place in range(width)}
    frame = pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))
    return frame.with_columns(line_no=pl.Series(numbers, dtype=pl.Int64))


@dataclass(slots=True)
class RecordSource(Source):
    """JSON or XML: one record a row; `line_no` counts records from 1."""

    path: Path = Path()

    def blocks(self) -> Iterator[Block]:
        """See `Source`."""
        read = read_json if self.profile.carrier.type == "json" else read_xml
        index = self.profile.header_index()
        seen: set[str] = set()
        rows: list[dict[str, str]] = []
        numbers: list[int] = []
        bad: list[Fault] = []
        ignored: dict[str, None] = {}
        for number, record in enumerate(read(self.path, self.profile, self.said), 1):
            if isinstance(record, str):
                bad.append(fault(number, "rejected", "record", "row", "", record))
                continue
            row: dict[str, str] = {}
            for key, value in record.items():
                name = index.get(key) or index.get(key.rsplit("}", 1)[-1])
                if name is None:
                    ignored.setdefault(key)
                else:
                    row[name] = value
            seen.update(row)
            rows.append(row)
            numbers.append(number)
            if len(rows) >= ROWS:
                yield self._rows(rows, numbers, bad, seen)
                rows, numbers, bad = [], [], []
        self.ignored = tuple(ignored)[:50]
        yield self._rows(rows, numbers, bad, seen)

    def _rows(self, rows: list[dict[str, str]], numbers: list[int], bad: list[Fault], seen: set[str]) -> Block:
        lacking = [
            column.label
            for name, column in self.profile.columns.items()
            if (column.required or name == "id_no") and name not in seen
        ]
        if lacking and rows:
            raise HeaderNotFoundError(lacking, None, [], len(rows))
        columns = {name: [row.get(name, "") for row in rows] for name in self.profile.columns}
        frame = pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))
        return Block(frame.with_columns(line_no=pl.Series(numbers, dtype=pl.Int64)), bad)


def open_source(path: Path, profile: RegisterProfile) -> Source:
    """The carrier of a file, by its bytes; a workbook where text was agreed is read as a workbook, and the reverse.

    Raises:
        FileRefusedError, SheetChoiceError, HeaderNotFoundError.
    """
    carrier = profile.carrier
    found = containers.inspect(path, most=None, markup=carrier.type == "xml")
    if carrier.type in ("json", "xml"):
        if found.kind != "text":
            raise FileRefusedError(
                "unknown", f"这是工作簿，模板“{profile.label}”要的是 {carrier.type.upper()}", "请核对所选模板"
            )
        return RecordSource(profile, tuple(profile.columns), path=path)
    if found.kind != "text":
        if carrier.type == "fixed" or not carrier.header:
            raise FileRefusedError(
                "unknown", f"这是工作簿，模板“{profile.label}”要的是没有表头的文本", "请核对所选模板"
            )
        return _open_sheet(path, profile)
    if carrier.type == "fixed":
        return FixedSource(profile, tuple(profile.columns), path=path)
    return _open_text(path, profile)


def _open_sheet(path: Path, profile: RegisterProfile) -> Source:
    book = sheets.open_book(path)
    sheet = book.choose(profile.carrier.sheet)
    top = []
    for row in book.rows(sheet):
        top.append([_cell(cell) for cell in row.cells])
        if len(top) >= profile.search_rows:
            break
    header = find_header(top, profile)
    source = SheetSource(profile, tuple(header.at), ignored=header.ignored, book=book, sheet=sheet, header=header)
    source.said += [" ".join(cell for cell in cells if cell) for cells in top[: header.row]]
    return source


def _open_text(path: Path, profile: RegisterProfile) -> Source:
    carrier = profile.carrier
    top: list[str] = []
    for block in read_lines(path, profile.encodings, quoted=carrier.quoted, block=1 << 20):
        top = [line.removesuffix("\r") for line in block.text.split("\n")[:60]]
        break
    if not any(line.strip() for line in top):
        raise FileRefusedError("empty", "文件里没有内容", "请重新导出")
    delimiter = carrier.delimiter or _delimiter(top)
    cells = [_cells(line, delimiter, carrier.quoted) for line in top]
    if carrier.header:
        header = find_header(cells, profile)
    else:
        header = fixed_header(profile)
        widths = Counter(len(row) for row in cells if len(row) > 1)
        width = widths.most_common(1)[0][0] if widths else 1
        if width < header.width:
            raise FileRefusedError(
                "columns",
                f"文件每行 {width} 列，模板“{profile.label}”至少要 {header.width} 列",
                "请核对分隔符和所选模板",
            )
        header = header._replace(width=width)
    source = TextSource(
        profile, tuple(header.at), ignored=header.ignored, path=path, delimiter=delimiter, header=header
    )
    source.said += [line for line in top[: max(0, header.row)] if line.strip()]
    return source


def _cells(line: str, delimiter: str, quoted: bool) -> list[str]:
    if not quoted or '"' not in line:
        return line.split(delimiter)
    return _parsed(line, delimiter) or line.split(delimiter)


def _parsed(record: str, delimiter: str) -> list[str]:
    """One record with quotation marks; empty if it is none."""
    try:
        rows = list(csv.reader(io.StringIO(record, newline=""), delimiter=delimiter))
    except csv.Error:
        return []
    return rows[0] if len(rows) == 1 else []


def _delimiter(lines: Sequence[str]) -> str:
    """What splits most lines into the same, largest number of cells."""
    best, score = ",", (0, 0)
    for sign in ",\t|;":
        widths = Counter(line.count(sign) + 1 for line in lines if line.strip())
        width, count = max(widths.items(), key=lambda item: (item[1] if item[0] > 1 else 0, item[0]))
        found = (count if width > 1 else 0, width)
        if found > score:
            best, score = sign, found
    return best
