"""Lists as spreadsheets: no cell is taken for a formula, every page names who took it out, and the log knows."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import openpyxl
from django.http import FileResponse, HttpRequest
from django.utils.timezone import localtime
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter

from tuodi.audit.actions import record
from tuodi.exchange.cellsafe import harmless
from tuodi.kernel import clock
from tuodi.kernel.places import pad12

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
#: Rows one sheet may hold; a longer list is taken out by the hand-over, with its approval.
MOST_ROWS = 50_000


def sheet(
    request: HttpRequest,
    *,
    name: str,
    title: str,
    columns: Sequence[tuple[str, int]],
    rows: Iterable[Sequence[Any]],
    action: str,
    subject: str,
    subject_id: object,
    what: dict[str, Any],
    note: str = "线索是证据，不是结论。",
) -> FileResponse:
    """A workbook with one sheet, logged.

    Args:
        name: file name without its ending. title: first line of the sheet.
        columns: heads with widths in characters.
        rows: cells; text, whole numbers, floats, dates. None is an empty cell.
        action, subject, subject_id, what: the audit row: `web.export_…`, what was exported and by which filters.
        note: a sentence behind the stamp.
    """
    user: Any = request.user
    stamp = f"{user.office.name} {user.name}（{user.username}） {localtime(clock.now()):%Y-%m-%d %H:%M} 导出"
    book = openpyxl.Workbook(write_only=True)
    page = book.create_sheet("台账")
    page.sheet_properties.pageSetUpPr = openpyxl.worksheet.properties.PageSetupProperties(fitToPage=True)
    page.page_setup.orientation, page.page_setup.paperSize, page.page_setup.fitToHeight = "landscape", 9, 0
    page.oddHeader.center.text = _plain(f"内部资料 严禁外传　{stamp}")
    page.oddFooter.center.text = f"{_plain(stamp)}　第 &P / &N 页"
    page.freeze_panes = "A4"
    for number, (_, width) in enumerate(columns, 1):
        page.column_dimensions[get_column_letter(number)].width = width
    page.append([_cell(page, title, Font(bold=True, size=14))])
    page.append([_cell(page, f"内部资料，严禁外传。{stamp}。{note}", Font(size=9, color="FF4F5B69"))])
    page.append([_head(page, head) for head, _ in columns])
    count = 0
    for row in rows:
        page.append([_safe(cell) for cell in row])
        count += 1
    body = io.BytesIO()
    book.save(body)
    body.seek(0)
    record(
        action,
        actor=user,
        subject_type=subject,
        subject_id=subject_id,
        region=pad12(user.office.place_code),
        after={**what, "rows": count},
    )
    return FileResponse(body, as_attachment=True, filename=f"{name}.xlsx", content_type=XLSX)


def _plain(text: str) -> str:
    """Text of a printed header or footer: an ampersand in it would be a command."""
    return text.replace("&", "\uff06")


def _cell(page: Any, text: str, font: Font) -> WriteOnlyCell:
    cell = WriteOnlyCell(page, harmless(text))
    cell.font = font
    return cell


def _head(page: Any, text: str) -> WriteOnlyCell:
    cell = _cell(page, text, Font(bold=True))
    cell.fill = PatternFill("solid", fgColor="FFEAF1FB")
    cell.alignment = Alignment(wrap_text=True, vertical="center")
    return cell


def _safe(value: Any) -> Any:
    """Numbers and dates as they are, everything else as text that cannot start a formula."""
    if value is None or isinstance(value, bool | int | float | Decimal):
        return value
    if isinstance(value, datetime):
        return localtime(value).replace(tzinfo=None)
    return value if isinstance(value, date) else harmless(value)
