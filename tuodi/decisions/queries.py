"""Reading decisions: what is in force for a family and month, its explanation, and what changed since the month before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet

from tuodi.decisions.errors import NothingInForceError
from tuodi.decisions.models import Determination
from tuodi.kernel.periods import Month
from tuodi.org import access
from tuodi.org.models import User
from tuodi.people.enums import Programme
from tuodi.people.facts import load_facts
from tuodi.people.models import Household, Person, RollEntry
from tuodi.rules import ProgrammeResult
from tuodi.rules.explain import Change, compare
from tuodi.verification.queries import as_family, hash_fits
from tuodi.verification.rulebook import place_of, plan

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
    return (
        RollEntry.objects.filter(household=household, programme=programme, person=person)
        .filter(start_month__lte=month.yyyymm)
        .filter(Q(end_month__isnull=True) | Q(end_month__gte=month.yyyymm))
        .first()
    )


def in_force(
    household: Household, programme: str, month: Month, *, person: Person | None = None
) -> Determination | None:
    """The determination behind what the unit is due in a month; None = nothing is due.

    By the roll where there is an entry; else (a case not yet on the roll) the newest that grants and covers the month.
    """
    entry = roll_entry(household, programme, month, person=person)
    if entry is not None and entry.determination_id is not None:
        return Determination.objects.get(pk=entry.determination_id)
    newest = (
        Determination.objects.filter(household=household, programme=programme, person=person)
        .filter(start_month__lte=month.yyyymm)
        .order_by("-id")
        .first()
    )
    if newest is None or newest.outcome != "pass" or (newest.end_month and newest.end_month < month.yyyymm):
        return None
    return newest


def explain_month(
    household: Household, programme: str, month: Month, *, person: Person | None = None
) -> ProgrammeResult:
    """The rules' answer for a family and month, computed anew with every value.

    Facts: those of the determination in force, else the accepted facts of that month (an imported roll). Rule texts:
    those the determination was made under; standards: those of the month. So an old month gives the old figure.
    """
    found = in_force(household, programme, month, person=person)
    place = place_of(household.region)
    if found is not None and found.fact_set is not None:
        family, case_date = as_family(found.fact_set), found.case_date
    else:
        family = load_facts(household, month.last_day, digits=len(place))
        case_date = found.case_date if found is not None else month.last_day
    (result,) = plan(place, case_date, month).decide(family, programme)
    return result


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


@dataclass(frozen=True, slots=True)
class MonthChange:
    """What differs for one family between two months.

    Attributes:
        before_fen, after_fen: Amount due; None = nothing or unknown.
        before, after: Explanations as JSON.
        changes: Figures that differ, causes (leaves) first.
        cause: Of the determination that took over, in words; empty = the same determination, so a rule or standard.
        text: The explanation of the month as an indented tree.
    """

    household_no: str
    programme: str
    month: Month
    before_fen: int | None
    after_fen: int | None
    before: dict[str, Any]
    after: dict[str, Any]
    changes: tuple[Change, ...]
    cause: str
    text: str

    @property
    def difference_fen(self) -> int:
        """After minus before; nothing counts as 0."""
        return (self.after_fen or 0) - (self.before_fen or 0)


def what_changed(
    household: Household, month: Month, programme: str = "dibao", *, person: Person | None = None
) -> MonthChange:
    """What changed for a family since the month before, by comparing two explanations by name.

    Raises:
        NothingInForceError: Neither month has anything to compare.
    """
    before_row = in_force(household, programme, month.prev(), person=person)
    after_row = in_force(household, programme, month, person=person)
    if before_row is None and after_row is None:
        raise NothingInForceError(household.no, Programme(programme).label, str(month))
    before = explain_month(household, programme, month.prev(), person=person)
    after = explain_month(household, programme, month, person=person)
    explained = after.explain()
    a, b = before.explain().to_json(), explained.to_json()
    moved = after_row is not None and before_row is not None and after_row.pk != before_row.pk
    return MonthChange(
        household_no=household.no,
        programme=programme,
        month=month,
        before_fen=before.amount_fen if before_row is not None else None,
        after_fen=after.amount_fen if after_row is not None else None,
        before=a,
        after=b,
        # That the month itself is another one is no news ("@" marks the dates of the question).
        changes=tuple(change for change in compare(a, b) if not change.id.startswith("@")),
        cause=after_row.cause if moved and after_row is not None else "",
        text=explained.text(),
    )
