"""The procedure engine: what opens when, who may do it, and by which day."""

from __future__ import annotations

from datetime import date

import pytest
from casekit import at, hire
from django.db import IntegrityError, connection, transaction

from tuodi.cases import actions, engine, queries
from tuodi.cases.calendar import alarms, calendar, enter_year
from tuodi.cases.errors import (
    CalendarEntryError,
    DutySeparationError,
    NoticeContentError,
    NoticeRunningError,
    StepInputError,
    StepNotOpenError,
    WrongLevelError,
)
from tuodi.cases.models import Case, CaseHand, WorkdayYear
from tuodi.cases.series import next_no
from tuodi.cases.tasks import fill_deadlines
from tuodi.org.errors import AccessDeniedError, NotFoundError

ACCEPTED = date(2021, 9, 13)


def accept(office, household, on=ACCEPTED, **more):
    with at(office.town_accept, on):
        return actions.open_case(
            acting_user=office.town_accept,
            household=household,
            applicant=household.head,
            programme="dibao",
            **more,
        )


def do(case, name, user, on, **more):
    with at(user, on):
        more.setdefault("opinion", "情况属实")
        return actions.complete_step(queries.open_step(case, name), acting_user=user, **more)


def to_notice(office, household, on=ACCEPTED):
    """A case of 57 up to its notice, posted."""
    case = accept(office, household, on)
    do(case, "check", office.county_review, on)
    do(case, "visit", office.town_review, on, people=[office.town_visit])
    do(case, "first_review", office.town_review, on, result="pass")
    with at(office.town_review, on):
        notice = actions.post_notice(
            queries.open_step(case, "notice_review"),
            acting_user=office.town_review,
            content={"applicant_name": "欧阳建", "member_count": 3, "amount": "825.00"},
        )
    return case, notice


def states(case):
    with at_system(case):
        return {name: row.state for name, row in engine.latest(case).items()}


def at_system(case):
    from tuodi.org.access import system_scope

    return system_scope(case.region[:6])


def test_acceptance_opens_what_runs_in_parallel_and_sets_the_total_limit(office, household):
    case = accept(office, household)
    assert case.procedure_key == "dibao_57"
    assert case.no.startswith("420899-SL-20210913-")
    # E38: 30 working days from 2021-09-13, National Day and its make-up days counted.
    assert case.due_on == date(2021, 10, 29)
    found = states(case)
    assert found["accept"] == "done"
    assert found["check"] == found["visit"] == "open"
    assert found["first_review"] == "waiting"
    with at_system(case):
        assert queries.open_step(case, "visit").start_due_on == date(2021, 9, 16)


def test_a_step_is_refused_before_its_turn_and_names_what_is_missing(office, household):
    case = accept(office, household)
    with pytest.raises(StepNotOpenError, match="还要先完成：信息核对、入户调查"):
        do(case, "first_review", office.town_review, ACCEPTED, result="pass")


def test_another_level_another_duty_another_place_are_refused(office, household, make_user):
    case = accept(office, household)
    with pytest.raises(WrongLevelError, match="应由乡镇（街道）办理，您的机构是县（区）"):
        do(case, "visit", office.county_visit, ACCEPTED)
    with pytest.raises(AccessDeniedError, match="入户"):
        do(case, "visit", office.town_accept, ACCEPTED)
    stranger = hire(make_user, "420898001", "visit")
    with at_system(case):
        step = queries.open_step(case, "visit")
    with pytest.raises(NotFoundError), at(stranger, ACCEPTED):
        actions.complete_step(step, acting_user=stranger)


def test_a_visit_takes_two(office, household):
    case = accept(office, household)
    with pytest.raises(StepInputError, match="不少于 2 人"):
        do(case, "visit", office.town_review, ACCEPTED)
    with pytest.raises(StepInputError, match="不少于 2 人"):
        do(case, "visit", office.town_review, ACCEPTED, people=[office.town_review])


def test_meeting_is_skipped_without_objection(office, household):
    case, _ = to_notice(office, household)
    assert states(case)["meeting"] == "skipped"


