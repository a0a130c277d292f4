"""全过程监督: from appropriation to card for a place, programme, source and period; every figure opens into its entries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.funds import chain, queries
from tuodi.funds.chain import Figures, add_up
from tuodi.funds.ledger import source_label
from tuodi.funds.models import LedgerEntry
from tuodi.funds.states import LIVING, Account
from tuodi.kernel.places import NATION
from tuodi.payments import chain as line_chain
from tuodi.payments.chain import Cell
from tuodi.web.chain.common import (
    FEW,
    LINE_LABELS,
    NO_SOURCE,
    Asked,
    asked,
    crumbs,
    digits_below,
    filters,
    fold,
    names,
    programme_label,
    source_words,
)
from tuodi.web.components import pages, places, words
from tuodi.web.components.pages import Page

#: Columns of the tables of the ledger.
COLUMNS = (
    "opening", "appropriated", "moved_in", "moved_out", "granted", "withheld", "sent", "failed", "paid", "returned",
    "released", "petty", "petty_return", "advanced", "cleared", "ordered", "body_sent", "body_failed", "body_paid", "body_returned", "treasury", "refunded",
    "recovered", "handed_back", "other", "left",
)  # fmt: skip
#: Columns that are left out where nothing moved.
_RARE = set(COLUMNS) - {"appropriated", "granted", "sent", "paid", "left"}
#: Money without a source has these stages only.
_BEFORE = tuple(code for code in LINE_LABELS if code != "petty")


def show(request: HttpRequest) -> HttpResponse:
    """The page of a place. A fixed number of queries."""
    found = asked(request)
    context: dict[str, Any] = {
        "asked": found,
        "heading": places.name(found.place),
        "crumbs": crumbs(request, found),
        "filters": filters(found),
        "export_href": found.href("web:chain-export"),
        "names": names(request),
        "few": FEW,
        "sourced": source_words(found),
    }
    context |= _ledger(found) if len(found.place) <= 6 or found.place == NATION else _lines(found)
    if context["towns"] is not None:
        context["towns"] = town_table(request, found, context["towns"])
    return render(request, "chain/show.html", context)


def _ledger(found: Asked) -> dict[str, Any]:
    """A county and above: the ledger's own figures, by place and by sub-account."""
    rows = chain.figures(found.wanted)
    kept = [one for one in rows if one.source] if found.source != NO_SOURCE else rows
    before = add_up(one for one in rows if not one.source) if found.source != NO_SOURCE else {}
    sums = add_up(kept)
    off = chain.off(sums)
    columns = [code for code in COLUMNS if code not in _RARE or any(one.fen[code] for one in kept)]
    digits = digits_below(found.place)
    by_place = _tables(found, rows, columns, digits) if 0 < digits <= 6 and found.source != NO_SOURCE else []
    return {
        "way": _way(found, sums),
        "balance": _balance(found, sums),
        "off": off,
        "columns": [{"code": code, "label": chain.BY_CODE[code].label} for code in columns],
        "by_place": by_place,
        "by_sub": _subs(found, kept, columns),
        "where": _where(found, sums),
        "before": [
            {"label": chain.BY_CODE[code].label, "fen": fen, "href": found.href("web:chain-entries", stage=code, source=NO_SOURCE)}
            for code in _BEFORE
            if (fen := before.get(code))
        ],
        "towns": _towns(found, rows) if len(found.place) == 6 and not found.source else None,
        "none": not rows,
    }  # fmt: skip


def _figure(found: Asked, sums: Mapping[str, int], code: str) -> dict[str, Any]:
    """One figure in a sentence, with the way to its entries."""
    href = found.href("web:chain-entries", stage=code)
    return {"label": chain.BY_CODE[code].label, "fen": sums[code], "href": href}


