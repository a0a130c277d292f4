"""Writing people: one verb a function, each with its five beats (door, state, changed fields, audit row).

`acting_user=None` is the system's own work (imports, demo, jobs) inside a `system_scope`; a person needs one of the
duties below in the household's or person's region.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from django.db import IntegrityError, connection, transaction

from tuodi.audit.actions import record
from tuodi.kernel import clock, pinyin
from tuodi.kernel.identity import parse_id
from tuodi.kernel.masking import mask_name
from tuodi.kernel.visible import visible
from tuodi.org import access
from tuodi.org.models import DutyCode, User
from tuodi.people import secrets
from tuodi.people.enums import ChangeKind, LeaveReason, Relation
from tuodi.people.errors import (
    DatesError,
    DuplicatePersonError,
    HouseholdStateError,
    MembershipError,
    ReasonMissingError,
)
from tuodi.people.models import Account, FormerName, Household, HouseholdChange, Membership, Person

__all__ = [
    "add_account",
    "add_member",
    "change_name",
    "form_household",
    "merge_households",
    "move_household",
    "record_death",
    "register_person",
    "remove_member",
    "reveal_id",
    "split_household",
]

DUTIES = (DutyCode.ACCEPT, DutyCode.REVIEW, DutyCode.VISIT, DutyCode.CONFIRM, DutyCode.ROLL_IMPORT)
_SEX = {"男": "M", "女": "F"}


def _door(acting_user: User | None, region: str) -> None:
    if acting_user is not None:
        access.require_any(acting_user, DUTIES, region)


def _not_future(on: date) -> None:
    if on > clock.today():
        raise DatesError(f"日期 {on} 晚于今天。请核对后重填。", on=on)


def _names(name: str) -> dict[str, str]:
    key = pinyin.sort_key(name)
    return {
        "name": name,
        "name_pinyin": key[:200],
        "name_joined": key.replace(" ", "")[:200],
        "name_initials": pinyin.initials(name)[:40],
    }


@transaction.atomic
def register_person(
    *,
    acting_user: User | None,
    region: str,
    name: str,
    id_text: str | None = None,
    birth: date | None = None,
    sex: str = "",
    phone: str = "",
    hukou_place: str = "",
    hukou_kind: str = "",
    address: str = "",
    is_demo: bool = False,
    allow_trailing_zeros: bool = False,
) -> Person:
    """Registers a person. Birth and sex in the number win over what is given.

    Args:
        region: 12-character code of the village or town where the person lives.
        id_text: as written; None for somebody without a number.
        sex: `M`, `F` or empty.
        allow_trailing_zeros: a number that ends in 000 was compared with the original paper.
    Raises:
        InvalidIdError: the number cannot be read; nothing is stored.
        DuplicatePersonError: this county knows the number; `queries.find_elsewhere` says where, on the record.
        NotFoundError, AccessDeniedError.
    """
    _door(acting_user, region)
    uid = uuid.uuid4()
    columns: dict[str, Any] = {}
    if id_text:
        number = parse_id(id_text, allow_trailing_zeros=allow_trailing_zeros)
        sealed = secrets.seal("id", number.text18, uid)
        birth, sex = number.birth, _SEX[number.sex]
        columns |= {
            "id_cipher": sealed.cipher,
            "id_index": sealed.index,
            "id_masked": sealed.masked,
            "id_kind": number.kind,
            "id_check_ok": number.check_ok,
        }
    if phone:
        sealed = secrets.seal("phone", phone, uid)
        columns |= {"phone_cipher": sealed.cipher, "phone_masked": sealed.masked}
    try:
        with transaction.atomic():
            person = Person.objects.create(
                uid=uid,
                region=region,
                **_names(visible(name)),
                birth=birth,
                sex=sex,
                hukou_place=hukou_place,
                hukou_kind=hukou_kind,
                address=address,
                is_demo=is_demo,
                created_at=clock.now(),
                **columns,
            )
    except IntegrityError as error:
        if "people_person_id_once" not in str(error):
            raise
        raise DuplicatePersonError(columns["id_masked"]) from error
    _note("people.register_person", acting_user, person, after={"name": mask_name(name), "id": person.id_masked})
    return person


@transaction.atomic
def change_name(*, acting_user: User | None, person: Person, name: str, on: date, reason: str = "") -> Person:
    """Gives a person a new name from a day on; the old one stays findable as a former name."""
    _door(acting_user, person.region)
    _not_future(on)
    FormerName.objects.create(
        person=person, region=person.region, name=person.name, name_pinyin=person.name_pinyin, until=on, reason=reason
    )
    before = {"name": mask_name(person.name)}
    changed = _names(visible(name))
    for field, value in changed.items():
        setattr(person, field, value)
    person.save(update_fields=list(changed))
    _note("people.change_name", acting_user, person, before=before, after={"name": mask_name(name), "on": on})
    return person


@transaction.atomic
def add_account(
    *, acting_user: User | None, person: Person, number: str, holder: str, since: date, bank_code: str = ""
) -> Account:
    """Adds a bank account; an open one with the same number is returned unchanged."""
    _door(acting_user, person.region)
    digits = "".join(number.split())
    known = person.accounts.filter(account_index=secrets.account_index(digits), until__isnull=True).first()
    if known:
        return known
    uid = uuid.uuid4()
    sealed = secrets.seal("account", digits, uid)
    account = Account.objects.create(
        uid=uid,
        person=person,
        region=person.region,
        account_cipher=sealed.cipher,
        account_index=sealed.index,
        last4=digits[-4:],
        bank_code=bank_code,
        holder=holder,
        since=since,
    )
    _note("people.add_account", acting_user, person, after={"last4": account.last4, "bank": bank_code})
    return account


@transaction.atomic
def form_household(
    *,
    acting_user: User | None,
    region: str,
    head: Person,
    area_kind: str,
    on: date,
    members: Sequence[tuple[Person, str]] = (),
    address: str = "",
    is_demo: bool = False,
) -> Household:
    """Makes a household of a head and members (person, relation code) from a day on.

    Raises: MembershipError if one of them belongs elsewhere that day.
    """
    _door(acting_user, region)
    _not_future(on)
    household = _new_household(region, head, area_kind, on, address=address, is_demo=is_demo)
    _change(household, ChangeKind.FORMED, on, acting_user)
    _join(household, head, Relation.SELF, on)
    for person, relation in members:
        _join(household, person, relation, on)
    after = {"no": household.no, "members": 1 + len(members), "on": on}
    _note("people.form_household", acting_user, household, after=after)
    return household


@transaction.atomic
def add_member(
    *, acting_user: User | None, household: Household, person: Person, relation: str, on: date
) -> Membership:
    """Takes a person into a household from a day on.

    Raises: MembershipError if he belongs to a household that day; HouseholdStateError if it is closed.
    """
    _door(acting_user, household.region)
    _not_future(on)
    household = _lock(household)
    membership = _join(household, person, relation, on)
    _note("people.add_member", acting_user, household, after={"person": person.pk, "relation": relation, "on": on})
    return membership


@transaction.atomic
def remove_member(
    *, acting_user: User | None, household: Household, person: Person, on: date, reason: str = LeaveReason.MOVED
) -> None:
    """Ends a membership: `on` is the first day without the person. A leaving head hands over to the next member.

    Raises: MembershipError if he is no member; DatesError before the day he joined.
    """
    _door(acting_user, household.region)
    household = _lock(household)
    _leave(household, person, on, reason)
    _settle_head(household, person, on, acting_user)
    after = {"person": person.pk, "reason": str(reason), "on": on}
    _note("people.remove_member", acting_user, household, after=after)


@transaction.atomic
def split_household(
    *,
    acting_user: User | None,
    household: Household,
    head: Person,
    members: Sequence[tuple[Person, str]] = (),
    on: date,
    region: str | None = None,
) -> Household:
    """Lets a member and others found a household of their own on a day; both keep the record of it.

    Args:
        head: the new household's head, now a member of the old one.
        members: (person, relation to the new head), all members of the old one.
        region: where the new household lives; None = as the old one.
    Raises: MembershipError; HouseholdStateError if nobody would stay behind.
    """
    where = region or household.region
    _door(acting_user, household.region)
    _door(acting_user, where)
    _not_future(on)
    household = _lock(household)
    leaving = [head, *(person for person, _ in members)]
    for person in leaving:
        _leave(household, person, on, LeaveReason.SPLIT)
    if not household.memberships.filter(until__isnull=True).exists():
        raise HouseholdStateError(f"分户后 {household.no} 没有成员。整户迁移请用“迁移”。", household=household.pk)
    new = _new_household(where, head, household.area_kind, on, is_demo=household.is_demo)
    _join(new, head, Relation.SELF, on)
    for person, relation in members:
        _join(new, person, relation, on)
    for person in leaving:
        _settle_head(household, person, on, acting_user)
    _change(household, ChangeKind.SPLIT, on, acting_user, other=new)
    _change(new, ChangeKind.FORMED, on, acting_user, other=household)
    _note("people.split_household", acting_user, household, after={"new": new.no, "left": len(leaving), "on": on})
    return new


@transaction.atomic
def merge_households(
    *, acting_user: User | None, into: Household, other: Household, on: date, relations: dict[int, str] | None = None
) -> Household:
    """Moves every member of one household into another on a day and closes the emptied one.

    Args:
        relations: person id -> relation to the head of `into`; others become `unstated`.
    Raises: HouseholdStateError if one is closed or both are the same.
    """
    _door(acting_user, into.region)
    _door(acting_user, other.region)
    _not_future(on)
    if into.pk == other.pk:
        raise HouseholdStateError("不能把一个家庭并入它自己。请选择另一个家庭。", household=into.pk)
    first, second = sorted((into, other), key=lambda one: one.pk)  # one order, or two merges lock each other out
    locked = {first.pk: _lock(first), second.pk: _lock(second)}
    into, other = locked[into.pk], locked[other.pk]
    moving = list(other.memberships.filter(until__isnull=True).select_related("person").order_by("id"))
    for membership in moving:
        _leave(other, membership.person, on, LeaveReason.MERGED)
        _join(into, membership.person, (relations or {}).get(membership.person_id, Relation.UNSTATED), on)
    other.closed_on = on
    other.save(update_fields=["closed_on"])
    _change(other, ChangeKind.MERGED, on, acting_user, other=into)
    _change(into, ChangeKind.MERGED, on, acting_user, other=other)
    _note("people.merge_households", acting_user, into, after={"other": other.no, "moved": len(moving), "on": on})
    return into


@transaction.atomic
def move_household(
    *, acting_user: User | None, household: Household, region: str, on: date, address: str = ""
) -> Household:
    """Moves a household and its present members to another place; both must lie in the actor's range."""
    _door(acting_user, household.region)
    _door(acting_user, region)
    _not_future(on)
    household = _lock(household)
    before = {"region": household.region}
    people = list(household.memberships.filter(until__isnull=True).values_list("person_id", flat=True))
    Membership.objects.filter(household=household, until__isnull=True).update(region=region)
    Account.objects.filter(person__in=people).update(region=region)
    Person.objects.filter(pk__in=people).update(region=region)
    for rows in (household.facts, household.member_facts, household.roll):
        rows.all().update(region=region)
    household.region = region
    household.address = address or household.address
    household.save(update_fields=["region", "address"])
    _change(household, ChangeKind.MOVED, on, acting_user, note=f"自 {before['region']} 迁来")
    _note("people.move_household", acting_user, household, before=before, after={"region": region, "on": on})
    return household


