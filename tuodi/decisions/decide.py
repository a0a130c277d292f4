"""From frozen facts to an answer: the one place where this room asks the rules."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from tuodi.decisions.errors import NotEligibleError, UnknownOutcomeError
from tuodi.decisions.models import Determination
from tuodi.kernel.periods import Month
from tuodi.people.enums import PERSON_PROGRAMMES
from tuodi.rules import ProgrammeResult
from tuodi.verification.models import FactSet
from tuodi.verification.queries import as_family
from tuodi.verification.rulebook import place_of, plan

__all__ = ["approver_of", "ask", "failed_reasons", "grace_end", "last_month", "require_pass", "rows_of"]


def ask(
    fact_set: FactSet, programme: str, *, case_date: date, month: Month, family: Mapping[str, Any] | None = None
) -> ProgrammeResult:
    """The answer of one programme on a fact set.

    Args:
        case_date: Picks the rule texts (decision date). month: Picks the standards (first month paid for).
        family: Its family file with more known than the set holds; default the set's own.
    """
    asked = as_family(fact_set) if family is None else family
    (result,) = plan(place_of(fact_set.region), case_date, month).decide(asked, programme)
    return result


def approver_of(fact_set: FactSet, *, case_date: date, month: Month) -> str:
    """Whose a grant of temporary relief is to confirm by its amount: ``town``, ``county``, or ``unknown``: no ceiling is set.

    Asked apart from the decision, whose rule texts and fingerprint it must not touch.
    """
    rule = "temporary.approver"
    (result,) = plan(place_of(fact_set.region), case_date, month).decide(as_family(fact_set), "temporary", also=(rule,))
    code = result.values.get(rule)
    return result.plan.book.enums["org_level"].value(int(code)) if code else "unknown"


def failed_reasons(result: ProgrammeResult, only: int | None = None) -> list[str]:
    """Why it failed: the reason and clause of each failed test, once each.

    Args:
        only: Number of one row; None = all rows.
    """
    found: list[str] = []
    for number, row in enumerate(result.rows):
        if row.outcome != "fail" or only not in (None, number):
            continue
        for test in row.tests:
            if test.result == "fail":
                text = f"{test.reason or test.label + '：否'}（{test.clause}）"
                if text not in found:
                    found.append(text)
    return found


def require_pass(result: ProgrammeResult, what: str) -> None:
    """Nothing if the rules grant it.

    Raises:
        UnknownOutcomeError: Names the missing facts. NotEligibleError: Names the failed tests.
    """
    if result.outcome == "unknown" or (result.outcome == "pass" and result.amount_fen is None and _pays(result)):
        raise UnknownOutcomeError(what, result.missing)
    if result.outcome == "fail":
        raise NotEligibleError(what, failed_reasons(result))


def grace_end(result: ProgrammeResult) -> Month | None:
    """Last month of a gradual exit that this answer grants, or None.

    By the names every programme with a gradual exit uses: `in_grace` and `grace_end` (a month number).
    """
    values = result.values
    if not values.get(f"{result.programme}.in_grace") or values.get(f"{result.programme}.eligible"):
        return None
    number = values.get(f"{result.programme}.grace_end")
    return Month.from_no(int(number)) if number else None


def last_month(fact_set: FactSet, result: ProgrammeResult) -> Month | None:
    """Last month a recognition holds, where its programme's text bounds it (`expires`, a month number); None = until ended.

    After it the family asks anew ([GX] art 10). Asked apart from the decision, whose fingerprint it must not touch.
    """
    rule = f"{result.programme}.expires"
    if rule not in result.plan.texts:
        return None
    (found,) = result.plan.decide(as_family(fact_set), result.programme, also=(rule,))
    number = found.values.get(rule)
    return Month.from_no(int(number)) if number else None


def _pays(result: ProgrammeResult) -> bool:
    """Whether the programme pays money at all (a recognised edge family gets a status)."""
    return bool(result.plan.book.programmes[result.programme].amount)


def rows_of(
    result: ProgrammeResult,
    fact_set: FactSet,
    *,
    common: dict[str, Any],
    start: Month | None = None,
    end: Month | None = None,
    reasons: str = "",
) -> list[Determination]:
    """Unsaved determinations of an answer: one of the household, or one of each person that passes or fails.

    Args:
        start: First month it holds for; None = as the rules say (then a refusal holds for no month).
        end: Last month granted.
        common: Columns all of them share (region, household, case, decided_by …).
        reasons: What the officer wrote; the rules' own reasons for a failure follow it.
    """
    explanation = result.explain().to_json()
    rows: list[Determination] = []
    per_person = result.programme in PERSON_PROGRAMMES
    for number, row in enumerate(result.rows):
        passed = row.outcome == "pass"
        if row.outcome == "unknown" and per_person:
            continue  # another person of the family was decided; this one still can be
        first = start or (row.start_month or result.plan.month if passed else None)
        why = [reasons.strip(), *(failed_reasons(result, number) if row.outcome == "fail" else [])]
        rows.append(
            Determination(
                person_id=fact_set.person_ids[row.row] if per_person and row.row is not None else None,
                programme=result.programme,
                place=result.plan.place,
                case_date=result.plan.case_date,
                month=result.plan.month.yyyymm,
                fingerprint=result.fingerprint,
                outcome=row.outcome,
                amount_fen=row.amount_fen if passed else None,
                components={name: fen for name, fen in row.components.items() if fen} if passed else {},
                explanation=explanation,
                start_month=first.yyyymm if first else None,
                end_month=end.yyyymm if end and first else None,
                reasons="；".join(text for text in why if text),
                **common,
            )
        )
    return rows
