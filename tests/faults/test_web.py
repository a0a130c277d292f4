"""The web process dies, its links to the database die or run out, another holds what it needs: said in words, nothing half done.

Against the server that `tuodi serve` starts. Two kills run always; `TUODI_KILLS=50` runs the long form, seed printed.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import psycopg
import pytest
from django.db import connection
from killkit import NAME
from paykit import Staff, family, run_month
from webkit import Browser, Web, kill, serving

from tuodi.kernel.periods import Month
from tuodi.org.access import NATION, system_scope
from tuodi.payments import invariants
from tuodi.payments.models import LedgerEntry, PayRun

pytestmark = pytest.mark.django_db(transaction=True)
KILLS = int(os.environ.get("TUODI_KILLS", "2"))
SEED = int(os.environ.get("TUODI_SEED", "2017"))
DAY = "2017-05-08"
MAY = Month(2017, 5)
#: A page answers or says that it is busy within five seconds; as much again for a machine with other work to do.
PROMPT = 10.0


@pytest.fixture(scope="module")
def web(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory, django_db_blocker: Any) -> Iterator[Web]:
    folder = tmp_path_factory.mktemp("web")
    with django_db_blocker.unblock(), serving(folder, DAY) as found:
        yield found


@pytest.fixture
def staff(make_user: Any) -> Staff:
    for n in range(3):
        family(village=f"42080200100{n + 1}")
    return Staff(make_user)


@pytest.fixture
def run(staff: Staff) -> PayRun:
    return run_month(staff, MAY, upto="check")


def granted(run: PayRun) -> tuple[str, int]:
    """State of a run and how often its grant is in the books; the laws of the ledger hold whatever happened."""
    with system_scope(NATION):
        found = PayRun.objects.get(pk=run.pk).state, LedgerEntry.objects.filter(run_id=run.pk, kind="grant").count()
        report = invariants.check()
    assert report.ok, str(report)
    return found


def superuser() -> psycopg.Connection[Any]:
    """Another client of the database, as its owner."""
    own = connection.settings_dict
    link = psycopg.connect(host=own["HOST"], port=own["PORT"], user=own["USER"], password=own["PASSWORD"] or None, dbname=own["NAME"], autocommit=True)  # fmt: skip
    link.execute("set role tuodi_owner")
    return link


def said(answer: httpx.Response, *words: str) -> None:
    """503 in Chinese with a time to come back."""
    assert answer.status_code == 503, answer.text
    assert int(answer.headers["Retry-After"]) >= 5
    assert answer.headers["Cache-Control"] == "no-store"
    for word in words:
        assert word in answer.text


def test_a_web_process_killed_in_approval_has_approved_once_or_not_at_all(web: Web, staff: Staff) -> None:
    """Fault 3: at the points named and at random moments; the second click ends it, the third changes nothing."""
    print(f"seed {SEED}, {KILLS} kills")
    luck = random.Random(SEED)
    points = [*["granted", "answered", "noted"][:KILLS], *[""] * (KILLS - 3)]
    for n, point in enumerate(points):
        run = run_month(staff, MAY + n, upto="check")
        browser = Browser(web, staff.approve)
        address = f"/runs/{run.pk}/"
        token = browser.token(address)
        lost: list[BaseException] = []

        def click(
            browser: Browser = browser,
            address: str = address,
            token: str = token,
            lost: list[BaseException] = lost,
        ) -> None:
            try:
                browser.post(address, token, do="approve")
            except httpx.TransportError as error:
                lost.append(error)

        clicking = threading.Thread(target=click)
        if point:
            with web.hold(point):
                clicking.start()
                kill(web.reached(point))
        else:
            clicking.start()
            time.sleep(luck.uniform(0.0, 0.15))
            for pid in web.pids():
                kill(pid)
        clicking.join(timeout=60)
        web.up()
        found = granted(run)
        assert found in (("checked", 0), ("approved", 1))
        if point:
            assert found[0] == ("approved" if point == "answered" else "checked")
            assert lost, "the killed process answered"
        for _ in range(2):
            assert browser.post(address, token, do="approve").status_code == 303
            assert granted(run) == ("approved", 1)


def test_a_link_lost_in_the_midst_writes_nothing_and_the_next_click_works(
    web: Web, staff: Staff, run: PayRun, as_owner: Any
) -> None:
    """Fault 19, the first part: what a restart of the server or of a pooler in front of it does to an open transaction."""
    browser = Browser(web, staff.approve)
    address = f"/runs/{run.pk}/"
    token = browser.token(address)
    answers: list[httpx.Response] = []
    clicking = threading.Thread(target=lambda: answers.append(browser.post(address, token, do="approve")))
    with web.hold("granted"):
        clicking.start()
        web.reached("granted")
        with superuser() as link:
            link.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where application_name = %s and pid <> pg_backend_pid()",
                [NAME],
            )
    clicking.join(timeout=60)
    (answer,) = answers
    said(answer, "没有保存", "暂时连不上数据库", "后退")
    assert granted(run) == ("checked", 0)
    assert browser.post(address, token, do="approve").status_code == 303
    assert granted(run) == ("approved", 1)


def test_no_connection_left_is_said_at_once_in_the_form_that_was_asked_for(web: Web, staff: Staff, run: PayRun) -> None:
    """Fault 19, the second part: the server takes no more connections."""
    browser = Browser(web, staff.approve)
    address = f"/runs/{run.pk}/"
    token = browser.token(address)
    with superuser() as link:
        name = connection.settings_dict["NAME"]
        link.execute(f'alter database "{name}" connection limit 0')
        try:
            link.execute("select pg_terminate_backend(pid) from pg_stat_activity where application_name = %s", [NAME])
            began = time.monotonic()
            said(browser.get(address), "暂时连不上数据库", "再试一次", f'href="{address}"')
            assert time.monotonic() - began < PROMPT
            said(browser.post(address, token, do="approve"), "没有保存", "后退")
            fragment = browser.get(address, HX_Request="true")
            said(fragment, "暂时连不上数据库")
            assert "<" not in fragment.text
            device = browser.get(address, Accept="application/json")
            said(device)
            assert device.json()["code"] == "away"
        finally:
            link.execute(f'alter database "{name}" connection limit -1')
    assert web.up(30) < 30
    assert granted(run) == ("checked", 0)
    assert browser.post(address, token, do="approve").status_code == 303
    assert granted(run) == ("approved", 1)


def test_a_page_never_waits_for_another_longer_than_a_reader_would(web: Web, staff: Staff, run: PayRun) -> None:
    """Fault 22: a long transaction holds the row, then the whole table; a query does not end."""
    browser = Browser(web, staff.approve)
    address = f"/runs/{run.pk}/"
    token = browser.token(address)
    with superuser() as link, link.transaction():
        link.execute("select set_config('app.region', '0', true), set_config('app.region_hi', '~', true)")
        assert link.execute("select 1 from payments_payrun where id = %s for update", [run.pk]).fetchone()
        began = time.monotonic()
        said(browser.post(address, token, do="approve"), "正被另一项操作占用", "没有保存")
        assert time.monotonic() - began < PROMPT
        assert browser.get(address).status_code == 200  # reading waits for nobody
        link.execute("lock table payments_payline in access exclusive mode")
        began = time.monotonic()
        said(browser.get(address), "正被另一项操作占用")
        assert time.monotonic() - began < PROMPT
    with web.hold("slow"):
        began = time.monotonic()
        said(browser.get(address), "超过了时限")
        assert time.monotonic() - began < PROMPT
    assert granted(run) == ("checked", 0)
    assert browser.post(address, token, do="approve").status_code == 303
    assert granted(run) == ("approved", 1)
