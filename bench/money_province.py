"""Millions of lines: a month of a whole province, one run a prefecture, built and posted. Usage, from the root:

    export TUODI_VAR=$PWD/var/province         # a state folder of its own, after `python -m tuodi migrate`; 30 GB for 4.3 million
    .venv/bin/python bench/money_province.py fill 4300000
    .venv/bin/python bench/money_province.py month

`fill` makes that many families of one, the same number in each of the sixteen prefectures of the province, so that each is one line.
`month` opens one run a prefecture in one process: calculate, check, approve (fund books reserved, hands noted), each against its floor
as in `money.py`. Time must grow with the lines and not with what already stands in the tables, and memory with the place and not with
the province: the line of each prefecture and the first and last quarter beside each other show both.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from typing import Any

import money
from common import REPOSITORY, report
from money_floor import Meter, floor_of, marks

STEPS = ("calculate", "check", "approve")


def prefectures() -> list[str]:
    """The four-digit codes of the province's prefectures."""
    import money_data

    return sorted({county[:4] for county in money_data.counties(money.WHERE)})


def fill(link: Any, lines: int) -> None:
    """Makes the roll of every prefecture."""
    import money_data

    who, places = money.officers(), prefectures()
    each, rest = divmod(lines, len(places))
    with money_data.without_indexes(link):
        for n, place in enumerate(places):
            began = time.perf_counter()
            homes = money_data.fill(link, place, each + (n < rest), alone=True)
            print(f"{place}: {homes:,} families, {time.perf_counter() - began:.0f} s", flush=True)
    for place in places:
        money.fund_books(who, money_data.counties(place))
        money.link_of(place, money.bank_of(place))


def month(link: Any, places: list[str]) -> None:
    """Takes the next month of each place as far as its approval."""
    who, rows = money.officers(), []
    for place in places:
        office = money.Office(place, who, money.next_month(place))
        row: dict[str, Any] = {"place": place}
        for step in STEPS:
            seen = marks(link)
            money.peak_reset()
            meter = Meter()
            getattr(office, step)()
            (wall, cpu), high = meter.stop(), money.peak_mb()
            floor = floor_of(step, link, office.run, seen)
            row[step] = {"s": wall, "cpu": cpu, "floor": floor.total(), "floor_cpu": floor.total_cpu(), "mb": high}
        row["lines"] = office.run.lines
        rows.append(row)
        told = ", ".join(f"{step} {row[step]['s']:.1f} s, CPU {row[step]['cpu']:.1f} / {row[step]['floor_cpu']:.1f} = {row[step]['cpu'] / row[step]['floor_cpu']:.2f}, {row[step]['mb']} MB" for step in STEPS)  # fmt: skip
        print(f"{place} {office.month}: {office.run.lines:,} lines, load {os.getloadavg()[0]:.1f} | {told}", flush=True)
    print(f"\n{sum(row['lines'] for row in rows):,} lines in {len(rows)} runs")
    print("| step | s | floor s | ratio | CPU s | ratio of CPU | peak MB | CPU a line, first quarter | last quarter |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    quarter = max(1, len(rows) // 4)

    def a_line(some: list[dict[str, Any]], step: str) -> float:
        return 1e6 * sum(row[step]["cpu"] for row in some) / sum(row["lines"] for row in some)

    for step in STEPS:
        wall, cpu, low, low_cpu = (sum(row[step][key] for row in rows) for key in ("s", "cpu", "floor", "floor_cpu"))
        print(
            f"| {step} | {wall:.0f} | {low:.0f} | {wall / low:.2f} | {cpu:.0f} | {cpu / low_cpu:.2f} | {max(row[step]['mb'] for row in rows)} | "
            f"{a_line(rows[:quarter], step):.0f} µs | {a_line(rows[-quarter:], step):.0f} µs |"
        )
    report(lines=sum(row["lines"] for row in rows), runs=len(rows))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("fill").add_argument("lines", type=int)
    verbs.add_parser("month").add_argument("places", nargs="*", metavar="PLACE", help="all prefectures without it")
    args = parser.parse_args()
    sys.path.insert(0, str(REPOSITORY))
    link = money.start()
    if args.verb == "fill":
        fill(link, args.lines)
    else:
        month(link, args.places or prefectures())


if __name__ == "__main__":
    main()
