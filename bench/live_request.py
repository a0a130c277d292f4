"""One family asked of twelve departments at once. Usage: live_request.py [--slow SECONDS] [--people N]

Starts the gateway simulator on the loopback, gives each department another delay up to SECONDS, asks about N people, and
compares the whole with the slowest single answer. The bound is 1.2 times that (see docs/benchmarks.md); ends with 1 above it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import httpx

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tuodi.crypto.sm2 import KeyPair
from tuodi.exchange.gateway import Envelope, Link, Query, Subject, Target, ask_all
from tuodi.kernel import clock
from tuodi.kernel.identity import make_id

ROOT = Path(__file__).resolve().parents[1]
BOUND = 1.2


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--slow", type=float, default=3.0)
    parser.add_argument("--people", type=int, default=1)
    given = parser.parse_args()
    pair = KeyPair.generate()
    command = [
        sys.executable,
        str(ROOT / "simulators" / "gateway.py"),
        "--port",
        "0",
        "--client-key",
        pair.public.hex(),
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        hello = json.loads(process.stdout.readline())  # type: ignore[union-attr]
        measure(f"http://127.0.0.1:{hello['port']}", hello["keys"], pair, given.slow, given.people)
    finally:
        process.terminate()
        process.wait(timeout=10)


def measure(url: str, keys: dict[str, str], pair: KeyPair, slow: float, people: int) -> None:
    services = sorted(keys)
    for place, service in enumerate(services, 1):
        delay = slow * place / len(services)
        httpx.post(f"{url}/control", json={"service": service, "delay": delay}, trust_env=False).raise_for_status()
    targets = [Target(name, name, bytes.fromhex(keys[name]), timeout=slow * 3, patience=slow * 5) for name in services]
    subjects = [Subject(str(n), make_id("420899", date(1960, 1, 2), n + 1), "测试") for n in range(people)]
    queries = [
        Query(f"{target.code}-{one.ref}", target, one) for target in reversed(targets) for one in subjects
    ]  # the slowest first: what is signed last waits for all signatures before it
    envelope = Envelope("420899-HD-0", "application", "dibao", "bench")
    started, worked = time.perf_counter(), time.process_time()
    answers = list(ask_all(queries, envelope=envelope, link=Link(url, pair, clock.now)))
    total = time.perf_counter() - started
    slowest = max(answer.seconds for answer in answers)
    figures = {
        "sources": len(services),
        "people": people,
        "answers": len(answers),
        "usable": sum(answer.usable for answer in answers),
        "slowest_delay": slow,
        "slowest_answer": round(slowest, 3),
        "total": round(total, 3),
        "own_cpu": round(time.process_time() - worked, 3),
        "sum_of_delays": round(sum(slow * n / len(services) for n in range(1, len(services) + 1)) * people, 1),
        "total_over_delay": round(total / slow, 3),
    }
    print(json.dumps(figures))
    if figures["usable"] != len(queries) or total > BOUND * slow:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
