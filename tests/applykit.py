"""Applications from phones, filled in by way of the verbs: for tests of the desk and of journeys."""

from __future__ import annotations

from datetime import date
from uuid import uuid4

from fieldkit import DRAWN

from tuodi.intake import online_actions as phone
from tuodi.intake.models import OnlineApplication
from tuodi.intake.online_actions import Holder
from tuodi.kernel.identity import make_id
from tuodi.org.access import system_scope

ANSWERS = {
    "agent": {"agent_relation": "neighbour"},
    "programme": {"programme": "dibao"},
    "reason": {"reason": ["illness", "school"]},
    "members": {},
    "home": {"address": "天鹅社区 3 组 7 号"},
    "work": {"work": "yes", "work_income": "900"},
    "other": {"other_income": "0"},
    "medical": {"medical_cost": "12,000"},
    "assets": {"assets": ["none"]},
    "kin": {"kin": "no"},
    "contact": {"phone": "13900005678"},
    "papers": {},
}


def filled(by: Holder, *, region: str = "", for_other: bool = False, members=(), **changed) -> OnlineApplication:
    """A draft with every page answered, not signed."""
    online = phone.start(by=by, key=uuid4(), region=region, for_other=for_other)
    for row in members:
        online = phone.add_member(online.uid, row, by=by)
    while True:
        with phone.mine(online.uid, by) as (row, content, form):
            key = phone.todo(row, content, form)
        if not key:
            return online
        page, _, place = key.partition(".")
        given = {"member_state": ["none"]} if page == "state" else {**ANSWERS[page], **changed.get(page, {})}
        phone.answer(online.uid, page, given, by=by, place=int(place) if place else None)


def signed(online: OnlineApplication, by: Holder) -> OnlineApplication:
    """Every signature drawn."""
    with phone.mine(online.uid, by) as (row, content, _form):
        wanted = {one.key: {"strokes": DRAWN} for one in phone.signers(row, content)}
    return phone.sign(online.uid, wanted, by=by)


def sent(by: Holder, **more) -> OnlineApplication:
    """A whole application, sent."""
    online = filled(by, **more)
    signed(online, by)
    return phone.send(online.uid, by=by)


def new_member(name: str, relation: str = "self", birth: date = date(1962, 3, 4), serial: int = 801) -> dict[str, str]:
    """Somebody nobody has registered."""
    return {"member_name": name, "member_id": make_id("420899", birth, serial), "member_relation": relation}


def seen(online: OnlineApplication) -> OnlineApplication:
    """The row as it is now."""
    with system_scope("cn"):
        return OnlineApplication.objects.get(pk=online.pk)
