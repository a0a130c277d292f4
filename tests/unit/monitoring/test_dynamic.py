"""Deaths, gradual exits and reported changes: from what is found to the money of the next months."""

from __future__ import annotations

from datetime import date

import pytest
from casekit import Office
from lifekit import at, hire, on_roll, paid
from paykit import Staff, run_month

from tuodi.cases.errors import WrongLevelError
from tuodi.decisions import notices
from tuodi.decisions.errors import NoticeDeliveryError, ReasonsMissingError
from tuodi.decisions.models import Determination, RollNotice
from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.monitoring import change_reports, deaths, exits
from tuodi.monitoring.dynamic_errors import DynamicHandsError, DynamicInputError, DynamicStateError
from tuodi.monitoring.models import (
    ChangeReport,
    WatchEntry,
)
from tuodi.org.access import Subject, subject_scope, system_scope
from tuodi.org.errors import NotFoundError
from tuodi.people.models import RollEntry

TRANSACTION = pytest.mark.django_db(transaction=True)
VILLAGE = "420802001001"


@pytest.fixture
def office(make_user):
    return Office(VILLAGE, make_user)


def spans(household):
    with system_scope("cn"):
        rows = RollEntry.objects.filter(household=household).order_by("start_month")
        return list(rows.values_list("start_month", "end_month", "amount_fen"))


# ---- deaths


@TRANSACTION
def test_a_death_told_late_is_paid_back_month_by_month(make_user, office):
    """E32: 575; 2 persons, survivor 400 a month: 575·2 − 400 = 750; from April 575 − 400 = 175; (750 − 175)·2 = 1150.00."""
    household, staff = on_roll(income=400, amount_fen=75_000, start=201703), Staff(make_user)
    for month in (3, 4, 5):
        run_month(staff, Month(2017, month), programmes=["dibao"])
    told = date(2017, 5, 25)
    with at(office.town_review, told):
        spouse = household.memberships.last().person
        (matter,) = deaths.record_death(
            spouse, died_on=date(2017, 3, 18), source="village", acting_user=office.town_review
        )
        assert (matter.due_on, matter.last_member) == (date(2017, 6, 18), False)
        assert deaths.record_death(
            spouse, died_on=date(2017, 3, 18), source="clue", acting_user=office.town_review
        ) == [matter]
        with pytest.raises(DynamicInputError, match="已登记为 2017-03-18"):
            deaths.record_death(spouse, died_on=date(2017, 3, 19), source="clue", acting_user=office.town_review)
        deaths.propose(matter, acting_user=office.town_review, facts={"income_year": "4800.00"})
    with at(office.county_confirm, date(2017, 6, 19)):
        assert deaths.counts(date(2017, 6, 18))["overdue"] == 0
        assert deaths.counts(date(2017, 6, 19))["overdue"] == 1
        done = deaths.settle(matter, reasons="户籍已注销", acting_user=office.county_confirm)
        assert done.over_fen == 115_000
        assert "已发 1,500.00 − 应发 350.00 = 1,150.00" in done.over_text
        assert (done.determination.amount_fen, done.determination.start_month) == (17_500, 201704)
        notice = RollNotice.objects.get()
        assert (notice.kind, notice.before_fen, notice.after_fen) == ("decrease", 75_000, 17_500)
        with pytest.raises(DynamicStateError):
            deaths.settle(matter, reasons="再办", acting_user=office.county_confirm)
    run_month(staff, Month(2017, 6), programmes=["dibao"])
    # June: 175.00 due; 1150.00 owed is offset, never below nothing: the line pays what the offset leaves.
    assert paid(household)[201705] == 75_000
    assert 0 <= paid(household)[201706] < 17_500


