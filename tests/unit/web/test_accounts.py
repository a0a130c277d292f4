"""The screens of accounts, security and audit: who comes in, what each of the three may do, what is shown once."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from casekit import client_of
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tuodi.audit.actions import record
from tuodi.audit.models import AuditEntry
from tuodi.kernel import clock
from tuodi.org import access
from tuodi.org.models import Duty, Office, User

pytestmark = pytest.mark.django_db
COUNTY = "420802"


@pytest.fixture
def three(make_user: Callable[..., Any]) -> dict[str, Client]:
    return {duty: client_of(make_user(COUNTY, duty)) for duty in ("sysadmin", "security", "audit_view")}


def test_each_administrator_has_his_own_door(three: dict[str, Client], make_user: Callable[..., Any]) -> None:
    clerk = client_of(make_user(COUNTY, "accept"))
    doors = {
        "/accounts/": {"sysadmin", "security"},
        "/accounts/new/": {"sysadmin"},
        "/security/": {"security"},
        "/audit/": {"audit_view"},
        "/audit/export.xlsx": {"audit_view"},
    }
    for path, those in doors.items():
        assert clerk.get(path).status_code == 403, path
        for duty, client in three.items():
            assert client.get(path).status_code == (200 if duty in those else 403), (path, duty)
    for client in (clerk, *three.values()):
        assert client.get("/security/me/").status_code == 200


def test_an_account_is_made_by_one_and_brought_to_life_by_another(three: dict[str, Client]) -> None:
    office = Office.objects.get(place_code=COUNTY)
    made = three["sysadmin"].post(
        "/accounts/new/", {"do": "account", "username": "li.ming", "name": "李明", "office": str(office.pk)}
    )
    path = made["Location"]
    user = User.objects.get(username="li.ming")
    three["sysadmin"].post(path, {"do": "grant", "code": "accept"})
    three["sysadmin"].post(path, {"do": "link"})
    assert not Duty.objects.filter(user=user).exists()
    until = (clock.today() + timedelta(30)).isoformat()
    three["security"].post(path, {"do": "grant", "code": "accept", "place": COUNTY, "last": until})
    duty = Duty.objects.get(user=user)
    assert duty.until == clock.today() + timedelta(31)
    page = three["security"].post(path, {"do": "link"}).content.decode()
    (link,) = re.findall(r"http://testserver(/reset/[\w-]+/)", page)
    assert link not in three["security"].get(path).content.decode()  # shown once
    person = Client()
    person.get(link)
    person.post("/reset/", {"new_password1": "Guanshan-88-q", "new_password2": "Guanshan-88-q"})
    person.post("/login/", {"username": "li.ming", "password": "Guanshan-88-q"})
    assert person.get("/families/").status_code == 200
    three["security"].post(path, {"do": "revoke", "duty": str(duty.pk)})
    assert person.get("/families/").status_code == 403
    three["security"].post(path, {"do": "disable"})
    assert User.objects.get(pk=user.pk).is_active
    three["sysadmin"].post(path, {"do": "disable"})
    assert not User.objects.get(pk=user.pk).is_active
    assert person.get("/")["Location"].startswith("/login/")


def test_the_list_stays_in_range_and_costs_the_same(three: dict[str, Client], make_user: Callable[..., Any]) -> None:
    stranger = make_user("420804", "accept")
    client = three["security"]
    client.get("/accounts/")
    with CaptureQueriesContext(connection) as few:
        client.get("/accounts/")
    for _ in range(12):
        make_user("420802001", "accept", "visit")
    with CaptureQueriesContext(connection) as many:
        page = client.get("/accounts/?duty=accept").content.decode()
    assert len(many) == len(few) <= 25
    assert stranger.username not in page
    assert client.get(f"/accounts/{stranger.pk}/").status_code == 404


def test_a_wrong_combination_is_refused_with_a_sentence(
    three: dict[str, Client], make_user: Callable[..., Any]
) -> None:
    user = make_user(COUNTY, "pay_prepare")
    answer = three["security"].post(
        f"/accounts/{user.pk}/", {"do": "grant", "code": "pay_approve", "place": COUNTY}, follow=True
    )
    assert "不能由同一人担任" in answer.content.decode()


def test_my_page_lends_and_takes_back(make_user: Callable[..., Any]) -> None:
    me, colleague = make_user(COUNTY, "accept"), make_user(COUNTY)
    client = client_of(me)
    today = clock.today().isoformat()
    form = {
        "do": "delegate",
        "d-duty": str(me.duties.get().pk),
        "d-to": str(colleague.pk),
        "d-since": today,
        "d-last": today,
    }
    late = client.post("/security/me/", {**form, "d-last": "2001-01-01"})
    assert "终止日早于起始日" in late.content.decode()
    assert client.post("/security/me/", form).status_code == 303
    assert f"代 {me.name}" in client_of(colleague).get("/security/me/").content.decode()
    lent = Duty.objects.get(lent_from__isnull=False)
    assert lent.until == clock.today() + timedelta(1)
    client.post("/security/me/", {"do": "recall", "lent": str(lent.pk)})
    assert access.duties_of(colleague) == []


def test_my_sessions_can_be_ended(make_user: Callable[..., Any]) -> None:
    me = make_user(COUNTY, "accept")
    one, two, three_ = client_of(me), client_of(me), client_of(me)
    page = one.get("/security/me/").content.decode()
    numbers = re.findall(r'name="session" value="(\d+)"', page)
    assert len(numbers) == 2
    one.post("/security/me/", {"do": "end", "session": numbers[0]})
    assert [client.get("/").status_code for client in (two, three_)].count(302) == 1
    one.post("/security/me/", {"do": "end_others"})
    assert [client.get("/").status_code for client in (one, two, three_)] == [200, 302, 302]


def test_the_log_is_found_by_person_subject_action_day_and_place(
    three: dict[str, Client], make_user: Callable[..., Any]
) -> None:
    who = make_user(COUNTY, "accept")
    with access.system_scope("cn"):
        record(
            "test.one",
            actor=who,
            subject_type="case",
            subject_id="77",
            region="420802001001",
            case_no="AH-1",
            after={"a": "<b>"},
        )
        record("test.two", actor=None, subject_type="clue", subject_id="78", region="420802002001")
        record("test.far", actor=who, subject_type="case", subject_id="77", region="420804001001")
    client, today = three["audit_view"], clock.today().isoformat()
    every = {f"who={who.username}": {"test.one"}, "who=没有人": set(), "subject=case&subject_id=77": {"test.one"},
             "action=test.": {"test.one", "test.two"}, "action=test.two": {"test.two"}, "case_no=AH-1": {"test.one"},
             "place=420802001&action=test.": {"test.one"}, f"since={today}&until={today}&action=test.": {"test.one", "test.two"},
             "until=2001-01-01": set(), "place=420804": set()}  # fmt: skip
    for query, expected in every.items():
        page = client.get(f"/audit/?{query}").content.decode()
        assert set(re.findall(r">(test\.\w+)</dd>", page)) == expected, query
        assert '"<b>"' not in page
    assert "不是日期" in client.get("/audit/?since=x").content.decode()
    answer = client.get("/audit/export.xlsx?action=test.")
    assert answer["Content-Disposition"].startswith("attachment")
    with access.system_scope("cn"):
        exported = AuditEntry.objects.get(action="web.export_audit")
    assert exported.after == {"filter": {"action": "test."}, "rows": 2}


def test_the_log_goes_on_where_the_page_ended(three: dict[str, Client]) -> None:
    for number in range(60):
        record("test.row", actor=None, subject_type="x", subject_id=number, region="420802001001")
    client, seen, path = three["audit_view"], [], "/audit/?action=test.row"
    for _ in range(3):
        page = client.get(path).content.decode()
        seen += [int(found) for found in re.findall(r'wrap-any">(\d+)<', page)]
        following = re.search(r'href="(\?[^"]*before=\d+)"', page)
        if not following:
            break
        path = "/audit/" + following[1].replace("&amp;", "&")
    assert seen == list(range(59, -1, -1))
