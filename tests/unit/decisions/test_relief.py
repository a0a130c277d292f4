"""Relief first and papers after: bounds, the same cause, the year's ceiling, who approves, what is owed, stages."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from casekit import Office, at, family, hire
from django.db import DatabaseError, transaction
from packkit import laid_over
from reliefkit import DAY, completed, confirmed, relieved, reported, sign_both

from tuodi.cases.errors import DutySeparationError, MoveRefusedError, WrongLevelError
from tuodi.decisions import actions, relief
from tuodi.decisions.errors import NotEligibleError, ReliefInputError, StagePlanError
from tuodi.decisions.grants import stage_grant, stages_of
from tuodi.decisions.models import Determination, GrantStage, Relief
from tuodi.decisions.relief_queries import Bounds, bounds
from tuodi.decisions.relief_states import Cause
from tuodi.kernel.periods import Month
from tuodi.org.access import system_scope
from tuodi.people.models import HouseholdFacts, RollEntry
from tuodi.verification import rulebook
from tuodi.verification.errors import MissingLimitError

WUHAI, JINGMEN = "150302001001", "420802001001"


@pytest.fixture
def ceiling(tmp_path, monkeypatch):
    """A county that lets its townships approve up to 1,000 yuan, and gives a family at most 3,000 a year."""
    text = """pack: {place: "420802", programme: temporary}
instruments:
  测试额度: {title: 测试用的额度, number: "-", issuer: 测试, issued: 2016-01-01, in_force: 2016-01-01, kind: hypothetical}
parameters:
  town_limit: {from: 2016-01-01, value: 1000, clause: 测试额度}
  year_cap: {from: 2016-01-01, value: 3000, clause: 测试额度}
"""
    with laid_over(tmp_path, monkeypatch, text):
        yield


def entry(office, household, month=202110):
    with system_scope(office.village[:6]):
        return RollEntry.objects.filter(household=household, programme="temporary", start_month=month).first()


@pytest.mark.parametrize(("asked", "given"), [(150_00, 200_00), (12_000_00, 12_000_00), (45_000_00, 30_000_00)])
def test_the_bounds_of_the_region_hold_what_the_officer_proposes(db, make_user, asked, given):
    office = Office(WUHAI, make_user)
    home = family(WUHAI)
    row = relieved(office, home, asked)
    assert (row.asked_fen, row.determination.amount_fen) == (asked, given)
    assert row.determination.kind == Determination.Kind.PROVISIONAL
    assert (row.determination.start_month, row.determination.end_month) == (202110, 202110)
    assert entry(office, home).amount_fen == given
    assert row.papers_due_on == date(2021, 9, 27)  # ten working days; 19 to 21 off, 18 and 26 worked
    assert "假设" in row.papers_note


def test_a_place_without_hours_says_which_and_takes_nothing(office, household, tmp_path, monkeypatch):
    """One look-up of limits for the whole product: the same error, with the label of what is missing."""
    text = """pack: {place: "420802"}
parameters:
  profile.relief_hours: {from: 2016-01-01, value: null, note: 测试：未规定}