@TRANSACTION
def test_the_last_member_dies_and_the_family_leaves_the_roll(office, make_user):
    household = on_roll(names=("独居",), income=0, amount_fen=57_500, start=201704)
    with at(office.town_review, date(2017, 6, 6)):
        (matter,) = deaths.record_death(
            household.head, died_on=date(2017, 6, 2), source="register", acting_user=office.town_review
        )
        assert matter.last_member
        with pytest.raises(WrongLevelError):
            deaths.settle(matter, reasons="无其他成员", acting_user=hire(make_user, VILLAGE[:9], "confirm"))
    with at(office.county_confirm, date(2017, 6, 7)):
        with pytest.raises(ReasonsMissingError):
            deaths.settle(matter, reasons=" ", acting_user=office.county_confirm)
        deaths.settle(matter, reasons="无其他成员", acting_user=office.county_confirm)
        row = Determination.objects.get(kind="ended")
        assert (row.outcome, row.start_month, row.notice.kind) == ("fail", 201707, "stop")
    assert spans(household) == [(201704, 201706, 57_500)]  # the month of death is paid


# ---- gradual exit


def exit_of(make_user, income: int):
    village = "220103001001"
    office = Office(village, make_user)
    household = on_roll(village, income=1060, amount_fen=60_000, start=202101)
    with at(office.town_review, date(2021, 5, 19)):
        report = change_reports.report_change(
            household, kind="income", happened_on=date(2021, 4, 1), text="到超市上班", acting_user=office.town_review,
            income_year_fen=income * 1200,
        )  # fmt: skip
        change_reports.check_report(report, checked="工资流水相符", acting_user=office.town_review)
    with at(office.town_confirm, date(2021, 5, 20)):
        (changed,) = change_reports.decide_report(report, reasons="就业增收", acting_user=office.town_confirm)
    return office, household, changed


@TRANSACTION
def test_a_gradual_exit_keeps_the_old_amount_six_months_and_ends_by_itself(make_user):
    """E08: 宽城 830; 2 persons had 600.00; new 2400 a month: 830 < 1200 < 1660: 600.00 to 2021-11, nothing from 2021-12."""
    office, household, changed = exit_of(make_user, 2400)
    assert (changed.kind, changed.after_fen) == ("grace", 60_000)
    staff = Staff(make_user, "220103")
    for month in (5, 6, 11, 12):  # every month between: tests/journeys/test_year_of_changes.py
        run_month(staff, Month(2021, month), place="220103", programmes=["dibao"])
    assert paid(household) == {202105: 60_000, 202106: 60_000, 202111: 60_000}
    with at(office.town_confirm, date(2021, 9, 1)):
        month = Month(2021, 9)
        (line,) = exits.lines(list(exits.listing("open", "", month)), month)
        assert (line.first, line.last, line.months, line.left, line.ratio_percent) == (
            Month(2021, 6),
            Month(2021, 11),
            6,
            3,
            144,
        )
        assert exits.watch_ended(month) == 0
    with at(office.town_confirm, date(2021, 12, 1)):
        assert exits.counts(Month(2021, 12)) == {"open": 0, "ending": 0, "ended": 1, "all": 1}
        assert exits.watch_ended(Month(2021, 12)) == 1
        assert exits.watch_ended(Month(2021, 12)) == 0
        watched = WatchEntry.objects.get()
        assert (watched.clue_id, watched.watch_until) == (None, date(2022, 6, 1))


@pytest.mark.django_db
def test_at_twice_the_standard_there_is_no_grace(make_user):
    """E09: 1660 < 1660 is false: stopped from 2021-06; the family is watched and told how to appeal."""
    office, household, changed = exit_of(make_user, 3320)
    assert changed.kind == "stop"
    assert spans(household) == [(202101, 202105, 60_000)]
    with at(office.town_confirm, date(2021, 5, 20)):
        notice = RollNotice.objects.get()
        assert (notice.kind, notice.effective_month, notice.after_fen) == ("stop", 202106, 0)
        assert "就业增收" in notice.reasons
        assert "行政复议" in notice.appeal
        assert notice.appeal_until == date(2021, 7, 19)
        assert WatchEntry.objects.count() == 1
    with at(office.town_review, date(2021, 5, 24)):
        with pytest.raises(NoticeDeliveryError, match="签收人"):
            notices.deliver(notice, acting_user=office.town_review, on=date(2021, 5, 24), how="hand")
        told = notices.deliver(
            notice, acting_user=office.town_review, on=date(2021, 5, 24), how="hand", received_by="欧阳建"
        )
        assert told.appeal_until == date(2021, 7, 23)  # 60 days from the day after
        with pytest.raises(NoticeDeliveryError, match="不能再改"):
            notices.deliver(notice, acting_user=office.town_review, on=date(2021, 5, 25), how="post")


