"""The truth behind the spreadsheets as tables (Parquet): households, persons, monthly lines, events.

Written so that an import can be checked person by person. All identity numbers are synthetic.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from tuodi.demo.generator.history import Roll
from tuodi.demo.generator.money import Line
from tuodi.kernel.periods import Month

__all__ = ["write"]


def _yyyymm(no: int | None) -> int | None:
    return None if no is None else Month.from_no(no).yyyymm


def write(roll: Roll, lines: list[Line], out: Path) -> None:
    """Write ``households``, ``persons``, ``rows`` and ``events`` into a folder. Months are yyyymm, money is fen."""
    out.mkdir(parents=True, exist_ok=True)
    homes = roll.households
    pl.DataFrame(
        {
            "household_no": [h.no for h in homes],
            "card_no": [h.card_no for h in homes],
            "programme": [h.programme for h in homes],
            "category": [h.category for h in homes],
            "county": [h.county.code for h in homes],
            "village": [h.places[h.first].code for h in homes],
            "first": [_yyyymm(h.first) for h in homes],
            "until": [_yyyymm(h.until) for h in homes],
            "start": [_yyyymm(h.start) for h in homes],
            "end_reason": [h.end_reason for h in homes],
            "bank": [h.bank for h in homes],
            "account": [h.account for h in homes],
            "account_kind": [h.account_kind for h in homes],
            "form": [h.form for h in homes],
            "self_care": [h.self_care for h in homes],
        },
        schema_overrides={"until": pl.Int64},
    ).write_parquet(out / "households.parquet")
    people = [p for h in homes for p in h.members]
    pl.DataFrame(
        {
            "person_no": [p.no for p in people],
            "household_no": [p.household for p in people],
            "name": [p.name for p in people],
            "id_no": [p.id_no for p in people],
            "sex": ["男" if p.male else "女" for p in people],
            "birth": [p.birth for p in people],
            "relation": [p.relation for p in people],
            "relation_before": [p.relation_before for p in people],
            "head_from": [_yyyymm(p.head_from) for p in people],
            "phone": [p.phone for p in people],
            "health": [p.health for p in people],
            "disability": [p.disability for p in people],
            "labour": [p.labour for p in people],
            "since": [_yyyymm(p.since) for p in people],
            "until": [_yyyymm(p.until) for p in people],
            "end_reason": [p.end_reason for p in people],
            "died": [p.died for p in people],
        },
        schema_overrides={"until": pl.Int64, "died": pl.Date, "head_from": pl.Int64},
    ).write_parquet(out / "persons.parquet")
    pl.DataFrame(
        {
            "month": [_yyyymm(line.month) for line in lines],
            "household_no": [line.household.no for line in lines],
            "programme": [line.household.programme for line in lines],
            "category": [line.household.category for line in lines],
            "county": [line.household.county.code for line in lines],
            "village": [line.household.place(line.month).code for line in lines],
            "persons": [line.persons for line in lines],
            "income_fen": [line.income_fen for line in lines],
            "amount_fen": [line.amount_fen for line in lines],
        },
    ).write_parquet(out / "rows.parquet")
    pl.DataFrame(
        [(_yyyymm(e.month), e.kind, e.household, e.person, e.detail) for e in roll.events],
        schema={
            "month": pl.Int64,
            "kind": pl.String,
            "household_no": pl.Int64,
            "person_no": pl.Int64,
            "detail": pl.String,
        },
        orient="row",
    ).write_parquet(out / "events.parquet")
