"""What the family page says about checking: consents in force, the newest report, clues that are not closed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from tuodi.monitoring import ledger
from tuodi.people.models import Household, Membership
from tuodi.verification.consent_queries import consents_of
from tuodi.verification.request_queries import newest_report_of
from tuodi.web.components import clue_words, navigation
from tuodi.web.components.words import Look


def panel(
    request: HttpRequest, household: Household, today: date, members: Sequence[Membership] | None = None
) -> dict[str, Any]:
    """The panel's lines. A fixed number of queries, whatever the family's size.

    Clues are for who works on them; to others the panel says nothing of them, not even that there are none.
    """
    lines = consents_of(household, today, members)
    without = [line for line in lines if line.consent is None]
    report = newest_report_of(household)
    found: dict[str, Any] = {
        "consents": len(lines) - len(without),
        "people": len(lines),
        "without": [f"{line.name}（{line.relation}）" for line in without],
        "look": Look("授权齐全", "ok", "check") if lines and not without else Look(f"缺 {len(without)} 人", "warn"),
        "report": None,
        "clues": None,
    }
    if report is not None:
        expired = report.valid_to < today
        found["report"] = {
            "no": report.no,
            "made": report.made_at,
            "valid_to": report.valid_to,
            "look": Look("已过有效期", "warn")
            if expired
            else Look("答复齐全", "ok", "check")
            if report.complete
            else Look("答复未齐", "unknown", "help"),
        }
    if navigation.LEDGER & set(navigation.held_duties(request)):
        rows, closed = ledger.family_clues(household.pk)
        found["closed"] = closed
        found["clues"] = [
            {
                "label": clue_words.rule_label(one.rule_text, one.rule_code),
                "name": one.person.name,
                "href": reverse("web:clue", args=[one.no]),
                "severity": clue_words.SHORT.get(one.severity, Look(one.severity)),
                "look": clue_words.verdict_or_state(one),
                "due": clue_words.due_look(one, today),
            }
            for one in rows[:8]
        ]
        found["more"] = max(0, len(rows) - 8)
    return found
