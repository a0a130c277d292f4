"""How 信息核对 may be completed: on the case's report where departments answer live, by letter where none does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tuodi.cases.models import Case, Step
from tuodi.kernel import clock
from tuodi.verification.check_errors import ReportNeededError
from tuodi.verification.consent_queries import consents_of
from tuodi.verification.request_queries import newest_report, sources_of, why_not_live

__all__ = ["LETTERS", "REPORT", "by_letter", "road"]

#: How a step was done, kept in its data under `way`.
REPORT, LETTERS = "report", "letters"


def by_letter(case: Case) -> bool:
    """Whether a case's check may be done by letters to the departments (人工函询).

    No department answers live for the place, or whoever has consented has no number one could ask with. A family that has
    signed nothing is no such case: it signs, or its case ends.
    """
    if all(why_not_live(source) for source in sources_of(case.region)):
        return True
    consented = [line for line in consents_of(case.household, clock.today()) if line.consent]
    return bool(consented) and not any(line.has_number for line in consented)


def road(step: Step, data: Mapping[str, Any]) -> Mapping[str, Any]:
    """The road of `cases.roads` for 信息核对.

    Returns: `data` with the way that was gone.
    Raises:
        ReportNeededError: No report of the case is named, or an old one, and letters will not do.
    """
    report = newest_report(step.case)
    if report is not None and data.get("report") == report.no:
        return {**data, "way": REPORT}
    if report is None and by_letter(step.case):
        return {**data, "way": LETTERS}
    raise ReportNeededError(step.case.no, live=True, report=report.no if report else "")
