"""Register batches, consents and the people of sweeps, for tests. All synthetic: area 420899."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
from casekit import at, hire
from django.conf import settings

from tuodi.kernel import clock
from tuodi.matching.sealed import SealedWriter
from tuodi.monitoring import sweep_actions
from tuodi.monitoring.models import SweepRun
from tuodi.org.access import system_scope
from tuodi.people import secrets
from tuodi.people.models import Household, Person
from tuodi.verification import register_store
from tuodi.verification.models import Consent, DataSource, RegisterBatch

_batches = itertools.count(1)
DAY = date(2017, 9, 4)
AS_OF = date(2017, 8, 31)


def clerk(make_user, place: str = "420802"):
    """The prefecture's or county's data clerk."""
    return hire(make_user, place, "sweep")


def number(person: Person) -> str:
    """A person's number, as a register would write it."""
    return secrets.open_id(person)


def people(home: Household) -> list[Person]:
    """The members of a family, head first."""
    with system_scope(home.region):
        return [one.person for one in home.memberships.order_by("id").select_related("person")]


def source(kind: str, place: str = "4208", *, needs_consent: bool = True, code: str = "") -> DataSource:
    """A department's register, live."""
    made, _new = DataSource.objects.get_or_create(
        code=code or kind, place_code=place,
        defaults={
            "kind": kind, "label": kind, "department": "测试部门", "state": "live", "mode": "batch", "profile": f"{kind}-test",
            "needs_consent": needs_consent,
        },
    )  # fmt: skip
    return made


def batch(
    kind: str, rows: Iterable[Mapping[str, Any]], *, place: str = "4208", as_of: date = AS_OF, needs_consent: bool = True, code: str = ""
) -> RegisterBatch:  # fmt: skip
    """A READY batch of rows: `id` and `name`, and the kind's columns. `stale` may be given."""
    told = list(rows)
    made = RegisterBatch.objects.create(
        source=source(kind, place, needs_consent=needs_consent, code=code), place_code=place, batch_no=f"T{next(_batches):04d}",
        profile=f"{kind}-test", as_of=as_of, state="importing", received_at=clock.now(), retain_until=date(2017, 12, 31),
    )  # fmt: skip
    path = Path(settings.FILES_DIR) / "registers" / f"{made.pk}.tdr"
    scratch = Path(settings.FILES_DIR) / ".scratch"
    scratch.mkdir(parents=True, exist_ok=True)
    columns = sorted({name for row in told for name in row} - {"id", "name", "stale"})
    frame = pl.DataFrame(
        [
            {"line_no": at, "id_raw": row.get("id"), "name": row.get("name"), "stale": row.get("stale", False), "as_of": as_of, **{c: row.get(c) for c in columns}}
            for at, row in enumerate(told, 1)
        ],
        schema=None if told else {"line_no": pl.Int64, "id_raw": pl.String, "name": pl.String, "stale": pl.Boolean, "as_of": pl.Date},
        infer_schema_length=None,
    )  # fmt: skip
    with SealedWriter(path, register_store.identity(made), hot=columns, scratch=scratch, as_of=as_of) as writer:
        writer.write(frame)
        totals = writer.finish()
    made.sealed, made.state = str(path.relative_to(settings.FILES_DIR)), "ready"
    made.rows, made.accepted, made.duplicates, made.unkeyed = len(told), totals.kept, totals.duplicates, totals.unkeyed
    made.save()
    return made


def car(person: Person, plate: str = "测A00001", **more: Any) -> dict[str, Any]:
    """One vehicle of a person, as the vehicle register has it."""
    return {
        "id": number(person), "name": person.name, "plate": plate, "vehicle_kind": "car", "brand": "某牌",
        "registered_on": date(2015, 3, 1), "value_fen": 8_000_000, **more,
    }  # fmt: skip


def consent(
    *homes: Household, bank: bool = True, until: date | None = None, only: Iterable[Person] | None = None
) -> None:
    """Every member of some families has consented."""
    for home in homes:
        with clock.frozen(date(2017, 1, 4)), system_scope(home.region):
            for person in people(home) if only is None else only:
                Consent.objects.create(
                    region=home.region, household=home, role="member", person=person, basis="imported",
                    signed_on=date(2017, 1, 4), valid_to=until, covers_bank=bank, recorded_at=clock.now(), paper_ref="纸质",
                )  # fmt: skip


def sweep(user, place: str = "420802", *, on: date = DAY, **more: Any) -> SweepRun:
    """Opens and runs a sweep."""
    with at(user, on):
        run = sweep_actions.open_sweep(place, acting_user=user, as_of=more.pop("as_of", on), **more)
    with clock.frozen(on):
        return sweep_actions.run_sweep(run, acting_user=user)