"""
    (tmp_path / "open.yaml").write_text(text, encoding="utf-8")
    monkeypatch.setenv("TUODI_POLICIES", str(tmp_path))
    rulebook.reload()
    try:
        with pytest.raises(MissingLimitError, match="420802001001 的“"):
            reported(office, household)
        with at(office.town_accept, DAY):
            assert not Relief.objects.exists()
    finally:
        monkeypatch.delenv("TUODI_POLICIES")
        rulebook.reload()


def test_emergencies_leave_no_facts_for_the_other_programmes(office, household):
    with at(office.town_accept, DAY):
        before = HouseholdFacts.objects.filter(household=household).count()
    relieved(office, household, 800_00)
    with at(office.town_accept, DAY):
        assert HouseholdFacts.objects.filter(household=household).count() == before


def test_the_same_cause_twice_is_refused_until_there_is_a_reason(office, household):
    relieved(office, household, 800_00)
    row = reported(office, household, on=DAY + timedelta(days=40))
    with at(office.town_accept, DAY + timedelta(days=40)):
        with pytest.raises(NotEligibleError, match="同一事由已获救助"):
            relief.relieve_first(row, acting_user=office.town_accept, amount_fen=800_00)
        assert Relief.objects.get(pk=row.pk).state == "reported"
        relief.relieve_first(row, acting_user=office.town_accept, amount_fen=800_00, new_reason="另一处房屋再次失火")
    again = reported(office, household, cause=Cause.TRAFFIC, on=DAY + timedelta(days=41))
    with at(office.town_accept, DAY + timedelta(days=41)):
        done = relief.relieve_first(again, acting_user=office.town_accept, amount_fen=500_00)
    assert done.determination.outcome == "pass"


def test_two_causes_in_one_month_are_both_on_the_roll_and_one_withdrawn_leaves_the_other(office, household):
    first = relieved(office, household, 800_00)
    relieved(office, household, 500_00, cause=Cause.TRAFFIC)
    assert entry(office, household).amount_fen == 1_300_00
    with at(office.town_review, DAY):
        gone = relief.withdraw_relief(first, acting_user=office.town_review, reason="查明是邻居家失火")
        assert (gone.state, gone.case.state) == ("withdrawn", "ended")
    assert entry(office, household).amount_fen == 500_00


def test_the_ceiling_of_the_year_counts_what_was_given(office, household, ceiling):
    relieved(office, household, 2_600_00)
    row = relieved(office, household, 900_00, cause=Cause.TRAFFIC)
    assert row.determination.amount_fen == 400_00
    last = reported(office, household, cause=Cause.DISASTER)
    with at(office.town_accept, DAY), pytest.raises(ReliefInputError, match="没有余额"):
        relief.relieve_first(last, acting_user=office.town_accept, amount_fen=300_00)


def test_small_sums_are_confirmed_by_the_township_others_by_the_county(office, household, ceiling):
    small, large = relieved(office, household, 1_000_00), relieved(office, household, 1_000_01, cause=Cause.TRAFFIC)
    assert (small.approver, large.approver) == ("town", "county")
    for row in (small, large):
        completed(office, household, row, DAY)
    with at(office.county_confirm, DAY), pytest.raises(WrongLevelError):
        actions.confirm(small.case, acting_user=office.county_confirm, opinion="同意", duplicates_seen=True)
    (granted,) = confirmed(small, office.town_confirm, DAY)
    assert (granted.kind, granted.follows_id) == ("family", small.determination_id)
    confirmed(large, office.county_confirm, DAY)
    assert entry(office, household).amount_fen == 2_000_01


def test_without_a_ceiling_the_county_confirms_and_it_is_said_why(office, household):
    row = relieved(office, household, 100_00)
    assert row.approver == "unknown"
    completed(office, household, row, DAY)
    with at(office.county_confirm, DAY):
        assert row.case.steps.get(name="confirm").by_level == "COUN"


def test_papers_name_what_is_missing_and_the_confirmation_pays_nothing_twice(office, household):
    row = relieved(office, household, 800_00)
    with at(office.town_accept, DAY):
        with pytest.raises(ReliefInputError, match="经办人、求助家庭"):
            relief.complete_papers(row, acting_user=office.town_accept, reason="见记录")
        with pytest.raises(ReliefInputError, match="补充说明"):
            relief.complete_papers(row, acting_user=office.town_accept, reason=" ")
        assert row.case.steps.get(name="papers").state == "open"
    done = completed(office, household, row, DAY + timedelta(days=3))
    assert (done.state, len(done.signatures)) == ("completed", 2)
    (granted,) = confirmed(row, office.county_confirm, DAY + timedelta(days=30))  # in the month that pays it
    assert (granted.start_month, granted.end_month, granted.amount_fen) == (202110, 202110, 800_00)
    kept = entry(office, household)
    assert (kept.amount_fen, kept.determination_id) == (800_00, granted.pk)
    assert entry(office, household, 202111) is None
    with at(office.county_confirm, DAY + timedelta(days=30)):
        assert Relief.objects.get(pk=row.pk).state == "confirmed"
        assert GrantStage.objects.filter(determination=row.determination, ended_at__isnull=True).count() == 0


def test_who_relieved_does_not_confirm(office, household, make_user, ceiling):
    both = hire(make_user, JINGMEN[:9], "accept", "confirm")
    row = reported(office, household)
    with at(both, DAY):
        relief.relieve_first(row, acting_user=both, amount_fen=500_00, agreed_by="王镇长")
    completed(office, household, row, DAY)
    with at(both, DAY), pytest.raises(DutySeparationError):
        actions.confirm(Relief.objects.get(pk=row.pk).case, acting_user=both, opinion="同意", duplicates_seen=True)


def test_a_refusal_takes_what_was_given_first_off_the_roll(office, household):
    row = relieved(office, household, 800_00)
    completed(office, household, row, DAY)
    with at(office.county_confirm, DAY):
        (refused,) = actions.refuse(row.case, acting_user=office.county_confirm, reasons="并无火灾")
        assert (refused.outcome, Relief.objects.get(pk=row.pk).state) == ("fail", "withdrawn")
    assert entry(office, household) is None


def test_a_doubtful_emergency_is_sent_through_the_full_procedure(office, household):
    row = relieved(office, household, 800_00)
    with at(office.town_review, DAY):
        relief.to_full_procedure(row, acting_user=office.town_review, reason="金额大，需要核对")
        states = dict(row.case.steps.values_list("name", "state"))
    assert (states["check"], states["visit"], states["papers"]) == ("open", "open", "open")
    assert states["confirm"] == "waiting"


def test_overdue_papers_are_told_once_and_late_ones_still_taken(office, household):
    row = relieved(office, household, 800_00)
    with at(office.town_accept, date(2021, 9, 27)):
        assert relief.alarm_overdue() == 0
    with at(office.town_accept, date(2021, 9, 28)):
        assert (relief.alarm_overdue(), relief.alarm_overdue()) == (1, 0)
        assert Relief.objects.get(pk=row.pk).state == "relieved"  # never a silent end
    assert entry(office, household).amount_fen == 800_00
    assert completed(office, household, row, date(2021, 10, 12)).state == "completed"


def test_one_approval_is_paid_in_stages(office, household):
    row = relieved(office, household, 900_00)
    completed(office, household, row, DAY)
    (granted,) = confirmed(row, office.county_confirm, DAY)
    october, november = Month.parse("2021-10"), Month.parse("2021-11")
    with at(office.county_confirm, DAY):
        for plan, words in (
            ([(october, 500_00), (november, 300_00)], "合计 800.00"),
            ([(november, 500_00), (october, 400_00)], "由先到后"),
            ([(Month.parse("2021-09"), 900_00)], "2021-10 起"),
            ([], "1 至 12 期"),
        ):
            with pytest.raises(StagePlanError, match=words):
                stage_grant(granted, acting_user=office.county_confirm, plan=plan)
        stage_grant(granted, acting_user=office.county_confirm, plan=[(october, 500_00), (november, 400_00)])
        assert [(one.month, one.amount_fen) for one in stages_of(granted)] == [(202110, 500_00), (202111, 400_00)]
    assert [entry(office, household, month).amount_fen for month in (202110, 202111)] == [500_00, 400_00]
    with at(office.county_confirm, date(2021, 10, 8)), pytest.raises(StagePlanError, match="已经开始"):
        stage_grant(granted, acting_user=office.county_confirm, plan=[(november, 900_00)])


def test_what_was_granted_first_cannot_be_rewritten_or_wiped_out(office, household):
    row = relieved(office, household, 800_00)
    with at(office.town_accept, DAY):
        for change in ({"asked_fen": 1}, {"relieved_at": None}):
            with pytest.raises(DatabaseError), transaction.atomic():
                Relief.objects.filter(pk=row.pk).update(**change)
        with pytest.raises(DatabaseError), transaction.atomic():
            GrantStage.objects.filter(determination=row.determination).update(amount_fen=1)
        with pytest.raises(DatabaseError), transaction.atomic():
            Relief.objects.filter(pk=row.pk).delete()
        with pytest.raises(MoveRefusedError):
            relief.close_report(row, acting_user=office.town_accept, reason="不需要")


def test_bounds_are_told_in_fen_and_what_is_not_set_is_told_as_such(db):
    assert bounds(WUHAI, DAY) == Bounds(200_00, 30_000_00, None, None)
    assert bounds(JINGMEN, DAY) == Bounds(None, None, None, None)


def test_causes_are_those_of_the_rules(db):
    assert dict(Cause.choices) == dict(rulebook.book().enums["ta_cause"].values)


def test_signatures_that_are_no_signatures_are_refused(office, household):
    row = reported(office, household)
    dot = [{**sign_both(office, household)[0], "strokes": [[[1, 1]]]}]
    with at(office.town_accept, DAY), pytest.raises(ReliefInputError, match="没有签名"):
        relief.relieve_first(row, acting_user=office.town_accept, amount_fen=500_00, signatures=dot)
