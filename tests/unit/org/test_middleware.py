"""Requests: scope per request, refusal without one, roll-back on errors, session limits, lock-out."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.decorators import login_not_required
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.urls import path

from tuodi.audit.models import AuditEntry
from tuodi.config.urls import urlpatterns as product_urls
from tuodi.files.models import StoredFile
from tuodi.kernel import clock
from tuodi.org import access, actions
from tuodi.org.errors import NotFoundError

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]
PASSWORD = "Tuodi-2017-x"


def put(request, name):
    StoredFile.objects.create(
        region="420899001001", sha256=name, size=1, name=name, media_type="", purpose=name, stored_at=clock.now()
    )
    if name == "fails":
        raise RuntimeError("a fault after writing")
    if name == "refused":
        raise NotFoundError("家庭")
    return HttpResponse(status=500 if name == "answers500" else 200)


def shown(request):
    found = access.current_range()
    return HttpResponse(f"{found and found.low}|{StoredFile.objects.count()}")


@login_not_required
def public(request):
    return HttpResponse(str(StoredFile.objects.count()))


urlpatterns = [path("put/<name>", put), path("shown", shown), path("public", public), *product_urls]


@pytest.fixture
def clerk(make_user, client: Client):
    user = make_user("420899001", "accept", username="clerk1")
    client.force_login(user, backend="tuodi.org.backends.StaffBackend")
    client.raise_request_exception = False
    client.user = user
    return client


def stored() -> int:
    with access.system_scope("cn"):
        return StoredFile.objects.count()


def test_a_request_sees_the_range_of_the_user_s_office(clerk) -> None:
    clerk.get("/put/ok")
    assert clerk.get("/shown").content.decode() == "420899001|1"
    assert access.current_range() is None
    assert StoredFile.objects.count() == 0  # nothing is left open after the answer


def test_a_stranger_is_sent_to_sign_in_before_any_view_runs(client: Client) -> None:
    answer = client.get("/shown")
    assert answer.status_code == 302
    assert answer["Location"].startswith("/login/")


def test_a_public_page_has_no_scope(clerk, client: Client) -> None:
    clerk.get("/put/ok")
    assert Client().get("/public").content == b"0"


@pytest.mark.parametrize(("name", "status"), [("fails", 500), ("answers500", 500), ("refused", 404)])
def test_an_error_takes_everything_back(clerk, name: str, status: int) -> None:
    assert clerk.get(f"/put/{name}").status_code == status
    assert stored() == 0


def test_a_refusal_is_in_the_audit_log_though_its_work_was_taken_back(clerk) -> None:
    clerk.get("/put/refused")
    with access.system_scope("cn"):
        entry = AuditEntry.objects.get(action="org.refused")
    assert (entry.actor_id, entry.after["code"]) == (clerk.user.pk, "org.not_found")
    assert entry.address == "127.0.0.1"
    assert entry.request_id


def test_a_disabled_user_s_session_ends_at_the_next_request(clerk) -> None:
    assert clerk.get("/shown").status_code == 200
    actions.disable_user(acting_user=None, user=clerk.user)
    assert clerk.get("/shown").status_code == 302


def test_a_new_password_ends_other_sessions(clerk) -> None:
    actions.set_password(acting_user=None, user=clerk.user, password="Another-2017-y")
    assert clerk.get("/shown").status_code == 302


@pytest.mark.parametrize(("step", "steps", "alive"), [(20, 3, True), (31, 1, False), (20, 40, False)])
def test_a_session_ends_when_idle_or_too_long(clerk, step: int, steps: int, alive: bool) -> None:
    """Limits: 30 minutes idle, 12 hours in all."""
    start = clock.now()
    with clock.frozen(start):
        clerk.get("/shown")
    for number in range(1, steps + 1):
        with clock.frozen(start + timedelta(minutes=step * number)):
            answer = clerk.get("/shown")
    assert (answer.status_code == 200) is alive


def test_signing_in_gives_a_new_session_and_is_logged(make_user, client: Client) -> None:
    user = make_user("420899001", username="clerk2")
    assert client.login(request=_request(client), username="ｃｌｅｒｋ２", password=PASSWORD)  # noqa: RUF001 - they fold
    with access.system_scope("cn"):
        assert AuditEntry.objects.filter(action="org.sign_in", actor_id=user.pk).count() == 1


def test_the_fifth_wrong_password_locks_the_account_at_that_address_only(make_user, client: Client) -> None:
    make_user("420899001", username="clerk3")
    for _ in range(5):
        assert not client.login(request=_request(client), username="clerk3", password="wrong")
    assert not client.login(request=_request(client), username="clerk3", password=PASSWORD)
    assert client.login(request=_request(client, "10.0.0.9"), username="clerk3", password=PASSWORD)
    with access.system_scope("cn"):
        assert AuditEntry.objects.filter(action="org.sign_in_failed").count() >= 5


def _request(client: Client, address: str = "127.0.0.1"):
    from django.test import RequestFactory

    request = RequestFactory().post("/login/", REMOTE_ADDR=address)
    request.session = client.session
    return request


def test_pages_are_not_cached_and_carry_the_policy(clerk) -> None:
    answer = clerk.get("/shown")
    assert answer["Cache-Control"] == "no-store"
    policy = answer["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "unsafe-eval" not in policy
    assert "script-src 'self' 'unsafe-inline'" not in policy
    assert answer["X-Content-Type-Options"] == "nosniff"


def test_the_connection_is_clean_after_a_request(clerk) -> None:
    """What a pooled connection hands to the next user (danger 2)."""
    clerk.get("/shown")
    with connection.cursor() as cursor:
        cursor.execute("select coalesce(current_setting('app.region', true), '')")
        assert cursor.fetchone() == ("",)


def test_a_password_somebody_else_chose_must_be_changed_first(clerk) -> None:
    clerk.user.must_change_password = True
    clerk.user.save(update_fields=["must_change_password"])
    answer = clerk.get("/shown")
    assert (answer.status_code, answer["Location"]) == (302, "/password/")
    assert clerk.get("/password/").status_code == 200


def test_the_sign_in_page_answers_429_after_five_wrong_passwords(make_user, client: Client) -> None:
    make_user("420899001", username="clerk4")
    answers = [client.post("/login/", {"username": "clerk4", "password": "wrong"}).status_code for _ in range(6)]
    assert answers[0] == 200
    assert answers[-1] == 429
    stranger = client.post("/login/", {"username": "nobody-at-all", "password": "wrong"})
    assert stranger.status_code == 200
