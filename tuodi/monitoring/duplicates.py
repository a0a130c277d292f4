"""The duplicate-relief check (重复救助核查, M60) with what only a sweep knows: who is on the roll of another place as well."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from tuodi.cases.models import Case
from tuodi.decisions import duplicates as here
from tuodi.decisions.duplicates import WARN, Duplicate
from tuodi.kernel import clock
from tuodi.monitoring.models import SweepFinding
from tuodi.people.models import Household, Membership, Person
from tuodi.people.queries import members_on

__all__ = ["duplicates"]


def duplicates(
    household: Household, programme: str, *, person: Person | None = None, cause: str = "", on: date | None = None,
    case: Case | None = None, members: Sequence[Membership] | None = None,
) -> list[Duplicate]:  # fmt: skip
    """`decisions.duplicates.duplicates` and the unsettled findings of sweeps; the gravest first.

    Args:
        members: Of the family on the day, where the caller has read them anyway.
    """
    found = here.duplicates(household, programme, person=person, cause=cause, on=on, case=case)
    if members is None:
        members = members_on(household, on or clock.today())
    people = [person.pk] if person is not None else [row.person_id for row in members]
    rows = SweepFinding.objects.filter(person__in=people, kind=SweepFinding.Kind.CROSS_REGION, settled="")
    for row in rows.order_by("id"):
        where = "、".join(row.data.get("counties", ()))
        found.append(
            Duplicate(
                WARN, "", "外地在册", row.found_on.isoformat(),
                f"{row.found_on} 的比对发现此人在 {where} 也有在册记录。请先核对是否重复享受，再作决定。", row.person_id,
            )
        )  # fmt: skip
    return here.gravest_first(found)
