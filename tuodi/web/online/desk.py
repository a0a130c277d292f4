"""The queue of applications from phones and one of them: what was entered, what was signed, and the three answers."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.audit.actions import record
from tuodi.files import store
from tuodi.intake import online_desk, online_queries
from tuodi.intake.models import OnlineApplication
from tuodi.intake.online_content import Content, birth_of
from tuodi.intake.online_forms import ApplyForm, shown
from tuodi.intake.online_states import OnlineState
from tuodi.kernel import clock
from tuodi.kernel.ages import age
from tuodi.kernel.errors import TuodiError
from tuodi.kernel.masking import mask_id, mask_phone
from tuodi.org.errors import NotFoundError
from tuodi.people.enums import AreaKind, Programme, Relation
from tuodi.verification.online_accept import accept_online
from tuodi.web.components import pages, places, posting, reading
from tuodi.web.components.pages import Page
from tuodi.web.components.words import Look

TABS = (("waiting", "待受理"), ("asked", "待补材料"), ("all", "全部"))
LOOKS = {
    OnlineState.SENT: Look("待受理", "warn", "clock"),
    OnlineState.ASKED: Look("待补材料", "info", "mail-question"),
    OnlineState.ACCEPTED: Look("已受理", "ok", "check"),
    OnlineState.REFUSED: Look("不予受理", "bad", "x"),
    OnlineState.WITHDRAWN: Look("申请人撤回"),
    OnlineState.DRAFT: Look("草稿"),
}


class AcceptForm(forms.Form):
    """What the officer adds when he accepts."""

    programme = forms.ChoiceField(label="申请项目", choices=Programme.choices)
    area_kind = forms.ChoiceField(label="城乡", choices=AreaKind.choices, required=False)
    owed = forms.CharField(
        label="还欠的材料", required=False, help_text="一行一项，列入回执；不影响受理",
        widget=forms.Textarea(attrs={"rows": 2}),
    )  # fmt: skip


class AskForm(forms.Form):
    """What is missing, told once."""

    items = forms.CharField(
        label="缺哪些材料", help_text="一行一项，一次写全", widget=forms.Textarea(attrs={"rows": 3}), max_length=1000
    )
    until = forms.DateField(label="补齐期限", widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}))
    note = forms.CharField(label="说明", required=False, max_length=500)


class RefuseForm(forms.Form):
    """Why it is not accepted."""

    reasons = forms.CharField(
        label="理由和怎么办", help_text="写明依据，以及申请人可以到哪里、办什么", max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )  # fmt: skip


def listing(request: HttpRequest) -> HttpResponse:
    """Applications in the reader's range."""
    user: Any = request.user
    chosen, tabs = pages.tabs_of(request, TABS, "waiting")
    if chosen == "waiting":
        rows = online_queries.waiting(user)
    else:
        rows = online_queries.sent_of(user)
        if chosen == "asked":
            rows = rows.filter(state=OnlineState.ASKED)
    found = pages.page_of(request, lambda start, stop: list(rows[start:stop]))
    context = {
        "page": Page([_line(one) for one in found.items], found.number, None, found.previous, found.next),
        "tabs": tabs,
        "heading": dict(TABS)[chosen],
        "scope_note": " / ".join(places.names(user.office.place_code)),
    }
    return render(request, "online/list.html", context)


def _line(one: OnlineApplication) -> dict[str, Any]:
    return {
        "href": reverse("web:online-one", args=[one.pk]),
        "no": one.no,
        "name": one.applicant_name,
        "id": one.applicant_masked,
        "programme": dict(Programme.choices).get(one.programme, "说不准"),
        "members": one.members,
        "agent": one.agent_name,
        "place": places.path(one.region),
        "sent": one.supplied_at or one.sent_at,
        "supplied": one.supplied_at is not None,
        "look": LOOKS[OnlineState(one.state)],
    }


