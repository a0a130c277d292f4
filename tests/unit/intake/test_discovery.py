"""Patrols from the list of persons at risk, what they find, and spreadsheets that feed the list."""

from __future__ import annotations

from datetime import date

import openpyxl
import pytest
from casekit import at, hire
from django.db import DatabaseError, transaction

from tuodi.cases.errors import DutySeparationError, MoveRefusedError
from tuodi.decisions import relief, relief_queries
from tuodi.intake import discovery_actions as verbs
from tuodi.intake import discovery_queries as reads
from tuodi.intake.at_risk_actions import import_at_risk, list_person, take_off
from tuodi.intake.errors import DiscoveryInputError
from tuodi.intake.models import Discovery, PatrolTask
from tuodi.kernel import clock
from tuodi.kernel.identity import make_id
from tuodi.kernel.periods import Month
from tuodi.org.errors import AccessDeniedError, NotFoundError
from tuodi.people.models import AtRisk, Person

SEPTEMBER = Month.parse("2021-09")
DAY = date(2021, 9, 13)


@pytest.fixture
def worker(make_user, village):
    """The grid worker of the village."""
    return hire(make_user, village, "visit")


@pytest.fixture
def task(household, worker, village):
    with at(worker, DAY):
        list_person(acting_user=worker, person=household.head, risk_class="serious_illness", source="全面排查")
        list_person(acting_user=worker, person=household.head, risk_class="living_alone", source="全面排查")
        assert verbs.plan_patrols(acting_user=worker, place=village, month=SEPTEMBER) == 1
        return PatrolTask.objects.get()


def test_one_patrol_a_person_and_month_given_to_the_villages_worker(task, worker, village):
    assert (task.patroller_id, task.due_on, task.state) == (worker.pk, date(2021, 9, 30), "planned")
    assert task.risk_classes == ["living_alone", "serious_illness"]
    with at(worker, DAY):
        assert verbs.plan_patrols(acting_user=worker, place=village, month=SEPTEMBER) == 0
        assert verbs.plan_patrols(acting_user=worker, place=village, month=SEPTEMBER.next()) == 1


def test_who_died_or_left_the_list_is_not_patrolled(household, worker, village):
    with at(worker, DAY):
        entry = list_person(acting_user=worker, person=household.head, risk_class="other", source="排查")
        take_off(entry, acting_user=worker, reason="已入住敬老院")
        other = household.memberships.exclude(person=household.head).first().person
        list_person(acting_user=worker, person=other, risk_class="other", source="排查")
        Person.objects.filter(pk=other.pk).update(died_on=date(2021, 9, 1))
        assert verbs.plan_patrols(acting_user=worker, place=village, month=SEPTEMBER) == 0


def test_a_patrol_done_counts_and_the_person_was_checked(task, worker):
    with at(worker, DAY):
        (before,) = reads.coverage(SEPTEMBER, DAY, digits=12)
        verbs.do_patrol(task, acting_user=worker, note="精神尚好", latitude="30.99", longitude="112.2")
        (after,) = reads.coverage(SEPTEMBER, DAY, digits=12)
        assert (before.rate, after.rate, after.planned, after.at_risk) == (0, 100, 1, 1)
        assert set(AtRisk.objects.values_list("last_checked", flat=True)) == {DAY}
        with pytest.raises(MoveRefusedError):
            verbs.drop_patrol(task, acting_user=worker, reason="误加")


def test_a_patrol_nobody_made_is_overdue_from_the_next_month_on(task, worker):
    with at(worker, date(2021, 9, 30)):
        assert reads.overdue_patrols(clock.today()).count() == 0
    with at(worker, date(2021, 10, 1)):
        assert [one.pk for one in reads.overdue_patrols(clock.today())] == [task.pk]
        assert [one.pk for one in reads.my_patrols(worker, clock.today())] == [task.pk]
        (town,) = reads.coverage(SEPTEMBER, clock.today())
        assert (town.region, town.overdue, town.rate) == ("420802001", 1, 0)


def test_a_discovery_becomes_an_application_and_who_found_it_keeps_away(task, worker, office, household):
    with at(worker, DAY):
        found = verbs.report_discovery(
            acting_user=worker, region=task.region, event_type="long_hardship", story="母女二人无收入", task=task
        )
        assert (found.name, found.household_id) == ("欧阳建", household.pk)
        with pytest.raises(MoveRefusedError):
            verbs.report_discovery(acting_user=worker, region=task.region, event_type="fire", story="再报", task=task)
        with pytest.raises(AccessDeniedError):
            verbs.convert_discovery(found, acting_user=worker, programme="dibao")
    with at(office.town_accept, DAY):
        application = verbs.convert_discovery(found, acting_user=office.town_accept, programme="dibao")
        assert (application.channel, application.agent_user_id) == ("discovered", worker.pk)
        again = Discovery.objects.get(pk=found.pk)
        assert (again.state, again.matter_no, again.task.state) == ("converted", application.case.no, "converted")
        with pytest.raises(MoveRefusedError, match="已转办"):
            verbs.convert_discovery(found, acting_user=office.town_accept, programme="edge")
        with pytest.raises(DatabaseError), transaction.atomic():
            Discovery.objects.filter(pk=found.pk).update(story="改写")
    with at(worker, DAY):
        from tuodi.cases.guard import check_hand
        from tuodi.cases.queries import open_step

        with pytest.raises(DutySeparationError):
            check_hand(open_step(application.case, "visit").case, worker, None)


