"""Attacks on the way in: guessing, sessions, forged requests and hosts, redirects, reading too much."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from casekit import hire
from django.contrib.auth.hashers import MD5PasswordHasher
from django.test import Client
from django.urls import reverse
from securitykit import BACKEND, HOME, PASSWORD, anything, logged, now, routes, signed_in, staff_routes, takes_arguments

from tuodi.config.logs import OneLineFormatter
from tuodi.kernel import clock
from tuodi.org import actions, link_actions, lockouts, session_actions
from tuodi.org.errors import LinkError
from tuodi.org.models import OneTimeLink, User

pytestmark = pytest.mark.django_db
NEW = "Guanshan-88-q"


@pytest.fixture(autouse=True)
def _today() -> Iterator[None]:
    with now():
        yield


@pytest.fixture
def clerk(make_user: Callable[..., Any]) -> Any:
    return make_user(HOME, "accept", username="clerk")


def enter(client: Client, name: str = "clerk", password: str = PASSWORD, **headers: Any) -> Any:
    return client.post("/login/", {"username": name, "password": password}, **headers)


def is_in(client: Client) -> bool:
    return client.get("/").status_code == 200


def test_attack_08_guessing_locks_the_account_at_that_address_and_tells_the_manager(
    clerk: Any, make_user: Callable[..., Any]
) -> None:
    client = Client()
    # Spellings of one name are one account: full-width and capital ones buy no more tries.
    for name in ("clerk", "CLERK", "ｃｌｅｒｋ", "Clerk", " clerk"):  # noqa: RUF001 - they fold
        answer = enter(client, name, "wrong")
    assert enter(client).status_code == 429
    assert answer.status_code in (200, 429)
    assert not is_in(client)
    colleague = Client(REMOTE_ADDR="10.0.0.9")
    enter(colleague)
    assert is_in(colleague)  # locking out is no weapon against the account's owner
    assert logged("org.locked", subject_id=str(clerk.pk))
    manager = hire(make_user, HOME, "security")
    page = signed_in(manager).get("/security/").content.decode()
    assert clerk.name in page
    signed_in(manager).post(reverse("web:account", args=[clerk.pk]), {"do": "unlock"})
    assert not lockouts.is_locked("clerk")
    enter(client)
    assert is_in(client)


def test_attack_09_sessions_are_new_at_sign_in_and_dead_after(clerk: Any) -> None:
    client = Client()
    client.get("/login/")
    session = client.session
    session["planted"] = 1
    session.save()
    client.cookies["tuodi"] = session.session_key
    enter(client)
    key = client.session.session_key
    assert key != session.session_key
    thief = Client()
    thief.cookies["tuodi"] = session.session_key
    assert not is_in(thief)

    thief.cookies["tuodi"] = key
    assert is_in(thief)
    client.post("/logout/")
    assert not is_in(thief)

    first, second = Client(), Client()
    enter(first)
    enter(second)
    changed = second.post("/password/", {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW})
    assert changed.status_code == 302
    assert is_in(second)
    assert not is_in(first)

    actions.disable_user(acting_user=None, user=User.objects.get(pk=clerk.pk))
    assert not is_in(second)
    actions.enable_user(acting_user=None, user=User.objects.get(pk=clerk.pk))
    assert not is_in(second)  # opened again, the old sessions stay dead


def test_attack_09_every_page_is_closed_to_a_dead_session(clerk: Any) -> None:
    client = signed_in(clerk)
    assert is_in(client)
    session_actions.end_all(clerk, why="测试")
    for route in staff_routes():
        if takes_arguments(route):
            continue
        path = reverse(f"web:{route.name}")
        assert client.get(path)["Location"].startswith("/login/"), path


def test_attack_09_more_sessions_than_allowed_end_the_oldest(clerk: Any, settings: Any) -> None:
    settings.SESSIONS_MOST = 2
    clients = [Client() for _ in range(3)]
    for client in clients:
        enter(client)
    assert [is_in(client) for client in clients] == [False, True, True]


def test_attack_09_a_clock_set_back_never_ends_the_session_that_begins(clerk: Any, settings: Any) -> None:
    settings.SESSIONS_MOST = 1
    later = Client()
    with clock.frozen(clock.now() + timedelta(hours=3)):
        enter(later)
    client = Client()
    enter(client)
    assert is_in(client)


def test_attack_10_no_form_is_taken_without_its_token(make_user: Callable[..., Any], clerk: Any) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(clerk, backend=BACKEND)
    for route in routes():
        path = anything(route)
        assert client.post(path, {"do": "x"}).status_code == 403, path
        as_text = client.post(path, '{"do": "x"}', content_type="text/plain")
        assert as_text.status_code == 403, path
    hidden = client.get("/logout/", HTTP_X_HTTP_METHOD_OVERRIDE="POST")
    assert hidden.status_code == 405
    assert is_in(client)


def test_attack_22_a_name_forges_no_line_of_the_log(clerk: Any) -> None:
    evil = "clerk\r\n2026-01-01 INFO root admin signed in\x1b[31m"
    record = logging.LogRecord("axes", logging.WARNING, "x", 1, "refused %s agent %s", (evil, evil), None)
    line = OneLineFormatter("%(levelname)s %(message)s").format(record)
    assert "\n" not in line
    assert "\r" not in line
    assert "\x1b" not in line
    client = Client(HTTP_USER_AGENT="curl\r\nX: y \x1b[2J")
    enter(client, evil)
    enter(client)
    assert session_actions.alive(clerk).get().device == "其他系统 · 其他浏览器"
    assert all(not set(row.actor_name) & set("\r\n\x1b") for row in logged("org.sign_in"))


def test_attack_23_reading_too_much_is_noticed_and_asks_who_it_is(clerk: Any, household: Any, settings: Any) -> None:
    settings.READING_LIMIT = 5
    client = signed_in(clerk)
    path = reverse("web:family", args=[household.pk])
    assert [client.get(path).status_code for _ in range(5)] == [200] * 5
    stopped = client.get(path)
    assert (stopped.status_code, stopped["Location"]) == (
        302,
        f"/security/me/step-up/?next=%2Ffamilies%2F{household.pk}%2F",
    )
    assert len(logged("org.reading_alarm", actor_id=clerk.pk)) == 1
    assert client.get("/families/", {"q": household.head.name}).status_code == 302  # lists count, too
    wrong = client.post("/security/me/step-up/", {"password": "wrong", "next": path})
    assert "密码不正确" in wrong.content.decode()
    right = client.post("/security/me/step-up/", {"password": PASSWORD, "next": path})
    assert right["Location"] == path
    assert client.get(path).status_code == 200
    assert logged("org.step_up", actor_id=clerk.pk)


def test_attack_25_a_forged_host_or_address_is_not_believed(clerk: Any, make_user: Callable[..., Any]) -> None:
    client = Client()
    assert client.get("/login/", HTTP_HOST="evil.example").status_code == 400
    assert "evil" not in client.get("/login/", HTTP_X_FORWARDED_HOST="evil.example").content.decode()
    for number in range(5):
        enter(client, password="wrong", HTTP_X_FORWARDED_FOR=f"10.9.9.{number}")
    assert enter(client, HTTP_X_FORWARDED_FOR="10.9.9.77").status_code == 429
    addresses = {row.address for row in logged("org.sign_in_failed")}
    assert addresses == {"127.0.0.1"}
    manager = signed_in(hire(make_user, HOME, "security"))
    page = manager.post(
        reverse("web:account", args=[clerk.pk]), {"do": "link"}, HTTP_X_FORWARDED_HOST="evil.example"
    ).content.decode()
    assert "http://testserver/reset/" in page


@pytest.mark.parametrize(
    "to", ["https://evil.example/", "//evil.example", "\\\\evil.example", "/\\evil.example", "javascript:1"]
)
def test_attack_26_no_way_leads_to_another_site(clerk: Any, to: str) -> None:
    client = Client()
    answer = client.post("/login/", {"username": "clerk", "password": PASSWORD, "next": to})
    assert answer["Location"] == "/"
    assert client.post("/display/", {"next": to})["Location"] == "/"
    assert client.post("/security/me/step-up/", {"password": PASSWORD, "next": to})["Location"] == "/"


def test_attack_30_an_unknown_name_answers_like_a_wrong_password(clerk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    work: list[str] = []
    plain = MD5PasswordHasher.encode
    monkeypatch.setattr(MD5PasswordHasher, "encode", lambda *a: work.append("hash") or plain(*a))
    said = []
    for name in ("clerk", "nobody-here"):
        work.clear()
        page = enter(Client(), name, "wrong").content.decode()
        said.append((re.sub(r'value="[^"]*"', "", page), len(work)))
    assert said[0] == said[1]
    assert said[0][1] == 1


def test_attack_30_links_that_open_nothing_are_alike(clerk: Any) -> None:
    spent, late = link_actions.make_link(acting_user=None, user=clerk), ""
    link_actions.use_link(spent, NEW)
    late = link_actions.make_link(acting_user=None, user=clerk)
    OneTimeLink.objects.filter(used_at__isnull=True).update(until=OneTimeLink.objects.latest("id").made_at)
    said = set()
    for token in (spent, late, "never-was"):
        answer = Client().get(f"/reset/{token}/")
        assert answer.status_code == 404
        said.add(re.sub(r"\w{40,}", "", answer.content.decode()))
        with pytest.raises(LinkError):
            link_actions.use_link(token, NEW)
    assert len(said) == 1


def test_attack_33_full_width_signs_are_the_same_name(clerk: Any) -> None:
    client = Client()
    enter(client, "ｃｌｅｒｋ")  # noqa: RUF001 - they fold
    assert is_in(client)
