"""Writes the rosters as the offices send them and the manifest of what was planted in which row."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import xlsxwriter

from tuodi.demo.generator import xls
from tuodi.demo.generator.layouts import LAYOUTS, Layout
from tuodi.demo.generator.records import PROGRAMMES, FamilyRecord, MemberRecord, Roster
from tuodi.kernel.periods import Month

__all__ = ["Written", "write_corrections", "write_departed", "write_roster"]

_HOUSEHOLD = {
    "seq", "town", "village", "card_no", "head_name", "persons", "income", "amount", "grade", "bank", "account",
    "holder", "start", "form", "self_care", "_",
}  # fmt: skip
_EPOCH = date(1899, 12, 30)


@dataclass(slots=True)
class Written:
    """What was written: the file, how many rows of each sort, and the planted oddities with their row numbers."""

    path: Path
    sheet: str
    rows: int = 0
    families: int = 0
    totals: int = 0
    blank: int = 0
    headers: int = 0
    plants: list[dict[str, Any]] = field(default_factory=list)


@dataclass(slots=True)
class _Page:
    """Rows of cells and merged areas (first row, last row, first column, last column), from 0."""

    rows: list[list[Any]] = field(default_factory=list)
    merges: list[tuple[int, int, int, int]] = field(default_factory=list)


def write_roster(roster: Roster, folder: Path, month: Month) -> Written:
    """One office's file. Row numbers in the result count from 1, as a spreadsheet shows them."""
    layout = LAYOUTS[roster.county.code]
    folder.mkdir(parents=True, exist_ok=True)
    done = Written(folder / f"{roster.name}（{month.label}）.{layout.suffix}", roster.name)
    page = _page(roster, layout, done, month)
    if layout.suffix == "xlsx":
        _xlsx(done.path, _sheets(roster, layout, page))
    elif layout.suffix == "xls":
        done.path.write_bytes(xls.workbook([(n, p.rows, p.merges) for n, p in _sheets(roster, layout, page)]))
    else:
        with done.path.open("w", encoding=layout.encoding, newline="") as out:
            csv.writer(out, delimiter=layout.delimiter, lineterminator="\r\n").writerows(page.rows)
    return done


def _sheets(roster: Roster, layout: Layout, page: _Page) -> list[tuple[str, _Page]]:
    if not layout.cover:
        return [(roster.name, page)]
    notes = _Page(
        [
            ["填表说明"],
            ["一、本表由乡镇民政办填报，县民政局汇总。"],
            ["二、金额单位：万元。"],
            ["三、按户排列，户主在前。"],
        ]
    )
    return [("填表说明", notes), (roster.name, page)]


def _page(roster: Roster, layout: Layout, done: Written, month: Month) -> _Page:
    page = _Page()
    income = "年" if roster.key == "rural" else "月"
    unit = "单位：万元" if layout.unit == "wan" else "单位：元"
    width = len(layout.columns)
    header = [
        text.replace("家庭收入", f"家庭{income}收入").replace("总收入", f"{income}总收入")
        for text in layout.columns.values()
    ]
    for line in layout.banner:
        text = line.format(name=f"荆门市{roster.name}（{month.label}）", unit=unit)
        if text:
            page.merges.append((len(page.rows), len(page.rows), 0, width - 1))
        page.rows.append([text] + [None] * (width - 1))
    page.rows.append(header)
    families = iter(enumerate(roster.families, 1))
    previous: FamilyRecord | None = None
    sums = [0, 0]
    since_header = 0
    for no, family in families:
        if layout.subtotals and previous is not None and previous.village.town != family.village.town:
            _total(page, layout, previous.village.town + "小计", sums)
            done.totals += 1
            sums = [0, 0]
        if layout.pages and since_header >= layout.pages:
            page.rows.append([None] * width)
            page.rows.append(header)
            done.blank += 1
            done.headers += 1
            since_header = 0
        _family_rows(page, layout, roster, family, no, done)
        since_header += len(family.members)
        sums[0] += family.persons
        sums[1] += family.amount_fen
        previous = family
    if previous is not None and layout.subtotals:
        _total(page, layout, previous.village.town + "小计", sums)
        done.totals += 1
    _total(page, layout, "合计", [sum(f.persons for f in roster.families), sum(f.amount_fen for f in roster.families)])
    done.totals += 1
    for line in layout.footer:
        page.rows.append([line or None] + [None] * (width - 1))
    return page


def _total(page: _Page, layout: Layout, label: str, sums: list[int]) -> None:
    row: list[Any] = []
    for at, name in enumerate(layout.columns):
        value: Any = (
            label
            if at == 0
            else sums[0]
            if name == "persons"
            else _money(sums[1], layout)
            if name == "amount"
            else None
        )
        row.append(value)
    page.rows.append(row)


def _family_rows(page: _Page, layout: Layout, roster: Roster, family: FamilyRecord, no: int, done: Written) -> None:
    top = len(page.rows)
    head = family.members[0].name
    for i, member in enumerate(family.members):
        row = []
        for name in layout.columns:
            if name in _HOUSEHOLD:
                value = (
                    _household_cell(name, family, layout, roster, no, head)
                    if i == 0 or layout.household == "repeat"
                    else None
                )
            else:
                value = member.raw[name] if name in member.raw else _member_cell(name, member, layout)
                if isinstance(value, date):
                    value = _day(value, layout)
            row.append(_plain(value, layout))
        page.rows.append(row)
        for plant in member.plants:
            done.plants.append(
                {
                    "file": done.path.name, "row": len(page.rows), "kind": plant.kind, "field": plant.column,
                    "verdict": plant.verdict, "code": plant.code, "card_no": family.card_no,
                    "person_no": 0 if family.extra else member.person_no,
                }
            )  # fmt: skip
    done.rows += len(family.members)
    done.families += 1
    if layout.household == "merged" and len(family.members) > 1:
        for at, name in enumerate(layout.columns):
            if name in _HOUSEHOLD:
                page.merges.append((top, len(page.rows) - 1, at, at))


