"""The registers of eleven departments as they were handed over for 荆门's sweep, with the truth of what they hide.

Pure and seeded: the same seed and size give the same contents. Nobody in them exists. At full size there are 5,200,000
rows, of which some 115,000 are about people on the roll; a smaller ``scale`` has fewer strangers and the same clues, a
``part`` of n has one family in n and its share of everything.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from random import Random

import polars as pl

from tuodi.demo.registers import dirt, plan, reasons
from tuodi.demo.registers.chance import below
from tuodi.demo.registers.content import columns
from tuodi.demo.registers.kinds import KINDS, Kind
from tuodi.demo.registers.layouts import LAYOUTS
from tuodi.demo.registers.strangers import POPULATION, strangers
from tuodi.demo.registers.writers import writer

__all__ = ["ARRIVED", "KINDS", "Registers", "find", "generate", "read_truth"]

#: The day of the register that arrives after the sweep.
ARRIVED = date(2017, 8, 31)
_PIECE = 200_000
#: One stranger's row in so many is the one before it, again.
_AGAIN = 900
_PLANNED = {
    "i": pl.Int64, "kind": pl.String, "planted": pl.String, "clue": pl.Int64, "part": pl.Int64, "person_no": pl.Int64,
    "household_no": pl.Int64, "id_no": pl.String, "name": pl.String, "on": pl.Date,
}  # fmt: skip
_FACTS = {"vehicle": "plate", "estate": "cert_no", "business": "uscc", "fiscal_kin": "staff_name"}


@dataclass(frozen=True)
class Registers:
    """Where everything lies.

    Attributes:
        files: Register -> its file.
        truth: CSV, one line a planted row about somebody on the roll that matters: clue, kind, rule, planted, person_no,
            household_no, id_no, fact, verdict, reason, text, evidence, tunable.
        unconsented: CSV of persons whose families have not signed: person_no, household_no, id_no.
        payments: Parquet of the monthly payment rows: month, household_no, programme, category, county, persons, amount_fen.
        summary: JSON: a register's rows, oddities, decoys.
    """

    files: dict[str, Path]
    arrival: Path  #: a vehicle register of four months later: some vehicles more
    truth: Path
    unconsented: Path
    payments: Path
    summary: Path


def generate(
    roll: Path, out: Path, *, seed: int = 2017, scale: float = 1.0, part: int = 1, tell: Callable[[str], None] = lambda _: None
) -> Registers:  # fmt: skip
    """Writes the registers below ``out``.

    Args:
        roll: What ``tuodi.demo.generator.generate`` wrote: ``truth`` and ``manifest.csv``.
        scale: Share of the strangers' rows; the rows about people on the roll stay.
        part: Keep one family of the roll in so many; clues, decoys and strangers shrink with it.
    """
    out.mkdir(parents=True, exist_ok=True)
    manifest = roll / "manifest.csv"
    made = plan.make_plan(roll / "truth", manifest if manifest.exists() else None, seed=seed, part=part)
    planned = pl.DataFrame(made.rows, schema=_PLANNED, orient="row")
    files, summary = {}, {}
    for kind in KINDS:
        mine = planned.filter(pl.col("kind") == kind.code)
        layout = LAYOUTS[kind.code]
        path = out / f"{kind.label}_{kind.as_of:%Y%m%d}.{layout.suffix}"
        summary[kind.code] = _one(kind, mine, path, seed, scale / part)
        files[kind.code] = path
        tell(f"写出 {path.name}：{summary[kind.code]['rows']:,} 行")
    later = replace(next(kind for kind in KINDS if kind.code == "vehicle"), as_of=ARRIVED, rows=60_000)
    arrival = out / f"{later.label}_{later.as_of:%Y%m%d}.{LAYOUTS['vehicle'].suffix}"
    _one(later, pl.DataFrame(made.later, schema=_PLANNED, orient="row"), arrival, seed, scale / part)
    truth = out / "truth.csv"
    _truth(made, planned, seed).write_csv(truth)
    unconsented = out / "unconsented.csv"
    pl.DataFrame(
        [(p.person_no, p.household_no, p.id_no) for p in made.unconsented],
        schema={"person_no": pl.Int64, "household_no": pl.Int64, "id_no": pl.String}, orient="row",
    ).write_csv(unconsented)  # fmt: skip
    payments = out / "payments.parquet"
    made.payments.write_parquet(payments)
    listed = out / "registers.json"
    listed.write_text(json.dumps(summary, ensure_ascii=False, indent=1), encoding="utf-8")
    return Registers(files, arrival, truth, unconsented, payments, listed)


def find(out: Path) -> Registers:
    """What `generate` wrote there. Raises FileNotFoundError if it did not come to its end."""
    listed = out / "registers.json"
    names = json.loads(listed.read_text(encoding="utf-8"))
    files = {code: out / one["file"] for code, one in names.items()}
    arrival = out / f"{names['vehicle']['label']}_{ARRIVED:%Y%m%d}.{LAYOUTS['vehicle'].suffix}"
    return Registers(files, arrival, out / "truth.csv", out / "unconsented.csv", out / "payments.parquet", listed)


def read_truth(path: Path) -> pl.DataFrame:
    """The truth table as `generate` wrote it; empty texts are null. ``clue`` 0 = no clue."""
    numbers = dict.fromkeys(("clue", "person_no", "household_no"), pl.Int64)
    texts = ("kind", "rule", "planted", "id_no", "fact", "verdict", "reason", "text", "evidence")
    return pl.read_csv(path, schema_overrides={**numbers, **dict.fromkeys(texts, pl.String), "tunable": pl.Boolean})


def _one(kind: Kind, planned: pl.DataFrame, path: Path, seed: int, scale: float) -> dict[str, object]:
    """One register to one file. Returns its figures."""
    others = max(round(kind.rows * scale) - planned.height, 20)
    total = others + planned.height
    rng = Random(f"{seed}/{kind.code}/places")
    places = sorted(rng.sample(range(total), planned.height))
    order = list(range(planned.height))
    rng.shuffle(order)
    placed = planned[order].with_columns(pl.Series("at", places, dtype=pl.Int64))
    odd: Counter[str] = Counter()
    repeated = 0
    with writer(path, LAYOUTS[kind.code], total, kind.as_of) as put:
        for piece in _pieces(kind, placed, total, seed):
            put(piece)
            for name in ("oddity", "name_oddity"):
                odd.update(dict(piece[name].drop_nulls().value_counts().iter_rows()))
            repeated += piece["again"].sum()
    repeated += planned.height - planned["i"].n_unique()
    kinds = dict(planned.group_by("planted").len().iter_rows())
    return {
        "file": path.name, "label": kind.label, "department": kind.department, "as_of": kind.as_of.isoformat(),
        "rows": total, "planted": planned.height, "duplicates": repeated,
        "oddities": dict(sorted(odd.items())), "cast": dict(sorted(kinds.items())),
    }  # fmt: skip


def _pieces(kind: Kind, placed: pl.DataFrame, total: int, seed: int) -> Iterator[pl.DataFrame]:
    """The rows of a register in order, so many at a time."""
    own = f"{seed}/{kind.code}"
    salt = sum(own.encode()) + seed
    taken = placed.select(pl.col("at").alias("i"))
    for start in range(0, total, _PIECE):
        end = min(total, start + _PIECE)
        here = placed.filter(pl.col("at").is_between(start, end - 1))
        rows = pl.DataFrame({"at": pl.int_range(start, end, dtype=pl.Int64, eager=True)}).join(
            here, on="at", how="anti"
        )
        at = pl.col("at")
        again = (at % 2 == 1) & (below(at // 2, salt, "again", _AGAIN // 2) == 0)
        rows = rows.with_columns(i=pl.when(again).then(at - 1).otherwise(at))
        # The row before may be somebody of the roll; then this one stands for itself.
        rows = rows.join(taken.with_columns(known=True), on="i", how="left").with_columns(
            i=pl.when(pl.col("known")).then(at).otherwise("i"), again=again & pl.col("known").is_null()
        )
        people = rows.select("at", "i", "again").with_columns(below(pl.col("i"), salt, "who", POPULATION).alias("who"))
        people = people.with_columns(*strangers(pl.col("who"), seed)).drop("who", "born", "male")
        people = people.with_columns(
            pl.lit(None, pl.String).alias("planted"),
            pl.lit(-1, pl.Int64).alias("part"),
            pl.lit(None, pl.Date).alias("on"),
        )
        known = here.select("at", "i", pl.lit(False).alias("again"), "id_no", "name", "planted", "part", "on")
        piece = pl.concat([people.select(known.columns), known]).sort("at")
        yield piece.with_columns(*columns(kind.code, salt), *dirt.spoiled(salt))


def _truth(made: plan.Plan, planned: pl.DataFrame, seed: int) -> pl.DataFrame:
    """What each planted row that could be taken for a clue is, and what the officers will find."""
    rng = Random(f"{seed}/verdicts")
    found: dict[int, tuple[str, str, str, str, bool]] = {}
    for number, (kind, _, true) in sorted(made.clues.items()):
        if true:
            found[number] = ("confirmed", "", reasons.TRUE_TEXT[kind], "入户核实记录和登记机关书面答复", False)
        else:
            why = reasons.pick(rng, kind)
            found[number] = ("refuted", why.code, why.text, why.evidence, why.tunable)
    parts = []
    for kind in KINDS:
        if kind.code not in plan.RULES:
            continue
        mine = planned.filter(pl.col("kind") == kind.code).unique("i", maintain_order=True)
        salt = sum(f"{seed}/{kind.code}".encode()) + seed
        facts = mine.with_columns(*columns(kind.code, salt)).with_columns(
            fact=pl.col(_FACTS[kind.code]), rule=pl.lit(plan.RULES[kind.code])
        )
        parts.append(facts.select("clue", "kind", "rule", "planted", "person_no", "household_no", "id_no", "fact"))
    verdicts = pl.DataFrame(
        [(number, *rest) for number, rest in found.items()],
        schema={"clue": pl.Int64, "verdict": pl.String, "reason": pl.String, "text": pl.String, "evidence": pl.String, "tunable": pl.Boolean},
        orient="row",
    )  # fmt: skip
    return pl.concat(parts).join(verdicts, on="clue", how="left", maintain_order="left")
