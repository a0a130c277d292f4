"""Attacks on what lies behind a door: another town's rows, forged fields, skipped steps, duties that are gone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from casekit import at, hire
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse
from securitykit import (
    DAY,
    ELSEWHERE,
    EVERYTHING,
    HOME,
    Town,
    anything,
    applicants,
    logged,
    now,
    routes,
    signed_in,
    staff_routes,
    takes_arguments,
    town,
)
from watchkit import number, people

from tuodi.cases import guard
from tuodi.cases.errors import DutySeparationError, NoticeRunningError, StepNotOpenError
from tuodi.cases.models import Case, CaseHand, Notice, Step
from tuodi.decisions import actions as decisions
from tuodi.intake.application_actions import accept_application
from tuodi.kernel import clock
from tuodi.kernel.identity import InvalidIdError, parse_id
from tuodi.org import access, actions, lending_actions
from tuodi.org.models import Duty, User
from tuodi.people.models import Account
from tuodi.people.secrets import open_account

pytestmark = pytest.mark.django_db
#: Open to anybody, with something in the address: each is found by random bits nobody counts up to.
BY_KEY = {"reset", "board", "board-json", "board-sheet", "board-object", "board-objection"}
#: Open to anybody and about nobody: the law in plain words.
LAW = {"my-policy"}
#: Of these the stranger has no duty, so he does not come as far as the row.
OTHER_DUTY = {"account", "own-check"}
#: What stands in the address is no row: the stranger gets his own county's year, or none.
NO_ROW = {"fund-year"}


@pytest.fixture(autouse=True)
def _today() -> Iterator[None]:
    with now():
        yield


@pytest.fixture
def home(make_user: Callable[..., Any]) -> Town:
    return town(make_user)


def test_attack_01_other_town_is_404(make_user: Callable[..., Any], home: Town) -> None:
    own, stranger = hire(make_user, HOME, *EVERYTHING), hire(make_user, ELSEWHERE, *EVERYTHING)
    here, there = signed_in(own), signed_in(stranger)
    real = 0
    for route in staff_routes():
        if not takes_arguments(route) or route.name in OTHER_DUTY | NO_ROW:
            continue
        args = home.args.get(route.name, ())
        path = reverse(f"web:{route.name}", args=args) if args else anything(route)
        if args:
            real += 1
            assert here.get(path).status_code < 400, path  # it is there, for those whose it is
        before = len(logged("org.refused", actor_id=stranger.pk))
        for answer in (there.get(path), there.post(path, {"do": "x"})):
            assert answer.status_code in (404, 405), (path, answer.status_code)
        assert len(logged("org.refused", actor_id=stranger.pk)) > before, path
    assert real == len(home.args) >= 18
    # Absent and not yours are one answer.
    path = reverse("web:family", args=[home.household.pk])
    plain = [
        re.sub(r"\d+|csrf\S+|value=\"\w{64}\"", "", there.get(p).content.decode())
        for p in (path, "/families/987654321/")
    ]
    assert re.sub(r"\w{40,}", "", plain[0]) == re.sub(r"\w{40,}", "", plain[1])


def applied(family: Any) -> dict[str, str]:
    """A filled application form."""
    return {"programme": "dibao", "applicant": str(family.head_id), "channel": "window", "applied_on": DAY.isoformat()}


def test_attack_02_region_comes_from_the_session_not_the_form(make_user: Callable[..., Any], home: Town) -> None:
    clerk = home.office.town_accept
    fresh = applicants()
    form = {**applied(fresh), "region": "420804001001", "region_id": "420804001001", "office": "420804"}
    signed_in(clerk).post(reverse("web:apply", args=[fresh.pk]), form)
    with access.system_scope("cn"):
        assert Case.objects.get(household=fresh).region == fresh.region
    manager = hire(make_user, HOME, "security")
    other = hire(make_user, ELSEWHERE)
    client = signed_in(manager)
    assert client.post(reverse("web:account", args=[other.pk]), {"do": "grant", "code": "accept"}).status_code == 404
    mine = hire(make_user, HOME)
    client.post(reverse("web:account", args=[mine.pk]), {"do": "grant", "code": "accept", "place": "420804"})
    assert not Duty.objects.filter(user=mine).exists()


def test_attack_03_one_hand_never_becomes_two(home: Town) -> None:
    clerk = home.office.town_accept
    with at(clerk, DAY):
        case = Case.objects.get(pk=home.case.pk)
        with pytest.raises(DutySeparationError) as refused:
            guard.check_hand(case, clerk, "approve")
        assert refused.value.status == 403
        with pytest.raises(IntegrityError), transaction.atomic():  # past the action: the database
            CaseHand.objects.create(case=case, region=case.region, user=clerk, hand="approve")
        step = Step.objects.filter(case=case, duty="confirm").latest("id")
        with pytest.raises(IntegrityError), transaction.atomic():
            Step.objects.filter(pk=step.pk).update(done_by=clerk)


def test_attack_04_fields_nobody_asked_for_are_ignored(make_user: Callable[..., Any], home: Town) -> None:
    more = {"is_staff": "1", "is_superuser": "1", "is_demo": "1", "is_active": "0", "created_by": "1", "status": "approved",
            "amount": "999999", "amount_fen": "999999", "approved_by": "1", "decision": "confirmed", "state": "confirmed"}  # fmt: skip
    manager = hire(make_user, HOME, "sysadmin")
    made = signed_in(manager).post(
        reverse("web:account-new"),
        {"do": "account", "username": "new.clerk", "name": "新人", "office": str(manager.office_id), **more},
    )
    assert made.status_code == 303
    user = User.objects.get(username="new.clerk")
    assert (user.is_demo, user.is_active, user.must_change_password, user.has_usable_password()) == (
        False,
        True,
        True,
        False,
    )
    fresh = applicants()
    signed_in(home.office.town_accept).post(reverse("web:apply", args=[fresh.pk]), {**applied(fresh), **more})
    with access.system_scope("cn"):
        case = Case.objects.get(household=fresh)
        assert (case.decision, case.is_running) == ("", True)


def test_attack_05_no_step_is_skipped(home: Town) -> None:
    clerk, boss, reviewer = home.office.town_accept, home.office.county_confirm, home.office.town_review
    with at(clerk, DAY):
        case = accept_application(acting_user=clerk, household=applicants(), programme="dibao").case
    with at(boss, DAY):
        with pytest.raises(StepNotOpenError) as early:
            decisions.confirm(case, acting_user=boss, opinion="同意")
        assert early.value.status == 409
    with at(reviewer, DAY), pytest.raises(StepNotOpenError):
        decisions.post_notice(case, acting_user=reviewer)
    signed_in(boss).post(
        reverse("web:case", args=[case.pk]), {"answer": "confirm", "step": "confirm", "result": "passed"}
    )
    with access.system_scope("cn"):
        case.refresh_from_db()
        assert (case.decision, case.is_running) == ("", True)
        assert NoticeRunningError(None).status == 409
        assert not Notice.objects.filter(case=case).exists()


def test_attack_06_addresses_open_by_right_and_not_by_being_guessed(home: Town, make_user: Callable[..., Any]) -> None:
    """No public page takes a number that counts; what is open to anybody is found by 256 random bits."""
    public = [one for one in routes() if takes_arguments(one) and not hasattr(one.callback, "duties")]
    assert {one.name for one in public if getattr(one.callback, "residents", "anybody") == "anybody"} == BY_KEY | LAW
    client = Client()
    for path in (
        *(anything(one) for one in public if one.name in BY_KEY),
        "/reset/1/",
        f"/reset/{'A' * 43}/",
        f"/notices/{'A' * 22}/",
    ):
        assert client.get(path).status_code == 404, path


def test_attack_24_no_page_holds_a_full_number(make_user: Callable[..., Any], home: Town) -> None:
    secrets = [number(one) for family in (home.household, home.paid) for one in people(family)]
    with access.system_scope("cn"):
        secrets += [open_account(one) for one in Account.objects.all()]
    assert len(secrets) >= 5
    clients = [
        signed_in(hire(make_user, HOME, *duties))
        for duties in (EVERYTHING, ("security",), ("audit_view",), ("sysadmin",))
    ]
    seen = 0
    for route in routes():
        args = home.args.get(route.name, ())
        if route.name in {"logout"} or (takes_arguments(route) and not args):
            continue
        path = reverse(f"web:{route.name}", args=args)
        for client in clients:
            answer = client.get(path)
            if answer.status_code != 200 or not answer["Content-Type"].startswith(("text/", "application/json")):
                continue
            seen += 1
            text = answer.content.decode() + str(answer.headers)
            assert not [one for one in secrets if one in text], path
            assert not [found for found in re.findall(r"(?<!\w)\d{17}[\dXx](?!\w)", text) if is_number(found)], path
    assert seen > 40
    with access.system_scope("cn"), connection.cursor() as cursor:
        cursor.execute(
            "select coalesce(before::text, '') || coalesce(after::text, '') || subject_id from audit_auditentry"
        )
        log = "\n".join(row[0] for row in cursor.fetchall())
    assert not [one for one in secrets if one in log]


def is_number(text: str) -> bool:
    try:
        return parse_id(text).check_ok
    except InvalidIdError:
        return False


def test_attack_28_rights_are_gone_at_the_next_request(make_user: Callable[..., Any], home: Town) -> None:
    path = reverse("web:family", args=[home.household.pk])
    officer = hire(make_user, HOME, "accept")
    client = signed_in(officer)
    assert client.get(path).status_code == 200
    actions.revoke_duty(acting_user=None, duty=officer.duties.get())
    assert client.get(path).status_code == 403
    actions.grant_duty(acting_user=None, user=officer, code="accept")
    assert client.get(path).status_code == 200
    elsewhere = hire(make_user, ELSEWHERE).office
    User.objects.filter(pk=officer.pk).update(office=elsewhere)  # however it came about, the session is not asked
    assert client.get(path).status_code in (403, 404)


def test_attack_28_a_delegation_counts_on_its_days_only(make_user: Callable[..., Any], home: Town) -> None:
    path = reverse("web:family", args=[home.household.pk])
    lender, borrower = hire(make_user, HOME, "accept"), hire(make_user, HOME)
    with clock.frozen(DAY):
        duty = lending_actions.delegate(
            acting_user=lender,
            duty=lender.duties.get(),
            to=borrower,
            since=DAY + timedelta(1),
            until=DAY + timedelta(3),
        )
    for day, status in ((0, 403), (1, 200), (2, 200), (3, 403)):
        with clock.frozen(DAY + timedelta(day)):
            assert signed_in(borrower).get(path).status_code == status, day
    with clock.frozen(DAY + timedelta(1)):
        client = signed_in(borrower)
        assert client.get(path).status_code == 200
        lending_actions.recall(acting_user=lender, lent=[duty])
        assert client.get(path).status_code == 403


def test_attack_29_nothing_answers_a_stranger(client: Client) -> None:
    for path in ("/admin/", "/admin/login/", "/debug/", "/__debug__/", "/api/", "/api/docs", "/.git/config", "/.env", "/backup.sql",
                 "/dump.sql", "/var/keys", "/keys", "/static/../config/settings.py", "/server-status", "/metrics"):  # fmt: skip
        assert client.get(path).status_code == 404, path
    closed = {"duties": "/login/", "residents": "/my/sign-in/"}
    for route in routes():
        door = next((one for one in closed if getattr(route.callback, one, "anybody") != "anybody"), None)
        for answer in (client.get(anything(route)), client.post(anything(route))) if door else ():
            assert answer.status_code in (302, 405), route.name
            assert answer.status_code == 405 or answer["Location"].startswith(closed[door]), route.name
    assert client.options("/").status_code in (302, 405)
    assert client.generic("TRACE", "/").status_code in (302, 405)


def test_attack_29_demo_accounts_open_nothing_on_a_real_site(make_user: Callable[..., Any], settings: Any) -> None:
    make_user(HOME, "accept", username="demo-clerk")
    form = {"username": "demo-clerk", "password": "Tuodi-2017-x"}
    settings.DEMO = False
    assert "_auth_user_id" not in signed_after(form)
    settings.DEMO = True
    assert "_auth_user_id" in signed_after(form)


def signed_after(form: dict[str, str]) -> Any:
    client = Client()
    client.post("/login/", form)
    return client.session


def test_attack_31_a_file_is_dead_with_the_right(home: Town) -> None:
    path = reverse("web:clue-file", args=home.args["clue-file"])
    client = signed_in(home.hands.town)
    assert b"".join(client.get(path).streaming_content) == b"%PDF-1.4 paper"  # type: ignore[attr-defined]
    for duty in home.hands.town.duties.all():
        actions.revoke_duty(acting_user=None, duty=duty)
    assert client.get(path).status_code == 403


def test_every_page_that_shows_people_says_so_in_the_log(make_user: Callable[..., Any], home: Town) -> None:
    """Who looked at whom is written by the page itself; a page that names them and writes nothing is found here."""
    client = signed_in(hire(make_user, HOME, *EVERYTHING))
    silent, spoken = [], 0
    for route in staff_routes():
        args = home.args.get(route.name, ())
        if takes_arguments(route) and not args:
            continue
        path = reverse(f"web:{route.name}", args=args)
        before = len(logged("web.view")) + len(logged("web.list"))
        answer = client.get(path)
        if answer.status_code != 200 or not answer["Content-Type"].startswith("text/html"):
            continue
        if any(
            sign in answer.content.decode()
            for sign in ("420899********", home.household.head.name, home.paid.head.name)
        ):
            spoken += 1
            if len(logged("web.view")) + len(logged("web.list")) != before + 1:
                silent.append(route.name)
    assert spoken > 5
    assert silent == []
