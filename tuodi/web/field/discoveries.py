"""What was found (主动发现): a report on the spot, and the township's answer to it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.intake import discovery_actions as verbs
from tuodi.intake.discovery_queries import access_discovery
from tuodi.intake.discovery_states import DiscoveryState, EventType
from tuodi.intake.models import Discovery, PatrolTask
from tuodi.kernel.errors import TuodiError
from tuodi.org.errors import NotFoundError
from tuodi.people.enums import Programme
from tuodi.people.models import Household
from tuodi.people.queries import search_households
from tuodi.web.components import navigation, pages, places, posting, reading
from tuodi.web.components.words import Look
from tuodi.web.field import spot

LOOKS = {
    DiscoveryState.REPORTED: Look("待处理", "warn"),
    DiscoveryState.CONVERTED: Look("已转办", "ok", "check"),
    DiscoveryState.NO_NEED: Look("无需救助"),
}
#: Programmes an application can be raised for on a person's behalf; an emergency has its own way.
PROGRAMMES = (Programme.DIBAO, Programme.TEKUN, Programme.TEMPORARY, Programme.EDGE)


class FoundForm(forms.Form):
    """What was found, in as few fields as a grid worker fills standing in a doorway."""

    name = forms.CharField(
        label="姓名", max_length=60, required=False, help_text="不知道姓名的，写“不详”和特征",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )  # fmt: skip
    event_type = forms.ChoiceField(label="困难", choices=EventType.choices)
    story = forms.CharField(
        label="情况", max_length=1000, help_text="看到了什么，缺什么", widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": "请写明看到了什么、缺什么。"},
    )  # fmt: skip
    urgent = forms.BooleanField(label="急难，要马上救助（进绿色通道）", required=False)

    def __init__(self, *args: Any, named: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not named:
            del self.fields["name"]


def line_of(row: Discovery) -> dict[str, Any]:
    """A report as a line of a list."""
    return {
        "href": reverse("web:discovery", args=[row.no]),
        "no": row.no,
        "name": row.name,
        "event": row.get_event_type_display(),
        "urgent": row.urgent,
        "place": places.path(row.region),
        "story": row.story,
        "reported": row.reported_at,
        "who": row.reported_by.name,
        "look": LOOKS[DiscoveryState(row.state)],
    }


def report(request: HttpRequest) -> HttpResponse:
    """Something found by chance, of a registered family (`family` in the address) or of somebody known by name."""
    user: Any = request.user
    raw = request.GET.get("family", "")
    household = None
    if raw.isascii() and raw.isdigit() and len(raw) < 19:
        household = Household.objects.select_related("head").filter(pk=int(raw)).first()
    form = FoundForm(request.POST or None, named=household is None)
    region = household.region if household else user.office.place_code.ljust(12, "0")
    if request.method == "POST":
        answer = report_from(request, form, household=household, region=region, back=reverse("web:patrols-mine"))
        if answer is not None:
            return answer
    context = {"form": form, "household": household, "place": places.path(region)}
    return render(request, "field/discovery_new.html", context)


def report_from(
    request: HttpRequest,
    form: FoundForm,
    *,
    region: str,
    back: str,
    task: PatrolTask | None = None,
    household: Household | None = None,
) -> HttpResponse | None:
    """Reports what a valid form says; None where the form must be shown again, with its faults."""
    if not form.is_valid():
        return None
    given = form.cleaned_data
    try:
        row = verbs.report_discovery(
            acting_user=request.user,  # type: ignore[arg-type]
            region=region,
            event_type=given["event_type"],
            story=given["story"],
            name=given.get("name", ""),
            household=household,
            task=task,
            urgent=given["urgent"],
            place_note=posting.text(request, "place_note", 100),
            photo=spot.photo(request),
            **spot.place(request),
        )
    except TuodiError as error:
        form.add_error(None, str(error))
        return None
    where = "已进入急难救助队列" if row.urgent else "已报乡镇（街道）"
    posting.succeed(request, f"已上报 {row.no}，{where}。")
    return posting.back(back)


def show(request: HttpRequest, no: str) -> HttpResponse:
    """One report and its answer; a POST answers it."""
    user: Any = request.user
    row = access_discovery(user, no)
    reading.note_reading(request, "主动发现", [row.household_id], [row.person_id], region=row.region)
    may = row.state == DiscoveryState.REPORTED and navigation.may(request, verbs.ANSWERERS, row.region)
    if request.method == "POST":
        return _answer(request, row)
    wanted = pages.text_of(request, "q")
    matches: list[Household] = []
    if may and row.household_id is None and wanted and not any(sign.isdigit() for sign in wanted):
        matches = list(search_households(wanted)[:8])
    context = {
        "row": row,
        "line": line_of(row),
        "place": places.path(row.region, 3),
        "may": may,
        "may_read": navigation.may_read(request),
        "programmes": [(one.value, one.label) for one in PROGRAMMES],
        "wanted": wanted,
        "matches": [{"pk": one.pk, "name": one.head.name, "no": one.no, "place": places.path(one.region)} for one in matches],
        "locked": "" if may or row.state != DiscoveryState.REPORTED else "由乡镇（街道）“受理”或“初审”人员处理。",
    }  # fmt: skip
    return render(request, "field/discovery.html", context)


def _answer(request: HttpRequest, row: Discovery) -> HttpResponse:
    user: Any = request.user
    code = posting.text(request, "do", 20)
    reason = posting.text(request, "reason", 300)
    here = posting.back(reverse("web:discovery", args=[row.no]))
    if code == "no_need":
        posting.attempt(
            request, lambda: verbs.dismiss_discovery(row, acting_user=user, reason=reason), "已答复：无需救助。"
        )
        return here
    if code != "convert":
        posting.refuse(request, "这个操作不认识，请刷新页面后重试。")
        return here
    programme = posting.text(request, "programme", 20)
    raw = posting.text(request, "family", 20)
    home = Household.objects.filter(pk=int(raw)).first() if raw.isascii() and raw.isdigit() else None
    ok, made = posting.attempt(
        request,
        lambda: verbs.convert_discovery(row, acting_user=user, programme=programme, household=home, reason=reason),
        lambda made: f"已代为申请，业务号 {made.case.no}。",
    )
    return posting.back(reverse("web:case", args=[made.case_id])) if ok and made is not None else here


def photo(request: HttpRequest, no: str) -> HttpResponse:
    """The picture sent with a report."""
    row = access_discovery(request.user, no)  # type: ignore[arg-type]
    if row.photo is None:
        raise NotFoundError("照片")
    return spot.picture(row.photo)
