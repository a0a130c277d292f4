"""The lists of cases officers work from: open steps by due day, or cases by day; narrowed, sorted, never counted as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import F, Q, QuerySet

from tuodi.cases.models import Case, Step
from tuodi.cases.queries import my_open_work
from tuodi.cases.states import StepState
from tuodi.org import counting
from tuodi.org.access import range_of
from tuodi.org.models import Duty, User
from tuodi.policy.procedure import Does

__all__ = [
    "BY_CASE", "BY_STEP", "DUES", "KINDS", "MOST", "SOON_DAYS", "SORTS", "Wanted", "cases_of", "counts", "select", "slim",
    "steps_of",
]  # fmt: skip

#: Lists whose rows are open steps, and those whose rows are cases.
BY_STEP = ("mine", "open")
BY_CASE = ("decided", "all")
#: What a kind of step is called in a filter, whatever a region calls its own.
KINDS: dict[str, str] = {
    Does.ACCEPT: "受理", Does.CHECK: "信息核对", Does.VISIT: "入户调查", Does.MEETING: "民主评议", Does.REVIEW: "审核",
    Does.NOTICE: "公示", Does.CONFIRM: "确认", Does.PUBLISH: "公布结果", Does.INFORM: "书面告知", Does.FILE: "备案",
    Does.RECORD: "其他",
}  # fmt: skip
DUES = {"late": "已超期", "soon": "三天内到期", "pending": "期限待定"}
SORTS = {"due": "期限", "new": "受理日期", "name": "姓名"}
#: Calendar days ahead that count as soon.
SOON_DAYS = 3
#: Counting stops here; a page then says 999+.
MOST = 1000
#: What a line of a list shows of a step and of its case.
_STEP = ("region", "name", "label", "does", "state", "due_on", "due_pending", "case")
_CASE = (
    "no", "region", "programme", "state", "decision", "accepted_on", "decided_on", "closed_on", "due_on", "due_pending",
    "household", "applicant", "applicant__name",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows, and in which order; empty = not narrowed.

    Attributes:
        tab: One of BY_STEP or BY_CASE. place: Significant prefix of a town or county.
        step: A kind of step. officer: Id of who did a step of the case. due: One of DUES. sort: One of SORTS.
    """

    tab: str = "mine"
    programme: str = ""
    place: str = ""
    step: str = ""
    officer: int | None = None
    due: str = ""
    sort: str = "due"


def select(wanted: Wanted, *, user: User, today: date, duties: Sequence[Duty] | None = None) -> QuerySet[Any]:
    """Open steps (`tab` in BY_STEP) or cases (BY_CASE) in the reader's range, with what a line of a list shows."""
    rows = steps_of(wanted, user=user, today=today, duties=duties) if wanted.tab in BY_STEP else cases_of(wanted)
    return slim(rows)


def slim(rows: QuerySet[Any]) -> QuerySet[Any]:
    """Open steps or cases without what no list shows: a case carries its whole procedure and what it was decided on."""
    if rows.model is Step:
        return rows.only(*_STEP, *(f"case__{name}" for name in _CASE))
    return rows.only(*_CASE)


def steps_of(wanted: Wanted, *, user: User, today: date, duties: Sequence[Duty] | None = None) -> QuerySet[Step]:
    """Open steps: the user's own, or all in his range. `duties`: what he holds today, where the caller has asked."""
    rows = my_open_work(user, duties) if wanted.tab == "mine" else Step.objects.filter(state=StepState.OPEN)
    rows = rows.select_related("case", "case__applicant")
    if wanted.programme:
        rows = rows.filter(case__programme=wanted.programme)
    if wanted.place:
        found = range_of(wanted.place)
        rows = rows.filter(region__gte=found.low, region__lt=found.high)
    if wanted.step:
        rows = rows.filter(does=wanted.step)
    if wanted.officer is not None:
        rows = rows.filter(case__in=Step.objects.filter(done_by=wanted.officer).values("case"))
    if wanted.due == "late":
        rows = rows.filter(due_on__lt=today)
    elif wanted.due == "soon":
        rows = rows.filter(due_on__gte=today, due_on__lte=today + timedelta(days=SOON_DAYS))
    elif wanted.due == "pending":
        rows = rows.filter(due_pending=True)
    if wanted.sort == "new":
        return rows.order_by("-case__accepted_on", "-id")
    if wanted.sort == "name":
        return rows.order_by("case__applicant__name_pinyin", "id")
    return rows.order_by(F("due_on").asc(nulls_last=True), "id")


def cases_of(wanted: Wanted) -> QuerySet[Case]:
    """Cases: decided ones, or all; the newest first."""
    rows = Case.objects.select_related("applicant")
    if wanted.tab == "decided":
        rows = rows.exclude(decision="")
    if wanted.programme:
        rows = rows.filter(programme=wanted.programme)
    if wanted.place:
        found = range_of(wanted.place)
        rows = rows.filter(region__gte=found.low, region__lt=found.high)
    if wanted.step:
        rows = rows.filter(Q(pk__in=Step.objects.filter(does=wanted.step, state=StepState.OPEN).values("case")))
    if wanted.officer is not None:
        rows = rows.filter(pk__in=Step.objects.filter(done_by=wanted.officer).values("case"))
    if wanted.sort == "name":
        return rows.order_by("applicant__name_pinyin", "id")
    return rows.order_by("-accepted_on", "-id")


def counts(tab: str, *, user: User, today: date, duties: Sequence[Duty]) -> dict[str, int]:
    """Open steps of a tab of BY_STEP: all (""), and by each of DUES; each counted no further than `MOST`. One query."""

    def queues() -> dict[str, QuerySet[Any] | None]:
        return {due: steps_of(Wanted(tab, due=due), user=user, today=today, duties=duties) for due in ("", *DUES)}

    asked = counting.kept(("worklist", tab, today, *counting.standing(user, duties)), queues, MOST)
    return dict.fromkeys(("", *DUES), 0) | counting.read(asked)