@pytest.mark.django_db
def test_deductions_keep_a_working_family_on_the_roll(make_user):
    """E10: (2400 − 300 − 600 − 400)/2 = 550 < 830; 1660 − 1100 = 560.00."""
    village = "220103001001"
    office = Office(village, make_user)
    household = on_roll(village, income=1060, amount_fen=60_000, start=202101)
    with at(office.town_review, date(2021, 5, 19)):
        report = change_reports.report_change(
            household, kind="income", happened_on=date(2021, 4, 1), text="上班", acting_user=office.town_review,
            income_year_fen=2_880_000,
        )  # fmt: skip
        costs = {"cost_employment": "3600.00", "cost_medical": "7200.00", "cost_education": "4800.00"}
        change_reports.check_report(report, checked="票据齐全", acting_user=office.town_review, facts=costs)
    with at(office.town_confirm, date(2021, 5, 20)):
        (changed,) = change_reports.decide_report(report, reasons="重新核算", acting_user=office.town_confirm)
    assert (changed.kind, changed.before_fen, changed.after_fen) == ("decrease", 60_000, 56_000)


@pytest.mark.parametrize(
    ("place", "on", "months"), [("420802001", date(2017, 9, 11), 0), ("220103", date(2021, 5, 19), 6)]
)
def test_a_place_without_a_rule_has_no_gradual_exit(db, place, on, months):
    assert exits.months_allowed(place, on) == months


# ---- reports


@pytest.mark.django_db
def test_a_report_after_three_months_may_be_admonished_and_never_twice(office):
    household = on_roll(income=600, amount_fen=55_000, start=201704)
    with at(office.town_accept, date(2017, 9, 1)):
        late = change_reports.report_change(
            household, kind="income", happened_on=date(2017, 5, 31), text="打零工", acting_user=office.town_accept,
            income_year_fen=960_000,
        )  # fmt: skip
        timely = change_reports.report_change(
            household, kind="other", happened_on=date(2017, 6, 1), text="换了电话", acting_user=office.town_accept
        )
        assert (late.late, timely.late) == (True, False)  # 05-31 + 3 months = 08-31; 06-01 + 3 months = 09-01
        change_reports.admonish(late, acting_user=office.town_accept)
        for again in (late, timely):
            with pytest.raises(DynamicInputError):
                change_reports.admonish(again, acting_user=office.town_accept)
        with pytest.raises(DynamicInputError, match="收入变化必须填写"):
            change_reports.report_change(
                household, kind="income", happened_on=date(2017, 8, 1), text="x", acting_user=office.town_accept
            )
        with pytest.raises(DynamicInputError, match="不能晚于今天"):
            change_reports.report_change(
                household, kind="other", happened_on=date(2017, 9, 2), text="x", acting_user=office.town_accept
            )
    with at(office.county_confirm, date(2017, 9, 4)), pytest.raises(DynamicStateError):
        change_reports.decide_report(late, reasons="未核实", acting_user=office.county_confirm)


