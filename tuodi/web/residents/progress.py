"""How far my applications are: what is done, what comes next and by when, whom to call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from tuodi.cases.models import Case, Step
from tuodi.cases.states import CaseState, StepState
from tuodi.decisions.models import Determination
from tuodi.kernel import clock
from tuodi.people.enums import Programme
from tuodi.policy.procedure import LEVEL_LABELS
from tuodi.web.components import places
from tuodi.web.residents.doors import own

#: What each kind of step means to the family, and whether it has something to do.
WORDS = {
    "accept": "收下申请",
    "check": "向有关部门核对收入和财产",
    "visit": "上门了解家里情况",
    "meeting": "村（居）民评议",
    "review": "提出初审意见",
    "notice": "张榜公示，听取意见",
    "confirm": "作出决定",
    "publish": "公布结果",
    "inform": "把结果书面告诉您",
    "file": "上级备案",
    "record": "提出意见",
}


@dataclass(frozen=True)
class Line:
    """One step as the family reads it: `state` is done, now or later; a skipped step is left out."""

    label: str
    words: str
    who: str
    state: str
    on: date | None
    due: date | None
    pending: bool
    late: bool


@dataclass(frozen=True)
class Road:
    """One case: where it stands and what comes next."""

    no: str
    programme: str
    accepted: date
    state: str
    ended: bool
    next: Line | None
    lines: list[Line]
    due: date | None
    due_pending: bool
    decision: Determination | None
    end_reason: str


def line_of(step: Step, *, late: bool) -> Line:
    """One step in plain words. The officer's name and opinion are not the family's to read."""
    state = {StepState.DONE: "done", StepState.OPEN: "now"}.get(StepState(step.state), "later")
    return Line(
        label=step.label,
        words=WORDS.get(step.does, step.label),
        who=LEVEL_LABELS.get(step.by_level, ""),
        state=state,
        on=step.completed_on,
        due=step.due_on if state == "now" else None,
        pending=step.due_pending and state == "now",
        late=late,
    )


def steps_by_case(cases: Sequence[Case]) -> dict[int, list[Step]]:
    """The newest round of each step of some cases, in order: one query, however many."""
    found: dict[int, dict[str, Step]] = {case.pk: {} for case in cases}
    for row in Step.objects.filter(case__in=cases).order_by("position", "round"):
        found[row.case_id][row.name] = row
    return {number: list(rows.values()) for number, rows in found.items()}


def road_of(case: Case, steps: Sequence[Step], decision: Determination | None) -> Road:
    """A case's steps in order, without those that do not apply."""
    today = clock.today()
    found = [
        line_of(step, late=step.state == StepState.OPEN and step.due_on is not None and step.due_on < today)
        for step in steps
        if step.state not in (StepState.SKIPPED, StepState.VOID)
    ]
    return Road(
        no=case.no,
        programme=Programme(case.programme).label,
        accepted=case.accepted_on,
        state=CaseState(case.state).label,
        ended=not case.is_running,
        next=next((line for line in found if line.state == "now"), None),
        lines=found,
        due=case.due_on if case.is_running else None,
        due_pending=case.due_pending and case.is_running,
        decision=decision,
        end_reason=case.end_reason,
    )


def show(request: HttpRequest) -> HttpResponse:
    """The page. The rows are those the database shows the family."""
    cases = list(own(Case.objects.all(), request).order_by("-id")[:20])
    decisions = {
        row.case_id: row
        for row in Determination.objects.filter(case__in=cases).only("no", "case_id", "outcome").order_by("id")
    }
    steps = steps_by_case(cases)
    roads = [road_of(case, steps[case.pk], decisions.get(case.pk)) for case in cases]
    home = request.subject.region  # type: ignore[attr-defined]
    return render(
        request,
        "residents/progress.html",
        {"roads": roads, "office": places.name(home[:9]), "hotline": settings.HOTLINE},
    )
