"""Moves between towns and counties: both places act, no month is paid twice or skipped, the file goes along."""

from __future__ import annotations

from datetime import date

import pytest
from casekit import Office
from cluekit import clue
from lifekit import at, hire, on_roll, paid
from paykit import Staff, run_month

from tuodi.cases.errors import WrongLevelError
from tuodi.decisions.errors import UnknownOutcomeError
from tuodi.decisions.models import Determination, RollNotice
from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.monitoring import change_reports, review_lists, transfers
from tuodi.monitoring.dynamic_errors import DynamicHandsError, DynamicInputError, DynamicStateError, MoveBlockedError
from tuodi.monitoring.models import (
    Clue,
    PeriodicReview,
    ReviewPlan,
    Transfer,
    TransferPart,
    WatchEntry,
)
from tuodi.org.access import system_scope
from tuodi.org.errors import NotFoundError
from tuodi.people.models import Household, Person, RollEntry
from tuodi.verification import rulebook

#: 荆门: 东宝 575 and 钟祥 500 a month.
OLD, NEW = "420802001001", "420881100001"


@pytest.fixture
def old(make_user):
    return Office(OLD, make_user)


@pytest.fixture
def new(make_user):
    return Office(NEW, make_user)


def proposed(old, household, to=NEW, day=date(2017, 6, 5)):
    with at(old.town_review, day):
        return transfers.propose_transfer(
            household, to_region=to, moved_on=date(2017, 6, 1), address="新区 3 号", reason="随子女居住",
            acting_user=old.town_review,
        )  # fmt: skip


def sent(old, household, to=NEW, day=date(2017, 6, 6)):
    row = proposed(old, household, to)
    with at(old.county_confirm, day):
        return transfers.send_transfer(row, acting_user=old.county_confirm)


def taken(new, row, day=date(2017, 6, 12), **facts):
    with at(new.town_review, day):
        return transfers.take_transfer(row, note="已入户，情况属实", facts=facts, acting_user=new.town_review)


def spans(household_id):
    with system_scope("cn"):
        rows = RollEntry.objects.filter(household=household_id).order_by("start_month")
        return list(rows.values_list("start_month", "end_month", "amount_fen", "region"))


@pytest.mark.django_db(transaction=True)
def test_a_move_between_counties_pays_every_month_once_by_the_standard_of_its_place(old, new, make_user):
    """575·2 − 600 = 550.00 to June in the old county; 500·2 − 600 = 400.00 from July in the new one."""
    household = on_roll(OLD, income=600, amount_fen=55_000, start=201704)
    here, there = Staff(make_user, "420802"), Staff(make_user, "420881")
    for month in (4, 5):
        run_month(here, Month(2017, month), programmes=["dibao"])
    row = sent(old, household)
    with at(new.town_review, date(2017, 6, 7)):
        # The new place sees the move and the copy of the file, and no row of the old register.
        assert [one.no for one in transfers.listing(new.town_review, "in")] == [row.no]
        titles = list(TransferPart.objects.order_by("position").values_list("title", flat=True))
        assert titles[0] == "家庭基本情况"
        assert any("决定" in title for title in titles)
        text = str(list(TransferPart.objects.values_list("lines", flat=True)))
        assert "urban" not in text  # read by people: words, not codes
        assert "201704" not in text
        with system_scope("420802"):
            from tuodi.people import secrets

            full = secrets.open_id(household.head)
        assert full not in text
        assert not Household.objects.exists()
    row = taken(new, row)
    with at(new.county_confirm, date(2017, 6, 13)):
        done = transfers.confirm_transfer(row, reasons="符合迁入地规定", acting_user=new.county_confirm)
        assert (done.state, done.last_month) == ("done", 201706)
        moved = Household.objects.get()
        assert (moved.pk, moved.no[:6], moved.address) == (done.new_household_id, "420881", "新区 3 号")
        row_new = Determination.objects.get()
        assert (row_new.amount_fen, row_new.start_month, row_new.place) == (40_000, 201707, "420881100")
        notice = RollNotice.objects.get()
        assert (notice.kind, notice.before_fen, notice.after_fen) == ("decrease", 55_000, 40_000)
        with pytest.raises(DynamicStateError):
            transfers.confirm_transfer(row, reasons="再办", acting_user=new.county_confirm)
    assert spans(household.pk) == [(201704, 201706, 55_000, OLD)]
    assert spans(moved.pk) == [(201707, None, 40_000, NEW)]
    with at(old.county_confirm, date(2017, 6, 14)):  # the old place keeps what it decided
        kept = Household.objects.get(pk=household.pk)
        assert kept.closed_on == date(2017, 7, 1)
        assert Determination.objects.get(kind="ended").notice.kind == "moved"
        assert Person.objects.count() == 2
    # The old county still pays June, late; each county pays its own months, and the month after nothing is owed anywhere.
    run_month(here, Month(2017, 6), programmes=["dibao"])
    for month in (7, 8):
        run_month(here, Month(2017, month), programmes=["dibao"])
        run_month(there, Month(2017, month), place="420881", programmes=["dibao"])
    assert paid(household) == {201704: 55_000, 201705: 55_000, 201706: 55_000}
    assert paid(moved) == {201707: 40_000, 201708: 40_000}


