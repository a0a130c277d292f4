"""Reading visits, reviews, spot checks and the kin register. Rows are cut to the reader's reach here, never in pages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, Q, QuerySet

from tuodi.cases.models import Case
from tuodi.org import access
from tuodi.org.models import Duty, DutyCode, User
from tuodi.people.models import Household
from tuodi.verification.models import KinFiling, ReviewMeeting, SpotCheck, SpotCheckItem, VisitRecord, VisitTask
from tuodi.verification.visit_access import access_task, is_outside, may_see, own_rows
from tuodi.verification.visit_forms import Form, shown

__all__ = [
    "Finding",
    "access_filing",
    "access_meeting",
    "access_spot_check",
    "access_task",
    "findings_of",
    "kin_cases_unfiled",
    "kin_register",
    "latest_record",
    "may_see",
    "my_tasks",
    "reviews_of",
    "score_of",
    "spot_checks",
    "visit_findings",
    "visits_of",
]

State = VisitTask.State
OPEN = (State.PLANNED, State.VISITED)


def my_tasks(user: User, duties: Sequence[Duty] | None = None) -> QuerySet[VisitTask]:
    """Open tasks a user is to make: his own, then those of his office nobody is assigned to; by due day, 待定 last.

    A provider's visitor reads them inside `visit_access.door`; outside it the database shows him none.

    Args:
        duties: What he holds today, where the caller has asked.
    """
    mine = Q(assigned_ids__contains=[user.pk]) | Q(office=user.office_id, assigned_ids=[])
    held = {duty.code for duty in (access.duties_of(user) if duties is None else duties)}
    rows = VisitTask.objects.filter(mine, state__in=OPEN)
    if not held & {DutyCode.VISIT, DutyCode.CLUE}:
        rows = rows.filter(purpose=VisitTask.Purpose.THIRD_PARTY, office=user.office_id)
    if not held & {DutyCode.VISIT, DutyCode.CLUE, DutyCode.THIRD_PARTY}:
        return VisitTask.objects.none()
    if is_outside(user):
        rows = own_rows(user).filter(state__in=OPEN)
    return rows.select_related("household__head", "case").order_by(F("due_on").asc(nulls_last=True), "id")


def visits_of(*, case: Case | None = None, household: Household | None = None, matter_no: str = "") -> list[VisitTask]:
    """Visits of a case, a family or a matter, newest first, in the reader's range."""
    rows = VisitTask.objects.select_related("household__head", "office", "planned_by")
    if case is not None:
        rows = rows.filter(case=case)
    if household is not None:
        rows = rows.filter(household=household)
    if matter_no:
        rows = rows.filter(matter_no=matter_no)
    return list(rows.order_by("-id"))


def latest_record(task: VisitTask) -> VisitRecord | None:
    """The newest version of a task's record, or None."""
    return task.records.select_related("submitted_by").order_by("-version").first()


@dataclass(frozen=True, slots=True)
class Finding:
    """One visit of a matter, as evidence.

    Attributes:
        visit_id: Of the record: what `ClueEvidence.visit_id` keeps.
        no, state, conclusion, opinion, investigators: As the record says. signed: Every signature is there.
        differs: (item label, what was on record, what was seen).
        evidence_hash: Binds the record and its photographs.
    """

    visit_id: int
    task_id: int
    no: str
    state: str
    signed: bool
    conclusion: str
    opinion: str
    investigators: tuple[str, ...]
    on: Any
    differs: tuple[tuple[str, str, str], ...]
    photos: int
    evidence_hash: str


def visit_findings(matter_no: str) -> list[Finding]:
    """What the visits of a matter (clue, contract, spot check; or a case's number) found: newest version of each, oldest first."""
    rows = VisitRecord.objects.filter(Q(task__matter_no=matter_no) | Q(task__case__no=matter_no)).select_related("task")
    newest = [row for row in rows.order_by("id") if row.version == row.task.version]
    return [
        Finding(
            visit_id=row.pk,
            task_id=row.task_id,
            no=row.no,
            state=row.task.state,
            signed=row.task.state == State.SIGNED,
            conclusion=row.conclusion,
            opinion=row.opinion,
            investigators=tuple(one["name"] for one in row.investigators),
            on=row.started_at or row.received_at,
            differs=tuple(
                (line["label"], line["record"], line["seen"]) for line in findings_of(row) if line["fit"] == "differ"
            ),
            photos=len(row.photo_hashes),
            evidence_hash=row.evidence_hash,
        )
        for row in newest
    ]