@pytest.mark.django_db
def test_a_child_is_born_and_the_amount_rises(office):
    """575·2 − 600 = 550.00; with the child 575·3 − 600 = 1125.00."""
    household = on_roll(income=600, amount_fen=55_000, start=201704)
    with at(office.town_accept, date(2017, 9, 1)):
        report = change_reports.report_change(
            household, kind="born", happened_on=date(2017, 8, 20), text="生育一子", acting_user=office.town_accept
        )
    with at(office.town_review, date(2017, 9, 4)):
        with pytest.raises(DynamicInputError, match="新成员"):
            change_reports.check_report(report, checked="出生证", acting_user=office.town_review)
        baby = change_reports.Newcomer("欧阳小", "child", birth=date(2017, 8, 20), sex="M")
        change_reports.check_report(report, checked="出生证", acting_user=office.town_review, newcomer=baby)
    with at(office.county_confirm, date(2017, 9, 5)):
        (changed,) = change_reports.decide_report(report, reasons="人口增加", acting_user=office.county_confirm)
        assert (changed.kind, changed.before_fen, changed.after_fen) == ("increase", 55_000, 112_500)
        assert RollNotice.objects.get().kind == "increase"
        report.refresh_from_db()
        assert (report.state, report.determination_id) == ("decided", changed.determination.pk)
    assert spans(household) == [(201704, 201709, 55_000), (201710, None, 112_500)]


@pytest.mark.django_db
def test_who_checked_a_report_does_not_decide_it_and_strangers_see_nothing(office, make_user):
    household = on_roll(income=600, amount_fen=55_000, start=201704)
    both = hire(make_user, "420802", "review", "confirm")
    with at(both, date(2017, 9, 1)):
        report = change_reports.report_change(
            household,
            kind="income",
            happened_on=date(2017, 8, 1),
            text="打零工",
            acting_user=both,
            income_year_fen=960_000,
        )
        change_reports.check_report(report, checked="属实", acting_user=both)
        with pytest.raises(DynamicHandsError):
            change_reports.decide_report(report, reasons="减发", acting_user=both)
    stranger = hire(make_user, "420804", "accept", "review")
    with at(stranger, date(2017, 9, 1)):
        assert ChangeReport.objects.count() == 0
        with pytest.raises(NotFoundError):
            change_reports.withdraw_report(report, answer="x", acting_user=stranger)


@pytest.mark.django_db
def test_a_new_account_moves_the_money_and_needs_no_decision(office):
    household = on_roll(income=600, amount_fen=55_000, start=201704)
    with at(office.town_accept, date(2017, 9, 1)):
        report = change_reports.report_change(
            household, kind="account", happened_on=date(2017, 9, 1), text="换卡", acting_user=office.town_accept
        )
        change_reports.close_without_effect(
            report, answer="已更换", acting_user=office.town_accept, account=("6228480402564899999", "欧阳建", "ABC")
        )
        accounts = household.head.accounts.order_by("id").values_list("last4", "until")
        assert [one[1] for one in accounts] == [date(2017, 9, 1), None]


@pytest.mark.django_db
def test_a_resident_tells_a_change_of_his_own_family_on_the_phone_and_of_no_other(office):
    home, other = (on_roll(income=600, amount_fen=55_000, start=201704) for _ in range(2))
    me = Subject(
        account_id=1, person_id=home.head_id, region=home.region, person_ids=(home.head_id,), household_ids=(home.pk,)
    )
    with clock.frozen(date(2017, 9, 1)), subject_scope(me):
        told = {"kind": "income", "happened_on": date(2017, 8, 1), "text": "打零工", "income_year_fen": 960_000}
        row = change_reports.report_change(home, acting_user=None, **told)
        assert (row.source, row.by_officer_id, row.state) == ("online", None, "reported")
        assert list(ChangeReport.objects.values_list("no", flat=True)) == [row.no]  # he sees his own
        with pytest.raises(NotFoundError):
            change_reports.report_change(other, acting_user=None, **told)
    with at(office.town_review, date(2017, 9, 4)):
        change_reports.check_report(row, checked="属实", acting_user=office.town_review)
        with pytest.raises(DynamicInputError, match="手机申报"):
            change_reports.report_change(home, acting_user=office.town_review, source="online", **told)
