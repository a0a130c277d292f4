"""Seeded synthetic data of the monthly benchmark. Usage: <peer python> gen.py PERSONS [PERSONS …] [--pack]

Needs numpy and pyarrow (the peer's venv has both). Writes data/monthly-PERSONS/*.parquet below the state folder's bench/:
households (place, area, scheme, grace), members, incomes (about 1.15 a person), costs (about 0.45 a household) and the dated
standards of 129 counties. `--pack` also writes these standards as one YAML pack a county beside the hand-written rules.
All amounts are whole fen; choices are the codes of bench/pack/monthly.yaml, from 1.
"""

from __future__ import annotations

import datetime as dt
import gzip
import shutil
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from common import BENCH, REPOSITORY, ROOT, STANDARDS, table

SEED = 530000
#: Up to this many persons the data are one prefecture, above it a province.
PREFECTURE = 70_000
EPOCH = dt.date(1970, 1, 1)
STARTS = [dt.date(2016, 4, 1), dt.date(2017, 4, 1), dt.date(2018, 4, 1), dt.date(2019, 4, 1), dt.date(2020, 6, 1)]


def counties() -> list[str]:
    """The first 129 county codes of the province 53 in the product's own division list."""
    found = []
    with gzip.open(REPOSITORY / "tuodi/kernel/data/divisions.csv.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            code = line.split(",")[0].strip().strip('"')[:6]
            if code.isdigit() and code.startswith("53") and len(code) == 6 and code[4:] != "00":
                found.append(code)
    return sorted(set(found))[:129]


def standards() -> list[dict[str, object]]:
    """One row a county, area and start: the six amounts in fen, the price rate per mille."""
    g = np.random.default_rng(SEED)
    rows: list[dict[str, object]] = []
    for county in counties():
        for area in (1, 2):
            first = (52000 if area == 1 else 30000) + int(g.integers(0, 9)) * 500
            for year, start in enumerate(STARTS):
                amount = first + year * (2900 if area == 1 else 1870)
                end = STARTS[year + 1] if year + 1 < len(STARTS) else dt.date(2099, 1, 1)
                rows.append({
                    "place": int(county), "area_kind": area, "eff_from": start, "eff_to": end, "standard": amount,
                    "extreme_standard": amount * 13 // 10 // 100 * 100, "care_full": 83500 + year * 100,
                    "care_half": 41800 + year * 50, "care_self": 25100 + year * 10,
                    "price_rate": int(g.integers(0, 60)) if g.random() < 0.8 else 0,
                })  # fmt: skip
    return rows


def write(persons: int, name: str, columns: dict[str, object]) -> None:
    path = table(persons, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path, compression="zstd", row_group_size=250_000)


def monthly(persons: int) -> None:
    """The four input tables of one size."""
    g = np.random.default_rng(SEED + 1)
    sizes = g.choice(np.arange(1, 6), size=persons, p=[0.55, 0.27, 0.11, 0.05, 0.02])
    count = int(np.searchsorted(np.cumsum(sizes), persons)) + 1
    sizes = sizes[:count]
    sizes[-1] -= sizes.sum() - persons
    sizes = sizes[sizes > 0]
    h = len(sizes)
    # 68,000 persons are a prefecture, and a prefecture has some seven counties (荆门 in 2017); more are a province.
    places = np.array([int(c) for c in counties()][: 7 if persons <= PREFECTURE else None], dtype=np.int32)
    household = np.arange(1, h + 1, dtype=np.int64)
    scheme = np.where(g.random(h) < 0.035, 2, 1).astype(np.int8)
    left = g.random(h) < 0.06
    months = np.arange(202001, 202010, dtype=np.int32)
    write(persons, "households", {
        "household_id": household, "place": g.choice(places, h), "area_kind": g.choice([1, 2], h, p=[0.2, 0.8]).astype(np.int8),
        "scheme": scheme, "form": g.choice([1, 2], h, p=[0.2, 0.8]).astype(np.int8),
        "exit_from": pa.array(g.choice(months, h), mask=~left),
        "prior_amount": np.where(left, g.integers(100, 900, h) * 100, 0).astype(np.int64),
    })  # fmt: skip
    age = np.clip(g.gamma(4.2, 12, persons), 0, 99).astype(np.int32)
    birth = (dt.date(2020, 9, 1) - EPOCH).days - age * 365 - g.integers(0, 366, persons)
    person, of = np.arange(1, persons + 1, dtype=np.int64), np.repeat(household, sizes)
    extreme = np.repeat(scheme, sizes) == 2
    write(persons, "members", {
        "person_id": person, "household_id": of, "birth": pa.array(birth.astype(np.int32)).cast(pa.date32()),
        "disability": g.choice([1, 2, 3, 4, 5], persons, p=[0.03, 0.04, 0.04, 0.03, 0.86]).astype(np.int8),
        "severe_ill": g.random(persons) < 0.05, "pregnant": g.random(persons) < 0.004,
        "student": (age > 5) & (age < 24) & (g.random(persons) < 0.7),
        "care_tier": np.where(extreme, g.choice([1, 2, 3], persons, p=[0.2, 0.3, 0.5]), 4).astype(np.int8),
    })  # fmt: skip
    k = g.poisson(1.15, persons)
    kind = g.choice([1, 2, 3, 4, 5], int(k.sum()), p=[0.22, 0.38, 0.12, 0.2, 0.08]).astype(np.int8)
    scale = np.array([0, 62000, 13000, 30000, 9000, 8000])[kind]
    amount = np.maximum(1, g.gamma(1.6, 1 / 1.6, len(kind)) * scale).astype(np.int64)
    write(persons, "incomes", {"person_id": np.repeat(person, k), "income_kind": kind, "income_amount": amount})
    k = g.poisson(0.45, h)
    kind = g.choice([1, 2, 3], int(k.sum()), p=[0.6, 0.25, 0.15]).astype(np.int8)
    amount = np.maximum(1, g.gamma(1.2, 15000, len(kind))).astype(np.int64)
    write(persons, "costs", {"household_id": np.repeat(household, k), "cost_kind": kind, "cost_amount": amount})
    rows = standards()
    path = table(persons, "standards")
    pq.write_table(pa.Table.from_pylist(rows).cast(pa.schema([
        ("place", pa.int32()), ("area_kind", pa.int8()), ("eff_from", pa.date32()), ("eff_to", pa.date32()),
        *((name, pa.int64()) for name in STANDARDS),
    ])), path)  # fmt: skip
    print(f"{persons} persons, {h} households", flush=True)


def pack() -> None:
    """The rules and one YAML file a county with its 60 dated values."""
    folder = ROOT / "pack"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    shutil.copy(BENCH / "pack" / "monthly.yaml", folder)
    by_county: dict[object, list[dict[str, object]]] = {}
    for row in standards():
        by_county.setdefault(row["place"], []).append(row)
    for county, rows in by_county.items():
        lines = [f'pack: {{place: "{county}", programme: monthly}}', "parameters:"]
        for name in STANDARDS:
            lines += [f"  {name}:", "    values:"]
            for row in rows:
                area = "urban" if row["area_kind"] == 1 else "rural"
                number = int(row[name])  # type: ignore[call-overload]
                shown = f"{number / 10:.1f}" if name == "price_rate" else f"{number // 100}.{number % 100:02}"
                lines.append(f"      - {{area_kind: {area}, from: {row['eff_from']}, value: {shown}, clause: 样例}}")
        (folder / f"{county}.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"pack: {len(by_county)} counties, {sum(map(len, by_county.values())) * len(STANDARDS)} dated values")


if __name__ == "__main__":
    if "--pack" in sys.argv:
        pack()
    for size in sys.argv[1:]:
        if size.isdigit():
            monthly(int(size))