def show(request: HttpRequest, pk: int) -> HttpResponse:
    """One application. A POST accepts, asks once, or refuses. Reading it is logged."""
    user: Any = request.user
    online = online_queries.access_online(user, pk)
    do = posting.text(request, "do", 10) if request.method == "POST" else ""
    kinds = {"accept": AcceptForm, "ask": AskForm, "refuse": RefuseForm}
    found = {name: kind(request.POST if name == do else None, initial=_initial(online)) for name, kind in kinds.items()}
    if do in found and found[do].is_valid():
        try:
            said, to = _do(online, do, found[do].cleaned_data, user)
        except TuodiError as error:
            found[do].add_error(None, str(error))
        else:
            posting.succeed(request, said)
            return posting.back(to)
    reading.note_reading(request, "网上申请", [online.household_id], [], region=online.region)
    content, form = online_queries.content_of(online)
    if request.method == "GET":
        record(
            "intake.read_online", actor=user, subject_type="onlineapplication", subject_id=online.pk,
            region=online.region, after={"no": online.no},
        )  # fmt: skip
    running = online.state in (OnlineState.SENT, OnlineState.ASKED)
    context = {
        "online": online,
        "look": LOOKS[OnlineState(online.state)],
        "place": places.path(online.region, 3),
        "programme": dict(Programme.choices).get(online.programme, "说不准"),
        "members": _members(content, form),
        "answers": _answers(content, form),
        "supplied": content.answers.get("supplied", ""),
        "signed": _signed(content),
        "papers": _papers(online, form),
        "forms": found if running and online.staff_id != user.pk else None,
        "own": running and online.staff_id == user.pk,
        "known_family": online.household_id is not None,
        "relation": shown(form.question("agent_relation"), content.answers.get("agent_relation")),
        "phone": mask_phone(content.answers["phone"]) if content.answers.get("phone") else "",
        "changed": bool(online.content_hash) and not online.supplied_at and content.hash() != online.content_hash,
    }
    return render(request, "online/one.html", context)


def _initial(online: OnlineApplication) -> dict[str, Any]:
    return {
        "programme": online.programme or Programme.DIBAO,
        "area_kind": online.household.area_kind if online.household else AreaKind.RURAL,
        "until": clock.today() + timedelta(days=14),
    }


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _do(online: OnlineApplication, do: str, given: dict[str, Any], user: Any) -> tuple[str, str]:
    back = reverse("web:online-one", args=[online.pk])
    if do == "accept":
        made = accept_online(
            online,
            acting_user=user,
            programme=given["programme"],
            area_kind=given["area_kind"],
            materials=dict.fromkeys(_lines(given["owed"]), False),
        )
        case = made.application.case
        return f"已受理，业务号 {case.no}，已短信告知申请人。", reverse("web:case", args=[case.pk])
    if do == "ask":
        until: date = given["until"]
        online_desk.ask_missing(online, acting_user=user, items=_lines(given["items"]), until=until, note=given["note"])
        return f"已一次性告知，{until} 前补齐。", back
    online_desk.refuse(online, acting_user=user, reasons=given["reasons"])
    return "已告知不予受理及理由。", back


def _members(content: Content, form: ApplyForm) -> list[dict[str, Any]]:
    today, state = clock.today(), form.question("member_state")
    found = []
    for one in content.members:
        birth = birth_of(one)
        found.append(
            {
                "name": one["name"],
                "id": mask_id(one["id"]) if one.get("id") else "",
                "relation": dict(Relation.choices).get(one["relation"], one["relation"]),
                "age": age(birth, today) if birth else None,
                "state": shown(state, one.get("state")),
                "known": one.get("person") is not None,
            }
        )
    return found


def _answers(content: Content, form: ApplyForm) -> list[tuple[str, str]]:
    skip = {"programme", "phone", "agent_relation", "village"}
    return [
        (one.label.rstrip("？"), shown(one, content.answers[one.id]))
        for one in form.questions()
        if one.id in content.answers and one.id not in skip
    ]


def _signed(content: Content) -> list[dict[str, Any]]:
    labels = {"applicant": "申请和承诺", "mandate": "委托代办"}
    found = []
    for key, one in content.signed.items():
        found.append(
            {
                "name": one["name"],
                "what": labels.get(key, "同意核对经济状况"),
                "at": one["at"].replace("T", " ")[:16],
                "lines": [" ".join(f"{x},{y}" for x, y in line) for line in one.get("strokes", ())],
                "paper": one["kind"] == "paper",
            }
        )
    return found


def _papers(online: OnlineApplication, form: ApplyForm) -> list[dict[str, Any]]:
    labels = {name: label for one in form.questions() if one.kind == "photos" for name, label in one.options.items()}
    return [
        {
            "href": reverse("web:online-paper", args=[online.pk, one.pk]),
            "label": labels.get(one.kind, "手签单"),
            "at": one.received_at,
        }
        for one in online.papers.order_by("id")
    ]


def paper(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """One photograph, as it was kept; shown in the browser and never run."""
    online = online_queries.access_online(request.user, pk)
    found = online.papers.select_related("file").filter(pk=number).first()
    if found is None:
        raise NotFoundError("材料")
    return picture(store.open_plain(found.file).read(), found.media_type)


def picture(data: bytes, media_type: str) -> HttpResponse:
    """A photograph as an answer: its own type, sandboxed, never guessed."""
    response = HttpResponse(data, content_type=media_type)
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Disposition"] = "inline"
    return response
