"""The first page after signing in: what waits for me, what is late, what is under way."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse

from tuodi.cases import worklist
from tuodi.cases.queries import my_open_work, notices_running, overdue
from tuodi.cases.worklist import Wanted
from tuodi.decisions import relief_queries
from tuodi.intake.discovery_queries import my_patrols
from tuodi.kernel import clock
from tuodi.org.models import DutyCode
from tuodi.payments.models import PayRun
from tuodi.people import tellings
from tuodi.web.components import navigation, pages, reading
from tuodi.web.components.pages import Page
from tuodi.web.counter import inbox, work
from tuodi.web.county import runs

QUEUE_SIZE = 15
#: Lines of what came in at the door.
COMING = 6
#: Buttons by duty, in the order of importance; the last one shown is the primary.
ACTIONS = (
    ("roll_import", "web:imports", "名册导入", "upload"),
    ("pay_prepare", "web:runs", "月度发放", "cash"),
    ("accept", "web:needs", "一门受理", "edit"),
)


def show(request: HttpRequest) -> HttpResponse:
    """The workbench. A handful of queries, whatever the number of cases."""
    today = clock.today()
    duties = navigation.held_duties(request)
    if set(duties) == {DutyCode.THIRD_PARTY}:
        return redirect("web:field")  # figures of the whole district are none of theirs
    user: Any = request.user
    held = navigation.held_rows(request)
    works = bool(navigation.CASEWORK & set(duties))
    mine = worklist.slim(my_open_work(user, held))
    queue: Page[Any] = Page([], 1, None, None, None)
    if works:
        queue = pages.page_of(request, lambda start, stop: list(mine[start:stop]), size=QUEUE_SIZE)
    items = [work.item_of_step(step, today) for step in queue.items]
    waits = navigation.waiting_links(request)
    urgent = relief_queries.counts(today, clock.now()) if navigation.RELIEF & set(duties) else None
    patrols = my_patrols(user, today).count() if DutyCode.VISIT in duties else 0
    untold = inbox.bounded(tellings.waiting(user, held)) if set(tellings.TELLERS) & set(duties) else "0"
    sources = inbox.offered(request)
    coming = inbox.first_of_all(user, sources, today)[:COMING]
    cases = [step.case for step in queue.items]
    homes = [*(case.household_id for case in cases), *(one.household_id for one in coming)]
    people = [*(case.applicant_id for case in cases), *(one.person_id for one in coming)]
    reading.note_list(request, "工作台待办", homes, people)
    context = {
        "urgent": urgent,
        "patrols": patrols,
        "untold": untold if untold != "0" else "",
        "today": today,
        "duties": duties.values(),
        "queue": Page(items, queue.number, None, queue.previous, queue.next),
        "works": works,
        "groups": None if works else [group for group in navigation.groups(request) if group.code != "today"],
        "figures": _figures(user, waits, held, today) if works else None,
        "waits": [link for link in waits if not (works and link.href == reverse("web:cases"))],
        "coming": coming if sources else None,
        "labels": {source.code: source.label for source in sources},
        "runs": [runs.line(run) for run in PayRun.objects.order_by("-month", "-id")[:5]]
        if navigation.PAYMENT & set(duties)
        else None,
        "may_read": bool(navigation.READERS & set(duties)),
        "actions": _actions(duties),
    }
    return render(request, "counter/workbench.html", context)


def _figures(user: Any, waits: list[navigation.Link], held: Any, today: date) -> list[dict[str, str]]:
    """Counted no further than a page can say; the whole roll is never counted."""

    def many(rows: Any) -> str:
        return inbox.bounded(rows)

    late, soon = (worklist.steps_of(Wanted(due=due), user=user, today=today, duties=held) for due in ("late", "soon"))
    cases = reverse("web:cases")
    mine = next((link.waiting for link in waits if link.href == cases), "0")
    return [
        {"label": "等我办理", "value": mine, "unit": "件", "href": cases},
        {"label": "我的超期", "value": many(late), "unit": "件", "href": f"{cases}?due=late"},
        {"label": "我的三天内到期", "value": many(soon), "unit": "件", "href": f"{cases}?due=soon"},
        {
            "label": "辖区超期环节",
            "value": many(overdue(today)),
            "unit": "个",
            "foot": "按工作日历计算",
            "href": f"{cases}?tab=open&due=late",
        },
        {"label": "正在公示", "value": many(notices_running()), "unit": "件", "href": f"{cases}?tab=open&step=notice"},
    ]


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
