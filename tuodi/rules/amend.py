"""Looks at a text of rules before it is adopted: its faults, what it changes, its own examples, and what becomes of those there are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from tuodi.policy.amended import AdoptedText, texts_nearer, with_texts
from tuodi.policy.book import Book
from tuodi.policy.faults import Fault, PolicyErrors
from tuodi.policy.model import EVER, FOREVER, Case, RuleText
from tuodi.rules.cases import expected_rules, run_case
from tuodi.rules.check import check_formulas
from tuodi.rules.wording import Segment, differing, in_words

__all__ = ["Change", "Moved", "Review", "Wording", "review"]


@dataclass(frozen=True)
class Wording:
    """One wording as it is read: the formula, the same in words, its citation, and where it stands.

    Attributes:
        place: name of the place it is written for. start: ISO day, empty = always. source: file and line.
    """

    formula: str
    words: str
    clause: str
    place: str
    start: str
    source: str
    assumed: bool


@dataclass(frozen=True)
class Change:
    """One rule a text writes anew: today's wording beside the new one.

    Attributes:
        now: None for a rule there was not. end: ISO day the new one ends, empty = open. segments: the words of both in one.
        reason: what a person is told where the condition fails, as it will be. nearer: codes of places that keep their own.
    """

    name: str
    label: str
    programme: str
    place: str
    place_name: str
    start: str
    end: str
    unit: str
    role: str
    reason: str
    now: Wording | None
    then: Wording
    segments: list[Segment]
    nearer: list[str]


@dataclass(frozen=True)
class Moved:
    """An example of the packs that comes out otherwise by the new text: what it expected, and what it gives."""

    case: str
    name: str
    item: str
    was: str
    now: str
    source: str


@dataclass(frozen=True)
class Review:
    """What was found.

    Attributes:
        faults: what must be mended before anybody is asked. examples: the text's own examples that come out.
        moved: examples of the packs from the first day on that come out otherwise. kept: how many do not.
    """

    faults: list[Fault] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    examples: list[str] = field(default_factory=list)
    moved: list[Moved] = field(default_factory=list)
    kept: int = 0


def review(book: Book, one: AdoptedText) -> Review:
    """A text looked at beside the book in force. Nothing is raised for its faults: they are told, with line and remedy."""
    try:
        amended = with_texts(book, [one])
    except PolicyErrors as error:
        return Review(error.faults)
    mine = [
        text
        for name in sorted(amended.draft.rules)
        for text in amended.draft.rules[name]
        if text.adopted and text.where.file == one.source
    ]
    places = sorted({text.place for text in mine})
    faults = check_formulas(amended, within=places, since=one.start)
    changes = [_change(book, amended, text) for text in mine]
    if faults:
        return Review(sorted({*faults}), changes)
    own = [case for case in amended.cases if case.where.file == one.source]
    wrong = [(case, outcome.wrong) for case in own if (outcome := run_case(amended, case)).wrong]
    faults += [
        Fault.at(case.where, f"算例“{case.id}”：{item} 应为 {want}，按新规则算得 {got}；核对算例或公式")
        for case, found in wrong
        for item, want, got in found
    ]
    faults += _without_example(mine, own, amended)
    moved, kept = _examples(book, amended, mine, own)
    return Review(sorted({*faults}), changes, [f"{case.id} {case.name}" for case in own], moved, kept)


def _without_example(mine: Iterable[RuleText], own: list[Case], amended: Book) -> list[Fault]:
    """Each programme whose rules are written anew shows one example of it, decided on a day the new text holds."""
    out: dict[str, Fault] = {}
    for text in mine:
        programme = _programme(text.name)
        shown = any(
            case.on >= text.start
            and text.place in amended.chain(case.place)
            and any(_programme(name) == programme for name in expected_rules(case))
            for case in own
        )
        if not shown:
            out.setdefault(
                programme,
                Fault.at(
                    text.where,
                    f"规则“{text.name}”没有算例；在 cases 里写一个 {text.place} 在 {text.start} 或以后的家庭和应得的结果",
                ),
            )
    return list(out.values())


def _examples(book: Book, amended: Book, mine: list[RuleText], own: list[Case]) -> tuple[list[Moved], int]:
    moved, kept = [], 0
    reach = {(text.place, text.start) for text in mine}
    told = {case.id for case in own}
    for case in book.cases:
        chain = book.chain(case.place)
        if case.id in told or not any(place in chain and case.on >= start for place, start in reach):
            continue
        found = run_case(amended, case).wrong
        if not found:
            kept += 1
            continue
        before = {item for item, _, _ in run_case(book, case).wrong}
        for item, want, got in found:
            if item not in before:
                moved.append(Moved(case.id, case.name, item, want, got, f"{case.where.file}:{case.where.line}"))
    return moved, kept


def _programme(name: str) -> str:
    return name.split(".")[0] if "." in name else ""


def _change(book: Book, amended: Book, text: RuleText) -> Change:
    chain = book.chain(text.place)
    then = amended.rule_texts(chain, text.start).get(text.name, text)
    now = book.rule_texts(chain, text.start).get(text.name)
    new, old = _wording(amended, text, text), None if now is None else _wording(book, now, text)
    programme = _programme(text.name)
    known = book.programmes.get(programme)
    return Change(
        text.name, then.label, known.label if known else programme, text.place, book.place_name(text.place), text.start.isoformat(),
        "" if text.end == FOREVER else text.end.isoformat(), then.unit_text, then.role, then.reason, old, new,
        differing(old.words if old else "", new.words), texts_nearer(book, text),
    )  # fmt: skip


def _wording(book: Book, text: RuleText, beside: RuleText) -> Wording:
    words = in_words(book, text.formula, place=beside.place, on=beside.start, programme=_programme(text.name))
    return Wording(
        text.formula, words, book.clause(text.clause).text if text.clause else "", book.place_name(text.place),
        "" if text.start == EVER else text.start.isoformat(), f"{text.where.file}:{text.where.line}", book.clause_assumed(text.clause),
    )  # fmt: skip
