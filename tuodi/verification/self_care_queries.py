"""Reading self-care assessments: one, those of a case or a person, those that wait, and who assesses where."""

from __future__ import annotations

from datetime import date

from django.db.models import F, QuerySet

from tuodi.cases.models import Case
from tuodi.kernel import clock
from tuodi.kernel.places import NATION
from tuodi.org import access
from tuodi.org.models import User
from tuodi.org.places import place_name
from tuodi.people.models import Person
from tuodi.verification import rulebook
from tuodi.verification.models import SelfCareAssessment

__all__ = ["access_assessment", "assessments_of", "bodies_for", "newest_result", "waiting_assessments"]

State, Body = SelfCareAssessment.State, SelfCareAssessment.Body


def bodies_for(region: str, on: date) -> dict[str, str]:
    """Bodies that may assess in a place on a day, the usual one first: code -> its name; empty = to be written.

    The pack names one (`tekun.assessor`). Where that is the county's civil affairs office it may also entrust a third party
    ([43] art 20).
    """
    book = rulebook.book()
    value = book.value("tekun.assessor", book.chain(rulebook.place_of(region)), (), on)
    code = str(value.value) if value is not None and value.value else Body.COUNTY_OFFICE.value
    if code == Body.LABOUR_COMMITTEE:
        where = value.place if value is not None and value.place != NATION else region[:4]
        return {code: f"{place_name(where, on)}{Body.LABOUR_COMMITTEE.label}"}
    if code == Body.THIRD_PARTY:
        return {code: ""}
    return {Body.COUNTY_OFFICE.value: f"{place_name(region[:6], on)}民政部门", Body.THIRD_PARTY.value: ""}


def access_assessment(user: User, pk: int) -> SelfCareAssessment:
    """One assessment in the user's range. Raises NotFoundError."""
    rows = SelfCareAssessment.objects.select_related("case", "household", "person", "fact_set", "entered_by")
    return access.one(rows, user=user, what="自理能力评估", pk=pk)


def assessments_of(*, case: Case | None = None, person: Person | None = None) -> list[SelfCareAssessment]:
    """Assessments of a case or a person, newest first, in the reader's range."""
    rows = SelfCareAssessment.objects.select_related("person").order_by("-id")
    return list(rows.filter(case=case) if case is not None else rows.filter(person=person))


def newest_result(person_id: int) -> SelfCareAssessment | None:
    """The newest entered assessment of a person, or None."""
    return SelfCareAssessment.objects.filter(person=person_id, state=State.ASSESSED).order_by("-id").first()


def waiting_assessments() -> QuerySet[SelfCareAssessment]:
    """Ordered and not entered yet, in the reader's range; by due day, without a limit last."""
    return (
        SelfCareAssessment.objects.filter(state=State.ORDERED)
        .select_related("person", "case")
        .order_by(F("due_on").asc(nulls_last=True), "id")
    )


def overdue_assessments(on: date | None = None) -> QuerySet[SelfCareAssessment]:
    """Re-assessments past their limit ([43] art 23)."""
    return waiting_assessments().filter(due_on__lt=on or clock.today())
