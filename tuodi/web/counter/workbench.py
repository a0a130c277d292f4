"""The first page after signing in: what waits for me, what is late, what is under way."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse

from tuodi.cases.queries import my_open_work, notices_running, overdue
from tuodi.decisions import relief_queries
from tuodi.intake.discovery_queries import my_patrols
from tuodi.kernel import clock
from tuodi.org.models import DutyCode
from tuodi.payments.models import PayRun
from tuodi.web.components import navigation, pages
from tuodi.web.components.pages import Page
from tuodi.web.counter import work
from tuodi.web.county import runs

QUEUE_SIZE = 15
#: Buttons by duty, in the order of importance; the last one shown is the primary.
ACTIONS = (
    ("roll_import", "web:imports", "名册导入", "upload"),
    ("pay_prepare", "web:runs", "月度发放", "cash"),
    ("accept", "web:families", "受理申请", "edit"),
)


def show(request: HttpRequest) -> HttpResponse:
    """The workbench. A handful of queries, whatever the number of cases."""
    today = clock.today()
    duties = navigation.held_duties(request)
    if set(duties) == {DutyCode.THIRD_PARTY}:
        return redirect("web:field")  # figures of the whole district are none of theirs
    mine = my_open_work(request.user)
    waiting = mine.count()
    queue = pages.page_of(request, lambda start, stop: list(mine[start:stop]), total=waiting, size=QUEUE_SIZE)
    items = [work.item_of_step(step, today) for step in queue.items]
    urgent = relief_queries.counts(today, clock.now()) if navigation.RELIEF & set(duties) else None
    patrols = my_patrols(request.user, today).count() if DutyCode.VISIT in duties else 0  # type: ignore[arg-type]
    context = {
        "urgent": urgent,
        "patrols": patrols,
        "today": today,
        "duties": duties.values(),
        "queue": Page(items, queue.number, queue.total, queue.previous, queue.next, queue.pages),
        "figures": [
            {"label": "等我办理", "value": f"{waiting:,}", "unit": "件"},
            {"label": "辖区超期环节", "value": f"{overdue(today).count():,}", "unit": "个", "foot": "按工作日历计算"},
            {"label": "正在公示", "value": f"{notices_running().count():,}", "unit": "件"},
        ],
        "runs": [runs.line(run) for run in PayRun.objects.order_by("-month", "-id")[:5]]
        if navigation.PAYMENT & set(duties)
        else None,
        "may_read": bool(navigation.READERS & set(duties)),
        "actions": _actions(duties),
    }
    return render(request, "counter/workbench.html", context)


def _actions(duties: dict[str, str]) -> list[dict[str, Any]]:
    shown = []
    for duty, route, label, icon in ACTIONS:
        try:
            href = reverse(route)
        except NoReverseMatch:
            continue
        if duty in duties:
            shown.append({"href": href, "label": label, "icon": icon})
    return shown
