"""Re-review, changes, refusals, deaths and gradual exits: from what is found to the money of the next months."""

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
from tuodi.monitoring import change_reports, deaths, exits, job_offers, layers, periodic, review_lists, splits
from tuodi.monitoring.dynamic_errors import DynamicHandsError, DynamicInputError, DynamicStateError
from tuodi.monitoring.models import (
    ChangeReport,
    HouseholdClass,
    PeriodicReview,
    RefusalProposal,
    ReviewPlan,
    WatchEntry,
)
from tuodi.org.access import system_scope
from tuodi.org.errors import NotFoundError
from tuodi.people import actions as people
from tuodi.people.facts import put_facts
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
    for month in range(5, 13):
        run_month(staff, Month(2021, month), place="220103", programmes=["dibao"])
    assert paid(household) == {202100 + month: 60_000 for month in range(5, 12)}
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


# ---- refusals


def refuse(office, household, person, day, *, good=False):
    with at(office.town_review, day):
        offer = job_offers.record_offer(
            household, person, office="区人社局", offered_on=day, job="保洁", suitable="身体健康，有劳动能力",
            acting_user=office.town_review,
        )  # fmt: skip
        job_offers.answer_offer(offer, accepted=False, on=day, said="嫌累", acting_user=office.town_review)
        return job_offers.judge_refusal(offer, good=good, acting_user=office.town_review)


@pytest.mark.django_db
def test_the_third_refusal_takes_that_persons_own_share_and_no_more(office):
    """E34: 575·3 − 900 = 825; own share 825 ÷ 3 = 275; 825 − 275 = 550.00, the family stays."""
    household = on_roll(names=("欧阳建", "单晓月", "欧阳春"), income=900, amount_fen=82_500, start=201704)
    with system_scope("420802"):
        spouse = household.memberships.order_by("id")[1].person
    assert refuse(office, household, spouse, date(2017, 5, 2)).streak == 1
    assert refuse(office, household, spouse, date(2017, 5, 8)).streak == 2
    assert refuse(office, household, spouse, date(2017, 5, 9), good=True).streak == 0  # a good reason breaks the row
    for day, streak in ((10, 1), (11, 2), (12, 3)):
        assert refuse(office, household, spouse, date(2017, 5, day)).streak == streak
    with at(office.county_confirm, date(2017, 5, 15)):
        proposal = RefusalProposal.objects.get()
        assert (proposal.refusals, proposal.full_fen, proposal.share_fen, proposal.cut_fen) == (
            3,
            82_500,
            27_500,
            27_500,
        )
        assert spans(household) == [(201704, None, 82_500)]  # nothing by itself
        job_offers.confirm_refusal(proposal, reasons="经核实无正当理由", acting_user=office.county_confirm)
        with pytest.raises(DynamicStateError):
            job_offers.drop_refusal(proposal, reasons="x", acting_user=office.county_confirm)
        notice = RollNotice.objects.get()
        assert (notice.kind, notice.before_fen, notice.after_fen) == ("decrease", 82_500, 55_000)
    assert spans(household) == [(201704, 201705, 82_500), (201706, None, 55_000)]


# ---- re-review


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("grade", "area", "on", "months"),
    [
        ("A", "urban", date(2017, 9, 1), 12), ("B", "rural", date(2017, 9, 1), 6), ("C", "urban", date(2017, 9, 1), 1),
        ("C", "rural", date(2017, 9, 1), 3), ("", "rural", date(2017, 9, 1), 3), ("C", "urban", date(2021, 7, 1), 6),
        ("A", "urban", date(2021, 7, 1), 12),
    ],
)  # fmt: skip
def test_the_interval_is_the_packs(grade, area, on, months):
    """[220] art 33: yearly, half-yearly, monthly in town and quarterly in the country; [57] art 31: yearly or half-yearly."""
    assert periodic.interval(grade, "dibao", area, VILLAGE, on)[0] == months


