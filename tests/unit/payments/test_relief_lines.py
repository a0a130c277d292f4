"""Relief that is granted once: paid in its month and never again, by one line for all its causes, beside dibao."""

from __future__ import annotations

import pytest
from casekit import Office, at
from paykit import Staff, balanced, family, run_month
from reliefkit import relieved

from tuodi.decisions import relief
from tuodi.decisions.relief_states import Cause
from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.payments.explain import explain_line
from tuodi.payments.models import Arrear, LineDifference, PayLine

SEPTEMBER = Month.parse("2017-09")
DAY = SEPTEMBER.prev().first_day.replace(day=14)


pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def staff(make_user):
    return Staff(make_user)


@pytest.fixture
def office(make_user):
    return Office("420802001001", make_user)


def relief_lines(staff, run):
    with at(staff.check, SEPTEMBER.last_day):
        return list(PayLine.objects.filter(run=run, programme="temporary", held=""))


def test_a_grant_is_paid_once_in_the_next_run_beside_dibao(staff, office, make_user):
    home = family(names=("向桂英", "刘德福"))
    relieved(office, home, 800_00, on=DAY)
    relieved(office, home, 500_00, cause=Cause.TRAFFIC, on=DAY)
    august = run_month(staff, SEPTEMBER.prev())
    september = run_month(staff, SEPTEMBER)
    october = run_month(staff, SEPTEMBER.next())
    assert relief_lines(staff, august) == []
    (paid,) = relief_lines(staff, september)
    assert (paid.amount_fen, paid.persons, paid.household_id) == (1_300_00, 2, home.pk)
    assert relief_lines(staff, october) == []
    with at(staff.check, SEPTEMBER.last_day):
        assert not Arrear.objects.filter(programme="temporary").exists()
        assert PayLine.objects.get(run=september, household=home, programme="dibao").amount_fen > 0
        causes = dict(LineDifference.objects.filter(programme="temporary").values_list("run", "cause"))
        assert causes == {september.pk: "relief", october.pk: "relief"}
        told = explain_line(home, SEPTEMBER, programme="temporary")
        assert "不逐月重新计算" in told.text
    balanced(staff, september)
    balanced(staff, october)


def test_relief_decided_after_its_run_was_calculated_is_paid_back_in_the_next(staff, office):
    home = family(names=("王秀英",))
    run_month(staff, SEPTEMBER, upto="approve")
    relieved(office, home, 800_00, on=DAY)
    october = run_month(staff, SEPTEMBER.next(), upto="approve")
    with at(staff.check, SEPTEMBER.next().last_day):
        (paid,) = PayLine.objects.filter(run=october, programme="temporary")
        assert (paid.back_pay_fen, paid.amount_fen, paid.base_fen) == (800_00, 800_00, 0)


def test_relief_taken_back_after_it_was_paid_is_claimed_back(staff, office):
    home = family(names=("王秀英",))
    row = relieved(office, home, 800_00, on=DAY)
    run_month(staff, SEPTEMBER)
    with at(office.town_review, SEPTEMBER.last_day), clock.frozen(SEPTEMBER.last_day):
        relief.withdraw_relief(row, acting_user=office.town_review, reason="并无火灾")
    october = run_month(staff, SEPTEMBER.next(), upto="calculate")
    with at(staff.check, SEPTEMBER.next().last_day):
        claimed = Arrear.objects.get(run=october, programme="temporary")
        assert (claimed.for_month, claimed.amount_fen) == (201709, -800_00)


def test_relief_without_an_account_is_held_and_said(staff, office):
    home = family(names=("王秀英",), account=None)
    relieved(office, home, 800_00, on=DAY)
    run = run_month(staff, SEPTEMBER, upto="calculate")
    with at(staff.check, SEPTEMBER.last_day):
        held = PayLine.objects.get(run=run, household=home, programme="temporary")
        assert (held.held, held.amount_fen) == ("no_account", 800_00)
