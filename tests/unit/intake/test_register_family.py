"""A family nobody knows is registered at the door; who is known already is taken in, or told where he is."""

from __future__ import annotations

from datetime import date

import pytest
from casekit import at

from tuodi.intake.errors import NeedInputError
from tuodi.intake.family_actions import NewMember, register_family
from tuodi.kernel.identity import make_id
from tuodi.org.errors import AccessDeniedError, NotFoundError
from tuodi.people.models import Household, Person

DAY = date(2021, 9, 13)
VILLAGE = "420802001001"
HEAD = NewMember("林桂兰", make_id("420899", date(1960, 2, 3), 811))
SON = NewMember("周小军", make_id("420899", date(2012, 2, 3), 813), "child")


def registered(user, *members, place=VILLAGE):
    with at(user, DAY):
        return register_family(acting_user=user, place=place, area_kind="rural", members=members, address="三组 5 号")


def test_head_and_members_become_a_household(office):
    household = registered(office.town_accept, HEAD, SON, NewMember("", ""))
    with at(office.town_accept, DAY):
        assert household.head.name == "林桂兰"
        assert [row.relation for row in household.memberships.order_by("id")] == ["self", "child"]
        assert household.head.id_masked.startswith("420899")


def test_who_is_in_a_household_already_is_named_with_it_and_nothing_is_kept(office):
    first = registered(office.town_accept, HEAD)
    with pytest.raises(NeedInputError, match=first.no):
        registered(office.town_accept, NewMember("陈新", make_id("420899", date(1980, 2, 3), 815)), NewMember(
            HEAD.name, HEAD.id_text, "parent"))  # fmt: skip
    with at(office.town_accept, DAY):
        assert Household.objects.count() == 1
        assert not Person.objects.filter(name="陈新").exists()


def test_who_is_known_here_and_in_no_household_is_taken_in(office):
    from tuodi.people.actions import register_person

    with at(office.town_accept, DAY):
        known = register_person(acting_user=None, region=VILLAGE, name=HEAD.name, id_text=HEAD.id_text)
    household = registered(office.town_accept, HEAD)
    assert household.head_id == known.pk


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ((NewMember("", HEAD.id_text),), "第 1 人的姓名"),
        ((NewMember("林桂兰", "42089919600203"),), "第 1 人的证件号码"),
        ((HEAD, NewMember("周小军", "", "")), "第 2 人的与户主关系"),
        ((HEAD, NewMember("周小军", "", "self")), "第 2 人的与户主关系"),
        ((), "至少填户主"),
    ],
)
def test_wrong_input_names_the_line_and_the_field(office, members, said):
    with pytest.raises(NeedInputError, match=said):
        registered(office.town_accept, *members)


def test_another_town_or_another_duty_registers_nobody(office):
    with pytest.raises(NotFoundError):
        registered(office.town_accept, HEAD, place="420804001001")
    with pytest.raises(AccessDeniedError):
        registered(office.town_review, HEAD)
    with pytest.raises(NeedInputError, match="住地"):
        registered(office.town_accept, HEAD, place="420802001")