@pytest.mark.django_db
def test_a_review_from_the_due_list_to_a_rise(office, make_user):
    household = on_roll(income=600, amount_fen=55_000, start=201704)
    quiet = on_roll(income=600, amount_fen=55_000, start=201704, names=("林安",))
    with clock.frozen(date(2017, 9, 25)), system_scope("420802"):
        RollEntry.objects.filter(household=household).update(grade="B")
        assert review_lists.plan_units() == (2, 0)
        assert review_lists.plan_units() == (0, 0)
        plan = ReviewPlan.objects.get(household=household)
        # Adopted on the day the test runs? The later of the roll's first month and the decision counts.
        ReviewPlan.objects.update(last_on=date(2017, 4, 1), due_on=date(2017, 10, 1))
        assert (plan.grade, plan.basis, plan.months) == ("B", "roll", 6)
        assert ReviewPlan.objects.get(household=quiet).basis == "strictest"  # whether they can work is not known
        assert review_lists.open_due("420802") == 2
        assert review_lists.open_due("420802") == 0
    with at(office.county_review, date(2017, 10, 2)):
        wanted = review_lists.Wanted(show="overdue")
        assert review_lists.counts(wanted, office.county_review, date(2017, 10, 2)).overdue == 2
        rows = list(review_lists.due(wanted, office.county_review, date(2017, 10, 2)))
        outsider = hire(make_user, "420804", "visit")
        lines = periodic.assign_many(
            [one.pk for one in rows] + [10**9], to=office.town_visit, acting_user=office.county_review
        )
        assert [one.why for one in lines] == ["", "", "没有找到，或不在您的职责范围内"]
        assert "职责范围内" in periodic.assign_many([rows[0].pk], to=outsider, acting_user=office.county_review)[0].why
    review, other = (next(one for one in rows if one.household_id == each.pk) for each in (household, quiet))
    with at(office.town_visit, date(2017, 10, 9)):
        periodic.record_finding(
            review, found="男主人停工", acting_user=office.town_visit, facts={"income_year": "2400.00"}
        )
        periodic.record_finding(other, found="没有变化", acting_user=office.town_visit)
    with at(office.county_confirm, date(2017, 10, 10)):
        batch = periodic.close_many([review.pk, other.pk], reasons="核查属实", acting_user=office.county_confirm)
        assert [bool(one.why) for one in batch] == [True, False]  # what changes money is confirmed one by one
        changed = periodic.close_review(review, reasons="收入减少", acting_user=office.county_confirm)
        assert (changed.kind, changed.after_fen) == ("increase", 95_000)  # 575·2 − 200
        done = PeriodicReview.objects.get(pk=review.pk)
        assert (done.state, done.result, done.plan.due_on) == ("done", "increase", date(2018, 4, 10))
        kept = PeriodicReview.objects.get(pk=other.pk)
        assert (kept.result, kept.determination_id) == ("keep", None)
        assert RollNotice.objects.count() == 1
    assert spans(household) == [(201704, 201710, 55_000), (201711, None, 95_000)]


@pytest.mark.django_db
def test_a_class_by_an_officer_needs_a_reason_and_moves_the_day(office):
    household = on_roll(income=600, amount_fen=55_000, start=201704)
    with clock.frozen(date(2017, 9, 25)), system_scope("420802"):
        review_lists.plan_units()
        plan = ReviewPlan.objects.get(household=household)
        ReviewPlan.objects.update(last_on=date(2017, 4, 1))
    with at(office.town_review, date(2017, 9, 25)):
        with pytest.raises(ReasonsMissingError):
            periodic.set_grade(plan, grade="A", reason="", acting_user=office.town_review)
        with pytest.raises(DynamicInputError):
            periodic.set_grade(plan, grade="D", reason="x", acting_user=office.town_review)
        row = periodic.set_grade(plan, grade="A", reason="夫妻均重病", acting_user=office.town_review)
        assert (row.basis, row.months, row.due_on) == ("officer", 12, date(2018, 4, 1))


