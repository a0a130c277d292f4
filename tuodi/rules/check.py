"""Checks a whole book: every formula in force anywhere on any date is typed, lowered and bounded; what looks forgotten is a warning.

The worked examples are run by `tuodi.rules.cases`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

from tuodi.policy.book import Book
from tuodi.policy.clues import kind_of
from tuodi.policy.faults import Fault, did_you_mean
from tuodi.policy.model import (
    EVER,
    FOREVER,
    LEVEL_PLACE,
    LEVEL_ROOT,
    Case,
    ParamValue,
    Programme,
    RuleText,
    lies_in,
    upper_place,
)
from tuodi.policy.units import MONTH_NO
from tuodi.rules.lower import Lowerer
from tuodi.rules.slots import Slot
from tuodi.rules.syntax import FormulaError, names_in, parse

__all__ = ["check_book", "check_formulas", "check_habits"]


@dataclass
class _Seen:
    """What lowering every rule everywhere has shown: one slot of each rule (kind and level never differ between places)."""

    faults: list[Fault] = field(default_factory=list)
    slots: dict[str, Slot] = field(default_factory=dict)


def _lower_everything(book: Book, within: Sequence[str] = (), since: date = EVER) -> _Seen:
    """Lowers every rule for every place that has its own texts or structural values, on every date they change.

    Args:
        within: only for these places and what lies in them. since: only on this day and later ones.
    """
    seen = _Seen()
    done: set[object] = set()
    structural = [n for n, p in book.params.items() if p.structural]
    own = {t.place for r in book.rules.values() for t in r.texts} | {f.place for f in book.draft.facts}
    own |= {row.place for n in structural for row in book.draft.values.get(n, ())} | {"cn"}
    if within:
        own = {one for one in own if any(lies_in(one, top, book.draft.areas) for top in within)} | set(within)
    for place in sorted(own):
        chain = book.chain(place)
        facts = tuple(sorted(f.key for fs in book.facts_on(chain).values() for f in fs))
        for day in sorted({since, *(day for day in book.breakpoints(chain) if day > since)}):
            texts = book.rule_texts(chain, day)
            rows = [book.value(n, chain, (), day) for n in structural if not book.params[n].by]
            key = (
                tuple((t.name, t.place, t.start, t.adopted) for t in texts.values()),
                tuple(r and r.where for r in rows),
                facts,
            )
            if key in done:
                continue
            done.add(key)
            lowerer = Lowerer(book, chain, day, lambda name: False, seen.faults)
            for name in texts:
                slot = lowerer.rule(name)
                if slot is not None:
                    seen.slots.setdefault(name, slot)
    return seen


def _programme_problems(book: Book, p: Programme, slots: dict[str, Slot]) -> list[str]:
    named = [("eligible", p.eligible), ("amount", p.amount), ("start", p.start)]
    named += [("tests", t) for t in p.tests] + [("components", c) for c in p.components.values()]
    out = [
        f"的 {what} 指向规则“{name}”，没有这条规则{did_you_mean(name, book.rules)}"
        for what, name in named
        if name and name not in book.rules
    ]
    if p.unit not in (LEVEL_PLACE, LEVEL_ROOT, *book.collections):
        out.append(f"的 unit“{p.unit}”不是级别；可用: place、household、{'、'.join(book.collections)}")
    for what, name in named:
        slot = slots.get(name)
        if slot is None or slot.text is None:
            continue
        if what in ("eligible", "tests") and slot.type != "bool":
            out.append(f"的 {what} 指向规则“{name}”，它的结果不是 是否")
        elif what == "start" and slot.dims != MONTH_NO:
            out.append(f"的 start 指向规则“{name}”，它的单位不是 月份")
        elif what in ("amount", "components") and not any(t.role == "payable" for t in book.rules[name].texts):
            out.append(f"的金额规则“{name}”没有 role: payable")
    return out


def check_formulas(book: Book, *, within: Sequence[str] = (), since: date = EVER) -> list[Fault]:
    """Faults of formulas and of what programmes point at.

    Args:
        within: looks only at these places and what lies in them. since: only at this day and later ones. For a change that
            cannot reach further.
    """
    seen = _lower_everything(book, within, since)
    for p in book.programmes.values():
        seen.faults += [Fault.at(p.where, f"项目“{p.id}”{m}") for m in _programme_problems(book, p, seen.slots)]
    seen.faults += _clue_problems(book, seen.slots)
    return seen.faults


def _clue_problems(book: Book, slots: dict[str, Slot]) -> Iterable[Fault]:
    """What a clue rule points at must answer yes or no; what it shows must stand on its own level or above."""
    levels = book.levels()
    for code, texts in book.draft.clues.items():
        first = next((t.given["rule"] for t in texts if t.given.get("rule")), "")
        for text in texts:
            name = text.given.get("rule", first)
            slot = slots.get(name)
            for what, full in [("rule", name), *(("rows", n) for n in text.given.get("rows", ()))]:
                if full in slots and slots[full].type != "bool":
                    yield Fault.at(text.where, f"线索规则“{code}”的 {what} 指向规则“{full}”，它的结果不是 是否")
            reach = [slot.level] if slot is not None else []
            while reach and levels.get(reach[-1]):
                reach.append(levels[reach[-1]])
            for full in text.given.get("shows", ()):
                if slot is not None and full in slots and slots[full].level not in reach:
                    yield Fault.at(
                        text.where,
                        f"线索规则“{code}”的 shows 指向规则“{full}”，它在 {slots[full].level} 一级，看不到；先汇总到 {slot.level}",
                    )


# ---- what looks forgotten


def _mentioned(book: Book) -> set[str]:
    """Full names of rules and parameters and short names of facts that any formula mentions."""
    found: set[str] = set()
    for rule in book.rules.values():
        for text in rule.texts:
            programme = text.name.split(".")[0] if "." in text.name else ""
            try:
                names = names_in(parse(text.formula))
            except FormulaError:
                continue
            for name in names:
                found |= {name, f"{programme}.{name}"}
            if "payable(" in text.formula:
                found |= {f"{programme}.pay_unit", f"{programme}.pay_mode", "pay_unit", "pay_mode"}
    return found


def _expected(case: Case) -> set[str]:
    """Full names of the rules a worked example speaks about."""
    short = [re.sub(r"\[.*", "", item) for item in case.expect]
    return {n if "." in n or not case.programme else f"{case.programme}.{n}" for n in short}


def _unused(book: Book) -> Iterable[Fault]:
    used = _mentioned(book)
    for fact in book.draft.facts:
        if fact.name not in used and fact.type != "text" and not kind_of(fact.level):  # a register row is evidence
            yield Fault.at(
                fact.where, f"事实“{fact.name}”（{fact.label}）没有规则用到；不需要就删去，少问一项", "warning"
            )
    for p in book.programmes.values():
        used |= {p.eligible, p.amount, p.start, *p.tests, *p.components.values()}
    for case in book.cases:
        used |= _expected(case)
    for clue in (t.given for texts in book.draft.clues.values() for t in texts):
        used |= {clue.get("rule", ""), *clue.get("rows", ()), *clue.get("shows", ())}
    for name, rule in book.rules.items():
        if name not in used:
            text = rule.texts[0]
            yield Fault.at(text.where, f"规则“{name}”没有公式、项目或算例用到；不需要就删去", "warning")
    deciding = {name.split(".")[0] for name in book.rules}  # a programme without rules only reports figures
    for name, param in book.params.items():
        if name not in used and name.split(".")[0] in deciding:
            yield Fault.at(param.where, f"参数“{name}”没有规则用到；不需要就删去", "warning")


def _without_case(book: Book) -> Iterable[Fault]:
    """Packs (a place and a programme) that say something and show no example of it."""
    first: dict[tuple[str, str], RuleText | ParamValue] = {}
    stated: list[tuple[str, RuleText | ParamValue]] = [
        (n, row) for n, rows in book.draft.values.items() for row in rows if row.value is not None
    ]
    stated += [(t.name, t) for r in book.rules.values() for t in r.texts]
    for name, item in stated:
        key = (item.place, name.split(".")[0] if "." in name else "")
        if key not in first or (item.where.file, item.where.line) < (first[key].where.file, first[key].where.line):
            first[key] = item
    shown = [(c.place, {n.split(".")[0] for n in _expected(c)}) for c in book.cases]
    deciding = {name.split(".")[0] for name in book.rules if "." in name}
    for (place, programme), item in first.items():
        if programme and programme not in deciding:
            continue  # reported figures, nothing to work out
        if not any(
            lies_in(at, place, book.draft.areas) and (not programme or programme in about) for at, about in shown
        ):
            what = f"{place} 的 {programme}" if programme else place
            yield Fault.at(item.where, f"{what} 写了规则或数值，却没有算例；补一个 cases 说明算得多少", "warning")


def _one_sided(book: Book) -> Iterable[Fault]:
    """Thresholds whose examples stand on one side of the line only."""
    sides: dict[str, set[str]] = {}
    for case in book.cases:
        for item, want in case.expect.items():
            name = re.sub(r"\[.*", "", item)
            full = name if "." in name or not case.programme else f"{case.programme}.{name}"
            side = {"pass": "pass", "true": "pass", "fail": "fail", "false": "fail"}.get(want)
            if side:
                sides.setdefault(full, set()).add(side)
    raising = {t.given.get("rule", ""): t for texts in book.draft.clues.values() for t in texts}
    for name, clue in raising.items():
        if name in book.rules and len(sides.get(name, ())) < 2:
            yield Fault.at(
                clue.where, f"线索规则“{clue.code}”的规则“{name}”没有成对的算例；命中和不命中各写一个", "warning"
            )
    for name, rule in book.rules.items():
        found = sides.get(name, set())
        if len(found) < 2 and any(t.role == "test" and re.search(r"[<>≤≥]", t.formula) for t in rule.texts):
            lack = "符合和不符合" if not found else "符合" if "fail" in found else "不符合"
            yield Fault.at(rule.texts[0].where, f"条件“{name}”没有“{lack}”的算例；在界线两边各写一个", "warning")


def _outlived(book: Book) -> Iterable[Fault]:
    """Values a place keeps although the place above has a later one: perhaps rightly, perhaps forgotten."""
    for name, rows in book.draft.values.items():
        by_place: dict[str, list[ParamValue]] = {}
        latest: dict[tuple[str, tuple[str | None, ...]], date] = {}
        for row in rows:
            by_place.setdefault(row.place, []).append(row)
            latest[row.place, row.keys] = max(row.start, latest.get((row.place, row.keys), EVER))
        for row in rows:
            if row.end != FOREVER or row.start == EVER or latest[row.place, row.keys] > row.start:
                continue
            at = row.place
            found = None
            while at != "cn" and found is None:
                at = upper_place(at, book.draft.areas)
                for upper in by_place.get(at, ()):
                    fits = all(a is None or a == b for a, b in zip(upper.keys, row.keys, strict=True))
                    if fits and upper.start > row.start and upper.value not in (None, row.value):
                        found = upper
                        break
            if found is not None:
                yield Fault.at(
                    row.where,
                    f"参数“{name}”在 {row.place} 仍用 {row.start} 起的 {row.printed}，"
                    f"而 {found.place} 从 {found.start} 起是 {found.printed}；请核对是否忘了更新",
                    "warning",
                )


def check_habits(book: Book) -> list[Fault]:
    """Warnings: words and rules nobody uses, packs and lines without examples, values that outlived the one above."""
    return [*_unused(book), *_without_case(book), *_one_sided(book), *_outlived(book)]


def check_book(book: Book) -> list[Fault]:
    """Every fault of formulas and programmes, and the warnings; sorted by file and line."""
    return sorted({*check_formulas(book), *check_habits(book)})
