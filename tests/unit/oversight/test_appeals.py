"""Appeals: the law's clocks, who may decide, and what a won one does to the matter."""

from __future__ import annotations

from datetime import date
from uuid import uuid4

import pytest
from casekit import at, days, hire
from decisionkit import FACTS, collected, granted
from django.db import DatabaseError, transaction
from oversightkit import RICH, as_resident, prefecture, refused, resident

from tuodi.cases.errors import DutySeparationError, WrongLevelError
from tuodi.cases.models import Case
from tuodi.cases.states import CaseState
from tuodi.decisions import actions
from tuodi.decisions.errors import NotEligibleError, RevokedAlreadyError, SameGroundsError
from tuodi.decisions.models import Determination, Revocation
from tuodi.decisions.roll import put_on_roll
from tuodi.kernel import clock
from tuodi.org.access import system_scope
from tuodi.org.errors import AccessDeniedError, NotFoundError
from tuodi.oversight import appeal_actions as appeals
from tuodi.oversight.errors import AppealLateError, AppealRunningError, OversightInputError, OversightStateError
from tuodi.people.models import RollEntry
from tuodi.policy.procedure import Does

WHY = "复核工资流水，申报期内实际收入为每月九百元"


@pytest.fixture
def above(db, make_user):
    return prefecture(make_user)


def filed(row, account, day, **more):
    with as_resident(day), system_scope("420802"):
        return appeals.file_appeal(
            row, account=account, client_key=uuid4(), claim="撤销不予确认的决定", grounds="收入算错了，有工资条", **more
        )


@pytest.fixture
def lost(office, household):
    row, day = refused(office, household)
    return row, day, resident(household.head)


def test_the_law_s_days_are_set_when_it_is_filed(lost):
    row, day, account = lost
    appeal = filed(row, account, days(day, 10))
    assert (row.decided_on, appeal.known_on) == (date(2021, 9, 21), date(2021, 9, 21))
    # 60 days from 21 September end on Saturday 20 November: the next working day is the last.
    assert appeal.file_by == date(2021, 11, 22)
    # Filed on 1 October, the first of seven days off; 8 October is worked.
    assert appeal.check_due_on == date(2021, 10, 13)
    assert appeal.decide_due_on == date(2021, 11, 30)
    assert appeal.no == "420802-FY-20211001-0001"


def test_the_last_day_is_in_time_and_the_next_is_not(lost):
    row, _day, account = lost
    with pytest.raises(AppealLateError, match="2021-11-22"):
        filed(row, account, date(2021, 11, 23))
    late = filed(row, account, date(2021, 11, 23), late_reason="住院手术，11 月 20 日出院")
    assert late.filed_on > late.file_by
    with as_resident(date(2021, 11, 23)), system_scope("420802"):
        appeals.withdraw(late, account=account)
    assert filed(row, account, date(2021, 11, 22)).pk


def test_the_clock_starts_when_the_family_came_to_know(lost):
    row, _day, account = lost
    appeal = filed(row, account, date(2021, 12, 1), known_on=date(2021, 10, 8))
    assert appeal.file_by == date(2021, 12, 7)
    with as_resident(date(2021, 12, 1)), system_scope("420802"):
        appeals.withdraw(appeal, account=account)
    with pytest.raises(OversightInputError, match="早于决定之日"):
        filed(row, account, date(2021, 10, 8), known_on=date(2021, 9, 1))
    with pytest.raises(OversightInputError, match="在将来"):
        filed(row, account, date(2021, 10, 8), known_on=date(2021, 10, 9))


def test_only_the_family_may_appeal_and_once_at_a_time(lost, office):
    from casekit import family

    row, day, account = lost
    stranger = resident(family("420802001001", names=("外人甲",)).head, "13800009999")
    with pytest.raises(NotFoundError):
        filed(row, stranger, day)
    first = filed(row, account, day)
    with pytest.raises(AppealRunningError, match=first.no):
        filed(row, account, day)


