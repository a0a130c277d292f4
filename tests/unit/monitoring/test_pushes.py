"""Lists pushed to departments: who is on one, what left, the receipt, each family's answer, and dwellings in danger."""

from __future__ import annotations

from datetime import date

import pytest
from casekit import Office, at, hire
from lifekit import on_roll

from tuodi.monitoring import pushes
from tuodi.monitoring.dynamic_errors import DynamicInputError, DynamicStateError
from tuodi.monitoring.models import ListPush, PushFamily
from tuodi.org.errors import AccessDeniedError, NotFoundError

pytestmark = pytest.mark.django_db
VILLAGE, DAY = "420802001001", date(2017, 9, 11)


@pytest.fixture
def office(make_user):
    return Office(VILLAGE, make_user)


@pytest.fixture
def homes(db):
    return [on_roll(VILLAGE, income=600, amount_fen=55_000, start=201704) for _ in range(3)]


def made(office, topic="education", on=DAY, **more):
    with at(office.county_confirm, on):
        return pushes.make_push(topic, acting_user=office.county_confirm, **more)


def sent(office, **more):
    row = made(office, **more)
    with at(office.county_confirm, DAY):
        return pushes.mark_sent(row, acting_user=office.county_confirm)


def test_a_list_goes_out_with_its_day_is_received_and_every_family_answered(office, homes):
    row = sent(office)
    user = office.county_confirm
    assert (row.department, row.families, row.month) == ("教育部门", 3, 201709)
    assert row.due_on == date(2017, 9, 30)  # fifteen working days; the 30th was worked
    with at(user, date(2017, 10, 9)):
        assert pushes.counts(date(2017, 10, 9)) == {"open": 1, "overdue": 1, "unreceived": 1, "done": 0, "all": 1}
        assert [one.pk for one in pushes.listing("overdue", date(2017, 10, 9))] == [row.pk]
        pushes.receive(row, receipt="东宝区教育局 王老师", acting_user=user)
        with pytest.raises(DynamicInputError, match="已于 2017-10-09 登记"):
            pushes.receive(row, receipt="再来", acting_user=user)
        first, *_ = row.rows.order_by("id")
        pushes.answer(first, outcome="helped", text="已免学费", acting_user=user)
        with pytest.raises(DynamicInputError, match="不能登记为“退回”"):
            pushes.answer(first, outcome="returned", text="改", acting_user=user)
        assert pushes.answer_rest(row, outcome="refused", text="没有在校学生", acting_user=user) == 2
        row.refresh_from_db()
        assert (row.state, row.closed_on) == ("answered", date(2017, 10, 9))
        assert pushes.counts(date(2017, 10, 9))["overdue"] == 0


def test_the_file_holds_the_least_a_department_needs(office, homes):
    row = made(office)
    with at(office.county_confirm, DAY):
        rows = list(pushes.file_rows(row))
    assert [one["name"] for one in rows] == ["欧阳建"] * 3
    assert all("*" in one["id_masked"] for one in rows)
    assert set(rows[0]) == {name for name, _, _ in pushes.FILE}


def test_who_is_with_the_department_is_not_pushed_twice_and_who_came_since_is(office, homes):
    sent(office)
    with pytest.raises(DynamicInputError, match="没有新的对象"):
        made(office)
    other = on_roll(VILLAGE, income=500, amount_fen=65_000, start=201708)
    again = made(office)
    with at(office.county_confirm, DAY):
        assert [one.household_id for one in again.rows.all()] == [other.pk]
        pushes.cancel(again, why="漏选", acting_user=office.county_confirm)
    assert made(office).families == 1
    assert made(office, "medical").families == 4


def test_a_dwelling_in_danger_goes_by_steps_to_the_subsidy(office, homes):
    row = made(office, pushes.DANGEROUS, households=[homes[0]])
    user = office.county_confirm
    with at(user, DAY):
        pushes.mark_sent(row, acting_user=user)
        one = row.rows.get()
        with pytest.raises(DynamicInputError, match="危房等级和改造方式"):
            pushes.answer(one, outcome="approved", text="同意", acting_user=user)
        with pytest.raises(DynamicInputError, match="不能登记为“补助已拨付”"):
            pushes.answer(one, outcome="paid", text="拨付", acting_user=user, subsidy_fen=100)
        with pytest.raises(DynamicInputError, match="逐户登记"):
            pushes.answer_rest(row, outcome="helped", text="全部", acting_user=user)
        pushes.answer(one, outcome="approved", text="D级，同意", acting_user=user, danger="D", mode="build")
        pushes.answer(one, outcome="building", text="已开工", acting_user=user, started_on=DAY)
        with pytest.raises(DynamicInputError, match="验收日期"):
            pushes.answer(one, outcome="accepted", text="合格", acting_user=user)
        pushes.answer(one, outcome="accepted", text="合格", acting_user=user, accepted_on=DAY)
        assert ListPush.objects.get().state == "sent"
        with pytest.raises(DynamicInputError, match="补助金额"):
            pushes.answer(one, outcome="paid", text="拨付", acting_user=user)
        pushes.answer(one, outcome="paid", text="已拨付", acting_user=user, subsidy_fen=20_000_00)
        done = PushFamily.objects.get()
        assert (done.danger, done.mode, done.subsidy_fen, done.started_on) == ("D", "build", 20_000_00, DAY)
        assert ListPush.objects.get().state == "answered"


def test_order_duty_and_range_hold(office, homes, make_user):
    row = made(office)
    user = office.county_confirm
    with at(user, DAY):
        with pytest.raises(DynamicStateError):
            pushes.answer_rest(row, outcome="helped", text="x", acting_user=user)
        with pytest.raises(DynamicInputError, match="发送后才有回执"):
            pushes.receive(row, receipt="x", acting_user=user)
        with pytest.raises(DynamicInputError, match="没有登记这一推送事项"):
            pushes.make_push("unknown", acting_user=user)
        pushes.mark_sent(row, acting_user=user)
        with pytest.raises(DynamicStateError):
            pushes.cancel(row, why="晚了", acting_user=user)
    clerk, stranger = hire(make_user, "420802", "accept"), hire(make_user, "420804", "confirm")
    with at(clerk, DAY), pytest.raises(AccessDeniedError):
        pushes.receive(row, receipt="x", acting_user=clerk)
    with at(stranger, DAY), pytest.raises(NotFoundError):
        pushes.access_push(stranger, row.pk)