def findings_of(row: VisitRecord, form: Form | None = None) -> list[dict[str, str]]:
    """A record line by line, as people read it: section, label, what was on record, what was seen, and whether they agree.

    The labels are those of the form in force on the day it was received; an item the form has since lost keeps its id.
    """
    from tuodi.verification.visit_forms import form_for

    text = form or form_for(row.region, row.received_at.astimezone(_zone()).date())
    lines = []
    for section in text.sections:
        for item in section.items:
            answer = row.answers.get(item.id)
            if answer is None:
                continue
            base = row.basis.get(item.id) or {}
            side = base.get("register") or base.get("declared") or ""
            fit = answer.get("fit", "") if isinstance(answer, dict) else ""
            seen = answer.get("seen") if isinstance(answer, dict) else answer
            lines.append(
                {
                    "id": item.id,
                    "section": section.label,
                    "label": item.label,
                    "record": f"{base.get('source', '')}：{side}" if side else "",
                    "fit": fit,
                    "seen": "" if fit == "agree" else shown(item, seen, kind=item.seen if fit else None),
                    "note": str(answer.get("note", "")) if isinstance(answer, dict) else "",
                }
            )
    return lines


def _zone() -> Any:
    from tuodi.kernel.clock import BEIJING

    return BEIJING


def reviews_of(case: Case) -> list[ReviewMeeting]:
    """Meetings of a case, newest first."""
    return list(ReviewMeeting.objects.filter(case=case).order_by("-id"))


def access_meeting(user: User, pk: int) -> ReviewMeeting:
    """One meeting in the user's range. Raises NotFoundError."""
    return access.one(
        ReviewMeeting.objects.select_related("case", "household__head"), user=user, what="民主评议", pk=pk
    )


def spot_checks() -> QuerySet[SpotCheck]:
    """Draws in the reader's range, newest first, each with how many results are in and how many differ."""
    return (
        SpotCheck.objects.select_related("drawn_by")
        .annotate(
            checked=Count("items", filter=~Q(items__result="")), differ=Count("items", filter=Q(items__result="differ"))
        )
        .order_by("-id")
    )


def access_spot_check(user: User, pk: int) -> SpotCheck:
    """One draw in the user's range. Raises NotFoundError."""
    return access.one(SpotCheck.objects.select_related("drawn_by"), user=user, what="入户抽查", pk=pk)


@dataclass(frozen=True, slots=True)
class Score:
    """How a draw stands: `agree + differ + open = listed`. `error_percent` is of those checked; None before the first."""

    listed: int
    agree: int
    differ: int

    @property
    def open(self) -> int:
        """Not checked yet."""
        return self.listed - self.agree - self.differ

    @property
    def error_percent(self) -> float | None:
        """Share of checked cases that differ, in per cent with one decimal."""
        checked = self.agree + self.differ
        return round(self.differ * 100 / checked, 1) if checked else None


def score_of(items: Iterable[SpotCheckItem]) -> Score:
    """Counts a list."""
    results = [item.result for item in items]
    return Score(len(results), results.count("agree"), results.count("differ"))


def kin_register(*, state: str = "", text: str = "") -> QuerySet[KinFiling]:
    """The register of kin filings in the reader's range: open ones first, newest first."""
    rows = KinFiling.objects.select_related("person", "household", "case", "visit")
    if state:
        rows = rows.filter(state=state)
    if text:
        rows = rows.filter(Q(staff_name=text) | Q(person__name=text) | Q(no=text) | Q(case__no=text))
    return rows.order_by(F("decided_on").desc(nulls_first=True), "-id")


def access_filing(user: User, pk: int) -> KinFiling:
    """One filing in the user's range. Raises NotFoundError."""
    return access.one(KinFiling.objects.select_related("case", "person"), user=user, what="近亲属备案", pk=pk)


def kin_cases_unfiled() -> list[Case]:
    """Running cases marked kin of which the register holds nothing yet: they are to be filed."""
    filed = KinFiling.objects.filter(case__isnull=False).values("case")
    rows = Case.objects.filter(marks__contains=["kin"], decision="", closed_on__isnull=True).exclude(pk__in=filed)
    return list(rows.select_related("applicant").order_by("id")[:200])