def test_the_same_form_twice_is_one_appeal(lost):
    row, day, account = lost
    key = uuid4()
    with as_resident(day), system_scope("420802"):
        made = [
            appeals.file_appeal(row, account=account, client_key=key, claim="撤销", grounds="收入算错了")
            for _ in range(2)
        ]
    assert made[0].pk == made[1].pk


def test_another_level_with_the_duty_decides(lost, office, make_user, above):
    row, day, account = lost
    appeal = filed(row, account, day)
    same_level, no_duty = hire(make_user, "420802", "appeal"), hire(make_user, "4208", "complaint")
    elsewhere, town = hire(make_user, "4213", "appeal"), hire(make_user, "420802001", "appeal")
    for who, error in (
        (same_level, WrongLevelError),
        (town, WrongLevelError),
        (no_duty, AccessDeniedError),
        (elsewhere, NotFoundError),
    ):
        with pytest.raises(error), at(who, day):
            appeals.accept(appeal, acting_user=who)
    with at(above, day):
        assert appeals.accept(appeal, acting_user=above).state == "accepted"


def test_a_township_s_decision_is_the_county_s_to_review(office, household, make_user, monkeypatch):
    from tuodi.decisions import appeals as rules

    row, _day = refused(office, household)
    county = hire(make_user, "420802", "appeal")
    row.decided_by = office.town_confirm
    with at(county, date(2021, 10, 8)):
        rules.check_above(row, county)
        row.decided_by = county
        with pytest.raises(WrongLevelError):
            rules.check_above(row, county)


def test_who_is_to_keep_away_from_the_case_decides_no_appeal(lost, above):
    from tuodi.cases.models import CaseBar

    row, day, account = lost
    appeal = filed(row, account, day)
    with at(above, day):
        CaseBar.objects.create(case=row.case, region=row.region, user=above, reason="kin")
        with pytest.raises(DutySeparationError):
            appeals.accept(appeal, acting_user=above)


def test_one_that_came_late_needs_a_good_reason(lost, above):
    row, _day, account = lost
    appeal = filed(row, account, date(2021, 12, 1), late_reason="住院")
    with at(above, date(2021, 12, 2)):
        with pytest.raises(OversightInputError, match="逾期理由正当"):
            appeals.accept(appeal, acting_user=above)
        assert appeals.accept(appeal, acting_user=above, late_excused=True).state == "accepted"


def test_time_is_extended_once_by_thirty_days(lost, above):
    row, _day, account = lost
    appeal = filed(row, account, date(2021, 10, 1))
    with at(above, date(2021, 10, 9)):
        appeals.accept(appeal, acting_user=above)
        longer = appeals.extend(appeal, acting_user=above, reason="须向银行调取流水")
        assert longer.decide_due_on == date(2021, 12, 30)
        with pytest.raises(OversightInputError, match="不能再延长"):
            appeals.extend(appeal, acting_user=above, reason="再延")


def test_upheld_changes_nothing_and_is_not_decided_twice(lost, above):
    row, day, account = lost
    appeal = filed(row, account, day)
    with at(above, day):
        appeals.accept(appeal, acting_user=above)
        with pytest.raises(OversightInputError, match="事实、理由"):
            appeals.decide(appeal, acting_user=above, outcome="upheld", reasons="不行")
        done = appeals.decide(appeal, acting_user=above, outcome="upheld", reasons="收入核对无误，原决定正确")
        assert (done.state, done.outcome) == ("decided", "upheld")
        assert not Revocation.objects.exists()
        with pytest.raises(OversightStateError):
            appeals.decide(appeal, acting_user=above, outcome="upheld", reasons="收入核对无误，原决定正确")


def revoked(appeal, above, day, since=Does.REVIEW):
    with at(above, day):
        appeals.accept(appeal, acting_user=above)
        appeals.decide(appeal, acting_user=above, outcome="revoked", reasons=WHY, since=since)
        return Revocation.objects.get(determination=appeal.determination).case


