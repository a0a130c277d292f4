"""The list of cases in the reader's range."""

from __future__ import annotations

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from tuodi.cases.models import Case
from tuodi.cases.states import RUNNING
from tuodi.kernel import clock
from tuodi.web.components import pages, places, reading
from tuodi.web.components.pages import Page
from tuodi.web.counter import work

FILTERS = (("running", "在办"), ("late", "超期"), ("decided", "已决定"), ("all", "全部"))


def show(request: HttpRequest) -> HttpResponse:
    """Cases, newest first; `show` in the address chooses which."""
    today = clock.today()
    chosen = request.GET.get("show", "running")
    if chosen not in dict(FILTERS):
        chosen = "running"
    cases = _filtered(chosen).select_related("applicant").order_by("-accepted_on", "-id")
    found = pages.page_of(request, lambda start, stop: list(cases[start:stop]))
    shown = found.items
    reading.note_list(request, "办件列表", [one.household_id for one in shown], [one.applicant_id for one in shown])
    context = {
        "page": Page(
            [work.item_of_case(case, today) for case in found.items], found.number, None, found.previous, found.next
        ),
        "heading": dict(FILTERS)[chosen],
        "choices": [{"label": label, "href": f"?show={code}", "current": code == chosen} for code, label in FILTERS],
        "scope_note": " / ".join(places.names(request.user.office.place_code)),
    }
    return render(request, "counter/cases.html", context)


def _filtered(chosen: str) -> QuerySet[Case]:
    cases = Case.objects.all()
    if chosen == "running":
        return cases.filter(state__in=RUNNING)
    if chosen == "late":
        return cases.filter(state__in=RUNNING, due_on__lt=clock.today())
    if chosen == "decided":
        return cases.filter(~Q(decision=""))
    return cases
