"""The law as pages read it: the site's book, declared facts, and trial decisions on a family file."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from tuodi.kernel.errors import TuodiError
from tuodi.kernel.periods import Month
from tuodi.policy import Book
from tuodi.policy.model import Fact
from tuodi.rules import Plan
from tuodi.verification import rulebook
from tuodi.web.components import explain, words
from tuodi.web.components.explain import Programme

#: Programmes judged on the page of a family; the others are judged when asked for.
SHOWN = ("dibao", "tekun", "edge", "rigid_expense")
ORDER = {"pass": 0, "unknown": 1, "fail": 2}


def book() -> Book:
    """The site's checked book."""
    return rulebook.book()


def facts() -> dict[tuple[str, str], Fact]:
    """Declared facts by (level, name)."""
    return {(fact.level, fact.name): fact for fact in book().draft.facts}


def used_facts(plan: Plan, programme: str) -> list[Fact]:
    """The declared facts of the household and its members that a programme's rules read, in the order declared."""
    declared = plan.book.programmes.get(programme)
    if declared is None:
        return []
    slots = plan.model(tuple(plan.outputs_of(declared))).slots
    found = [fact for same in plan.book.facts_on(plan.chain).values() for fact in same if fact.key in slots]
    return [fact for fact in found if fact.level in {"household", "members"}]


def trial(
    family: Mapping[str, Any], region: str, *, case_date: date, month: Month, programmes: Sequence[str] = SHOWN
) -> tuple[list[Programme], str]:
    """Decide a family file without keeping anything.

    Returns:
        The programmes' explanations, those that grant first, and an empty text; or none and a Chinese sentence.
    """
    names = [str(_plain(member.get("name", ""))) for member in family.get("members", ())]
    try:
        results = rulebook.plan(rulebook.place_of(region), case_date, month).decide(family)
    except TuodiError as error:
        return [], str(error)
    shown = [explain.programme(one.explain().to_json(), names) for one in results if one.programme in programmes]
    return sorted(shown, key=lambda one: ORDER.get(one.outcome_code, 9)), ""


_CITED = re.compile(r"（([A-Za-z0-9][^（）]*)）")


def cited(text: str) -> str:
    """Reasons with their clauses as people cite them: （649-9） -> （649号令 9条）; what is convention and no law is left out."""

    def words_of(found: re.Match[str]) -> str:
        clause = book().clause(found[1])
        if clause.instrument is None:
            return found[0]
        return "" if clause.instrument.kind == "convention" else f"（{words.clause_short(clause.text)}）"

    return _CITED.sub(words_of, text)


def _plain(value: Any) -> Any:
    return value.get("value") if isinstance(value, Mapping) else value
