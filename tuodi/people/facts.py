"""The accepted facts of a household: from columns to the family file that rules read, and back.

Facts have two homes. Those a bulk run filters on are typed columns (`HOUSEHOLD`, `MEMBER` below); all others stay in
`extra` as the family file has them. Names are those of `policies/cn/facts.yaml`; whether a fact exists is the
policy's affair, so an unknown name is kept and refused by the rules, not here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from django.db import transaction
from django.db.models import Model, Q, QuerySet

from tuodi.audit.actions import record
from tuodi.kernel.errors import TuodiError
from tuodi.kernel.money import parse_yuan
from tuodi.org import access
from tuodi.org.models import DutyCode, User
from tuodi.people.errors import FactsError
from tuodi.people.models import Household, HouseholdFacts, MemberFacts, Membership
from tuodi.people.queries import member_on, members_on

__all__ = ["HOUSEHOLD", "MEMBER", "FactHistory", "load_facts", "put_facts", "to_columns"]

#: Fact -> (column, money). Money is fen in the column and yuan text in the family file.
HOUSEHOLD: dict[str, tuple[str, bool]] = {
    "area_kind": ("area_kind", False),
    "income_year": ("income_year_fen", True),
    "cost_medical": ("cost_medical_fen", True),
    "assets_ok": ("assets_ok", False),
}
MEMBER: dict[str, tuple[str, bool]] = {
    "own_income_year": ("own_income_year_fen", True),
    "disability_kind": ("disability_kind", False),
    "disability_grade": ("disability_grade", False),
    "seriously_ill": ("seriously_ill", False),
    "lost_labour": ("lost_labour", False),
    "school": ("school", False),
    "assessed_self_care": ("self_care", False),
}
#: Facts that persons and memberships themselves hold; never stored twice.
REGISTERED = ("name", "relation", "birth", "died", "person_id")
DUTIES = (DutyCode.ACCEPT, DutyCode.REVIEW, DutyCode.VISIT, DutyCode.CONFIRM, DutyCode.ROLL_IMPORT)


def _yuan(fen: int) -> str:
    sign, fen = ("-", -fen) if fen < 0 else ("", fen)
    return f"{sign}{fen // 100}.{fen % 100:02d}"


def _read(row: Model | None, columns: Mapping[str, tuple[str, bool]]) -> dict[str, Any]:
    if row is None:
        return {}
    found: dict[str, Any] = {}
    for fact, (column, money) in columns.items():
        value = getattr(row, column)
        if value is not None:
            found[fact] = _yuan(value) if money else value
    return found | row.extra  # type: ignore[attr-defined]


def load_facts(household: Household, on: date, *, digits: int = 6) -> dict[str, Any]:
    """The family file of a household on a day: `{"place", "household", "members"}`; see `FactHistory.file`."""
    return FactHistory(household).file(on, digits=digits)


class FactHistory:
    """A household's facts and members of all days, read in three queries; then the family file of any day without one.

    Args:
        household: in scope.
        memberships: all of the household with their persons, oldest first, where the caller has read them anyway.
    """

    def __init__(self, household: Household, memberships: Sequence[Membership] | None = None) -> None:
        self.household = household
        if memberships is None:
            memberships = list(household.memberships.select_related("person").order_by("id"))
        self.memberships = memberships
        self._own = list(household.facts.all())
        self._of_members = list(household.member_facts.all())

    def file(self, on: date, *, digits: int = 6) -> dict[str, Any]:
        """The family file of a day.

        Members are in the order of `queries.members_on`, so results go back to persons by position. A fact that is
        not known is left out. Names and dates come from the register (persons), never from stored facts.

        Args:
            on: the day whose members and facts count.
            digits: how much of the region code is the place: 6 the county, 9 the town (packs with town standards).
        """
        row = next((fact for fact in self._own if _holds(fact, on)), None)
        of_members = {fact.person_id: fact for fact in self._of_members if _holds(fact, on)}
        members = []
        for membership in self.memberships:
            if not member_on(membership, on):
                continue
            person = membership.person
            member: dict[str, Any] = {"name": person.name, "relation": membership.relation}
            if person.birth:
                member["birth"] = person.birth.isoformat()
            if person.died_on and person.died_on <= on:
                member["died"] = person.died_on.isoformat()
            members.append(member | _read(of_members.get(person.pk), MEMBER))
        household_facts = {"area_kind": self.household.area_kind} | _read(row, HOUSEHOLD)
        return {"place": self.household.region[:digits], "household": household_facts, "members": members}


def _holds(fact: HouseholdFacts | MemberFacts, on: date) -> bool:
    """`_valid` of a row already read."""
    return fact.valid_from <= on and (fact.valid_to is None or fact.valid_to > on)


def _valid(rows: QuerySet[Any], on: date) -> QuerySet[Any]:
    return rows.filter(valid_from__lte=on).filter(Q(valid_to__isnull=True) | Q(valid_to__gt=on))


def to_columns(facts: Mapping[str, Any], columns: Mapping[str, tuple[str, bool]], path: str) -> dict[str, Any]:
    """Facts of a family file as column values (money in fen), the rest under `extra`. Raises FactsError."""
    values: dict[str, Any] = {column: None for column, _ in columns.values()}
    extra: dict[str, Any] = {}
    for fact, value in facts.items():
        if fact in REGISTERED or value is None:
            continue
        if fact not in columns:
            extra[fact] = value
            continue
        column, money = columns[fact]
        try:
            values[column] = parse_yuan(value) if money else value
        except TuodiError as error:
            raise FactsError(f"{path}.{fact}：{error}", path=f"{path}.{fact}") from error
    return values | {"extra": extra}


@transaction.atomic
def put_facts(
    household: Household, facts: Mapping[str, Any], valid_from: date, *, acting_user: User | None = None
) -> None:
    """Accepts the facts of a family file from a day on; what was valid before ends that day and is kept.

    Members are matched by `person_id` where given, else by name among the members of that day. Facts put again
    from the same day replace those of that day. A member the file leaves out keeps what was known.

    Args:
        household: in scope; None as acting user is the system's own work.
        facts: `{"household": {...}, "members": [...]}` as the family file has it; place and assume are not facts.
        valid_from: the first day the facts count.
    Raises: FactsError naming the path; NotFoundError, AccessDeniedError.
    """
    if acting_user is not None:
        access.require_any(acting_user, DUTIES, household.region)
    Household.objects.select_for_update(of=("self",)).get(pk=household.pk)
    present = members_on(household, valid_from)
    own = dict(facts.get("household") or {})
    own.setdefault("area_kind", household.area_kind)
    common = {"household": household, "region": household.region}
    _replace(household.facts.all(), common, to_columns(own, HOUSEHOLD, "household"), valid_from)
    for place, member in enumerate(facts.get("members") or ()):
        person = _match(present, member, place).person
        values = to_columns(member, MEMBER, f"members[{place}]")
        rows = MemberFacts.objects.filter(person=person)
        _replace(rows, common | {"person": person}, values, valid_from)
    changed = sorted(key for key in own if key not in REGISTERED)
    record(
        "people.put_facts",
        actor=acting_user,
        subject_type="household",
        subject_id=household.pk,
        region=household.region,
        after={"valid_from": valid_from, "facts": changed, "members": len(facts.get("members") or ())},
    )


def _match(present: list[Membership], member: Mapping[str, Any], place: int) -> Membership:
    if member.get("person_id") is not None:
        fits = [one for one in present if one.person_id == member["person_id"]]
    else:
        fits = [one for one in present if one.person.name == member.get("name")]
    if len(fits) != 1:
        why = "家庭中没有此人" if not fits else "家庭中有同名的人，请写明 person_id"
        raise FactsError(f"members[{place}]：{why}。请核对家庭成员。", path=f"members[{place}]")
    return fits[0]


def _replace(rows: QuerySet[Any], common: dict[str, Any], values: dict[str, Any], valid_from: date) -> None:
    """Ends the row valid on the day, replaces one that begins that day, and leaves later ones alone."""
    later = rows.filter(valid_from__gt=valid_from).order_by("valid_from").first()
    if rows.filter(valid_from=valid_from).update(**values):
        return
    _valid(rows, valid_from).update(valid_to=valid_from)
    rows.model.objects.create(**common, **values, valid_from=valid_from, valid_to=later.valid_from if later else None)
