"""The web server as `tuodi serve` starts it, over the test's database, and a browser's half of a form."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from killkit import ROOT, _environment

#: Longest wait for the server, or for a request to come to a point, in seconds.
PATIENCE = 60


class Web:
    """A server of one process, and its address."""

    def __init__(self, process: subprocess.Popen[bytes], address: str, folder: Path) -> None:
        self.process, self.address, self.folder = process, address, folder

    def up(self, within: float = PATIENCE) -> float:
        """Waits until it answers with 200; how long that took."""
        began = time.monotonic()
        while time.monotonic() < began + within:
            try:
                if httpx.get(f"{self.address}/healthz", timeout=10, trust_env=False).status_code == 200:
                    return time.monotonic() - began
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        raise AssertionError(f"no answer within {within} s")

    @contextmanager
    def hold(self, point: str) -> Iterator[None]:
        """Whatever comes to a point of `webapp` within the block stops there until the block ends."""
        here, wait = self.folder / f"{point}.here", self.folder / f"{point}.wait"
        here.unlink(missing_ok=True)
        wait.touch()
        try:
            yield
        finally:
            wait.unlink()

    def reached(self, point: str) -> int:
        """Waits until a request stands at a point; the process that serves it."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            found = self.folder / f"{point}.here"
            if found.exists() and (text := found.read_text()):
                return int(text)
            time.sleep(0.01)
        raise AssertionError(f"no request came to {point}")

    def pids(self) -> list[int]:
        """The processes that serve, as the system lists them."""
        found = [pid for server in _children(self.process.pid) for pid in _children(server)]
        return [pid for pid in found if b"resource_tracker" not in Path(f"/proc/{pid}/cmdline").read_bytes()]


def _children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


#: What `tuodi serve` does once the tables are up to date, for this application and without the worker.
SERVE = """
import sys
from tuodi.config.verbs import serve
sys.exit(serve.keep([serve.web("127.0.0.1", int(sys.argv[1]), application="webapp:application")]))
"""


@contextmanager
def serving(folder: Path, day: str) -> Iterator[Web]:
    """The server over the test's database, on a day."""
    from django.conf import settings

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    told = {
        "TUODI_DEMO": "1",
        "TUODI_SECRET_KEY": settings.SECRET_KEY,
        "TUODI_FILES": str(folder / "files"),
        "WEBKIT_HOLD": str(folder),
        "KILLKIT_DAY": day,
    }
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE, str(port)],
        cwd=ROOT,
        env=_environment() | told,
        stderr=(folder / "web.log").open("ab"),
    )
    try:
        web = Web(process, f"http://127.0.0.1:{port}", folder)
        web.up()
        yield web
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Browser:
    """One officer's browser: signed in, with the token of the page he sees."""

    def __init__(self, web: Web, user: Any) -> None:
        from django.test import Client

        client = Client()
        client.force_login(user, backend="tuodi.org.backends.StaffBackend")
        self.http = httpx.Client(
            base_url=web.address,
            cookies={"tuodi": client.cookies["tuodi"].value},
            timeout=PATIENCE,
            trust_env=False,
        )

    def get(self, address: str, **headers: str) -> httpx.Response:
        return self.http.get(address, headers={key.replace("_", "-"): value for key, value in headers.items()})

    def token(self, address: str) -> str:
        page = self.get(address)
        assert page.status_code == 200, page.text
        found = re.search(r'"X-CSRFToken": "([^"]+)"', page.text)
        assert found is not None
        return found[1]

    def post(self, address: str, token: str, **data: str) -> httpx.Response:
        return self.http.post(address, data=data, headers={"X-CSRFToken": token})


def kill(pid: int) -> None:
    os.kill(pid, 9)
