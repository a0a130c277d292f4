"""Registering whole rosters: the same rows as `people.actions`, written by the ten thousand.

One audit row a county tells how many; single persons are not named there, the stored roster file is the evidence.
"""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db import transaction

from tuodi.audit.actions import record
from tuodi.crypto.index import blind_indexes
from tuodi.kernel import clock, pinyin
from tuodi.kernel.identity import IdNumber, parse_id
from tuodi.org import access
from tuodi.org.copying import allocate, copy_rows
from tuodi.org.models import DutyCode, User
from tuodi.people import facts as fact_columns
from tuodi.people import secrets
from tuodi.people.actions import household_no
from tuodi.people.models import (
    Account,
    Household,
    HouseholdChange,
    HouseholdFacts,
    MemberFacts,
    Membership,
    Person,
)

__all__ = ["NewFamily", "NewPerson", "Registered", "known_people", "register_families", "write_people"]

_SEX = {"男": "M", "女": "F"}


@dataclass(frozen=True)
class NewPerson:
    """A person to register. The first of a family is its head."""

    name: str
    relation: str = "unstated"  #: to the head; ignored for the head
    id_text: str | None = None  #: a number `parse_id` reads; None = without one
    birth: date | None = None  #: only where there is no number
    sex: str = ""
    phone: str = ""
    hukou_place: str = ""
    hukou_kind: str = ""
    address: str = ""
    account: str = ""  #: digits; empty = none
    holder: str = ""  #: empty = the person
    bank_code: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)  #: as in the family file


@dataclass(frozen=True)
class NewFamily:
    """A household to register."""

    region: str  #: 12 characters
    area_kind: str
    on: date  #: formed, and everybody joined
    people: Sequence[NewPerson]
    address: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    key: str = ""  #: the caller's own key, handed back


@dataclass(frozen=True)
class Registered:
    """What became of one `NewFamily`, by position. `accounts` has None for persons without one."""

    key: str
    household: int
    no: str
    people: tuple[int, ...]
    accounts: tuple[int | None, ...]


def known_people(id_texts: Sequence[str]) -> dict[str, int]:
    """Of many 18-character numbers, those a person in scope has: number -> person id. One query."""
    by_index = {index: text for index, text in zip(blind_indexes(id_texts, "id"), id_texts, strict=True) if index}
    found = Person.objects.filter(id_index__in=list(by_index)).values_list("id_index", "pk")
    return {by_index[bytes(index)]: number for index, number in found}


