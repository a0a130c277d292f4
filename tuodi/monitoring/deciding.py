"""One way from looked-into facts to the roll: what review, report, death and refusal share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import transaction
from django.db.models import Q

from tuodi.decisions.changes import record_change, require_confirmer
from tuodi.decisions.decide import ask, grace_end
from tuodi.decisions.errors import UnknownOutcomeError
from tuodi.decisions.models import Determination
from tuodi.decisions.notices import kind_of
from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.monitoring.watch import watch_family
from tuodi.org.models import User
from tuodi.people.enums import PERSON_PROGRAMMES, Programme
from tuodi.people.models import Household, Person, RollEntry
from tuodi.rules import ProgrammeResult
from tuodi.verification.actions import enter_facts, freeze, start_fact_set
from tuodi.verification.models import FactSet
from tuodi.verification.queries import latest_frozen

__all__ = ["Changed", "Preview", "amount_in", "collect", "decide_change", "preview", "units_of"]


@dataclass(frozen=True)
class Changed:
    """What a decision changed. `kind`: keep, increase, decrease, grace or stop; no determination where nothing changes."""

    kind: str
    before_fen: int | None
    after_fen: int
    determination: Determination | None = None


@dataclass(frozen=True)
class Preview:
    """What the rules would answer for the next month. `kind` as in `Changed`, empty = unknown (`missing` says what)."""

    kind: str
    before_fen: int | None
    after_fen: int | None
    until: Month | None
    missing: tuple[str, ...]


def units_of(household: Household, month: Month) -> list[RollEntry]:
    """What of a household is on the roll in a month, in order."""
    return list(
        RollEntry.objects.filter(household=household, start_month__lte=month.yyyymm)
        .filter(Q(end_month__isnull=True) | Q(end_month__gte=month.yyyymm))
        .select_related("person", "account")
        .order_by("id")
    )


def amount_in(household: Household, programme: str, person: Person | None, month: Month) -> int | None:
    """What a unit is granted in a month by the roll; None = not on it."""
    found = [
        one
        for one in units_of(household, month)
        if one.programme == programme and one.person_id == (person.pk if person else None)
    ]
    return found[0].amount_fen if found else None


@transaction.atomic
def collect(
    household: Household,
    *,
    acting_user: User,
    facts: Mapping[str, Any],
    members: Mapping[int, Mapping[str, Any]] | None = None,
    reason: str,
    evidence: str = "",
    source: str = FactSet.Source.ENTERED,
    on: date | None = None,
) -> FactSet:
    """A frozen fact set: what was known, with what has been found now on top.

    Args:
        on: Day whose members count; default today.

    Raises: FactFaultsError; NotFoundError, AccessDeniedError.
    """
    draft = start_fact_set(
        acting_user=acting_user, household=household, base=latest_frozen(household), reason=reason, on=on
    )
    if facts or members:
        enter_facts(draft, acting_user=acting_user, household=facts, members=members, source=source, evidence=evidence)
    return freeze(draft, acting_user=acting_user)


def preview(fact_set: FactSet, programme: str, person: Person | None, *, effective: Month | None = None) -> Preview:
    """What a decision on these facts would do."""
    month = effective or Month.of(clock.today()).next()
    answer = ask(fact_set, programme, case_date=clock.today(), month=month)
    before = amount_in(fact_set.household, programme, person, month)
    outcome, amount = _of(answer, fact_set, person)
    if outcome == "unknown" or (outcome == "pass" and amount is None):
        return Preview("", before, None, None, answer.missing)
    return Preview(_kind(answer, outcome, before, amount), before, amount or 0, grace_end(answer), ())


def _of(answer: ProgrammeResult, fact_set: FactSet, person: Person | None) -> tuple[str, int | None]:
    if person is None or answer.programme not in PERSON_PROGRAMMES:
        return answer.outcome, answer.amount_fen
    place = fact_set.person_ids.index(person.pk) if person.pk in fact_set.person_ids else None
    row = next((one for one in answer.rows if one.row == place and place is not None), None)
    return (row.outcome, row.amount_fen) if row is not None else ("fail", None)


def _kind(answer: ProgrammeResult, outcome: str, before: int | None, amount: int | None) -> str:
    if outcome != "pass":
        return "stop"
    if grace_end(answer) is not None:
        return "grace"
    after = amount or 0
    return "keep" if after == before else "increase" if before is None or after > before else "decrease"


@transaction.atomic
def decide_change(
    fact_set: FactSet,
    programme: str,
    *,
    acting_user: User,
    cause: str,
    reasons: str,
    person: Person | None = None,
    effective: Month | None = None,
) -> Changed:
    """Decides on frozen facts from the next month (or a past one); nothing new is made where nothing changes ([57] art 31).

    A family that loses its assistance is watched from then on.

    Raises: UnknownOutcomeError, and what `record_change` raises.
    """
    require_confirmer(acting_user, fact_set.region, programme)
    month = effective or Month.of(clock.today()).next()
    seen = preview(fact_set, programme, person, effective=month)
    if not seen.kind:
        raise UnknownOutcomeError(f"家庭 {fact_set.household.no} 的{Programme(programme).label}", seen.missing)
    if seen.kind == "keep":
        return Changed("keep", seen.before_fen, seen.after_fen or 0)
    row = record_change(
        fact_set, acting_user=acting_user, programme=programme, effective=month, cause=cause, reasons=reasons, person=person
    )  # fmt: skip
    if row.outcome != "pass":
        watch_family(row.household, programme)
    return Changed(kind_of(row, seen.before_fen) or "keep", seen.before_fen, row.amount_fen or 0, row)
