"""Reading rosters: progress, rows by verdict, proposed changes, the error sheet, what the roll has yet to take."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import xlsxwriter
from django.db.models import QuerySet

from tuodi.exchange.cellsafe import harmless
from tuodi.intake.models import AcceptedRoster, RosterFamily, RosterImport, RosterRow, Verdict
from tuodi.intake.roster_matching import absent_ids
from tuodi.kernel.masking import mask_name
from tuodi.org import access
from tuodi.org.models import User
from tuodi.people.models import Household, RollEntry

__all__ = [
    "Progress",
    "absent_households",
    "accepted_waiting",
    "access_import",
    "error_rows",
    "error_sheet",
    "error_workbook",
    "imports",
    "progress",
    "proposed_changes",
    "rows_of",
]

#: Rows with one of these verdicts, and rows with a warning, are on the error sheet.
_TOLD = (Verdict.QUARANTINE, Verdict.ERROR, Verdict.NAME_CONFLICT, Verdict.DOUBLE, Verdict.DUPLICATE, Verdict.WAITS)
_HEADER = ("行号", "姓名", "证件号码（脱敏）", "结论", "发现", "原值（脱敏）", "怎么办")
_LEVELS = {"note": "提示", "warning": "提醒", "error": "错误", "quarantine": "待更正"}


@dataclass(frozen=True, slots=True)
class Progress:
    """For the progress bar. `total` 0 = not known yet."""

    state: str
    label: str
    done: int
    total: int

    @property
    def percent(self) -> int:
        """0 to 100."""
        return 100 * self.done // self.total if self.total else 0


def access_import(user: User, number: int) -> RosterImport:
    """One import. Raises NotFoundError, alike for absent and not yours."""
    return access.one(RosterImport.objects, user=user, what="导入", pk=number)


def imports() -> QuerySet[RosterImport]:
    """Imports in scope, newest first."""
    return RosterImport.objects.order_by("-id")


def progress(imported: RosterImport) -> Progress:
    """Where an import stands."""
    return Progress(imported.state, imported.get_state_display(), imported.progress_done, imported.progress_total)


def rows_of(imported: RosterImport, verdict: str | None = None) -> QuerySet[RosterRow]:
    """Rows in file order, of one verdict or all."""
    rows = RosterRow.objects.filter(imported=imported).order_by("row_no")
    return rows.filter(verdict=verdict) if verdict else rows


def proposed_changes(imported: RosterImport) -> QuerySet[RosterFamily]:
    """Families on the roll that the file shows otherwise: for an officer to decide, each by its own procedure."""
    return RosterFamily.objects.filter(imported=imported, verdict=Verdict.CHANGED).order_by("no")


def absent_households(imported: RosterImport) -> QuerySet[Household]:
    """Households on the roll that the file does not name, in its counties and lists. Being absent is no exit."""
    return Household.objects.filter(pk__in=absent_ids(imported)).order_by("region", "id")


def accepted_waiting(imported: RosterImport | None = None) -> QuerySet[AcceptedRoster]:
    """Accepted entitlements that are on no roll yet: what `decisions` takes over."""
    waiting = AcceptedRoster.objects.order_by("id").exclude(
        household__in=RollEntry.objects.filter(imported=True).values("household_id")
    )
    return waiting.filter(imported=imported) if imported else waiting


def error_rows(imported: RosterImport) -> Iterator[tuple[Any, ...]]:
    """Row number, masked name and number, verdict, finding, masked value, remedy: one line a finding.

    Rows without a warning, fault or hold are left out. A row that waits for its family says which one.
    """
    rows = RosterRow.objects.filter(imported=imported).order_by("row_no")
    reasons = _held_by(imported)
    for row in rows.iterator(chunk_size=2000):
        told = [f for f in row.faults if f[0] != "note" or row.verdict == Verdict.DUPLICATE]
        if not told and row.verdict not in _TOLD:
            continue
        label = Verdict(row.verdict).label
        who = (row.row_no, mask_name(row.name), row.id_masked, label)
        if not told:
            because = "、".join(f"第 {no} 行" for no in reasons.get(row.family_no, [])[:3])
            yield (*who, f"同户的{because}须先更正", "", "更正后重新导入，全户一并写入")
        for level, _code, _field, shown, reason, remedy in told:
            yield (*who, f"【{_LEVELS[level]}】{reason}", shown, remedy)


def _held_by(imported: RosterImport) -> dict[int, list[int]]:
    held: dict[int, list[int]] = {}
    holding = (Verdict.QUARANTINE, Verdict.ERROR, Verdict.NAME_CONFLICT, Verdict.DOUBLE)
    listed = RosterRow.objects.filter(imported=imported, verdict__in=holding).order_by("row_no")
    for family, row in listed.values_list("family_no", "row_no"):
        held.setdefault(family, []).append(row)
    return held


def error_sheet(imported: RosterImport) -> Iterator[str]:
    """The error sheet as lines of CSV (UTF-8 with BOM in front), streamed. No cell can start a formula."""
    yield "\ufeff"
    for row in (_HEADER, *error_rows(imported)):
        line = io.StringIO()
        csv.writer(line, lineterminator="\r\n").writerow([harmless(cell) for cell in row])
        yield line.getvalue()


def error_workbook(imported: RosterImport) -> bytes:
    """The error sheet as an xlsx; every cell is text, so nothing computes."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"constant_memory": True, "in_memory": True})
    sheet = book.add_worksheet("待更正")
    bold = book.add_format({"bold": True})
    for at, width in enumerate((8, 12, 22, 14, 44, 24, 36)):
        sheet.set_column(at, at, width)
    for at, cell in enumerate(_HEADER):
        sheet.write_string(0, at, cell, bold)
    for number, row in enumerate(error_rows(imported), 1):
        sheet.write_number(number, 0, row[0])
        for at, cell in enumerate(row[1:], 1):
            sheet.write_string(number, at, harmless(cell))
    sheet.freeze_panes(1, 0)
    book.close()
    return out.getvalue()