@transaction.atomic
def record_death(*, acting_user: User | None, person: Person, died_on: date) -> Person:
    """Notes a death, ends the membership on the day after, and hands the household on or closes it.

    Raises: DatesError for a future day or one before birth.
    """
    _door(acting_user, person.region)
    _not_future(died_on)
    if person.birth and died_on < person.birth:
        raise DatesError(f"死亡日期 {died_on} 早于出生日期。请核对后重填。", on=died_on)
    before = {"died_on": person.died_on}
    person.died_on = died_on
    person.save(update_fields=["died_on"])
    membership = person.memberships.filter(until__isnull=True).select_related("household").first()
    after_day = died_on + timedelta(days=1)
    if membership is not None:
        household = _lock(membership.household)
        _leave(household, person, max(after_day, membership.since), LeaveReason.DEATH)
        _settle_head(household, person, after_day, acting_user)
    _note("people.record_death", acting_user, person, before=before, after={"died_on": died_on})
    return person


@transaction.atomic
def reveal_id(*, acting_user: User, person: Person, reason: str) -> str:
    """The full identity number, for a stated reason that goes into the audit log.

    Raises: NotFoundError, AccessDeniedError; ReasonMissingError.
    """
    _door(acting_user, person.region)
    if not reason.strip():
        raise ReasonMissingError()
    _note("people.reveal_id", acting_user, person, after={"reason": reason.strip()[:200]})
    return secrets.open_id(person)


