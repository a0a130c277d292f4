"""The page of phones: who may set one, for whom, and that a wrong number changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from casekit import client_of, family

from tuodi.messages import outbox
from tuodi.messages.models import Message
from tuodi.org.access import system_scope
from tuodi.people.models import ResidentAccount

pytestmark = pytest.mark.django_db


def accounts() -> list[ResidentAccount]:
    with system_scope("cn"):
        return list(ResidentAccount.objects.order_by("id"))


def test_a_phone_is_set_at_the_counter_and_told_to_its_owner(make_user: Callable[..., Any]) -> None:
    home, other = family("420899001001"), family("420899001001")
    clerk = client_of(make_user("420899001", "accept"))
    path = f"/families/{home.pk}/phones/"
    sent = clerk.post(path, {"person": str(home.head_id), "phone": "138 0000 5678"}, follow=True)
    assert "已登记" in sent.content.decode()
    assert "138****5678" in sent.content.decode()
    assert "13800005678" not in sent.content.decode()
    (account,) = accounts()
    assert account.person_id == home.head_id
    with system_scope("cn"):
        ((to, _),) = [outbox.read(row) for row in Message.objects.all()]
    assert to == "13800005678"

    # Another family's member is none of this page's; a number that cannot be keeps the old one.
    assert (
        "没有选中家庭成员"
        in clerk.post(path, {"person": str(other.head_id), "phone": "13800005678"}, follow=True).content.decode()
    )
    clerk.post(path, {"person": str(home.head_id), "phone": "123"})
    (account,) = accounts()
    assert account.phone_masked == "138****5678"


def test_only_who_takes_applications_sets_phones(make_user: Callable[..., Any]) -> None:
    home = family("420899001001")
    assert client_of(make_user("420899001", "review")).get(f"/families/{home.pk}/phones/").status_code == 403
    assert client_of(make_user("420899002", "accept")).get(f"/families/{home.pk}/phones/").status_code == 404
