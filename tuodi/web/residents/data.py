"""Who looked at or used my family's data: when, which office, why."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.timezone import localtime

from tuodi.monitoring.who_looked import KINDS, MONTHS, Seen, who_looked
from tuodi.web.components.pages import Page, page_of

ICONS = {"staff": "user", "check": "building-bank", "sweep": "database-search", "supervision": "shield-heart"}


@dataclass(frozen=True)
class Group:
    """The uses of one month."""

    title: str
    rows: list[tuple[Seen, str]]


def show(request: HttpRequest) -> HttpResponse:
    """The page, by month; `kind` in the address shows one kind only."""
    found = who_looked(request.subject)  # type: ignore[attr-defined]
    counts = {kind: sum(one.kind == kind for one in found) for kind in KINDS}
    wanted = request.GET.get("kind", "")
    wanted = wanted if wanted in KINDS else ""
    kept = [one for one in found if not wanted or one.kind == wanted]
    page: Page[Seen] = page_of(request, lambda start, stop: kept[start:stop], total=len(kept), size=30)
    groups = [
        Group(f"{year} 年 {month} 月", [(one, ICONS[one.kind]) for one in rows])
        for (year, month), rows in groupby(
            page.items, key=lambda one: (localtime(one.at).year, localtime(one.at).month)
        )
    ]
    chips = [("", "全部", len(found)), *((kind, KINDS[kind], counts[kind]) for kind in KINDS if counts[kind])]
    context = {"groups": groups, "page": page, "chips": chips, "wanted": wanted, "months": MONTHS, "total": len(found)}
    return render(request, "residents/data.html", context)