def test_a_notice_cannot_be_closed_on_its_last_day_but_on_the_next(office, household):
    # E40: posted 2021-09-28, seven days, to 2021-10-05.
    case, notice = to_notice(office, household, date(2021, 9, 28))
    assert notice.last_day == date(2021, 10, 5)
    with pytest.raises(NoticeRunningError, match="2021-10-05"), at(office.town_review, date(2021, 10, 5)):
        actions.close_notice(notice, acting_user=office.town_review)
    with at(office.town_review, date(2021, 10, 8)):
        actions.close_notice(notice, acting_user=office.town_review)
        confirm = queries.open_step(case, "confirm")
        # Ten working days count from the notice's last day, not from the day somebody closed it.
        assert confirm.due_on == calendar().add_workdays(date(2021, 10, 5), 10)
        assert queries.open_step(case, "county_visit").state == "skipped"


def test_a_notice_shows_only_what_the_procedure_allows(office, household):
    case = accept(office, household)
    do(case, "check", office.county_review, ACCEPTED)
    do(case, "visit", office.town_review, ACCEPTED, people=[office.town_visit])
    do(case, "first_review", office.town_review, ACCEPTED, result="pass")
    with pytest.raises(NoticeContentError, match="id_no"), at(office.town_review, ACCEPTED):
        actions.post_notice(
            queries.open_step(case, "notice_review"), acting_user=office.town_review, content={"id_no": "x"}
        )


def test_an_objection_starts_a_new_round_and_lengthens_the_total(office, household):
    case, notice = to_notice(office, household)
    with at(office.town_review, date(2021, 9, 15)):
        actions.object_to_notice(notice, acting_user=office.town_review, text="家里有两台车")
        actions.close_notice(notice, acting_user=office.town_review)
    with at_system(case):
        case.refresh_from_db()
        assert case.state == "reinvestigating"
        assert case.due_on == date(2021, 11, 19)  # E38: 45 working days
        rows = engine.latest(case)
        assert (rows["visit"].round, rows["visit"].state) == (2, "open")
        assert rows["notice_review"].state == "skipped"  # 57 does not repeat it
        assert case.steps.filter(name="visit").count() == 2
    do(case, "visit", office.town_review, date(2021, 9, 16), people=[office.town_visit])
    assert states(case)["meeting"] == "open"
    with at(office.town_review, date(2021, 9, 16)):
        actions.skip_step(queries.open_step(case, "meeting"), acting_user=office.town_review, reason="事实清楚")
    do(case, "first_review", office.town_review, date(2021, 9, 17), result="pass")
    assert states(case)["confirm"] == "open"


def test_a_mark_brings_a_skipped_step_back_before_the_decision(office, household):
    case, notice = to_notice(office, household)
    with at(office.town_review, date(2021, 9, 22)):
        actions.close_notice(notice, acting_user=office.town_review)
    assert states(case)["confirm"] == "open"
    with at(office.county_review, date(2021, 9, 22)):
        actions.add_mark(case, "complaint", acting_user=office.county_review, reason="接到举报电话")
    found = states(case)
    assert (found["county_visit"], found["confirm"]) == ("open", "waiting")


def test_deciding_closes_the_case_when_nothing_is_left(office, household):
    case, notice = to_notice(office, household)
    with at(office.town_review, date(2021, 9, 22)):
        actions.close_notice(notice, acting_user=office.town_review)
    with at(office.county_confirm, date(2021, 9, 23)):
        step = queries.open_step(case, "confirm")
        actions.decide_case(step, acting_user=office.county_confirm, decision="refused", opinion="收入超过标准")
        case.refresh_from_db()
        assert case.state == "refused"
        inform = queries.open_step(case, "inform")
        assert inform.state == "open"
        assert inform.due_on == date(2021, 9, 27)  # three working days, the 26th is worked
        assert queries.open_step(case, "publish").state == "skipped"
    do(case, "inform", office.town_review, date(2021, 9, 24))
    with at_system(case):
        case.refresh_from_db()
        assert (case.state, case.closed_on) == ("closed", date(2021, 9, 24))


# ---- separation of hands


def test_who_accepted_may_not_confirm_in_action_and_in_the_database(office, household, make_user):
    case, notice = to_notice(office, household)
    with at(office.town_review, date(2021, 9, 22)):
        actions.close_notice(notice, acting_user=office.town_review)
    turncoat = hire(make_user, "420899", "confirm")
    with at_system(case):
        # As if he had accepted it in a former post.
        with pytest.raises(IntegrityError), transaction.atomic():
            CaseHand.objects.create(case=case, region=case.region, user=office.town_accept, hand="approve")
        CaseHand.objects.create(case=case, region=case.region, user=turncoat, hand="accept")
        step = queries.open_step(case, "confirm")
    with (
        pytest.raises(DutySeparationError, match="已办理本案的“受理”，不能再办“确认”"),
        at(turncoat, date(2021, 9, 23)),
    ):
        actions.decide_case(step, acting_user=turncoat, decision="passed", opinion="同意")
    # Past the action, straight at the row: the trigger refuses.
    step.state, step.done_at, step.completed_on = "done", "2021-09-23T09:00+08:00", date(2021, 9, 23)
    step.done_by = turncoat
    with at_system(case), pytest.raises(IntegrityError, match="已有环节"), transaction.atomic():
        step.save()