@pytest.mark.django_db
def test_both_offices_act_each_by_two_people(old, new, make_user):
    household = on_roll(OLD, income=600, amount_fen=55_000, start=201704)
    with at(old.town_review, date(2017, 6, 5)):
        for to, why in ((OLD, "同一个乡镇"), ("42", "9 位或 12 位"), ("四二零八", "9 位或 12 位")):
            with pytest.raises(DynamicInputError, match=why):
                transfers.propose_transfer(
                    household,
                    to_region=to,
                    moved_on=date(2017, 6, 1),
                    address="x",
                    reason="y",
                    acting_user=old.town_review,
                )
    row = proposed(old, household)
    with at(old.town_review, date(2017, 6, 5)), pytest.raises(MoveBlockedError, match="已有正在办理的迁移"):
        transfers.propose_transfer(
            household, to_region=NEW, moved_on=date(2017, 6, 1), address="x", reason="y", acting_user=old.town_review
        )
    with at(new.town_review, date(2017, 6, 6)), pytest.raises(DynamicStateError, match="迁出地已提出"):
        transfers.take_transfer(row, note="x", acting_user=new.town_review)
    town = hire(make_user, OLD[:9], "confirm")
    with at(town, date(2017, 6, 6)), pytest.raises(WrongLevelError):
        transfers.send_transfer(row, acting_user=town)
    with at(old.county_confirm, date(2017, 6, 6)):
        transfers.send_transfer(row, acting_user=old.county_confirm)
        with pytest.raises(NotFoundError):
            transfers.take_transfer(row, note="x", acting_user=old.county_confirm)
    stranger = hire(make_user, "420804", "review", "confirm")
    with at(stranger, date(2017, 6, 7)):
        assert Transfer.objects.count() == TransferPart.objects.count() == 0
        with pytest.raises(NotFoundError):
            transfers.access_transfer(stranger, row.pk)
    both = hire(make_user, NEW[:6], "review", "confirm")
    with at(both, date(2017, 6, 12)):
        transfers.take_transfer(row, note="属实", acting_user=both)
        with pytest.raises(DynamicHandsError):
            transfers.confirm_transfer(row, reasons="同意", acting_user=both)


@pytest.mark.django_db
def test_refused_with_a_reason_nothing_has_changed_and_it_may_be_sent_again(old, new):
    household = on_roll(OLD, income=600, amount_fen=55_000, start=201704)
    row = sent(old, household)
    with at(new.town_review, date(2017, 6, 8)):
        with pytest.raises(Exception, match="理由"):
            transfers.refuse_transfer(row, why=" ", acting_user=new.town_review)
        transfers.refuse_transfer(row, why="没有在该地址居住", acting_user=new.town_review)
    with at(old.town_review, date(2017, 6, 9)):
        assert transfers.access_transfer(old.town_review, row.pk).why == "没有在该地址居住"
    assert spans(household.pk) == [(201704, None, 55_000, OLD)]
    again = sent(old, household, day=date(2017, 6, 12))
    assert again.state == "sent"


