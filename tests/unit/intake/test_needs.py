"""The one door: who answers for a need, what it becomes, what the applicant is told, and who may not touch it."""

from __future__ import annotations

from datetime import date

import pytest
from casekit import at, family, hire
from django.db import DatabaseError, connection, transaction

from tuodi.audit.models import AuditEntry
from tuodi.cases.actions import end_case
from tuodi.intake import need_actions, need_queries
from tuodi.intake.counter_book import lines_of, materials_of, referral_of
from tuodi.intake.errors import NeedInputError, NeedStateError, NotYourNeedError
from tuodi.intake.models import NeedNote, Referral
from tuodi.org.errors import AccessDeniedError, NotFoundError

DAY = date(2021, 9, 13)


@pytest.fixture
def second(make_user):
    return hire(make_user, "420802001", "accept")


def opened(office, household, **more):
    with at(office.town_accept, DAY):
        return need_actions.open_need(
            acting_user=office.town_accept, household=household, **{"kinds": ["living", "medical"], **more}
        )


def test_who_opens_a_need_answers_for_it_and_another_officer_is_sent_to_him(office, household, second):
    need = opened(office, household, text="户主住院")
    assert need.no == "420802-XQ-20210913-0001"
    assert (need.officer_a, need.speaker_id, need.state) == (office.town_accept, household.head_id, "open")
    with at(second, DAY), pytest.raises(NotYourNeedError, match=office.town_accept.name):
        need_actions.tell(need, acting_user=second, text="进展", how="phone")


def test_the_stand_in_may_act_and_a_hand_over_is_a_row_that_cannot_be_changed(office, household, second):
    need = opened(office, household, officer_b=second)
    with at(second, DAY):
        need_actions.tell(need, acting_user=second, text="材料已收齐", how="phone")
        need = need_actions.hand_over(need, acting_user=second, to_user=second, reason="首问责任人休假")
        assert (need.officer_a, need.officer_b) == (second, office.town_accept)
        note = NeedNote.objects.get(kind="handed")
        assert office.town_accept.name in note.text
        assert AuditEntry.objects.filter(action="intake.hand_over", subject_id=str(need.pk)).exists()
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("update intake_neednote set text = '' where id = %s", [note.pk])
    with at(office.town_accept, DAY):
        assert list(need_queries.my_needs(office.town_accept)) == [need]


def test_a_stand_in_without_the_duty_there_is_refused(office, household, make_user):
    for other in (office.town_review, hire(make_user, "420804001", "accept"), office.town_accept):
        with pytest.raises(NeedInputError, match="AB岗"):
            opened(office, household, officer_b=other)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"kinds": ["living", "gold"]}, "“gold”不认识"),
        ({"kinds": [], "text": "  "}, "没有勾选"),
        ({"channel": "fax"}, "“fax”不认识"),
    ],
)
def test_wrong_input_says_what_is_wrong(office, household, more, said):
    with pytest.raises(NeedInputError, match=said):
        opened(office, household, **more)


def test_an_officer_of_another_town_or_without_the_duty_opens_none(office, household, make_user):
    stranger = hire(make_user, "420804001", "accept")
    with at(stranger, DAY), pytest.raises(NotFoundError):
        need_actions.open_need(acting_user=stranger, household=household, kinds=["living"])
    with at(office.town_review, DAY), pytest.raises(AccessDeniedError):
        need_actions.open_need(acting_user=office.town_review, household=household, kinds=["living"])


def test_one_need_splits_into_cases_and_a_refused_one_takes_nothing_else_back(office, household):
    need = opened(office, household)
    papers = {"dibao": {"居民身份证": True, "家庭经济状况核对授权书": False}}
    with at(office.town_accept, DAY):
        answers = need_actions.split_need(
            need, acting_user=office.town_accept, programmes=["dibao", "nothing", "tekun", "dibao"], materials=papers
        )
        assert [(one.programme, bool(one.application)) for one in answers] == [
            ("dibao", True), ("nothing", False), ("tekun", True),
        ]  # fmt: skip
        assert "不认识" in answers[1].reason
        told = NeedNote.objects.get(need=need, kind="materials")
        assert "家庭经济状况核对授权书" in told.text
        assert "居民身份证" not in told.text
        again = need_actions.split_need(need, acting_user=office.town_accept, programmes=["dibao"])
        assert "正在办理" in again[0].reason
        assert need_queries.need_of_case(answers[0].application.case_id) == need


