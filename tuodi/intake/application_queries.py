"""Reading applications: who is applying or assisted already."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Q

from tuodi.intake.models.application import ApplicationMember
from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.people.models import Membership, Person, RollEntry

__all__ = ["EXCLUDES", "running_applications", "standing_on_roll"]

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
