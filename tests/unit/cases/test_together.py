"""Two officers at the same moment: one deed, one refusal, nothing twice."""

from __future__ import annotations

import threading

import pytest
from casekit import Office, family
from decisionkit import ACCEPTED, to_confirm
from django.db import connection

from tuodi.cases.errors import CaseError
from tuodi.decisions import actions
from tuodi.decisions.errors import RollConflictError
from tuodi.decisions.models import Determination
from tuodi.decisions.roll import put_on_roll
from tuodi.kernel import clock
from tuodi.org.access import scope, system_scope
from tuodi.people.models import RollEntry

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*deeds):
    """Runs deeds in threads that start together; returns the errors they ended with (None = done)."""
    gate, ends = threading.Barrier(len(deeds)), [None] * len(deeds)

    def work(place, deed):
        try:
            gate.wait(10)
            deed()
        except Exception as error:
            ends[place] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(place, deed)) for place, deed in enumerate(deeds)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return ends


def test_two_confirmations_and_two_entries_make_one_of_each(make_user):
    office, household = Office("420802001001", make_user), family("420802001001")
    case, after = to_confirm(office, household)
    user = office.county_confirm

    def confirm():
        with scope(user):
            actions.confirm(case, acting_user=user, opinion="同意")

    def enter():
        with scope(user):
            put_on_roll(Determination.objects.get(case=case), acting_user=user)

    with clock.frozen(after):
        ends = at_once(confirm, confirm)
        assert sorted(end is None for end in ends) == [False, True], ends
        assert isinstance(next(end for end in ends if end), CaseError)
        ends = at_once(enter, enter)
        assert all(end is None or isinstance(end, RollConflictError) for end in ends), ends
    with system_scope("420802"):
        assert Determination.objects.count() == 1
        assert RollEntry.objects.count() == 1


def test_two_counters_accept_one_family_once(make_user):
    from tuodi.intake.application_actions import accept_application
    from tuodi.intake.errors import AlreadyApplyingError
    from tuodi.intake.models import Application

    office, household = Office("420802001001", make_user), family("420802001001")
    user = office.town_accept

    def accept():
        with scope(user):
            accept_application(acting_user=user, household=household, programme="dibao")

    with clock.frozen(ACCEPTED):
        ends = at_once(accept, accept, accept)
    assert sum(end is None for end in ends) == 1, ends
    assert all(end is None or isinstance(end, AlreadyApplyingError) for end in ends), ends
    with system_scope("420802"):
        assert Application.objects.count() == 1
