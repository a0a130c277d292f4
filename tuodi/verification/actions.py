"""Verbs on fact sets: start a draft, enter facts with their source, freeze. Frozen is one-way."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import date
from typing import Any

from django.db import transaction
from django.db.models import Max, Q

from tuodi.audit.actions import record
from tuodi.cases.guard import check_hand
from tuodi.cases.models import Case
from tuodi.kernel import clock
from tuodi.kernel.money import format_yuan
from tuodi.kernel.periods import Month
from tuodi.org import access
from tuodi.org.models import DutyCode, User
from tuodi.people.facts import load_facts
from tuodi.people.models import Household, RollEntry
from tuodi.people.queries import members_on
from tuodi.rules import validate_family
from tuodi.verification.errors import DeclaredWaitingError, FactFaultsError, FrozenError
from tuodi.verification.models import FactSet
from tuodi.verification.rulebook import book, place_of

__all__ = ["digest", "enter_facts", "freeze", "open_draft", "path_of", "start_fact_set"]

#: Who may collect facts.
DUTIES = (DutyCode.ACCEPT, DutyCode.REVIEW, DutyCode.VISIT, DutyCode.VERIFY)


def digest(facts: Mapping[str, Any], provenance: Mapping[str, Any], person_ids: list[int]) -> str:
    """SHA-256 over the canonical JSON of a fact set's content."""
    body = {"facts": facts, "provenance": provenance, "person_ids": person_ids}
    text = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def path_of(row: FactSet, person_id: int | None, name: str) -> str:
    """Path of a fact in a set: of a member, or with None of the family."""
    return f"household.{name}" if person_id is None else f"members[{row.person_ids.index(person_id)}].{name}"


@transaction.atomic
def start_fact_set(
    *,
    acting_user: User | None,
    household: Household,
    case: Case | None = None,
    base: FactSet | None = None,
    reason: str = "",
    on: date | None = None,
    place_facts: Mapping[str, str] | None = None,
) -> FactSet:
    """Opens a draft with what the register knows, or with the facts of an earlier set.

    Members and their dates come from the register as it is on the day. From `base`, the facts of members that are still
    there are taken over with where they were from; without it, the facts accepted before (source: last decision).

    Args:
        acting_user: None = the system itself (a standard rise, an import).
        case: The case it is for; None for late facts and changes without one.
        place_facts: Facts of the place that the programme asks for, as the family file has them; none = not asked.
        on: Day the facts are of; default today. Late facts for a past month give a day of that month.
    """
    if acting_user is not None:
        access.require_any(acting_user, DUTIES, household.region)
        if case is not None:
            check_hand(case, acting_user, None)
    Household.objects.select_for_update(of=("self",)).get(pk=household.pk)
    today = on or clock.today()
    family = load_facts(household, today, digits=len(place_of(household.region)))
    person_ids = [member.person_id for member in members_on(household, today)]
    provenance: dict[str, dict[str, Any]] = {}
    for name in family["household"]:
        provenance[f"household.{name}"] = {"source": "register" if name == "area_kind" else "prior"}
    registered = ("name", "relation", "birth", "died")
    for index, member in enumerate(family["members"]):
        for name in member:
            provenance[f"members[{index}].{name}"] = {"source": "register" if name in registered else "prior"}
    if base is not None:
        _take_over(base, family, provenance, person_ids)
    _from_roll(household, family["household"], provenance, today)
    if place_facts:
        family["place_facts"] = dict(place_facts)
    number = (FactSet.objects.filter(household=household).aggregate(n=Max("number"))["n"] or 0) + 1
    row = FactSet.objects.create(
        region=household.region,
        household=household,
        case=case,
        number=number,
        facts=family,
        provenance=provenance,
        person_ids=person_ids,
        as_of=today,
        reason=reason.strip()[:200],
        created_at=clock.now(),
        created_by=acting_user,
        supersedes=base,
    )
    _audit("start_fact_set", acting_user, row)
    return row


def _take_over(base: FactSet, family: dict[str, Any], provenance: dict[str, Any], person_ids: list[int]) -> None:
    for name, value in base.facts["household"].items():
        if name != "area_kind":
            family["household"][name] = value
            provenance[f"household.{name}"] = base.provenance.get(f"household.{name}", {"source": "prior"})
    for index, person_id in enumerate(person_ids):
        if person_id not in base.person_ids:
            continue
        old = base.person_ids.index(person_id)
        for name, value in base.facts["members"][old].items():
            if name in ("name", "relation", "birth", "died"):
                continue
            family["members"][index][name] = value
            origin = base.provenance.get(f"members[{old}].{name}", {"source": "prior"})
            provenance[f"members[{index}].{name}"] = origin


def _from_roll(household: Household, facts: dict[str, Any], provenance: dict[str, Any], today: date) -> None:
    """The amount received then, which a gradual exit would keep; and no end of a grace that is over."""
    if str(facts.get("paid_until") or "9999") < today.isoformat():
        facts.pop("paid_until", None)
        provenance.pop("household.paid_until", None)
    entry = roll_now(household, today)
    if entry is None:
        facts.pop("last_amount", None)
        provenance.pop("household.last_amount", None)
        return
    facts["last_amount"] = format_yuan(entry.amount_fen, sep=False)
    provenance["household.last_amount"] = {"source": "prior", "date": today.isoformat()}


