"""Reads a register of any size in chunks: typed columns, rejected rows with reasons, totals that account for every line.

The fast way takes whole columns; nothing is kept of a chunk but counts, so memory does not grow with the file.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from tuodi.exchange.cells import BadCellError, as_day
from tuodi.exchange.errors import FileRefusedError
from tuodi.exchange.registers.carriers import Block, Source, open_source
from tuodi.exchange.registers.faults import LABELS, Fault, fault, frame_of
from tuodi.exchange.registers.profiles import RegisterProfile
from tuodi.exchange.registers.values import TYPES, names, typed
from tuodi.kernel.identity import normalise

__all__ = ["Chunk", "OpenedRegister", "Totals", "open_register"]

#: Findings of one code listed per file; all are counted.
LISTED = 2000
_SPACES = [" ", "\t", "\r", "\n", "\u3000", "\u00a0"]


@dataclass(slots=True)
class Totals:
    """Lines of a file: rows = given + rejected; skipped lines are no rows.

    Attributes:
        reasons: Code of a rejection or warning -> rows.
        notes: What was cleaned without doubt -> rows.
        as_of: What the file says of its own day; null = nothing.
        said_rows: How many rows the file says it has; null = nothing.
    """

    rows: int = 0
    given: int = 0
    rejected: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    skipped: dict[str, int] = field(default_factory=dict)
    as_of: date | None = None
    said_rows: int | None = None


@dataclass(slots=True)
class Chunk:
    """Some rows. `frame`: line_no, id_raw, name, as_of, stale and the kind's columns, null = 未知. `faults`: findings as
    `FAULT_SCHEMA`, of which only the first of each code are listed."""

    frame: pl.DataFrame
    faults: pl.DataFrame


class OpenedRegister:
    """A register whose header has been found.

    Attributes:
        columns: Columns of ours that the file has. ignored: headers nobody asked for. totals: after `chunks`.
    """

    def __init__(self, source: Source, profile: RegisterProfile, as_of: date | None, on: date) -> None:
        self.profile, self.on, self._source, self._given = profile, on, source, as_of
        self.columns = source.columns
        self.totals = Totals()
        self._listed: Counter[str] = Counter()
        # What is said above the data can be held against the batch at once.
        self._hear()
        self.as_of = as_of or self.totals.as_of
        if self.as_of is not None:
            self._check_day(self.as_of)

    @property
    def ignored(self) -> tuple[str, ...]:
        """Headers nobody asked for; complete after `chunks`."""
        return self._source.ignored

    def _check_day(self, day: date) -> None:
        if day > self.on:
            raise FileRefusedError(
                "as_of_future",
                f"数据日期 {day.isoformat()} 晚于收到文件的日期 {self.on.isoformat()}",
                "请向部门核实数据日期",
            )
        first = self.profile.valid_from
        if first is not None and day < first:
            raise FileRefusedError(
                "profile_date", f"模板“{self.profile.label}”自 {first.isoformat()} 起使用，文件是 {day.isoformat()} 的数据",
                "请选择当时的模板",
            )  # fmt: skip

    def _hear(self) -> None:
        for text in self._source.said:
            if self.profile.says_as_of and (match := re.search(self.profile.says_as_of, text)):
                try:
                    day = as_day(match["day"].strip())
                except BadCellError:
                    continue
                self._told_day(day)
            if self.profile.says_rows and (match := re.search(self.profile.says_rows, text)):
                digits = match["rows"].replace(",", "")
                self.totals.said_rows = int(digits) if digits.isdigit() else None

    def _told_day(self, day: date | None) -> None:
        if day is None:
            return
        self.totals.as_of = day
        self._check_day(day)
        if self._given is not None and day != self._given:
            raise FileRefusedError(
                "as_of_differs",
                f"文件写明数据日期是 {day.isoformat()}，导入时填的是 {self._given.isoformat()}",
                "请核对后按文件写明的日期导入",
            )

    def chunks(self) -> Iterator[Chunk]:
        """The rows, once.

        Raises:
            FileRefusedError: at the end, when the file turns out to be cut short, of another profile, or says of itself
                what is not so. A caller must not act on chunks before the last.
        """
        for block in self._source.blocks():
            yield self._read(block)
        self._finish()

    def _read(self, block: Block) -> Chunk:
        raw = block.frame
        have = [name for name in self.profile.columns if name in raw.columns]
        text = _bare(raw, have)
        made: dict[str, pl.Series] = {"line_no": raw["line_no"], "id_raw": raw["id_no"]}
        found = list(block.faults)
        rejected = _Rows(raw.height)
        self._ids(raw["id_no"], text, rejected, found)
        made["name"] = names(text["name"]) if "name" in have else _nulls(raw.height, pl.String())
        made["as_of"], made["stale"] = self._state(text, have, rejected, found)
        for name, column in self.profile.own.items():
            if name not in have:
                made[name] = _nulls(raw.height, TYPES[column.type])
                continue
            cells = text[name]
            values = typed(cells, column).alias(name)
            made[name] = values
            unread = cells.is_not_null() & values.is_null()
            level = "rejected" if column.filled else "warning"
            self._tell(text, unread, level, f"bad_{column.type}", name, column.label, found, rejected)
            if column.filled:
                self._tell(text, cells.is_null(), "rejected", "missing", name, column.label, found, rejected)
        frame = pl.DataFrame(made)
        if rejected.any:
            frame = frame.filter(~rejected.mask)
        lines = len({one.line_no for one in block.faults if one.level == "rejected"})
        self.totals.rows += raw.height + lines
        self.totals.given += frame.height
        self.totals.rejected += raw.height - frame.height + lines
        return Chunk(frame, frame_of(self._few(found)))

    def _few(self, found: list[Fault]) -> Iterator[Fault]:
        for one in found:
            if one.code in LABELS and one.field == "row":
                self.totals.reasons[one.code] += 1
            self._listed[one.code] += 1
            if self._listed[one.code] <= LISTED:
                yield one

    def _tell(
        self, text: pl.DataFrame, where: pl.Series, level: str, code: str, name: str, label: str, found: list[Fault],
        rejected: _Rows,
    ) -> None:  # fmt: skip
        """Counts every such row, lists the first ones, and takes rejected rows out."""
        count = int(where.sum())
        if not count:
            return
        if level == "rejected":
            rejected.add(where)
        self.totals.reasons[code] += count
        room = max(0, LISTED - self._listed[code])
        some = text[where.arg_true().head(room)]
        cells = some[name] if name in some.columns else [None] * some.height
        found.extend(
            fault(line, level, code, name, label, cell) for line, cell in zip(some["line_no"], cells, strict=True)
        )

    def _ids(self, raw: pl.Series, text: pl.DataFrame, rejected: _Rows, found: list[Fault]) -> None:
        id_no = pl.col("id_no")
        digits = (id_no.str.len_bytes() == 18) & id_no.cast(pl.Int64, strict=False).is_not_null()
        clean, damaged = raw.to_frame("id_no").select(
            clean=digits.fill_null(False), zeros=(digits & id_no.str.ends_with("000")).fill_null(False)
        )
        # Patterns are held only against what is not eighteen digits, one row of ten.
        at = (~clean).arg_true()
        other = raw.gather(at)
        broken = other.str.contains(r"^[\s']*(?:[0-9](?:\.[0-9]+)?[Ee]\+?[0-9]+|[0-9]{16,}\.[0-9]+)\s*$").fill_null(
            False
        )
        if broken.any():
            damaged = damaged.scatter(at.filter(broken), True)
        self._tell(text, damaged, "rejected", "id_damaged", "id_no", "证件号码", found, rejected)
        blank = text["id_no"].is_null()
        if blank.any() and "name" in text.columns:
            self._tell(text, blank & text["name"].is_null(), "rejected", "blank", "id_no", "证件号码", found, rejected)
        # What cleaning changes does not depend on which digits stand there: each shape is looked at once.
        odd = other.filter(~other.str.contains("^[0-9]{17}X$"))
        for shape, count in odd.str.replace_all("[0-9]", "0").value_counts().iter_rows():
            for change in normalise(shape).changes:
                self.totals.notes[f"id_{change}"] += count

    def _state(
        self, text: pl.DataFrame, have: list[str], rejected: _Rows, found: list[Fault]
    ) -> tuple[pl.Series, pl.Series]:
        """Day of each row and whether it has ended or is too old."""
        profile = self.profile
        as_of = pl.repeat(self.as_of, text.height, dtype=pl.Date, eager=True)
        stale = pl.repeat(False, text.height, dtype=pl.Boolean, eager=True)
        if "status" in have:
            words = dict.fromkeys(profile.alive, False) | dict.fromkeys(profile.ended, True)
            cells = text["status"]
            ended = cells.replace_strict(words, default=None, return_dtype=pl.Boolean)
            unread = cells.is_not_null() & ended.is_null()
            label = profile.columns["status"].label
            self._tell(text, unread, "warning", "bad_status", "status", label, found, rejected)
            stale = ended.fill_null(False)
        if "as_of" in have:
            cells = text["as_of"]
            days = typed(cells, profile.columns["as_of"].model_copy(update={"type": "date"}))
            unread = cells.is_not_null() & days.is_null()
            self._tell(text, unread, "warning", "bad_as_of", "as_of", "数据日期", found, rejected)
            future = (days > self.on).fill_null(False)
            self._tell(text, future, "rejected", "as_of_future", "as_of", "数据日期", found, rejected)
            as_of = pl.select(pl.coalesce(days, as_of)).to_series()
            old = as_of < (self.as_of or self.on) - timedelta(days=profile.freshness_days)
            stale = stale | old.fill_null(False)
        return as_of.alias("as_of"), stale.alias("stale")

    def _finish(self) -> None:
        totals, profile = self.totals, self.profile
        self._hear()
        totals.skipped = dict(self._source.skipped)
        for said, value in (("as_of", totals.as_of), ("rows", totals.said_rows)):
            if said in profile.must_say and value is None:
                what = "数据日期" if said == "as_of" else "记录条数"
                raise FileRefusedError(
                    "truncated", f"文件没有写明{what}，可能不完整", "请重新拷贝，或向部门要完整的文件"
                )
        if totals.said_rows is not None and totals.said_rows != totals.rows:
            raise FileRefusedError(
                "row_count",
                f"文件写明有 {totals.said_rows} 条记录，实际是 {totals.rows} 条",
                "文件可能不完整，请重新导出",
            )
        if not totals.rows:
            raise FileRefusedError("empty", "文件里没有记录", "请核对文件，确实没有数据的请部门书面说明")
        if totals.rejected * 100 > totals.rows * profile.accept:
            code, count = max(
                ((code, count) for code, count in totals.reasons.items()),
                key=lambda item: item[1],
                default=("columns", 0),
            )
            raise FileRefusedError(
                "rejected",
                f"{totals.rows} 条记录中有 {totals.rejected} 条不能用，最多的原因是“{LABELS[code].format('有的列')}”（{count} 条）",
                "请核对所选模板和分隔符，或请部门重新导出",
            )


class _Rows:
    """Which rows of a chunk are taken out."""

    def __init__(self, height: int) -> None:
        self.mask = pl.repeat(False, height, dtype=pl.Boolean, eager=True)
        self.any = False

    def add(self, where: pl.Series) -> None:
        self.mask = self.mask | where.fill_null(False)
        self.any = True


def _bare(raw: pl.DataFrame, have: list[str]) -> pl.DataFrame:
    """Cells without space around them, empty ones null. Most columns hold no space at all, which is quicker to see."""
    loose = raw.select(pl.col(have).str.contains_any(_SPACES).any()).row(0, named=True)
    cells = {name: pl.col(name).str.strip_chars("".join(_SPACES)) if loose[name] else pl.col(name) for name in have}
    return raw.with_columns(cell.replace("", None) for cell in cells.values())


def _nulls(height: int, dtype: pl.DataType) -> pl.Series:
    return pl.Series([None], dtype=dtype).new_from_index(0, height) if height else pl.Series([], dtype=dtype)


def open_register(path: Path, profile: RegisterProfile, *, on: date, as_of: date | None = None) -> OpenedRegister:
    """Opens a register with a profile.

    Args:
        on: The day it was received; nothing in it may be later.
        as_of: The day it is true of, as the department says; null = as the file says, else unknown.
    Raises:
        FileRefusedError: not what it should be, unsafe, or it says another day than `as_of`.
        SheetChoiceError, HeaderNotFoundError.
    """
    return OpenedRegister(open_source(path, profile), profile, as_of, on)
