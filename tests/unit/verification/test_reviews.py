"""Democratic review: two thirds of residents, votes that add up, what a dispute does; frozen afterwards."""

from __future__ import annotations

from datetime import date

import pytest
from casekit import at
from django.db import DatabaseError, transaction
from fieldkit import png

from tuodi.cases.actions import complete_step
from tuodi.cases.errors import MoveRefusedError, StepNotOpenError
from tuodi.cases.queries import open_step
from tuodi.intake.application_actions import accept_application
from tuodi.org.errors import AccessDeniedError
from tuodi.policy.procedure_field import Quorum
from tuodi.verification.models import ReviewAttendee, ReviewMeeting
from tuodi.verification.review_actions import (
    Attendee,
    add_review_photo,
    call_review,
    conclude_review,
    hold_review,
    review_evidence_fits,
)
from tuodi.verification.visit_errors import ReviewInputError
from tuodi.verification.visit_evidence import PhotoInput

DAY = date(2017, 5, 12)


@pytest.fixture
def case(office, household):
    with at(office.town_accept, date(2017, 5, 10)):
        case = accept_application(acting_user=office.town_accept, household=household, programme="dibao").case
    with at(office.county_review, DAY):
        complete_step(open_step(case, "check"), acting_user=office.county_review)
    with at(office.town_review, DAY):
        complete_step(
            open_step(case, "visit"), acting_user=office.town_review, opinion="属实", people=[office.town_visit]
        )
    return case


@pytest.fixture
def meeting(office, case):
    with at(office.town_review, DAY):
        return call_review(case, acting_user=office.town_review, planned_on=DAY, place="村委会")


def people(residents, others, vote="for", against=0):
    rows = [Attendee(f"代表{n}", "resident", vote) for n in range(residents)]
    rows += [Attendee(f"干部{n}", "town", vote) for n in range(others)]
    return [Attendee(one.name, one.role, "against") if n < against else one for n, one in enumerate(rows)]


def hold(office, meeting, attendees, **more):
    with at(office.town_review, DAY):
        body = {"held_on": DAY, "chair": "王主任", "minutes_taker": "李文书", "minutes": "逐户评议。"} | more
        return hold_review(meeting, acting_user=office.town_review, attendees=attendees, **body)


@pytest.mark.parametrize(
    ("residents", "others", "stands"),
    [(2, 1, True), (6, 3, True), (5, 3, False), (5, 2, True), (1, 1, False), (7, 4, False), (8, 4, True), (1, 0, True)],
)
def test_residents_are_two_thirds_of_all_who_take_part(office, meeting, residents, others, stands):
    attendees = people(residents, others)
    if stands:
        row = hold(office, meeting, attendees)
        assert (row.attendees, row.residents, row.votes_for) == (residents + others, residents, residents + others)
    else:
        with pytest.raises(ReviewInputError, match=r"2/3（220-22）"):
            hold(office, meeting, attendees)


def test_the_share_is_exact_and_rounds_up():
    two_thirds = Quorum(2, 3)
    assert [two_thirds.residents_needed(n) for n in (1, 2, 3, 4, 9, 10, 100)] == [1, 2, 2, 3, 6, 7, 67]


def test_a_fewest_number_counts_where_a_region_writes_one(office, meeting, monkeypatch):
    from tuodi.verification import review_actions

    monkeypatch.setattr(review_actions, "quorum_of", lambda case: Quorum(2, 3, 9, "地方"))
    with pytest.raises(ReviewInputError, match="本地规定不少于 9 人"):
        hold(office, meeting, people(6, 2))
    assert hold(office, meeting, people(6, 3)).attendees == 9


def test_every_fault_of_the_minutes_at_once(office, meeting):
    attendees = [Attendee("张三", "resident", ""), Attendee("张三", "resident", "for"), Attendee("", "guest", "for")]
    with pytest.raises(ReviewInputError) as caught:
        hold(office, meeting, attendees, chair="", minutes=" ", held_on=date(2017, 5, 13))
    said = str(caught.value)
    for part in ("没有写主持人", "没有写评议记录", "没有表决", "没有姓名", "没有身份", "写了两次", "召开日期"):
        assert part in said
    with at(office.town_review, DAY):
        assert not ReviewAttendee.objects.exists()


def test_chair_and_minutes_taker_are_two_people(office, meeting):
    with pytest.raises(ReviewInputError, match="不能是同一人"):
        hold(office, meeting, people(2, 1), chair="王主任", minutes_taker="王主任")


