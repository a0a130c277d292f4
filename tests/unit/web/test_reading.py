"""Pages that show people leave one row in the audit log, with the ids shown, and residents can find them by theirs."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from casekit import at, client_of, family
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tuodi.audit.models import AuditEntry
from tuodi.cases.models import Case
from tuodi.intake.application_actions import accept_application
from tuodi.org import access
from tuodi.people.readings import readings_of

pytestmark = pytest.mark.django_db

VILLAGE = "420802001001"
READ = ("web.view", "web.list")


def rows() -> list[tuple[str, str, Any]]:
    with access.system_scope("cn"):
        found = AuditEntry.objects.filter(action__in=READ).order_by("id")
        return [(one.action, one.region, one.after) for one in found]


@pytest.fixture
def officer(make_user: Any) -> Any:
    return make_user("420802", "accept", "review", "verify")


def test_family_page_leaves_one_row_with_its_people(officer: Any, household: Any) -> None:
    with access.system_scope("cn"):
        people = sorted(household.memberships.values_list("person_id", flat=True))
    assert client_of(officer).get(f"/families/{household.pk}/").status_code == 200
    after = {"households": [household.pk], "persons": people, "what": "家庭档案"}
    assert rows() == [("web.view", household.region, after)]


def test_search_leaves_one_row_whatever_it_finds(officer: Any, household: Any) -> None:
    client = client_of(officer)
    client.get("/families/?q=没有这个人")
    assert rows() == []
    with access.system_scope("cn"):
        name = household.head.name
        head = household.head_id
    client.get("/families/", {"q": name})
    [(action, region, after)] = rows()
    assert (action, region) == ("web.list", "420802000000")
    assert after["households"] == [household.pk]
    assert head in after["persons"]


def test_cases_list_and_case_page(office: Any, household: Any) -> None:
    with at(office.town_accept, date(2017, 9, 11)):
        accept_application(acting_user=office.town_accept, household=household, programme="dibao")
        case = Case.objects.get()
    client = client_of(office.town_accept)
    assert client.get("/cases/").status_code == 200
    assert client.get(f"/cases/{case.pk}/").status_code == 200
    assert [(action, after["what"], after["households"]) for action, _, after in rows()] == [
        ("web.list", "办件列表", [household.pk]),
        ("web.view", "办件", [household.pk]),
    ]


def test_the_row_is_the_last_statement_but_for_the_scope(officer: Any, household: Any) -> None:
    client = client_of(officer)
    client.get(f"/families/{household.pk}/")
    with CaptureQueriesContext(connection) as seen:
        client.get(f"/families/{household.pk}/")
    asked = [one["sql"] for one in seen]
    inserts = [place for place, sql in enumerate(asked) if "insert into audit_auditentry" in sql]
    assert len(inserts) == 1
    later = [sql for sql in asked[inserts[0] + 1 :] if "set_config" not in sql and not sql.startswith("RELEASE")]
    assert later == []


def test_a_page_out_of_range_leaves_a_refusal_and_no_reading(make_user: Any, household: Any) -> None:
    stranger = make_user("420804", "accept")
    assert client_of(stranger).get(f"/families/{household.pk}/").status_code == 404
    assert rows() == []


def test_readings_are_found_by_id_from_the_family_s_own_place_only(officer: Any, household: Any) -> None:
    client = client_of(officer)
    client.get(f"/families/{household.pk}/")
    with access.system_scope("cn"):
        client.get("/families/", {"q": household.head.name})
        head = household.head_id
    with access.system_scope(VILLAGE):
        found = readings_of([household.pk], [head])
    assert [(one.action, one.what, one.actor_id) for one in found] == [
        ("web.list", "家庭查找", officer.pk),
        ("web.view", "家庭档案", officer.pk),
    ]
    with access.system_scope(VILLAGE):
        assert readings_of([household.pk + 10_000], [head + 10_000]) == []
    with access.system_scope("420804"):
        assert readings_of([household.pk], [head]) == []
    assert readings_of([household.pk], [head]) == []  # no scope, no rows


def test_other_family_is_not_among_them(officer: Any, household: Any) -> None:
    other = family(VILLAGE)
    client_of(officer).get(f"/families/{household.pk}/")
    with access.system_scope(VILLAGE):
        assert readings_of([other.pk], []) == []
