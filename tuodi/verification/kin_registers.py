"""Near relatives of officials as the registers on file know them: 财政供养人员家属 and village-committee lists.

A register names the official and the relative. The relative's number is compared by its integer key and confirmed by
check digit and name; a number alone, or a name alone, is no match.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from typing import Any

import polars as pl
from django.db.models import QuerySet

from tuodi.cases.models import Case
from tuodi.kernel import clock
from tuodi.people.models import FormerName, Person
from tuodi.people.queries import members_on
from tuodi.people.secrets import open_id
from tuodi.verification.kin_actions import KinHit
from tuodi.verification.models import DataSource, KinFiling, RegisterBatch

__all__ = ["KINDS", "hits_for", "newest_batches"]

#: Kind of register -> whose relatives it lists.
KINDS = {"fiscal_kin": KinFiling.Role.FISCAL, "committee_kin": KinFiling.Role.COMMITTEE}
_SURE = ("ok", "converted15")


def newest_batches(region: str) -> list[RegisterBatch]:
    """The newest usable batch of each source of such a register that covers a region."""
    places = [region[:size] for size in (2, 4, 6, 9, 12)]
    sources = DataSource.objects.filter(kind__in=KINDS, place_code__in=[*places, "cn"])
    rows: QuerySet[RegisterBatch] = RegisterBatch.objects.filter(source__in=sources, state=RegisterBatch.State.READY)
    return list(rows.select_related("source").order_by("source", "-as_of", "-id").distinct("source"))


def hits_for(case: Case) -> list[KinHit]:
    """What the registers on file say of the family's present members. Empty where none has been imported."""
    people = {int(number[:17]): row.person for row in members_on(case.household, clock.today())
              if len(number := open_id(row.person)) == 18}  # fmt: skip
    if not people:
        return []
    found: list[KinHit] = []
    for batch in newest_batches(case.region):
        store = importlib.import_module("tuodi.verification.register_store")
        with store.open_batch(batch) as opened:
            found += _hits(opened, batch, people)
    return found


def _hits(opened: Any, batch: RegisterBatch, people: dict[int, Person]) -> Iterable[KinHit]:
    sure = pl.col("key").is_in(list(people)) & pl.col("check_state").cast(pl.String).is_in(_SURE)
    keyed = opened.hot().filter(sure & ~pl.col("stale").fill_null(False)).select("row", "key").collect()
    if keyed.is_empty():
        return []
    rows = opened.rest_rows(keyed["row"]).to_dicts()
    former: dict[int, set[str]] = {}
    for person_id, name in FormerName.objects.filter(person__in=people.values()).values_list("person_id", "name"):
        former.setdefault(person_id, set()).add(name)
    hits = []
    for row in rows:
        person = people[row["key"]]
        if row.get("name") not in {person.name, *former.get(person.pk, set())}:
            continue
        hits.append(
            KinHit(
                person=person,
                staff_name=str(row.get("staff_name") or ""),
                staff_unit=str(row.get("staff_unit") or ""),
                relation=str(row.get("kin_relation") or ""),
                role=KINDS[batch.source.kind],
                source=f"{batch.source.label} {batch.batch_no}",
            )
        )
    return [hit for hit in hits if hit.staff_name]
