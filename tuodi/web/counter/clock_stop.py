"""Papers the family still owes, where the text of the place stops the clock for them."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.cases.models import Case
from tuodi.cases.queries import access_case
from tuodi.cases.stops import DUTIES, resume_clock, stop_clock
from tuodi.web.components import navigation, posting


def show(request: HttpRequest, pk: int) -> HttpResponse:
    """The page; a POST tells the family what is missing, or notes that it is there."""
    case = access_case(request.user, pk=pk)
    if request.method == "POST":
        if posting.text(request, "answer", 10) == "resume":
            posting.attempt(
                request,
                lambda: resume_clock(case, acting_user=request.user, note=posting.text(request, "note", 300)),
                "已登记补齐，重新计时。",
            )
        else:
            posting.attempt(
                request,
                lambda: stop_clock(case, acting_user=request.user, what=posting.text(request, "what", 300)),
                "已登记，从今天起停止计时。",
            )
        return posting.back(reverse("web:case-clock", args=[case.pk]))
    stops = list(case.stops.select_related("asked_by", "answered_by").order_by("-id"))
    context = {
        "case": case,
        "stops": stops,
        "waiting": next((stop for stop in stops if stop.answered_on is None), None),
        "allowed": case.procedure.stop_for_materials,
        "may": case.is_running and navigation.may(request, DUTIES, case.region),
    }
    return render(request, "counter/case_clock.html", context)


def link_of(request: HttpRequest, case: Case) -> str:
    """Where papers are asked for; empty where the case's text stops no clock for them."""
    if not case.procedure.stop_for_materials or not navigation.may(request, DUTIES, case.region):
        return ""
    return reverse("web:case-clock", args=[case.pk])
