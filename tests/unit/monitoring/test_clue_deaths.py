"""A confirmed clue of a death opens its matter by itself: noted, limited, settled by another, stopped; never twice."""

from __future__ import annotations

from datetime import date

import pytest
from casekit import at, hire
from cluekit import FOUND, Hands, clue, determined, home, taken_to

from tuodi.audit.models import AuditEntry
from tuodi.decisions.models import RollNotice
from tuodi.monitoring import clue_actions as ledger
from tuodi.monitoring import deaths
from tuodi.monitoring.models import ClueEvent, DeathMatter
from tuodi.org.access import system_scope
from tuodi.people.models import Person, RollEntry

pytestmark = pytest.mark.django_db
RULE = {"label": "登记为死亡（单人户）", "clause": "DC", "opens": "death", "evidence": {"visit": "入户核实记录"}}


@pytest.fixture
def hands(make_user) -> Hands:
    return Hands(make_user)


def death_clue(household, code="DEATH", day="2017-04-20", **given):
    told = {
        "rule_code": code,
        "source": "hukou",
        "rule_text": RULE,
        "registered": {"death_date": day},
        "fact": f"{code} {day}",
    }
    return clue(household, **{**told, "on_confirmed": "recompute", **given})


def notes(household):
    with system_scope(household.region):
        return list(ClueEvent.objects.filter(kind="opened").order_by("id").values_list("note", flat=True))


def test_from_the_verdict_to_the_stop(hands, make_user) -> None:
    household = determined(home(names=("独居",)))
    one = taken_to(hands, death_clue(household), "confirmed")
    second = hire(make_user, "420802", "confirm")
    with at(second, FOUND):
        matter = DeathMatter.objects.get()
        assert (matter.source, matter.clue_no, matter.died_on) == ("clue", one.no, date(2017, 4, 20))
        assert (matter.due_on, matter.last_member, matter.entered_by) == (date(2017, 7, 20), True, None)
        assert Person.objects.get(pk=household.head_id).died_on == date(2017, 4, 20)
        assert [row.pk for row in deaths.listing("open", "", FOUND)] == [matter.pk]
        done = deaths.settle(matter, reasons="死亡证明已核", acting_user=second)
        assert (done.state, done.determination.outcome, done.determination.start_month) == ("settled", "fail", 201705)
        assert RollEntry.objects.get(household=household).end_month == 201704
        assert RollNotice.objects.get().kind == "stop"
    assert "应在 2017-07-20 前办结死亡减员" in notes(household)[0]
    with system_scope("420802"):
        row = AuditEntry.objects.get(action="monitoring.record_death")
        assert (row.actor_id, row.after["clue"]) == (None, one.no)


def test_a_second_clue_of_the_same_death_opens_nothing_more(hands) -> None:
    household = determined(home())
    taken_to(hands, death_clue(household, "DEATH_MEMBER"), "confirmed")
    taken_to(hands, death_clue(household, "DEATH_MEMBER", source="civil"), "confirmed")
    with at(hands.county, FOUND):
        assert DeathMatter.objects.count() == 1
        assert not DeathMatter.objects.get().last_member


def test_without_a_day_or_with_another_the_verdict_stands_and_it_is_told(hands) -> None:
    household = determined(home())
    one = death_clue(household, registered={"cremated_on": "2017-04-22"}, source="cremation")
    assert taken_to(hands, one, "confirmed").verdict == "confirmed"
    taken_to(hands, death_clue(household), "confirmed")
    other = taken_to(hands, death_clue(household, day="2017-04-21", source="civil"), "confirmed")
    assert other.state == "confirmed"
    with at(hands.county, FOUND):
        assert DeathMatter.objects.get().died_on == date(2017, 4, 20)
    first, _, third = notes(household)
    assert "没有死亡日期" in first
    assert "已登记为 2017-04-20" in third


def test_a_refuted_clue_and_one_of_another_kind_open_nothing(hands) -> None:
    household = determined(home())
    taken_to(hands, death_clue(household), "confirmed", verdict="refuted")
    taken_to(hands, clue(household), "confirmed")
    with at(hands.county, FOUND):
        assert not DeathMatter.objects.exists()
        assert Person.objects.get(pk=household.head_id).died_on is None


def test_an_older_clue_asks_the_rule_of_today(hands) -> None:
    household = determined(home())
    old = {name: value for name, value in RULE.items() if name != "opens"}
    taken_to(hands, death_clue(household, rule_text=old), "confirmed")
    with at(hands.county, FOUND):
        assert DeathMatter.objects.count() == 1


def test_who_decides_many_at_once_opens_each(hands) -> None:
    homes = [determined(home()) for _ in range(2)]
    rows = [taken_to(hands, death_clue(one), "proposed") for one in homes]
    with at(hands.county, FOUND):
        result = ledger.decide_many(rows, verdict="confirmed", acting_user=hands.county)
        assert len(result.done) == 2
        assert set(DeathMatter.objects.values_list("household_id", flat=True)) == {one.pk for one in homes}
