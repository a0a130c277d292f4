"""The forms of a case's steps: what is asked for each kind of step, and which action takes the answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from tuodi.cases import actions
from tuodi.cases.models import Case, Notice, Step
from tuodi.decisions import actions as decisions
from tuodi.decisions import roll
from tuodi.decisions.duplicates import against_case
from tuodi.decisions.models import Determination
from tuodi.decisions.queries import of_case
from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.org.models import User
from tuodi.people.models import Account, RollEntry
from tuodi.policy.procedure import Does
from tuodi.verification import request_actions
from tuodi.web.components import posting


@dataclass(frozen=True)
class Answer:
    """One button."""

    code: str
    label: str
    primary: bool = False
    danger: bool = False


@dataclass
class StepForm:
    """One open step of mine with its fields and buttons; `locked` says why it waits."""

    step: Step
    fields: forms.Form
    answers: tuple[Answer, ...]
    locked: str = ""


class OpinionForm(forms.Form):
    """An opinion, asked where the law wants reasons."""

    opinion = forms.CharField(label="意见", widget=forms.Textarea(attrs={"rows": 3}), required=False, max_length=1000)

    def __init__(self, *args: Any, asked: bool = False, people: int = 1, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if asked:
            self.fields["opinion"].help_text = "必填，写明理由"
        if people > 1:
            self.fields["people"] = forms.CharField(
                label="共同办理人账号", help_text=f"本环节须不少于 {people} 人，用逗号分开", required=False
            )


_DONE = (Answer("done", "办理完成", primary=True),)
_ANSWERS: Mapping[str, tuple[Answer, ...]] = {
    Does.REVIEW: (Answer("refuse", "建议不予确认", danger=True), Answer("pass", "建议确认", primary=True)),
    Does.MEETING: (Answer("disputed", "有争议", danger=True), Answer("agreed", "一致同意", primary=True)),
    Does.CONFIRM: (Answer("refused", "不予确认", danger=True), Answer("passed", "予以确认", primary=True)),
    Does.PUBLISH: (Answer("post", "公布结果", primary=True),),
}


def for_step(step: Step, case: Case, data: Any = None) -> StepForm:
    """The form of an open step; with `data` it holds again what was typed."""
    people = case.procedure.step(step.name).people
    asked = step.kind in (Does.REVIEW, Does.MEETING, Does.CONFIRM)
    fields = OpinionForm(data, asked=asked, people=people, prefix=step.name)
    form = StepForm(step, fields, _ANSWERS.get(step.kind, _DONE))
    if step.kind is Does.NOTICE:
        _notice(form)
    if step.kind is Does.CONFIRM and against_case(case):
        form.fields.fields |= {
            "duplicate_seen": forms.BooleanField(label="已核对重复救助", required=False),
            "duplicate_reason": _reason(),
        }
    return form


def _reason() -> forms.CharField:
    return forms.CharField(
        label="重复救助说明",
        help_text="两项不能同时享受而确需确认的，写明理由",
        required=False,
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 2}),
    )


def _notice(form: StepForm) -> None:
    notice = Notice.objects.filter(step=form.step).first()
    form.fields = forms.Form(prefix=form.step.name)
    if notice is None:
        form.answers = (Answer("post", "张贴公示", primary=True),)
    elif notice.last_day and notice.last_day < clock.today():
        form.answers = (Answer("close", "公示结束", primary=True),)
    else:
        last = f"{notice.last_day:%Y-%m-%d}" if notice.last_day else "待定"
        form.answers = ()
        form.locked = f"公示中，截止 {last}；期满次日起可以结束。"


def answer(request: HttpRequest, case: Case, mine: Mapping[str, StepForm]) -> HttpResponse | None:
    """Do what the posted form asks, by the action of its kind of step.

    Returns:
        The way on after it was done; None after a refusal, which is told: the page is drawn anew with what was typed.
    """
    form = mine.get(posting.text(request, "step", 40))
    code = posting.text(request, "answer", 20)
    if form is None or code not in {one.code for one in form.answers}:
        posting.refuse(request, "这个环节现在不能由您办理，可能刚被别人办完。请看下面的最新状态。")
        return None
    verb = _VERBS.get(form.step.kind, _complete)
    done, _ = posting.attempt(request, lambda: verb(request, form.step, code), f"“{form.step.label}”已办理。")
    return posting.back(reverse("web:case", args=[case.pk])) if done else None


#: What a form's fields are called where what was typed is shown again.
_TYPED = {"opinion": "意见", "people": "共同办理人账号", "duplicate_reason": "重复救助说明"}


def typed(request: HttpRequest) -> list[tuple[str, str]]:
    """What the reader typed into a step's form, by label: shown again where its form is gone."""
    name = posting.text(request, "step", 40)
    found = [(label, posting.text(request, f"{name}-{field}")) for field, label in _TYPED.items()]
    return [(label, text) for label, text in found if text]


