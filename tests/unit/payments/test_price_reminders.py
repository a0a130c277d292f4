"""Reminding who pays before a price round's last day, once, until a run carries it or a corrected index takes it away."""

from __future__ import annotations

from datetime import date

import pytest
from casekit import at, client_of
from django.urls import reverse
from paykit import Staff, family, indexed, run_month

from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.org.access import duties_of, system_scope
from tuodi.payments.models import PriceReminder, PriceShare
from tuodi.payments.price_corrections import carried_otherwise, difference
from tuodi.payments.price_reminders import remind, waiting
from tuodi.payments.prices import index_of
from tuodi.verification import rulebook
from tuodi.web.components.waiting import counts

pytestmark = pytest.mark.django_db(transaction=True)
JULY = Month(2017, 7)


def told(day: date) -> int:
    with clock.frozen(day), system_scope("cn"):
        return remind()


def test_it_comes_before_the_last_day_once_and_goes_when_a_run_carries_it(make_user):
    staff = Staff(make_user)
    family()
    run_month(staff, Month(2017, 6), upto="approve")
    indexed(make_user, "4208", JULY, "3.6", "1.0")  # published on 10 August: 20 working days end on 7 September
    assert told(date(2017, 8, 30)) == 0  # six working days before
    assert told(date(2017, 8, 31)) == 1
    assert told(date(2017, 9, 1)) == 0
    with at(staff.prepare, date(2017, 9, 1)):
        (row,) = waiting()
        assert (row.place, row.index_month, row.due_on) == ("420802", 201707, date(2017, 9, 7))
        assert counts(staff.prepare, duties_of(staff.prepare))["web:prices"] == 1
    with at(staff.approve, date(2017, 9, 1)):
        assert "web:prices" not in counts(staff.approve, duties_of(staff.approve))
    run_month(staff, Month(2017, 8), upto="calculate")
    with at(staff.prepare, date(2017, 9, 1)):
        assert list(waiting()) == []
        assert "web:prices" not in counts(staff.prepare, duties_of(staff.prepare))


def test_a_corrected_index_that_does_not_trigger_ends_it_and_one_that_does_brings_it_back(make_user):
    staff = Staff(make_user)
    family()
    run_month(staff, Month(2017, 6), upto="approve")
    indexed(make_user, "4208", JULY, "3.6", "1.0")
    assert told(date(2017, 9, 4)) == 1
    indexed(make_user, "4208", JULY, "1.6", "1.0", on=date(2017, 9, 5))
    assert told(date(2017, 9, 5)) == 0
    with system_scope("cn"):
        assert PriceReminder.objects.get().ended_at is not None
        assert list(waiting()) == []
    indexed(make_user, "4208", JULY, "3.7", "1.0", on=date(2017, 9, 6))
    assert told(date(2017, 9, 6)) == 0
    with system_scope("cn"):
        assert [one.due_on for one in waiting()] == [
            date(2017, 10, 10)
        ]  # 30 September was a working day, the first week of October was not


def test_a_corrected_index_shows_what_it_would_have_paid(make_user):
    staff = Staff(make_user)
    family(names=("向桂英", "刘德福"))
    run_month(staff, Month(2017, 7), upto="approve")
    indexed(make_user, "4208", JULY, "3.6", "1.0")
    run = run_month(staff, Month(2017, 8), upto="approve")
    with at(staff.prepare, date(2017, 9, 1)):
        given = {one.person_id: one.amount_fen for one in PriceShare.objects.filter(run=run)}
        assert carried_otherwise(index_of("420802", JULY)) == []
    higher = indexed(make_user, "4208", JULY, "4.6", "1.0", on=date(2017, 9, 5))
    with at(staff.prepare, date(2017, 9, 5)):
        (one,) = carried_otherwise(higher)
        assert (one.run.pk, one.facts["cpi"], one.now["cpi"]) == (run.pk, "3.6", "4.6")
        (row,) = difference(one, JULY, rulebook.book())
        # 575 × 3.6 % = 20.70 and 575 × 4.6 % = 26.45 a head, as the rules of the month round them.
        assert (row.heads, row.fen, row.heads_now, row.fen_now) == (2, sum(given.values()), 2, 2 * 26_45)
        assert (row.delta_fen, row.more, row.less) == (2 * (26_45 - 20_70), 2, 0)
        shown = client_of(staff.prepare).get(reverse("web:price-round", args=[higher.pk]), {"compare": "1"})
        assert shown.status_code == 200
    below = indexed(make_user, "4208", JULY, "1.0", "1.0", on=date(2017, 9, 6))
    with at(staff.prepare, date(2017, 9, 6)):
        (row,) = difference(carried_otherwise(below)[0], JULY, rulebook.book())
        assert (row.heads_now, row.delta_fen, row.less) == (0, -sum(given.values()), 2)
        assert sum(one.amount_fen for one in PriceShare.objects.filter(run=run, live=True)) == sum(given.values())
