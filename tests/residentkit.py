"""Residents for tests: a phone on file, and the code that was sent to it. All synthetic."""

from __future__ import annotations

import re

from tuodi.messages import outbox
from tuodi.messages.models import Message
from tuodi.org.access import system_scope
from tuodi.people import residents, secrets
from tuodi.people.middleware import KEY
from tuodi.people.models import Household, ResidentAccount

PHONE = "13800001234"


def account(home: Household) -> ResidentAccount:
    """The head of a family with a phone on file."""
    with system_scope(home.region[:6]):
        return residents.register_phone(acting_user=None, person=home.head, phone=PHONE)


def number_of(home: Household) -> str:
    """The head's identity number."""
    with system_scope(home.region[:6]):
        return secrets.open_id(home.head)


def last_code() -> str:
    """The code in the newest message."""
    with system_scope("cn"):
        row = Message.objects.filter(template="sign_in_code").order_by("-created_at").first()
        return re.search(r"验证码 (\d{6})", outbox.read(row)[1])[1]


def enter(client, home: Household) -> ResidentAccount:
    """Signs the head in through the pages, as a person does."""
    found = account(home)
    client.post("/my/sign-in/", {"name": home.head.name, "number": number_of(home)})
    client.post("/my/sign-in/code/", {"code": last_code()})
    assert client.session[KEY] == found.pk
    return found