def test_revoked_opens_a_case_beside_the_old_one_at_the_named_step(lost, above, office):
    row, day, account = lost
    case = revoked(filed(row, account, day), above, days(day, 7))
    with at(above, days(day, 7)):
        old = Case.objects.get(pk=row.case_id)
        assert (case.kind, case.pk == old.pk, old.decision, old.state) == ("review", False, "refused", "closed")
        states = dict(case.steps.values_list("name", "state"))
        assert {states[name] for name in ("accept", "check", "visit")} == {"skipped"}
        assert states["first_review"] == "open"
        assert case.state == CaseState.REVIEWING
        note = case.steps.get(name="accept").due_note
        assert "420802-FY" in note


def test_the_same_refusal_on_the_same_facts_is_refused_and_new_facts_grant_from_the_old_month(
    lost, above, office, household
):
    row, day, account = lost
    case = revoked(filed(row, account, day), above, days(day, 7))
    later = date(2021, 11, 15)
    collected(office, household, case, RICH, later)
    with at(office.town_review, later):
        actions.first_review(case, acting_user=office.town_review, result="refuse", opinion="仍不符合")
    with at(office.county_confirm, later), pytest.raises(SameGroundsError, match=row.no):
        actions.refuse(case, acting_user=office.county_confirm, reasons="收入高")
    collected(office, household, case, FACTS, later)
    with at(office.county_confirm, later):
        (new,) = actions.confirm(case, acting_user=office.county_confirm, opinion="复查后符合")
        entry = put_on_roll(new, acting_user=office.county_confirm)
    assert (new.follows_id, new.cause, new.start_month) == (row.pk, "appeal", 202110)
    assert entry.start_month == 202110
    with at(office.county_confirm, later):
        assert Determination.objects.get(pk=row.pk).outcome == "fail"


def test_a_grant_that_was_too_low_is_changed_by_the_level_above(office, household, above):
    low = granted(office, household, facts={**FACTS, "income_year": "14400.00"})
    facts = collected(office, household, low.case, FACTS, date(2021, 10, 20))
    account = resident(household.head)
    appeal = filed(low, account, date(2021, 10, 20))
    with at(above, date(2021, 10, 25)):
        appeals.accept(appeal, acting_user=above)
        appeals.decide(appeal, acting_user=above, outcome="changed", reasons=WHY, fact_set=facts)
        new = Revocation.objects.get(determination=low).instead
        assert (new.follows_id, new.start_month) == (low.pk, low.start_month)
        assert new.amount_fen > low.amount_fen
        (entry,) = RollEntry.objects.filter(household=household)
        assert (entry.amount_fen, entry.determination_id) == (new.amount_fen, new.pk)


def test_nothing_is_changed_into_what_the_rules_do_not_carry(lost, above):
    row, day, account = lost
    appeal = filed(row, account, day)
    with at(above, day):
        appeals.accept(appeal, acting_user=above)
        with pytest.raises(NotEligibleError):
            appeals.decide(appeal, acting_user=above, outcome="changed", reasons=WHY)
        appeal.refresh_from_db()
        assert appeal.state == "accepted"


def test_what_was_taken_away_is_not_taken_away_again_nor_rewritten(lost, above):
    from tuodi.decisions import appeals as rules

    row, day, account = lost
    revoked(filed(row, account, day), above, day)
    with at(above, day):
        with pytest.raises(RevokedAlreadyError):
            rules.revoke(row, acting_user=above, matter_no="X", reasons="再撤一次")
        with pytest.raises(DatabaseError), transaction.atomic():
            Revocation.objects.filter(determination=row).update(reasons="改写")


def test_a_new_year_without_a_calendar_leaves_the_time_open(lost):
    row, _day, account = lost
    assert clock.today().year > 0
    with as_resident(date(2026, 12, 28)), system_scope("420802"):
        appeal = appeals.file_appeal(
            row, account=account, client_key=uuid4(), claim="撤销", grounds="刚刚才知道", known_on=date(2026, 12, 20)
        )
    assert (appeal.file_by, appeal.due_pending) == (None, True)
