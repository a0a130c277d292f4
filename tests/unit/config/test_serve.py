"""What `tuodi serve` keeps up, and what it gives up; which faults of the machine are told apart."""

from __future__ import annotations

import errno
import os
import sys

import psycopg
import pytest
from django.db import OperationalError
from psycopg_pool import PoolTimeout

from tuodi.config.verbs import serve
from tuodi.config.verbs.serve import Child
from tuodi.org import outages
from tuodi.org.outages import outage_of


def test_a_child_that_was_of_use_is_started_for_ever_one_that_cannot_run_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    child = Child("网页服务", [sys.executable, "-c", "raise SystemExit(7)"], dict(os.environ))
    told = []
    for _ in range(serve.MOST_EARLY):
        told.append(child.care())
        assert child.process is not None
        child.process.wait(timeout=60)
    assert told == [None] * serve.MOST_EARLY
    assert child.care() == 7
    child.early, child.began = serve.MOST_EARLY - 1, child.began - serve.USEFUL_SECONDS  # it had served for a while
    assert (child.care(), child.early) == (None, 0)
    assert child.process is not None
    child.process.wait(timeout=60)


def caused(cause: BaseException) -> OperationalError:
    error = OperationalError("x")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "wanted"),
    [
        (caused(PoolTimeout("x")), outages.AWAY),
        (caused(psycopg.errors.AdminShutdown("x")), outages.AWAY),
        (caused(psycopg.errors.TooManyConnections("x")), outages.CROWDED),
        (caused(psycopg.errors.LockNotAvailable("x")), outages.LOCKED),
        (caused(psycopg.errors.QueryCanceled("x")), outages.SLOW),
        (caused(psycopg.errors.DeadlockDetected("x")), outages.CLASHED),
        (caused(psycopg.errors.DiskFull("x")), outages.FULL),
        (OSError(errno.ENOSPC, "x"), outages.FULL),
        (OSError(errno.EROFS, "x"), outages.BROKEN),
        (FileNotFoundError(errno.ENOENT, "x"), None),
        (psycopg.errors.UniqueViolation("x"), None),
        (ValueError("x"), None),
        (None, None),
    ],
)
def test_a_fault_of_the_machine_is_told_from_one_of_the_program(error: BaseException | None, wanted: object) -> None:
    assert outage_of(error) == wanted
