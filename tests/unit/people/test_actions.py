"""Persons and households: dated history, one household at a time, secrets sealed."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import IntegrityError, connection, transaction

from tuodi.audit.models import AuditEntry
from tuodi.crypto.errors import DecryptError
from tuodi.kernel.clock import frozen
from tuodi.kernel.identity import InvalidIdError, make_id
from tuodi.org.access import system_scope
from tuodi.org.errors import AccessDeniedError, NotFoundError
from tuodi.people import actions, queries, secrets
from tuodi.people.errors import DatesError, DuplicatePersonError, HouseholdStateError, MembershipError
from tuodi.people.models import Household, HouseholdChange, Membership, Person, RollEntry

pytestmark = pytest.mark.django_db
REGION, OTHER_TOWN, OTHER_COUNTY = "420899001001", "420899002001", "420898001001"


@pytest.fixture(autouse=True)
def county():
    with frozen(date(2017, 6, 15)), system_scope("4208"):
        yield


@pytest.fixture
def family(new_person):
    head, wife, son = new_person("欧阳建"), new_person("曾小红"), new_person("欧阳华", birth=date(1990, 5, 5))
    household = actions.form_household(
        acting_user=None,
        region=REGION,
        head=head,
        area_kind="urban",
        on=date(2016, 1, 1),
        members=[(wife, "spouse"), (son, "child")],
    )
    return household, head, wife, son


def names(household: Household, on: date) -> list[str]:
    return [one.person.name for one in queries.members_on(household, on)]


def test_a_number_is_sealed_and_masked_and_wins_over_the_form() -> None:
    number = make_id("420899", date(1950, 1, 2), 12)
    person = actions.register_person(
        acting_user=None,
        region=REGION,
        name="欧阳建",
        id_text=number.lower(),
        birth=date(1999, 9, 9),
        sex="M",
        phone="13800005678",
    )
    person.refresh_from_db()
    assert number.encode() not in bytes(person.id_cipher)
    assert (secrets.open_id(person), person.id_masked) == (number, number[:6] + "********" + number[-4:])
    assert (person.birth, person.sex) == (date(1950, 1, 2), "F")
    assert (secrets.open_phone(person), person.phone_masked) == ("13800005678", "138****5678")


def test_a_ciphertext_moved_to_another_person_does_not_open(new_person) -> None:
    one, two = new_person("甲"), new_person("乙")
    two.id_cipher = one.id_cipher
    with pytest.raises(DecryptError):
        secrets.open_id(two)


def test_an_impossible_number_registers_nobody() -> None:
    with pytest.raises(InvalidIdError):
        actions.register_person(acting_user=None, region=REGION, name="甲", id_text="42089919500230001X")
    assert not Person.objects.exists()


def test_the_same_number_again_in_the_county_is_refused_and_masked(new_person) -> None:
    number = make_id("420899", date(1950, 1, 2), 77)
    new_person("欧阳建", id_text=number)
    with system_scope(OTHER_TOWN), pytest.raises(DuplicatePersonError) as refused:
        actions.register_person(acting_user=None, region=OTHER_TOWN, name="欧阳健", id_text=number)
    assert number not in str(refused.value)
    assert number[:6] + "********" + number[-4:] in str(refused.value)
    with system_scope(OTHER_COUNTY):
        actions.register_person(acting_user=None, region=OTHER_COUNTY, name="欧阳建", id_text=number)


def test_duplicates_elsewhere_are_answered_by_county_and_never_unseen(new_person) -> None:
    number = make_id("420899", date(1950, 1, 2), 78)
    person = new_person("欧阳建", id_text=number)
    with system_scope(OTHER_COUNTY):
        assert not Person.objects.filter(pk=person.pk).exists()
        assert queries.find_elsewhere(number) == [queries.Elsewhere("420899", False)]
        entry = AuditEntry.objects.get(action="people.find_elsewhere")
        assert entry.subject_id == number[:6] + "********" + number[-4:]
    with connection.cursor() as cursor, transaction.atomic():
        cursor.execute("select set_config('app.region', '', true)")
        with pytest.raises(Exception, match="没有管辖范围"), transaction.atomic():
            cursor.execute("select * from people_find_elsewhere(array[]::bytea[], '')")


def test_a_person_is_in_one_household_at_a_time(family, new_person) -> None:
    _, _, wife, _ = family
    other = new_person("单刚")
    home = actions.form_household(acting_user=None, region=REGION, head=other, area_kind="rural", on=date(2016, 1, 1))
    with pytest.raises(MembershipError, match="已属于一个家庭"):
        actions.add_member(acting_user=None, household=home, person=wife, relation="spouse", on=date(2017, 1, 1))
    with pytest.raises(IntegrityError, match="people_membership_apart"), transaction.atomic():
        Membership.objects.create(household=home, person=wife, region=REGION, relation="spouse", since=date(2017, 1, 1))


def test_leaving_and_joining_on_one_day_is_no_overlap(family, new_person) -> None:
    household, _, _, son = family
    home = actions.form_household(
        acting_user=None, region=REGION, head=new_person("单刚"), area_kind="rural", on=date(2016, 1, 1)
    )
    actions.remove_member(acting_user=None, household=household, person=son, on=date(2017, 3, 1))
    actions.add_member(acting_user=None, household=home, person=son, relation="child", on=date(2017, 3, 1))
    assert "欧阳华" in names(household, date(2017, 2, 28))
    assert "欧阳华" not in names(household, date(2017, 3, 1))
    assert queries.household_of(son, date(2017, 2, 28)) == household
    assert queries.household_of(son, date(2017, 3, 1)) == home


def test_a_death_ends_the_membership_but_the_month_still_shows_the_person(family) -> None:
    household, head, wife, _ = family
    actions.record_death(acting_user=None, person=head, died_on=date(2017, 4, 10))
    household.refresh_from_db()
    assert household.head_id == wife.pk
    assert names(household, date(2017, 4, 30))[0] == "欧阳建"
    assert "欧阳建" not in names(household, date(2017, 5, 1))
    with pytest.raises(DatesError):
        actions.record_death(acting_user=None, person=wife, died_on=date(2018, 1, 1))


def test_the_last_death_closes_the_household(new_person) -> None:
    person = new_person()
    household = actions.form_household(
        acting_user=None, region=REGION, head=person, area_kind="rural", on=date(2016, 1, 1)
    )
    actions.record_death(acting_user=None, person=person, died_on=date(2017, 4, 10))
    household.refresh_from_db()
    assert household.closed_on == date(2017, 4, 11)
    with pytest.raises(HouseholdStateError):
        actions.remove_member(acting_user=None, household=household, person=person, on=date(2017, 5, 1))


def test_a_split_keeps_the_history_of_both(family) -> None:
    household, _, _, son = family
    new = actions.split_household(acting_user=None, household=household, head=son, on=date(2017, 2, 1))
    assert names(new, date(2017, 2, 1)) == ["欧阳华"]
    assert names(household, date(2017, 2, 1)) == ["欧阳建", "曾小红"]
    assert len(names(household, date(2017, 1, 31))) == 3
    assert HouseholdChange.objects.filter(household=household, kind="split", other=new).exists()


def test_a_split_that_leaves_nobody_is_refused_whole(family) -> None:
    household, head, wife, son = family
    with pytest.raises(HouseholdStateError, match="没有成员"):
        actions.split_household(
            acting_user=None,
            household=household,
            head=head,
            members=[(wife, "spouse"), (son, "child")],
            on=date(2017, 2, 1),
        )
    assert len(names(household, date(2017, 6, 1))) == 3


def test_a_merge_moves_everybody_and_closes_the_other(family) -> None:
    household, _, _, son = family
    new = actions.split_household(acting_user=None, household=household, head=son, on=date(2017, 2, 1))
    actions.merge_households(
        acting_user=None, into=household, other=new, on=date(2017, 5, 1), relations={son.pk: "child"}
    )
    new.refresh_from_db()
    assert new.closed_on == date(2017, 5, 1)
    assert names(household, date(2017, 5, 1)) == ["欧阳建", "曾小红", "欧阳华"]
    assert names(new, date(2017, 4, 30)) == ["欧阳华"]


def test_a_former_name_still_finds(family) -> None:
    _, head, _, _ = family
    actions.change_name(acting_user=None, person=head, name="单建", on=date(2017, 1, 1), reason="更名")
    assert [one.pk for one in queries.search_people("欧阳建")] == [head.pk]
    assert [one.pk for one in queries.search_people("shan jian")] == [head.pk]


@pytest.mark.parametrize("text", ["欧阳", "欧阳建", "ou yang jian", "ouyangj", "OYJ", " 欧阳　建 "])
def test_a_person_is_found_by_name_pinyin_and_initials(family, text: str) -> None:
    assert "欧阳建" in [one.name for one in queries.search_people(text)]


def test_a_person_is_found_by_the_whole_number_only(family) -> None:
    _, head, _, _ = family
    number = secrets.open_id(head)
    assert [one.pk for one in queries.search_people(number)] == [head.pk]
    assert not queries.search_people(number[:17]).exists()
    assert not queries.search_people(number[:6]).exists()
    assert [one.head_id for one in queries.search_households(number)] == [head.pk]


def test_a_name_search_uses_the_index_under_row_level_security(family, as_owner) -> None:
    """Danger 4: LIKE is not leakproof and would read the whole table."""
    _, head, _, _ = family
    # Enough others that the planner has a reason to choose between indexes, whatever statistics other tests have left.
    Person.objects.bulk_create(
        Person(
            region=head.region,
            name=f"王{n}",
            name_pinyin=f"wang {n}",
            name_joined=f"wang{n}",
            name_initials=f"w{n}",
            created_at=head.created_at,
        )
        for n in range(2000)
    )
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("analyze people_person")
    with connection.cursor() as cursor:
        cursor.execute("set local enable_seqscan = off")
        cursor.execute("set local enable_bitmapscan = off")
        query, params = Person.objects.filter(queries.prefix_q("name", "欧阳")).values("pk").query.sql_with_params()
        cursor.execute("explain " + query, params)
        plan = "\n".join(row[0] for row in cursor.fetchall())
        cursor.execute("explain select id from people_person where name like '欧阳%'")
        like = "\n".join(row[0] for row in cursor.fetchall())
    assert "Index Cond: ((name >=" in plan.replace("(name)::text", "name").replace("((name", "((name")
    assert "Index Cond: ((name" not in like.replace("(name)::text", "name")


def test_an_officer_of_another_town_finds_nothing_and_learns_nothing(family, make_user) -> None:
    household, head, _, _ = family
    from tuodi.org import access

    stranger = make_user("420899002", "accept")
    with access.scope(stranger):
        assert not queries.search_people("欧阳建").exists()
        with pytest.raises(NotFoundError) as hidden:
            queries.access_household(stranger, household.pk)
        with pytest.raises(NotFoundError) as absent:
            queries.access_household(stranger, 10**9)
        assert str(hidden.value) == str(absent.value)
        with pytest.raises(NotFoundError):
            actions.record_death(acting_user=stranger, person=head, died_on=date(2017, 1, 1))


def test_an_action_needs_a_duty(family, make_user) -> None:
    _, head, _, _ = family
    idle, clerk = make_user("420899001"), make_user("420899001", "accept")
    with pytest.raises(AccessDeniedError):
        actions.change_name(acting_user=idle, person=head, name="甲", on=date(2017, 1, 1))
    assert actions.reveal_id(acting_user=clerk, person=head, reason="核对原件") == secrets.open_id(head)
    entry = AuditEntry.objects.get(action="people.reveal_id")
    assert (entry.actor_id, entry.after) == (clerk.pk, {"reason": "核对原件"})


def test_an_account_is_sealed_and_once(family) -> None:
    _, head, _, _ = family
    wanted = {"acting_user": None, "person": head, "holder": "欧阳建", "since": date(2016, 1, 1)}
    one = actions.add_account(number="6228 4800 1234 5678 901", **wanted)
    two = actions.add_account(number="6228480012345678901", **wanted)
    assert one.pk == two.pk
    assert one.last4 == "8901"
    assert secrets.open_account(one) == "6228480012345678901"


def entry(household: Household, **more: object) -> RollEntry:
    columns = {"household": household, "region": REGION, "programme": "dibao", "category": "urban", "amount_fen": 1}
    return RollEntry.objects.create(**(columns | {"start_month": 201701} | more))


def test_two_open_entries_of_one_family_and_programme_exclude_each_other(family) -> None:
    household, *_ = family
    entry(household, end_month=201703)
    entry(household, start_month=201704)
    entry(household, programme="edge")
    for start, end in ((201703, 201703), (201612, None), (201705, 201706)):
        with pytest.raises(IntegrityError, match="people_roll_household_apart"), transaction.atomic():
            entry(household, start_month=start, end_month=end)


def test_a_tekun_entry_is_one_person_s(family) -> None:
    household, head, _, _ = family
    entry(household, programme="tekun", person=head)
    with pytest.raises(IntegrityError, match="people_roll_person_apart"), transaction.atomic():
        entry(household, programme="tekun", person=head, start_month=201705)
    for wrong in ({"programme": "tekun"}, {"programme": "edge", "person": head}):
        with pytest.raises(IntegrityError, match="people_roll_unit"), transaction.atomic():
            entry(household, **wrong)


@pytest.mark.parametrize("month", [201700, 201713, 20171, 0])
def test_a_month_that_is_none_is_refused_by_the_database(family, month: int) -> None:
    household, *_ = family
    with pytest.raises(IntegrityError), transaction.atomic():
        entry(household, start_month=month)


def test_every_action_leaves_its_record(family) -> None:
    household, *_ = family
    done = list(
        AuditEntry.objects.filter(subject_type="household", subject_id=household.pk).values_list("action", flat=True)
    )
    assert done == ["people.form_household"]
    assert AuditEntry.objects.filter(action="people.register_person").count() == 3
    assert not any("欧阳建" in str(row.after) for row in AuditEntry.objects.all())
