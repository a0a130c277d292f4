"""Residents for tests: a phone on file, and the code that was sent to it. All synthetic."""

from __future__ import annotations

import re

from tuodi.messages import outbox
from tuodi.messages.models import Message
from tuodi.org.access import system_scope
from tuodi.people import residents, secrets
from tuodi.people.middleware import KEY
from tuodi.people.models import Household, ResidentAccount


def phone_of(home: Household) -> str:
    """A number of the family's own, so that its messages are told from others of the same second."""
    return f"138{home.pk % 10**8:08d}"


def account(home: Household) -> ResidentAccount:
    """The head of a family with a phone on file."""
    with system_scope(home.region[:6]):
        return residents.register_phone(acting_user=None, person=home.head, phone=phone_of(home))


def enter_person(client, person, phone: str) -> ResidentAccount:
    """Signs in somebody who need have no family, through the pages."""
    with system_scope(person.region[:6]):
        found = residents.register_phone(acting_user=None, person=person, phone=phone)
        number = secrets.open_id(person)
    client.post("/my/sign-in/", {"name": person.name, "number": number})
    client.post("/my/sign-in/code/", {"code": code_to(phone)})
    assert client.session[KEY] == found.pk
    return found


def number_of(home: Household) -> str:
    """The head's identity number."""
    with system_scope(home.region[:6]):
        return secrets.open_id(home.head)


def last_code(home: Household) -> str:
    """The code in the newest message to the family."""
    return code_to(phone_of(home))


def code_to(phone: str) -> str:
    """The code in the newest message to a phone."""
    with system_scope("cn"):
        rows = Message.objects.filter(template="sign_in_code").order_by("-created_at")
        sent = (outbox.read(row) for row in rows)
        text = next(text for to, text in sent if to == phone)
        return re.search(r"验证码 (\d{6})", text)[1]


def enter(client, home: Household) -> ResidentAccount:
    """Signs the head in through the pages, as a person does."""
    found = account(home)
    client.post("/my/sign-in/", {"name": home.head.name, "number": number_of(home)})
    client.post("/my/sign-in/code/", {"code": last_code(home)})
    assert client.session[KEY] == found.pk
    return found
