"""docs/screens.md names every page of money, and shows no picture that is not there."""

from __future__ import annotations

import re
from pathlib import Path

from django.urls import URLPattern

from tuodi.web.bank import urls as bank
from tuodi.web.chain import urls as chain
from tuodi.web.claims import urls as claims
from tuodi.web.fixed import urls as fixed
from tuodi.web.funds import urls as funds
from tuodi.web.medical import urls as medical
from tuodi.web.standards import urls as standards

DOCS = Path(__file__).resolve().parents[2] / "docs"
ROOMS = (bank, chain, claims, fixed, funds, medical, standards)
#: Steps and files of a page, which are told with it.
PARTS = re.compile(r"(\.xlsx|/progress/|/do/|/reverse/|/run/|/batches/<batch>/recalls/<recall>/|/decisions/<pk>/)$")
#: Where only something is sent to: told with the page it is sent from.
SENT = {"/funds/population/", "/funds/release/", "/funds/order/", "/funds/pay-way/"}


def _told() -> set[str]:
    """Addresses in the table, with `...` filled in from the one before it."""
    found: set[str] = set()
    for line in (DOCS / "screens.md").read_text(encoding="utf-8").splitlines():
        if not line.startswith("| `/"):
            continue
        before = ""
        for address in re.findall(r"`([^`]+)`", line.split("|")[1]):
            if address.startswith("..."):
                address = before + address.removeprefix(".../")
            else:
                before = address
            found.add(address)
    return found


def _shape(address: str) -> str:
    """An address with its parts that vary made one."""
    return re.sub(r"<[^>]+>", "<>", address)


def test_every_page_of_money_is_told_with_who_works_there():
    told = {_shape(one) for one in _told()}
    missing = []
    for room in ROOMS:
        for one in room.urlpatterns:
            assert isinstance(one, URLPattern)
            address = "/" + re.sub(r"<\w+:(\w+)>", r"<\1>", str(one.pattern))
            if PARTS.search(address) or address in SENT:
                continue
            if _shape(address) not in told and not _shape(address).startswith("/claims/<>/papers/"):
                missing.append(address)
    assert missing == []


def test_no_told_page_of_money_is_gone():
    known = {
        _shape("/" + re.sub(r"<\w+:(\w+)>", r"<\1>", str(one.pattern))) for room in ROOMS for one in room.urlpatterns
    }
    known |= {"/runs/", "/runs/<>/", "/runs/<>/changes/", "/runs/<>/lines/", "/hand-over/", "/hand-over/<>/"}
    assert {
        one for one in _told() if _shape(one) not in known and not any(k.startswith(_shape(one)) for k in known)
    } == set()


def test_every_picture_shown_is_there_and_every_picture_there_is_shown():
    shown = set(re.findall(r"\(screenshots/([\w-]+\.webp)\)", (DOCS / "screens.md").read_text(encoding="utf-8")))
    there = {one.name for one in (DOCS / "screenshots").glob("*.webp")}
    assert shown == there


def test_pictures_are_of_modest_size():
    sizes = {one.name: one.stat().st_size for one in (DOCS / "screenshots").glob("*.webp")}
    assert {name: size for name, size in sizes.items() if size > 80 * 1024} == {}
