"""The seeded synthetic roll of 荆门: the truth as tables, and the spreadsheets offices would send for it."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tuodi.demo.generator import anomalies, history, money, offices, truth
from tuodi.demo.generator.places import COUNTIES, place_rows
from tuodi.demo.generator.records import departed, rosters
from tuodi.kernel.periods import Month

__all__ = ["AS_OF", "Generated", "generate", "place_rows"]

AS_OF = history.AS_OF
_HOLDS = {"quarantine", "error", "double", "name_conflict"}


@dataclass(frozen=True)
class Generated:
    """Where everything lies.

    Attributes:
        truth: Folder of ``households``, ``persons``, ``rows``, ``events`` (.parquet).
        rosters: Files in the order in which they are to be imported.
        manifest: CSV of every planted oddity: file, row, kind, field, verdict, code, card_no, person_no.
        corrections: One CSV with the families the first import holds back, put right.
        departed: One CSV with the families of the ten months that had left before the rosters' month.
        summary: JSON of counts.
    """

    truth: Path
    rosters: tuple[Path, ...]
    manifest: Path
    corrections: Path
    departed: Path
    summary: Path


def generate(
    out: Path, *, seed: int = 2017, month: Month = AS_OF, tell: Callable[[str], None] = lambda _: None
) -> Generated:
    """Write truth, spreadsheets, manifest and corrections below ``out``. The same seed gives the same contents.

    Args:
        out: A folder; made if absent, files of the same names are overwritten.
        seed: Any whole number.
        month: The month the rosters speak of.
        tell: Called with one Chinese sentence a step.
    """
    out = Path(out)
    rng = Random(seed)
    tell("生成家庭与十八个月的变动")
    roll = history.build(rng)
    lines = money.lines(roll)
    tell(f"写出真值表：{len(lines):,} 户月")
    truth.write(roll, lines, out / "truth")
    lists = rosters(lines, month, COUNTIES)
    anomalies.plant_all(lists, rng)
    written = []
    for roster in lists:
        written.append(offices.write_roster(roster, out / "rosters", month))
        tell(f"写出 {written[-1].path.name}：{written[-1].rows:,} 行")
    held: set[tuple[str, str]] = set()
    manifest = out / "manifest.csv"
    with manifest.open("w", encoding="utf-8", newline="") as sink:
        writer = csv.DictWriter(sink, ["file", "row", "kind", "field", "verdict", "code", "card_no", "person_no"])
        writer.writeheader()
        for roster, done in zip(lists, written, strict=True):
            for plant in done.plants:
                writer.writerow(plant)
                if plant["verdict"] in _HOLDS:
                    held.add((roster.county.code, plant["card_no"]))
    corrections = offices.write_corrections(lists, held, out / "rosters", month)
    gone = offices.write_departed(departed(lines, history.COUNTED, month, COUNTIES), out / "departed")
    summary = out / "summary.json"
    dibao = [line for line in lines if line.month == month.no and line.household.programme == "dibao"]
    summary.write_text(
        json.dumps(
            {
                "seed": seed,
                "month": str(month),
                "households": sum(1 for line in lines if line.month == month.no),
                "dibao_households": len(dibao),
                "dibao_people": sum(line.persons for line in dibao),
                "month_rows": len(lines),
                "families_held": len(held),
                "files": [
                    {"name": w.path.name, "sheet": w.sheet, "rows": w.rows, "families": w.families, "totals": w.totals,
                     "blank": w.blank, "headers": w.headers, "planted": len(w.plants)}
                    for w in written
                ],
            },
            ensure_ascii=False,
            indent=1,
        ),
        encoding="utf-8",
    )  # fmt: skip
    return Generated(out / "truth", tuple(w.path for w in written), manifest, corrections, gone, summary)
