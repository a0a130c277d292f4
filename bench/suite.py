"""Runs the benchmarks in interleaved rounds and prints their ratios. Usage: suite.py JOB [--persons N] [--rounds K] [--json FILE]

JOB: monthly, small (0.44M), scale, duckdb, spark, family, province, database, what-if; of verification: verify (0.44M persons × 5.2M register rows),
verify-province (4.3M × 50M), verify-day (a new register against 4.3M), verify-spark (0.44M). Every engine runs in a process of its own; one round runs
each engine once, so that a machine whose speed moves hurts all alike. Each figure is the least of its rounds, and ratios
are taken between such minima of the same run. Results go to results/JOB-PERSONS.json below the state folder's bench/.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common import BENCH, ROOT, peer_python, run

PY = sys.executable
SIZES = (444_646, 1_000_000, 4_300_000)
#: Rows of a new day's register.
DAYS = (10_000, 100_000, 1_000_000)
JOBS = (
    "monthly", "small", "scale", "duckdb", "spark", "family", "province", "database", "what-if",
    "verify", "verify-province", "verify-day", "verify-spark",
)  # fmt: skip


@dataclass(frozen=True)
class Target:
    """One promise: `numerator / denominator` compared with a limit, over the least wall (or `of` another figure)."""

    text: str
    numerator: tuple[str, str]
    denominator: tuple[str, str]
    at_most: float


def script(name: str, *args: object, python: str = PY) -> list[str]:
    return [python, str(BENCH / name), *map(str, args)]


def engines(job: str, persons: int) -> dict[str, list[str]]:
    """What runs in each round, in order."""
    polars = script("peers/polars_monthly.py", persons)
    fisca = script("peers/openfisca_monthly.py", persons, python=peer_python())
    tuodi = script("monthly.py", "polars", persons)
    return {
        "monthly": {"polars": polars, "tuodi": tuodi, "openfisca": fisca, "floor": script("floors.py", persons)},
        "small": {"polars": polars, "tuodi": tuodi, "openfisca": fisca},
        "scale": {str(n): script("monthly.py", "polars", n) for n in SIZES},
        "duckdb": {e: script("monthly.py", e, persons) for e in ("duckdb", "duckdb-1GB")},
        "spark": {"tuodi": tuodi, "spark": script("monthly.py", "spark", persons)},
        "family": {
            "tuodi": script("one_family.py"),
            "openfisca": script("peers/openfisca_monthly.py", "family", python=peer_python()),
        },
        "what-if": {"tuodi": tuodi, "what-if": script("what_if.py", persons)},
        "province": {"cold": script("province.py", "cold"), "cached": script("province.py", "cached")},
        "database": {w: script("end_to_end.py", persons, w) for w in ("traffic", "run")},
        "verify": {
            "keyed": script("verify.py", "keyed", persons),
            "csv": script("verify.py", "csv", persons),
            "splink": script("peers/splink_verify.py", persons, "keyed", python=peer_python("verify")),
            "pandas": script("peers/pandas_verify.py", persons, "csv", python=peer_python("verify")),
            "floor": script("verify_floors.py", persons),
        },
        "verify-province": {
            "keyed": script("verify.py", "keyed", persons),
            "floor": script("verify_floors.py", persons),
            "splink": script("peers/splink_verify.py", persons, "keyed", python=peer_python("verify")),
            "duckdb-1GB": script("verify.py", "keyed", persons, "duckdb-1GB"),
            "raw": script("verify.py", "parquet", persons),
            "floor-raw": script("verify_floors.py", persons, "raw"),
            "pandas": script("peers/pandas_verify.py", persons, "parquet", python=peer_python("verify")),
        },
        "verify-day": {str(n): script("verify.py", "day", persons, "--rows", n) for n in DAYS},
        "verify-spark": {
            "keyed": script("verify.py", "keyed", persons),
            "spark": script("verify.py", "keyed", persons, "spark"),
        },
    }[job]


def targets(job: str) -> list[Target]:
    """What is promised of a job."""
    return {
        "monthly": [
            Target("墙钟 ÷ OpenFisca", ("tuodi", "wall"), ("openfisca", "wall"), 1 / 4.5),
            Target("墙钟 ÷ 手写 Polars", ("tuodi", "wall"), ("polars", "wall"), 1.15),
            Target("墙钟 ÷ (读 + 分组 + 写)", ("tuodi", "wall"), ("floor", "wall"), 3.0),
            Target("峰值内存 ÷ OpenFisca", ("tuodi", "peak_mb"), ("openfisca", "peak_mb"), 0.75),
        ],
        "small": [
            Target("墙钟 ÷ 手写 Polars", ("tuodi", "wall"), ("polars", "wall"), 1.3),
            Target("墙钟 ÷ OpenFisca 建模和计算", ("tuodi", "wall"), ("openfisca", "build_compute_s"), 0.5),
        ],
        "scale": [
            Target("时间比(人数比 9.67)", (str(SIZES[-1]), "wall"), (str(SIZES[0]), "wall"), SIZES[-1] / SIZES[0]),
        ],
        "duckdb": [Target("限 1 GB 内存 ÷ 不限", ("duckdb-1GB", "wall"), ("duckdb", "wall"), 1.3)],
        "spark": [],
        "family": [
            Target("p50 全部中间值(已定型的行)÷ OpenFisca 带追踪", ("tuodi", "rows_p50_ms"), ("openfisca", "trace_p50_ms"), 1 / 50),
            Target("p50 全部中间值(读 JSON)÷ OpenFisca 带追踪", ("tuodi", "decide_p50_ms"), ("openfisca", "trace_p50_ms"), 1 / 50),
            Target("p50 连同文字解释 ÷ OpenFisca 带追踪", ("tuodi", "text_p50_ms"), ("openfisca", "trace_p50_ms"), 1 / 5),
            Target("p99 ÷ p50(已定型的行)", ("tuodi", "rows_p99_ms"), ("tuodi", "rows_p50_ms"), 3.0),
        ],
        "what-if": [Target("测算一个方案 ÷ 月度计算", ("what-if", "wall"), ("tuodi", "wall"), 1.5)],
        "province": [],
        "database": [Target("墙钟 ÷ 只有数据库读写", ("run", "wall"), ("traffic", "wall"), 1.25)],
        "verify": [
            Target("CSV 到线索 ÷ pandas", ("csv", "wall"), ("pandas", "wall"), 1 / 12),
            Target("有键 ÷ pandas", ("keyed", "wall"), ("pandas", "wall"), 1 / 50),
            Target("有键 ÷ Splink 有键", ("keyed", "wall"), ("splink", "wall"), 1 / 6),
        ],
        "verify-province": [
            Target("有键 ÷ 只计数的半连接", ("keyed", "wall"), ("floor", "semi_s"), 1.8),
            Target("有键 ÷ 只读列", ("keyed", "wall"), ("floor", "scan_s"), 7.0),
            Target("有键 ÷ pandas", ("keyed", "wall"), ("pandas", "wall"), 1 / 60),
            Target("有键 ÷ Splink 有键", ("keyed", "wall"), ("splink", "wall"), 1 / 4),
            Target("不落盘 ÷ 只算键", ("raw", "wall"), ("floor-raw", "keys_s"), 1.3),
            Target("不落盘 ÷ DuckDB 用 SQL 只算键", ("raw", "wall"), ("floor-raw", "keys_duckdb_s"), 1.3),
            Target("峰值内存 ÷ pandas", ("keyed", "peak_mb"), ("pandas", "peak_mb"), 0.2),
        ],
        "verify-day": [
            Target("十倍新行的时间比", (str(DAYS[2]), "wall"), (str(DAYS[1]), "wall"), 10.0),
        ],
        "verify-spark": [],
    }[job]  # fmt: skip


def best(rounds: list[dict[str, Any]]) -> dict[str, Any]:
    """The least of each figure over the rounds that ended well; memory is the greatest."""
    good = [r for r in rounds if "error" not in r]
    if not good:
        return {"error": rounds[0]["error"]}
    out: dict[str, Any] = {}
    for key in good[0]:
        figures = [r[key] for r in good if isinstance(r.get(key), int | float)]
        if figures:
            out[key] = max(figures) if key == "peak_mb" else min(figures)
    if "build_s" in out and "compute_s" in out:
        out["build_compute_s"] = min(r["build_s"] + r["compute_s"] for r in good)
    return out


def verdicts(job: str, found: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    out = []
    for t in targets(job):
        try:
            ratio = found[t.numerator[0]][t.numerator[1]] / found[t.denominator[0]][t.denominator[1]]
        except KeyError:
            continue
        out.append(
            {"target": t.text, "at_most": round(t.at_most, 4), "ratio": round(ratio, 4), "met": ratio <= t.at_most}
        )
    return out


def show(found: dict[str, dict[str, Any]], judged: list[dict[str, Any]]) -> str:
    """Both tables as Markdown."""
    keys = list(dict.fromkeys(k for figures in found.values() for k in figures))
    lines = ["| | " + " | ".join(keys) + " |", "| --- |" + " --- |" * len(keys)]
    for name, figures in found.items():
        cells = [f"{figures[k]:.4g}" if isinstance(figures.get(k), float) else str(figures.get(k, "")) for k in keys]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    if judged:
        lines += ["", "| 目标 | 上限 | 实测 | |", "| --- | --- | --- | --- |"]
        lines += [
            f"| {v['target']} | {v['at_most']} | {v['ratio']} | {'达到' if v['met'] else '未达到'} |" for v in judged
        ]
    return "\n".join(lines)


def machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} 核，{memory:.0f} GiB，Python {platform.python_version()}，{platform.system()} {platform.release()}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("job", choices=JOBS)
    parser.add_argument("--only", help="engines by name, with commas")
    parser.add_argument(
        "--persons", type=int, default=0, help="4300000; 444646 for small, spark, verify and verify-spark"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    persons = args.persons or (444_646 if args.job in ("small", "spark", "verify", "verify-spark") else 4_300_000)
    commands = engines(args.job, persons)
    if args.only:
        commands = {name: commands[name] for name in args.only.split(",")}
    rounds: dict[str, list[dict[str, Any]]] = {name: [] for name in commands}
    for number in range(args.rounds):
        for name, command in commands.items():
            rounds[name].append(run(command))
            print(
                f"{number + 1}/{args.rounds} {name}: {json.dumps(rounds[name][-1], ensure_ascii=False)}",
                file=sys.stderr,
            )
    found = {name: best(r) for name, r in rounds.items()}
    judged = verdicts(args.job, found)
    body = {
        "job": args.job,
        "persons": persons,
        "machine": machine(),
        "load": os.getloadavg(),
        "engines": found,
        "targets": judged,
    }
    target = args.json or ROOT / "results" / f"{args.job}-{persons}.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(body, ensure_ascii=False, indent=1))
    print(f"{args.job}, {persons} 人, {args.rounds} 轮; {machine()}\n")
    print(show(found, judged))
    if any("error" in figures for figures in found.values()):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
