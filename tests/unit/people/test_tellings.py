"""Families are told once an event: by message where there is a phone, else by an officer; nothing sensitive leaves the house."""

from __future__ import annotations

import re
from datetime import date

import pytest
from casekit import Office, at, family, hire
from decisionkit import ACCEPTED, FACTS, granted, investigated
from oversightkit import resident

from tuodi.intake import need_actions
from tuodi.intake.application_actions import accept_application
from tuodi.intake.errors import NeedInputError
from tuodi.kernel import clock
from tuodi.messages import outbox, texts
from tuodi.messages.models import Message, State
from tuodi.org.access import subject_scope, system_scope
from tuodi.org.errors import NotFoundError
from tuodi.people import residents, tellings
from tuodi.people.errors import TellingError
from tuodi.people.models import Telling
from tuodi.verification.visit_actions import plan_visit

VILLAGE = "420802001001"
pytestmark = pytest.mark.django_db


@pytest.fixture
def office(make_user):
    return Office(VILLAGE, make_user)


@pytest.fixture
def household(db):
    return family(VILLAGE)


def rows(household, **more):
    with system_scope("cn"):
        return list(Telling.objects.filter(household=household, **more).order_by("id"))


def sent():
    with system_scope("cn"):
        return [(row.template, *outbox.read(row)) for row in Message.objects.order_by("created_at")]