@pytest.mark.django_db
def test_who_looked_does_not_confirm_and_a_stop_ends_the_plan(office, make_user):
    household = on_roll(income=600, amount_fen=55_000, start=201704)
    both = hire(make_user, "420802", "visit", "confirm")
    with clock.frozen(date(2017, 9, 25)), system_scope("420802"):
        review_lists.plan_units()
        ReviewPlan.objects.update(last_on=date(2017, 4, 1), due_on=date(2017, 10, 1))
        review_lists.open_due("420802")
        review = PeriodicReview.objects.get()
    with at(both, date(2017, 9, 26)):
        periodic.record_finding(review, found="儿子每月寄钱", acting_user=both, facts={"income_year": "24000.00"})
        with pytest.raises(DynamicHandsError):
            periodic.close_review(review, reasons="停发", acting_user=both)
    with at(office.county_confirm, date(2017, 9, 27)):
        assert periodic.close_review(review, reasons="收入超过标准", acting_user=office.county_confirm).kind == "stop"
        assert ReviewPlan.objects.get().ended_on == date(2017, 9, 27)
        assert WatchEntry.objects.get().household_id == household.pk


# ---- five classes, three layers


@pytest.mark.django_db
def test_one_layer_at_a_time_proposed_confirmed_changed_ended(office):
    household = on_roll(income=600, amount_fen=55_000, start=201704)
    with clock.frozen(date(2017, 9, 4)), system_scope("420802"):
        assert layers.propose_all() == (1, 0)
        assert layers.propose_all() == (0, 0)
    with at(office.town_review, date(2017, 9, 5)):
        row = HouseholdClass.objects.get()
        assert (row.kind, row.layer, row.state) == ("dibao", "core", "proposed")
        (line,) = layers.confirm_many([row.pk], acting_user=office.town_review)
        assert line.why == ""
        assert layers.confirm_many([row.pk], acting_user=office.town_review)[0].why
        other = layers.set_class(household, kind="expense", reason="大病支出", acting_user=office.town_review)
        assert (other.layer, layers.class_of(household)) == ("edge", other)
        assert list(HouseholdClass.objects.order_by("id").values_list("state", flat=True)) == ["changed", "confirmed"]
        assert layers.counts(9) == [("420802001", "expense", "edge", "confirmed", 1)]
    with clock.frozen(date(2017, 10, 9)), system_scope("420802"):
        RollEntry.objects.update(end_month=201709)
        assert layers.propose_all() == (0, 1)
        assert layers.class_of(household) is None


# ---- split and merge


@pytest.mark.django_db
def test_a_split_leaves_the_rest_to_be_decided_and_the_new_family_to_apply(office):
    """575·3 − 900 = 825.00; the spouse leaves: 575·2 − 900 = 250.00 from the next month."""
    household = on_roll(names=("欧阳建", "单晓月", "欧阳春"), income=900, amount_fen=82_500, start=201704)
    with at(office.town_review, date(2017, 9, 4)):
        spouse = household.memberships.order_by("id")[1].person
        new, report = splits.split_family(household, head=spouse, reason="离婚", acting_user=office.town_review)
        assert (new.head_id, report.state, report.kind) == (spouse.pk, "checked", "left")
    with at(office.county_confirm, date(2017, 9, 5)):
        (changed,) = change_reports.decide_report(report, reasons="人口减少", acting_user=office.county_confirm)
        assert (changed.kind, changed.after_fen, changed.determination.start_month) == ("decrease", 25_000, 201710)
    assert spans(new) == []


@pytest.mark.django_db
def test_a_merge_ends_one_roll_and_decides_the_other_anew(office):
    """Two of 575·1 − 100 = 475.00 each; together 575·2 − 300 = 850.00 from the next month, the emptied one's ends."""
    into = on_roll(names=("林安",), income=100, amount_fen=47_500, start=201704)
    other = on_roll(names=("林平",), income=100, amount_fen=47_500, start=201704)
    with at(office.town_review, date(2017, 9, 4)):
        relations = {other.head_id: "parent"}
        reports = splits.merge_families(
            into, other, reason="父母随子女居住", relations=relations, facts={"income_year": "3600.00"},
            acting_user=office.town_review,
        )  # fmt: skip
        assert [one.household_id for one in reports] == [into.pk, other.pk]
    with at(office.county_confirm, date(2017, 9, 5)):
        for report in reports:
            change_reports.decide_report(report, reasons="并户", acting_user=office.county_confirm)
        assert sorted(RollNotice.objects.values_list("kind", flat=True)) == ["increase", "stop"]
    assert spans(into) == [(201704, 201709, 47_500), (201710, None, 85_000)]
    assert spans(other) == [(201704, 201709, 47_500)]


