"""Writing the clues of a sweep against a plain COPY of the same rows: `python bench/clue_copy.py [--clues 48000]`.

The floor is COPY of the same rows (hits, clues, first events) into the same tables with their keys, by the owner, whom no
policy holds. The product works out the rows and writes them under row-level security in one transaction. The minimum of
the rounds counts. Everything is rolled back; the database must have the demo's people.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
import time
from datetime import date
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tuodi.config.settings")
os.environ["TUODI_DB_ROLE"] = "owner"  # for the floor; the product's part takes the runtime role

#: Table -> the rows of a run in it.
OWN: dict[Any, str] = {}


def frames(count: int, place: str) -> tuple[Any, Any, Any]:
    """Findings and hits as `judge` gives them, about people of the roll, a vehicle each."""
    import hashlib

    import polars as pl

    from tuodi.monitoring.rollkeys import roll_on

    persons = roll_on(place, date(2017, 8, 31)).persons
    base = persons.unique("person_id", maintain_order=True).select(
        "person_id", "household_id", "key", "programme", "category"
    )
    turns = -(-count // base.height)
    who = (
        pl.concat([base.with_columns(turn=pl.lit(turn)) for turn in range(turns)]).head(count).with_row_index("row_id")
    )
    prints = [hashlib.sha256(f"bench|{row}".encode()).hexdigest() for row in range(count)]
    who = who.with_columns(
        pl.col("row_id").cast(pl.Int64), rule_code=pl.lit("VEHICLE"), kind=pl.lit("vehicle"), stale=pl.lit(False),
        fact_key=pl.Series(prints), fact_hash=pl.Series(prints), place=pl.lit(place),
    )  # fmt: skip
    values = '{"plate":"测A%05d","vehicle_kind":"car","brand":"某牌","registered_on":"2015-03-01","value_fen":8000000}'
    hits = who.with_columns(
        as_of=pl.lit(date(2017, 8, 31)), name_state=pl.lit("same"), check_state=pl.lit("ok"), batch_id=pl.lit(0, pl.Int64),
        line_no=pl.col("row_id"), row_hash=pl.Series(prints), values=pl.Series([values % n for n in range(count)]),
    )  # fmt: skip
    findings = who.with_columns(
        severity=pl.lit("R"), on_confirmed=pl.lit("suspend"), rows=pl.concat_list("row_id"), level=pl.lit("reg_vehicle"),
        figures=pl.lit("{}"),
    )  # fmt: skip
    return findings, hits, persons


def dumped(cursor: Any, model: Any, run: int) -> bytes:
    """The rows of a run as COPY writes them."""
    text = io.BytesIO()
    columns = ", ".join(f'"{f.column}"' for f in model._meta.concrete_fields)
    where = OWN[model] % run
    with cursor.copy(f"copy (select {columns} from {model._meta.db_table} where {where}) to stdout") as out:
        for piece in out:
            text.write(piece)
    return text.getvalue()


def copied(cursor: Any, model: Any, table: str, text: bytes) -> None:
    """Rows into a table by COPY."""
    columns = ", ".join(f'"{f.column}"' for f in model._meta.concrete_fields)
    with cursor.copy(f"copy {table} ({columns}) from stdin") as copy:
        copy.write(text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clues", type=int, default=48_000)
    parser.add_argument("--place", default="4208")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()

    import django

    django.setup()
    import polars as pl
    from django.db import connection, transaction

    from tuodi.kernel import clock
    from tuodi.monitoring import raising
    from tuodi.monitoring.models import Clue, ClueEvent, Hit, SweepRun
    from tuodi.monitoring.sweep_parts import DOUBT
    from tuodi.org.access import system_scope
    from tuodi.verification.models import DataSource, RegisterBatch
    from tuodi.verification.rulebook import book

    OWN.update({Hit: "run_id = %s", Clue: "run_id = %s"})
    OWN[ClueEvent] = "clue_id in (select id from monitoring_clue where run_id = %s)"
    findings, hits, persons = frames(args.clues, args.place)
    law = book()
    floors, ours, bare = [], [], []
    with clock.frozen(date(2017, 9, 4)):
        for _round in range(args.rounds):
            with transaction.atomic(), system_scope(args.place), connection.cursor() as role:
                role.execute("set local role tuodi_app")
                source = DataSource.objects.create(
                    code="bench", kind="vehicle", place_code=args.place, label="b", department="b"
                )
                batch = RegisterBatch.objects.create(
                    source=source, place_code=args.place, batch_no="bench", profile="b", as_of=date(2017, 8, 31), state="ready",
                    received_at=clock.now(), retain_until=date(2017, 12, 31),
                )  # fmt: skip
                run = SweepRun.objects.create(
                    region=args.place.ljust(12, "0"), no="BENCH", place_code=args.place, trigger="schedule",
                    as_of=date(2017, 8, 31), opened_at=clock.now(),
                )  # fmt: skip
                given = hits.with_columns(batch_id=pl.lit(batch.pk, pl.Int64))
                began = time.perf_counter()
                raised = raising.raise_all(run, findings, given, persons, pl.DataFrame(schema=DOUBT), law, push=True)
                ours.append(time.perf_counter() - began)
                assert raised.clues == args.clues, raised
                with connection.cursor() as cursor:
                    made = {model: dumped(cursor, model, run.pk) for model in (Hit, Clue, ClueEvent)}
                    cursor.execute("set local role none")
                    cursor.execute("set constraints all immediate")
                    for model in (ClueEvent, Clue, Hit):
                        table = model._meta.db_table
                        cursor.execute(f"alter table {table} disable trigger user")
                        cursor.execute(f"delete from {table} where {OWN[model]}", [run.pk])
                    began = time.perf_counter()
                    for model, text in made.items():
                        copied(cursor, model, model._meta.db_table, text)
                    cursor.execute("set constraints all immediate")
                    floors.append(time.perf_counter() - began)
                    cursor.execute("create temporary table bare as select * from monitoring_clue with no data")
                    began = time.perf_counter()
                    copied(cursor, Clue, "bare", made[Clue])
                    bare.append(time.perf_counter() - began)
                transaction.set_rollback(True)
    floor, own = min(floors), min(ours)
    print(f"{args.clues} clues: hits, clues and events by the product {own:.2f} s; COPY of the same rows {floor:.2f} s")
    print(f"ratio {own / floor:.2f}; (COPY of the clue rows into a table without index or key: {min(bare):.2f} s)")


if __name__ == "__main__":
    main()
