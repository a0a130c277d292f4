"""Papers that run out of time: told to the applicant once, on the officer's list, seen by the county once, closed when there."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from casekit import at
from reliefkit import DAY, completed, relieved

from tuodi.decisions import late_papers
from tuodi.decisions.errors import ReliefInputError
from tuodi.decisions.models import PaperAlarm
from tuodi.intake.application_actions import accept_application, receive_material
from tuodi.messages.models import Message
from tuodi.messages.outbox import read
from tuodi.org.access import system_scope
from tuodi.people import secrets, tellings
from tuodi.people.models import Person

#: Ten working days from 13 September 2021, with the holidays between; the day after is late.
DUE = date(2021, 9, 27)


def with_phone(household):
    with system_scope(household.region[:6]):
        head = household.head
        sealed = secrets.seal("phone", "13900000002", head.uid)
        Person.objects.filter(pk=head.pk).update(phone_cipher=sealed.cipher, phone_masked=sealed.masked)


def raised(household, on):
    with system_scope(household.region[:6]):
        return late_papers.raise_late(on)


def test_relief_whose_papers_are_overdue_is_told_once_and_closed_when_they_are_there(office, household):
    with_phone(household)
    row = relieved(office, household, 800_00)
    assert row.papers_due_on == DUE
    assert raised(household, DUE) == (0, 0)
    assert raised(household, DUE + timedelta(1)) == (1, 0)
    assert raised(household, DUE + timedelta(2)) == (0, 0)
    with at(office.town_accept, DUE + timedelta(2)):
        alarm = PaperAlarm.objects.get()
        assert (alarm.kind, alarm.no, alarm.officer_id) == ("relief", row.no, row.reported_by_id)
        assert [one.pk for one in late_papers.listing("mine", office.town_accept)] == [alarm.pk]
        message = Message.objects.get(pk=alarm.message)
        to, text = read(message)
        assert (to, "2021-09-27" in text, row.no in text) == ("13900000002", True, True)
    completed(office, household, row, DUE + timedelta(3))
    assert raised(household, DUE + timedelta(4)) == (0, 1)
    with at(office.town_accept, DUE + timedelta(4)):
        assert PaperAlarm.objects.get().done_on == DUE + timedelta(4)
        assert Message.objects.filter(template=message.template).count() == 1


def test_a_family_that_wants_no_messages_is_told_by_an_officer(office, household):
    with_phone(household)
    with at(office.town_accept, DAY):
        tellings.wish(household, by_hand=True, acting_user=office.town_accept)
    row = relieved(office, household, 800_00)
    assert raised(household, DUE + timedelta(1)) == (1, 0)
    with at(office.town_accept, DUE + timedelta(2)):
        assert PaperAlarm.objects.get().message is None
        assert not Message.objects.filter(template="relief_papers_late").exists()
        assert f"late:relief:{row.no}" in [one.event for one in tellings.waiting(office.town_accept)]


def test_papers_asked_for_at_the_door_run_out_and_the_county_says_its_word_once(office, household):
    with at(office.town_accept, DAY):
        application = accept_application(
            acting_user=office.town_accept, household=household, programme="dibao",
            materials={"身份证": True, "授权书": False, "户口簿": False},
        )  # fmt: skip
    assert raised(household, DUE) == (0, 0)
    assert raised(household, DUE + timedelta(1)) == (1, 0)
    with at(office.county_confirm, DUE + timedelta(1)):
        alarm = PaperAlarm.objects.get()
        assert (alarm.kind, alarm.count, alarm.no, alarm.message) == ("materials", 2, application.case.no, None)
        assert late_papers.counts(office.county_confirm)["unseen"] == 1
        late_papers.see(alarm, note="三天内上门帮办", acting_user=office.county_confirm)
        with pytest.raises(ReliefInputError, match="已于"):
            late_papers.see(alarm, note="再催", acting_user=office.county_confirm)
        assert late_papers.counts(office.county_confirm)["unseen"] == 0
    with at(office.town_review, DUE + timedelta(1)), pytest.raises(ReliefInputError, match="由县级填写"):
        late_papers.see(alarm, note="乡镇自己写", acting_user=office.town_review)
    with at(office.town_accept, DUE + timedelta(2)):
        receive_material(application, "授权书", acting_user=office.town_accept)
    assert raised(household, DUE + timedelta(2)) == (0, 0)
    with at(office.town_accept, DUE + timedelta(2)):
        receive_material(application, "户口簿", acting_user=office.town_accept)
    assert raised(household, DUE + timedelta(3)) == (0, 1)
