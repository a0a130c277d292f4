"""Appeals at the desk: the queue by the law's clocks, and one of them with what may be decided."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi import documents
from tuodi.audit.actions import record
from tuodi.cases.reopen import STARTS
from tuodi.decisions.models import Revocation
from tuodi.decisions.revoked import follower
from tuodi.kernel import clock
from tuodi.kernel.errors import TuodiError
from tuodi.org.models import User
from tuodi.oversight import appeal_actions as actions
from tuodi.oversight import queries
from tuodi.oversight.models import Appeal
from tuodi.oversight.states import AppealState, Outcome
from tuodi.policy.procedure import LEVEL_LABELS, Does
from tuodi.verification.queries import latest_frozen
from tuodi.web.components import pages, places, posting
from tuodi.web.components.pages import Page
from tuodi.web.components.words import Look
from tuodi.web.oversight.clocks import attempted, due_look, pdf

TABS = (("open", "待办"), ("all", "全部"))
LOOKS = {
    AppealState.FILED: Look("待审查受理", "warn", "clock"),
    AppealState.ACCEPTED: Look("审理中", "info", "clock"),
    AppealState.NOT_ACCEPTED: Look("不予受理", "bad", "x"),
    AppealState.DECIDED: Look("已决定", "ok", "check"),
    AppealState.WITHDRAWN: Look("申请人撤回"),
}
STEPS = {
    "filed": "提出", "accepted": "受理", "not_accepted": "不予受理", "extended": "延长期限", "decided": "决定",
    "withdrawn": "撤回",
}  # fmt: skip
OPEN = (AppealState.FILED, AppealState.ACCEPTED)


class AcceptForm(forms.Form):
    """Taking it in."""

    late_excused = forms.BooleanField(label="逾期理由正当（因不可抗力等耽误）", required=False)


class RefuseForm(forms.Form):
    """Why it is not taken in."""

    reasons = forms.CharField(label="不予受理的理由", max_length=4000, widget=forms.Textarea(attrs={"rows": 3}))


class ExtendForm(forms.Form):
    """Why it takes longer."""

    reason = forms.CharField(label="延长的理由", max_length=500)


class DecideForm(forms.Form):
    """The decision."""

    outcome = forms.ChoiceField(
        label="复议决定",
        choices=[(one.value, one.label) for one in Outcome if one],
        widget=forms.RadioSelect,
        help_text="变更：按原事实表或最新定稿的事实表由本级直接决定；撤销：退回原机关重新办理",
    )
    since = forms.ChoiceField(
        label="撤销后从哪一步重新办理",
        choices=[(one.value, label) for one, label in STARTS.items()],
        initial=Does.VISIT.value,
    )
    newest = forms.BooleanField(label="变更时用最新定稿的事实表", required=False)
    reasons = forms.CharField(
        label="认定的事实和理由", max_length=4000, widget=forms.Textarea(attrs={"rows": 5}), help_text="写明依据的条款"
    )


def listing(request: HttpRequest) -> HttpResponse:
    """Appeals in the reader's range, the nearest day first."""
    user: Any = request.user
    chosen, tabs = pages.tabs_of(request, TABS, "open")
    rows = queries.appeals(user, chosen)
    found = pages.page_of(request, lambda start, stop: list(rows[start:stop]))
    lines = [
        {
            "href": reverse("web:appeal", args=[one.pk]),
            "no": one.no,
            "name": one.applicant.name,
            "determination": one.determination.no,
            "programme": one.determination.get_programme_display(),
            "place": places.path(one.region),
            "filed": one.filed_on,
            "look": LOOKS[AppealState(one.state)],
            "outcome": one.get_outcome_display() if one.outcome else "",
            "due": _due(one),
        }
        for one in found.items
    ]
    context = {
        "page": Page(lines, found.number, None, found.previous, found.next),
        "tabs": tabs,
        "heading": dict(TABS)[chosen],
        "scope_note": " / ".join(places.names(user.office.place_code)),
    }
    return render(request, "oversight/appeals.html", context)


def _due(row: Appeal) -> Look:
    on = row.check_due_on if row.state == AppealState.FILED else row.decide_due_on
    return due_look(on, row.due_pending, done=row.state not in OPEN)


