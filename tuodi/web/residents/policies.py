"""办事指南: what there is, for whom, how much now at this place, how long it takes, what to bring, where, on what ground.

Figures, limits and clauses come from the packs and the procedure text in force today; `guide.yaml` adds plain words only.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from tuodi.cases.procedures import procedure_for
from tuodi.decisions.appeal_time import days_to_appeal
from tuodi.intake.counter_book import lines_of, materials_of
from tuodi.kernel import clock
from tuodi.kernel.errors import TuodiError
from tuodi.kernel.places import pad12
from tuodi.policy.procedure import LEVEL_LABELS, Procedure
from tuodi.web.components import law
from tuodi.web.county.standards import Line, adopted_rules, lines_in_force
from tuodi.web.residents import places
from tuodi.web.residents.decision import APPEAL_CLAUSES
from tuodi.web.residents.progress import WORDS

_FILE = Path(__file__).with_name("guide.yaml")


@cache
def guide() -> dict[str, dict[str, Any]]:
    """Plain words by programme, in the order of the list."""
    found: dict[str, dict[str, Any]] = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    return found


@dataclass(frozen=True)
class Asked:
    """One condition: plain words, the rule's own label, its clause."""

    words: str
    label: str
    clause: str


@dataclass(frozen=True)
class StepLine:
    """One step of the procedure: what is done, by whom, within how long."""

    words: str
    label: str
    who: str
    limit: str
    clause: str


def conditions(programme: str, place: str) -> list[Asked]:
    """The tests of a programme as the rules in force today name them."""
    book, today = law.book(), clock.today()
    texts = book.rule_texts(book.chain(place), today)
    words = guide().get(programme, {}).get("who", {})
    return [
        Asked(words.get(name, texts[name].label), texts[name].label, book.clause(texts[name].clause).text)
        for name in book.programmes[programme].tests
        if name in texts
    ]


def amounts_of(names: list[str], place: str) -> list[Line]:
    """The values a reader wants to know: what is nought here is left out, shares are written in percent."""
    found = []
    for line in lines_in_force(law.book(), names, place, clock.today()):
        try:
            value = Decimal(line.printed.replace(",", ""))
        except InvalidOperation:
            found.append(line)
            continue
        if value and line.unit == "比例" and value < 1:
            found.append(replace(line, printed=f"{(value * 100).normalize():f}%", unit=""))
        elif value:
            found.append(line)
    return found


def procedure_at(programme: str, place: str) -> Procedure | None:
    """The procedure of a place accepted today; None where the packs hold none."""
    try:
        return procedure_for(pad12(place), programme, clock.today())
    except TuodiError:
        return None


def steps_of(text: Procedure | None) -> list[StepLine]:
    """The steps everybody goes through; those for special circumstances are left out."""
    if text is None:
        return []
    book = law.book()
    found = []
    for step in text.steps:
        if step.when:
            continue
        limit = step.limit()
        days = f"公示 {step.notice.days} 天" if step.notice and step.notice.days else ""
        found.append(
            StepLine(
                words=WORDS.get(step.does.value, step.label),
                label=step.label,
                who=LEVEL_LABELS.get(step.by, step.by),
                limit=limit.text if limit else days,
                clause=book.clause((limit.clause if limit else "") or step.clause).text if step.clause or limit else "",
            )
        )
    return found


def listing(request: HttpRequest) -> HttpResponse:
    """The programmes with one sentence each."""
    rows = [{"code": code, "label": law.book().programmes[code].label, **words} for code, words in guide().items()]
    return render(request, "residents/policies.html", {"rows": rows})


def show(request: HttpRequest, programme: str) -> HttpResponse:
    """One programme at one place, today."""
    if programme not in guide():
        raise Http404
    place, choices = places.place_of(request)
    book, words, today = law.book(), guide()[programme], clock.today()
    text = procedure_at(programme, place)
    total = text.total_limit() if text else None
    amounts = amounts_of(words["amounts"], place)
    context = {
        "code": programme,
        "label": book.programmes[programme].label,
        "words": words,
        "place": place,
        "choices": choices,
        "today": today,
        "conditions": conditions(programme, place),
        "amounts": amounts,
        "adopted": adopted_rules(place, today, programme),
        "procedure": text,
        "total": total,
        "total_clause": book.clause(total.clause).text if total and total.clause else "",
        "ground": book.clause(text.clause).text if text and text.clause else "",
        "steps": steps_of(text),
        "materials": materials_of(pad12(place), programme, today),
        "lines": lines_of(pad12(place), today),
        "offices": places.offices_at(place),
        "appeal_days": days_to_appeal(place, today),
        "appeal_clauses": APPEAL_CLAUSES,
    }
    return render(request, "residents/policy.html", context)