def test_a_block_is_logged(office, household, make_user):
    from tuodi.audit.models import AuditEntry

    case = accept(office, household)
    with at_system(case):
        actions.file_kin(acting_user=None, user=office.town_review, id_indexes=[b"x" * 32], relation="配偶")
        from tuodi.cases.guard import bar_kin

        bar_kin(case, indexes=[b"x" * 32])
    with at(office.town_review, ACCEPTED), pytest.raises(DutySeparationError, match="近亲属"):
        actions.complete_step(queries.open_step(case, "visit"), acting_user=office.town_review)
    with at_system(case):
        entry = AuditEntry.objects.filter(action="cases.blocked").get()
        assert (entry.case_no, entry.after["action"]) == (case.no, "complete_step")


def test_kin_self_and_agent_may_do_no_step_and_kin_marks_the_case(office, household):
    index = bytes(household.head.id_index)
    actions.file_kin(acting_user=None, user=office.town_visit, id_indexes=[index], relation="父母")
    case = accept(office, household, member_indexes=[index], agent_user=office.county_review)
    assert "kin" in case.marks
    with pytest.raises(DutySeparationError, match="近亲属"):
        do(case, "visit", office.town_review, ACCEPTED, people=[office.town_visit])
    with pytest.raises(DutySeparationError, match="代办"):
        do(case, "check", office.county_review, ACCEPTED)
    with at_system(case), pytest.raises(IntegrityError, match="须回避"), transaction.atomic():
        CaseHand.objects.create(case=case, region=case.region, user=office.town_visit, hand="pay")


def test_an_officer_cannot_accept_his_own_case(office, household):
    index = bytes(household.head.id_index)
    actions.file_kin(acting_user=None, user=office.town_accept, id_indexes=[index], relation="self")
    with pytest.raises(DutySeparationError, match="本人的案件"):
        accept(office, household, member_indexes=[index])
    with at_system(household):
        assert not Case.objects.exists()


def test_hands_and_done_steps_cannot_be_changed(office, household):
    case = accept(office, household)
    from django.db import DatabaseError

    with at_system(case):
        for statement in (
            "delete from cases_casehand",
            "update cases_casehand set hand = 'pay'",
            "update cases_step set opinion = 'x' where state = 'done'",
            "update cases_case set procedure_text = '{}'",
        ):
            with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(statement)


def test_one_running_case_of_a_family_and_programme(office, household):
    accept(office, household)
    with pytest.raises(IntegrityError), transaction.atomic():
        accept(office, household)


def test_a_case_ended_without_decision_leaves_nothing_open(office, household):
    case = accept(office, household)
    with at(office.town_review, ACCEPTED):
        actions.end_case(case, acting_user=office.town_review, reason="申请人撤回")
    assert set(states(case).values()) == {"done", "void"}
    assert accept(office, household).pk != case.pk


# ---- queues


def test_each_sees_only_his_own_open_work(office, household):
    case = accept(office, household)
    for user, names in (
        (office.county_review, {"check"}),
        (office.town_visit, {"visit"}),
        (office.town_accept, set()),
        (office.county_confirm, set()),
    ):
        with at(user, ACCEPTED):
            assert {step.name for step in queries.my_open_work(user)} == names
    with at(office.county_review, date(2021, 12, 1)):
        line = next(p for p in queries.progress(case) if p.step.name == "check")
        assert line.who == "县（区）·初审"


def test_queue_costs_the_same_number_of_queries_however_long(office, household, django_assert_num_queries):
    from casekit import family

    accept(office, household)
    with at(office.town_visit, ACCEPTED), django_assert_num_queries(2):
        assert len(queries.my_open_work(office.town_visit)) == 1
    for _ in range(3):
        accept(office, family("420899001001"))
    with at(office.town_visit, ACCEPTED), django_assert_num_queries(2):
        assert len(queries.my_open_work(office.town_visit)) == 4


