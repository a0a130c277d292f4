"""Fault 20: what works against each other ends by a deadlock, and each click is done once all the same.

The product takes its locks in one order everywhere; here each approval also takes the other run, so that two of them meet
in opposite order. PostgreSQL ends one of the two, and the request is tried anew, as often as `CLASHES` says.
"""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from casekit import client_of
from django.db import connection
from django.test import Client
from paykit import Staff, family, pay_day, run_month

from tuodi.config import postgres
from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.org import middleware
from tuodi.org.access import NATION, system_scope
from tuodi.org.outages import CLASHED, outage_of
from tuodi.payments import invariants
from tuodi.payments.actions import run as run_actions
from tuodi.payments.models import LedgerEntry, PayRun

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(bool(os.environ.get("DATABASE_URL")), reason="要改私有数据库服务的设置"),
]
THREADS = 40


@pytest.fixture
def clashes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The outages a request was tried anew for; each transaction takes the other run after its own."""
    seen: list[str] = []
    plain = run_actions.lock_run

    def both(run: PayRun) -> PayRun:
        mine = plain(run)
        for other in PayRun.objects.exclude(pk=run.pk).order_by("pk"):
            plain(other)
        return mine

    def told(error: BaseException | None) -> Any:
        found = outage_of(error)
        seen.append(found.code if found else "")
        return found

    monkeypatch.setattr(run_actions, "lock_run", both)
    monkeypatch.setattr(middleware, "outage_of", told)
    return seen


@pytest.fixture
def quick() -> Iterator[None]:
    """The database looks for deadlocks soon, in links made from now on."""
    name = connection.settings_dict["NAME"]

    def say(words: str) -> None:
        with postgres.superuser_link(postgres.layout()) as link:
            link.execute(f'alter database "{name}" {words}')

    say("set deadlock_timeout = '30ms'")
    yield
    say("reset deadlock_timeout")


def test_clicks_that_meet_in_opposite_order_are_each_done_once(make_user: Any, clashes: list[str], quick: None) -> None:
    staff = Staff(make_user)
    for n in (1, 2):
        family(village=f"42080200100{n}")
    family(village="420802001003", programme="tekun", amount_fen=90_000)
    month = Month(2017, 5)
    runs = [run_month(staff, month, upto="check", programmes=[name]) for name in ("dibao", "tekun")]
    ends: list[Any] = []
    together = threading.Barrier(THREADS)
    signed_in = client_of(staff.approve)  # once: one person has one session

    def click(run: PayRun) -> None:
        try:
            client = Client(raise_request_exception=False)
            client.cookies = signed_in.cookies
            together.wait(timeout=60)
            answer = client.post(f"/runs/{run.pk}/", {"do": "approve"})
            ends.append((answer.status_code, answer.headers.get("Retry-After", "")))
        except Exception as error:
            ends.append(error)
        finally:
            connection.close()

    with clock.frozen(pay_day(month)):
        threads = [threading.Thread(target=click, args=(runs[n % 2],)) for n in range(THREADS)]
        for one in threads:
            one.start()
        for one in threads:
            one.join(timeout=120)
    told = Counter(ends)
    print(f"{len(clashes)} clashes, {dict(told)}")
    assert clashes.count(CLASHED.code) == len(clashes) > 0
    # Done, told that it was done already, or asked to come back after the last try; never a half, never another word.
    assert set(told) <= {(303, ""), (503, str(CLASHED.seconds))}
    assert told[303, ""] >= 2
    with clock.frozen(pay_day(month)):  # who was asked to come back comes back
        assert {signed_in.post(f"/runs/{run.pk}/", {"do": "approve"}).status_code for run in runs} == {303}
    assert runs[0].amount_fen
    with system_scope(NATION):
        for run in runs:
            run.refresh_from_db()
            assert run.state == "approved"
            assert LedgerEntry.objects.filter(run_id=run.pk, kind="grant").count() == (1 if run.amount_fen else 0)
            assert run.signatures.count() == 1
        report = invariants.check()
    assert report.ok, str(report)


def test_a_clash_that_does_not_end_is_said_in_words(make_user: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.db import OperationalError
    from psycopg import errors

    tries: list[int] = []

    def clash(run: PayRun) -> PayRun:
        tries.append(run.pk)
        raise OperationalError("deadlock detected") from errors.DeadlockDetected("deadlock detected")

    staff = Staff(make_user)
    family()
    run = run_month(staff, Month(2017, 5), upto="check")
    monkeypatch.setattr(run_actions, "lock_run", clash)
    client = client_of(staff.approve)
    client.raise_request_exception = False
    with clock.frozen(pay_day(Month(2017, 5))):
        answer = client.post(f"/runs/{run.pk}/", {"do": "approve"})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, str(CLASHED.seconds))
    assert "没有保存" in answer.content.decode()
    assert len(tries) == middleware.CLASHES
    with system_scope(NATION):
        assert PayRun.objects.get(pk=run.pk).state == "checked"
