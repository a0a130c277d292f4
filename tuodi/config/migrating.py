"""Bringing the tables up to date, always in a process of its own that runs as the owner."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable

from tuodi.config.errors import MigrationBusyError, StartUpError
from tuodi.config.paths import REPOSITORY

#: A change of tables that finds them in use gives way, lets the others through, and comes again.
TRIES, PAUSE_SECONDS = 5, 4.0
#: PostgreSQL's code for a lock that did not come in time.
_NOT_IN_TIME = "55P03"


def migrate_as_owner() -> None:
    """Runs the migrations in a child process, so that this one never holds an owner's connection.

    Raises: StartUpError with the child's words if they fail.
    """
    done = subprocess.run(
        [sys.executable, "-m", "tuodi", "migrate", "--quiet"],
        cwd=REPOSITORY,
        env=os.environ | {"TUODI_DB_ROLE": "owner"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    if done.returncode != 0:
        words = done.stderr.strip()[-2000:]
        raise StartUpError("数据表升级失败，没有做完的那一步已撤回。原因：\n" + words)


def patiently(work: Callable[[], None], *, tries: int = TRIES, pause: float = PAUSE_SECONDS) -> None:
    """Does work on the tables while others use them: it waits three seconds for a lock (`config.database`), then lets them pass.

    Args:
        work: done whole or not at all as far as it got; begun anew at each try.

    Raises: MigrationBusyError when they are still in use after the last try; any other error as it comes.
    """
    from django.db import OperationalError

    for left in range(tries - 1, -1, -1):
        try:
            return work()
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", None) != _NOT_IN_TIME:
                raise
            if not left:
                raise MigrationBusyError() from error
        time.sleep(pause)
    return None