@transaction.atomic
def register_families(
    families: Iterable[NewFamily],
    *,
    acting_user: User | None,
    facts_from: date | None = None,
    is_demo: bool = False,
) -> list[Registered]:
    """Registers households with their people, memberships, accounts and facts, all or none.

    The caller has sorted out duplicates (`known_people`) and bad numbers.

    Args:
        facts_from: first day the facts count; None = each family's `on`.
    Raises: InvalidIdError; IntegrityError for a number the county knows; NotFoundError, AccessDeniedError.
    """
    families = list(families)
    for region in sorted({family.region for family in families}):
        if acting_user is not None:
            access.require(acting_user, DutyCode.ROLL_IMPORT, region)
    people = [(family, person) for family in families for person in family.people]
    household_ids = allocate(Household, len(families))
    person_ids = allocate(Person, len(people))
    account_ids = iter(allocate(Account, sum(bool(person.account) for _, person in people)))
    uids = [uuid.uuid4() for _ in people]
    write_people(people, person_ids, uids, is_demo)

    households, members, changes, accounts, family_facts, member_facts, done = [], [], [], [], [], [], []
    at = 0
    for number, family in zip(household_ids, families, strict=True):
        mine = person_ids[at : at + len(family.people)]
        at += len(family.people)
        no, on, region = household_no(family.region, number), family.on, family.region
        valid = facts_from or on
        households.append((number, region, no, mine[0], family.area_kind, family.address, on, is_demo))
        changes.append((number, region, "formed", on, "", acting_user.pk if acting_user else None))
        own = {"area_kind": family.area_kind} | dict(family.facts)
        family_facts.append((number, region, valid, *_fact_row(own, fact_columns.HOUSEHOLD, "household")))
        opened: list[int | None] = []
        for place, (person_id, person) in enumerate(zip(mine, family.people, strict=True)):
            relation = "self" if place == 0 else person.relation
            members.append((number, person_id, region, relation, on, ""))
            if person.facts:
                row = _fact_row(person.facts, fact_columns.MEMBER, f"members[{place}]")
                member_facts.append((number, person_id, region, valid, *row))
            opened.append(next(account_ids) if person.account else None)
            if person.account:
                accounts.append(_account_row(opened[-1], person_id, person, region, on))
        done.append(Registered(family.key, number, no, tuple(mine), tuple(opened)))

    copy_rows(
        Household,
        ["id", "region", "no", "head_id", "area_kind", "address", "formed_on", "is_demo"],
        households,
    )
    copy_rows(Membership, ["household_id", "person_id", "region", "relation", "since", "leave_reason"], members)
    copy_rows(HouseholdChange, ["household_id", "region", "kind", "on", "note", "by_id"], changes)
    copy_rows(
        Account,
        [
            "id",
            "uid",
            "person_id",
            "region",
            "account_cipher",
            "account_index",
            "last4",
            "bank_code",
            "holder",
            "since",
        ],
        accounts,
    )
    columns = ["region", "valid_from", *(column for column, _ in fact_columns.HOUSEHOLD.values()), "extra"]
    copy_rows(HouseholdFacts, ["household_id", *columns], family_facts)
    columns = ["region", "valid_from", *(column for column, _ in fact_columns.MEMBER.values()), "extra"]
    copy_rows(MemberFacts, ["household_id", "person_id", *columns], member_facts)

    counts = Counter(family.region[:6] for family in families)
    for county, count in sorted(counts.items()):
        record(
            "people.register_families",
            actor=acting_user,
            subject_type="county",
            subject_id=county,
            region=county.ljust(12, "0"),
            after={"households": count},
        )
    return done


def write_people(
    people: Sequence[tuple[NewFamily, NewPerson]], ids: Sequence[int], uids: Sequence[uuid.UUID], is_demo: bool
) -> None:
    """The rows of persons alone, numbers and phones encrypted; `people` gives each with the family whose region he has."""
    now = clock.now()

    def rows() -> Iterable[tuple[Any, ...]]:
        keys: dict[str, str] = {}
        for (family, person), number, uid in zip(people, ids, uids, strict=True):
            read: IdNumber | None = parse_id(person.id_text) if person.id_text else None
            sealed = secrets.seal("id", read.text18, uid) if read else None
            phone = secrets.seal("phone", person.phone, uid) if person.phone else None
            key = keys.get(person.name) or keys.setdefault(person.name, pinyin.sort_key(person.name))
            yield (
                number,
                uid,
                family.region,
                person.name,
                key[:200],
                key.replace(" ", "")[:200],
                "".join(part[0] for part in key.split())[:40],
                sealed.cipher if sealed else None,
                sealed.index if sealed else None,
                sealed.masked if sealed else "",
                read.kind if read else "",
                read.check_ok if read else True,
                _SEX[read.sex] if read else person.sex,
                read.birth if read else person.birth,
                phone.cipher if phone else None,
                phone.masked if phone else "",
                person.hukou_place,
                person.hukou_kind,
                person.address,
                is_demo,
                now,
            )

    columns = (
        "id uid region name name_pinyin name_joined name_initials id_cipher id_index id_masked id_kind id_check_ok "
    )
    columns += "sex birth phone_cipher phone_masked hukou_place hukou_kind address is_demo created_at"
    copy_rows(Person, columns.split(), rows())


def _account_row(number: int | None, person_id: int, person: NewPerson, region: str, on: date) -> tuple[Any, ...]:
    uid = uuid.uuid4()
    sealed = secrets.seal("account", person.account, uid)
    holder = person.holder or person.name
    return (
        number, uid, person_id, region, sealed.cipher, sealed.index, person.account[-4:], person.bank_code, holder, on,
    )  # fmt: skip


def _fact_row(facts: Mapping[str, Any], columns: Mapping[str, tuple[str, bool]], path: str) -> tuple[Any, ...]:
    values = fact_columns.to_columns(facts, columns, path)
    return (*(values[column] for column, _ in columns.values()), json.dumps(values["extra"], ensure_ascii=False))
