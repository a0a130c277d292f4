"""Reading applications: one by case, its receipt, and who is applying or assisted already."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.db.models import Q

from tuodi.intake.models.application import Application, ApplicationMember
from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.people.models import Membership, Person, RollEntry

__all__ = ["Receipt", "receipt", "running_applications", "standing_on_roll"]

#: Who receives one of these cannot apply for the other ([43] art 9 and 27: tekun leave dibao first, and back).
EXCLUDES: dict[str, tuple[str, ...]] = {
    "dibao": ("dibao", "tekun"),
    "tekun": ("tekun",),
    "edge": ("edge", "dibao", "tekun"),
    "rigid_expense": ("rigid_expense", "edge", "dibao", "tekun"),
}


def standing_on_roll(members: Iterable[Membership], programme: str) -> list[tuple[RollEntry, Person]]:
    """Open roll entries, of this programme or one it excludes, that cover any of these members today.

    A household's entry covers its present members; a person's entry the person.
    """
    people = {member.person_id: member.person for member in members}
    month = Month.of(clock.today()).yyyymm
    rows = (
        RollEntry.objects.filter(programme__in=EXCLUDES.get(programme, (programme,)))
        .filter(Q(end_month__isnull=True) | Q(end_month__gte=month))
        .filter(
            Q(person__in=people)
            | Q(
                person__isnull=True,
                household__memberships__person__in=people,
                household__memberships__until__isnull=True,
            )
        )
        .select_related("household")
        .distinct()
    )
    found: list[tuple[RollEntry, Person]] = []
    for row in rows:
        if row.person_id:
            found.append((row, people[row.person_id]))
            continue
        present = Membership.objects.filter(household=row.household_id, until__isnull=True, person__in=people)
        found += [(row, people[member.person_id]) for member in present.order_by("id")]
    return found


def running_applications(members: Iterable[Membership], programme: str) -> list[ApplicationMember]:
    """Rows of running applications of this programme that name any of these members."""
    return list(
        ApplicationMember.objects.filter(
            person__in=[member.person_id for member in members],
            programme=programme,
            application__case__decision="",
            application__case__closed_on__isnull=True,
        )
        .select_related("application__case", "person")
        .order_by("id")
    )


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the applicant takes home.

    Attributes:
        no, case_no: Receipt and acceptance number. programme: In words.
        due_on: Last day for the whole; null = none set, or 待定 (`due_pending`).
        owed: Papers still to be brought, all told at once.
        warnings: National steps that this place leaves out.
    """

    no: str
    case_no: str
    applicant: str
    programme: str
    accepted_on: date
    due_on: date | None
    due_pending: bool
    owed: tuple[str, ...]
    steps: tuple[str, ...]
    warnings: tuple[str, ...]


def receipt(application: Application) -> Receipt:
    """The receipt of an application. Printing a pending day is refused by whoever prints; here it is only marked."""
    case = application.case
    text = case.procedure
    return Receipt(
        no=application.receipt_no,
        case_no=case.no,
        applicant=application.applicant.name,
        programme=application.get_programme_display(),
        accepted_on=case.accepted_on,
        due_on=case.due_on,
        due_pending=case.due_pending,
        owed=tuple(
            application.materials.filter(received_on__isnull=True).order_by("id").values_list("name", flat=True)
        ),
        steps=tuple(step.label for step in text.steps),
        warnings=text.warnings,
    )
