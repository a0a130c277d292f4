"""The departments' gateway as a process of its own, for tests that ask over real HTTP."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tuodi.crypto.sm2 import KeyPair

ROOT = Path(__file__).resolve().parents[1]


@dataclass
class Gateway:
    """A running gateway: its address, the departments' public keys, our own pair."""

    url: str
    keys: dict[str, str]
    pair: KeyPair

    def set(self, service: str, **behaviour: Any) -> None:
        """Scripts one service."""
        done = httpx.post(f"{self.url}/control", json={"service": service, **behaviour}, trust_env=False)
        assert done.status_code == 200

    def at(self, moment: str) -> None:
        """Sets the gateway's clock, which runs on from there."""
        assert httpx.post(f"{self.url}/control", json={"clock": moment}, trust_env=False).status_code == 200

    def asked(self, service: str) -> int:
        """How many questions a service has taken."""
        found = httpx.get(f"{self.url}/health", trust_env=False).json()
        return int(found["services"][service]["asked"])


@contextmanager
def gateway(
    *, data: Path | None = None, clock: str = "", pair: KeyPair | None = None, seed: int = 2017
) -> Iterator[Gateway]:
    """Starts the simulator; ends it afterwards, whatever happened."""
    own = pair or KeyPair.generate()
    command = [sys.executable, str(ROOT / "simulators" / "gateway.py"), "--port", "0", "--seed", str(seed)]
    command += ["--client-key", own.public.hex()]
    command += ["--data", str(data)] if data else []
    command += ["--clock", clock] if clock else []
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        hello = json.loads(process.stdout.readline())
        yield Gateway(f"http://127.0.0.1:{hello['port']}", hello["keys"], own)
    finally:
        process.terminate()
        process.wait(timeout=10)


def sources(running: Gateway, place_code: str, *services: str, **more: Any) -> dict[str, Any]:
    """Registers live sources for services of a running gateway; in scope of nobody: sources are no personal data."""
    from tuodi.exchange.live import load_live_profile
    from tuodi.verification.models import DataSource

    return {
        service: DataSource.objects.create(
            code=service,
            kind=service,
            place_code=place_code,
            label=load_live_profile(service).label,
            department="测试部门",
            state=DataSource.State.LIVE,
            mode=DataSource.Mode.REAL_TIME,
            service=service,
            reply_key=running.keys[service],
            **more,
        )
        for service in services
    }


def registers(folder: Path, **services: list[dict[str, str]]) -> Path:
    """Writes register files for `gateway(data=…)`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in services.items():
        path = folder / f"{name}.json"
        path.write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
    return folder
