"""The past of a roll that was taken over as it stood one day: since when members belonged, and who had left before.

For lists of earlier months that an office hands in afterwards. Nothing that was entered by a case is touched: only
memberships that began with the take-over are carried back.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from django.db import connection, transaction

from tuodi.audit.actions import record
from tuodi.org import access
from tuodi.org.copying import allocate, copy_rows
from tuodi.org.models import DutyCode, User
from tuodi.people.bulk import NewFamily, NewPerson, write_people
from tuodi.people.models import Membership, Person

__all__ = ["PastMember", "carry_back", "enter_past_members", "record_past_deaths"]


@dataclass(frozen=True)
class PastMember:
    """Somebody who had left a known household before it was taken over."""

    household: int
    region: str
    person: NewPerson
    since: date
    until: date  #: the first day no longer a member
    reason: str  #: of `enums.LeaveReason`
    died_on: date | None = None


@transaction.atomic
def carry_back(since: Mapping[int, date], *, place: str, acting_user: User | None) -> int:
    """Lets present memberships begin earlier: person -> the day. Later days than the known one change nothing.

    Returns: memberships changed.
    Raises: NotFoundError, AccessDeniedError; IntegrityError where it would run into an earlier membership.
    """
    region = place.ljust(12, "0")
    if acting_user is not None:
        access.require(acting_user, DutyCode.ROLL_IMPORT, region)
    with connection.cursor() as cursor:
        cursor.execute(
            "create temporary table tmp_past_since (person_id bigint primary key, since date) on commit drop"
        )
        with cursor.copy("copy tmp_past_since from stdin") as copy:
            for person, day in since.items():
                copy.write_row((person, day))
        cursor.execute("analyze tmp_past_since")
        cursor.execute(
            "update people_membership m set since = t.since from tmp_past_since t "
            "where m.person_id = t.person_id and m.until is null and t.since < m.since"
        )
        changed = int(cursor.rowcount)
        cursor.execute(
            "update people_household h set formed_on = first.since from (select m.household_id, min(m.since) as since "
            "from people_membership m join tmp_past_since t on t.person_id = m.person_id group by m.household_id) first "
            "where h.id = first.household_id and first.since < h.formed_on"
        )
        cursor.execute("drop table tmp_past_since")
    _note("carry_back", acting_user, region, memberships=changed)
    return changed


@transaction.atomic
def enter_past_members(
    members: Iterable[PastMember], *, place: str, acting_user: User | None, is_demo: bool = False
) -> list[int]:
    """Registers persons with an ended membership, in order. The caller has sorted out whom the county knows.

    Raises: NotFoundError, AccessDeniedError; InvalidIdError; IntegrityError for a number the county knows.
    """
    region = place.ljust(12, "0")
    if acting_user is not None:
        access.require(acting_user, DutyCode.ROLL_IMPORT, region)
    listed = list(members)
    ids = allocate(Person, len(listed))
    families = [NewFamily(one.region, "", one.since, [one.person]) for one in listed]
    write_people(
        [(family, one.person) for family, one in zip(families, listed, strict=True)],
        ids, [uuid.uuid4() for _ in ids], is_demo,
    )  # fmt: skip
    copy_rows(
        Membership,
        ["household_id", "person_id", "region", "relation", "since", "until", "leave_reason"],
        (
            (one.household, person, one.region, one.person.relation, one.since, one.until, one.reason)
            for person, one in zip(ids, listed, strict=True)
        ),
    )
    for person, one in zip(ids, listed, strict=True):
        if one.died_on is not None:
            Person.objects.filter(pk=person).update(died_on=one.died_on)
    _note("enter_past_members", acting_user, region, persons=len(ids), reasons=dict(Counter(m.reason for m in listed)))
    return ids


@transaction.atomic
def record_past_deaths(deaths: Mapping[int, date], *, place: str, acting_user: User | None) -> int:
    """Notes deaths of before the take-over: person -> day. Ends the membership, and closes a household nobody is left in.

    Returns: persons noted.
    Raises: NotFoundError, AccessDeniedError.
    """
    region = place.ljust(12, "0")
    if acting_user is not None:
        access.require(acting_user, DutyCode.ROLL_IMPORT, region)
    with connection.cursor() as cursor:
        cursor.execute(
            "create temporary table tmp_past_deaths (person_id bigint primary key, died date) on commit drop"
        )
        with cursor.copy("copy tmp_past_deaths from stdin") as copy:
            for person, day in deaths.items():
                copy.write_row((person, day))
        cursor.execute("analyze tmp_past_deaths")
        cursor.execute(
            "update people_person p set died_on = t.died from tmp_past_deaths t where p.id = t.person_id and p.died_on is null"
        )
        noted = int(cursor.rowcount)
        cursor.execute(
            "update people_membership m set until = greatest(t.died + 1, m.since), leave_reason = 'death' "
            "from tmp_past_deaths t where m.person_id = t.person_id and m.until is null"
        )
        cursor.execute(
            "update people_household h set closed_on = (select max(m.until) from people_membership m where m.household_id = h.id) "
            "where h.closed_on is null and h.id in (select m.household_id from people_membership m "
            "join tmp_past_deaths t on t.person_id = m.person_id) "
            "and not exists (select 1 from people_membership m where m.household_id = h.id and m.until is null)"
        )
        cursor.execute("drop table tmp_past_deaths")
    _note("record_past_deaths", acting_user, region, persons=noted)
    return noted


def _note(verb: str, actor: User | None, region: str, **after: object) -> None:
    record(f"people.{verb}", actor=actor, subject_type="place", subject_id=region, region=region, after=after)
