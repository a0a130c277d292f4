"""The outbox: one row with the deed, carriers over a real folder and real HTTP, back-off, nothing secret in a text."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from django.db import transaction

from tuodi.kernel import clock
from tuodi.kernel.identity import make_id
from tuodi.messages import outbox, texts
from tuodi.messages.adapters import signature
from tuodi.messages.errors import AdapterError, TemplateError
from tuodi.messages.models import Message, State
from tuodi.org.access import Subject, subject_scope, system_scope

pytestmark = pytest.mark.django_db

REGION, PHONE, SECRET = "420899001001", "13800001234", "sixteen-letters-or-more"
CODE = {"code": "123456", "minutes": 5}


def nation():
    return system_scope("cn")


def row() -> Message:
    with nation():
        return Message.objects.get()


class Gateway(BaseHTTPRequestHandler):
    """Takes messages, answers what the test says."""

    status = 200
    got: list[tuple[dict[str, str], bytes]]

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        type(self).got.append((dict(self.headers), body))
        self.send_response(type(self).status)
        self.send_header("Location", "http://127.0.0.1:1/elsewhere")
        self.end_headers()


@pytest.fixture
def gateway(settings) -> Iterator[type[Gateway]]:
    kind = type("Bound", (Gateway,), {"got": [], "status": 200})
    server = HTTPServer(("127.0.0.1", 0), kind)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    settings.MESSAGES = {
        "adapter": "http",
        "url": f"http://127.0.0.1:{server.server_port}/",
        "secret": SECRET,
        "folder": "",
    }
    yield kind
    server.shutdown()
    server.server_close()


def test_without_an_adapter_a_message_stays_and_is_enciphered() -> None:
    outbox.send("sign_in_code", PHONE, CODE, region=REGION)
    found = row()
    assert found.state == State.SENT
    assert found.to_masked == "138****1234"
    assert PHONE.encode() not in bytes(found.to_cipher)
    assert b"123456" not in bytes(found.text_cipher)
    to, text = outbox.read(found)
    assert to == PHONE
    assert "123456" in text


def test_a_message_goes_with_the_deed_that_failed() -> None:
    with transaction.atomic():
        outbox.send("sign_in_code", PHONE, CODE, region=REGION)
        transaction.set_rollback(True)
    with nation():
        assert not Message.objects.exists()


def test_a_resident_may_cause_a_message_and_read_none() -> None:
    me = Subject(account_id=1, person_id=1, region=REGION, person_ids=(1,), household_ids=(1,))
    with subject_scope(me):
        outbox.send("sign_in_code", PHONE, CODE, region=REGION)
        assert not Message.objects.exists()
    assert row().template == "sign_in_code"


def test_texts_take_exactly_their_facts_and_no_number() -> None:
    assert all(one.text.startswith("【托底·社会救助】") for one in texts.templates().values())
    for name, context in (
        ("nothing", {}),
        ("sign_in_code", {"code": "1"}),
        ("sign_in_code", {**CODE, "more": "x"}),
        ("answer_given", {"what": make_id("420899", clock.today().replace(year=1950), 12), "no": "1", "hotline": "1"}),
        ("answer_given", {"what": "6217 0000 1234 5678 901", "no": "1", "hotline": "1"}),
    ):
        with pytest.raises(TemplateError):
            outbox.send(name, PHONE, context, region=REGION)
    assert "420899-SL-20170906-0001" in texts.fill(
        "answer_given", {"what": "投诉", "no": "420899-SL-20170906-0001", "hotline": "12349"}
    )


def test_the_folder_gets_one_private_file(settings, tmp_path) -> None:
    settings.MESSAGES = {"adapter": "folder", "folder": str(tmp_path / "out"), "url": "", "secret": ""}
    number = outbox.send("sign_in_code", PHONE, CODE, region=REGION)
    assert row().state == State.QUEUED
    assert outbox.carry(nation) == (1, 0)
    (file,) = (tmp_path / "out").iterdir()
    assert file.stat().st_mode & 0o077 == 0
    assert json.loads(file.read_text())["to"] == PHONE
    assert file.name == f"{number}.json"
    assert (row().state, outbox.carry(nation)) == (State.SENT, (0, 0))


def test_http_is_signed_over_time_and_body(gateway) -> None:
    outbox.send("sign_in_code", PHONE, CODE, region=REGION)
    assert outbox.carry(nation) == (1, 0)
    ((headers, body),) = gateway.got
    assert headers["X-Tuodi-Signature"] == f"sm3={signature(SECRET, headers['X-Tuodi-Time'], body)}"
    assert signature("another-secret-of-some-length", headers["X-Tuodi-Time"], body) not in headers["X-Tuodi-Signature"]
    assert json.loads(body)["text"].startswith("【托底")


@pytest.mark.parametrize("status", [500, 302])
def test_what_is_not_taken_is_tried_again_later_and_later_and_then_failed(gateway, status: int) -> None:
    gateway.status = status
    now = clock.now()
    with clock.frozen(now):
        outbox.send("application_received", PHONE, {"programme": "低保", "no": "1", "hotline": "12349"}, region=REGION)
        assert outbox.carry(nation) == (0, 1)
        assert outbox.carry(nation) == (0, 0)
    waited = []
    while (found := row()).state == State.QUEUED:
        waited.append(found.due_at - now)
        now = found.due_at
        with clock.frozen(now):
            assert outbox.carry(nation) == (0, 1)
    assert waited == list(outbox.BACK_OFF)
    assert (found.state, found.tries, found.fault) == (State.FAILED, 6, f"短信网关回答 {status}")
    assert len(gateway.got) == 6


def test_a_code_that_came_too_late_is_not_sent(gateway) -> None:
    start = clock.now()
    with clock.frozen(start):
        outbox.send("sign_in_code", PHONE, CODE, region=REGION)
    with clock.frozen(start + timedelta(minutes=5)):
        assert outbox.carry(nation) == (0, 0)
    assert (row().state, gateway.got) == (State.FAILED, [])


@pytest.mark.parametrize(
    "wrong",
    [
        {"adapter": "pigeon"},
        {"adapter": "folder", "folder": ""},
        {"adapter": "http", "url": "http://sms.example/", "secret": SECRET},
        {"adapter": "http", "url": "https://sms.example/", "secret": "short"},
    ],
)
def test_an_adapter_that_is_not_set_up_says_so(settings, wrong) -> None:
    settings.MESSAGES = wrong
    with pytest.raises(AdapterError):
        outbox.send("sign_in_code", PHONE, CODE, region=REGION)
