"""Early warnings: pushed clues with their receipts, most pressing first; the county signs for them."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db.models import Count, F, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.timezone import localtime

from tuodi.kernel import clock
from tuodi.kernel.errors import TuodiError
from tuodi.monitoring import ledger, warning_actions, warning_queries
from tuodi.monitoring.models import Clue
from tuodi.org.models import DutyCode
from tuodi.web.components import navigation, pages, places, posting, reading
from tuodi.web.components.pages import Page
from tuodi.web.county import clues

TABS = (("unread", "未签收"), ("open", "未结"), ("overdue", "逾期"), ("all", "全部"))


def show(request: HttpRequest) -> HttpResponse:
    """The list, most pressing first; a POST signs for the chosen ones. A fixed number of queries."""
    user: Any = request.user
    if request.method == "POST":
        return _sign(request)
    today = clock.today()
    whole = warning_queries.warnings(user, open_only=False)
    rows = {
        "unread": warning_queries.warnings(user, unread_only=True),
        "open": warning_queries.warnings(user),
        "overdue": warning_queries.warnings(user).filter(deadline__lt=today),
        "all": whole,
    }
    counts = whole.order_by().aggregate(
        all=Count("pk"),
        open=Count("pk", filter=Q(verdict="")),
        unread=Count("pk", filter=Q(verdict="", read_at__isnull=True)),
        overdue=Count("pk", filter=Q(verdict="", deadline__lt=today)),
    )
    tab = request.GET.get("show", "unread" if counts["unread"] else "open")
    tab = tab if tab in rows else "open"
    # Unread before read: an ascending order alone would put those without a receipt last.
    chosen = (
        rows[tab]
        .select_related("household__head", "office", "read_by")
        .defer("registered", "stated")
        .order_by(F("read_at").asc(nulls_first=True), F("deadline").asc(nulls_last=True), "id")
    )
    found = pages.page_of(request, lambda start, stop: list(chosen[start:stop]), total=counts[tab])
    items = [_line(clue, today) for clue in found.items]
    people = [pk for clue in found.items for pk in (clue.person_id, clue.household.head_id)]
    reading.note_list(request, "监管预警", [clue.household_id for clue in found.items], people)
    held = set(navigation.held_duties(request))
    context = {
        "page": Page(items, found.number, found.total, found.previous, found.next, found.pages),
        "tabs": [_tab(code, label, counts[code], tab) for code, label in TABS],
        "place_names": places.names(user.office.place_code),
        "may_supervise": DutyCode.SUPERVISE in held,
        "may_sign": bool({DutyCode.VERIFY, DutyCode.CLUE_DECIDE} & held),
        "levels": [_level(one) for one in _levels(user)] if len(user.office.place_code) < 6 else [],
    }
    return render(request, "county/warnings.html", context)


def _levels(user: Any) -> list[warning_queries.Levels]:
    """By county in a prefecture, by prefecture in a province: those with most open warnings first."""
    found = warning_queries.levels(user, digits=4 if len(user.office.place_code) <= 2 else 6)
    return sorted(found, key=lambda one: (-one.overdue, -one.unread, one.region))


def _level(one: warning_queries.Levels) -> dict[str, Any]:
    return {"name": places.name(one.region), "row": one}


def _tab(code: str, label: str, n: int, current: str) -> dict[str, Any]:
    css = "bad" if code in ("unread", "overdue") and n else ""
    return {"label": label, "n": n, "href": f"?show={code}", "current": code == current, "css": css}


def _sign(request: HttpRequest) -> HttpResponse:
    """Sign for the chosen warnings, each by itself."""
    user: Any = request.user
    keys = [int(key) for key in request.POST.getlist("clue")[:200] if key.isascii() and key.isdigit() and len(key) < 19]
    done, last = 0, ""
    for clue in ledger.by_keys(keys):
        try:
            warning_actions.receive(clue, acting_user=user)
            done += 1
        except TuodiError as error:
            last = str(error)
    if done:
        posting.succeed(request, f"已签收 {done} 条预警。")
    if last or not keys:
        posting.refuse(request, last or "没有选中预警，请先勾选。")
    return posting.back(request.get_full_path())


def _line(clue: Clue, today: date) -> dict[str, Any]:
    assert clue.pushed_at is not None
    return clues.line(clue, today) | {
        "pushed": f"{localtime(clue.pushed_at):%Y-%m-%d %H:%M}",
        "read": f"{localtime(clue.read_at):%m-%d %H:%M}" if clue.read_at else "",
        "reader": clue.read_by.name if clue.read_by else "",
        "waited": (today - localtime(clue.pushed_at).date()).days if not clue.read_at else 0,
    }