def _plain(value: Any, layout: Layout) -> Any:
    """Text files know no numbers: a damaged one looks as the spreadsheet exported it."""
    if layout.suffix in ("csv", "txt") and isinstance(value, float) and value > 1e15:
        return f"{value:.5E}"
    return value


def _household_cell(name: str, family: FamilyRecord, layout: Layout, roster: Roster, no: int, head: str) -> Any:
    if name in family.raw:
        return family.raw[name]
    match name:
        case "seq":
            return no
        case "town":
            return family.village.town
        case "village":
            return family.village.name
        case "card_no":
            return family.card_no
        case "head_name" | "holder":
            return head
        case "persons":
            return family.persons
        case "income":
            return None if roster.key == "wubao" else _money(family.income_fen, layout)
        case "amount":
            return _money(family.amount_fen, layout)
        case "grade":
            return family.grade and {"A": "A类", "B": "B类", "C": "C类"}[family.grade]
        case "bank":
            return family.bank
        case "account":
            return family.account
        case "start":
            return _month(family.start, layout)
        case "form":
            return family.form
        case "self_care":
            return family.self_care
        case _:
            return PROGRAMMES[roster.key][0]


def _member_cell(name: str, member: MemberRecord, layout: Layout) -> Any:
    return _day(member.birth, layout) if name == "birth" else getattr(member, name)


def _money(fen: int, layout: Layout) -> Any:
    if layout.unit == "wan":
        return fen / 1_000_000
    if layout.unit == "yuan_text":
        return f"{fen // 100:,}.{fen % 100:02d}"
    if layout.suffix in ("csv", "txt"):
        return f"{fen // 100}.{fen % 100:02d}"
    return fen / 100


def _day(day: date, layout: Layout) -> Any:
    match layout.dates:
        case "compact":
            return f"{day:%Y%m%d}"
        case "chinese":
            return f"{day.year}年{day.month}月{day.day}日"
        case "slash":
            return f"{day.year}/{day.month}/{day.day}"
        case "serial":
            return (day - _EPOCH).days
        case "date":
            return day
        case _:
            return day.isoformat()


def _month(month: Month, layout: Layout) -> Any:
    match layout.dates:
        case "compact":
            return str(month.yyyymm)
        case "chinese":
            return month.label
        case "slash" | "serial" | "date":
            return _day(month.first_day, layout)
        case _:
            return str(month)


def _xlsx(path: Path, sheets: list[tuple[str, _Page]]) -> None:
    # Fixed properties: the same seed gives the same bytes.
    book = xlsxwriter.Workbook(
        path, {"strings_to_numbers": False, "strings_to_formulas": False, "strings_to_urls": False}
    )
    book.set_properties({"created": _FIXED})
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    for name, page in sheets:
        sheet = book.add_worksheet(name[:31])
        for r, row in enumerate(page.rows):
            for c, value in enumerate(row):
                if value is None or value == "":
                    continue
                if isinstance(value, str):
                    sheet.write_string(r, c, value)
                elif isinstance(value, date):
                    sheet.write_datetime(r, c, value, day)
                else:
                    sheet.write_number(r, c, value)
        for first, last, left, right in page.merges:
            # The public call rewrites every cell and checks overlaps; the areas here are disjoint by construction.
            sheet.merge.append([first, left, last, right])
    book.close()


def write_corrections(lists: list[Roster], held: set[tuple[str, str]], folder: Path, month: Month) -> Path:
    """The families that a first import holds back, once put right: one clean file for the prefecture.

    Args:
        held: (county, card number) of families to write; those that are not in the truth are left out.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"更正_荆门市（{month.label}）.csv"
    with path.open("w", encoding="utf-8-sig", newline="") as out:
        writer = csv.writer(out, lineterminator="\r\n")
        writer.writerow(["区县", "救助类别", *_CLEAN.columns.values(), "收入周期"])
        for roster in lists:
            for family in roster.families:
                if not family.extra and (roster.county.code, family.card_no) in held:
                    writer.writerows(_corrected(roster, family))
    return path


def write_departed(lists: list[Roster], folder: Path) -> Path:
    """The families that had left before the first roster, in one clean file for the prefecture."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "补录_荆门市退出家庭（2017年4月）.csv"
    with path.open("w", encoding="utf-8-sig", newline="") as out:
        writer = csv.writer(out, lineterminator="\r\n")
        writer.writerow(["区县", "救助类别", *_CLEAN.columns.values(), "收入周期"])
        for roster in lists:
            for family in roster.families:
                writer.writerows(_corrected(roster, family))
    return path


def _corrected(roster: Roster, family: FamilyRecord) -> Iterator[list[Any]]:
    members = [m for m in family.members if not any(p.kind == "duplicate_row" for p in m.plants)]
    clean = FamilyRecord(**{name: getattr(family, name) for name in FamilyRecord.__slots__})
    clean.raw = {}
    for member in members:
        row: list[Any] = [roster.county.name, PROGRAMMES[roster.key][0]]
        for name in _CLEAN.columns:
            if name in _HOUSEHOLD:
                row.append(_household_cell(name, clean, _CLEAN, roster, 1, members[0].name))
            else:
                row.append(_member_cell(name, member, _CLEAN))
        yield [*row, "年" if roster.key == "rural" else "月"]


_FIXED = date(2017, 8, 31)
_CLEAN = Layout("csv", {k: v for k, v in LAYOUTS["420802"].columns.items() if k != "seq"})
