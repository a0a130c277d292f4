"""Early warnings: pushed clues with their receipts, unread first; who is told signs for it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.timezone import localtime

from tuodi.kernel import clock
from tuodi.monitoring import pushes
from tuodi.monitoring.models import Clue
from tuodi.org.models import DutyCode
from tuodi.web.components import navigation, pages, places
from tuodi.web.components.pages import Page
from tuodi.web.county import clues

TABS = (("unread", "未签收"), ("overdue", "逾期"), ("climbed", "市、省督办"), ("all", "全部"))


def show(request: HttpRequest) -> HttpResponse:
    """The list; a fixed number of queries."""
    today = clock.today()
    counts = pushes.push_counts(today)
    tab = request.GET.get("show", "unread" if counts["unread"] else "all")
    tab = tab if tab in pushes.TABS else "all"
    rows = pushes.pushed(tab, today)
    found = pages.page_of(request, lambda start, stop: list(rows[start:stop]), total=counts[tab])
    items = [_line(clue, today) for clue in found.items]
    context = {
        "may_supervise": DutyCode.SUPERVISE in navigation.held_duties(request),
        "page": Page(items, found.number, found.total, found.previous, found.next, found.pages),
        "tabs": [
            {"label": label, "n": counts[code], "href": f"?show={code}", "current": code == tab, "css": "bad" if code in ("unread", "overdue") and counts[code] else ""}
            for code, label in TABS
        ],
        "place_names": places.names(request.user.office.place_code),  # type: ignore[union-attr]
    }  # fmt: skip
    return render(request, "county/warnings.html", context)


def _line(clue: Clue, today: Any) -> dict[str, Any]:
    assert clue.pushed_at is not None
    return clues.line(clue, today) | {
        "pushed": f"{localtime(clue.pushed_at):%Y-%m-%d %H:%M}",
        "read": f"{localtime(clue.read_at):%m-%d %H:%M}" if clue.read_at else "",
        "reader": clue.read_by.name if clue.read_by else "",
        "waited": (today - localtime(clue.pushed_at).date()).days if not clue.read_at else 0,
    }