def test_a_referral_has_its_department_and_day_from_the_pack_and_is_answered_once(office, household):
    need = opened(office, household)
    with at(office.town_accept, DAY):
        row = need_actions.refer(need, acting_user=office.town_accept, programme="medical", label="医疗救助")
        assert (row.department, row.due_on, row.due_pending) == ("医疗保障部门", date(2021, 10, 9), False)
        with pytest.raises(NeedStateError, match="已经转办"):
            need_actions.refer(need, acting_user=office.town_accept, programme="medical", label="医疗救助")
        with pytest.raises(NeedInputError, match="承办部门"):
            need_actions.refer(need, acting_user=office.town_accept, programme="price", label="价格补贴")
        with pytest.raises(NeedInputError, match="没有选择"):
            need_actions.answer_referral(row, acting_user=office.town_accept, outcome="", answer="好")
        row = need_actions.answer_referral(row, acting_user=office.town_accept, outcome="granted", answer="已报销")
        assert row.outcome == Referral.Outcome.GRANTED
        with pytest.raises(NeedStateError, match="已救助"):
            need_actions.answer_referral(row, acting_user=office.town_accept, outcome="refused", answer="不是")


def test_a_need_ends_only_when_everything_it_became_has_an_answer(office, household):
    need = opened(office, household)
    with at(office.town_accept, DAY):
        (split,) = need_actions.split_need(need, acting_user=office.town_accept, programmes=["dibao"])
        need_actions.refer(need, acting_user=office.town_accept, programme="medical", label="医疗救助")
        with pytest.raises(NeedStateError, match="医疗救助") as caught:
            need_actions.close_need(need, acting_user=office.town_accept, outcome="办完", how="phone")
        assert split.application.case.no in str(caught.value)
        need_actions.answer_referral(
            need.referrals.get(), acting_user=office.town_accept, outcome="refused", answer="不属于救助对象"
        )
    with at(office.town_review, DAY):
        end_case(split.application.case, acting_user=office.town_review, reason="申请人撤回")
    with at(office.town_accept, DAY):
        need = need_actions.close_need(need, acting_user=office.town_accept, outcome="申请人撤回", how="phone")
        assert need.state == "closed"
        with pytest.raises(NeedStateError, match="已办结"):
            need_actions.tell(need, acting_user=office.town_accept, text="再说", how="phone")


def test_who_applies_in_another_town_or_county_is_told_where_and_no_more_and_the_question_is_logged(
    office, household, make_user
):
    from tuodi.intake.application_actions import accept_application
    from tuodi.org.access import system_scope
    from tuodi.people.models import Household

    other = family("420804001001", names=("欧阳建",))
    with system_scope("cn"):  # the same person, registered in another county too
        from tuodi.people.models import Person

        Person.objects.filter(pk=other.head_id).update(id_index=household.head.id_index)
    clerk = hire(make_user, "420804001", "accept")
    with at(clerk, DAY):
        accept_application(acting_user=clerk, household=Household.objects.get(pk=other.pk), programme="dibao")
    with at(office.town_accept, DAY):
        assert need_queries.elsewhere(household, ["edge"]) == {}
        found = need_queries.elsewhere(household, ["dibao"])["dibao"]
        assert [one.stops for one in found] == [False]
        assert "掇刀区" in found[0].text
        assert "正在申请" in found[0].text
        assert (found[0].household_id, found[0].case_id) == (None, None)
        asked = AuditEntry.objects.filter(action="intake.find_elsewhere")
        assert asked.count() >= 2
        assert all("*" in row.subject_id for row in asked)


def test_a_county_that_asks_for_two_papers_asks_for_no_third(db):
    assert [one.name for one in materials_of("220103001000", "dibao", DAY)] == ["居民身份证", "家庭经济状况核对授权书"]
    assert len(materials_of("420802001001", "dibao", DAY)) == 3
    assert [one.code for one in lines_of("360702000000", date(2015, 3, 2))] == ["12349", "96333"]
    assert [one.code for one in lines_of("420802000000", DAY)] == ["12349"]
    assert referral_of("420802001001", "dibao", DAY) is None
