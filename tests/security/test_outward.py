"""What strangers may ask, where the product itself may call, whose word from outside counts, and what figures tell."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
import residentkit
from casekit import hire
from django.conf import settings as site
from django.test import Client
from django.urls import reverse
from securitykit import ELSEWHERE, HOME, routes, signed_in, staff_routes

from tuodi.exchange.outward import ForbiddenAddressError, check_address
from tuodi.kernel.identity import make_id
from tuodi.messages.adapters import carrier
from tuodi.messages.errors import AdapterError
from tuodi.org.access import system_scope
from tuodi.people import identity_provider
from tuodi.people.errors import ProviderError
from tuodi.people.models import SignInTry
from tuodi.verification.live import link

SECRET = "a-secret-of-sixteen-signs"


# 7: progress without an account ------------------------------------------------------------------------------------


def test_attack_07_nothing_is_told_by_number_and_name_alone(household: Any, settings: Any) -> None:
    """Number and name lead to one page for everybody; only a code from the phone on file leads on."""
    residentkit.account(household)
    seen = []
    for name, number in (
        (household.head.name, residentkit.number_of(household)),
        ("王不是", residentkit.number_of(household)),
        ("王不是", make_id("420899", household.head.birth, 777)),
    ):
        client = Client()
        asked = client.post("/my/sign-in/", {"name": name, "number": number}, follow=True)
        body = re.sub(r'name="csrfmiddlewaretoken" value="[^"]+"', "", asked.content.decode())
        wrong = client.post("/my/sign-in/code/", {"code": "000000"})
        seen.append((asked.redirect_chain, body.split("<main", 1)[1], wrong.status_code))
        assert client.get("/my/progress/").status_code == 302
    assert seen[0] == seen[1] == seen[2]
    page = Client().get("/my/sign-in/").content.decode()
    # No puzzle stands in the way of who cannot see or hear one: the code is text, and there is a telephone beside it.
    assert "<canvas" not in page
    assert "captcha" not in page.lower()
    assert site.HOTLINE in page


@pytest.mark.django_db
def test_attack_07_an_address_is_counted_behind_the_proxy_and_only_by_a_trusted_one(settings: Any) -> None:
    settings.RESIDENT_TRIES_PER_ADDRESS = 2

    def ask(serial: int, **header: str) -> int:
        number = make_id("420899", date(1950, 1, 2), serial)
        return Client().post("/my/sign-in/", {"name": "王不是", "number": number}, **header).status_code

    assert [ask(n, HTTP_X_FORWARDED_FOR=f"10.9.9.{n}") for n in (101, 102, 103)] == [302, 302, 429]
    settings.AXES_IPWARE_PROXY_COUNT = 1
    assert [ask(n, HTTP_X_FORWARDED_FOR="203.0.113.7") for n in (104, 105, 106)] == [302, 302, 429]
    assert ask(107, HTTP_X_FORWARDED_FOR="203.0.113.8") == 302
    with system_scope("cn"):
        assert set(SignInTry.objects.values_list("address", flat=True)) == {"127.0.0.1", "203.0.113.7", "203.0.113.8"}


# 18: where the product calls ----------------------------------------------------------------------------------------

INSIDE = (
    "https://127.0.0.1/", "https://localhost/", "https://[::1]/", "https://[::ffff:127.0.0.1]/", "https://0.0.0.0/",
    "https://169.254.169.254/latest/meta-data/", "http://127.0.0.1:9100", "https://2130706433/",
)  # fmt: skip
CROOKED = (
    "http://gateway.example/", "http://127.0.0.1.evil.example/", "http://localhost@evil.example/", "file:///etc/passwd",
    "https://u:p@gateway.example/", "https:///x", "gopher://gateway.example", "https://gateway.example\\@evil.example", "",
)  # fmt: skip


@pytest.mark.parametrize("url", INSIDE + CROOKED)
def test_attack_18_no_address_inside_the_machine_is_called(url: str, settings: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", _resolver({"localhost": "127.0.0.1", "2130706433": "127.0.0.1"}))
    settings.OUTWARD_LOCAL = False
    with pytest.raises(ForbiddenAddressError):
        check_address(url)
    settings.GATEWAY_URL = url
    with pytest.raises(ForbiddenAddressError):
        link()
    settings.MESSAGES = {"adapter": "http", "url": url, "secret": SECRET}
    with pytest.raises(AdapterError):
        carrier()


def test_attack_18_a_name_that_leads_inside_is_as_bad_and_a_demo_reaches_only_this_machine(monkeypatch: Any) -> None:
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        _resolver({"in.example": "127.0.0.1", "meta.example": "169.254.169.254", "gov.example": "10.1.2.3"}),
    )
    for name in ("in.example", "meta.example"):
        with pytest.raises(ForbiddenAddressError):
            check_address(f"https://{name}/")
    assert check_address("https://gov.example/x") == "https://gov.example/x"
    assert check_address("http://127.0.0.1:9100", local=True)
    with pytest.raises(ForbiddenAddressError):
        check_address("http://169.254.169.254/", local=True)
    with pytest.raises(ForbiddenAddressError):
        check_address("http://gov.example/", local=True)


@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint", "jwks_uri"])
def test_attack_18_a_provider_names_no_host_the_site_has_not_named(name: str, settings: Any, monkeypatch: Any) -> None:
    issuer = "https://id.example"
    told = {"issuer": issuer, **dict.fromkeys(("authorization_endpoint", "token_endpoint", "jwks_uri"), f"{issuer}/x")}
    monkeypatch.setattr(socket, "getaddrinfo", _resolver({"id.example": "203.0.113.5", "evil.example": "203.0.113.6"}))
    monkeypatch.setattr(identity_provider, "_json", lambda url, **_: told | {name: "https://evil.example/x"})
    settings.RESIDENT_OIDC = {**settings.RESIDENT_OIDC, "issuer": issuer, "client_id": "tuodi"}
    identity_provider.forget()
    with pytest.raises(ProviderError) as refused:
        identity_provider.begin("https://site.example/back/")
    assert "不在允许的名单" in refused.value.reason
    settings.OUTWARD_HOSTS = frozenset({"evil.example"})
    identity_provider.forget()
    assert identity_provider.begin("https://site.example/back/")[0]
    identity_provider.forget()


def _resolver(names: dict[str, str]) -> Callable[..., Any]:
    def answer(host: str, port: int, **_: Any) -> list[Any]:
        if host not in names:
            raise socket.gaierror(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (names[host], port))]

    return answer


# 19: whose word counts ----------------------------------------------------------------------------------------------


def test_attack_19_no_door_takes_a_post_without_a_session_s_token() -> None:
    """There is no webhook: what departments and banks say is fetched or uploaded, so nothing may arrive unasked."""
    assert [route.name for route in routes() if getattr(route.callback, "csrf_exempt", False)] == []
    assert not {"none", "HS256", "HS384", "HS512"} & set(identity_provider.ALGORITHMS)


# 34: what figures tell ----------------------------------------------------------------------------------------------

#: Pages with figures by place below the county, or by officer.
FIGURES = (
    "supervision",
    "runs",
    "patrols",
    "reviews-due",
    "ratings",
    "sweeps",
    "contracts",
    "exports",
    "cases",
    "clues",
)


@pytest.mark.django_db
def test_attack_34_figures_are_behind_the_duty_that_reads_the_rows_they_count(make_user: Callable[..., Any]) -> None:
    """Small numbers reveal a person only to who may read him anyway; a place in the address never widens the range."""
    for duty in ("sysadmin", "security", "standards"):
        stranger = signed_in(hire(make_user, "4208", duty))
        for name in FIGURES:
            assert stranger.get(reverse(f"web:{name}")).status_code == 403, (duty, name)
    doors = {route.name: route.callback.duties for route in staff_routes()}
    assert all(doors[name] for name in FIGURES)


@pytest.mark.django_db
def test_attack_34_a_filter_reaches_no_further_than_its_reader(make_user: Callable[..., Any], household: Any) -> None:
    watcher = signed_in(hire(make_user, ELSEWHERE, "supervise", "review"))
    for name in ("supervision", "cases", "clues"):
        own = watcher.get(reverse(f"web:{name}"), {"place": ELSEWHERE, "tab": "all"}).content.decode()
        page = watcher.get(reverse(f"web:{name}"), {"place": HOME, "tab": "all"}).content.decode()
        assert household.head.name not in page
        assert "掇刀区" in own
        if name == "supervision":  # a list narrowed to another place is empty; its figures would be another's
            assert "东宝区" not in page
    board = Client().get("/notices/nothing-there/")
    assert board.status_code == 404
