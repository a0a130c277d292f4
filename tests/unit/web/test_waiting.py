"""The menu's numbers: each is what the page behind it shows to this reader, by his duties and his place, in one query."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from casekit import Office, at, family, hire
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from spotkit import confirmed, differs, filed, visited

from tuodi.cases.queries import my_open_work
from tuodi.decisions import relief
from tuodi.intake import ticket_actions
from tuodi.kernel import clock
from tuodi.org import access
from tuodi.org.models import DutyCode
from tuodi.web.components import navigation, waiting

pytestmark = pytest.mark.django_db
VILLAGE = "220103001001"
DAY = date(2021, 10, 22)


def counted(user: Any) -> dict[str, int]:
    with clock.frozen(DAY), access.scope(user):
        held = access.duties_of(user)
        with CaptureQueriesContext(connection) as asked:
            found = waiting.counts(user, held)
        assert len(asked) == 1
        return found


@pytest.fixture
def office(make_user: Any) -> Office:
    made = Office(VILLAGE, make_user)
    case = confirmed(made, family(VILLAGE))
    filed(made, case)
    differs(made, visited(made, make_user))
    home = family(VILLAGE)
    with at(made.town_accept, DAY):
        relief.report_emergency(
            acting_user=made.town_accept, household=home, person=home.head, cause="fire", event_on=DAY, story="房屋烧毁",
        )  # fmt: skip
        ticket_actions.take_ticket(
            acting_user=made.town_accept, line="12349", area=VILLAGE[:9], topic="help", text="断粮", caller_phone="13812345678"
        )  # fmt: skip
    return made


def test_each_reader_finds_what_waits_for_him_and_nothing_else(office: Office, make_user: Any) -> None:
    clerk = counted(office.town_accept)
    assert clerk["web:emergencies"] == 1
    assert clerk["web:tickets"] == 1
    assert "web:corrections" not in clerk
    assert counted(office.county_review)["web:corrections"] == 1
    assert counted(office.town_confirm)["web:corrections"] == 1
    assert "web:tickets" not in counted(office.town_confirm)
    with clock.frozen(DAY), access.scope(office.county_review):
        mine = my_open_work(office.county_review).count()
    assert counted(office.county_review).get("web:cases", 0) == mine
    elsewhere = hire(make_user, "220102", "accept", "review", "visit", "confirm")
    assert counted(elsewhere) == {}
    auditor = hire(make_user, "220103", "audit_view")
    with clock.frozen(DAY), access.scope(auditor):
        assert waiting.counts(auditor, access.duties_of(auditor)) == {}


def test_every_duty_can_be_counted_for_and_every_queue_has_its_entry(make_user: Any) -> None:
    entries = {entry.route: entry for group in navigation.GROUPS for entry in group.entries}
    assert set(waiting._STEADY) | set(waiting._UNSTEADY) <= set(entries)
    for duty in DutyCode.values:
        user = hire(make_user, "220103", duty)
        with clock.frozen(DAY), access.scope(user):
            found = waiting.counts(user, access.duties_of(user))
        assert all(not entries[route].duties or duty in entries[route].duties for route in found)


def test_the_menu_says_it_and_folds_what_is_elsewhere(office: Office) -> None:
    client = Client()
    client.force_login(office.town_accept, backend="tuodi.org.backends.StaffBackend")
    with clock.frozen(DAY):
        text = client.get("/needs/").content.decode()
        assert 'data-nav="door" open' in text
        assert 'data-nav="families">' in text
        assert '<span class="nav-count">1<span class="aside"> 项待办</span></span>' in text
        client.cookies[navigation.COOKIE] = "families.-today.door"
        text = client.get("/needs/").content.decode()
        assert 'data-nav="families" open' in text
        assert 'data-nav="today">' in text
        assert 'href="/audit/"' not in text


def test_what_is_composed_once_is_asked_anew(office: Office, make_user: Any) -> None:
    clerk = office.town_accept
    assert counted(clerk)["web:tickets"] == 1
    with at(clerk, DAY):
        ticket_actions.take_ticket(
            acting_user=clerk, line="12349", area=VILLAGE[:9], topic="help", text="断水", caller_phone="13812345679"
        )  # fmt: skip
    assert counted(clerk)["web:tickets"] == 2
    stranger = hire(make_user, VILLAGE[:9], "review")
    assert "web:tickets" not in counted(stranger)
    clerk.duties.all().delete()
    with clock.frozen(DAY), access.scope(clerk):
        assert waiting.counts(clerk, access.duties_of(clerk)) == {}
