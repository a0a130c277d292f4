"""Pages answer who may see them and nobody else; lists cost the same number of queries whatever they hold."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from casekit import client_of
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tuodi.kernel.identity import make_id
from tuodi.web.urls import urlpatterns

pytestmark = pytest.mark.django_db

PUBLIC = {
    *("login", "login-code", "logout", "password", "reset", "reset-form", "display", "style"),
    *("board", "board-json", "board-sheet", "board-object", "board-objection"),  # a village's notices, by its key
}
BACKEND = "tuodi.org.backends.StaffBackend"
VILLAGE = "420804001001"


def register(names: list[str], first: int = 300) -> None:
    from tuodi.org import access
    from tuodi.people import actions

    with access.system_scope("420804"):
        for place, name in enumerate(names):
            person = actions.register_person(
                acting_user=None, region=VILLAGE, name=name, id_text=make_id("420899", date(1950, 1, 1), first + place)
            )
            actions.form_household(
                acting_user=None, region=VILLAGE, head=person, area_kind="urban", on=date(2015, 1, 1)
            )


def test_every_page_has_a_door() -> None:
    missing = [
        route.name
        for route in pages(urlpatterns)
        if route.name not in PUBLIC
        and not hasattr(route.callback, "duties")
        and not hasattr(route.callback, "residents")
    ]
    assert missing == []


def pages(patterns: Any) -> list[Any]:
    """Every route, also of the areas with a module of their own."""
    return [page for one in patterns for page in (pages(one.url_patterns) if hasattr(one, "url_patterns") else [one])]


@pytest.mark.parametrize("name", ["workbench", "families", "cases", "runs", "imports", "standards"])
def test_visitor_is_sent_to_sign_in(name: str) -> None:
    answer = Client().get(reverse(f"web:{name}"))
    assert answer.status_code == 302
    assert answer["Location"].startswith("/login/")


def test_keeper_of_the_system_sees_no_family(make_user: Callable[..., Any]) -> None:
    client = client_of(make_user("420804", "sysadmin"))
    assert client.get("/").status_code == 200
    for path in ("/families/?q=王", "/cases/", "/runs/", "/imports/"):
        answer = client.get(path)
        assert answer.status_code == 403, path
        assert "职责" in answer.content.decode()


def test_password_that_must_be_changed_comes_first(make_user: Callable[..., Any]) -> None:
    user = make_user("420804", "accept")
    user.must_change_password = True
    user.save()
    client = client_of(user)
    assert client.get("/families/")["Location"] == "/password/"
    changed = client.post(
        "/password/",
        {"old_password": "Tuodi-2017-x", "new_password1": "Guanshan-88-q", "new_password2": "Guanshan-88-q"},
    )
    assert changed["Location"] == "/"
    assert client.get("/families/").status_code == 200


def test_search_costs_the_same_whatever_it_finds(make_user: Callable[..., Any]) -> None:
    client = client_of(make_user("420804", "accept"))
    register(["王一"])
    client.get("/families/?q=王")
    with CaptureQueriesContext(connection) as few:
        client.get("/families/?q=王")
    register([f"王{sign}" for sign in "二三四五六七八九十百千万亿"], first=400)
    with CaptureQueriesContext(connection) as many:
        answer = client.get("/families/?q=王")
    assert answer.content.decode().count("420899********") == 14
    assert len(many) == len(few)


def test_whole_number_finds_by_post_and_is_never_written_out(make_user: Callable[..., Any]) -> None:
    client = client_of(make_user("420804", "accept"))
    register(["欧阳建"])
    number = make_id("420899", date(1950, 1, 1), 300)
    page = client.post("/families/", {"q": number}).content.decode()
    assert "欧阳建" in page
    assert number not in page


def test_number_in_an_address_is_refused_and_finds_nothing(make_user: Callable[..., Any]) -> None:
    client = client_of(make_user("420804", "accept"))
    register(["欧阳建"])
    page = client.get("/families/", {"q": make_id("420899", date(1950, 1, 1), 300)}).content.decode()
    assert "不要放在网址里" in page
    assert "欧阳建" not in page


def test_name_goes_into_the_address(make_user: Callable[..., Any]) -> None:
    answer = client_of(make_user("420804", "accept")).post("/families/", {"q": "欧阳 建"})
    assert answer.status_code == 303
    assert answer["Location"].endswith("?q=%E6%AC%A7%E9%98%B3+%E5%BB%BA")


def test_redirect_after_switching_type_size_stays_on_this_site() -> None:
    answer = Client().post("/display/", {"next": "https://example.org/"})
    assert answer["Location"] == "/"


def test_unknown_address_answers_in_chinese(make_user: Callable[..., Any]) -> None:
    answer = client_of(make_user("420804", "accept")).get("/nothing/here/")
    assert answer.status_code == 404
    assert "没有找到这个页面" in answer.content.decode()