def _balance(found: Asked, sums: Mapping[str, int]) -> list[dict[str, Any]]:
    """How the stages add up to what is left, term by term."""
    terms = [(code, sign) for code, sign in chain.BALANCE.items() if sums[code]]
    told = [
        _figure(found, sums, code) | {"sign": words.MINUS if sign < 0 else "＋" if n else ""}
        for n, (code, sign) in enumerate(terms)
    ]
    return [*told, _figure(found, sums, "left") | {"sign": "＝"}]


def _way(found: Asked, sums: Mapping[str, int]) -> list[dict[str, Any]]:
    """The strip. What came and went between sub-accounts, and what came back, are told as one station each.

    A station: its figure, and below it the figures it is made of or that stand beside it.
    """

    def one(code: str, *below: str) -> dict[str, Any]:
        return _figure(found, sums, code) | {"below": [_figure(found, sums, part) for part in below if sums[part]]}

    return [
        one("appropriated", "handed_back"),
        one("moved", "moved_in", "moved_out"),
        one("granted", "withheld"),
        one("sent"),
        one("paid", "petty", "cleared", "body_paid"),
        one("back", *(("failed", "returned") if sums["returned"] else ())),
        one("released"),
        one("left"),
    ]


def _cells(found: Asked, sums: Mapping[str, int], columns: Sequence[str], **more: Any) -> list[dict[str, Any]]:
    return [
        {
            "label": chain.BY_CODE[code].label,
            "fen": sums[code],
            "href": found.href("web:chain-entries", stage=code, **more) if sums[code] else "",
        }
        for code in columns
    ]


def _tables(found: Asked, rows: Sequence[Figures], columns: Sequence[str], digits: int) -> list[dict[str, Any]]:
    """Places below, each a link down; one without a fund book is there as well, with nothing in these columns."""
    groups: dict[str, list[Figures]] = {}
    for one in rows:
        groups.setdefault(one.county[:digits], []).append(one)
    return [
        {"label": places.name(code), "href": found.href(place=code), "cells": _cells(found, add_up(mine), columns, place=code)}
        for code, mine in sorted(groups.items())
    ]  # fmt: skip


def _subs(found: Asked, rows: Sequence[Figures], columns: Sequence[str]) -> list[dict[str, Any]]:
    """Sub-accounts over all counties of the place, programme by programme."""
    groups: dict[str, dict[str, list[Figures]]] = {}
    for one in sorted(rows, key=lambda row: (queries.programme_rank(row.programme), queries.source_rank(row.source))):
        groups.setdefault(one.programme, {}).setdefault(one.source, []).append(one)
    shown = []
    for programme, sources in groups.items():
        lines = [
            {"label": source_label(source), "cells": _cells(found, add_up(mine), columns, programme=programme, source=source or NO_SOURCE)}
            for source, mine in sources.items()
        ]  # fmt: skip
        whole = add_up(one for mine in sources.values() for one in mine)
        shown.append(
            {
                "label": programme_label(programme),
                "cells": _cells(found, whole, columns, programme=programme),
                "lines": lines,
            }
        )
    return shown


def _where(found: Asked, sums: Mapping[str, int]) -> list[dict[str, Any]]:
    """Where what is left lies."""
    return [
        {"label": one.label, "fen": fen, "href": found.href("web:chain-entries", stage=f"left_{one.value}"),
         "share": pages.share(fen, sums["left"])}
        for one in LIVING
        if (fen := sums[f"left_{one.value}"])
    ]  # fmt: skip


def _towns(found: Asked, rows: Sequence[Figures]) -> dict[str, Any]:
    """A county's towns from the lines of its runs, and whether they come to what the ledger says."""
    cells = line_chain.by_place(found.wanted, 9)
    ledger = add_up(rows)
    total = _total(cells.values())
    wrong = [LINE_LABELS[code] for code in LINE_LABELS if total.get(code, Cell()).fen != ledger[code]]
    return {"cells": cells, "total": total, "wrong": wrong, "before": any(not one.source for one in rows)}


