"""Families that split or merge (分户、并户): the register changes today, the roll from the next month by a confirmed decision.

A split leaves the rest of the family on the roll to be decided anew; who left it applies for himself ([57] art 28: nobody without
application). A merge ends the emptied household's roll and decides the other's anew. Both go on as checked reports of a change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction

from tuodi.audit.actions import record
from tuodi.cases.series import take_yearly
from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.monitoring.deciding import collect, units_of
from tuodi.monitoring.dynamic_errors import DynamicInputError, MoveBlockedError
from tuodi.monitoring.models import ChangeReport
from tuodi.monitoring.transfers import blocks
from tuodi.org import access
from tuodi.org.models import DutyCode, User
from tuodi.people import actions as people
from tuodi.people.models import Household, Person

__all__ = ["DUTIES", "merge_families", "split_family"]

DUTIES = (DutyCode.REVIEW,)
Kind = ChangeReport.Kind


@transaction.atomic
def split_family(
    household: Household,
    *,
    head: Person,
    members: Sequence[tuple[Person, str]] = (),
    reason: str,
    acting_user: User,
    facts: Mapping[str, Any] | None = None,
) -> tuple[Household, ChangeReport | None]:
    """Lets members found a household of their own today.

    Args:
        members: (person, relation to the new head). facts: of those who stay, as found.

    Returns:
        The new household, off the roll; and the checked report that awaits a decision for those who stay (None = off the roll).

    Raises: DynamicInputError, MoveBlockedError, MembershipError, HouseholdStateError; NotFoundError, AccessDeniedError.
    """
    _door(household, reason, acting_user)
    new = people.split_household(
        acting_user=acting_user, household=household, head=head, members=members, on=clock.today()
    )
    household.refresh_from_db()
    report = _report(
        household, Kind.LEFT, f"分户：{head.name}等 {1 + len(members)} 人分出，新家庭 {new.no}。{reason.strip()}", acting_user, facts,
        person=head,
    )  # fmt: skip
    _audit("split_family", acting_user, household, new=new.no, report=report.no if report else None)
    return new, report


@transaction.atomic
def merge_families(
    into: Household,
    other: Household,
    *,
    reason: str,
    acting_user: User,
    relations: Mapping[int, str] | None = None,
    facts: Mapping[str, Any] | None = None,
) -> list[ChangeReport]:
    """Takes one family into another today; the emptied one is closed.

    Returns:
        The checked reports that await a decision: of the joined family, and of the emptied one where it is on the roll.

    Raises: as `split_family`; NothingInForceError is left to the decision.
    """
    _door(into, reason, acting_user)
    _door(other, reason, acting_user)
    people.merge_households(
        acting_user=acting_user, into=into, other=other, on=clock.today(), relations=dict(relations or {})
    )
    into.refresh_from_db()
    other.refresh_from_db()
    made = [
        _report(into, Kind.JOINED, f"并户：家庭 {other.no} 并入。{reason.strip()}", acting_user, facts),
        _report(other, Kind.OTHER, f"并户：并入家庭 {into.no}，本户销户。{reason.strip()}", acting_user, None),
    ]
    _audit("merge_families", acting_user, into, other=other.no)
    return [one for one in made if one is not None]


def _door(household: Household, reason: str, user: User) -> None:
    access.require_any(user, DUTIES, household.region)
    if not reason.strip():
        raise DynamicInputError("原因", "必须填写")
    found = blocks(household)
    if found:
        raise MoveBlockedError(household.no, found)


def _report(
    household: Household,
    kind: str,
    text: str,
    user: User,
    facts: Mapping[str, Any] | None,
    *,
    person: Person | None = None,
) -> ChangeReport | None:
    """A report that is checked already: the officer who changed the register saw it. None for a family off the roll."""
    today = clock.today()
    following = Month.of(today).next()
    if not units_of(household, following):
        return None
    fact_set = None
    if household.closed_on is None:
        fact_set = collect(household, on=following.first_day, acting_user=user, facts=facts or {}, reason=text[:100])
    return ChangeReport.objects.create(
        region=household.region, no=take_yearly("change", household.region, today.year)[0], household=household, person=person,
        kind=kind, source=ChangeReport.Source.FOUND, happened_on=today, reported_on=today, text=text[:500],
        state=ChangeReport.State.CHECKED, by_officer=user, checked=text[:500], checked_at=clock.now(), checked_by=user,
        fact_set=fact_set,
    )  # fmt: skip


def _audit(action: str, user: User, household: Household, **after: object) -> None:
    record(
        f"monitoring.{action}", actor=user, subject_type="household", subject_id=household.pk, region=household.region,
        after=dict(after),
    )  # fmt: skip
