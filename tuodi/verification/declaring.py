"""What an online application's answers say as facts, and what registers say against them. No database.

The form maps answers to facts (`intake.online_forms.Question`). What was not answered states nothing: it is never zero,
and a fact of several answers is unknown while one of them is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tuodi.intake.online_content import Content
from tuodi.intake.online_forms import ApplyForm, Question, shown
from tuodi.kernel.masking import mask_phone
from tuodi.kernel.money import format_yuan, parse_yuan

__all__ = ["Answer", "Rest", "answers_of", "found_against", "rest_of"]


@dataclass(frozen=True)
class Answer:
    """One fact as the applicant states it.

    Attributes:
        person_id: Whose; null = the family's.
        value: As a family file has it; null = asked but left open, so unknown.
        said: The answers it is made of, as people read them.
    """

    fact: str
    person_id: int | None
    value: Any
    said: str

    @property
    def key(self) -> str:
        """Stable name of the line: `household.income_year`, `17.employed`."""
        return f"{self.person_id or 'household'}.{self.fact}"


@dataclass(frozen=True)
class Rest:
    """One answer that is no fact.

    Attributes:
        use: Where it went; empty = an officer has to look into it.
        kinds: Kinds of register in which the applicant, as he answered, should not be found.
    """

    label: str
    who: str
    said: str
    use: str
    kinds: tuple[str, ...] = ()


def answers_of(content: Content, form: ApplyForm, people: Mapping[int, int]) -> list[Answer]:
    """Every fact the answers state, the family's first.

    Args:
        people: Place of a member as entered -> person; who is not in it states nothing.
    """
    found = _sums(content.answers, form)
    for page in form.pages:
        for one in page.fields:
            if not one.facts:
                continue
            if not page.per:
                found += _chosen(one, content.answers.get(one.id), None)
                continue
            for place, member in enumerate(content.members):
                if place in people:
                    found += _chosen(one, _of_member(one, member), people[place])
    return found


def _sums(answers: Mapping[str, Any], form: ApplyForm) -> list[Answer]:
    """Money facts: all questions of one fact added up, unknown while one of them is."""
    parts: dict[str, list[tuple[Question, int | None]]] = {}
    for one in form.questions():
        if one.fact:
            parts.setdefault(one.fact, []).append((one, _fen(one, answers)))
    found = []
    for fact, rows in parts.items():
        if not any(one.id in answers or fen is not None for one, fen in rows):
            continue  # the whole matter was not asked
        total = None if any(fen is None for _, fen in rows) else sum(fen or 0 for _, fen in rows)
        said = "；".join(f"{one.label.rstrip('？')} {_words(one, answers, fen)}" for one, fen in rows)
        found.append(Answer(fact, None, None if total is None else format_yuan(total, sep=False), said))
    return found


def _fen(one: Question, answers: Mapping[str, Any]) -> int | None:
    value = answers.get(one.id)
    if value not in (None, ""):
        return parse_yuan(str(value)) * one.times
    asked = not one.when or one.applies(answers) or any(name not in answers for name in one.when)
    return None if asked or not one.unasked else parse_yuan(one.unasked) * one.times


def _words(one: Question, answers: Mapping[str, Any], fen: int | None) -> str:
    if one.id in answers:
        return shown(one, answers[one.id])
    return "没有说清" if fen is None else "没有"


def _of_member(one: Question, member: Mapping[str, Any]) -> Any:
    return member.get(one.id.removeprefix("member_"))


def _options(value: Any) -> list[str]:
    return [] if value in (None, "", []) else [value] if isinstance(value, str) else list(value)


def _chosen(one: Question, value: Any, person: int | None) -> list[Answer]:
    stated: dict[str, Any] = {}
    for option in _options(value):
        stated |= one.facts.get(option, {})
    return [Answer(fact, person, worth, shown(one, value)) for fact, worth in stated.items()]


def rest_of(content: Content, form: ApplyForm) -> list[Rest]:
    """Answers that state no fact, in the order asked: each with where it went, or for an officer to look into."""
    found: list[Rest] = []
    for page in form.pages:
        for one in page.fields:
            if one.kind == "village" or (page.per and one.use):
                continue  # the place stands at the top; names, numbers and relations in the register, one row a member
            if page.per:
                found += [
                    Rest(one.label, str(member["name"]), shown(one, loose), "")
                    for member in content.members
                    if (loose := [name for name in _options(_of_member(one, member)) if name not in one.facts])
                ]
            elif one.id in content.answers and not one.fact:
                value = content.answers[one.id]
                kinds = [kind for name, rows in one.found_in.items() if name not in _options(value) for kind in rows]
                said = mask_phone(value) if one.kind == "phone" else shown(one, value)
                found.append(Rest(one.label.rstrip("？"), "", said, one.use, tuple(kinds)))
    return found


def found_against(
    item_rows: Sequence[Mapping[str, Any]], answer: Answer, *, incomes: Iterable[str] = ("income_year",)
) -> tuple[list[str], bool]:
    """What a report's lines say about a fact, and whether they contradict what was declared.

    A line of the same fact with another value contradicts; so does a declared total below the incomes that registers
    state (each person's income of a kind once, the largest). A stale line is shown and proves nothing.
    """
    if answer.person_id is None and answer.fact in incomes:
        return _incomes(item_rows, answer)
    texts, against = [], False
    for item in item_rows:
        if item["fact"] != answer.fact or (answer.person_id is not None and item["person_id"] != answer.person_id):
            continue
        texts.append(f"{item['source_label']}：{item['found']}")
        if item["mark"] == "stale" or answer.value is None:
            continue
        against = against or item["mark"] == "only_declared" or str(item["value"]) != str(answer.value)
    return texts, against


def _incomes(item_rows: Sequence[Mapping[str, Any]], answer: Answer) -> tuple[list[str], bool]:
    texts: list[str] = []
    most: dict[tuple[Any, str], int] = {}
    for item in item_rows:
        if not item["income"] or item["value"] is None:
            continue
        texts.append(f"{item['source_label']} · {item['person']}：{item['found']}")
        if item["mark"] != "stale":
            key = (item["person_id"], item["income"])
            most[key] = max(most.get(key, 0), parse_yuan(str(item["value"])))
    return texts, answer.value is not None and sum(most.values()) > parse_yuan(str(answer.value))