@TRANSACTION
def test_who_joins_counts_from_the_month_after_the_check_and_is_paid_from_then(make_user, office):
    """Born 08-20, checked 09-04, decided 09-05: September 575·2 − 600 = 550.00, October 575·3 − 600 = 1125.00, nothing back."""
    household, staff = on_roll(income=600, amount_fen=55_000, start=201704), Staff(make_user)
    run_month(staff, Month(2017, 8), programmes=["dibao"])
    with at(office.town_review, date(2017, 9, 4)):
        report = change_reports.report_change(
            household, kind="born", happened_on=date(2017, 8, 20), text="生育一子", acting_user=office.town_review
        )
        baby = change_reports.Newcomer("欧阳小", "child", birth=date(2017, 8, 20), sex="M")
        change_reports.check_report(report, checked="出生证", acting_user=office.town_review, newcomer=baby)
    with at(office.county_confirm, date(2017, 9, 5)):
        change_reports.decide_report(report, reasons="人口增加", acting_user=office.county_confirm)
    for month in (9, 10):
        run_month(staff, Month(2017, month), programmes=["dibao"])
    assert paid(household) == {201708: 55_000, 201709: 55_000, 201710: 112_500}


# ---- a tekun minor comes of age


@pytest.mark.django_db
def test_a_tekun_minor_at_school_goes_on_after_eighteen_and_ends_on_leaving(make_user):
    """E42 in 云南: 18 on 2021-09-01, senior school: 832 + 251 = 1083.00 goes on; out of school in 2022-07: stopped."""
    village = "530102001001"
    office = Office(village, make_user)
    with clock.frozen(date(2021, 8, 2)), system_scope("530102"):
        child = people.register_person(
            acting_user=None, region=village, name="仇小", birth=date(2003, 9, 1), is_demo=True
        )
        home = people.form_household(
            acting_user=None, region=village, head=child, area_kind="urban", on=date(2015, 1, 1)
        )
        put_facts(home, {"household": {"assets_ok": True}, "members": []}, date(2015, 1, 1))
        RollEntry.objects.create(
            household=home, person=child, region=home.region, programme="tekun", category="urban", form="centralised",
            self_care="able", amount_fen=108_300, start_month=202107, determination_id=_tekun(home, child),
        )  # fmt: skip
        review_lists.plan_units()
        plan = ReviewPlan.objects.get()
        assert plan.due_on == date(2021, 9, 1)  # his eighteenth birthday, not a year after the last look
    facts = {
        "own_income_year": "0", "supporters_listed": True, "support_form": "centralised", "assessed_self_care": "able",
    }  # fmt: skip
    for day, school, kind in ((date(2021, 9, 10), "senior", "keep"), (date(2022, 9, 5), "no_school", "stop")):
        with clock.frozen(day), system_scope("530102"):
            review_lists.open_due("530102")
            review = PeriodicReview.objects.get(state="due")
        with at(office.town_review, day):
            periodic.record_finding(
                review,
                found="到校核实",
                acting_user=office.town_review,
                members={child.pk: {**facts, "school": school}},
            )
        with at(office.county_confirm, day):
            assert periodic.close_review(review, reasons="核实在读情况", acting_user=office.county_confirm).kind == kind
    assert spans(home) == [(202107, 202209, 108_300)]


def _tekun(home, child) -> int:
    return Determination.objects.create(
        region=home.region, no="TEST-1", kind="batch", household=home, person=child, programme="tekun", place="530102",
        case_date=date(2021, 7, 1), month=202107, outcome="pass", amount_fen=108_300, start_month=202107,
        decided_on=date(2021, 7, 1),
    ).pk  # fmt: skip
