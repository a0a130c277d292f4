"""Shared by every benchmark: folders, the table of columns compared, a timer that keeps the least, and the memory of a process tree."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

BENCH = Path(__file__).resolve().parent
REPOSITORY = BENCH.parent
#: Data, venvs and results lie below the state folder, which git ignores.
ROOT = Path(os.environ.get("TUODI_VAR") or REPOSITORY / "var").resolve() / "bench"
#: The month paid for, and the columns every engine must agree on for every household (fen, persons, codes).
YEAR, MONTH = 2020, 9
COLUMNS = ["household_id", "n", "counted", "net", "percap", "std", "outcome", "base", "increment", "basic", "care", "price", "total"]  # fmt: skip
TABLES = ("households", "members", "incomes", "costs")
STANDARDS = ("standard", "extreme_standard", "care_full", "care_half", "care_self", "price_rate")
MARK = "RESULT "

sys.path.insert(0, str(REPOSITORY))  # scripts started in this folder import the product


def table(persons: int, name: str) -> Path:
    """The Parquet file of one input table."""
    return ROOT / "data" / f"monthly-{persons}" / f"{name}.parquet"


def result(engine: str, persons: int) -> Path:
    """Where an engine writes its answer."""
    folder = ROOT / "out"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{engine}-{persons}.parquet"


def peer_python(venv: str = "openfisca") -> str:
    """The interpreter of a peer's own venv (`openfisca`; `verify`: pandas and Splink); see README."""
    return str(ROOT / venv / "bin" / "python")


def report(**values: Any) -> None:
    """One line of JSON for the suite."""
    print(MARK + json.dumps(values), flush=True)


@contextlib.contextmanager
def clocked(into: dict[str, float], name: str) -> Iterator[None]:
    """Adds the seconds of a block to a dictionary."""
    start = time.perf_counter()
    yield
    into[name] = into.get(name, 0.0) + time.perf_counter() - start


def least(work: Callable[[], Any], rounds: int) -> float:
    """The least seconds of some rounds."""
    best = float("inf")
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return best


def percentiles(milliseconds: list[float]) -> tuple[float, float]:
    """(p50, p99)."""
    ordered = sorted(milliseconds)
    return ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.99) - 1]


def tree_bytes(pid: int) -> int:
    """Resident memory of a process and all below it, shared pages counted half. Linux only."""
    page = os.sysconf("SC_PAGE_SIZE")
    total, waiting = 0, [pid]
    while waiting:
        at = waiting.pop()
        try:
            resident, shared = (int(x) for x in Path(f"/proc/{at}/statm").read_text().split()[1:3])
            total += (resident - shared // 2) * page
            for task in Path(f"/proc/{at}/task").iterdir():
                waiting += [int(x) for x in (task / "children").read_text().split()]
        except (OSError, ValueError):
            continue  # it ended while being looked at
    return total


def run(command: list[str], *, seconds: float = 900.0, environment: dict[str, str] | None = None) -> dict[str, Any]:
    """Runs one engine in a process of its own.

    Returns: what it reported, with `process_s` and `peak_mb` of the whole tree, or `error`.
    """
    start = time.perf_counter()
    ROOT.mkdir(parents=True, exist_ok=True)
    with (ROOT / "last.log").open("w+") as log:
        child = subprocess.Popen(
            command, stdout=log, stderr=subprocess.STDOUT, cwd=BENCH, env={**os.environ, **(environment or {})}
        )
        peak = 0
        while child.poll() is None:
            peak = max(peak, tree_bytes(child.pid))
            if time.perf_counter() - start > seconds:
                child.kill()
                break
            time.sleep(0.05)
        wall = time.perf_counter() - start
        log.seek(0)
        lines = log.read().splitlines()
    found: dict[str, Any] = {}
    for line in lines:
        if line.startswith(MARK):
            found.update(json.loads(line[len(MARK) :]))
    if child.returncode != 0 or not found:
        found["error"] = "\n".join(lines[-3:])[-400:] or f"ended with {child.returncode}"
    return {**found, "process_s": round(wall, 3), "peak_mb": round(peak / 1e6)}
