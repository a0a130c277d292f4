"""The public notice before tekun support ends: its days, objections, who decides when, and what needs none."""

from __future__ import annotations

from datetime import date

import pytest
from carekit import LATER, supported
from casekit import Office, at, family
from django.db import IntegrityError, transaction

from tuodi.cases.errors import MoveRefusedError
from tuodi.cases.models import NoticeBoard
from tuodi.decisions import care_actions as care
from tuodi.decisions import end_notices
from tuodi.decisions.care_errors import CareInputError, EndNoticeError
from tuodi.decisions.models import EndNotice, RollNotice
from tuodi.decisions.standing import board_sheets
from tuodi.kernel.periods import Month
from tuodi.monitoring import deaths
from tuodi.org.errors import AccessDeniedError
from tuodi.people.models import RollEntry

VILLAGE = "530102001001"
BOARD = "文林社区公示栏"


@pytest.fixture
def village() -> str:
    return VILLAGE


@pytest.fixture
def household(db):
    return family(VILLAGE, names=("欧阳建",), area_kind="rural")


@pytest.fixture
def office(db, make_user):
    return Office(VILLAGE, make_user)


def stated(office, household, on=LATER, ground="quits"):
    with at(office.town_review, on):
        return care.state_ground(household.head, household, ground, acting_user=office.town_review, evidence="书面申请")


def posted(office, household, facts, on=LATER):
    with at(office.town_review, on):
        return end_notices.post_end_notice(facts, household.head, place=BOARD, acting_user=office.town_review)


def decide(office, household, facts, on):
    with at(office.county_confirm, on):
        return care.end_support(facts, household.head, acting_user=office.county_confirm, reasons="本人自愿退出")


def test_support_ends_only_after_seven_days_on_the_board(office, household):
    supported(office, household)
    facts = stated(office, household)
    with pytest.raises(EndNoticeError, match="还没有按这次认定的事实公示"):
        decide(office, household, facts, LATER)
    row = posted(office, household, facts)
    assert (row.days, row.last_day, row.no[:10]) == (7, date(2021, 10, 18), "ZZ-530102-")
    assert "有应当终止救助供养的情形" in row.ground
    with pytest.raises(EndNoticeError, match="2021-10-18 截止"):
        decide(office, household, facts, date(2021, 10, 18))
    with at(office.county_confirm, date(2021, 10, 18)):
        assert end_notices.counts(date(2021, 10, 18))["posted"] == 1
        assert end_notices.counts(date(2021, 10, 19))["due"] == 1
        assert [one.pk for one in end_notices.listing("due", "530102001", date(2021, 10, 19))] == [row.pk]
        assert RollEntry.objects.get(programme="tekun").end_month is None
    made = decide(office, household, facts, date(2021, 10, 19))
    with at(office.county_confirm, date(2021, 10, 19)):
        assert made.start_month == 202111
        row.refresh_from_db()
        assert (row.state, row.determination_id) == ("decided", made.pk)
        assert RollNotice.objects.get(determination=made).kind == "stop"  # the person is told in writing besides


def test_an_objection_is_looked_into_and_the_notice_goes_up_again(office, household):
    supported(office, household)
    facts = stated(office, household)
    row = posted(office, household, facts)
    with at(office.town_review, date(2021, 10, 14)):
        with pytest.raises(CareInputError, match="没有写异议"):
            end_notices.object_to_end(row, text=" ", acting_user=office.town_review)
        row = end_notices.object_to_end(row, text="本人不识字，没有申请退出", acting_user=office.town_review)
        assert row.answer_due_on == date(2021, 11, 4)  # fifteen working days
    with pytest.raises(EndNoticeError, match="有异议"):
        decide(office, household, facts, date(2021, 10, 20))
    with at(office.county_confirm, date(2021, 10, 25)):
        again = end_notices.answer_end_objection(
            row, answer="再次询问，本人坚持退出", ends=True, acting_user=office.county_confirm
        )
        assert (again.follows_id, again.last_day, again.state) == (row.pk, date(2021, 11, 1), "posted")
        with pytest.raises(MoveRefusedError):
            end_notices.answer_end_objection(row, answer="再答", ends=True, acting_user=office.county_confirm)
    made = decide(office, household, facts, date(2021, 11, 2))
    assert made.start_month == 202112


