"""Seeded synthetic data of the verification benchmark. Usage: <verify python> verify_gen.py PERSONS ROWS [--csv]

Needs numpy and pyarrow (the peers' venv has both). Writes data/verify-PERSONS/ below the state folder's bench/: `people`
(number, person, household, area of the household), and nine registers of ROWS rows in all, as Parquet and with `--csv` as CSV. The
whole population is eleven times the roll; two rows in a hundred of the roll and three of the registers carry a dirty number: 15
digits, small x, full width, spaces, apostrophe and tab. Amounts are fen. Area code 5308xx, births before 2020: nobody's numbers.
"""

from __future__ import annotations

import datetime as dt
import sys
import time

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pv
import pyarrow.parquet as pq
from common import ROOT
from verify_spec import REGISTERS

SEED = 5748
EPOCH = dt.date(1970, 1, 1)
TIMES = 11
#: A prime above every population used, so that a product modulo it visits each number once.
PRIME = 65_000_011
AREAS = np.array([530_801 + i for i in range(129)], dtype=np.int64)
BIRTHS = np.array(
    [int((dt.date(1930, 1, 1) + dt.timedelta(days=i)).strftime("%Y%m%d")) for i in range(32_873)], dtype=np.int64
)
WEIGHTS = np.array([7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2], dtype=np.int64)
CHECK = np.frombuffer(b"10X98765432", dtype=np.uint8)
WIDE = {**{str(i): chr(0xFF10 + i) for i in range(10)}, "X": "Ｘ"}
#: Share of all rows, and how much rarer than in the population a row about somebody on the roll is.
SHARES = {
    "vehicle": (0.15, 0.10), "estate": (0.16, 0.10), "business": (0.09, 0.04), "staff": (0.03, 0.01), "death": (0.02, 0.015),
    "insurance": (0.20, 0.25), "fund": (0.08, 0.02), "tax": (0.12, 0.12), "bank": (0.15, 0.45),
}  # fmt: skip


def numbers(person: np.ndarray) -> np.ndarray:
    """Place in the population -> 18 characters; neighbours are far apart."""
    mixed = person.astype(np.int64) * 2_654_435_761 % PRIME
    body = AREAS[mixed % 129] * 10**11 + BIRTHS[mixed // 129 % len(BIRTHS)] * 1000 + mixed // (129 * len(BIRTHS)) + 1
    out = np.empty((len(person), 18), dtype=np.uint8)
    total, rest = np.zeros(len(person), dtype=np.int64), body
    for at in range(16, -1, -1):
        rest, digit = rest // 10, rest % 10
        out[:, at] = 48 + digit
        total += digit * WEIGHTS[at]
    out[:, 17] = CHECK[total % 11]
    return out


def written(person: np.ndarray, g: np.random.Generator, rate: float) -> pa.Array:
    """Numbers as a register writes them: `rate` of them dirty."""
    raw = numbers(person)
    clean = (
        pa.Array.from_buffers(pa.binary(18), len(raw), [None, pa.py_buffer(raw)]).cast(pa.binary()).cast(pa.string())
    )
    pick = np.flatnonzero(g.random(len(raw)) < rate)
    how = g.integers(0, 6, len(pick))
    dirty = []
    for text, kind in zip(clean.take(pa.array(pick)).to_pylist(), how.tolist(), strict=True):
        if kind == 0:
            text = text.lower()
        elif kind == 1:
            text = "".join(WIDE.get(c, c) for c in text)
        elif kind == 2:
            text = f" {text}\u3000"
        elif kind == 3:
            text = f"{text[:6]} {text[6:14]} {text[14:]}"
        elif kind == 4 and text[6:8] == "19" and text[14:16] != "99":
            text = text[:6] + text[8:17]
        else:
            text = f"'{text}\t"
        dirty.append(text)
    mask = np.zeros(len(raw), dtype=bool)
    mask[pick] = True
    return pc.replace_with_mask(clean, pa.array(mask), pa.array(dirty, pa.string()))


def columns(register: str, hit: np.ndarray, g: np.random.Generator) -> dict[str, object]:
    """The register's own columns; those on the roll own less."""
    n = len(hit)
    low = np.where(hit, 0.35, 1.0)
    start = (dt.date(2010, 1, 1) - EPOCH).days
    day = pa.array((start + g.integers(0, 3800, n)).astype(np.int32)).cast(pa.date32())

    def fen(shape: float, scale: float, by: np.ndarray) -> np.ndarray:
        return (g.gamma(shape, scale, n) * by).astype(np.int64)

    made: dict[str, dict[str, object]] = {
        "vehicle": {"plate": g.integers(0, 10**6, n), "vehicle_kind": np.where(g.random(n) < 0.35 + 0.5 * hit, 2, 1), "value_fen": fen(2, 4e6, low), "registered_on": day},
        "estate": {"area": fen(9, 1100, np.ones(n)), "use": g.choice([1, 2, 3], n, p=[0.8, 0.1, 0.1]), "registered_on": day},
        "business": {"capital_fen": fen(0.8, 3e7, low), "status": g.choice([1, 2], n, p=[0.6, 0.4]), "role": g.integers(1, 4, n)},
        "staff": {"unit": g.integers(1, 9999, n)},
        "death": {"death_date": day},
        "insurance": {"base_fen": fen(6, 7e4, low), "months_paid": g.integers(0, 13, n)},
        "fund": {"base_fen": fen(6, 8e4, low), "status": g.choice([1, 2], n, p=[0.8, 0.2])},
        "tax": {"year_fen": fen(1.2, 2.5e6, low)},
        "bank": {"balance_fen": fen(0.5, 6e6, low * low), "account": g.integers(10**15, 10**16, n)},
    }  # fmt: skip
    return made[register]


def store(folder: str, name: str, table: pa.Table, csv: bool) -> None:
    path = ROOT / "data" / folder
    path.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path / f"{name}.parquet", compression="snappy", row_group_size=500_000)
    if csv:
        pv.write_csv(table, path / f"{name}.csv", pv.WriteOptions(quoting_style="none"))


def main() -> None:
    persons, rows = (int(a) for a in sys.argv[1:3])
    csv, folder = "--csv" in sys.argv, f"verify-{persons}"
    if persons * TIMES > PRIME:
        raise SystemExit(f"at most {PRIME // TIMES} persons")
    g = np.random.default_rng(SEED)
    sizes = g.choice(np.arange(1, 6), size=persons, p=[0.55, 0.27, 0.11, 0.05, 0.02])
    count = int(np.searchsorted(np.cumsum(sizes), persons)) + 1
    household = np.repeat(np.arange(1, count + 1, dtype=np.int64), sizes[:count])[:persons]
    area = g.choice([1, 2], count + 1, p=[0.2, 0.8])[household]
    people = {"id_raw": written(np.arange(persons), g, 0.02), "person_id": np.arange(1, persons + 1, dtype=np.int64), "household_id": household, "area_kind": area}  # fmt: skip
    store(folder, "people", pa.table(people), csv)
    for register in REGISTERS:
        share, rarer = SHARES[register]
        n = int(rows * share)
        hit = g.random(n) < rarer / TIMES
        who = np.where(hit, g.integers(0, persons, n), g.integers(persons, persons * TIMES, n))
        table = pa.table({"id_raw": written(who, g, 0.03), **columns(register, hit, g)})
        store(folder, register, table, csv)
        print(f"{register}: {n} rows, {int(hit.sum())} about the roll", flush=True)


if __name__ == "__main__":
    began = time.perf_counter()
    main()
    print(f"{time.perf_counter() - began:.0f} s")