@pytest.mark.django_db
def test_what_runs_holds_a_move_up_and_is_named(old, new):
    household = on_roll(OLD, income=600, amount_fen=55_000, start=201704)
    with at(old.town_accept, date(2017, 6, 1)):
        report = change_reports.report_change(
            household, kind="other", happened_on=date(2017, 6, 1), text="待核实", acting_user=old.town_accept
        )
    with at(old.town_review, date(2017, 6, 5)), pytest.raises(MoveBlockedError, match=report.no):
        transfers.propose_transfer(
            household, to_region=NEW, moved_on=date(2017, 6, 1), address="x", reason="y", acting_user=old.town_review
        )


@pytest.mark.django_db
def test_a_family_the_new_place_has_no_room_for_is_told_why_and_watched(old, new):
    """1000 a month for two: 500 < 575 in the old place; 500 < 500 is false in the new one (E04)."""
    household = on_roll(OLD, income=1000, amount_fen=15_000, start=201704)
    row = taken(new, sent(old, household))
    with at(new.county_confirm, date(2017, 6, 13)):
        transfers.confirm_transfer(row, reasons="按迁入地标准", acting_user=new.county_confirm)
        made = Determination.objects.get()
        assert (made.outcome, made.notice.kind) == ("fail", "stop")
        assert "月人均收入不低于" in made.reasons
        assert WatchEntry.objects.get().household_id == made.household_id
    assert spans(household.pk) == [(201704, 201706, 15_000, OLD)]


@pytest.mark.django_db
def test_a_missing_fact_stops_the_confirmation_and_changes_nothing(old, new):
    household = on_roll(OLD, income=600, amount_fen=55_000, start=201704, assets_ok=None)
    row = taken(new, sent(old, household))
    with at(new.county_confirm, date(2017, 6, 13)), pytest.raises(UnknownOutcomeError, match="家庭财产"):
        transfers.confirm_transfer(row, reasons="同意", acting_user=new.county_confirm)
    assert spans(household.pk) == [(201704, None, 55_000, OLD)]
    with at(old.town_review, date(2017, 6, 13)):
        household.refresh_from_db()
        assert household.closed_on is None


@pytest.mark.django_db
def test_within_a_county_the_persons_stay_the_same_rows(old, make_user):
    other = Office("420802002001", make_user)
    household = on_roll(OLD, income=600, amount_fen=55_000, start=201704)
    row = taken(other, sent(old, household, to="420802002001"), income_year="6000.00")
    with at(other.county_confirm, date(2017, 6, 13)):
        # The same county confirms both ways; who took it there is another person.
        done = transfers.confirm_transfer(row, reasons="同意", acting_user=other.county_confirm)
        assert Person.objects.count() == 2
        assert set(Person.objects.values_list("region", flat=True)) == {"420802002001"}
    assert spans(household.pk) == [(201704, 201706, 55_000, OLD)]
    assert spans(done.new_household_id) == [(201707, None, 65_000, "420802002001")]  # 575·2 − 500


# ---- what goes along, what holds a move up


GRACE_VILLAGE = "220103001001"


def grace_move(make_user, new):
    """宽城 830, two persons with 600.00, 2400 a month from May 2021: 600.00 to November. It moves to 钟祥 in September."""
    place = Office(GRACE_VILLAGE, make_user)
    household = on_roll(GRACE_VILLAGE, income=1060, amount_fen=60_000, start=202101)
    with at(place.town_review, date(2021, 5, 19)):
        report = change_reports.report_change(
            household, kind="income", happened_on=date(2021, 4, 1), text="到超市上班", acting_user=place.town_review,
            income_year_fen=2_880_000,
        )  # fmt: skip
        change_reports.check_report(report, checked="工资流水相符", acting_user=place.town_review)
    with at(place.town_confirm, date(2021, 5, 20)):
        change_reports.decide_report(report, reasons="就业增收", acting_user=place.town_confirm)
    with at(place.town_review, date(2021, 9, 6)):
        row = transfers.propose_transfer(
            household, to_region=NEW, moved_on=date(2021, 9, 1), address="新区 3 号", reason="随子女",
            acting_user=place.town_review,
        )  # fmt: skip
    with at(place.town_confirm, date(2021, 9, 7)):
        row = transfers.send_transfer(row, acting_user=place.town_confirm)
    row = taken(new, row, day=date(2021, 9, 13))
    with at(new.county_confirm, date(2021, 9, 14)):
        done = transfers.confirm_transfer(row, reasons="属实", acting_user=new.county_confirm)
    return household, done


