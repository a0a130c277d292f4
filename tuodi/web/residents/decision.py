"""What was decided about my family, in plain words: how much, from when, how it was worked out, what to do if I disagree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from tuodi.cases.calendar import Due
from tuodi.decisions.appeal_time import days_to_appeal, last_day_of, months_to_sue, told_on
from tuodi.decisions.models import Determination
from tuodi.kernel import clock
from tuodi.org.errors import NotFoundError
from tuodi.verification.models import FactSet
from tuodi.verification.queries import as_family
from tuodi.web.components import explain
from tuodi.web.components.explain import Row
from tuodi.web.residents.doors import own

#: 行政复议法（2017）第9条: within 60 days of knowing of the act; 社会救助暂行办法 art 65 opens the way.
APPEAL_CLAUSES = ("社会救助暂行办法 第65条", "行政复议法 第9条")


@dataclass
class Part:
    """One numbered part of the working.

    Attributes:
        head: its line. key: what decided it: conditions that failed or are unknown, amounts that are not zero.
        lines: everything else it was computed from, folded.
    """

    head: Row
    key: list[Row] = field(default_factory=list)
    lines: list[Row] = field(default_factory=list)


@dataclass(frozen=True)
class Appeal:
    """Until when: counted from the day the family was told, or (not yet told) from the day of the decision.

    Attributes:
        days, months: how long one may ask for 行政复议, and go to court.
    """

    told_on: date
    told: bool
    due: Due
    over: bool
    days: int
    months: int


#: Lines shown open in one part; more would hide what matters.
KEY_LINES = 6
#: What the product itself laid down is no ground a family could look up.
OWN_RULE = "《设计约定》"


def parts_of(data: Mapping[str, Any] | None, names: Sequence[str]) -> tuple[list[Part], Row | None]:
    """The graph as numbered parts; what was shown before is not shown again."""
    if not data:
        return [], None
    found = explain.programme(data, names)
    deciding = {*found.failed, *found.unknown}
    parts: list[Part] = []
    for row in [*found.rows, *([found.total] if found.total else [])]:
        if row.clause == OWN_RULE:
            row.clause = ""
    for row in found.rows:
        if row.again:
            continue
        if row.depth == 0:
            parts.append(Part(row))
        elif parts:
            decides = row.label in deciding and row.look is not None and row.look.css != "ok"
            money = row.unit.startswith("元") and row.depth <= 2 and row.value.strip("0.,") != ""
            part = parts[-1]
            (part.key if (decides or money) and len(part.key) < KEY_LINES else part.lines).append(row)
    return parts, found.total


def appeal_of(decision: Determination) -> Appeal:
    """The last day to ask for 行政复议, counted from when the family was told."""
    told = told_on(decision)
    due = last_day_of(decision, told)
    days, months = (
        days_to_appeal(decision.region, decision.decided_on),
        months_to_sue(decision.region, decision.decided_on),
    )
    over = bool(due.on and due.on < clock.today())
    return Appeal(told or decision.decided_on, told is not None, due, over, days, months)


def _names(decision: Determination) -> list[str]:
    facts = FactSet.objects.filter(pk=decision.fact_set_id or 0).first()
    if facts is None:
        return []
    plain = (member.get("name", "") for member in as_family(facts).get("members", ()))
    return [str(name.get("value") if isinstance(name, Mapping) else name) for name in plain]


def show(request: HttpRequest, no: str) -> HttpResponse:
    """One decision. Raises NotFoundError for one that is absent or another family's: the database shows neither."""
    found = own(Determination.objects.select_related("case").filter(no=no), request).first()
    if found is None:
        raise NotFoundError("决定")
    parts, total = parts_of(found.explanation, _names(found))
    later = Determination.objects.filter(follows=found).only("no", "decided_on").first()
    return render(
        request,
        "residents/decision.html",
        {
            "found": found,
            "parts": parts,
            "total": total,
            "appeal": appeal_of(found),
            "clauses": APPEAL_CLAUSES,
            "missing": (found.explanation or {}).get("missing") or [],
            "later": later,
        },
    )


def listing(request: HttpRequest) -> HttpResponse:
    """All decisions about my family, newest first."""
    rows = own(Determination.objects.all(), request).order_by("-decided_on", "-id")[:50]
    return render(request, "residents/decisions.html", {"rows": rows})
