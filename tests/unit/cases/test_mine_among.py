"""What is mine among the steps of one case is what my queue says of it, whatever my duties, bars and hands."""

from __future__ import annotations

from datetime import date
from typing import Any

from casekit import JOBS, Office, at

from tuodi.cases.models import CaseBar
from tuodi.cases.queries import mine_among, my_open_work, standing_of
from tuodi.intake.application_actions import accept_application
from tuodi.org import access

DAY = date(2021, 9, 13)


def test_both_ways_of_asking_give_the_same(office: Office, household: Any) -> None:
    with at(office.town_accept, DAY):
        case = accept_application(acting_user=office.town_accept, household=household, programme="dibao").case
    seen = 0
    for barred in (False, True):
        for name in JOBS:
            user = getattr(office, name)
            with at(user, DAY):
                if barred:
                    CaseBar.objects.create(case=case, region=case.region, user=user, reason="agent")
                duties = access.duties_of(user)
                asked = {step.pk for step in my_open_work(user, duties).filter(case=case)}
                found = mine_among(
                    list(case.steps.all()), user=user, duties=duties, standing=lambda user=user: standing_of(case, user)
                )
                assert {step.pk for step in found} == asked, name
                seen += len(asked)
    assert seen
