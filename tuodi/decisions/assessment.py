"""What a family may be entitled to, over all programmes of its place at once, from what is known now (M05, M11).

Nothing is decided or stored. The rules that decide later are asked on the register's facts, the newest frozen facts and what is
said at the counter, in this order; the answer names what is missing or which test failed, with its clause.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from tuodi.decisions.decide import failed_reasons
from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.people.facts import REGISTERED, load_facts
from tuodi.people.models import Household
from tuodi.policy.model import Fact
from tuodi.rules import Plan, ProgrammeResult
from tuodi.verification.queries import as_family, latest_frozen
from tuodi.verification.rulebook import place_of, plan

__all__ = ["Answer", "Assessment", "assess", "merged"]

LIKELY, UNKNOWN, NO = "pass", "unknown", "fail"
_ORDER = {LIKELY: 0, UNKNOWN: 1, NO: 2}


@dataclass(frozen=True, slots=True)
class Answer:
    """What the rules say of one programme.

    Attributes:
        outcome: `pass` likely, `unknown`, `fail`.
        amount_fen: For one `period`; null = unknown, or it pays no money.
        missing: Names of what would settle an unknown: facts and parameters.
        reasons: Why it failed, each with its clause.
        people: Whom it is for, where it entitles persons; empty = the family.
        fingerprint: Of the rules used.
    """

    programme: str
    label: str
    outcome: str
    amount_fen: int | None = None
    period: str = ""
    missing: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    fingerprint: str = ""


@dataclass
class Assessment:
    """All answers, those that are likely first.

    Attributes:
        plan: The rules asked, for who wants to ask what a programme reads.
        family: The family file they were asked on.
        missing: The declared facts that would settle one of the unknown answers, household's first.
        from_facts: The number of the frozen fact set that was laid over the register; null = none there is.
    """

    plan: Plan
    family: dict[str, Any]
    answers: list[Answer] = field(default_factory=list)
    missing: list[Fact] = field(default_factory=list)
    from_facts: int | None = None


def merged(family: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """A family file with the facts of another laid over it; members meet by `person_id`, else by position.

    What persons and memberships themselves hold (name, birth …) is never taken from the second.
    """
    members = [dict(member) for member in family.get("members", ())]
    by_person = {member["person_id"]: member for member in members if "person_id" in member}
    for place, more in enumerate(over.get("members") or ()):
        given = {name: value for name, value in more.items() if name not in REGISTERED and value is not None}
        target = by_person.get(more.get("person_id")) if "person_id" in more else None
        if target is None and "person_id" not in more and place < len(members):
            target = members[place]
        if target is not None:
            target.update(given)
    own = {name: value for name, value in (over.get("household") or {}).items() if value is not None}
    return {**family, "household": {**family.get("household", {}), **own}, "members": members}


def assess(
    household: Household,
    entered: Mapping[str, Any] | None = None,
    *,
    on: date | None = None,
    programmes: Sequence[str] = (),
) -> Assessment:
    """Asks every programme of the household's place at once.

    Args:
        entered: What is said now, as a family file (members with `person_id`); laid over all else, marked 申报.
        on: The day; None = today.
        programmes: Only these; none = all.

    Raises:
        FamilyErrors: What was entered cannot be read; it names each field.
    """
    day = on or clock.today()
    place = place_of(household.region)
    asked = plan(place, day, Month.of(day).next())
    family = load_facts(household, day)
    ids = list(_people(household, day))
    for member, person in zip(family["members"], ids, strict=True):
        member["person_id"] = person
    frozen = latest_frozen(household)
    if frozen is not None:
        known = as_family(frozen)
        for member, person in zip(known.get("members", ()), frozen.person_ids, strict=False):
            member["person_id"] = person
        family = merged(family, known)
    if entered:
        family = merged(family, entered)
    for member in family["members"]:
        member.pop("person_id", None)
    family["place"] = place
    found = Assessment(asked, family, from_facts=frozen.number if frozen else None)
    wanted = set(programmes)
    results = [one for one in asked.decide(family) if not wanted or one.programme in wanted]
    found.answers = sorted((_answer(one) for one in results), key=lambda one: _ORDER[one.outcome])
    found.missing = _missing(asked, results)
    return found


def _people(household: Household, day: date) -> list[int]:
    from tuodi.people.queries import members_on

    return [member.person_id for member in members_on(household, day)]


def _answer(result: ProgrammeResult) -> Answer:
    people = tuple(
        row.name for row in result.rows if row.row is not None and row.outcome == result.outcome and row.name
    )
    return Answer(
        programme=result.programme,
        label=result.label,
        outcome=result.outcome,
        amount_fen=result.amount_fen if result.outcome == LIKELY else None,
        period=result.period,
        missing=result.missing if result.outcome == UNKNOWN else (),
        reasons=tuple(failed_reasons(result)) if result.outcome == NO else (),
        people=people if result.outcome == LIKELY else (),
        fingerprint=result.fingerprint,
    )


def _missing(asked: Plan, results: Sequence[ProgrammeResult]) -> list[Fact]:
    """The facts named by unknown answers, which somebody at the counter can give (no index or ledger)."""
    named = {
        text.partition("（")[0] for result in results if result.outcome == UNKNOWN for text in result.missing
    }  # a member's fact carries the member's name behind it
    declared = [fact for same in asked.book.facts_on(asked.chain).values() for fact in same]
    kept = [
        fact
        for fact in declared
        if fact.level in {"household", "members"}
        and fact.source not in {"index", "ledger", "prior"}
        and fact.name not in REGISTERED
        and fact.label.partition("（")[0] in named
    ]
    return sorted(kept, key=lambda fact: fact.level != "household")
