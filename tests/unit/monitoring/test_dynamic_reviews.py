"""Refusals, re-review, classes, splits and coming of age: from what is found to the money of the next months."""

from __future__ import annotations

from datetime import date

import pytest
from casekit import Office
from lifekit import at, hire, on_roll, paid
from paykit import Staff, run_month

from tuodi.decisions import end_notices
from tuodi.decisions.care_errors import EndNoticeError
from tuodi.decisions.errors import ReasonsMissingError
from tuodi.decisions.models import Determination, RollNotice
from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.monitoring import change_reports, job_offers, layers, periodic, review_lists, splits
from tuodi.monitoring.dynamic_errors import DynamicHandsError, DynamicInputError, DynamicStateError
from tuodi.monitoring.models import (
    HouseholdClass,
    PeriodicReview,
    RefusalProposal,
    ReviewPlan,
    WatchEntry,
)
from tuodi.org.access import system_scope
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
        if kind == "stop":  # 43号 art 26: the village reads it for seven days before support ends
            with system_scope("530102"):
                review.refresh_from_db()
            with at(office.county_confirm, day), pytest.raises(EndNoticeError, match="还没有按这次认定的事实公示"):
                periodic.close_review(review, reasons="核实在读情况", acting_user=office.county_confirm)
            with at(office.town_review, day):
                end_notices.post_end_notice(review.fact_set, child, place="公示栏", acting_user=office.town_review)
            day = date(2022, 9, 13)
        with at(office.county_confirm, day):
            assert periodic.close_review(review, reasons="核实在读情况", acting_user=office.county_confirm).kind == kind
    assert spans(home) == [(202107, 202209, 108_300)]


def _tekun(home, child) -> int:
    return Determination.objects.create(
        region=home.region, no="TEST-1", kind="batch", household=home, person=child, programme="tekun", place="530102",
        case_date=date(2021, 7, 1), month=202107, outcome="pass", amount_fen=108_300, start_month=202107,
        decided_on=date(2021, 7, 1),
    ).pk  # fmt: skip
