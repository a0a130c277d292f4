"""Whole rosters at once give the same rows as one by one."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import IntegrityError, transaction
from django.db.utils import ProgrammingError

from tuodi.audit.models import AuditEntry
from tuodi.kernel.identity import make_id
from tuodi.org.access import system_scope
from tuodi.org.errors import AccessDeniedError
from tuodi.people import queries, secrets
from tuodi.people.bulk import NewFamily, NewPerson, known_people, register_families
from tuodi.people.facts import load_facts
from tuodi.people.models import Account, Household, Person

pytestmark = pytest.mark.django_db
REGION, DAY = "420899001001", date(2016, 7, 1)


def number(sequence: int) -> str:
    return make_id("420899", date(1950, 1, 2), sequence)


def family(start: int, region: str = REGION) -> NewFamily:
    people = (
        NewPerson(
            "曾小红",
            id_text=number(start),
            account="6228480012345678901",
            phone="13800005678",
            facts={"seriously_ill": True},
        ),
        NewPerson("单刚", relation="child", birth=date(2010, 1, 1), sex="M"),
    )
    return NewFamily(
        region, "rural", DAY, people, facts={"income_year": "1234.56", "no_dwelling": True}, key=f"k{start}"
    )


def test_families_are_registered_with_everything_that_belongs_to_them() -> None:
    with system_scope("420899"):
        done = register_families([family(1), family(2)], acting_user=None, is_demo=True)
        assert [one.key for one in done] == ["k1", "k2"]
        household = Household.objects.get(pk=done[1].household)
        assert household.no == done[1].no
        assert load_facts(household, DAY) == {
            "place": "420899",
            "household": {"area_kind": "rural", "income_year": "1234.56", "no_dwelling": True},
            "members": [
                {"name": "曾小红", "relation": "self", "birth": "1950-01-02", "seriously_ill": True},
                {"name": "单刚", "relation": "child", "birth": "2010-01-01"},
            ],
        }
        head = Person.objects.get(pk=done[0].people[0])
        assert secrets.open_id(head) == number(1)
        assert secrets.open_account(Account.objects.get(pk=done[0].accounts[0])) == "6228480012345678901"
        assert done[0].accounts[1] is None
        assert [one.pk for one in queries.search_people("zeng xiao hong")] == [done[0].people[0], done[1].people[0]]
        assert known_people([number(2), number(9)]) == {number(2): done[1].people[0]}
        assert AuditEntry.objects.get().after == {"households": 2}


def test_a_row_outside_the_scope_or_known_before_takes_all_back() -> None:
    with system_scope("420899001"):
        with pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
            register_families([family(1), family(2, "420899002001")], acting_user=None)
        with pytest.raises(IntegrityError, match="people_person_id_once"), transaction.atomic():
            register_families([family(1), family(1)], acting_user=None)
        assert not Person.objects.exists()
        assert not Household.objects.exists()


def test_an_officer_needs_the_import_duty(make_user) -> None:
    from tuodi.org import access

    clerk = make_user("420899001", "accept")
    with access.scope(clerk), pytest.raises(AccessDeniedError):
        register_families([family(1)], acting_user=clerk)