def _total(rows: Any) -> dict[str, Cell]:
    sums: dict[str, Cell] = {}
    for cells in rows:
        for code, cell in cells.items():
            sums[code] = sums.get(code, Cell()) + cell
    return sums


def _lines(found: Asked) -> dict[str, Any]:
    """A town or a village: what reached families, by the lines themselves."""
    digits = digits_below(found.place) or 12
    cells = line_chain.by_place(found.wanted, digits)
    return {
        "towns": {"cells": cells, "total": _total(cells.values()), "wrong": [], "before": False},
        "way": [],
        "none": not cells,
    }


def town_table(request: HttpRequest, found: Asked, towns: Mapping[str, Any]) -> dict[str, Any]:
    """The table of places below the county. Who may not read names sees places with few families put together."""
    cells: dict[str, dict[str, Cell]] = towns["cells"]
    rest, moved = None, 0
    if not names(request):
        cells, rest, moved = fold(cells)
    columns = [code for code in LINE_LABELS if code in towns["total"] or code in ("granted", "sent", "paid")]
    hidden = rest is not None and any(0 < one.families < FEW for one in rest.values())

    def line(label: str, mine: Mapping[str, Cell], place: str, href: str) -> dict[str, Any]:
        return {
            "label": label,
            "href": href,
            "cells": [
                {"label": LINE_LABELS[code], "cell": mine.get(code, Cell()),
                 "href": found.href("web:chain-lines", place=place, stage=code) if place and code in mine else ""}
                for code in columns
            ],
        }  # fmt: skip

    rows = []
    for code, mine in sorted(cells.items()):
        deeper = len(code) > len(found.place)
        rows.append(line(places.name(code) or code, mine, code, found.href(place=code, source="") if deeper else ""))
    if rest is not None and not hidden:
        rows.append(line(f"其余 {moved} 处（有少于 {FEW} 户的，合并列出）", rest, "", ""))
    total = line("合计", towns["total"], found.place, "")
    return {
        "rows": rows,
        "columns": [LINE_LABELS[code] for code in columns],
        "total": None if hidden else total,
        "wrong": towns["wrong"],
        "before": towns["before"],
        "hidden": hidden,
        "level": "村（社区）" if len(found.place) >= 9 else "乡镇（街道）",
    }


def entries(request: HttpRequest) -> HttpResponse:
    """The entries one figure is made of."""
    found = asked(request)
    stage = pages.text_of(request, "stage", 20)
    stage = stage if stage in chain.BY_CODE else "appropriated"
    moved = chain.entries(found.wanted, stage)
    numbers = list(moved)
    shown = pages.page_of(request, lambda start, stop: numbers[start:stop], total=len(numbers))
    rows = LedgerEntry.objects.select_related("by").in_bulk(list(shown.items))
    lines = [
        {"row": rows[pk], "fen": moved[pk], "place": places.name(rows[pk].region), "href": reverse("web:fund-entry", args=[pk])}
        for pk in shown.items
        if pk in rows
    ]  # fmt: skip
    known = chain.BY_CODE[stage]
    context = {
        "asked": found,
        "page": Page(lines, shown.number, shown.total, shown.previous, shown.next, shown.pages),
        "heading": places.name(found.place),
        "crumbs": crumbs(request, found),
        "stage": known,
        "stages": [
            {"label": chain.BY_CODE[code].label, "href": found.href("web:chain-entries", stage=code), "current": code == stage}
            for code in COLUMNS
        ],
        "total": sum(moved.values()),
        "count": len(moved),
        "about": "，".join(one for one in (programme_label(found.programme) if found.programme else "", source_words(found)) if one),
        "until": known.when != "in",
        "lines_href": found.href("web:chain-lines", stage=stage) if stage in LINE_LABELS else "",
        "account": str(Account(stage.removeprefix("left_")).label) if stage.startswith("left_") else "",
    }  # fmt: skip
    return render(request, "chain/entries.html", context)
