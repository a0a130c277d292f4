"""Facts to the family file and back, dated."""

from __future__ import annotations

from datetime import date

import pytest

from tuodi.kernel.clock import frozen
from tuodi.org.access import system_scope
from tuodi.people import actions
from tuodi.people.errors import FactsError
from tuodi.people.facts import load_facts, put_facts
from tuodi.people.models import HouseholdFacts, MemberFacts

pytestmark = pytest.mark.django_db
REGION = "420899001001"


@pytest.fixture
def household(new_person):
    with frozen(date(2017, 6, 15)), system_scope("4208"):
        head, son = new_person("欧阳建"), new_person("欧阳华", birth=date(1990, 5, 5))
        yield actions.form_household(
            acting_user=None, region=REGION, head=head, area_kind="urban", on=date(2016, 1, 1), members=[(son, "child")]
        )


def test_facts_come_back_as_the_family_file_has_them(household) -> None:
    put_facts(
        household,
        {
            "household": {"area_kind": "urban", "income_year": "10800.5", "assets_ok": True, "no_dwelling": False},
            "members": [{"name": "欧阳建", "disability_grade": 2, "fails_eating": True, "own_income_year": "0"}],
        },
        date(2017, 1, 1),
    )
    assert load_facts(household, date(2017, 4, 1)) == {
        "place": "420899",
        "household": {"area_kind": "urban", "income_year": "10800.50", "assets_ok": True, "no_dwelling": False},
        "members": [
            {
                "name": "欧阳建",
                "relation": "self",
                "birth": "1950-01-02",
                "disability_grade": 2,
                "fails_eating": True,
                "own_income_year": "0.00",
            },
            {"name": "欧阳华", "relation": "child", "birth": "1990-05-05"},
        ],
    }
    assert HouseholdFacts.objects.get().income_year_fen == 1080050


def test_what_is_not_known_is_left_out_and_not_zero(household) -> None:
    put_facts(household, {"household": {"income_year": None}}, date(2017, 1, 1))
    assert load_facts(household, date(2017, 1, 1))["household"] == {"area_kind": "urban"}


def test_a_late_fact_ends_the_earlier_one_and_both_stay(household) -> None:
    put_facts(household, {"household": {"income_year": "100"}}, date(2017, 1, 1))
    put_facts(household, {"household": {"income_year": "300"}}, date(2017, 5, 1))
    put_facts(household, {"household": {"income_year": "200"}}, date(2017, 3, 1))  # learnt later, valid earlier
    shown = [load_facts(household, date(2017, month, 1))["household"]["income_year"] for month in range(1, 7)]
    assert shown == ["100.00", "100.00", "200.00", "200.00", "300.00", "300.00"]
    put_facts(household, {"household": {"income_year": "250"}}, date(2017, 3, 1))
    assert load_facts(household, date(2017, 4, 30))["household"]["income_year"] == "250.00"
    assert HouseholdFacts.objects.count() == 3


def test_the_register_wins_over_stored_facts(household) -> None:
    put_facts(
        household, {"members": [{"name": "欧阳建", "birth": "2000-01-01", "died": "2016-01-01"}]}, date(2017, 1, 1)
    )
    assert MemberFacts.objects.get().extra == {}
    assert load_facts(household, date(2017, 1, 1))["members"][0] == {
        "name": "欧阳建",
        "relation": "self",
        "birth": "1950-01-02",
    }


def test_bad_money_and_strangers_are_named_by_their_path(household) -> None:
    with pytest.raises(FactsError, match=r"household\.income_year"):
        put_facts(household, {"household": {"income_year": "1.005"}}, date(2017, 1, 1))
    with pytest.raises(FactsError, match=r"members\[0\]：家庭中没有此人"):
        put_facts(household, {"members": [{"name": "甲"}]}, date(2017, 1, 1))
    assert not HouseholdFacts.objects.exists()


def test_two_of_one_name_need_their_number(household, new_person) -> None:
    twin = new_person("欧阳建")
    actions.add_member(acting_user=None, household=household, person=twin, relation="sibling", on=date(2016, 1, 1))
    with pytest.raises(FactsError, match="person_id"):
        put_facts(household, {"members": [{"name": "欧阳建", "seriously_ill": True}]}, date(2017, 1, 1))
    put_facts(household, {"members": [{"person_id": twin.pk, "seriously_ill": True}]}, date(2017, 1, 1))
    assert [m.get("seriously_ill") for m in load_facts(household, date(2017, 1, 1))["members"]] == [None, None, True]
