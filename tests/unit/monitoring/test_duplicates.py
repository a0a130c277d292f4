"""The duplicate-relief check: what excludes, what warns, what goes together."""

from __future__ import annotations

from datetime import date

import pytest
from paykit import family, person

from tuodi.decisions.duplicates import verdict
from tuodi.kernel import clock
from tuodi.monitoring.duplicates import duplicates
from tuodi.org.access import system_scope
from tuodi.people import actions as people
from tuodi.people.models import RollEntry

pytestmark = pytest.mark.django_db
DAY = date(2017, 9, 4)


@pytest.fixture(autouse=True)
def _day():
    with clock.frozen(DAY), system_scope("4208"):
        yield


def kinds(found):
    return [(one.verdict, one.programme) for one in found]


def test_the_same_programme_again_is_blocked():
    home = family()
    (found,) = duplicates(home, "dibao")
    assert (found.verdict, found.programme, found.since) == ("block", "dibao", "2016-01")
    assert "办理变更" in found.reason


def test_one_person_never_gets_tekun_beside_dibao():
    home = family()
    found = duplicates(home, "tekun", person=home.head)
    assert kinds(found) == [("block", "dibao")]
    assert verdict(found) == "block"


def test_a_family_with_a_member_on_tekun_is_warned_not_to_count_him():
    home = family(programme="tekun")
    assert kinds(duplicates(home, "dibao")) == [("warn", "tekun")]


def test_a_child_allowance_and_tekun_exclude_each_other_for_one_person():
    home = family(programme="tekun")
    assert kinds(duplicates(home, "child", person=home.head)) == [("block", "tekun")]


def test_what_goes_together_is_allowed_and_nothing_stands_against_a_new_family():
    home = family()
    assert kinds(duplicates(home, "temporary")) == [("allow", "dibao")]
    RollEntry.objects.filter(household=home).update(end_month=201708)
    assert duplicates(home, "dibao") == []
    assert verdict([]) == "allow"


def test_a_lighter_status_beside_a_heavier_is_a_warning():
    assert kinds(duplicates(family(), "edge")) == [("warn", "dibao")]


def test_a_member_who_draws_elsewhere_is_blocked():
    paid = family(programme="tekun", names=("何建国",))
    moved = paid.head
    paid.memberships.update(until=date(2017, 6, 1), leave_reason="moved")
    new = people.form_household(
        acting_user=None, region=paid.region, head=person("420802001001", "何某"), area_kind="urban", on=date(2017, 6, 1),
        members=[(moved, "sibling")], is_demo=True,
    )  # fmt: skip
    assert kinds(duplicates(new, "tekun", person=moved)) == [("block", "tekun")]


def test_relief_once_for_the_same_cause_is_a_warning_within_the_period():
    from tuodi.decisions.models import Determination

    home = family()
    Determination.objects.create(
        region=home.region, no="420802-JD-20170301-0001", kind="batch", household=home, programme="temporary", place="420802",
        case_date=date(2017, 3, 1), month=201703, outcome="pass", amount_fen=100_000, decided_on=date(2017, 3, 1), cause="火灾",
    )  # fmt: skip
    found = duplicates(home, "temporary", cause="火灾")
    assert kinds(found) == [("warn", "temporary"), ("allow", "dibao")]
    assert "同一事由" in found[0].reason
    assert "是否同一事由" in duplicates(home, "temporary", cause="疾病")[0].reason
    assert kinds(duplicates(home, "temporary", cause="火灾", on=date(2018, 4, 1))) == [("allow", "dibao")]