def roll_now(household: Household, day: date) -> RollEntry | None:
    """The household's entry of this month, of a programme that entitles the household."""
    month = Month.of(day).yyyymm
    return (
        RollEntry.objects.filter(household=household, person=None, programme="dibao", start_month__lte=month)
        .filter(Q(end_month__isnull=True) | Q(end_month__gte=month))
        .first()
    )


@transaction.atomic
def enter_facts(
    fact_set: FactSet,
    *,
    acting_user: User | None,
    household: Mapping[str, Any] | None = None,
    members: Mapping[int, Mapping[str, Any]] | None = None,
    source: str = FactSet.Source.ENTERED,
    evidence: str = "",
) -> FactSet:
    """Writes facts into a draft, each with where it is from. A value of None takes a fact back (未知).

    Args:
        household: Fact name -> value; money in yuan text, dates ISO, yes/no true or false.
        members: Person id -> facts.
        evidence: Paper, register or visit it rests on.

    Raises:
        FactFaultsError: Every undeclared name and unreadable value, with its path; nothing is written.
        FrozenError, NotFoundError, AccessDeniedError, DutySeparationError.
    """
    fact_set = open_draft(fact_set, acting_user)
    faults: list[tuple[str, str]] = []
    facts, provenance = fact_set.facts, fact_set.provenance
    origin = {"source": str(source), "date": clock.today().isoformat()}
    if evidence.strip():
        origin["evidence"] = evidence.strip()[:200]
    if acting_user is not None:
        origin["officer"] = acting_user.name

    def write(row: dict[str, Any], path: str, values: Mapping[str, Any], locked: tuple[str, ...]) -> None:
        for name, value in values.items():
            where = f"{path}.{name}"
            if name in locked:
                faults.append((where, "由人员登记提供，请在人员登记中更正"))
            elif value is None:
                row.pop(name, None)
                provenance.pop(where, None)
            else:
                row[name] = value
                provenance[where] = dict(origin)

    write(facts["household"], "household", household or {}, ("area_kind",))
    for person_id, values in (members or {}).items():
        if person_id not in fact_set.person_ids:
            faults.append((f"members[person {person_id}]", "不是该家庭的成员，请核对"))
            continue
        index = fact_set.person_ids.index(person_id)
        write(facts["members"][index], f"members[{index}]", values, ("name", "relation", "birth", "died"))
    faults += [(fault.path, fault.message) for fault in validate_family(book(), place_of(fact_set.region), facts)]
    if faults:
        raise FactFaultsError(faults)
    fact_set.save(update_fields=["facts", "provenance"])
    names = sorted([*(household or {}), *(name for values in (members or {}).values() for name in values)])
    _audit("enter_facts", acting_user, fact_set, names=names, source=str(source))
    return fact_set


@transaction.atomic
def freeze(fact_set: FactSet, *, acting_user: User | None) -> FactSet:
    """Checks a draft against the declared facts, hashes it, and closes it for ever.

    Missing answers do not stop it: what needs them will be 未知 and names them.

    Raises:
        DeclaredWaitingError: Answers from the phone that no officer has adopted or set aside.
        FactFaultsError, FrozenError, NotFoundError, AccessDeniedError, DutySeparationError.
    """
    fact_set = open_draft(fact_set, acting_user)
    waiting = [path for path, origin in fact_set.provenance.items() if "declared" in origin]
    if waiting:
        labels = {fact.name: fact.label for fact in book().draft.facts}
        raise DeclaredWaitingError([labels.get(path.rpartition(".")[2], path) for path in waiting])
    faults = [
        (fault.path, fault.message) for fault in validate_family(book(), place_of(fact_set.region), fact_set.facts)
    ]
    if faults:
        raise FactFaultsError(faults)
    fact_set.sha256 = digest(fact_set.facts, fact_set.provenance, fact_set.person_ids)
    fact_set.frozen_at, fact_set.frozen_by = clock.now(), acting_user
    fact_set.save(update_fields=["sha256", "frozen_at", "frozen_by"])
    _audit("freeze", acting_user, fact_set, sha256=fact_set.sha256)
    return fact_set


def open_draft(fact_set: FactSet, acting_user: User | None) -> FactSet:
    """The draft, locked, for who may collect facts. Raises FrozenError, AccessDeniedError, DutySeparationError."""
    if acting_user is not None:
        access.require_any(acting_user, DUTIES, fact_set.region)
    row = FactSet.objects.select_for_update(of=("self",)).select_related("case").get(pk=fact_set.pk)
    if row.is_frozen:
        raise FrozenError(row.number)
    if acting_user is not None and row.case is not None:
        check_hand(row.case, acting_user, None)
    return row


def _audit(action: str, actor: User | None, row: FactSet, **after: Any) -> None:
    record(
        f"verification.{action}",
        actor=actor,
        subject_type="factset",
        subject_id=row.pk,
        region=row.region,
        case_no=row.case.no if row.case else None,
        after={"number": row.number, **after},
    )
