"""A whole request with its database beside an empty one of the same server. Usage: request.py [--rounds N] [--skip-server]

Needs a state folder with the demo in it (`tuodi demo --no-serve`). Asks, in turn, so that a machine whose speed moves hurts all alike:
`empty` (/healthz: every middleware, and `select 1` in a transaction), `missing` (the page of a 404: every middleware, no query), `family` (a family on the roll of the whole prefecture: explained,
compared with the month before, with its payments), `decide` (that page for all usual programmes: every one decided and explained).
First through Django's handler in this process with one connection, then through granian on loopback with its pool. p50 and p99 in milliseconds.
"""

from __future__ import annotations

import argparse
import http.client
import os
import subprocess
import sys
import time
from collections.abc import Callable

from common import REPOSITORY, percentiles, report

os.environ.update({
    "DJANGO_SETTINGS_MODULE": "tuodi.config.settings", "TUODI_DEMO": "1", "TUODI_DEMO_TODAY": "2017-09-11", "TUODI_DB_ROLE": "app",
})  # fmt: skip
ACCOUNT, PORT, WARM = "dongbao-hd", 8917, 10


def measure(pages: dict[str, str], ask: Callable[[str], int], rounds: int, name: str) -> None:
    """Reports p50, p99 of each page and their ratio to the empty one. Raises AssertionError for an answer that is no page."""
    taken: dict[str, list[float]] = {page: [] for page in pages}
    for turn in range(rounds + WARM):
        for page, path in pages.items():
            start = time.perf_counter()
            status = ask(path)
            if turn >= WARM:
                taken[page].append((time.perf_counter() - start) * 1e3)
            assert status == (404 if page == "missing" else 200), (path, status)
    empty = percentiles(taken["empty"])
    for page, times in taken.items():
        p50, p99 = percentiles(times)
        report(through=name, page=page, p50_ms=round(p50, 2), p99_ms=round(p99, 2), ratio_p50=round(p50 / empty[0], 1))


def prepared() -> tuple[dict[str, str], str]:
    """The pages, and the session cookie of a signed-in county officer."""
    import django

    django.setup()
    from django.test import Client

    from tuodi.config import postgres
    from tuodi.org import access
    from tuodi.org.models import User
    from tuodi.people.models import RollEntry

    postgres.ensure_running()
    client = Client()
    client.force_login(User.objects.get(username=ACCOUNT), backend="tuodi.org.backends.StaffBackend")
    with access.system_scope("420802"):
        family = RollEntry.objects.filter(programme="dibao", end_month=None, imported=False).earliest("id").household_id
    pages = {
        "empty": "/healthz",
        "missing": "/nothing",
        "family": f"/families/{family}/",
        "decide": f"/families/{family}/?all=1",
    }
    return pages, client.cookies["tuodi"].value


def in_process(pages: dict[str, str], session: str, rounds: int) -> None:
    """Django's own handler, without sockets. The connection is kept, as the server's pool keeps it."""
    from django.core.handlers.wsgi import WSGIHandler
    from django.db import connection
    from django.test import RequestFactory

    handler, factory = WSGIHandler(), RequestFactory(headers={"host": "127.0.0.1"})
    connection.settings_dict["CONN_MAX_AGE"] = None

    def ask(path: str) -> int:
        request = factory.get(path, headers={"cookie": f"tuodi={session}"})
        status = 0

        def start(line: str, _headers: object, _info: object = None) -> None:
            nonlocal status
            status = int(line.split()[0])

        answer = handler(request.environ, start)
        b"".join(answer)
        answer.close()
        return status

    measure(pages, ask, rounds, "handler")


def by_granian(pages: dict[str, str], session: str, rounds: int) -> None:
    """The server as `tuodi serve` starts it, one connection kept open."""
    command = [sys.executable, "-m", "tuodi", "serve", "--port", str(PORT), "--no-worker"]
    server = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.DEVNULL)
    link = http.client.HTTPConnection("127.0.0.1", PORT, timeout=30)

    def ask(path: str) -> int:
        link.request("GET", path, headers={"Cookie": f"tuodi={session}"})
        answer = link.getresponse()
        answer.read()
        return answer.status

    try:
        for _ in range(120):
            try:
                ask(pages["empty"])
                break
            except OSError:
                link.close()
                time.sleep(0.5)
        measure(pages, ask, rounds, "granian")
    finally:
        link.close()
        server.terminate()
        server.wait(20)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--skip-server", action="store_true")
    args = parser.parse_args()
    pages, session = prepared()
    in_process(pages, session, args.rounds)
    if not args.skip_server:
        by_granian(pages, session, args.rounds)


if __name__ == "__main__":
    main()
