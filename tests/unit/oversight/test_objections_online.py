"""An objection sent from a phone: it counts at once, in time only, and nobody of the family sees who sent it."""

from __future__ import annotations

from datetime import date
from uuid import uuid4

import pytest
from casekit import at, days, family
from decisionkit import investigated
from oversightkit import as_resident, resident

from tuodi.audit.models import AuditEntry
from tuodi.cases.errors import StepInputError
from tuodi.cases.models import Notice
from tuodi.cases.notice_actions import take_up_objection
from tuodi.cases.objections import object_online, objections_of
from tuodi.decisions import actions
from tuodi.org.access import system_scope
from tuodi.org.errors import NotFoundError

DAY = date(2021, 9, 13)


@pytest.fixture
def notice(office, household):
    case = investigated(office, household)
    with at(office.town_review, DAY):
        actions.first_review(case, acting_user=office.town_review, result="pass", opinion="同意上报")
        return actions.post_notice(case, acting_user=office.town_review)


@pytest.fixture
def neighbour(office):
    return resident(family("420802001001", names=("外人甲",)).head, "13700002222")


def send(notice, account, day=DAY, **more):
    with as_resident(day):
        return object_online(
            notice.no, account=account, region=account.region, client_key=more.pop("key", uuid4()),
            text=more.pop("text", "他家有一辆面包车跑运输"), **more,
        )  # fmt: skip


def test_it_keeps_the_notice_from_closing_as_clear_and_reopens_the_case(notice, neighbour, office):
    row = send(notice, neighbour, from_name="外人甲")
    assert (row.received_by_id, row.channel, row.state) == (None, "resident", "new")
    with at(office.town_review, days(DAY, 8)):
        with pytest.raises(StepInputError, match="没有处理"):
            actions.close_notice(notice.case, acting_user=office.town_review, opinion="无异议")
        take_up_objection(row, acting_user=office.town_review)
        closed = actions.close_notice(notice.case, acting_user=office.town_review, opinion="有异议")
        assert closed.result == "objected"
        case = closed.case
        case.refresh_from_db()
        assert "objection" in case.marks
        assert case.steps.filter(round=2).exists()


def test_the_same_form_twice_is_one_and_it_is_his_own_to_read(notice, neighbour, household):
    key = uuid4()
    first = send(notice, neighbour, key=key)
    assert send(notice, neighbour, key=key).pk == first.pk
    assert [one.pk for one in objections_of(neighbour)] == [first.pk]
    assert objections_of(resident(household.head)) == []


def test_after_the_last_day_and_from_another_town_there_is_no_notice(notice, neighbour, db):
    with pytest.raises(NotFoundError):
        send(notice, neighbour, day=days(DAY, 8))
    stranger = resident(family("420804001001", names=("远人",)).head, "13600003333")
    with pytest.raises(NotFoundError):
        send(notice, stranger)


def test_one_s_own_family_appeals_and_does_not_object(notice, household):
    with pytest.raises(StepInputError, match="申请复议"):
        send(notice, resident(household.head))


def test_nothing_is_no_objection_and_the_log_names_nobody(notice, neighbour):
    with pytest.raises(StepInputError, match="没有写清楚"):
        send(notice, neighbour, text="  ")
    send(notice, neighbour, from_name="外人甲")
    with system_scope("420802"):
        entry = AuditEntry.objects.get(action="cases.receive_objection")
        assert entry.actor_name == "系统"
        assert "外人" not in str(entry.after)
        assert Notice.objects.get(pk=notice.pk).objections.count() == 1
