"""Reading people. A protected row is handed out by the `access_*` functions only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.db import connection
from django.db.models import Q, QuerySet

from tuodi.kernel.identity import InvalidIdError, normalise, parse_id
from tuodi.kernel.masking import mask_id
from tuodi.kernel.visible import visible
from tuodi.org import access
from tuodi.org.models import User
from tuodi.people import secrets
from tuodi.people.enums import LeaveReason
from tuodi.people.models import FormerName, Household, Membership, Person

__all__ = [
    "Elsewhere",
    "access_household",
    "find_elsewhere",
    "household_of",
    "member_on",
    "members_on",
    "prefix_q",
    "search_households",
    "search_people",
]


#: At most so many holders of a former name are looked for; a longer prefix finds the others.
FORMER = 500
#: People a search by name looks at, each way of writing; nobody pages through more.
MOST = 1000


def access_household(user: User, household_id: int) -> Household:
    """One household with its head. Raises NotFoundError, alike for absent and not yours."""
    return access.one(Household.objects.select_related("head"), user=user, what="家庭", pk=household_id)


def prefix_q(field: str, prefix: str) -> Q:
    """Text that begins with a prefix, as a range.

    `LIKE` is not leakproof, so under row-level security it cannot use an index and reads the whole table; `>=` and
    `<` can. The column must have collation C.
    """
    last = ord(prefix[-1]) + 1
    if 0xD800 <= last <= 0xDFFF:
        last = 0xE000
    return Q(**{f"{field}__gte": prefix, f"{field}__lt": prefix[:-1] + chr(min(last, 0x10FFFF))})


def search_people(text: str) -> QuerySet[Person]:
    """People in scope by number, name (also former), or pinyin with or without spaces, or initials; by prefix.

    Ordered by pinyin; of more than `MOST` the first by the index. A whole identity number finds by its keyed index; part of one finds nothing, on purpose.
    """
    wanted = visible(text)
    people = Person.objects.order_by("name_pinyin", "id")
    if not wanted:
        return people.none()
    compact = wanted.replace(" ", "")
    if any(sign.isdigit() for sign in compact):
        try:
            number = parse_id(normalise(compact).text)
        except InvalidIdError:
            return people.none()
        return people.filter(id_index__in=secrets.id_indexes(number.text18))
    if compact.isascii():
        typed = compact.lower()
        found = _first(prefix_q("name_joined", typed), "name_joined")
        if len(typed) >= 2:
            found += _first(Q(name_initials=typed), "name_initials")
        return people.filter(pk__in=found)
    former = list(FormerName.objects.filter(prefix_q("name", compact)).values_list("person_id", flat=True)[:FORMER])
    return people.filter(pk__in=[*_first(prefix_q("name", compact), "name"), *former])


def _first(found: Q, by: str) -> list[int]:
    """The first of whom a column names, in the order of its index; asked first, so that each way reads its own index.

    Sorting all of a surname in a province to show twenty takes seconds; past `MOST` a reader narrows the name.
    """
    return list(Person.objects.filter(found).order_by(by).values_list("pk", flat=True)[:MOST])


def search_households(text: str) -> QuerySet[Household]:
    """Households in scope by their number, or by a present member found as in `search_people`."""
    wanted = "".join(text.split()).upper()
    households = Household.objects.select_related("head").order_by("head__name_pinyin", "id")
    if "-" in wanted and wanted.replace("-", "").isalnum():
        return households.filter(no=wanted)
    people = search_people(text)
    if people.query.is_empty():
        return households.none()
    inside = Membership.objects.filter(person__in=people.order_by().values("pk"), until__isnull=True)
    return households.filter(pk__in=inside.values("household_id"))


def members_on(household: Household, on: date) -> list[Membership]:
    """The members on a day with their persons, in order of joining; who died in the month of that day still counts.

    (A rule decides whether the month of death is paid; it must see the person to do so.)
    """
    present = Q(until__isnull=True) | Q(until__gt=on)
    died_this_month = Q(leave_reason=LeaveReason.DEATH, until__gt=on.replace(day=1))
    return list(
        household.memberships.filter(since__lte=on)
        .filter(present | died_this_month)
        .select_related("person")
        .order_by("id")
    )


def member_on(membership: Membership, on: date) -> bool:
    """Whether a membership already read is one of `members_on` of a day."""
    if membership.since > on:
        return False
    if membership.until is None or membership.until > on:
        return True
    return membership.leave_reason == LeaveReason.DEATH and membership.until > on.replace(day=1)


def household_of(person: Person, on: date) -> Household | None:
    """Where a person belongs on a day, or None."""
    found = (
        person.memberships.filter(since__lte=on)
        .filter(Q(until__isnull=True) | Q(until__gt=on))
        .select_related("household")
        .first()
    )
    return found.household if found else None


@dataclass(frozen=True)
class Elsewhere:
    """One county where a number is registered."""

    place6: str
    in_benefit: bool  #: a member of a household with an open roll entry


def find_elsewhere(id_text: str) -> list[Elsewhere]:
    """Whether, and in which counties of the whole site, a number is registered: never who or where exactly.

    The question itself is written into the audit log by the database, so it cannot be asked unseen.

    Raises: InvalidIdError.
    """
    number = parse_id(id_text)
    with connection.cursor() as cursor:
        cursor.execute(
            "select place6, in_benefit from people_find_elsewhere(%s::bytea[], %s)",
            [secrets.id_indexes(number.text18), mask_id(number.text18)],
        )
        return [Elsewhere(place, bool(benefit)) for place, benefit in cursor.fetchall()]