@pytest.mark.django_db(transaction=True)
def test_a_gradual_exit_goes_along_with_its_amount_and_its_last_month(make_user, new):
    household, done = grace_move(make_user, new)
    assert spans(household.pk)[-1][:3] == (202106, 202109, 60_000)
    assert spans(done.new_household_id) == [(202110, 202111, 60_000, NEW)]
    with at(new.county_confirm, date(2021, 9, 14)):
        made = Determination.objects.get(household=done.new_household_id)
        assert (made.components, made.end_month) == ({"grace": 60_000}, 202111)
    there = Staff(make_user, "420881")
    for month in (10, 11, 12):
        run_month(there, Month(2021, month), place="420881", programmes=["dibao"])
    with system_scope("420881"):
        moved = Household.objects.get(pk=done.new_household_id)
    assert paid(moved) == {202110: 60_000, 202111: 60_000}


@pytest.mark.django_db
def test_where_the_place_ends_it_with_the_move_the_family_is_told_and_watched(make_user, new, tmp_path, monkeypatch):
    text = """pack: {place: "420881"}
instruments:
  测试迁移: {title: 测试用, number: "-", issuer: 测试, issued: 2016-01-01, in_force: 2016-01-01, kind: hypothetical}
parameters:
  profile.grace_follows: {from: 2016-01-01, value: "false", clause: 测试迁移}
"""
    (tmp_path / "moves.yaml").write_text(text, encoding="utf-8")
    monkeypatch.setenv("TUODI_POLICIES", str(tmp_path))
    rulebook.reload()
    try:
        _, done = grace_move(make_user, new)
        assert spans(done.new_household_id) == []
        with at(new.county_confirm, date(2021, 9, 14)):
            assert Determination.objects.get(household=done.new_household_id).outcome == "fail"
            assert WatchEntry.objects.get().household_id == done.new_household_id
    finally:
        monkeypatch.delenv("TUODI_POLICIES")
        rulebook.reload()


@pytest.mark.django_db
def test_a_due_review_goes_along_with_its_day_and_an_open_clue_holds_the_move_up(old, new):
    household = on_roll(OLD, income=600, amount_fen=55_000, start=201704)
    with clock.frozen(date(2017, 6, 2)), system_scope("420802"):
        review_lists.plan_units()
        ReviewPlan.objects.update(last_on=date(2017, 3, 1), due_on=date(2017, 6, 1))
        review_lists.open_due("420802")
    one = clue(household)
    with at(old.town_review, date(2017, 6, 5)), pytest.raises(MoveBlockedError, match=one.no):
        transfers.propose_transfer(
            household, to_region=NEW, moved_on=date(2017, 6, 1), address="x", reason="y", acting_user=old.town_review
        )
    with system_scope("420802"):
        Clue.objects.filter(pk=one.pk).update(state="closed", verdict="refuted", conclusion="车辆去年已卖")
    row = taken(new, sent(old, household))
    with at(new.county_confirm, date(2017, 6, 13)):
        assert any("问题线索" in title for title in TransferPart.objects.values_list("title", flat=True))
        done = transfers.confirm_transfer(row, reasons="符合", acting_user=new.county_confirm)
        carried = PeriodicReview.objects.get()
        assert (carried.household_id, carried.state, carried.due_on) == (done.new_household_id, "due", date(2017, 6, 1))
        assert "定期核查随迁" in done.outcome
    with system_scope("420802"):
        assert PeriodicReview.objects.get(household=household).state == "dropped"
        assert ReviewPlan.objects.get(household=household).ended_on == date(2017, 6, 13)
