"""The past of a roll taken over: carried back, entered and ended afterwards, once, and nothing besides."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from casekit import hire
from django.db import IntegrityError, transaction

from tuodi.audit.models import AuditEntry
from tuodi.kernel.identity import InvalidIdError, make_id
from tuodi.org.access import scope, system_scope
from tuodi.org.errors import AccessDeniedError, NotFoundError
from tuodi.people import secrets
from tuodi.people.bulk import NewFamily, NewPerson, register_families
from tuodi.people.models import Household, Membership, Person
from tuodi.people.past import PastMember, carry_back, enter_past_members, record_past_deaths

pytestmark = pytest.mark.django_db
PLACE, REGION, OTHER = "420899", "420899001001", "420802001001"
TAKEN = date(2016, 7, 1)  #: the day of the take-over
EARLIER = date(2014, 3, 1)
ONE_DAY = timedelta(days=1)
NOTED = {
    "carry_back": "memberships",
    "enter_past_members": "persons",
    "record_past_deaths": "persons",
}


def number(sequence: int) -> str:
    return make_id("420899", date(1950, 1, 2), sequence)


def home(start: int, region: str = REGION, size: int = 2):
    """A family taken over on the day, people numbered from `start`."""
    listed = [NewPerson("曾小红", id_text=number(start))]
    listed += [NewPerson("单刚", relation="child", id_text=number(start + n)) for n in range(1, size)]
    with system_scope(region[:6]):
        return register_families([NewFamily(region, "rural", TAKEN, listed)], acting_user=None, is_demo=True)[0]


def spans(family) -> list[tuple[date, date | None, str]]:
    with system_scope("42"):
        found = Membership.objects.filter(household=family.household).order_by("id")
        return [(m.since, m.until, m.leave_reason) for m in found]


def household(family) -> Household:
    with system_scope("42"):
        return Household.objects.get(pk=family.household)


def noted(verb: str) -> list[int]:
    """The figure of every audit row of a verb."""
    with system_scope("42"):
        found = AuditEntry.objects.filter(action=f"people.{verb}").order_by("id")
        return [row.after[NOTED[verb]] for row in found]


def test_a_membership_begins_earlier_and_the_household_with_it() -> None:
    family, beside = home(1), home(11)
    head, child = family.people
    with system_scope(PLACE):
        assert carry_back({head: EARLIER, child: TAKEN - ONE_DAY}, place=PLACE, acting_user=None) == 2
    assert spans(family) == [(EARLIER, None, ""), (TAKEN - ONE_DAY, None, "")]
    assert household(family).formed_on == EARLIER
    assert spans(beside) == [(TAKEN, None, "")] * 2
    assert household(beside).formed_on == TAKEN
    with system_scope(PLACE):  # the same list again
        assert carry_back({head: EARLIER, child: TAKEN - ONE_DAY}, place=PLACE, acting_user=None) == 0
    assert noted("carry_back") == [2, 0]


@pytest.mark.parametrize("day", [TAKEN, TAKEN + ONE_DAY, date(2017, 1, 1)])
def test_the_known_day_or_a_later_one_changes_nothing(day: date) -> None:
    family = home(1)
    with system_scope(PLACE):
        assert carry_back(dict.fromkeys(family.people, day), place=PLACE, acting_user=None) == 0
    assert spans(family) == [(TAKEN, None, "")] * 2
    assert household(family).formed_on == TAKEN


def test_who_has_left_who_is_unknown_and_who_is_elsewhere_stay_as_they_are() -> None:
    family, far = home(1), home(11, OTHER)
    _, child = family.people
    with system_scope(PLACE):
        record_past_deaths({child: date(2016, 8, 1)}, place=PLACE, acting_user=None)
        told = {child: EARLIER, 10**12: EARLIER, far.people[0]: EARLIER}
        assert carry_back(told, place=PLACE, acting_user=None) == 0
        assert carry_back({}, place=PLACE, acting_user=None) == 0
    assert spans(family) == [(TAKEN, None, ""), (TAKEN, date(2016, 8, 2), "death")]
    assert spans(far) == [(TAKEN, None, "")] * 2
    assert household(far).formed_on == TAKEN


def test_an_earlier_membership_may_be_reached_but_not_run_into() -> None:
    family, before = home(1), home(11)
    head = family.people[0]
    left = date(2015, 5, 1)  # the first day no longer a member there
    with system_scope(PLACE):
        Membership.objects.create(
            household_id=before.household, person_id=head, region=REGION, relation="child", since=EARLIER, until=left,
            leave_reason="moved",
        )  # fmt: skip
        with pytest.raises(IntegrityError), transaction.atomic():
            carry_back({head: left - ONE_DAY, family.people[1]: left}, place=PLACE, acting_user=None)
    assert spans(family) == [(TAKEN, None, "")] * 2  # all or nothing
    with system_scope(PLACE):
        assert carry_back({head: left}, place=PLACE, acting_user=None) == 1
    assert spans(family)[0] == (left, None, "")


def past(family, sequence: int, **more) -> PastMember:
    told = {
        "household": family.household, "region": REGION, "since": EARLIER, "until": date(2015, 9, 1), "reason": "moved",
        "person": NewPerson(f"旧人{sequence}", relation="child", id_text=number(sequence)),
    }  # fmt: skip
    return PastMember(**(told | more))


def test_past_members_are_entered_in_order_with_what_is_known_of_them() -> None:
    family = home(1)
    listed = [
        past(family, 21),
        past(family, 22, reason="death", died_on=date(2015, 8, 31)),
        past(family, 23, until=EARLIER),  # in and out on one day
    ]
    with system_scope(PLACE):
        ids = enter_past_members(listed, place=PLACE, acting_user=None, is_demo=True)
        rows = [Person.objects.get(pk=pk) for pk in ids]
        assert [secrets.open_id(row) for row in rows] == [number(21), number(22), number(23)]
        assert [row.died_on for row in rows] == [None, date(2015, 8, 31), None]
        assert all(row.is_demo for row in rows)
        own = [Membership.objects.get(person_id=pk) for pk in ids]
    assert [(m.household_id, m.relation, m.since, m.until, m.leave_reason) for m in own] == [
        (family.household, "child", EARLIER, date(2015, 9, 1), "moved"),
        (family.household, "child", EARLIER, date(2015, 9, 1), "death"),
        (family.household, "child", EARLIER, EARLIER, "moved"),
    ]
    assert len(spans(family)) == 5
    assert noted("enter_past_members") == [3]
    with system_scope(PLACE):
        assert enter_past_members([], place=PLACE, acting_user=None) == []


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"until": EARLIER - ONE_DAY}, IntegrityError),
        ({"person": NewPerson("曾小红", id_text=number(1))}, IntegrityError),  # the head of the family
        ({"person": NewPerson("旧人", id_text=number(30)[:17] + "?")}, InvalidIdError),
    ],
)
def test_one_wrong_past_member_enters_none(wrong: dict, error: type[Exception]) -> None:
    family = home(1)
    with system_scope(PLACE):
        before = Person.objects.count()
        with pytest.raises(error), transaction.atomic():
            enter_past_members([past(family, 21), past(family, 22, **wrong)], place=PLACE, acting_user=None)
        assert Person.objects.count() == before
    assert len(spans(family)) == 2
    assert noted("enter_past_members") == []


def test_a_past_death_ends_the_membership_and_leaves_the_household_to_the_others() -> None:
    family = home(1)
    head, child = family.people
    died = date(2016, 9, 30)
    with system_scope(PLACE):
        assert record_past_deaths({head: died}, place=PLACE, acting_user=None) == 1
    assert spans(family) == [(TAKEN, date(2016, 10, 1), "death"), (TAKEN, None, "")]
    assert household(family).closed_on is None
    with system_scope(PLACE):
        assert Person.objects.get(pk=head).died_on == died
        # Another day afterwards does not replace the one that is known.
        assert record_past_deaths({head: date(2016, 12, 1)}, place=PLACE, acting_user=None) == 0
        assert Person.objects.get(pk=head).died_on == died
    assert spans(family)[0] == (TAKEN, date(2016, 10, 1), "death")
    assert noted("record_past_deaths") == [1, 0]
    with system_scope(PLACE):
        assert record_past_deaths({child: date(2017, 1, 31)}, place=PLACE, acting_user=None) == 1
    assert household(family).closed_on == date(2017, 2, 1)  # nobody is left: the day after the last


@pytest.mark.parametrize(
    ("died", "until"),
    [
        (TAKEN - timedelta(days=400), TAKEN),  # never a day before the membership begins
        (TAKEN - ONE_DAY, TAKEN),
        (TAKEN, TAKEN + ONE_DAY),
    ],
)
def test_a_death_before_the_take_over_ends_the_membership_where_it_begins(died: date, until: date) -> None:
    family, beside = home(1, size=1), home(11, size=1)
    with system_scope(PLACE):
        assert record_past_deaths({family.people[0]: died, 10**12: died}, place=PLACE, acting_user=None) == 1
    assert spans(family) == [(TAKEN, until, "death")]
    assert household(family).closed_on == until
    assert household(beside).closed_on is None
    assert spans(beside) == [(TAKEN, None, "")]


def test_a_death_elsewhere_is_not_this_county_s_to_note() -> None:
    far = home(11, OTHER)
    with system_scope(PLACE):
        assert record_past_deaths({far.people[0]: EARLIER}, place=PLACE, acting_user=None) == 0
    assert spans(far) == [(TAKEN, None, "")] * 2


def test_the_past_is_for_who_takes_rolls_over_in_this_place(make_user) -> None:
    family = home(1)
    head = family.people[0]
    keeper, clerk = hire(make_user, PLACE, "roll_import"), hire(make_user, PLACE, "accept")
    stranger = hire(make_user, "420802", "roll_import")
    doors = (
        lambda user: carry_back({head: EARLIER}, place=PLACE, acting_user=user),
        lambda user: enter_past_members([past(family, 21)], place=PLACE, acting_user=user),
        lambda user: record_past_deaths({head: date(2017, 1, 1)}, place=PLACE, acting_user=user),
    )
    for door in doors:
        for user, error in ((clerk, AccessDeniedError), (stranger, NotFoundError)):
            with scope(user), pytest.raises(error):
                door(user)
        assert spans(family) == [(TAKEN, None, "")] * 2
    for door in doors:
        with scope(keeper):
            assert door(keeper)
    assert len(spans(family)) == 3
    with system_scope(PLACE):
        assert set(
            AuditEntry.objects.filter(action__in=[f"people.{v}" for v in NOTED]).values_list("actor_id", flat=True)
        ) == {keeper.pk}
