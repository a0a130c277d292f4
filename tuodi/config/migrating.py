"""Bringing the tables up to date, always in a process of its own that runs as the owner."""

from __future__ import annotations

import os
import subprocess
import sys

from tuodi.config.errors import StartUpError
from tuodi.config.paths import REPOSITORY


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
        raise StartUpError("数据表升级失败，数据未改动。原因：\n" + done.stderr.strip()[-2000:])