def test_a_case_from_acceptance_to_decision_tells_each_event_once_and_nothing_sensitive(office, household):
    resident(household.head, "13800001234")
    decided = granted(office, household)
    told = rows(household)
    assert [one.template for one in told] == ["application_received", "step_done", "notice_posted", "decision_made"]
    assert {one.way for one in told} == {"message"}
    texts_sent = [text for template, to, text in sent() if to == "13800001234" and template != "phone_registered"]
    assert texts_sent == [one.text for one in told]
    for text in texts_sent:
        assert "请登录查看" in text or "请登录网页查看" in text
        assert not re.search(r"\d元|\d\s*元|病|残", text)
        assert str(decided.amount_fen // 100) not in text
    with at(office.town_accept, ACCEPTED):
        again = tellings.tell(
            "notice_posted", household, household.head, told[2].event, {"no": "x"}, case_no=told[2].case_no
        )
    assert again.pk == told[2].pk
    assert len(sent()) == len(texts_sent) + sum(template == "phone_registered" for template, *_ in sent())


def test_no_template_can_hold_an_amount_or_an_illness():
    for one in texts.templates().values():
        assert not {"amount", "amount_fen", "illness", "disability", "id"} & one.facts, one.name
        assert not re.search(r"元|病|残", one.text), one.name


def test_without_a_phone_an_officer_tells_it_and_notes_how(office, household, make_user):
    investigated(office, household)
    (row,) = rows(household)
    assert (row.way, row.why, row.messages) == ("hand", "no_phone", [])
    assert sent() == []
    far = hire(make_user, "420804001", "accept")
    with at(far, ACCEPTED):
        assert list(tellings.waiting(far)) == []
    with at(office.town_accept, ACCEPTED):
        assert [one.pk for one in tellings.waiting(office.town_accept)] == [row.pk]
        with pytest.raises(TellingError, match="没有登记手机号"):
            tellings.tell_again(row, acting_user=office.town_accept)
        with pytest.raises(TellingError, match="怎么告知"):
            tellings.note_told(row, acting_user=office.town_accept, how="")
        told = tellings.note_told(row, acting_user=office.town_accept, how="paper")
        assert (told.done_by, told.how) == (office.town_accept, "paper")
        assert tellings.note_told(row, acting_user=office.town_accept, how="face").how == "paper"
        assert list(tellings.waiting(office.town_accept)) == []
    with at(far, ACCEPTED), pytest.raises(NotFoundError):
        tellings.note_told(row, acting_user=far, how="face")


def test_a_family_that_wants_no_messages_gets_none(office, household):
    resident(household.head, "13800001234")
    with at(office.town_accept, ACCEPTED):
        tellings.wish(household, by_hand=True, acting_user=office.town_accept)
        household.refresh_from_db()
        accept_application(acting_user=office.town_accept, household=household, programme="dibao")
    assert [(one.way, one.why) for one in rows(household)] == [("hand", "wish")]
    assert [template for template, *_ in sent()] == ["phone_registered"]


def test_another_member_s_phone_serves_and_missing_papers_are_counted_not_named(office, household):
    with system_scope("cn"):
        spouse = household.memberships.order_by("id")[1].person
    resident(spouse, "13700001111")
    with at(office.town_accept, ACCEPTED):
        accept_application(
            acting_user=office.town_accept, household=household, programme="dibao",
            materials={"大病诊断证明": False, "居民身份证": True, "残疾证": False},
        )  # fmt: skip
    owed = next(one for one in rows(household) if one.template == "materials_owed")
    assert "还缺 2 项材料" in owed.text
    assert "诊断" not in owed.text
    assert {to for template, to, _ in sent() if template == "materials_owed"} == {"13700001111"}


def test_a_message_that_failed_waits_for_the_officer_and_goes_again_to_the_number_of_now(office, household):
    resident(household.head, "13800001234")
    with at(office.town_accept, ACCEPTED):
        accept_application(acting_user=office.town_accept, household=household, programme="dibao")
        (row,) = rows(household)
        with pytest.raises(TellingError, match="已发出"):
            tellings.tell_again(row, acting_user=office.town_accept)
        assert list(tellings.waiting(office.town_accept)) == []
        Message.objects.filter(pk__in=row.messages).update(state=State.FAILED, sent_at=None, fault="停机")
        assert tellings.states([row]) == {row.pk: "failed"}
        assert [one.pk for one in tellings.waiting(office.town_accept)] == [row.pk]
    resident(household.head, "13600002222")
    with at(office.town_accept, ACCEPTED):
        again = tellings.tell_again(row, acting_user=office.town_accept)
        assert tellings.states([again]) == {row.pk: "sent"}
        assert list(tellings.waiting(office.town_accept)) == []
    assert [to for template, to, text in sent() if text == row.text] == ["13800001234", "13600002222"]


def test_a_visit_is_announced_a_look_into_a_clue_is_not(office, household):
    with at(office.town_accept, ACCEPTED):
        case = accept_application(acting_user=office.town_accept, household=household, programme="dibao").case
    with at(office.town_review, ACCEPTED):
        task = plan_visit(
            household,
            "case",
            acting_user=office.town_review,
            case=case,
            assigned=[office.town_review, office.town_visit],
        )
        plan_visit(
            household, "spot_check", acting_user=office.town_review, matter_no="CC-1",
            assigned=[office.town_review, office.town_visit],
        )  # fmt: skip
    told = [one for one in rows(household) if one.template.startswith("visit_planned")]
    assert [(one.event, one.case_no) for one in told] == [(f"visit:{task.no}", case.no)]


def test_at_the_door_a_message_says_there_is_news_and_needs_a_phone(office, household):
    with at(office.town_accept, ACCEPTED):
        need = need_actions.open_need(acting_user=office.town_accept, household=household, text="来问低保")
        with pytest.raises(NeedInputError, match="没有登记手机号"):
            need_actions.tell(need, acting_user=office.town_accept, text="肺癌材料收到", how="message")
        assert rows(household) == []
    resident(household.head, "13800001234")
    with at(office.town_accept, ACCEPTED):
        need_actions.tell(need, acting_user=office.town_accept, text="肺癌材料收到", how="message")
    (row,) = rows(household)
    assert need.no in row.text
    assert "肺癌" not in row.text


def test_a_family_reads_its_own_box_and_no_other(office, household):
    other = family(VILLAGE, names=("方正直",))
    account = resident(household.head, "13800001234")
    granted(office, household)
    with at(office.town_accept, ACCEPTED):
        accept_application(acting_user=office.town_accept, household=other, programme="dibao")
    with clock.frozen(date(2021, 10, 1)):
        subject = residents.subject_of(account)
        with subject_scope(subject):
            seen = {one.household_id for one in Telling.objects.all()}
            assert seen == {household.pk}
            assert tellings.box(subject.household_ids).count() == 4
    assert FACTS