def _new_household(
    region: str, head: Person, area_kind: str, on: date, *, address: str = "", is_demo: bool = False
) -> Household:
    with connection.cursor() as cursor:
        cursor.execute("select nextval(pg_get_serial_sequence('people_household', 'id'))")
        number = cursor.fetchone()[0]
    return Household.objects.create(
        pk=number,
        no=household_no(region, number),
        region=region,
        head=head,
        area_kind=area_kind,
        formed_on=on,
        address=address,
        is_demo=is_demo,
    )


def household_no(region: str, number: int) -> str:
    """A household's number: county of its foundation and a running number; it stays when the family moves."""
    return f"{region[:6]}-{number:08d}"


def _lock(household: Household) -> Household:
    found = Household.objects.select_for_update(of=("self",)).get(pk=household.pk)
    if found.closed_on is not None:
        raise HouseholdStateError(f"家庭 {found.no} 已于 {found.closed_on} 销户，不能再变更。", household=found.pk)
    return found


def _join(household: Household, person: Person, relation: str, on: date) -> Membership:
    if person.died_on and person.died_on < on:
        raise MembershipError(f"{mask_name(person.name)} 已登记死亡，不能加入家庭。请核对。", person=person.pk)
    try:
        with transaction.atomic():
            return Membership.objects.create(
                household=household,
                person=person,
                region=household.region,
                relation=Relation(relation),
                since=on,
            )
    except IntegrityError as error:
        if "people_membership_apart" not in str(error):
            raise
        raise MembershipError(
            f"{mask_name(person.name)} 在 {on} 已属于一个家庭。请先办理迁出、分户或并户。", person=person.pk, on=on
        ) from error


