"""Reading complaints, appeals and ratings: the officer's queues and pages, and a resident's own."""

from __future__ import annotations

from typing import TypeVar
from uuid import UUID

from django.db import models
from django.db.models import F, QuerySet

from tuodi.decisions.models import Determination
from tuodi.org import access
from tuodi.org.errors import NotFoundError
from tuodi.org.models import User
from tuodi.oversight.models import Appeal, Complaint, Rating
from tuodi.oversight.states import AppealState, ComplaintState, Grade, RatingState
from tuodi.people.models import ResidentAccount

__all__ = [
    "access_appeal", "access_complaint", "access_rating", "appeals", "complaints", "own", "own_one", "ratings",
]  # fmt: skip

Row = TypeVar("Row", bound=models.Model)


def complaints(user: User, show: str = "open") -> QuerySet[Complaint]:
    """Complaints in the user's range that are not about him or his office: those about it he never sees."""
    rows = Complaint.objects.exclude(office=user.office_id).exclude(staff=user)
    if show == "open":
        rows = rows.filter(state__in=[ComplaintState.OPEN, ComplaintState.ESCALATED])
    return rows.select_related("office", "staff").order_by(F("due_on").asc(nulls_last=True), "id")


def access_complaint(user: User, pk: int) -> Complaint:
    """One complaint. NotFoundError alike for absent, out of range, and about himself or his office."""
    rows = Complaint.objects.exclude(office=user.office_id).exclude(staff=user)
    return access.one(
        rows.select_related("office", "staff", "answered_by", "received_by"), user=user, what="投诉", pk=pk
    )


def appeals(user: User, show: str = "open") -> QuerySet[Appeal]:
    """Appeals in the user's range, by the day they must be decided."""
    rows = Appeal.objects.all()
    if show == "open":
        rows = rows.filter(state__in=[AppealState.FILED, AppealState.ACCEPTED])
    return rows.select_related("determination", "applicant").order_by(F("decide_due_on").asc(nulls_last=True), "id")


def access_appeal(user: User, pk: int) -> Appeal:
    """One appeal in the user's range."""
    rows = Appeal.objects.select_related(
        "determination__case",
        "determination__decided_by__office",
        "household",
        "applicant",
        "decided_by",
        "accepted_by",
    )
    return access.one(rows, user=user, what="复议", pk=pk)


def ratings(user: User, show: str = "bad") -> QuerySet[Rating]:
    """Ratings in the user's range, not of his own office; the ones to follow up first."""
    rows = Rating.objects.exclude(office=user.office_id)
    if show == "bad":
        rows = rows.filter(grade__lte=Grade.POOR).exclude(state=RatingState.CLOSED)
    return rows.select_related("office").order_by(F("due_on").asc(nulls_last=True), "-id")


def access_rating(user: User, pk: int) -> Rating:
    """One rating in the user's range, not of his own office."""
    rows = Rating.objects.exclude(office=user.office_id).select_related("office", "handled_by")
    return access.one(rows, user=user, what="评价", pk=pk)


def own(model: type[Row], account: ResidentAccount) -> list[Row]:
    """A resident's own complaints, appeals or ratings, newest first."""
    with access.system_scope(access.NATION):
        return list(model._default_manager.filter(account=account).order_by("-pk")[:50])


def own_one(model: type[Row], account: ResidentAccount, uid: UUID) -> Row:
    """One of his own. NotFoundError alike for absent and another's."""
    with access.system_scope(access.NATION):
        found = model._default_manager.filter(account=account, uid=uid).first()
        if found is None:
            raise NotFoundError("记录")
        return found


def determinations_of(account: ResidentAccount) -> list[Determination]:
    """What was decided about the families he belongs or belonged to, newest first; imported rolls are no decisions."""
    with access.system_scope(access.NATION):
        return list(
            Determination.objects.filter(household__memberships__person=account.person_id)
            .exclude(kind=Determination.Kind.IMPORTED)
            .select_related("case")
            .distinct()
            .order_by("-id")[:30]
        )
