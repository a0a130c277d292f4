"""Visits of one case at the desk: plan one, and read what the visits found."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.cases.models import Case
from tuodi.cases.queries import access_case
from tuodi.kernel import clock
from tuodi.kernel.places import trim
from tuodi.org.models import Duty, DutyCode, User
from tuodi.verification.kin_actions import county_visit_of
from tuodi.verification.models import VisitTask
from tuodi.verification.visit_actions import PLANNERS, plan_visit
from tuodi.verification.visit_queries import latest_record, visits_of
from tuodi.web.components import navigation, posting, reading
from tuodi.web.field import showing

#: What is planned from a case; the other purposes come from their own pages.
PURPOSES = (VisitTask.Purpose.CASE, VisitTask.Purpose.KIN, VisitTask.Purpose.REVIEW)


class PlanForm(forms.Form):
    """Who goes, for what, until when."""

    purpose = forms.ChoiceField(label="事由", choices=[(one.value, one.label) for one in PURPOSES])
    first = forms.ChoiceField(label="调查员一")
    second = forms.ChoiceField(label="调查员二")
    due = forms.DateField(
        label="期限", required=False, help_text="不填按本案入户环节的期限",
        widget=forms.DateInput(attrs={"type": "date"}),
    )  # fmt: skip
    note = forms.CharField(label="交代事项", required=False, max_length=300)

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


def visitors(region: str, user: User) -> list[User]:
    """Colleagues with a visiting duty over this place, of the user's own office first; at most a few dozen."""
    place = trim(region)
    codes = [place[:size] for size in (2, 4, 6, 9, 12) if size <= len(place)]
    today = clock.today()
    held = Duty.objects.filter(code=DutyCode.VISIT, place_code__in=codes, since__lte=today).exclude(until__lte=today)
    found = User.objects.filter(pk__in=held.values("user"), is_active=True).select_related("office").order_by("id")[:80]
    return sorted(found, key=lambda one: (one.office_id != user.office_id, one.pk))


def show(request: HttpRequest, pk: int) -> HttpResponse:
    """The page; a POST plans a visit."""
    case = access_case(request.user, pk=pk)
    may_plan = case.is_running and navigation.may(request, PLANNERS[VisitTask.Purpose.CASE], case.region)
    people = visitors(case.region, request.user) if may_plan else []
    form = PlanForm(request.POST or None, people=people, initial={"first": str(request.user.pk)})
    if request.method == "POST" and may_plan and form.is_valid() and _plan(request, case, form):
        return posting.back(reverse("web:case-visits", args=[case.pk]))
    reading.note_reading(request, "入户安排", [case.household_id], [case.applicant_id], region=case.region)
    tasks = visits_of(case=case)
    names, today = showing.names_of(tasks), clock.today()
    rows = []
    for task in tasks:
        record = latest_record(task)
        rows.append((showing.line(task, today, names), showing.version(record) if record else None))
    context = {
        "case": case,
        "form": form if may_plan else None,
        "rows": rows,
        "kin": "kin" in case.marks,
        "county_visit": county_visit_of(case),
    }
    return render(request, "counter/visits.html", context)


def _plan(request: HttpRequest, case: Case, form: PlanForm) -> bool:
    data = form.cleaned_data
    done, _ = posting.attempt(
        request,
        lambda: plan_visit(
            case.household,
            data["purpose"],
            acting_user=request.user,
            case=case,
            assigned=[form.people[data["first"]], form.people[data["second"]]],
            due=data["due"],
            note=data["note"],
        ),
        lambda task: f"入户任务 {task.no} 已安排。",
    )
    return done
