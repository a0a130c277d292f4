"""Complaints at the desk: the queue by its clock, one of them, and noting one for a visitor or a caller."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi import documents
from tuodi.audit.actions import record
from tuodi.kernel import clock
from tuodi.kernel.errors import TuodiError
from tuodi.kernel.places import pad12
from tuodi.org.models import Office, User
from tuodi.oversight import complaint_actions as actions
from tuodi.oversight import queries
from tuodi.oversight.models import Complaint
from tuodi.oversight.states import ComplaintState
from tuodi.policy.procedure import LEVEL_LABELS
from tuodi.web.components import pages, places, posting
from tuodi.web.components.pages import Page
from tuodi.web.components.words import Look
from tuodi.web.oversight.clocks import attempted, due_look, key_of, pdf

TABS = (("open", "待答复"), ("all", "全部"))
LOOKS = {
    ComplaintState.OPEN: Look("待答复", "warn", "clock"),
    ComplaintState.ESCALATED: Look("转上级，待答复", "warn", "clock"),
    ComplaintState.ANSWERED: Look("已答复", "ok", "check"),
    ComplaintState.CLOSED: Look("办结", "ok", "check"),
}
STEPS = {
    "received": "收到",
    "answered": "答复",
    "escalated": "转上一级",
    "not_content": "投诉人不满意",
    "closed": "办结",
}
DONE = (ComplaintState.ANSWERED, ComplaintState.CLOSED)


class AnswerForm(forms.Form):
    """The answer."""

    text = forms.CharField(
        label="答复",
        help_text="查了什么、情况怎样、怎么处理",
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 5}),
    )


class UpForm(forms.Form):
    """Why it goes a level up."""

    text = forms.CharField(label="转上一级的理由", max_length=500)


class NewForm(forms.Form):
    """A complaint noted for somebody else."""

    about = forms.ChoiceField(label="事由", choices=Complaint.About.choices)
    channel = forms.ChoiceField(
        label="渠道", choices=[one for one in Complaint.Channel.choices if one[0] not in ("online", "notice")]
    )
    office = forms.ModelChoiceField(label="投诉哪个机构", queryset=Office.objects.none(), required=False)
    staff_words = forms.CharField(label="投诉谁", required=False, max_length=60, help_text="照原话写；不知道的不填")
    case_no = forms.CharField(label="业务号", required=False, max_length=40)
    text = forms.CharField(label="内容", max_length=4000, widget=forms.Textarea(attrs={"rows": 5}))
    from_name = forms.CharField(
        label="投诉人", required=False, max_length=60, help_text="不填为匿名；不向被投诉机构显示"
    )
    phone = forms.CharField(label="联系电话", required=False, max_length=20)

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["office"].queryset = offices_in(user)  # type: ignore[attr-defined]


def offices_in(user: User) -> Any:
    """Offices a complaint may be about, in a user's range."""
    return Office.objects.filter(place_code__startswith=user.office.place_code[:6], is_active=True).order_by(
        "place_code", "name"
    )


def listing(request: HttpRequest) -> HttpResponse:
    """Complaints in the reader's range, none about himself or his office."""
    user: Any = request.user
    chosen, tabs = pages.tabs_of(request, TABS, "open")
    rows = queries.complaints(user, chosen)
    found = pages.page_of(request, lambda start, stop: list(rows[start:stop]))
    lines = [
        {
            "href": reverse("web:complaint", args=[one.pk]),
            "no": one.no,
            "about": one.get_about_display(),
            "office": one.office.name if one.office else "",
            "place": places.path(one.region),
            "channel": one.get_channel_display(),
            "received": one.received_on,
            "level": LEVEL_LABELS.get(one.level, one.level),
            "look": LOOKS[ComplaintState(one.state)],
            "due": due_look(one.due_on, one.due_pending, done=one.state in DONE),
        }
        for one in found.items
    ]
    context = {
        "page": Page(lines, found.number, None, found.previous, found.next),
        "tabs": tabs,
        "heading": dict(TABS)[chosen],
        "scope_note": " / ".join(places.names(user.office.place_code)),
    }
    return render(request, "oversight/complaints.html", context)


