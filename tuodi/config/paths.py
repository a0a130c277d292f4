"""Where state lives on disk. Everything the product writes at run time lies below `var_dir()`."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


def var_dir() -> Path:
    """The state folder: `TUODI_VAR` if set, else `var/` in the checkout. Created on first use.

    Mode 0711: a database server that runs under another uid must pass through it, but nobody may list it.
    """
    path = Path(os.environ.get("TUODI_VAR") or REPOSITORY / "var").resolve()
    if not path.is_dir():
        path.mkdir(parents=True, mode=0o711)
        path.chmod(0o711)
    return path


def path_hash(path: Path) -> str:
    """Twelve hex digits that name a path, for folders that must live elsewhere."""
    return hashlib.sha256(str(path).encode()).hexdigest()[:12]
