"""Private folders for plain bytes while a file is put together: gone with the work, also where the work was killed.

A killed process tidies nothing up, and what it leaves is in plain. Each folder holds a lock that dies with its process;
who makes the next folder removes those whose lock nobody holds any more. What other rooms leave beside them is cleared by
`store.clear_scratch` after a day.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

__all__ = ["scratch"]

_HELD, _LOCK = "held-", ".lock"


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder of one's own, removed afterwards; what killed processes left is removed before."""
    base = Path(settings.FILES_DIR) / ".scratch"
    base.mkdir(parents=True, exist_ok=True, mode=0o700)
    for left in base.glob(f"{_HELD}*"):
        _remove_if_left(left)
    folder = Path(tempfile.mkdtemp(prefix=_HELD, dir=base))
    # Locked before it has its name: where a lock is to be seen, its process holds it or is gone.
    handle, plain = tempfile.mkstemp(dir=folder)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        os.rename(plain, folder / _LOCK)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(handle)


def _remove_if_left(folder: Path) -> None:
    try:
        handle = os.open(folder / _LOCK, os.O_RDWR)
    except FileNotFoundError:
        return  # begun this moment, or removed by its own process
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return  # in use
    else:
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(handle)