def test_overdue_lists_what_is_past_its_day(office, household):
    case = accept(office, household, date(2017, 5, 10))  # 220: visit within ten working days of acceptance
    do(case, "check", office.county_review, date(2017, 5, 11))
    with at(office.town_visit, date(2017, 5, 24)):
        assert not queries.overdue().exists()
    with at(office.town_visit, date(2017, 5, 25)):
        assert [step.name for step in queries.overdue()] == ["visit"]


# ---- calendar


def test_an_unknown_year_leaves_the_day_pending_until_it_is_entered(office, household, make_user):
    case = accept(office, household, date(2026, 12, 14))
    assert (case.due_on, case.due_pending) == (None, True)
    assert "2027 年日历未公布，待定" in case.due_note
    manager = hire(make_user, "420899", "sysadmin")
    with at(manager, date(2026, 12, 20)):
        off = [date(2027, 1, 1), date(2027, 2, 5), date(2027, 2, 8)]
        enter_year(acting_user=manager, year=2027, document="国办发明电〔2026〕x号", days_off=off, days_worked=[])
        assert (alarms()["cases"], alarms()["steps"]) == (1, 0)
        assert fill_deadlines() == 1
        assert fill_deadlines() == 0
        case.refresh_from_db()
        assert (case.due_on, case.due_pending) == (date(2027, 1, 26), False)


def test_a_corrected_year_is_a_new_version(office, make_user):
    manager = hire(make_user, "420899", "sysadmin")
    with at(manager, date(2020, 1, 27)):
        before = WorkdayYear.objects.get(year=2020)
        enter_year(
            acting_user=manager,
            year=2020,
            document="国办发明电〔2020〕1号",
            days_off=[*before.days_off, date(2020, 2, 3)],
            days_worked=before.days_worked,
        )
        assert not calendar().is_workday(date(2020, 2, 3))
        assert WorkdayYear.objects.filter(year=2020).count() == 2


@pytest.mark.parametrize(
    ("off", "worked", "said"),
    [
        ([date(2026, 1, 1)], [], "不在这一年"),
        ([date(2027, 1, 2)], [date(2027, 1, 2)], "既写了放假又写了上班"),
        ([], [date(2027, 1, 4)], "本来就是工作日"),
    ],
)
def test_a_wrong_arrangement_is_refused(make_user, db, off, worked, said):
    manager = hire(make_user, "420899", "sysadmin")
    with pytest.raises(CalendarEntryError, match=said), at(manager, date(2026, 12, 1)):
        enter_year(acting_user=manager, year=2027, document="x", days_off=off, days_worked=worked)


def test_only_a_system_manager_keeps_the_calendar(office):
    with pytest.raises(AccessDeniedError), at(office.town_accept, date(2026, 12, 1)):
        enter_year(acting_user=office.town_accept, year=2027, document="x", days_off=[], days_worked=[])


def test_the_seeded_table_is_the_official_calendar(db):
    from tuodi.kernel.workdays import official_calendar

    assert calendar()._days == official_calendar()._days


def test_numbers_run_per_county_and_day(db):
    day = date(2017, 5, 10)
    assert [next_no("case", "420899001001", day) for _ in range(2)] == [
        "420899-SL-20170510-0001",
        "420899-SL-20170510-0002",
    ]
    assert next_no("case", "420898001001", day).endswith("0001")


STOPS = """\
instruments:
  地: {title: 试, number: "-", issuer: 试, issued: 2021-01-01, in_force: 2021-01-01, kind: normative}
---
pack: {place: "420899", programme: dibao}
procedures:
  stops: {from: 2021-07-01, amends: [dibao_57, dibao_57_2022], clause: 地 1, stop_in_notice: true}
"""


def test_where_the_clock_stops_for_notices_their_working_days_are_added(office, household, tmp_path, monkeypatch):
    from tuodi.cases import procedures

    (tmp_path / "stops.yaml").write_text(STOPS, encoding="utf-8")
    monkeypatch.setenv("TUODI_POLICIES", str(tmp_path))
    case, _ = to_notice(office, household)
    procedures.reload()
    with at_system(case):
        case.refresh_from_db()
        # 13 to 20 September 2021 holds five working days (the 18th is worked, the 19th to 21st are off).
        assert case.due_on == calendar().add_workdays(ACCEPTED, 35)
