"""Floor checks of a proposal: the tests of the pack `standards` on the values as they would be, place by place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from tuodi.kernel.periods import Month
from tuodi.policy.adopted import Adopted
from tuodi.policy.book import Book
from tuodi.rules import plan_for
from tuodi.standards.book import proposed_over

__all__ = ["Floor", "floors"]

PROGRAMME = "standards"


@dataclass(frozen=True)
class Floor:
    """One test in one place.

    Attributes:
        result: pass, fail or unknown. before: the same test on the values in force.
        touched: the proposal changes a value the test reads; only such a failure stops it.
        missing: what an unknown one lacks.
    """

    place: str
    place_name: str
    name: str
    label: str
    reason: str
    clause: str
    result: str
    before: str
    touched: bool
    missing: tuple[str, ...] = ()

    @property
    def blocking(self) -> bool:
        """Whether it stops approval."""
        return self.result == "fail" and self.touched

    def as_json(self) -> dict[str, Any]:
        """For the proposal's row."""
        return {**asdict(self), "missing": list(self.missing)}


def floors(book: Book, rows: Sequence[Adopted], on: date, basis: Mapping[str, str]) -> list[Floor]:
    """The tests of every place a proposal speaks of, those that fail first.

    Args:
        basis: place facts (`consumption_prior_urban` …, yuan as printed).

    Raises: PolicyErrors for values that cannot be; FamilyErrors for a basis figure that cannot.
    """
    proposed = proposed_over(book, rows)
    if PROGRAMME not in book.programmes:
        return []
    changed = {one.param for one in rows}
    family = {"place_facts": {name: value for name, value in basis.items() if value}}
    found = []
    for place in dict.fromkeys(one.place for one in rows):
        plan = plan_for(proposed, place, on, Month.of(on))
        answer = plan.decide(family, PROGRAMME)[0]
        before = {
            one.name: one.result
            for one in plan_for(book, place, on, Month.of(on)).decide(family, PROGRAMME)[0].rows[0].tests
        }
        for test in answer.rows[0].tests:
            model = plan.model((test.name,))
            touched = any(slot.kind == "param" and slot.name in changed for slot in model.slots.values())
            lacking = plan.missing(answer.model, answer.inputs, test.name, None) if test.result == "unknown" else []
            found.append(
                Floor(
                    place, book.place_name(place), test.name, test.label, test.reason, book.clause(test.clause).text, test.result,
                    before.get(test.name, "unknown"), touched, tuple(lacking),
                )
            )  # fmt: skip
    rank = {"fail": 0, "unknown": 1, "pass": 2}
    return sorted(found, key=lambda one: (not one.touched, rank[one.result]))
