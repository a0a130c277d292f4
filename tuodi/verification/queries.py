"""Reading fact sets: the one a case stands on, as a family file with sources, and whether its hash still fits."""

from __future__ import annotations

import re
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from tuodi.cases.models import Case
from tuodi.people.models import Household
from tuodi.verification.actions import digest
from tuodi.verification.errors import NoFactSetError
from tuodi.verification.models import FactSet

__all__ = ["as_family", "draft_of", "frozen_for", "hash_fits", "latest_frozen"]

_PATH = re.compile(r"(?:household|members\[(?P<index>\d+)\])\.(?P<name>\w+)\Z")
_PLAIN = ("name", "id", "no", "note")


def frozen_for(case: Case) -> FactSet:
    """The newest frozen fact set of a case. Raises NoFactSetError if there is none."""
    row = FactSet.objects.filter(case=case, frozen_at__isnull=False).order_by("-number").first()
    if row is None:
        raise NoFactSetError(case.no)
    return row


def draft_of(case: Case) -> FactSet | None:
    """The open draft of a case, or None."""
    return FactSet.objects.filter(case=case, frozen_at__isnull=True).order_by("-number").first()


def latest_frozen(household: Household) -> FactSet | None:
    """The newest frozen fact set of a household, whatever case, or None."""
    return FactSet.objects.filter(household=household, frozen_at__isnull=False).order_by("-number").first()


def as_family(row: FactSet) -> dict[str, Any]:
    """The family file with each fact's source beside its value, so that the explanation can print it."""
    family: dict[str, Any] = deepcopy(row.facts)
    for path, origin in row.provenance.items():
        match = _PATH.match(path)
        if match is None or match["name"] in _PLAIN:
            continue
        target = family["household"] if match["index"] is None else family["members"][int(match["index"])]
        if match["name"] in target:
            target[match["name"]] = _with_origin(target[match["name"]], origin)
    return family


def _with_origin(value: Any, origin: Mapping[str, Any]) -> Any:
    """A value with its source; the rows of a list (incomes) carry it on each of their values."""
    if not isinstance(value, list):
        return {"value": value, **origin}
    return [
        {name: one if name in _PLAIN else {"value": one, **origin} for name, one in row.items()}
        if isinstance(row, dict)
        else row
        for row in value
    ]


def hash_fits(row: FactSet) -> bool:
    """Whether a frozen set still is what was frozen."""
    return row.sha256 == digest(row.facts, row.provenance, row.person_ids)
