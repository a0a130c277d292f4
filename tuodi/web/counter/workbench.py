"""The first page after signing in: what waits for me, what is under way."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from tuodi.kernel import clock
from tuodi.web.components import navigation
from tuodi.web.components.pages import Page


def show(request: HttpRequest) -> HttpResponse:
    """The workbench."""
    context = {
        "today": clock.today(),
        "duties": navigation.held_duties(request).values(),
        "queue": Page([], 1, None, None, None),
        "figures": [],
        "runs": None,
        "actions": [],
    }
    return render(request, "counter/workbench.html", context)
