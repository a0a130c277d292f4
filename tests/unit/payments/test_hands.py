"""A determination becomes a line, and who confirmed the case may not approve its payment."""

from __future__ import annotations

from datetime import date

import pytest
from casekit import Office, at
from casekit import family as registered
from decisionkit import granted
from django.db import DatabaseError, connection, transaction
from paykit import Staff, run_month

from tuodi.cases.models import CaseHand
from tuodi.decisions.roll import put_on_roll
from tuodi.kernel.periods import Month
from tuodi.org.access import system_scope
from tuodi.org.models import Duty
from tuodi.payments import actions
from tuodi.payments.errors import CaseHandsError
from tuodi.payments.explain import explain_line
from tuodi.payments.models import PayLine
from tuodi.people import actions as people

pytestmark = pytest.mark.django_db(transaction=True)
VILLAGE, MONTH = "420802001001", Month(2021, 10)
LATER = date(2021, 10, 20)


def test_who_confirmed_a_case_may_not_approve_its_payment(make_user) -> None:
    office, staff = Office(VILLAGE, make_user), Staff(make_user)
    household = registered(VILLAGE)
    row = granted(office, household)
    with system_scope("420802"):
        people.add_account(
            acting_user=None, person=household.head, number="6217000000000000777", holder=household.head.name,
            since=date(2021, 1, 1), bank_code="农商行",
        )  # fmt: skip
    confirmer = office.county_confirm
    with at(confirmer, row.decided_on):
        assert put_on_roll(row, acting_user=confirmer).account is None  # given later: the head's is taken
        Duty.objects.create(user=confirmer, code="pay_approve", place_code="420802", since=date(2010, 1, 4))
    run = run_month(staff, MONTH, upto="check")
    with at(staff.check, LATER):
        line = PayLine.objects.get(run=run)
        assert (line.amount_fen, line.determination_id, line.basis) == (row.amount_fen, row.pk, "rules")
        shown = explain_line(household, MONTH)
        assert shown.same
        assert shown.explanation["amount_fen"] == line.amount_fen
    with at(confirmer, LATER), pytest.raises(CaseHandsError, match="不能再办资金拨付"):
        actions.approve(run, acting_user=confirmer)
    with at(staff.approve, LATER):
        actions.approve(run, acting_user=staff.approve)
        assert CaseHand.objects.get(case=row.case, user=staff.approve).hand == "pay"
    with at(confirmer, LATER), pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("select cases_take_hand(%s, %s, %s, 'pay')", [row.case_id, row.region, confirmer.pk])
