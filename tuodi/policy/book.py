"""The book: every word, value and rule of all loaded packs, looked up by place and date.

A place is answered from the nearest place upwards; in one place the more specific key wins, then the latest start not after
the date. What this module returns still carries file, line and clause, so that every figure can be traced.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from fractions import Fraction
from functools import cached_property
from itertools import pairwise, product
from typing import Any

from tuodi.kernel import places
from tuodi.policy.clues import ClueRule, clue_rules
from tuodi.policy.faults import Fault, did_you_mean
from tuodi.policy.model import (
    LEVEL_PLACE,
    LEVEL_ROOT,
    Case,
    Collection,
    Draft,
    EnumDef,
    Fact,
    Instrument,
    Param,
    ParamValue,
    Programme,
    RuleDef,
    RuleText,
    lies_in,
    upper_place,
)  # fmt: skip
from tuodi.policy.values import clause_instrument

__all__ = ["ASSUMED", "Book", "Clause", "check_words", "wording_faults"]

#: A place that comes before all others: what a reader supposes.
ASSUMED = "!"


@dataclass(frozen=True)
class Clause:
    """A citation made readable: `text` like 民发〔2021〕57号 第13条."""

    raw: str
    instrument: Instrument | None
    locator: str

    @property
    def text(self) -> str:
        if self.instrument is None:
            return self.raw
        head = self.instrument.number if self.instrument.number not in ("", "-") else f"《{self.instrument.title}》"
        if not self.locator:
            return head
        number = self.locator.split("(")[0]
        shown = f"第{number}条{self.locator[len(number) :]}" if number.isdigit() else self.locator
        return f"{head} {shown}"

    @property
    def short(self) -> str:
        if self.instrument is None:
            return self.raw
        number = self.locator.split("(")[0]
        tail = f"{self.locator.replace(number, number + '条', 1)}" if number.isdigit() else self.locator
        return (
            f"{self.instrument.id} {tail}".strip()
            if not self.instrument.id.isdigit()
            else f"{self.instrument.id}号 {tail}".strip()
        )


def _rank(row: ParamValue) -> tuple[bool, int, date]:
    """Among values in force at one place, what was adopted on screen wins, then more keys named, then the later start."""
    return (row.adopted, sum(k is not None for k in row.keys), row.start)


@dataclass
class Book:
    """Loaded packs. Read-only after construction; cheap to keep for the life of a process."""

    draft: Draft
    warnings: list[Fault] = field(default_factory=list)
    #: successor code -> predecessor code, for dated divisions (京山市 420882 after 京山县 420821)
    predecessors: Mapping[str, str] = field(default_factory=dict)
    #: compiled plans by identity; filled by `rules`
    plans: dict[Any, Any] = field(default_factory=dict, repr=False)
    #: rule texts with what comes down from above filled in
    _filled: dict[Any, RuleText] = field(default_factory=dict, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        state = dict(self.__dict__)
        state["plans"] = {}
        return state

    # ---- words
    @property
    def digest(self) -> str:
        return self.draft.digest

    @property
    def instruments(self) -> dict[str, Instrument]:
        return self.draft.instruments

    @property
    def enums(self) -> dict[str, EnumDef]:
        return self.draft.enums

    @property
    def collections(self) -> dict[str, Collection]:
        return self.draft.collections

    @property
    def params(self) -> dict[str, Param]:
        return self.draft.params

    @property
    def programmes(self) -> dict[str, Programme]:
        return self.draft.programmes

    @property
    def cases(self) -> list[Case]:
        return self.draft.cases

    @cached_property
    def rules(self) -> dict[str, RuleDef]:
        return {name: RuleDef(name, tuple(texts)) for name, texts in self.draft.rules.items()}

    def clause(self, raw: str) -> Clause:
        """Splits a citation into its instrument and the place in the text."""
        ident = clause_instrument(raw, self.instruments)
        return Clause(raw, self.instruments.get(ident), raw[len(ident) :].lstrip("- ") if ident else raw)

    def clause_assumed(self, raw: str) -> bool:
        instrument = self.clause(raw).instrument
        return instrument is not None and instrument.kind == "hypothetical"

    # ---- places
    def parent(self, code: str) -> str:
        return upper_place(code, self.draft.areas)

    def trim_place(self, code: str) -> str:
        """The significant prefix of a code as people type it (`420802000000` is `420802`). Raises PlaceError."""
        return places.trim(code)

    def known_place(self, code: str) -> bool:
        """True for a division of any date, a standard area, or something below one."""
        try:
            code = places.trim(code)
        except places.PlaceError:
            return False
        return (
            code == places.NATION
            or code in self.draft.areas
            or code[:6] in self.draft.areas
            or places.national_tree().known(code)
        )

    def place_name(self, code: str) -> str:
        """The Chinese name of a place or standard area; the code itself where no list knows it."""
        if code in self.draft.areas:
            return self.draft.areas[code].name
        if code == places.NATION:
            return "全国"
        try:
            return places.national_tree().name(code)
        except places.PlaceError:
            return code

    def chain(self, code: str) -> list[str]:
        """The place and what lies above it, nearest first, ending in `cn`; a predecessor follows its successor."""
        out: list[str] = []
        while code != "cn":
            out.append(code)
            old = self.predecessors.get(code)
            if old and old not in out:
                out.append(old)
            code = self.parent(code)
        return [*out, "cn"]

    # ---- assumptions
    def overlaid(self, extra: Mapping[str, Sequence[ParamValue]]) -> Book:
        """The same book with values that win over all others for chains that start with `ASSUMED`."""
        other = copy.copy(self)
        other.plans = {}
        other.__dict__["_values"] = {**self._values, **{(name, ASSUMED): list(rows) for name, rows in extra.items()}}
        spans = dict(self._value_bounds)
        for name, rows in extra.items():
            numbers = [r.value for r in rows if isinstance(r.value, Fraction)]
            if numbers and name in spans:
                low, high, den = spans[name]
                spans[name] = (
                    min(low, *numbers),
                    max(high, *numbers),
                    math.lcm(den, *(n.denominator for n in numbers)),
                )
        other.__dict__["_value_bounds"] = spans
        return other

    # ---- look-ups
    @cached_property
    def _values(self) -> dict[tuple[str, str], list[ParamValue]]:
        index: dict[tuple[str, str], list[ParamValue]] = {}
        for name, rows in self.draft.values.items():
            for row in rows:
                index.setdefault((name, row.place), []).append(row)
        return index

    def value(self, name: str, chain: Sequence[str], keys: tuple[str, ...], on: date) -> ParamValue | None:
        """The value in force, or None where no place on the chain has one."""
        for place in chain:
            best: ParamValue | None = None
            for row in self._values.get((name, place), ()):
                fits = all(k is None or k == want for k, want in zip(row.keys, keys, strict=True))
                if row.start <= on <= row.end and fits and (best is None or _rank(row) > _rank(best)):
                    best = row
            if best is not None:
                return best
        return None

    def combinations(self, param: Param) -> list[tuple[str, ...]]:
        return list(product(*(self.enums[k].values for k in param.by))) if param.by else [()]

    def table(self, name: str, chain: Sequence[str], on: date) -> dict[tuple[str, ...], ParamValue | None]:
        """Every key combination with the value in force for it."""
        live = [
            rows
            for place in chain
            if (rows := [r for r in self._values.get((name, place), ()) if r.start <= on <= r.end])
        ]
        out: dict[tuple[str, ...], ParamValue | None] = {}
        for keys in self.combinations(self.params[name]):
            found: ParamValue | None = None
            for rows in live:
                fits = [r for r in rows if all(k is None or k == w for k, w in zip(r.keys, keys, strict=True))]
                if fits:
                    found = max(fits, key=_rank) if len(fits) > 1 else fits[0]
                    break
            out[keys] = found
        return out

    @cached_property
    def _value_bounds(self) -> dict[str, tuple[Fraction, Fraction, int]]:
        out = {}
        for name, param in self.params.items():
            if param.kind != "number":
                continue
            numbers = [row.value for row in self.draft.values.get(name, ()) if row.value is not None]
            numbers = numbers or [Fraction(0)]
            out[name] = (min(numbers), max(numbers), math.lcm(*(n.denominator for n in numbers)))
        return out

    def bounds(self, name: str) -> tuple[Fraction, Fraction, int]:
        """Least and greatest value anywhere and the common denominator of all values, in the declared unit (money in fen)."""
        return self._value_bounds[name]

    def rule_texts(self, chain: Sequence[str], on: date) -> dict[str, RuleText]:
        """The wording of each rule in force: nearest place, then latest start; labels and roles come down from above.

        The answer is shared by all who ask and must not be changed.
        """
        own = tuple(place for place in chain if place in self._places_with_texts)
        key = ("texts", own, on)
        found: dict[str, RuleText] | None = self.plans.get(key)
        if found is None:
            found = self.plans[key] = self._rule_texts(own, on)
        return found

    def text_identity(self, chain: Sequence[str], on: date) -> tuple[tuple[str, str, date, bool], ...]:
        """What tells one set of rule texts in force from another."""
        own = tuple(place for place in chain if place in self._places_with_texts)
        key = ("identity", own, on)
        found: tuple[tuple[str, str, date, bool], ...] | None = self.plans.get(key)
        if found is None:
            texts = self.rule_texts(chain, on)
            found = self.plans[key] = tuple((t.name, t.place, t.start, t.adopted) for t in texts.values())
        return found

    @cached_property
    def _places_with_texts(self) -> frozenset[str]:
        return frozenset(t.place for texts in self.draft.rules.values() for t in texts)

    def _rule_texts(self, chain: Sequence[str], on: date) -> dict[str, RuleText]:
        out: dict[str, RuleText] = {}
        rank = {place: i for i, place in enumerate(chain)}
        for name, rule in self.rules.items():
            live = [t for t in rule.texts if t.place in rank and t.start <= on <= t.end]
            if not live:
                continue
            top = live[0]
            if len(live) > 1:  # at one place what was adopted on screen wins, then the later start
                top = min(live, key=lambda t: (rank[t.place], not t.adopted, -t.start.toordinal()))
            known = [top.label, top.unit_text, top.level, top.role, top.reason]
            if len(rule.texts) > 1:
                for upper in sorted((t for t in rule.texts if t.place in rank), key=lambda t: rank[t.place]):
                    if all(known[:4]):
                        break
                    above = (upper.label, upper.unit_text, upper.level, upper.role, upper.reason)
                    known = [mine or theirs for mine, theirs in zip(known, above, strict=True)]
            label, unit, level, role, reason = known
            level = level or LEVEL_ROOT
            if (label, unit, level, role, reason) != (top.label, top.unit_text, top.level, top.role, top.reason):
                key = (top.place, top.start, top.adopted, name, label, unit, level, role, reason)
                full = self._filled.get(key)
                if full is None:
                    full = replace(top, label=label, unit_text=unit, level=level, role=role, reason=reason)
                    self._filled[key] = full
                top = full
            out[name] = top
        return out

    def clue_rules(self, place: str, day: date) -> tuple[ClueRule, ...]:
        """The clue rules in force for a place on a day, by code; what a place leaves unsaid comes from above."""
        key = ("clues", place, day)
        found: tuple[ClueRule, ...] | None = self.plans.get(key)
        if found is None:
            found = self.plans[key] = clue_rules(self.draft, self.chain(place), day)
        return found

    def facts_on(self, chain: Sequence[str]) -> dict[str, list[Fact]]:
        """Facts that exist for the place, by short name (one name may stand on two unrelated collections)."""
        out: dict[str, list[Fact]] = {}
        for fact in self.draft.facts:
            if fact.place in chain:
                out.setdefault(fact.name, []).append(fact)
        return out

    @cached_property
    def places_with_facts(self) -> frozenset[str]:
        """Places that declare facts of their own."""
        return frozenset(f.place for f in self.draft.facts)

    def levels(self) -> dict[str, str]:
        """Level -> the level above it; `place` is above all."""
        return {LEVEL_PLACE: "", LEVEL_ROOT: LEVEL_PLACE, **{c.name: c.of for c in self.collections.values()}}

    def breakpoints(self, chain: Sequence[str]) -> list[date]:
        """Dates on which a rule text or a structural value changes for a place."""
        days = {date(1, 1, 1)}
        for rule in self.rules.values():
            for text in rule.texts:
                if text.place in chain:
                    days |= {text.start, text.end}
        for name, param in self.params.items():
            if param.structural:
                for place in chain:
                    for row in self._values.get((name, place), ()):
                        days |= {row.start, row.end}
        out = set()
        for day in days:
            out.add(day)
            if day < date(9999, 1, 1) and day > date(1, 1, 1):
                out.add(day + timedelta(days=1))
        return sorted(d for d in out if d < date(9000, 1, 1))

    def places_named(self) -> list[str]:
        """Every place any pack speaks about."""
        found = {"cn", *self.draft.areas}
        found |= {row.place for rows in self.draft.values.values() for row in rows}
        found |= {t.place for r in self.rules.values() for t in r.texts}
        found |= {t.place for texts in self.draft.clues.values() for t in texts}
        return sorted(found)


def _overlaps(rows: Iterable[Any], key: Any, describe: Any, faults: list[Fault]) -> None:
    groups: dict[Any, list[Any]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    for same in groups.values():
        same.sort(key=lambda r: (r.start, r.where.file, r.where.line))
        for first, second in pairwise(same):
            if first.start == second.start or (first.end != date(9999, 12, 31) and second.start <= first.end):
                faults.append(Fault.at(second.where, describe(first, second)))


def check_words(draft: Draft, faults: list[Fault], known_place: Any) -> None:
    """What can be seen without reading formulas: overlaps, unknown places, overrides that change what may not change."""
    for name, rows in draft.values.items():
        _overlaps(
            rows, lambda r: (r.place, r.keys),
            lambda a, b, n=name: f"参数“{n}”在 {b.place} 从 {b.start} 起有两个值或时间重叠，另一处 {a.where.file}:{a.where.line}", faults,
        )  # fmt: skip
        for row in rows:
            if not known_place(row.place):
                message = f"参数“{name}”的地区“{row.place}”不在区划表里，也没有声明为标准区域；请核对代码"
                faults.append(Fault.at(row.where, message))
    for name, texts in draft.rules.items():
        _overlaps(
            texts, lambda t: t.place,
            lambda a, b, n=name: f"规则“{n}”在 {b.place} 从 {b.start} 起有两个写法或时间重叠，另一处 {a.where.file}:{a.where.line}", faults,
        )  # fmt: skip
        if not any(t.label for t in texts):
            faults.append(Fault.at(texts[0].where, f"规则“{name}”缺少 label（中文名称）"))
        for text in texts:
            faults += wording_faults(text, texts, draft, known_place)
    for area in draft.areas.values():
        if not known_place(area.parent):
            faults.append(Fault.at(area.where, f"标准区域“{area.code}”的上级“{area.parent}”不在区划表里；请核对代码"))
    seen: dict[str, Case] = {}
    for case in draft.cases:
        if case.id in seen:
            first = seen[case.id].where
            faults.append(Fault.at(case.where, f"算例编号“{case.id}”重复，前一处 {first.file}:{first.line}；请改编号"))
        if not known_place(case.place):
            faults.append(Fault.at(case.where, f"算例“{case.id}”的地区“{case.place}”不在区划表里；请核对代码"))
        seen[case.id] = case


def wording_faults(text: RuleText, texts: Sequence[RuleText], draft: Draft, known_place: Any) -> list[Fault]:
    """What is wrong with one wording beside all wordings of its name."""
    return [Fault.at(text.where, f"规则“{text.name}”{m}") for m in _wording_problems(text, texts, draft, known_place)]


def _wording_problems(text: RuleText, texts: Sequence[RuleText], draft: Draft, known_place: Any) -> list[str]:
    """What is wrong with one wording beside the others of its name; what it leaves out it inherits from the place above."""
    above = [t for t in texts if t.label and lies_in(text.place, t.place, draft.areas)]
    base = min(above, key=lambda t: (len(t.place) if t.place != "cn" else 0, t.start), default=text)
    out = []
    if text.level and text.level != (base.level or LEVEL_ROOT):
        out.append(f"的级别原为 {base.level or LEVEL_ROOT}，不能改成 {text.level}；换一个名字")
    if text.unit_text and base.unit_text and text.unit_text != base.unit_text:
        out.append(f"的单位原为 {base.unit_text}，不能改成 {text.unit_text}；换一个名字")
    if text.clause and not clause_instrument(text.clause, draft.instruments):
        word = text.clause.split("-")[0].split(" ")[0]
        out.append(
            f"的条款“{text.clause}”没有对应的文件；先在 instruments 里声明{did_you_mean(word, draft.instruments)}"
        )
    if text.role == "test" and not text.reason and not base.reason:
        out.append("是条件（role: test），缺少 reason：不符合时告诉群众的话")
    if text.end < text.start:
        out.append(f"的 to（{text.end}）早于 from（{text.start}）")
    if not known_place(text.place):
        out.append(f"的地区“{text.place}”不在区划表里，也没有声明为标准区域；请核对代码")
    if text.amends and not any(t is not text and t.clause == text.amends for t in texts):
        out.append(f"写明修改 {text.amends}，但上级没有这一条的写法；上级文本可能已更换，请重新决定是否保留")
    return out