def test_an_objection_that_is_right_takes_it_down_and_nothing_ends(office, household):
    supported(office, household)
    facts = stated(office, household)
    row = posted(office, household, facts)
    with at(office.county_confirm, date(2021, 10, 14)):
        row = end_notices.object_to_end(row, text="没有申请退出", acting_user=office.county_confirm)
        row = end_notices.answer_end_objection(row, answer="属实", ends=False, acting_user=office.county_confirm)
        assert row.state == "withdrawn"
    with pytest.raises(EndNoticeError, match="还没有按这次认定的事实公示"):
        decide(office, household, facts, date(2021, 10, 25))
    with at(office.county_confirm, LATER):
        assert RollEntry.objects.get(programme="tekun").end_month is None


def test_what_is_refused_at_the_posting(office, household, make_user):
    from casekit import hire

    from tuodi.verification.actions import freeze, start_fact_set
    from tuodi.verification.queries import latest_frozen

    supported(office, household)
    with at(office.town_review, LATER):
        draft = start_fact_set(acting_user=office.town_review, household=household, base=latest_frozen(household))
        fits = freeze(draft, acting_user=office.town_review)
        with pytest.raises(CareInputError, match="仍符合特困供养条件"):
            end_notices.post_end_notice(fits, household.head, place=BOARD, acting_user=office.town_review)
    facts = stated(office, household)
    with at(office.town_review, LATER), pytest.raises(CareInputError, match="没有写公示地点"):
        end_notices.post_end_notice(facts, household.head, place=" ", acting_user=office.town_review)
    clerk = hire(make_user, VILLAGE[:9], "accept")
    with at(clerk, LATER), pytest.raises(AccessDeniedError):
        end_notices.post_end_notice(facts, household.head, place=BOARD, acting_user=clerk)
    row = posted(office, household, facts)
    with at(office.town_review, LATER), pytest.raises(CareInputError, match="不能重复公示"):
        end_notices.post_end_notice(facts, household.head, place=BOARD, acting_user=office.town_review)
    with at(office.town_review, date(2021, 10, 19)), pytest.raises(CareInputError, match="已于 2021-10-18 截止"):
        end_notices.object_to_end(row, text="迟到", acting_user=office.town_review)
    with at(office.town_review, date(2021, 10, 19)):
        end_notices.withdraw_end_notice(row, reason="误登", acting_user=office.town_review)


def test_a_notice_rests_on_the_facts_it_was_posted_on(office, household):
    supported(office, household)
    posted(office, household, stated(office, household))
    other = stated(office, household, date(2021, 10, 12), "recovered_labour")
    with pytest.raises(EndNoticeError, match="还没有按这次认定的事实公示"):
        decide(office, household, other, date(2021, 10, 20))


def test_a_death_needs_no_notice(office, household):
    supported(office, household)
    with at(office.town_review, LATER):
        (matter,) = deaths.record_death(
            household.head, died_on=date(2021, 10, 2), source="village", acting_user=office.town_review
        )
    with at(office.county_confirm, LATER):
        done = deaths.settle(matter, reasons="死亡证明", acting_user=office.county_confirm)
        assert done.determination.start_month == 202111
        assert not EndNotice.objects.exists()


def test_what_was_posted_is_frozen_and_hangs_on_the_board(office, household, as_owner):
    supported(office, household)
    row = posted(office, household, stated(office, household))
    with as_owner(), pytest.raises(IntegrityError, match="frozen"), transaction.atomic():
        EndNotice.objects.filter(pk=row.pk).update(last_day=date(2021, 10, 12))
    with at(office.county_confirm, LATER):
        assert NoticeBoard.objects.filter(place_code=household.region).exists()
        (sheet,) = [one for one in board_sheets(household.region, LATER) if one.stage == "ending"]
        assert [entry.values for entry in sheet.entries] == [
            {"applicant_name": "欧阳建", "programme": "特困人员救助供养"}
        ]
        assert (sheet.last_day, sheet.title) == (date(2021, 10, 18), "特困人员救助供养拟终止公示")
        assert not [one for one in board_sheets(household.region, date(2021, 10, 19)) if one.stage == "ending"]


def test_before_the_text_was_in_force_none_is_asked_for(office, household):
    from tuodi.decisions.end_notices import needs_notice

    assert needs_notice(VILLAGE, date(2021, 7, 1))
    assert not needs_notice(VILLAGE, date(2021, 6, 30))
    assert Month.of(LATER).yyyymm == 202110
