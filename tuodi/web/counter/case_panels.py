"""What the case page shows beside its steps: family, facts with where each is from, papers, what is refused and why, who did what."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from tuodi.cases.guard import level_of
from tuodi.cases.history import history_of, is_deed, version_of
from tuodi.cases.models import Case, Notice
from tuodi.cases.queries import Progress, Standing
from tuodi.cases.states import HANDS, BarReason, Hand, StepState
from tuodi.decisions.models import Determination
from tuodi.intake.models import Application, Material
from tuodi.intake.need_queries import need_of_case
from tuodi.kernel.ages import age
from tuodi.org.models import DutyCode
from tuodi.people.models import Membership
from tuodi.policy.procedure import LEVEL_LABELS
from tuodi.verification.case_papers import CasePapers
from tuodi.verification.models import FactSet
from tuodi.verification.queries import as_family
from tuodi.web.components import deeds, law, navigation, words
from tuodi.web.components.words import DASH, Look

__all__ = ["documents_of", "facts_of", "family_of", "history_lines", "refused_of", "responsible"]

#: Rows of the log on the page.
LOG = 40
#: Facts on the page; the rest is on the page of facts.
FACTS = 40


def family_of(members: Sequence[Membership], head_id: int, today: date) -> list[dict[str, Any]]:
    """The members as of today, masked."""
    return [
        {
            "name": one.person.name,
            "relation": one.get_relation_display(),
            "head": one.person_id == head_id,
            "id_masked": one.person.id_masked,
            "age": age(one.person.birth, today) if one.person.birth else None,
            "died": one.person.died_on,
        }
        for one in members
    ]


def facts_of(facts: FactSet | None) -> list[dict[str, Any]]:
    """The facts of the newest fact set with where each is from, since when and on what paper."""
    if facts is None:
        return []
    declared, book = law.facts(), law.book()
    family = as_family(facts)
    rows = [("household", "", name, value) for name, value in family.get("household", {}).items()]
    for member in family.get("members", ()):
        rows += [
            ("members", str(member.get("name", "")), name, value)
            for name, value in member.items()
            if name not in {"name", "relation", "birth", "died", "person_id"}
        ]
    lines = []
    for level, who, name, raw in rows:
        fact = declared.get((level, name))
        value = raw.get("value") if isinstance(raw, Mapping) else raw
        if value is None or isinstance(value, list):
            continue
        listed = book.enums.get(fact.type) if fact else None
        shown = listed.values.get(str(value), str(value)) if listed else value
        text, unit = words.value(shown, fact.unit.text if fact and fact.unit else "")
        origin = raw if isinstance(raw, Mapping) else {}
        lines.append(
            {
                "label": fact.label if fact else name,
                "who": who,
                "value": text,
                "unit": unit,
                "source": str(origin.get("source", "")),
                "date": str(origin.get("date", ""))[:10],
                "evidence": str(origin.get("evidence", "")),
            }
        )
    return [line for line in lines if line["value"] != DASH][:FACTS]


def documents_of(
    case: Case,
    application: Application | None,
    materials: Sequence[Material],
    notices: Sequence[Notice],
    decided: Sequence[Determination],
    papers: CasePapers,
) -> list[dict[str, Any]]:
    """Papers of the case: what was printed or handed in, each with where it is."""
    found: list[dict[str, Any]] = []
    if application is not None:
        found.append(_paper("受理回执", application.receipt_no, reverse("web:case-receipt", args=[case.pk])))
        if any(one.received_on is None for one in materials):
            found.append(_paper("一次性告知书", application.receipt_no, reverse("web:case-missing", args=[case.pk])))
    for pk, no, has_file in papers.reports[:5]:
        found.append(_paper("核对报告", no, reverse("web:check-report", args=[pk]) if has_file else ""))
    for pk, no in papers.visits[:10]:
        found.append(_paper("入户记录", no, reverse("web:field-task", args=[pk])))
    for pk, no in papers.meetings[:5]:
        found.append(_paper("民主评议记录", no, reverse("web:review-print", args=[pk])))
    for notice in notices[:10]:
        found.append(_paper("公示", f"{notice.no} {notice.get_result_display()}", ""))
    for row in decided[:10]:
        found.append(_paper("决定", row.no, reverse("web:determination", args=[row.pk])))
    return found


def _paper(label: str, no: str, href: str) -> dict[str, str]:
    return {"label": label, "no": no, "href": href}


def refused_of(
    request: HttpRequest,
    case: Case,
    lines: Sequence[Progress],
    mine: Mapping[str, Any],
    standing: Callable[[], Standing],
) -> list[dict[str, str]]:
    """Each open step that the reader may not do, and why. At most one query, `standing`'s."""
    user: Any = request.user
    theirs = [line.step for line in lines if line.step.state == StepState.OPEN and line.step.name not in mine]
    if not theirs:
        return []
    bar, held = next(iter(standing().bars), ""), next(iter(standing().hands), "")
    level = level_of(user)
    found = []
    for step in theirs:
        hand = HANDS.get(step.duty)
        if bar:
            why = f"{BarReason(bar).label}，须回避"
        elif level != step.by_level:
            why = f"由{LEVEL_LABELS.get(step.by_level, step.by_level)}办理，您的机构是{LEVEL_LABELS.get(level, '其他层级')}"
        elif not navigation.may(request, [step.duty], case.region):
            why = f"需要“{DutyCode(step.duty).label}”职责，您没有"
        elif hand and held and held != hand:
            why = f"您已办理本案的“{Hand(held).label}”，不能再办“{Hand(hand).label}”"
        else:
            why = "现在不能办理"
        found.append({"label": step.label, "why": why})
    return found


def history_lines(case: Case) -> tuple[list[dict[str, Any]], int]:
    """Who did what, the newest first; and the version this page shows (see `cases.history`)."""
    labels = {step.id: step.label for step in case.procedure.steps}
    entries = list(history_of(case.no)[:LOG])
    newest = next((entry.pk for entry in entries if is_deed(entry)), None)
    return [deeds.line(entry, labels) for entry in entries], version_of(case.no) if newest is None else newest


def responsible(case: Case) -> dict[str, Any] | None:
    """The need the case came from, and who answers for it to the end."""
    need = need_of_case(case.pk)
    if need is None:
        return None
    return {
        "no": need.no,
        "href": reverse("web:need", args=[need.pk]),
        "a": need.officer_a.name,
        "b": need.officer_b.name if need.officer_b else "",
        "look": Look(need.get_state_display(), "info"),
    }
