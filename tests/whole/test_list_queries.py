"""No list asks row by row: every page without a parameter costs the same with three families and with thirty, and at most 25 queries."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from casekit import family, hire
from counting import questions
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, get_resolver

from tuodi.intake import need_actions, ticket_actions
from tuodi.kernel import clock
from tuodi.org import access
from tuodi.org.actions import APART
from tuodi.org.models import DutyCode, Office
from tuodi.people.models import Household

pytestmark = pytest.mark.django_db

DAY = date(2021, 9, 13)
TOWN = "420804001"
FEW, MANY, MOST = 3, 30, 25
#: Not lists: signing in and out, printed papers, downloads, what only a posted form answers.
SKIP = re.compile(r"(login|logout|password|display|style|batch|bulk|\.pdf|\.xlsx|\.csv|\.js|session|shell)")


def routes() -> list[str]:
    """Addresses that take no parameter."""

    def walk(patterns: Any, before: str) -> Iterator[str]:
        for one in patterns:
            path = f"{before}{one.pattern}"
            if isinstance(one, URLPattern):
                yield path
            else:
                yield from walk(one.url_patterns, path)

    found = {f"/{path}" for path in walk(get_resolver().url_patterns, "")}
    # What lies below /my/ is a resident's, who is no member of staff.
    staff = (path for path in found if not path.startswith("/my/"))
    return sorted(path for path in staff if "<" not in path and "^" not in path and not SKIP.search(path))


def cost(client: Client, path: str) -> int:
    with CaptureQueriesContext(connection) as seen:
        answer = client.get(path)
    if answer.status_code in (301, 302, 303, 403, 404, 405):
        return -1
    assert answer.status_code == 200, f"{path}: {answer.status_code}"
    return len(questions(seen))


def duties() -> list[str]:
    """As many duties as one person may hold together, those of casework first."""
    first = [DutyCode.ACCEPT, DutyCode.REVIEW, DutyCode.VISIT, DutyCode.CONFIRM, DutyCode.FILE, DutyCode.PAY_PREPARE]
    held: list[str] = []
    for code in dict.fromkeys([*first, *DutyCode.values]):
        if not any((code in one and set(held) & two) or (code in two and set(held) & one) for one, two in APART):
            held.append(str(code))
    return held


@pytest.fixture
def readers(make_user: Any) -> list[tuple[Client, Any]]:
    people = [hire(make_user, "420804", *duties()), hire(make_user, TOWN, *duties())]
    clients = []
    for user in people:
        client = Client()
        client.force_login(user, backend="tuodi.org.backends.StaffBackend")
        clients.append((client, user))
    return clients


def fill(officer: Any, count: int) -> list[Household]:
    """Families that came to the door: each with a need, an application, a referral, a call, and a place on the roll."""
    from tuodi.people.models import RollEntry

    made = []
    for _ in range(count):
        household = family(f"{TOWN}001", names=("林桂兰", "周建军"))
        made.append(household)
        with access.scope(officer):
            need = need_actions.open_need(acting_user=officer, household=household, kinds=["living"], text="没有收入")
            need_actions.split_need(need, acting_user=officer, programmes=["dibao"])
            need_actions.refer(need, acting_user=officer, programme="medical", label="医疗救助")
            ticket_actions.take_ticket(
                acting_user=officer, line="12349", area=TOWN, topic="help", text="断粮", caller_phone="13812345678"
            )
        with access.system_scope(TOWN):
            RollEntry.objects.create(
                household=household, region=household.region, programme="edge", category="urban", amount_fen=0,
                start_month=202108,
            )  # fmt: skip
    return made


def test_every_list_costs_the_same_with_three_rows_and_with_thirty(readers: list[tuple[Client, Any]]) -> None:
    assert Office.objects.exists()
    with clock.frozen(DAY):
        officer = readers[1][1]
        fill(officer, FEW)
        paths = [*routes(), "/families/?q=lgl", "/cases/?tab=all", "/cases/?tab=open&sort=name", "/needs/?from=need",
                 "/needs/?from=ticket", "/needs/?from=referral", "/tickets/?show=open"]  # fmt: skip
        for client, _ in readers:  # what is loaded once a process is loaded now
            for path in paths:
                cost(client, path)
        few = {(place, path): cost(client, path) for place, (client, _) in enumerate(readers) for path in paths}
        fill(officer, MANY - FEW)
        faults = []
        for (place, path), before in few.items():
            after = cost(readers[place][0], path)
            if after != before or after > MOST:
                faults.append(f"{path}: {before} 条查询（{FEW} 户），{after} 条（{MANY} 户）")
    seen = sum(1 for number in few.values() if number > 0)
    assert seen > 40
    assert faults == []