def _opinion(request: HttpRequest, step: Step) -> str:
    return posting.text(request, f"{step.name}-opinion")


def _people(request: HttpRequest, step: Step) -> list[User]:
    names = posting.text(request, f"{step.name}-people", 200).replace("，", ",").replace("、", ",").split(",")
    wanted = [name.strip().lower() for name in names if name.strip()]
    return list(User.objects.filter(username__in=wanted, is_active=True)) if wanted else []


def _complete(request: HttpRequest, step: Step, code: str) -> Any:
    return actions.complete_step(
        step,
        acting_user=request.user,
        result=code,
        opinion=_opinion(request, step),
        people=_people(request, step),
    )


def _check(request: HttpRequest, step: Step, code: str) -> Any:
    """信息核对: on the case's report; what is missing is named in the opinion."""
    return request_actions.complete_check(
        step, acting_user=request.user, result=code, opinion=_opinion(request, step), people=_people(request, step)
    )


def _review(request: HttpRequest, step: Step, code: str) -> Any:
    return decisions.first_review(step.case, acting_user=request.user, result=code, opinion=_opinion(request, step))


def _notice_verb(request: HttpRequest, step: Step, code: str) -> Any:
    if code == "close":
        return decisions.close_notice(step.case, acting_user=request.user)
    return decisions.post_notice(step.case, acting_user=request.user)


def _confirm(request: HttpRequest, step: Step, code: str) -> Any:
    """Grants or refuses; what is granted goes on the roll in the same request."""
    opinion = _opinion(request, step)
    if code == "refused":
        return decisions.refuse(step.case, acting_user=request.user, reasons=opinion)
    return decisions.confirm(
        step.case,
        acting_user=request.user,
        opinion=opinion,
        duplicate_reason=posting.text(request, f"{step.name}-duplicate_reason", 1000),
        duplicates_seen=bool(posting.text(request, f"{step.name}-duplicate_seen", 5)),
    )


def _publish(request: HttpRequest, step: Step, code: str) -> Any:
    return decisions.publish(step.case, acting_user=request.user)


def _inform(request: HttpRequest, step: Step, code: str) -> Any:
    return decisions.inform(step.case, acting_user=request.user, how=_opinion(request, step))


def _file(request: HttpRequest, step: Step, code: str) -> Any:
    return decisions.file_record(step.case, acting_user=request.user, opinion=_opinion(request, step))


#: Kind of step -> verb; all others are completed plainly.
_VERBS: dict[Does, Callable[[HttpRequest, Step, str], Any]] = {
    Does.CHECK: _check,
    Does.REVIEW: _review,
    Does.NOTICE: _notice_verb,
    Does.CONFIRM: _confirm,
    Does.PUBLISH: _publish,
    Does.INFORM: _inform,
    Does.FILE: _file,
}


class EnrolForm(forms.Form):
    """Which account a granted entitlement is paid into."""

    account = forms.ChoiceField(label="发放账户", required=False, help_text="户名须是家庭成员；可以以后再登记")

    def __init__(self, *args: Any, accounts: Sequence[Account], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.accounts = {str(account.pk): account for account in accounts}
        shown = [(pk, f"{account.holder} 尾号 {account.last4}") for pk, account in self.accounts.items()]
        self.fields["account"].choices = [*shown, ("", "暂无账户")]


def waiting_for_roll(case: Case, decided: Sequence[Determination] | None = None) -> list[Determination]:
    """What the case granted and the roll does not have yet. `decided`: the case's decisions, where they were read."""
    granted = [row for row in (of_case(case) if decided is None else decided) if row.outcome == "pass"]
    if not granted:
        return []
    listed = set(
        RollEntry.objects.filter(determination_id__in=[row.pk for row in granted]).values_list(
            "determination_id", flat=True
        )
    )
    return [row for row in granted if row.pk not in listed]


def enrol_form(case: Case, data: Any = None) -> EnrolForm:
    """The form with the open accounts of the family's present members."""
    people = case.household.memberships.filter(until__isnull=True).values("person")
    accounts = Account.objects.filter(person__in=people, until__isnull=True).order_by("-since", "-id")
    return EnrolForm(data, accounts=list(accounts))


def enrol(request: HttpRequest, case: Case) -> HttpResponse:
    """Put on the roll what was granted."""
    form = enrol_form(case, request.POST)
    form.is_valid()
    account = form.accounts.get(form.cleaned_data.get("account", ""))
    for row in waiting_for_roll(case):
        ok, _ = posting.attempt(
            request,
            lambda row=row: roll.put_on_roll(row, acting_user=request.user, account=account),  # type: ignore[misc]
            f"已列入名册，{Month.parse(str(row.start_month))} 起发放。",
        )
        if not ok:
            break
    return posting.back(reverse("web:case", args=[case.pk]))
