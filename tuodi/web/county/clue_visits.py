"""Home visits of one clue: plan one, read what they found, take a finding as evidence."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.kernel import clock
from tuodi.kernel.places import trim
from tuodi.monitoring import clue_visits, ledger
from tuodi.monitoring.models import Clue
from tuodi.org.models import Duty, DutyCode, User
from tuodi.verification.models import VisitRecord, VisitTask
from tuodi.verification.visit_actions import PLANNERS
from tuodi.verification.visit_queries import Finding, visit_findings, visits_of
from tuodi.web.components import clue_words, navigation, places, posting, reading
from tuodi.web.components.words import Look
from tuodi.web.field import showing

_MAY_TAKE = (DutyCode.CLUE, DutyCode.VISIT, DutyCode.VERIFY, DutyCode.CLUE_DECIDE)
#: Colleagues a form offers at most.
_MOST = 80


class PlanForm(forms.Form):
    """Which two go, until when."""

    first = forms.ChoiceField(label="调查员一")
    second = forms.ChoiceField(label="调查员二")
    due = forms.DateField(
        label="期限", required=False, help_text="不填按入户调查的规定期限",
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}), error_messages={"invalid": "不是日期，请按 2017-05-08 的样子填写。"},
    )  # fmt: skip
    note = forms.CharField(label="交代事项", required=False, max_length=300, help_text="例如 看车辆是否停在院内")

    def __init__(self, *args: Any, people: list[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.people = {str(one.pk): one for one in people}
        choices = [("", "请选择"), *((pk, f"{one.name}（{one.office.name}）") for pk, one in self.people.items())]
        for name in ("first", "second"):
            self.fields[name].choices = choices
            self.fields[name].error_messages["required"] = "没有选，请选择一名调查员。"

    def clean(self) -> dict[str, Any]:
        """Two different people."""
        data = super().clean() or {}
        if data.get("first") and data.get("first") == data.get("second"):
            self.add_error("second", "与调查员一是同一人，请选另一人。")
        return data

    def clean_due(self) -> Any:
        """A day that is not past."""
        day = self.cleaned_data["due"]
        if day is not None and day < clock.today():
            raise forms.ValidationError("期限不能早于今天。")
        return day


def visitors(region: str, user: User) -> list[User]:
    """Who may go to a family of this place over a clue: of the user's office first, then the nearest."""
    place = trim(region)
    codes = [place[:size] for size in (2, 4, 6, 9, 12) if size <= len(place)]
    today = clock.today()
    held = Duty.objects.filter(
        code__in=(DutyCode.VISIT, DutyCode.CLUE), place_code__in=codes, since__lte=today, user__is_active=True
    ).exclude(until__lte=today)
    nearest: dict[int, int] = {}
    for pk, code in held.values_list("user", "place_code"):
        nearest[pk] = max(nearest.get(pk, 0), len(code))
    found = User.objects.filter(pk__in=sorted(nearest, key=lambda pk: (-nearest[pk], pk))[:_MOST]).select_related(
        "office"
    )
    return sorted(found, key=lambda one: (one.office_id != user.office_id, -nearest[one.pk], one.pk))


def show(request: HttpRequest, no: str) -> HttpResponse:
    """The page; a POST plans a visit or takes a finding as evidence. A fixed number of queries."""
    user: Any = request.user
    clue = ledger.access_clue(user, no)
    here = reverse("web:clue-visits", args=[clue.no])
    may_plan = clue.state not in (Clue.State.GENERATED, Clue.State.CLOSED) and navigation.may(
        request, PLANNERS[VisitTask.Purpose.CLUE], clue.region
    )
    people = visitors(clue.region, user) if may_plan else []
    form = PlanForm(request.POST if "first" in request.POST else None, people=people, initial={"first": str(user.pk)})
    if request.method == "POST":
        taken = posting.text(request, "take", 18)
        if taken.isascii() and taken.isdigit():
            done, _ = posting.attempt(
                request,
                lambda: clue_visits.take_finding(clue, int(taken), acting_user=user),
                "入户记录已作为证据入卷。",
            )
            return posting.back(reverse("web:clue", args=[clue.no]) if done else here)
        if may_plan and form.is_valid() and _plan(request, clue, form):
            return posting.back(here)
    reading.note_reading(request, "线索入户", [clue.household_id], [clue.person_id], region=clue.region)
    tasks = visits_of(matter_no=clue.no)
    names, today = showing.names_of(tasks), clock.today()
    found = {one.task_id: one for one in visit_findings(clue.no)}
    have = set(clue.evidence.filter(visit_id__isnull=False).values_list("visit_id", flat=True))
    context = {
        "clue": clue,
        "title": clue_words.rule_label(clue.rule_text, clue.rule_code),
        "place": places.path(clue.region, 3),
        "rows": [(showing.line(task, today, names), _finding(found.get(task.pk), have)) for task in tasks],
        "form": form if may_plan else None,
        "few": may_plan and len(people) < 2,
        "may_take": navigation.may(request, _MAY_TAKE, clue.region),
        "needs": "visit" in clue.required and not clue.evidence.filter(kind="visit").exists(),
    }
    return render(request, "county/clue_visits.html", context)


def _plan(request: HttpRequest, clue: Clue, form: PlanForm) -> bool:
    data = form.cleaned_data
    done, _ = posting.attempt(
        request,
        lambda: clue_visits.plan_clue_visit(
            clue, assigned=[form.people[data["first"]], form.people[data["second"]]], due=data["due"], note=data["note"],
            acting_user=request.user,  # type: ignore[arg-type]
        ),
        lambda task: f"入户任务 {task.no} 已安排，调查员在“入户调查”里能看到。",
    )  # fmt: skip
    return done


def _finding(found: Finding | None, have: set[int]) -> dict[str, Any] | None:
    """What a visit found, and whether it lies with the clue already."""
    if found is None:
        return None
    return {
        "visit_id": found.visit_id,
        "on": found.on,
        "conclusion": Look(
            VisitRecord.Conclusion(found.conclusion).label, showing.CONCLUSIONS.get(found.conclusion, "")
        ),
        "opinion": found.opinion,
        "people": "、".join(found.investigators),
        "differs": found.differs,
        "photos": found.photos,
        "hash": found.evidence_hash,
        "taken": found.visit_id in have,
        "ready": found.signed or found.state == VisitTask.State.REFUSED,
    }