def test_no_need_asks_for_its_reason(task, worker, office):
    with at(worker, DAY):
        found = verbs.report_discovery(
            acting_user=worker, region=task.region, event_type="no_carer", story="老人独自在家", task=task
        )
    with at(office.town_review, DAY):
        with pytest.raises(DiscoveryInputError, match="理由"):
            verbs.dismiss_discovery(found, acting_user=office.town_review, reason=" ")
        verbs.dismiss_discovery(found, acting_user=office.town_review, reason="子女当日已接回")
        assert PatrolTask.objects.get(pk=task.pk).state == "no_need"


def test_an_urgent_discovery_stands_in_the_emergency_queue_until_it_is_taken(task, worker, office):
    with at(worker, DAY):
        found = verbs.report_discovery(
            acting_user=worker, region=task.region, event_type="fire", story="厨房起火", task=task, urgent=True
        )
    with at(office.town_accept, DAY):
        assert relief_queries.counts(DAY, clock.now()).discovered == 1
        row = relief.take_discovery(found, acting_user=office.town_accept)
        assert (row.cause, row.source, row.source_ref) == ("fire", "discovery", found.no)
        assert row.reported_at == found.reported_at
        counts = relief_queries.counts(DAY, clock.now())
        assert (counts.discovered, counts.waiting, counts.late) == (0, 1, 0)
    with at(office.town_accept, date(2021, 9, 16)):
        assert relief_queries.counts(clock.today(), clock.now()).late == 1


def test_somebody_on_no_register_is_reported_by_name_and_registered_before_he_is_helped(worker, office, household):
    with at(worker, DAY):
        found = verbs.report_discovery(
            acting_user=worker,
            region=household.region,
            event_type="disaster",
            story="房屋被淹",
            name="外来务工人员老周",
            urgent=True,
        )
        with pytest.raises(DiscoveryInputError, match="姓名"):
            verbs.report_discovery(acting_user=worker, region=household.region, event_type="fire", story="起火")
    with at(office.town_accept, DAY):
        with pytest.raises(Exception, match="请先登记家庭"):
            relief.take_discovery(found, acting_user=office.town_accept)
        assert relief.take_discovery(found, acting_user=office.town_accept, household=household).household == household


def test_another_village_sees_and_does_nothing(task, make_user):
    stranger = hire(make_user, "420802001002", "visit")
    with at(stranger, DAY):
        assert reads.my_patrols(stranger, DAY).count() == 0
        with pytest.raises(NotFoundError):
            verbs.do_patrol(task, acting_user=stranger)


def test_a_spreadsheet_is_taken_row_by_row_and_nothing_disappears(tmp_path, worker, household, village):
    new = make_id("420899", date(1950, 3, 4), 77)
    from tuodi.people.secrets import open_id

    book = openpyxl.Workbook()
    page = book.active
    page.append(["东宝区急难对象名册"])
    page.append(["姓名", "身份证号", "类别", "村代码", "网格", "最近巡查"])
    with at(worker, DAY):
        good = household.memberships.exclude(person=household.head).first().person
        page.append([good.name, open_id(good), "患大病", "", "一网格", "2021-08-30"])
        page.append(["周大爷", new, "分散五保户", village, "二网格", ""])
        page.append(["周大爷", new, "没听说过", village, "", ""])
        page.append(["", new, "三无", village, "", ""])
        page.append(["王大妈", "42089919500304", "三无", village, "", ""])
        page.append([good.name + "错", open_id(good), "三无", village, "", ""])
        page.append(["李大爷", make_id("420899", date(1951, 3, 4), 79), "三无", "420804001001", "", ""])
        page.append(["赵大爷", make_id("420899", date(1952, 3, 4), 81), "三无", village, "", "昨天"])
        path = tmp_path / "名册.xlsx"
        book.save(path)
        report = import_at_risk(path, acting_user=worker, place=village, source="8月排查")
        assert (report.rows, report.added, report.registered, report.known) == (8, 2, 1, 0)
        assert [(one.row_no, one.field) for one in report.faults] == [
            (5, "类别"), (6, "姓名"), (7, "身份证号"), (8, "姓名"), (9, "村代码"), (10, "最近巡查"),
        ]  # fmt: skip
        assert all(new not in one.who and new not in one.reason for one in report.faults)
        again = import_at_risk(path, acting_user=worker, place=village, source="8月排查")
        assert (again.added, again.known, len(again.faults)) == (0, 2, 6)
        assert Person.objects.filter(name="李大爷").count() == 0  # a refused row leaves nothing behind
        assert verbs.plan_patrols(acting_user=worker, place=village, month=SEPTEMBER) == 2
