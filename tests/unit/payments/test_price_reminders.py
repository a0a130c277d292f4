"""Reminding who pays before a price round's last day, once, until a run carries it or a corrected index takes it away."""

from __future__ import annotations

from datetime import date

import pytest
from casekit import at
from paykit import Staff, family, indexed, run_month

from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.org.access import duties_of, system_scope
from tuodi.payments.models import PriceReminder
from tuodi.payments.price_reminders import remind, waiting
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
