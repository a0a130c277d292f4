"""The whole chain of a place as a spreadsheet: one row a sub-account and county, or a place below the county; logged."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.http import FileResponse, HttpRequest

from tuodi.funds import chain
from tuodi.funds.ledger import source_label
from tuodi.kernel.places import NATION
from tuodi.payments import chain as line_chain
from tuodi.web.chain.common import (
    FEW,
    LINE_LABELS,
    Asked,
    asked,
    digits_below,
    fold,
    names,
    programme_label,
    source_words,
)
from tuodi.web.chain.page import COLUMNS
from tuodi.web.components import places
from tuodi.web.county.sheets import sheet


def _yuan(fen: int) -> float:
    """Two decimals exactly: yuan of this size lie far below what a double holds."""
    return fen / 100


def _ledger(found: Asked) -> Iterator[list[Any]]:
    labels: dict[str, str] = {}
    for one in chain.figures(found.wanted):
        if one.source not in labels:
            labels[one.source] = source_label(one.source)
        yield [
            places.name(one.county), programme_label(one.programme), labels[one.source],
            *(_yuan(one.fen[code]) for code in COLUMNS),
        ]  # fmt: skip


def _lines(request: HttpRequest, found: Asked) -> Iterator[list[Any]]:
    cells = line_chain.by_place(found.wanted, digits_below(found.place) or 12)
    rest, moved = None, 0
    if not names(request):
        cells, rest, moved = fold(cells)
    if rest is not None and any(0 < one.families < FEW for one in rest.values()):
        rest = None
    rows = [(places.path(code), mine) for code, mine in sorted(cells.items())]
    for label, mine in [*rows, *([(f"其余 {moved} 处", rest)] if rest else [])]:
        row: list[Any] = [label]
        for code in LINE_LABELS:
            cell = mine.get(code, line_chain.Cell())
            row += [cell.families, _yuan(cell.fen)]
        yield row


def download(request: HttpRequest) -> FileResponse:
    """The file of what the page shows, for the same place, period, programme and source."""
    found = asked(request)
    whole = len(found.place) <= 6 or found.place == NATION
    columns: list[tuple[str, int]]
    if whole:
        columns = [
            ("地区", 16),
            ("项目", 20),
            ("资金来源", 18),
            *((f"{chain.BY_CODE[code].label}（元）", 16) for code in COLUMNS),
        ]
    else:
        columns = [("地区", 26)]
        for label in LINE_LABELS.values():
            columns += [(f"{label}（户）", 12), (f"{label}（元）", 16)]
    about = "，".join(
        one for one in (programme_label(found.programme) if found.programme else "", source_words(found)) if one
    )
    return sheet(
        request,
        name=f"资金全过程-{found.place}-{found.year}{found.month or ''}",
        title=f"{places.name(found.place)} {found.period} 资金全过程{f'（{about}）' if about else ''}",
        columns=columns,
        rows=_ledger(found) if whole else _lines(request, found),
        action="web.export_chain",
        subject="place",
        subject_id=found.place,
        what={"year": found.year, "month": found.month, "programme": found.programme, "source": found.source},
        note="按记账日统计，金额取自记账凭证。" if whole else "按事件日统计，金额取自发放明细。",
    )
