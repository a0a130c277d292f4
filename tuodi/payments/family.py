"""The family file a line was computed from: accepted facts as the month began, with what the roll itself states."""

from __future__ import annotations

from typing import Any

from django.db.models import Q

from tuodi.kernel.periods import Month
from tuodi.payments.frames import FINDINGS
from tuodi.people.facts import load_facts
from tuodi.people.models import Household, RollEntry
from tuodi.people.queries import members_on

__all__ = ["family_of"]


def family_of(household: Household, programme: str, month: Month, *, person_id: int | None = None) -> dict[str, Any]:
    """As `frames.frames_of` reads it for the bulk run; what is taken from the roll says so as its source.

    Args:
        person_id: the entitled person; then he is the only member (programmes that entitle persons).
    """
    family = load_facts(household, month.first_day)
    entries = (
        RollEntry.objects.filter(household=household, start_month__lte=month.yyyymm)
        .filter(Q(end_month__isnull=True) | Q(end_month__gte=month.yyyymm))
        .order_by("id")
    )
    mine = [one for one in entries if one.programme == programme and one.person_id == person_id]
    imported = bool(mine and mine[0].imported)
    roll = {"source": "ledger", "evidence": "花名册"}
    home = family["household"]
    if imported and home.get("assets_ok") is None:
        home["assets_ok"] = {"value": True, **roll}
    on_dibao = any(one.programme == "dibao" for one in entries)
    tekun = {one.person_id: one for one in entries if one.programme == "tekun"}
    kept = []
    for member, membership in zip(family["members"], members_on(household, month.first_day), strict=True):
        entry = tekun.get(membership.person_id)
        member.setdefault("in_dibao", on_dibao)
        member.setdefault("in_tekun", entry is not None)
        if entry is not None:
            if entry.form:
                member.setdefault("support_form", {"value": entry.form, **roll})
            if entry.self_care:
                member.setdefault("assessed_self_care", {"value": entry.self_care, **roll})
            if entry.imported:
                for name in FINDINGS:
                    if member.get(name) is None:
                        member[name] = {"value": True, **roll}
        if person_id is None or membership.person_id == person_id:
            kept.append(member)
    return {**family, "members": kept}
