"""The client against the real gateway process: every fault ends in one named answer, and nothing forged is used."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import httpx
import pytest
from gatewaykit import Gateway, gateway, registers

from tuodi.crypto.sm2 import KeyPair
from tuodi.exchange import wire
from tuodi.exchange.gateway import (
    Answer,
    Envelope,
    Gate,
    GatewayUrlError,
    Link,
    Query,
    Status,
    Subject,
    Target,
    ask_all,
)
from tuodi.exchange.wire import ReplyFaultError, Signature, parse_reply
from tuodi.kernel import clock
from tuodi.kernel.identity import make_id

NUMBER = make_id("420899", date(1960, 1, 2), 11)
OTHER = make_id("420899", date(1960, 1, 2), 13)
ENVELOPE = Envelope("420802-HD-20170510-0001", "application", "dibao", "经办")
CAR = {"身份证号": NUMBER, "姓名": "欧阳建", "号牌号码": "鄂H12345", "备注": "<&>\"'"}


@pytest.fixture(scope="module")
def departments(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder = registers(tmp_path_factory.mktemp("registers"), vehicle=[CAR], pension=[], tax=[])
    with gateway(data=folder) as running:
        yield running


@pytest.fixture(autouse=True)
def _well_behaved(departments: Gateway) -> None:
    for service in ("vehicle", "pension", "tax"):
        departments.set(service, faults=[], delay=0, format="json", polls=0, quota=None, sticky=False, as_of="")


def target(departments: Gateway, service: str = "vehicle", **more: Any) -> Target:
    given = {"timeout": 3.0, "patience": 8.0} | more
    return Target(service, service, bytes.fromhex(departments.keys[service]), **given)


def ask(departments: Gateway, *targets: Target, id_no: str = NUMBER, name: str = "欧阳建", **more: Any) -> list[Answer]:
    link = Link(departments.url, departments.pair, clock.now, **({"backoff": 0.01, "poll": 0.05} | more))
    queries = [Query(f"{place}", one, Subject("p1", id_no, name)) for place, one in enumerate(targets)]
    return sorted(ask_all(queries, envelope=ENVELOPE, link=link), key=lambda one: one.query.no)


@pytest.mark.parametrize("form", ["json", "xml"])
def test_a_reply_is_found_in_both_forms(departments: Gateway, form: str) -> None:
    departments.set("vehicle", format=form, as_of="2017-08-31")
    (answer,) = ask(departments, target(departments))
    assert (answer.status, answer.signature, answer.attempts) == (Status.FOUND, Signature.OK, 1)
    assert answer.rows == (CAR,)
    assert answer.as_of == date(2017, 8, 31)
    assert form in answer.media_type
    assert NUMBER in answer.raw.decode()


def test_who_is_in_no_register_is_not_found_which_is_an_answer(departments: Gateway) -> None:
    (answer,) = ask(departments, target(departments, "pension"))
    assert (answer.status, answer.rows, answer.usable) == (Status.NOT_FOUND, (), True)


@pytest.mark.parametrize(
    ("fault", "status", "reason", "signature"),
    [
        ("bad_signature", Status.ERROR, "signature", Signature.WRONG),
        ("other_key", Status.ERROR, "signature", Signature.WRONG),
        ("unsigned", Status.ERROR, "signature", Signature.MISSING),
        ("expired", Status.ERROR, "signature", Signature.EXPIRED),
        ("replay", Status.ERROR, "signature", Signature.REPLAYED),
        ("wrong_person", Status.ERROR, "wrong_person", Signature.OK),
        ("wrong_name", Status.ERROR, "name_differs", Signature.OK),
        ("wrong_query", Status.ERROR, "wrong_query", Signature.OK),
        ("twice_other", Status.ERROR, "duplicate", Signature.OK),
        ("multi", Status.MULTI, "multi", Signature.OK),
        ("error", Status.ERROR, "department", Signature.OK),
        ("dtd", Status.ERROR, "entities", Signature.OK),
        ("oversize", Status.ERROR, "oversize", Signature.NONE),
        ("gzip", Status.ERROR, "refused", Signature.NONE),
        ("future", Status.ERROR, "as_of", Signature.OK),
    ],
)
def test_what_must_not_be_used_is_refused_at_once_and_named(
    departments: Gateway, fault: str, status: Status, reason: str, signature: Signature
) -> None:
    departments.set("vehicle", faults=[fault])
    before = departments.asked("vehicle")
    (answer,) = ask(departments, target(departments))
    assert (answer.status, answer.reason, answer.signature) == (status, reason, signature)
    assert answer.rows == ()
    assert answer.note
    assert NUMBER not in answer.note
    assert departments.asked("vehicle") == before + 1


@pytest.mark.parametrize("fault", ["500", "half", "cut"])
def test_a_passing_fault_is_tried_again(departments: Gateway, fault: str) -> None:
    departments.set("vehicle", faults=[fault, fault, "ok"])
    (answer,) = ask(departments, target(departments))
    assert (answer.status, answer.attempts) == (Status.FOUND, 3)


@pytest.mark.parametrize(("fault", "reason"), [("500", "http_500"), ("half", "half"), ("cut", "half")])
def test_a_lasting_fault_ends_after_the_last_attempt(departments: Gateway, fault: str, reason: str) -> None:
    departments.set("vehicle", faults=[fault], sticky=True)
    (answer,) = ask(departments, target(departments))
    assert (answer.status, answer.reason, answer.attempts) == (Status.ERROR, reason, 3)


def test_an_answer_sent_twice_counts_once_and_is_remarked(departments: Gateway) -> None:
    departments.set("vehicle", faults=["twice"])
    (answer,) = ask(departments, target(departments))
    assert answer.rows == (CAR,)
    assert "收到 2 次" in answer.note


def test_silence_is_a_time_out_and_holds_nobody_up(departments: Gateway) -> None:
    departments.set("vehicle", faults=["timeout"], sticky=True)
    started = time.monotonic()
    late, other = ask(
        departments, target(departments, timeout=0.3, attempts=2, patience=2.0), target(departments, "pension")
    )
    assert (late.status, late.reason, late.attempts) == (Status.TIMEOUT, "timeout", 2)
    assert other.status is Status.NOT_FOUND
    assert time.monotonic() - started < 2


def test_a_slow_department_gives_a_ticket_that_is_fetched(departments: Gateway) -> None:
    departments.set("vehicle", polls=3)
    (answer,) = ask(departments, target(departments))
    assert (answer.status, answer.attempts, answer.ticket) == (Status.FOUND, 1, "")


def test_a_ticket_outlives_patience_and_is_fetched_later(departments: Gateway) -> None:
    departments.set("vehicle", polls=6)
    one = target(departments, patience=1.0)
    (early,) = ask(departments, one)
    assert (early.status, early.reason) == (Status.TIMEOUT, "pending")
    assert early.ticket
    before = departments.asked("vehicle")
    link = Link(departments.url, departments.pair, clock.now, poll=0.05)
    query = replace(early.query, target=replace(one, patience=8.0), ticket=early.ticket)
    (late,) = ask_all([query], envelope=ENVELOPE, link=link)
    assert late.status is Status.FOUND
    assert departments.asked("vehicle") == before


def test_a_paused_source_and_a_spent_quota_are_not_asked(departments: Gateway) -> None:
    before = departments.asked("vehicle")
    paused = target(departments, gate=Gate(paused_until=clock.now() + timedelta(minutes=1)))
    (answer,) = ask(departments, paused)
    assert (answer.status, answer.reason, answer.asked) == (Status.ERROR, "paused", False)
    (answer,) = ask(departments, target(departments, gate=Gate(paused_until=clock.now() - timedelta(minutes=1))))
    assert answer.status is Status.FOUND
    limited = target(departments, gate=Gate(quota_left=1))
    first, second = ask(departments, limited, limited)
    assert {first.reason, second.reason} == {"", "quota"}
    assert departments.asked("vehicle") == before + 2


def test_the_departments_own_quota_is_heard(departments: Gateway) -> None:
    departments.set("vehicle", quota=0)
    (answer,) = ask(departments, target(departments))
    assert (answer.status, answer.reason, answer.attempts) == (Status.ERROR, "quota", 1)


def test_a_stranger_is_turned_away_by_the_gateway(departments: Gateway) -> None:
    stranger = replace(departments, pair=KeyPair.generate())
    (answer,) = ask(stranger, target(departments))
    assert (answer.status, answer.reason) == (Status.ERROR, "refused")
    assert "401" in answer.note


def test_a_request_sent_again_is_turned_away_by_the_gateway(departments: Gateway) -> None:
    body = b'{"request_no":"1","query_no":"1","subject":{"id_no":"x","name":"y"}}'
    path = "/services/vehicle"
    headers = wire.sign_request(departments.pair, method="POST", path=path, body=body, now=clock.now())
    first, second = (
        httpx.post(departments.url + path, content=body, headers=headers, trust_env=False) for _ in range(2)
    )
    assert (first.status_code, second.status_code) == (200, 401)
    assert second.json()["reason"] == "replayed"


def test_nobody_there_is_an_error_not_a_crash() -> None:
    link = Link("http://127.0.0.1:9", KeyPair.generate(), clock.now, backoff=0.01)
    query = Query("1", Target("x", "x", None, attempts=2), Subject("p", NUMBER, "欧阳建"))
    (answer,) = ask_all([query], envelope=ENVELOPE, link=link)
    assert (answer.status, answer.reason, answer.attempts) == (Status.ERROR, "unreachable", 2)


@pytest.mark.parametrize("url", ["http://10.0.0.1:80", "ftp://127.0.0.1", "", "http://127.0.0.1.evil.example"])
def test_people_are_never_sent_in_clear_over_a_network(url: str) -> None:
    with pytest.raises(GatewayUrlError):
        Link(url, KeyPair.generate(), clock.now)


def test_numbers_and_names_stay_out_of_reprs(departments: Gateway) -> None:
    (answer,) = ask(departments, target(departments))
    assert NUMBER not in repr(answer)
    assert "欧阳建" not in repr(answer)
    assert OTHER not in repr(answer)


BOMB = b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><reply><answer>&b;</answer></reply>'


@pytest.mark.parametrize(
    ("body", "kind", "reason"),
    [
        (b"", "application/json", "format"),
        (b"[" * 200_000, "application/json", "format"),
        (b'{"answers": []}', "application/json", "format"),
        (b'{"answers": [{"status": "ZERO"}]}', "application/json", "status"),
        (b'{"answers": [{"status": "FOUND", "rows": [], "count": 0}]}', "application/json", "half"),
        (b'{"answers": [{"status": "NOT_FOUND", "rows": [{"a": 1}], "count": 1}]}', "application/json", "half"),
        (b'{"answers": [{"status": "NOT_FOUND", "rows": [], "count": 0, "as_of": "yesterday"}]}', "text/json", "as_of"),
        (b"<reply><answer>", "application/xml", "format"),
        (BOMB, "application/xml", "entities"),
        (b'<?xml version="1.0" encoding="no-such"?><reply/>', "text/xml", "format"),
    ],
)
def test_a_reply_that_cannot_be_read_says_why(body: bytes, kind: str, reason: str) -> None:
    with pytest.raises(ReplyFaultError) as caught:
        parse_reply(body, kind)
    assert caught.value.reason == reason
