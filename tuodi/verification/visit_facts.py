"""Between the form of a visit and the fact set: what the form compares with, and what it brings back."""

from __future__ import annotations

from typing import Any

from tuodi.cases.models import Case
from tuodi.kernel import clock
from tuodi.org.models import User
from tuodi.people.models import Household
from tuodi.people.queries import members_on
from tuodi.verification.actions import enter_facts, start_fact_set
from tuodi.verification.models import FactSet, VisitRecord, VisitTask
from tuodi.verification.queries import draft_of, latest_frozen
from tuodi.verification.visit_forms import TRUTH, Form, Item

__all__ = ["basis_for", "feed"]

_LABELS = dict(FactSet.Source.choices)


def basis_for(task: VisitTask, form: Form) -> dict[str, dict[str, str]]:
    """Item -> what is on record: `declared` (said or decided before) or `register` (a register's answer), and `source`.

    An item with nothing on record is left out; it is then asked for plainly.
    """
    facts = _facts(task)
    found: dict[str, dict[str, str]] = {}
    for item in form.items():
        if item.kind != "compare":
            continue
        if item.of == "members":
            names = [row.person.name for row in members_on(task.household, clock.today())]
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
    return {side: _words(value), "source": _LABELS.get(origin, origin)}


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
    from tuodi.verification.visit_forms import form_for

    values: dict[str, Any] = {}
    for item in form_for(record.region, clock.today()).items():
        answer = record.answers.get(item.id)
        if not item.fact or answer is None:
            continue
        if item.kind == "compare":
            if answer["fit"] == "agree":
                continue
            value, kind = answer["seen"], item.seen
        else:
            value, kind = answer, item.kind
        values[item.fact.partition(".")[2]] = value == "yes" if kind == "yes_no" else value
    if not values:
        return None
    draft = draft_of(case)
    if draft is None:
        draft = start_fact_set(
            acting_user=acting_user, household=case.household, case=case, base=latest_frozen(case.household)
        )
    number = record.task.no if record.version == 1 else f"{record.task.no}.{record.version}"
    return enter_facts(
        draft,
        acting_user=acting_user,
        household=values,
        source=FactSet.Source.VISIT,
        evidence=f"入户调查 {number}",
    )
