"""Pages on which residents do something: whose they are, what staff may walk, what they cost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import uuid4

import pytest
from applykit import new_member, sent
from casekit import family
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from oversightkit import resident

from tuodi.intake.models import OnlineApplication
from tuodi.intake.online_actions import Holder
from tuodi.org.access import system_scope
from tuodi.people import middleware

pytestmark = pytest.mark.django_db
VILLAGE = "420804001001"
BACKEND = "tuodi.org.backends.StaffBackend"


def staff(user: Any) -> Client:
    client = Client()
    client.force_login(user, backend=BACKEND)
    return client


def phone_of(account: Any) -> Client:
    """A browser in which a resident is signed in."""
    from django.contrib.sessions.backends.db import SessionStore
    from django.http import HttpRequest

    request = HttpRequest()
    request.session = SessionStore()
    middleware.sign_in(request, account)
    request.session.save()
    client = Client()
    client.cookies[settings.SESSION_COOKIE_NAME] = request.session.session_key
    return client


def test_nobody_walks_these_pages_without_signing_in_as_a_resident(make_user: Callable[..., Any]) -> None:
    officer = staff(make_user("420804001", "accept"))
    for path in ("apply/", "for-others/", "complaints/", "complaints/new/", "appeals/", "ratings/", "objections/"):
        for client in (Client(), officer):
            answer = client.get(f"/my/{path}")
            assert answer.status_code == 302
            assert answer["Location"].startswith("/my/sign-in/")


def test_another_s_draft_appeal_and_complaint_are_not_there() -> None:
    mine, other = family(VILLAGE), family(VILLAGE, names=("外人甲",))
    draft = sent(Holder(account=resident(mine.head)))
    client = phone_of(resident(other.head, "13700001111"))
    for path in ("", "check/", "sign/", "status/", "sent/", "drop/", "q/work/", "q/state/0/"):
        assert client.get(f"/my/apply/{draft.uid}/{path}").status_code == 404
    for path in (
        f"complaints/{uuid4()}/",
        f"appeals/{uuid4()}/",
        "appeals/new/420804-JD-20210101-0001/",
        "ratings/new/?no=x&stage=accept",
    ):
        assert client.get(f"/my/{path}").status_code == 404


def test_a_cadre_helps_on_his_own_account_and_does_not_accept_what_he_sent(make_user: Callable[..., Any]) -> None:
    cadre = make_user(VILLAGE, "accept")
    client = staff(cadre)
    page = client.get("/online/help/")
    assert page.status_code == 200
    assert "虎牙关" in page.content.decode()
    refused = client.post("/online/help/", {"village": "110101001001", "key": str(uuid4())})
    assert "请选申请人住在哪个村" in refused.content.decode()
    begun = client.post("/online/help/", {"village": VILLAGE, "key": str(uuid4())})
    assert begun.status_code == 303
    first = client.get(begun["Location"], follow=True)
    assert "您是申请人的什么人" in first.content.decode()
    online = sent(
        Holder(staff=cadre), region=VILLAGE, for_other=True, members=[new_member("周小禾", birth=date(1950, 1, 2))]
    )
    assert "由其他人员受理" in client.get(f"/online/{online.pk}/").content.decode()
    assert "周小禾" not in client.get("/online/help/").content.decode()


def test_the_desk_refuses_without_words_and_shows_no_number(make_user: Callable[..., Any]) -> None:
    online = sent(Holder(account=resident(family(VILLAGE).head)))
    client = staff(make_user("420804001", "accept"))
    page = client.get(f"/online/{online.pk}/").content.decode()
    with system_scope("420804"):
        from tuodi.intake.online_content import open_content

        numbers = [one["id"] for one in open_content(OnlineApplication.objects.get()).members]
    assert all(number not in page for number in numbers)
    assert numbers[0][:6] + "********" + numbers[0][-4:] in page
    answer = client.post(f"/online/{online.pk}/", {"do": "refuse", "reasons": "不行"})
    assert "没有写清楚" in answer.content.decode()
    client.post(f"/online/{online.pk}/", {"do": "refuse", "reasons": "户籍不在本乡镇，请向户籍地申请。"})
    with system_scope("420804"):
        assert OnlineApplication.objects.get().state == "refused"


def test_the_queue_costs_the_same_whatever_it_holds(make_user: Callable[..., Any]) -> None:
    client = staff(make_user("420804001", "accept"))

    def cost() -> int:
        with CaptureQueriesContext(
            connection,
        ) as asked:
            assert client.get("/online/").status_code == 200
        return len(asked)

    sent(Holder(account=resident(family(VILLAGE).head)))
    few = cost()
    for number in range(4):
        sent(Holder(account=resident(family(VILLAGE, names=(f"多人{number}",)).head, f"1380000777{number}")))
    assert cost() <= few
    assert few <= 25
