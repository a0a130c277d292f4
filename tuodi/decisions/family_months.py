"""One family's months: what was due, why, and what changed since the month before. Rows are read once for all questions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tuodi.decisions.errors import NothingInForceError
from tuodi.decisions.models import Determination
from tuodi.kernel.periods import Month
from tuodi.people.enums import Programme
from tuodi.people.facts import FactHistory
from tuodi.people.models import Household, Membership, Person, RollEntry
from tuodi.rules import ProgrammeResult
from tuodi.rules.explain import Change, Explanation, compare
from tuodi.verification.queries import as_family
from tuodi.verification.rulebook import place_of, plan

__all__ = ["FamilyMonths", "MonthChange"]


@dataclass(frozen=True, slots=True)
class MonthChange:
    """What differs for one family between two months.

    Attributes:
        before_fen, after_fen: Amount due; None = nothing or unknown.
        before, after: Explanations as JSON.
        changes: Figures that differ, causes (leaves) first.
        cause: Of the determination that took over, in words; empty = the same determination, so a rule or standard.
        explanation: Of the month itself.
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
    explanation: Explanation

    @property
    def difference_fen(self) -> int:
        """After minus before; nothing counts as 0."""
        return (self.after_fen or 0) - (self.before_fen or 0)

    @property
    def text(self) -> str:
        """The explanation of the month as an indented tree."""
        return self.explanation.text()


@dataclass(frozen=True, slots=True)
class _Answer:
    result: ProgrammeResult
    explanation: Explanation
    json: dict[str, Any]


class FamilyMonths:
    """Questions about one family's months. Each table is read at most once, each month of a unit decided at most once.

    For one request or command: it does not notice what is written after it has read.

    Args:
        household: In scope.
        memberships: All of the household with their persons, where the caller has read them anyway.
    """

    def __init__(self, household: Household, memberships: Sequence[Membership] | None = None) -> None:
        self.household = household
        self._memberships = memberships
        self._results: dict[tuple[str, Month, int | None], ProgrammeResult] = {}
        self._answers: dict[tuple[str, Month, int | None], _Answer] = {}

    @cached_property
    def roll(self) -> list[RollEntry]:
        """Every roll entry with its person, the newest start first."""
        return list(self.household.roll.select_related("person").order_by("-start_month", "-id"))

    @cached_property
    def determinations(self) -> list[Determination]:
        """Every determination, newest first, with facts, person and who decided; without the stored explanation."""
        rows = Determination.objects.filter(household=self.household).defer("explanation")
        return list(rows.select_related("decided_by", "person", "fact_set").order_by("-id"))

    @cached_property
    def facts(self) -> FactHistory:
        """The accepted facts of every day."""
        return FactHistory(self.household, self._memberships)

    def roll_entry(self, programme: str, month: Month, *, person: Person | None = None) -> RollEntry | None:
        """The roll entry of a unit that covers a month, or None."""
        unit = (programme, person.pk if person else None)
        found = [one for one in self.roll if (one.programme, one.person_id) == unit and covers(one, month)]
        return min(found, key=lambda one: one.pk, default=None)

    def in_force(self, programme: str, month: Month, *, person: Person | None = None) -> Determination | None:
        """The determination behind what the unit is due in a month; None = nothing is due.

        By the roll where there is an entry; else (a case not yet on the roll) the newest that grants and covers the month.
        """
        entry = self.roll_entry(programme, month, person=person)
        if entry is not None and entry.determination_id is not None:
            own = next((one for one in self.determinations if one.pk == entry.determination_id), None)
            return own or Determination.objects.get(pk=entry.determination_id)  # of the household it moved from
        unit = (programme, person.pk if person else None)
        for one in self.determinations:
            if (one.programme, one.person_id) == unit and one.start_month and one.start_month <= month.yyyymm:
                ended = one.end_month is not None and one.end_month < month.yyyymm
                return one if one.outcome == "pass" and not ended else None
        return None

    def answer(self, programme: str, month: Month, *, person: Person | None = None) -> ProgrammeResult:
        """The rules' answer for a family and month, computed anew with every value.

        Facts: those of the determination in force, else the accepted facts of that month (an imported roll). Rule
        texts: those the determination was made under; standards: those of the month. So an old month gives the old
        figure.
        """
        key = (programme, month, person.pk if person else None)
        if key not in self._results:
            self._results[key] = self._decide(programme, month, person)
        return self._results[key]

    def _decide(self, programme: str, month: Month, person: Person | None) -> ProgrammeResult:
        found = self.in_force(programme, month, person=person)
        place = place_of(self.household.region)
        if found is not None and found.fact_set is not None:
            family, case_date = as_family(found.fact_set), found.case_date
        else:
            family = self.facts.file(month.last_day, digits=len(place))
            case_date = found.case_date if found is not None else month.last_day
        (result,) = plan(place, case_date, month).decide(family, programme)
        return result

    def explained(self, programme: str, month: Month, *, person: Person | None = None) -> dict[str, Any]:
        """The explanation of a month as JSON."""
        return self._answer(programme, month, person).json

    def _answer(self, programme: str, month: Month, person: Person | None) -> _Answer:
        key = (programme, month, person.pk if person else None)
        if key not in self._answers:
            result = self.answer(programme, month, person=person)
            explanation = result.explain()
            self._answers[key] = _Answer(result, explanation, explanation.to_json())
        return self._answers[key]

    def what_changed(self, month: Month, programme: str = "dibao", *, person: Person | None = None) -> MonthChange:
        """What changed for a family since the month before, by comparing two explanations by name.

        Raises:
            NothingInForceError: Neither month has anything to compare.
        """
        before_row = self.in_force(programme, month.prev(), person=person)
        after_row = self.in_force(programme, month, person=person)
        if before_row is None and after_row is None:
            raise NothingInForceError(self.household.no, Programme(programme).label, str(month))
        before = self._answer(programme, month.prev(), person)
        after = self._answer(programme, month, person)
        moved = after_row is not None and before_row is not None and after_row.pk != before_row.pk
        return MonthChange(
            household_no=self.household.no,
            programme=programme,
            month=month,
            before_fen=before.result.amount_fen if before_row is not None else None,
            after_fen=after.result.amount_fen if after_row is not None else None,
            before=before.json,
            after=after.json,
            # That the month itself is another one is no news ("@" marks the dates of the question).
            changes=tuple(one for one in compare(before.json, after.json) if not one.id.startswith("@")),
            cause=after_row.cause if moved and after_row is not None else "",
            explanation=after.explanation,
        )


def covers(entry: RollEntry, month: Month) -> bool:
    """Whether an entry is on the roll in a month."""
    return entry.start_month <= month.yyyymm and (entry.end_month is None or entry.end_month >= month.yyyymm)
