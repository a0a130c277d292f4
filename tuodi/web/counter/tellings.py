"""What families still have to be told by an officer himself, and how they want to be told (当面或书面告知)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.messages import texts
from tuodi.messages.models import State
from tuodi.org import access
from tuodi.people import tellings
from tuodi.people.models import Telling
from tuodi.people.queries import access_household
from tuodi.web.components import pages, places, posting, reading
from tuodi.web.components.words import Look

LOOKS = {
    State.SENT: Look("已发送", "ok", "check"),
    State.QUEUED: Look("正在发送", "info", "clock"),
    State.FAILED: Look("未送达", "bad", "alert-triangle"),
}
BY_HAND = Look("待当面或书面告知", "warn", "hand-stop")
TOLD = Look("已告知", "ok", "check")


def listing(request: HttpRequest) -> HttpResponse:
    """What waits in the reader's range, the oldest first; a POST notes that one was told, or sends it again."""
    user: Any = request.user
    if request.method == "POST":
        return _answer(request)
    rows = tellings.waiting(user).select_related("household", "person")
    page = pages.page_of(request, lambda start, stop: list(rows[start:stop]))
    reading.note_list(
        request, "待告知", [one.household_id for one in page.items], [one.person_id for one in page.items]
    )
    page.items = lines(page.items)
    context = {"page": page, "scope_note": " / ".join(places.names(user.office.place_code)), "hows": _hows()}
    return render(request, "counter/tellings.html", context)


def lines(rows: Iterable[Telling]) -> list[dict[str, Any]]:
    """Rows as pages show them, with what became of each message. One query for all."""
    rows = list(rows)
    states = tellings.states(rows)
    return [
        {
            "row": one,
            "what": texts.template(one.template).label,
            "look": _look(one, states.get(one.pk, "")),
            "place": places.path(one.region),
            "text": one.text.removeprefix(texts.SIGN),
            "waits": one.done_at is None and (states.get(one.pk) == State.FAILED or one.way == Telling.Way.HAND),
            "again": _again(one, states.get(one.pk, "")),
        }
        for one in rows
    ]


def _look(one: Telling, state: str) -> Look:
    if one.done_at is not None:
        return TOLD
    return BY_HAND if one.way == Telling.Way.HAND else LOOKS[State(state or State.FAILED)]


def _again(one: Telling, state: str) -> str:
    """What the button to send it says; empty where no message may go."""
    if one.done_at is not None or one.why == Telling.Why.WISH:
        return ""
    return "改发短信" if one.way == Telling.Way.HAND else "再发短信" if state == State.FAILED else ""


def _hows() -> list[tuple[str, str]]:
    return [(one.value, one.label) for one in Telling.How if one.value]


def _answer(request: HttpRequest) -> HttpResponse:
    user: Any = request.user
    row = access.one(Telling.objects.all(), user=user, what="告知", pk=posting.number(request, "telling"))
    if posting.text(request, "do", 10) == "again":
        posting.attempt(request, lambda: tellings.tell_again(row, acting_user=user), "已再次发出短信。")
    else:
        how = posting.text(request, "how", 10)
        posting.attempt(
            request,
            lambda: tellings.note_told(row, acting_user=user, how=how),
            lambda told: f"已记下：{told.get_how_display()}告知。",
        )
    case = posting.text(request, "case", 20)
    here = reverse("web:case", args=[int(case)]) if case.isascii() and case.isdigit() else reverse("web:tellings")
    return posting.back(here)


def wish(request: HttpRequest, pk: int) -> HttpResponse:
    """How a family wants to be told, noted at the counter."""
    household = access_household(request.user, pk)
    by_hand = posting.text(request, "by_hand", 5) == "yes"
    words = "以后当面或书面告知，不发短信。" if by_hand else "以后用短信告知。"
    posting.attempt(request, lambda: tellings.wish(household, by_hand=by_hand, acting_user=request.user), words)  # type: ignore[arg-type]
    return posting.back(reverse("web:phones", args=[pk]))