def test_agreement_is_carried_by_the_votes_and_does_the_step(office, case, meeting):
    hold(office, meeting, people(6, 2, against=4))
    with at(office.town_review, DAY):
        with pytest.raises(ReviewInputError, match="没有超过参加人数 8 的一半"):
            conclude_review(meeting, acting_user=office.town_review, agreed=True, opinion="同意")
        with pytest.raises(ReviewInputError, match="没有写评议意见"):
            conclude_review(meeting, acting_user=office.town_review, agreed=False, opinion=" ")


def test_five_of_eight_agree(office, case, meeting):
    hold(office, meeting, people(6, 2, against=3))
    with at(office.town_review, DAY):
        row = conclude_review(meeting, acting_user=office.town_review, agreed=True, opinion="情况属实")
        step = open_step(case, "meeting")
        assert (row.state, step.state, step.result) == ("concluded", "done", "agreed")
        assert "8 人参加，村（居）民代表 6 人；同意 5，不同意 3，弃权 0" in step.opinion
        assert step.data["evidence"] == row.evidence_hash
        assert open_step(case, "first_review").state == "open"
        assert review_evidence_fits(row)
        row.minutes = "改了"
        assert not review_evidence_fits(row)


def test_a_dispute_sends_the_case_back_to_its_survey_and_a_new_meeting_follows(office, case, meeting):
    hold(office, meeting, people(6, 2, against=6))
    with at(office.town_review, DAY):
        row = conclude_review(meeting, acting_user=office.town_review, agreed=False, opinion="收入说法不一")
        case.refresh_from_db()
        visit, again = open_step(case, "visit"), open_step(case, "meeting")
        assert (row.state, case.state) == ("disputed", "reinvestigating")
        assert (visit.round, visit.state, again.round, again.state) == (2, "open", 2, "waiting")
        with pytest.raises(StepNotOpenError):
            call_review(case, acting_user=office.town_review, planned_on=DAY, place="村委会")
        complete_step(visit, acting_user=office.town_review, opinion="再查", people=[office.town_visit])
        second = call_review(case, acting_user=office.town_review, planned_on=DAY, place="村委会")
        assert (second.step_round, second.state) == (2, "called")


def test_called_once_a_round_by_who_reviews_and_never_for_yesterday(office, case, meeting):
    with at(office.town_review, DAY), pytest.raises(ReviewInputError, match="已经通知过"):
        call_review(case, acting_user=office.town_review, planned_on=DAY, place="村委会")
    with at(office.town_visit, DAY), pytest.raises(AccessDeniedError):
        hold_review(
            meeting, acting_user=office.town_visit, held_on=DAY, chair="a", minutes_taker="b", minutes="c", attendees=[]
        )


def test_a_concluded_meeting_is_frozen_for_everybody(office, meeting, as_owner):
    hold(office, meeting, people(2, 1))
    with at(office.town_review, DAY):
        photo = add_review_photo(meeting, PhotoInput(png(), "会场"), acting_user=office.town_review)
        row = conclude_review(meeting, acting_user=office.town_review, agreed=True, opinion="同意")
        with pytest.raises(ReviewInputError, match="不能再加照片"):
            add_review_photo(meeting, PhotoInput(png(5, 5), "会场"), acting_user=office.town_review)
        with pytest.raises(MoveRefusedError):
            conclude_review(meeting, acting_user=office.town_review, agreed=False, opinion="反悔")
    for change in (
        lambda: ReviewMeeting.objects.filter(pk=row.pk).update(votes_for=0, votes_against=3),
        lambda: ReviewMeeting.objects.filter(pk=row.pk).delete(),
        lambda: ReviewAttendee.objects.filter(meeting=row).update(vote="against"),
        lambda: type(photo).objects.filter(pk=photo.pk).delete(),
        lambda: ReviewAttendee.objects.create(
            meeting=row, region=row.region, position=9, name="后来", role="town", vote="for"
        ),
    ):
        with as_owner(), pytest.raises(DatabaseError), transaction.atomic():
            change()


def test_the_database_itself_counts_the_votes(office, meeting, as_owner):
    hold(office, meeting, people(2, 1))
    with as_owner(), pytest.raises(DatabaseError), transaction.atomic():
        ReviewMeeting.objects.filter(pk=meeting.pk).update(votes_for=9)
