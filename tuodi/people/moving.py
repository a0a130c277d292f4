"""Moving a family to another place with its register: the old household is closed, a new one opens there on the same day.

The old household keeps its number, members, facts and roll: they are what the old place decided and paid on. Within a county
the persons are the same rows, for a county knows a person once; another county gets rows of its own, with numbers and accounts
sealed anew for them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection, transaction

from tuodi.audit.actions import record
from tuodi.kernel import clock
from tuodi.kernel.masking import mask_name
from tuodi.org import access
from tuodi.org.models import User
from tuodi.people import actions, secrets
from tuodi.people.actions import household_no
from tuodi.people.enums import ChangeKind, LeaveReason, Relation
from tuodi.people.errors import HouseholdStateError, MembershipError
from tuodi.people.models import Account, Household, HouseholdChange, Membership, Person

__all__ = ["Moved", "join_from", "transplant"]


@dataclass(frozen=True)
class Moved:
    """The new household and who became whom (old person id -> new person)."""

    household: Household
    persons: dict[int, Person]
    accounts: dict[int, Account]


@transaction.atomic
def transplant(household: Household, *, region: str, on: date, address: str, by: int | None = None) -> Moved:
    """Closes a household on a day, which may lie ahead, and opens it in another place with the same members that day.

    The system's own work, in a scope that covers both places; the action that calls it has asked for the duties.

    Args:
        region: 12-character code of the village or town they move to.
        on: First day in the new place.

    Raises: HouseholdStateError: closed, or nobody lives there. MembershipError: the new county knows a member in another family.
    """
    old = Household.objects.select_for_update(of=("self",)).get(pk=household.pk)
    if old.closed_on is not None:
        raise HouseholdStateError(f"家庭 {old.no} 已于 {old.closed_on} 销户，不能迁移。", household=old.pk)
    present = list(old.memberships.filter(until__isnull=True).select_related("person").order_by("id"))
    if not present:
        raise HouseholdStateError(f"家庭 {old.no} 没有成员，不能迁移。", household=old.pk)
    same_county = region[:6] == old.region[:6]
    for one in present:
        one.until, one.leave_reason = on, LeaveReason.MOVED
        one.save(update_fields=["until", "leave_reason"])
    persons = {one.person_id: _person(one.person, region, on, same_county=same_county) for one in present}
    accounts = _accounts(list(persons), persons, region, same_county=same_county)
    new = _open(old, persons[_head(old, present)], region, on, address)
    for one in present:
        Membership.objects.create(
            household=new, person=persons[one.person_id], region=region, relation=one.relation, since=on
        )
    old.closed_on = max(on, old.formed_on)
    old.save(update_fields=["closed_on"])
    _note_change(old, on, by, f"迁往 {region}，新编号 {new.no}")
    _note_change(new, on, by, f"自 {old.region} 迁来，原编号 {old.no}")
    record(
        "people.transplant", actor=None, subject_type="household", subject_id=old.pk, region=old.region,
        after={"new": new.no, "region": region, "on": on, "members": len(present)},
    )  # fmt: skip
    return Moved(new, persons, accounts)


@transaction.atomic
def join_from(*, acting_user: User, household: Household, person: Person, relation: str, on: date) -> Membership:
    """Takes a person into a household from a day that may lie ahead: who joins counts from the month after he was checked.

    Raises: MembershipError, HouseholdStateError, NotFoundError, AccessDeniedError.
    """
    access.require_any(acting_user, actions.DUTIES, household.region)
    found = Household.objects.select_for_update(of=("self",)).get(pk=household.pk)
    if found.closed_on is not None:
        raise HouseholdStateError(f"家庭 {found.no} 已于 {found.closed_on} 销户，不能再变更。", household=found.pk)
    if person.memberships.filter(until__isnull=True).exists() or person.memberships.filter(until__gt=on).exists():
        raise MembershipError(
            f"{mask_name(person.name)} 已属于一个家庭。请先办理迁出、分户或并户。", person=person.pk, on=on
        )
    row = Membership.objects.create(
        household=found, person=person, region=found.region, relation=Relation(relation), since=on
    )
    record(
        "people.add_member", actor=acting_user, subject_type="household", subject_id=found.pk, region=found.region,
        after={"person": person.pk, "relation": relation, "on": on},
    )  # fmt: skip
    return row


def _head(old: Household, present: list[Membership]) -> int:
    ids = [one.person_id for one in present]
    own = next((one.person_id for one in present if one.relation == Relation.SELF), ids[0])
    return old.head_id if old.head_id in ids else own


def _open(old: Household, head: Person, region: str, on: date, address: str) -> Household:
    with connection.cursor() as cursor:
        cursor.execute("select nextval(pg_get_serial_sequence('people_household', 'id'))")
        number = cursor.fetchone()[0]
    return Household.objects.create(
        pk=number, no=household_no(region, number), region=region, head=head, area_kind=old.area_kind, address=address,
        formed_on=on, is_demo=old.is_demo,
    )  # fmt: skip


def _person(person: Person, region: str, on: date, *, same_county: bool) -> Person:
    if same_county:
        person.region = region
        person.save(update_fields=["region"])
        return person
    number = secrets.open_id(person)
    known = None
    if number:
        county = Person.objects.filter(region__gte=region[:6], region__lt=region[:6] + "~")
        known = county.filter(id_index__in=secrets.id_indexes(number)).first()
    if known is not None:
        if known.memberships.filter(until__isnull=True).exists() or known.memberships.filter(until__gt=on).exists():
            raise MembershipError(
                f"{mask_name(known.name)} 在迁入地已属于另一个家庭。请迁入地先核对并办理分户、并户。", person=known.pk
            )
        known.region = region
        known.save(update_fields=["region"])
        return known
    return actions.register_person(
        acting_user=None, region=region, name=person.name, id_text=number or None, birth=person.birth, sex=person.sex,
        phone=secrets.open_phone(person), hukou_place=person.hukou_place, hukou_kind=person.hukou_kind,
        address=person.address, is_demo=person.is_demo, allow_trailing_zeros=True,
    )  # fmt: skip


def _accounts(ids: list[int], persons: dict[int, Person], region: str, *, same_county: bool) -> dict[int, Account]:
    rows = list(Account.objects.filter(person__in=ids, until__isnull=True).order_by("id"))
    if same_county:
        Account.objects.filter(person__in=ids).update(region=region)
        return {one.pk: one for one in rows}
    return {
        one.pk: actions.add_account(
            acting_user=None, person=persons[one.person_id], number=secrets.open_account(one), holder=one.holder,
            since=clock.today(), bank_code=one.bank_code,
        )
        for one in rows
    }  # fmt: skip


def _note_change(household: Household, on: date, by: int | None, note: str) -> None:
    values: dict[str, Any] = {"kind": ChangeKind.MOVED, "on": on, "note": note[:200], "by_id": by}
    HouseholdChange.objects.create(household=household, region=household.region, **values)
