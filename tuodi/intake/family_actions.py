"""Registering a family that nobody knows yet, at the door: its people and its household in one deed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction

from tuodi.intake.errors import NeedInputError
from tuodi.kernel import clock
from tuodi.kernel.identity import InvalidIdError, parse_id
from tuodi.kernel.masking import mask_name
from tuodi.kernel.places import pad12
from tuodi.org import access
from tuodi.org.models import DutyCode, User
from tuodi.people import actions, secrets
from tuodi.people.enums import AreaKind, Relation
from tuodi.people.models import Household, Person
from tuodi.people.queries import household_of

__all__ = ["NewMember", "register_family"]


@dataclass(frozen=True, slots=True)
class NewMember:
    """One person of the family; the first is the head. `id_text` empty = he has no number (a newborn)."""

    name: str
    id_text: str = ""
    relation: str = Relation.SELF
    phone: str = ""


@transaction.atomic
def register_family(
    *, acting_user: User, place: str, area_kind: str, members: Sequence[NewMember], address: str = ""
) -> Household:
    """Registers a family: persons that are new are made, persons known here and in no household are taken in.

    Args:
        place: Code of the village. members: The head first.

    Raises:
        NeedInputError: Naming the line and the field; also where somebody belongs to a household already, with its number.
        DuplicatePersonError: The county knows the number, in another town.
        NotFoundError, AccessDeniedError.
    """
    if not (place.isascii() and place.isalnum() and len(place) == 12):
        raise NeedInputError("住地", "没有选到村（社区）。")
    region = pad12(place)
    access.require(acting_user, DutyCode.ACCEPT, region)
    if area_kind not in AreaKind.values:
        raise NeedInputError("城乡", "没有选择。")
    given = [member for member in members if member.name.strip() or member.id_text.strip()]
    if not given:
        raise NeedInputError("家庭成员", "没有填写。至少填户主。")
    people = [_person(acting_user, region, number, member, address) for number, member in enumerate(given, 1)]
    if len({person.pk for person in people}) < len(people):
        raise NeedInputError("家庭成员", "里有同一个人填了两次。请核对证件号码。")
    return actions.form_household(
        acting_user=acting_user,
        region=region,
        head=people[0],
        area_kind=area_kind,
        on=clock.today(),
        members=[(person, member.relation) for person, member in zip(people[1:], given[1:], strict=True)],
        address=address.strip(),
    )


def _person(acting_user: User, region: str, line: int, member: NewMember, address: str) -> Person:
    name, number = member.name.strip(), member.id_text.strip()
    if not name:
        raise NeedInputError(f"第 {line} 人的姓名", "没有填写。")
    if line > 1 and (member.relation not in Relation.values or member.relation == Relation.SELF):
        raise NeedInputError(f"第 {line} 人的与户主关系", "没有选择。")
    if number:
        try:
            parsed = parse_id(number)
        except InvalidIdError as error:
            raise NeedInputError(f"第 {line} 人的证件号码", f"：{error}") from error
        known = Person.objects.filter(id_index__in=secrets.id_indexes(parsed.text18)).first()
        if known is not None:
            return _taken_in(line, known, name)
    return actions.register_person(
        acting_user=acting_user,
        region=region,
        name=name,
        id_text=number or None,
        phone=member.phone.strip(),
        address=address,
    )


def _taken_in(line: int, known: Person, name: str) -> Person:
    """Somebody on the register already: of that name, and in no household today."""
    if known.name != name:
        raise NeedInputError(
            f"第 {line} 人的证件号码", f"登记在 {mask_name(known.name)} 名下，与填写的姓名不同。请核对身份证。"
        )
    home = household_of(known, clock.today())
    if home is not None:
        raise NeedInputError(f"第 {line} 人", f"已在家庭 {home.no}。请查找那一户登记来访；已分开生活的先办理分户。")
    return known
