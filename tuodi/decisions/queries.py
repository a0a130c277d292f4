"""Reading decisions: one, those of a case or family, what is in force for a family and month, and computing one again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from tuodi.decisions.errors import NothingInForceError
from tuodi.decisions.family_months import FamilyMonths, MonthChange
from tuodi.decisions.models import Determination
from tuodi.kernel.periods import Month
from tuodi.org import access
from tuodi.org.models import User
from tuodi.people.models import Household, Person, RollEntry
from tuodi.rules import ProgrammeResult
from tuodi.verification.queries import as_family, hash_fits
from tuodi.verification.rulebook import plan

__all__ = [
    "MonthChange",
    "Recomputed",
    "access_determination",
    "determinations_of",
    "explain_month",
    "in_force",
    "of_case",
    "recompute",
    "roll_entry",
    "what_changed",
]


def access_determination(user: User, *, no: str | None = None, pk: int | None = None) -> Determination:
    """One determination in the user's range. NotFoundError alike for absent and forbidden."""
    rows = Determination.objects.select_related("case", "household", "fact_set", "follows")
    return access.one(rows, user=user, what="决定", **({"no": no} if no is not None else {"pk": pk}))


def determinations_of(household: Household) -> QuerySet[Determination]:
    """All determinations of a household, newest first."""
    return Determination.objects.filter(household=household).select_related("decided_by", "person").order_by("-id")


def of_case(case: Any) -> QuerySet[Determination]:
    """The determinations a case ended in."""
    return Determination.objects.filter(case=case).order_by("id")


def roll_entry(household: Household, programme: str, month: Month, *, person: Person | None = None) -> RollEntry | None:
    """The roll entry of a unit that covers a month, or None."""
    return FamilyMonths(household).roll_entry(programme, month, person=person)


def in_force(
    household: Household, programme: str, month: Month, *, person: Person | None = None
) -> Determination | None:
    """The determination behind what the unit is due in a month; see `FamilyMonths.in_force`."""
    return FamilyMonths(household).in_force(programme, month, person=person)


def explain_month(
    household: Household, programme: str, month: Month, *, person: Person | None = None
) -> ProgrammeResult:
    """The rules' answer for a family and month; see `FamilyMonths.answer`."""
    return FamilyMonths(household).answer(programme, month, person=person)


def what_changed(
    household: Household, month: Month, programme: str = "dibao", *, person: Person | None = None
) -> MonthChange:
    """What changed for a family since the month before; see `FamilyMonths.what_changed`."""
    return FamilyMonths(household).what_changed(month, programme, person=person)


@dataclass(frozen=True, slots=True)
class Recomputed:
    """A frozen determination decided once more from what it rests on.

    Attributes:
        same: Outcome, amount and rule texts agree and the facts are what was frozen.
        amount_fen: As computed now. fingerprint: Of the rule texts now in force for its place and case date.
        facts_intact: The fact set still has the hash it was frozen with.
    """

    same: bool
    outcome: str
    amount_fen: int | None
    fingerprint: str
    facts_intact: bool


def recompute(determination: Determination) -> Recomputed:
    """Decides a family determination again by its own case date and month, with today's files.

    A refusal against the rules' pass (the officer's reasons stand for it) is compared by its fingerprint alone.

    Raises:
        NothingInForceError: It rests on no fact set (an imported roll).
    """
    facts = determination.fact_set
    month = Month.parse(str(determination.month))
    if facts is None:
        raise NothingInForceError(determination.household.no, determination.get_programme_display(), str(month))
    (result,) = plan(determination.place, determination.case_date, month).decide(
        as_family(facts), determination.programme
    )
    rows = result.rows
    if determination.person_id is not None:
        place = facts.person_ids.index(determination.person_id)
        rows = [row for row in rows if row.row == place]
    outcome = rows[0].outcome if rows else result.outcome
    amount = rows[0].amount_fen if rows and outcome == "pass" else None
    intact = hash_fits(facts)
    same = intact and result.fingerprint == determination.fingerprint
    if determination.outcome == "pass":
        same = same and (outcome, amount) == (determination.outcome, determination.amount_fen)
    return Recomputed(same, outcome, amount, result.fingerprint, intact)
