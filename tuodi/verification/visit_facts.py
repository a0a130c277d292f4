"""Between the form of a visit and the fact set: what the form compares with, and what it brings back."""

from __future__ import annotations

from typing import Any

from tuodi.cases.models import Case
from tuodi.kernel import clock
from tuodi.kernel.masking import mask_name
from tuodi.org.models import User
from tuodi.people.models import Household
from tuodi.people.queries import members_on
from tuodi.verification.actions import enter_facts, start_fact_set
from tuodi.verification.models import FactSet, VisitRecord, VisitTask
from tuodi.verification.queries import draft_of, latest_frozen
from tuodi.verification.visit_forms import TRUTH, Form, Item, form_for

__all__ = ["basis_for", "feed"]

_LABELS = dict(FactSet.Source.choices)


def basis_for(task: VisitTask, form: Form) -> dict[str, dict[str, str]]:
    """Item -> what is on record: `declared` (said or decided before) or `register` (a register's answer), and `source`.

    An item with nothing on record is left out; it is then asked for plainly. A correction stands on what the first version
    stood on: by now the facts hold what the visit itself found. A third party compares with nothing but the members, their
    names masked: what the family declared and what registers answered stays with the authority.
    """
    newest = task.records.order_by("-version").first()
    if newest is not None:
        return dict(newest.basis)
    outside = task.purpose == VisitTask.Purpose.THIRD_PARTY
    facts = None if outside else _facts(task)
    found: dict[str, dict[str, str]] = {}
    for item in form.items():
        if item.kind != "compare":
            continue
        if item.of == "members":
            names = [row.person.name for row in members_on(task.household, clock.today())]
            names = [mask_name(name) for name in names] if outside else names
            found[item.id] = {"register": "、".join(names), "source": "登记"}
        elif item.of:
            text = _register(facts, f"reg_{item.of.partition('.')[2]}")
            if text:
                found[item.id] = {"register": text, "source": "登记"}
        elif facts is not None:
            row = _declared(facts, item)
            if row:
                found[item.id] = row
    return found


def _facts(task: VisitTask) -> FactSet | None:
    household: Household = task.household
    mine = None
    if task.case is not None:
        newest = FactSet.objects.filter(case=task.case, frozen_at__isnull=False).order_by("-number").first()
        mine = draft_of(task.case) or newest
    return mine or latest_frozen(household)


def _declared(facts: FactSet, item: Item) -> dict[str, str] | None:
    name = item.fact.partition(".")[2]
    value = facts.facts["household"].get(name)
    if value is None:
        return None
    origin = str(facts.provenance.get(item.fact, {}).get("source", "entered"))
    side = "register" if origin == FactSet.Source.REGISTER else "declared"
    return {side: _words(value), "source": _LABELS.get(origin, origin), "raw": value, "origin": origin}


def _words(value: Any) -> str:
    if isinstance(value, bool):
        return TRUTH["yes" if value else "no"]
    return str(value)


def _register(facts: FactSet | None, collection: str) -> str:
    """What the registers answered for any member: 无, or one entry a line; empty = they were not asked."""
    members = facts.facts["members"] if facts is not None else []
    asked = [member for member in members if collection in member]
    if not asked:
        return ""
    rows = [
        f"{member.get('name', '')} {'，'.join(str(one) for one in entry.values() if one not in (None, ''))}".strip()
        for member in asked
        for entry in member[collection]
    ]
    return "；".join(rows) or "无"


def feed(case: Case, record: VisitRecord, *, acting_user: User) -> FactSet | None:
    """Writes what was seen otherwise than on record into the case's draft of facts; None where there is nothing to write.

    What agreed keeps the source it has: the visit confirms it, the record says so.

    Raises:
        FactFaultsError: A value the fact declarations refuse.
    """
    values: dict[str, Any] = {}
    agreed: dict[str, dict[str, Any]] = {}
    for item in form_for(record.region, clock.today()).items():
        answer = record.answers.get(item.id)
        if not item.fact or answer is None:
            continue
        name = item.fact.partition(".")[2]
        if item.kind != "compare":
            values[name] = answer == "yes" if item.kind == "yes_no" else answer
        elif answer["fit"] == "agree":
            agreed[name] = record.basis[item.id]
        else:
            values[name] = answer["seen"] == "yes" if item.seen == "yes_no" else answer["seen"]
    draft = draft_of(case)
    back = _taken_back(draft, record, agreed)
    if not values and not back:
        return None
    if draft is None:
        draft = start_fact_set(
            acting_user=acting_user, household=case.household, case=case, base=latest_frozen(case.household)
        )
    number = record.task.no if record.version == 1 else f"{record.task.no}.{record.version}"
    for name, base in back.items():
        draft = enter_facts(draft, acting_user=acting_user, household={name: base["raw"]}, source=base["origin"])
    if values:
        draft = enter_facts(
            draft,
            acting_user=acting_user,
            household=values,
            source=FactSet.Source.VISIT,
            evidence=f"入户调查 {number}",
        )
    return draft


def _taken_back(
    draft: FactSet | None, record: VisitRecord, agreed: dict[str, dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    """What an earlier version of this record wrote otherwise, and this one finds to be as it was."""
    if draft is None or record.version == 1:
        return {}
    mine = f"入户调查 {record.task.no}"
    return {
        name: base
        for name, base in agreed.items()
        if str(draft.provenance.get(f"household.{name}", {}).get("evidence", "")).startswith(mine)
    }
