"""Democratic review of one case at the desk: call it, enter how it went, conclude."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse

from tuodi.cases.models import Case
from tuodi.cases.queries import access_case
from tuodi.kernel import clock
from tuodi.kernel.errors import TuodiError
from tuodi.org.models import DutyCode
from tuodi.verification.models import ReviewAttendee, ReviewMeeting
from tuodi.verification.review_actions import (
    Attendee,
    add_review_photo,
    call_review,
    conclude_review,
    hold_review,
    quorum_of,
)
from tuodi.verification.visit_evidence import PhotoInput
from tuodi.verification.visit_queries import access_meeting, reviews_of
from tuodi.web.components import navigation, posting, reading
from tuodi.web.components.words import Look
from tuodi.web.field import printing, showing

LOOKS = {
    ReviewMeeting.State.CALLED: Look("已通知", "info"),
    ReviewMeeting.State.HELD: Look("已召开，待结论", "warn"),
    ReviewMeeting.State.CONCLUDED: Look("评议通过", "ok", "check"),
    ReviewMeeting.State.DISPUTED: Look("争议较大", "bad"),
}
#: Lines for people on the page; a meeting with more people is entered in the same form again with its lines kept.
LINES = 12


class CallForm(forms.Form):
    """When and where."""

    planned_on = forms.DateField(label="召开日期", widget=forms.DateInput(attrs={"type": "date"}))
    place = forms.CharField(label="地点", max_length=100)


def show(request: HttpRequest, pk: int) -> HttpResponse:
    """The page; a POST does what its button says."""
    case = access_case(request.user, pk=pk)
    meetings = reviews_of(case)
    current = next((one for one in meetings if one.state in ("called", "held")), None)
    here = reverse("web:case-review", args=[case.pk])
    problem = ""
    if request.method == "POST":
        try:
            posting.succeed(request, _do(request, case, current))
            return posting.back(here)
        except TuodiError as error:
            problem = str(error)
    reading.note_reading(request, "民主评议", [case.household_id], [case.applicant_id], region=case.region)
    context = {
        "case": case,
        "quorum": quorum_of(case),
        "meetings": [_shown(one) for one in meetings],
        "current": current,
        "may": case.is_running and navigation.may(request, [DutyCode.REVIEW], case.region),
        "call": CallForm(request.POST if request.method == "POST" and not current else None,
                         initial={"planned_on": clock.today().isoformat()}),
        "lines": _lines(request.POST if request.method == "POST" else None),
        "roles": ReviewAttendee.Role.choices,
        "votes": ReviewAttendee.Vote.choices,
        "posted": request.POST if request.method == "POST" else {},
        "today": clock.today(),
        "problem": problem,
    }  # fmt: skip
    return render(request, "counter/review.html", context)


def _do(request: HttpRequest, case: Case, current: ReviewMeeting | None) -> str:
    answer = posting.text(request, "answer", 20)
    if current is None:
        form = CallForm(request.POST)
        if not form.is_valid():
            raise TuodiError("请填写召开日期和地点。")
        data = form.cleaned_data
        row = call_review(case, acting_user=request.user, planned_on=data["planned_on"], place=data["place"])
        return f"评议 {row.no} 已通知。"
    if answer in ("agreed", "disputed"):
        row = conclude_review(
            current,
            acting_user=request.user,
            agreed=answer == "agreed",
            opinion=posting.text(request, "opinion"),
        )
        return f"评议 {row.no}：{row.get_state_display()}。" + (
            "" if row.state == "concluded" else "本案退回重新调查。"
        )
    held = forms.DateField().to_python(posting.text(request, "held_on", 20) or None)
    if held is None:
        raise TuodiError("请填写召开日期。")
    row = hold_review(
        current,
        acting_user=request.user,
        held_on=held,
        chair=posting.text(request, "chair", 40),
        minutes_taker=posting.text(request, "minutes_taker", 40),
        minutes=posting.text(request, "minutes", 4000),
        attendees=[Attendee(line["name"], line["role"], line["vote"]) for line in _lines(request.POST) if line["name"]],
    )
    for file in request.FILES.getlist("photos")[:20]:
        add_review_photo(row, PhotoInput(file.read(), caption="会场"), acting_user=request.user)
    return f"评议 {row.no} 已登记：{row.attendees} 人参加，村（居）民代表 {row.residents} 人。"


def _lines(posted: QueryDict | None) -> list[dict[str, Any]]:
    """The people's lines, as posted or empty: residents first, since the law wants them to be two thirds."""
    roles = ["resident"] * 8 + ["committee", "town", "party", "resident"]
    if posted is None or "p-0-name" not in posted:
        return [{"n": n, "name": "", "role": roles[n], "vote": "for"} for n in range(LINES)]
    count = max(LINES, sum(1 for key in posted if key.startswith("p-") and key.endswith("-name")))
    return [
        {
            "n": n,
            "name": posted.get(f"p-{n}-name", "").strip()[:40],
            "role": posted.get(f"p-{n}-role", ""),
            "vote": posted.get(f"p-{n}-vote", ""),
        }
        for n in range(min(count, 60))
    ]


def _shown(meeting: ReviewMeeting) -> dict[str, Any]:
    return {
        "row": meeting,
        "look": LOOKS[ReviewMeeting.State(meeting.state)],
        "people": list(meeting.people.order_by("position")),
        "photos": [showing.tile(photo) for photo in meeting.photos.select_related("file").order_by("id")],
        "printable": printing.available() and meeting.state != ReviewMeeting.State.CALLED,
    }


def printed(request: HttpRequest, pk: int) -> HttpResponse:
    """The minutes as a printed form."""
    return printing.review_pdf(access_meeting(request.user, pk), request.user)
