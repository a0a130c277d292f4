"""What a resident may say about what was done: object to a notice, complain, appeal, rate; and what was answered."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi import documents
from tuodi.cases.models import Case, NoticeObjection
from tuodi.cases.objections import object_online, objections_of, open_notice
from tuodi.decisions.appeal_time import last_day_of, told_days, told_on
from tuodi.decisions.models import Determination, Revocation
from tuodi.decisions.revoked import follower
from tuodi.intake.models import OnlineApplication
from tuodi.kernel import clock
from tuodi.kernel.errors import TuodiError
from tuodi.org import access
from tuodi.org.errors import NotFoundError
from tuodi.org.models import Office
from tuodi.oversight import appeal_actions, complaint_actions, queries, rating_actions
from tuodi.oversight.limits import term
from tuodi.oversight.models import Appeal, Complaint, Rating
from tuodi.oversight.states import AppealState, ComplaintState, Grade
from tuodi.people import residents
from tuodi.web.components import posting
from tuodi.web.oversight import appeals as appeal_desk
from tuodi.web.oversight import complaints as complaint_desk
from tuodi.web.oversight.clocks import key_of, pdf

__all__ = [
    "appeal", "appeal_new", "appeal_paper", "appeals", "complain", "complaint", "complaint_paper", "complaints",
    "object_to", "objections", "rate", "ratings",
]  # fmt: skip


def _page(request: HttpRequest, name: str, context: dict[str, Any], status: int = 200) -> HttpResponse:
    response = render(request, f"residents/{name}.html", context, status=status)
    response["Cache-Control"] = "no-store"
    return response


def _account(request: HttpRequest) -> Any:
    return request.resident  # type: ignore[attr-defined]


def _said(form: forms.Form, error: TuodiError) -> None:
    field = getattr(error, "field", "")
    form.add_error(field if field in form.fields else None, str(error))


def _area(label: str, hint: str = "", *, rows: int = 4, most: int = 4000, required: bool = True) -> forms.CharField:
    return forms.CharField(
        label=label, help_text=hint, max_length=most, required=required, widget=forms.Textarea(attrs={"rows": rows}),
        error_messages={"required": "没有写，请写一写。"},
    )  # fmt: skip


# Objections --------------------------------------------------------------------------------------------------------


class ObjectForm(forms.Form):
    """An objection."""

    text = _area("哪里不符合实际？", "写清楚什么人、什么事。例如家里有车跑运输、长期不在村里住。", most=2000)
    from_name = forms.CharField(
        label="您的姓名", required=False, max_length=60, help_text="可以不写。写了也不会让这家人知道。"
    )


def object_to(request: HttpRequest, no: str) -> HttpResponse:
    """Objects to a running notice of one's own town."""
    region = request.subject.region  # type: ignore[attr-defined]
    notice = open_notice(no, region=region)
    form = ObjectForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            object_online(no, account=_account(request), region=region, client_key=key_of(request), **form.cleaned_data)
        except TuodiError as error:
            _said(form, error)
        else:
            return posting.back(reverse("web:my-objections") + "?sent=1")
    context = {"form": form, "key": uuid4(), "no": no, "last_day": notice.last_day, "shown": notice.content}
    return _page(request, "object", context)


_OBJECTION = {
    NoticeObjection.State.NEW: "已收到，等待受理",
    NoticeObjection.State.TAKEN: "已受理，重新调查",
    NoticeObjection.State.DISMISSED: "不予受理",
    NoticeObjection.State.ANSWERED: "已答复",
}


def objections(request: HttpRequest) -> HttpResponse:
    """One's own objections and what became of the notice."""
    rows = [
        {
            "no": one.notice.no,
            "on": one.received_on,
            "text": one.text,
            "due": one.reply_due_on,
            "state": _OBJECTION[NoticeObjection.State(one.state)],
            "answer": one.answer,
        }
        for one in objections_of(_account(request))
    ]
    return _page(request, "objections", {"rows": rows, "sent": "sent" in request.GET})


