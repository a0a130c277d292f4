"""The product's web application, with moments at which a request stops until it is let go (`webkit.Web.hold`)."""

from __future__ import annotations

import os
import time
from datetime import date, datetime
from pathlib import Path
from typing import Any

from killkit import _after

from tuodi.config.wsgi import application as plain
from tuodi.kernel import clock

HOLD = Path(os.environ["WEBKIT_HOLD"])
DAY = date.fromisoformat(os.environ["KILLKIT_DAY"])
clock.set_clock(lambda: datetime(DAY.year, DAY.month, DAY.day, 9, tzinfo=clock.BEIJING))


def hold(point: str) -> None:
    wanted = HOLD / f"{point}.wait"
    if wanted.exists():
        (HOLD / f"{point}.here").write_text(str(os.getpid()))
        while wanted.exists():
            time.sleep(0.01)


def slow(*_: Any) -> None:
    """What a query that never ends does to a page."""
    from django.db import connection

    if (HOLD / "slow.wait").exists():
        with connection.cursor() as cursor:
            cursor.execute("select pg_sleep(30)")


def _hook() -> None:
    from tuodi.payments import queries
    from tuodi.payments.actions import run

    _after(run.ledger, "post_grant", lambda *args: hold("granted"))
    _after(run, "audit", lambda verb, *args: hold("noted"))
    _after(queries, "access_run", slow)


_hook()


def application(environ: dict[str, Any], start: Any) -> Any:
    """Point `answered`: committed, and the browser has heard nothing."""
    answer = plain(environ, start)
    if environ["REQUEST_METHOD"] == "POST":
        hold("answered")
    return answer
