"""A family's message box: what it was told of its matters; and how it wants to be told."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from tuodi.messages import texts
from tuodi.org import access
from tuodi.people import tellings
from tuodi.people.models import Household, Telling
from tuodi.web.components.pages import page_of

#: Where the matter of a message is read.
WHERE = {
    "decision_made": ("my-decisions", "看结果"),
    "roll_changed": ("my-decisions", "看结果"),
    "notice_posted": ("my-notices", "看公示"),
    "need_told": ("", ""),
}


def show(request: HttpRequest) -> HttpResponse:
    """The box, newest first; a POST says how the family wants to be told from now on."""
    subject: Any = request.subject  # type: ignore[attr-defined]
    if request.method == "POST":
        by_hand = request.POST.get("by_hand") == "yes"
        with access.system_scope(subject.region):
            for household in Household.objects.filter(pk__in=subject.household_ids):
                tellings.wish(household, by_hand=by_hand, account=request.resident)  # type: ignore[attr-defined]
        return redirect("web:my-messages")
    rows = tellings.box(subject.household_ids)
    page: Any = page_of(request, lambda start, stop: [_line(one) for one in rows[start:stop]], size=20)
    by_hand = Household.objects.filter(pk__in=subject.household_ids, tell_by_hand=True).exists()
    response = render(request, "residents/messages.html", {"page": page, "by_hand": by_hand})
    response["Cache-Control"] = "no-store"
    return response


def _line(one: Telling) -> dict[str, Any]:
    address, words = WHERE.get(one.template, ("my-progress", "看进度"))
    return {
        "label": texts.template(one.template).label,
        "text": one.text.removeprefix(texts.SIGN),
        "at": one.at,
        "told": one.get_how_display() if one.done_at else "",
        "address": f"web:{address}" if address else "",
        "words": words,
    }