def _leave(household: Household, person: Person, on: date, reason: str) -> None:
    membership = household.memberships.filter(person=person, until__isnull=True).first()
    if membership is None:
        raise MembershipError(
            f"{mask_name(person.name)} 现在不是家庭 {household.no} 的成员。请核对。", person=person.pk
        )
    if on < membership.since:
        raise DatesError(f"离开日期 {on} 早于加入日期 {membership.since}。请核对后重填。", on=on)
    membership.until = on
    membership.leave_reason = reason
    membership.save(update_fields=["until", "leave_reason"])


def _settle_head(household: Household, leaver: Person, on: date, acting_user: User | None) -> None:
    """When the head has left, the spouse follows, else the member who came first; an empty household is closed."""
    if household.head_id != leaver.pk:
        return
    present = list(household.memberships.filter(until__isnull=True).order_by("id"))
    if not present:
        household.closed_on = max(on, household.formed_on)
        household.save(update_fields=["closed_on"])
        _change(household, ChangeKind.CLOSED, on, acting_user)
        return
    heir = next((one for one in present if one.relation == Relation.SPOUSE), present[0])
    household.head_id = heir.person_id
    household.save(update_fields=["head"])
    _change(household, ChangeKind.HEAD, on, acting_user, note=f"自 {leaver.pk} 改为 {heir.person_id}")


def _change(
    household: Household,
    kind: str,
    on: date,
    acting_user: User | None,
    *,
    other: Household | None = None,
    note: str = "",
) -> None:
    HouseholdChange.objects.create(
        household=household,
        region=household.region,
        kind=kind,
        on=on,
        other=other,
        note=note,
        by_id=acting_user.pk if acting_user else None,
    )


def _note(
    action: str,
    actor: User | None,
    subject: Person | Household,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    record(
        action,
        actor=actor,
        subject_type=subject._meta.model_name or "",
        subject_id=subject.pk,
        region=subject.region,
        before=before,
        after=after,
    )