def show(request: HttpRequest, pk: int) -> HttpResponse:
    """One appeal. A POST takes it in or not, gives it time, or decides. Reading it is logged."""
    user: Any = request.user
    row = queries.access_appeal(user, pk)
    do = posting.text(request, "do", 10) if request.method == "POST" else ""
    kinds: dict[str, type[forms.Form]] = {
        "accept": AcceptForm, "refuse": RefuseForm, "extend": ExtendForm, "decide": DecideForm,
    }  # fmt: skip
    found = {name: kind(request.POST if name == do else None) for name, kind in kinds.items()}
    if do in found and found[do].is_valid():
        form = found[do]
        if attempted(form, lambda: _do(row, do, form.cleaned_data, user)):
            posting.succeed(request, "已办理，并通知申请人查看。")
            return posting.back(reverse("web:appeal", args=[pk]))
    elif request.method == "GET":
        record(
            "oversight.read_appeal", actor=user, subject_type="appeal", subject_id=row.pk, region=row.region,
            after={"no": row.no},
        )  # fmt: skip
    row = queries.access_appeal(user, pk)
    again = Revocation.objects.select_related("case", "instead").filter(determination=row.determination).first()
    context = {
        "row": row,
        "look": LOOKS[AppealState(row.state)],
        "due": _due(row),
        "place": places.path(row.region, 3),
        "against": LEVEL_LABELS.get(row.against_level, row.against_level),
        "late": row.file_by is not None and row.filed_on > row.file_by,
        "again": again,
        "follower": follower(row.determination),
        "events": [
            {
                "when": f"{one.at.astimezone(clock.BEIJING):%Y-%m-%d %H:%M}",
                "title": f"{STEPS.get(one.what, one.what)}{f' · {one.by.name}' if one.by else ''}",
                "text": one.text if one.what == "extended" else "",
                "css": "ok" if one.what == "decided" else "",
            }
            for one in row.steps.select_related("by").order_by("id")
        ],
        "forms": found,
        "locked": _locked(row, user) if row.state in OPEN else "",
        "newer": _newer(row),
    }
    return render(request, "oversight/appeal.html", context)


def _newer(row: Appeal) -> bool:
    newest = latest_frozen(row.household)
    return newest is not None and newest.pk != row.determination.fact_set_id


def _do(row: Appeal, do: str, given: dict[str, Any], user: Any) -> None:
    if do == "accept":
        actions.accept(row, acting_user=user, late_excused=given["late_excused"])
    elif do == "refuse":
        actions.not_accept(row, acting_user=user, reasons=given["reasons"])
    elif do == "extend":
        actions.extend(row, acting_user=user, reason=given["reason"])
    else:
        facts = latest_frozen(row.household) if given["newest"] else None
        actions.decide(
            row,
            acting_user=user,
            outcome=given["outcome"],
            reasons=given["reasons"],
            since=Does(given["since"]),
            fact_set=facts,
        )


def _locked(row: Appeal, user: User) -> str:
    try:
        actions.check_handler(row, user)
    except TuodiError as error:
        return str(error)
    return ""


def letter(row: Appeal) -> dict[str, Any]:
    """What the printed decision holds."""
    decided = row.state == AppealState.DECIDED
    parts = [{"label": "申请人的请求和理由", "value": f"{row.claim}。{row.grounds}"}]
    if row.reasons:
        parts.append({"label": "本机关认定和理由" if decided else "不予受理的理由", "value": row.reasons})
    if decided:
        parts.append({"label": "决定", "value": f"{row.get_outcome_display()}（{row.determination.no}）。"})
    return {
        "number": row.no,
        "office": row.decided_by.office.name if row.decided_by else "",
        "date": f"{row.decided_on}" if row.decided_on else "",
        "title": "行政复议决定书" if decided else "不予受理行政复议申请决定书" if row.reasons else "行政复议申请",
        "recipient": row.applicant.name,
        "facts": [
            {"label": "原决定", "value": f"{row.determination.no}（{row.determination.decided_on}）"},
            {"label": "项目", "value": row.determination.get_programme_display()},
            {"label": "提出日期", "value": f"{row.filed_on}"},
        ],
        "parts": parts,
        "remedy": "如不服本决定，可以自收到之日起十五日内依法向人民法院提起行政诉讼。" if row.reasons else "",
    }


def printed(request: HttpRequest, pk: int) -> HttpResponse:
    """The decision as a paper."""
    row = queries.access_appeal(request.user, pk)  # type: ignore[arg-type]
    return pdf(documents.render("answer_letter", letter(row)), row.no)