# Complaints --------------------------------------------------------------------------------------------------------


class ComplainForm(forms.Form):
    """A complaint."""

    about = forms.ChoiceField(
        label="投诉什么？", choices=Complaint.About.choices, widget=forms.RadioSelect,
        error_messages={"required": "没有选，请选一项。"},
    )  # fmt: skip
    office = forms.ModelChoiceField(
        label="哪个单位？", queryset=Office.objects.none(), required=False, empty_label="不知道"
    )
    staff_words = forms.CharField(
        label="谁？", required=False, max_length=60, help_text="知道姓名或长相就写，不知道不填"
    )
    text = _area("什么事？", "什么时候、在哪里、怎么回事。")
    named = forms.ChoiceField(
        label="要不要写上您的姓名？", choices=[("yes", "写上，方便查清楚"), ("no", "不写")], initial="yes", widget=forms.RadioSelect,
        help_text="写了也不会让被投诉的人知道。",
    )  # fmt: skip

    def __init__(self, *args: Any, region: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kinds = [Office.Kind.CIVIL_AFFAIRS, Office.Kind.TOWN, Office.Kind.VILLAGE]
        near = [region[:12], region[:9], region[:6], region[:4]]
        self.fields["office"].queryset = Office.objects.filter(  # type: ignore[attr-defined]
            place_code__in=near, kind__in=kinds, is_active=True
        ).order_by("place_code", "name")


def complaints(request: HttpRequest) -> HttpResponse:
    """One's own complaints."""
    rows = [
        {
            "href": reverse("web:my-complaint", args=[one.uid]),
            "title": one.get_about_display(),
            "note": f"{one.no} · {one.get_state_display()}",
        }
        for one in queries.own(Complaint, _account(request))
    ]
    context = {
        "rows": rows, "title": "我的投诉", "new": reverse("web:my-complain"), "new_label": "我要投诉",
        "text": "投诉由被投诉单位的上一级答复。",
        "empty": "您没有投诉。",
    }  # fmt: skip
    return _page(request, "spoken", context)


def complain(request: HttpRequest) -> HttpResponse:
    """Makes a complaint. Sent twice it is one."""
    region = request.subject.region  # type: ignore[attr-defined]
    account = _account(request)
    form = ComplainForm(request.POST or None, region=region)
    if request.method == "POST" and form.is_valid():
        given = dict(form.cleaned_data)
        named = given.pop("named") == "yes"
        phone = residents.phone_on_file(account.person, account)
        try:
            with access.system_scope(region[:6]):
                row = complaint_actions.complain(
                    region=region, account=account, client_key=key_of(request), phone=phone,
                    from_name=account.person.name if named else "", **given,
                )  # fmt: skip
        except TuodiError as error:
            _said(form, error)
        else:
            return posting.back(reverse("web:my-complaint", args=[row.uid]))
    limit = term("complaint_answer", region, clock.today())
    return _page(request, "complain", {"form": form, "key": uuid4(), "limit": limit.text})


def complaint(request: HttpRequest, uid: UUID) -> HttpResponse:
    """One of one's own complaints with its answer. A POST says whether the answer will do."""
    account = _account(request)
    row = queries.own_one(Complaint, account, uid)
    if request.method == "POST":
        with access.system_scope(row.region[:6]):
            complaint_actions.reply(
                row, account=account, content=posting.text(request, "content", 5) == "yes",
                text=posting.text(request, "text", 500),
            )  # fmt: skip
        return posting.back(reverse("web:my-complaint", args=[uid]))
    with access.system_scope(row.region[:6]):
        again = row.steps.filter(what="not_content").exists()
        office = row.answered_by.office.name if row.answered_by else ""
    context = {
        "row": row, "office": office, "may_reply": row.state == ComplaintState.ANSWERED, "again": again,
        "open": row.state in (ComplaintState.OPEN, ComplaintState.ESCALATED),
    }  # fmt: skip
    return _page(request, "complaint", context)


def complaint_paper(request: HttpRequest, uid: UUID) -> HttpResponse:
    """The answer as a paper."""
    row = queries.own_one(Complaint, _account(request), uid)
    with access.system_scope(row.region[:6]):
        return pdf(documents.render("answer_letter", complaint_desk.letter(row)), row.no)


# Appeals -----------------------------------------------------------------------------------------------------------


class AppealForm(forms.Form):
    """An appeal."""

    claim = _area("您要什么？", "例如：撤销不予确认的决定，重新办理。", rows=2, most=1000)
    grounds = _area("为什么？", "哪里算错了、哪里和事实不符，有什么证据。", rows=5)
    known_on = forms.DateField(
        label="哪天知道这个决定的？",
        help_text="期限从这一天算起",
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        error_messages={"required": "没有填，请选日期。", "invalid": "日期不对，请重选。"},
    )
    late_reason = _area("为什么没有在期限内提出？", "超过期限才要写", rows=2, most=1000, required=False)


def appeals(request: HttpRequest) -> HttpResponse:
    """One's own appeals, and the decisions one may appeal against with the last day of each."""
    account = _account(request)
    rows = [
        {
            "href": reverse("web:my-appeal", args=[one.uid]),
            "title": f"复议 {one.no}",
            "note": one.get_outcome_display() if one.outcome else one.get_state_display(),
        }
        for one in queries.own(Appeal, account)
    ]
    today = clock.today()
    may = []
    decided = queries.determinations_of(account)
    told = told_days(decided)
    for one in decided:
        end = last_day_of(one, told.get(one.pk))
        word = "不予确认" if one.outcome == "fail" else "予以确认"
        late = end.on is not None and end.on < today
        may.append(
            {
                "href": reverse("web:my-appeal-new", args=[one.no]),
                "title": f"{one.get_programme_display()} · {word}",
                "note": f"{one.decided_on} 决定，{'期限已过' if late else f'{end.on} 前可以申请' if end.on else '可以申请'}",
            }
        )
    context = {
        "rows": rows, "title": "申请复议", "may": may, "text": "对决定不同意的，可以申请行政复议，由上一级重新审查。不收费。",
        "empty": "您没有申请过复议。",
    }  # fmt: skip
    return _page(request, "spoken", context)


def _own_determination(account: Any, no: str) -> Determination:
    for one in queries.determinations_of(account):
        if one.no == no:
            return one
    raise NotFoundError("决定")


def appeal_new(request: HttpRequest, no: str) -> HttpResponse:
    """Files an appeal against a decision of one's own family."""
    account = _account(request)
    row = _own_determination(account, no)
    told = told_on(row)
    end = last_day_of(row, told)
    form = AppealForm(request.POST or None, initial={"known_on": told or row.decided_on})
    if end.on is None or clock.today() <= end.on:
        del form.fields["late_reason"]
    if request.method == "POST" and form.is_valid():
        try:
            with access.system_scope(row.region[:6]):
                made = appeal_actions.file_appeal(row, account=account, client_key=key_of(request), **form.cleaned_data)
        except TuodiError as error:
            _said(form, error)
        else:
            return posting.back(reverse("web:my-appeal", args=[made.uid]))
    context = {"form": form, "key": uuid4(), "row": row, "last_day": end.on}
    return _page(request, "appeal_new", context)


def appeal(request: HttpRequest, uid: UUID) -> HttpResponse:
    """One of one's own appeals. A POST takes it back."""
    account = _account(request)
    row = queries.own_one(Appeal, account, uid)
    if request.method == "POST":
        with access.system_scope(row.region[:6]):
            appeal_actions.withdraw(row, account=account)
        return posting.back(reverse("web:my-appeal", args=[uid]))
    with access.system_scope(row.region[:6]):
        determination = row.determination
        again = Revocation.objects.select_related("case").filter(determination=determination).first()
        new = follower(determination)
        context = {
            "row": row,
            "determination": determination,
            "open": row.state in (AppealState.FILED, AppealState.ACCEPTED),
            "case_no": again.case.no if again and again.case else "",
            "new": new,
        }
        return _page(request, "appeal", context)


def appeal_paper(request: HttpRequest, uid: UUID) -> HttpResponse:
    """The decision as a paper."""
    row = queries.own_one(Appeal, _account(request), uid)
    with access.system_scope(row.region[:6]):
        return pdf(documents.render("answer_letter", appeal_desk.letter(row)), row.no)


# Ratings -----------------------------------------------------------------------------------------------------------


class RateForm(forms.Form):
    """A rating."""

    grade = forms.TypedChoiceField(
        label="满意吗？", coerce=int, choices=[(one.value, one.label) for one in Grade], widget=forms.RadioSelect,
        error_messages={"required": "没有选，请选一项。"},
    )  # fmt: skip
    tags = forms.MultipleChoiceField(
        label="说的是哪方面？", required=False, choices=[(one, one) for one in rating_actions.TAGS],
        widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip
    text = _area("想说什么？", "可以不写。", rows=3, most=1000, required=False)


def ratings(request: HttpRequest) -> HttpResponse:
    """What may be rated, and what was."""
    account = _account(request)
    given = queries.own(Rating, account)
    done = {(one.matter_no, one.stage) for one in given}
    may = [
        {
            "href": f"{reverse('web:my-rate')}?no={no}&stage={stage}",
            "title": f"{Rating.Stage(stage).label}",
            "note": no,
        }
        for no, stage in _rateable(account)
        if (no, stage) not in done
    ]
    rows = [
        {"href": "", "title": f"{one.get_stage_display()} · {Grade(one.grade).label}", "note": f"{one.given_on}"}
        for one in given
    ]
    mend = term("rating_mend", request.subject.region, clock.today())  # type: ignore[attr-defined]
    context = {
        "rows": rows, "title": "评价服务", "may": may, "empty": "您还没有评价过。",
        "text": f"办过的事，一个环节评一次，自愿。您评的人不会知道是谁评的；不满意的，{mend.text}内整改并回访。",
    }  # fmt: skip
    return _page(request, "spoken", context)


def _rateable(account: Any) -> list[tuple[str, str]]:
    """Matter and step of everything of one's own that has happened."""
    found: list[tuple[str, str]] = []
    with access.system_scope(access.NATION):
        own = OnlineApplication.objects.filter(account=account, for_other=False).exclude(no=None)
        found += [(str(no), Rating.Stage.ONLINE.value) for no in own.values_list("no", flat=True).order_by("-id")[:20]]
        for case in (
            Case.objects.filter(household__memberships__person=account.person_id).order_by("-id").distinct()[:10]
        ):
            found += [(case.no, stage) for stage in rating_actions.rateable(case)]
        answered = Complaint.objects.filter(account=account).exclude(answer="").order_by("-id")[:20]
        found += [(one.no, Rating.Stage.COMPLAINT.value) for one in answered]
    return found


def rate(request: HttpRequest) -> HttpResponse:
    """Rates one step of one matter of one's own."""
    account = _account(request)
    no = str(request.POST.get("no", request.GET.get("no", "")))[:40]
    stage = str(request.POST.get("stage", request.GET.get("stage", "")))[:12]
    if (no, stage) not in _rateable(account):
        raise NotFoundError("可以评价的事项")
    form = RateForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        region = request.subject.region  # type: ignore[attr-defined]
        try:
            with access.system_scope(region[:6]):
                case = Case.objects.filter(no=no).first()
                rating_actions.rate(
                    account=account, region=region, matter_no=no, stage=stage, case=case, **form.cleaned_data
                )
        except TuodiError as error:
            _said(form, error)
        else:
            return posting.back(reverse("web:my-ratings"))
    context = {"form": form, "no": no, "stage": stage, "label": Rating.Stage(stage).label}
    return _page(request, "rate", context)
