"""Suspensions: in writing, for who is on the roll, from this month or later, lifted once."""

from __future__ import annotations

from datetime import date

import pytest
from casekit import at, hire
from django.db import DatabaseError, transaction
from paykit import family

from tuodi.audit.models import AuditEntry
from tuodi.decisions import suspensions
from tuodi.decisions.errors import (
    NothingInForceError,
    ReasonsMissingError,
    SuspensionLiftedError,
    SuspensionMonthError,
)
from tuodi.decisions.models import Suspension
from tuodi.decisions.suspensions import Order, lift, lift_many, standing, suspend, suspend_many
from tuodi.kernel.periods import Month
from tuodi.org.errors import AccessDeniedError, NotFoundError

pytestmark = pytest.mark.django_db
DAY = date(2017, 5, 20)


@pytest.fixture
def county(make_user):
    return hire(make_user, "420802", "clue_decide")


def order(home, **given) -> Order:
    return Order(**{"household": home, "programme": "dibao", "matter_no": "XS-1", "reasons": "名下有车", **given})


def test_it_is_in_writing_with_a_number_and_ways_to_appeal(county) -> None:
    home = family()
    with at(county, DAY):
        row = suspend(order(home), acting_user=county)
        assert (row.notice_no, row.from_month, row.until_month) == ("TB-420802-2017-00001", 201706, None)
        assert "60 日内" in row.appeal
        assert list(standing(home, "dibao")) == [row]
        told = AuditEntry.objects.get(action="decisions.suspend")
        assert (told.subject_id, told.after["from_month"]) == (str(row.pk), 201706)
        with pytest.raises(ReasonsMissingError):
            suspend(order(home, reasons=" ", matter_no="XS-2"), acting_user=county)


def test_the_same_matter_twice_is_one_suspension(county) -> None:
    home = family()
    with at(county, DAY):
        assert suspend(order(home), acting_user=county).pk == suspend(order(home), acting_user=county).pk
        assert Suspension.objects.count() == 1


@pytest.mark.parametrize(("month", "fits"), [(Month(2017, 4), False), (Month(2017, 5), True), (Month(2017, 7), True)])
def test_no_month_that_is_past(county, month: Month, fits: bool) -> None:
    home = family()
    with at(county, DAY):
        if fits:
            assert suspend(order(home, from_month=month), acting_user=county).from_month == month.yyyymm
        else:
            with pytest.raises(SuspensionMonthError, match="请办理追回"):
                suspend(order(home, from_month=month), acting_user=county)


def test_only_the_entitled_unit_and_who_is_on_the_roll(county) -> None:
    home, left = family(), family()
    tekun = family(programme="tekun", names=("单晓月",), area_kind="rural")
    with at(county, DAY):
        with pytest.raises(SuspensionMonthError, match="停保对象不对"):
            suspend(order(home, person=home.head), acting_user=county)
        with pytest.raises(SuspensionMonthError, match="停保对象不对"):
            suspend(order(tekun, programme="tekun"), acting_user=county)
        assert suspend(order(tekun, programme="tekun", person=tekun.head), acting_user=county).person == tekun.head
        left.roll.update(end_month=201705)
        with pytest.raises(NothingInForceError):
            suspend(order(left, matter_no="XS-3"), acting_user=county)


def test_many_at_once_each_with_its_own_answer(county) -> None:
    good, left = family(), family()
    with at(county, DAY):
        left.roll.update(end_month=201705)
        first, second, third = suspend_many(
            [order(good), order(left, matter_no="XS-2"), order(good, matter_no="XS-3")], acting_user=county
        )
        assert isinstance(first, Suspension)
        assert isinstance(second, NothingInForceError)
        assert [first.notice_no[-5:], third.notice_no[-5:]] == ["00001", "00002"]
        assert AuditEntry.objects.filter(action="decisions.suspend").count() == 1


def test_lifted_once_with_a_reason(county) -> None:
    home = family()
    with at(county, DAY):
        row = suspend(order(home), acting_user=county)
    with at(county, date(2017, 7, 3)):
        with pytest.raises(ReasonsMissingError):
            lift(row, reason="", acting_user=county)
        done = lift(row, reason="查否", acting_user=county)
        assert (done.until_month, done.lifted_by, list(standing(home, "dibao"))) == (201706, county, [])
        with pytest.raises(SuspensionLiftedError, match="已经解除"):
            lift(row, reason="再次", acting_user=county)
        assert lift_many([row.pk], reason="再次", acting_user=county) == []


def test_only_by_who_decides_about_clues_there(county, make_user) -> None:
    home = family()
    with at(county, DAY):
        row = suspend(order(home), acting_user=county)
    other, town = hire(make_user, "420804", "clue_decide"), hire(make_user, "420802", "clue")
    with at(town, DAY):
        with pytest.raises(AccessDeniedError):
            suspend(order(home, matter_no="XS-9"), acting_user=town)
        with pytest.raises(AccessDeniedError):
            lift(row, reason="查否", acting_user=town)
    with at(other, DAY):
        with pytest.raises(NotFoundError):
            suspend(order(home, matter_no="XS-9"), acting_user=other)
        with pytest.raises(NotFoundError):
            lift(row, reason="查否", acting_user=other)


def test_the_database_knows_lifted_from_standing(county) -> None:
    home = family()
    with at(county, DAY):
        row = suspend(order(home), acting_user=county)
        with pytest.raises(DatabaseError), transaction.atomic():
            Suspension.objects.filter(pk=row.pk).update(until_month=201706)
        assert suspensions.standing(home, "dibao").count() == 1
