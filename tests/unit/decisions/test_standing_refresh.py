"""The standing list is issued anew each quarter where a region asks for it, and those that were not are named."""

from __future__ import annotations

from datetime import date

import pytest
from casekit import Office, at
from decisionkit import granted
from packkit import laid_over

from tuodi.decisions import standing
from tuodi.decisions.models import StandingList
from tuodi.kernel import clock
from tuodi.org.access import system_scope
from tuodi.people.models import RollEntry

VILLAGE = "420802001001"


@pytest.fixture
def quarterly(tmp_path, monkeypatch):
    text = """pack: {place: "420802"}
instruments:
  测试公示: {title: 测试用的间隔, number: "-", issuer: 测试, issued: 2016-01-01, in_force: 2016-01-01, kind: hypothetical}
parameters:
  profile.standing_notice_months: {from: 2016-01-01, value: 3, clause: 测试公示}
"""
    with laid_over(tmp_path, monkeypatch, text):
        yield


def refreshed(day):
    with clock.frozen(day):
        return standing.refresh_due(VILLAGE[:6])


def hanging():
    with system_scope(VILLAGE[:6]):
        return list(StandingList.objects.filter(taken_down_on__isnull=True).values_list("issued_on", "refresh_on"))


def test_each_quarter_anew_late_ones_named_and_gone_with_the_roll(make_user, household, quarterly):
    office = Office(VILLAGE, make_user)
    granted(office, household)  # on the roll from October 2021
    assert refreshed(date(2021, 10, 8)) == 1  # asked for and never issued
    assert hanging() == [(date(2021, 10, 8), date(2022, 1, 8))]
    assert refreshed(date(2021, 10, 8)) == refreshed(date(2022, 1, 7)) == 0
    with at(office.town_review, date(2022, 1, 10)):
        assert not standing.late_lists(date(2022, 1, 8))
        assert [one.region for one in standing.late_lists(date(2022, 1, 9))] == [VILLAGE]
    assert refreshed(date(2022, 1, 10)) == 1  # the worker was down for two days
    assert hanging() == [(date(2022, 1, 10), date(2022, 4, 10))]
    assert refreshed(date(2022, 4, 10)) == 1
    with system_scope(VILLAGE[:6]):
        assert StandingList.objects.count() == 3
        assert not standing.late_lists(date(2022, 4, 11))
        RollEntry.objects.update(end_month=202206)
    assert refreshed(date(2022, 7, 10)) == 0
    assert hanging() == []


def test_a_region_that_asks_for_none_has_none(make_user, household):
    granted(Office(VILLAGE, make_user), household)
    assert refreshed(date(2021, 10, 8)) == 0
    assert hanging() == []