def show(request: HttpRequest, pk: int) -> HttpResponse:
    """One complaint. A POST answers it or sends it up. Reading it is logged."""
    user: Any = request.user
    row = queries.access_complaint(user, pk)
    do = posting.text(request, "do", 10) if request.method == "POST" else ""
    answer, up = AnswerForm(request.POST if do == "answer" else None), UpForm(request.POST if do == "up" else None)
    phone = ""
    if do == "phone":
        _ok, phone = posting.attempt(request, lambda: actions.open_phone(row, acting_user=user), "已显示，并记入日志。")
    elif do == "answer" and answer.is_valid():
        if attempted(answer, lambda: actions.answer(row, acting_user=user, text=answer.cleaned_data["text"])):
            posting.succeed(request, "已答复，并通知投诉人查看。")
            return posting.back(reverse("web:complaint", args=[pk]))
    elif do == "up" and up.is_valid():
        if attempted(up, lambda: actions.escalate(row, acting_user=user, reason=up.cleaned_data["text"])):
            posting.succeed(request, "已转上一级。")
            return posting.back(reverse("web:complaints"))
    elif request.method == "GET":
        record(
            "oversight.read_complaint", actor=user, subject_type="complaint", subject_id=row.pk, region=row.region,
            after={"no": row.no},
        )  # fmt: skip
    open_now = row.state not in DONE
    context = {
        "row": row,
        "look": LOOKS[ComplaintState(row.state)],
        "due": due_look(row.due_on, row.due_pending, done=not open_now),
        "level": LEVEL_LABELS.get(row.level, row.level),
        "place": places.path(row.region, 3),
        "events": [
            {
                "when": f"{one.at.astimezone(clock.BEIJING):%Y-%m-%d %H:%M}",
                "title": f"{STEPS.get(one.what, one.what)}{f' · {one.by.name}' if one.by else ''}",
                "text": one.text if one.what != "answered" else "",
                "css": "warn" if one.what in ("escalated", "not_content") else "ok" if one.what == "answered" else "",
            }
            for one in row.steps.select_related("by").order_by("id")
        ],
        "answer": answer,
        "up": up,
        "open": open_now,
        "locked": _locked(row, user) if open_now else "",
        "phone": phone,
    }
    return render(request, "oversight/complaint.html", context)


def _locked(row: Complaint, user: User) -> str:
    try:
        actions.check_handler(row, user)
    except TuodiError as error:
        return str(error)
    return ""


def new(request: HttpRequest) -> HttpResponse:
    """Notes a complaint of a visitor or a caller."""
    user: Any = request.user
    form = NewForm(request.POST or None, user=user)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        made: list[Complaint] = []
        if attempted(
            form,
            lambda: made.append(
                actions.complain(
                    region=pad12(given["office"].place_code if given["office"] else user.office.place_code),
                    acting_user=user,
                    client_key=key_of(request),
                    **given,
                )
            ),
        ):
            posting.succeed(request, f"已登记，编号 {made[0].no}，请告诉投诉人。")
            about_own = made[0].office_id == user.office_id
            return posting.back(reverse("web:workbench" if about_own else "web:complaints"))
    return render(request, "oversight/complaint_new.html", {"form": form, "key": uuid4()})


def letter(row: Complaint) -> dict[str, Any]:
    """What the printed answer holds."""
    return {
        "number": row.no,
        "office": row.answered_by.office.name if row.answered_by else "",
        "date": f"{row.answered_at.astimezone(clock.BEIJING):%Y-%m-%d}" if row.answered_at else "",
        "title": "投诉举报答复书",
        "recipient": row.from_name or "投诉人",
        "facts": [
            {"label": "事由", "value": row.get_about_display()},
            {"label": "收到日期", "value": f"{row.received_on}"},
            {"label": "内容", "value": row.text},
        ],
        "parts": [{"label": "答复", "value": row.answer or "（尚未答复）"}],
        "remedy": "对答复不满意的，可以在“我的投诉”里选择“不满意”，由上一级机构答复；也可以依法提出其他请求。",
    }


def printed(request: HttpRequest, pk: int) -> HttpResponse:
    """The answer as a paper."""
    row = queries.access_complaint(request.user, pk)  # type: ignore[arg-type]
    return pdf(documents.render("answer_letter", letter(row)), row.no)
