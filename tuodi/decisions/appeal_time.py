"""How long a family may ask for 行政复议 and go to court, by the packs of its place: one answer for every page and paper."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from tuodi.cases.calendar import Due, notice_end
from tuodi.cases.models import Step
from tuodi.cases.states import StepState
from tuodi.decisions.models import Determination, RollNotice
from tuodi.kernel.workdays import add_months
from tuodi.verification.rulebook import limit

__all__ = [
    "days_to_appeal",
    "last_day_of",
    "last_day_to_appeal",
    "last_day_to_sue",
    "months_to_sue",
    "told_days",
    "told_on",
    "ways_to_appeal",
]


def days_to_appeal(region: str, on: date) -> int:
    """Calendar days from knowing of a decision. Raises: MissingLimitError."""
    return limit("appeal_days", region, on)


def last_day_to_appeal(region: str, known_on: date) -> Due:
    """The last day to ask for 行政复议; the day of knowing is not counted, a last day off moves on (民法典 art 203).

    Pending where the year has no official calendar. Raises: MissingLimitError.
    """
    return notice_end(known_on, days_to_appeal(region, known_on), roll=True)


def last_day_to_sue(region: str, known_on: date) -> date:
    """The last day to go to court, by months (民法典 art 202). Raises: MissingLimitError."""
    return add_months(known_on, months_to_sue(region, known_on))


def months_to_sue(region: str, on: date) -> int:
    """Months from knowing of a decision to go to court. Raises: MissingLimitError."""
    return limit("suit_months", region, on)


def ways_to_appeal(region: str, on: date) -> str:
    """The sentence every written decision carries (行政复议法 art 9, 行政诉讼法, [57] art 38). Raises: MissingLimitError."""
    return (
        f"如不服本决定，可以自知道本决定之日起 {days_to_appeal(region, on)} 日内向本级人民政府或者上一级主管部门申请行政复议，"
        f"也可以自知道本决定之日起 {months_to_sue(region, on)} 个月内依法向人民法院提起行政诉讼。复议、诉讼期间本决定不停止执行。"
    )


def told_days(decisions: Iterable[Determination]) -> dict[int, date]:
    """Determination -> the day the family was told in writing; who was not told yet is absent. Two queries whatever the rows.

    A change on the roll is told by its own notice, a decision on a case by the step that hands it over; the last one counts.
    """
    rows = list(decisions)
    noticed = dict(
        RollNotice.objects.filter(determination__in=[one.pk for one in rows]).values_list(
            "determination", "delivered_on"
        )
    )
    steps = Step.objects.filter(
        case__in={one.case_id for one in rows if one.case_id and one.pk not in noticed},
        does="inform",
        state=StepState.DONE,
    )
    handed = dict(steps.order_by("id").values_list("case", "completed_on"))
    found = {one.pk: noticed[one.pk] if one.pk in noticed else handed.get(one.case_id) for one in rows}
    return {number: day for number, day in found.items() if day is not None}


def told_on(decision: Determination) -> date | None:
    """The day the family was told in writing; None while it was not."""
    return told_days([decision]).get(decision.pk)


def last_day_of(decision: Determination, told: date | None) -> Due:
    """The last day to ask for 行政复议 over a decision.

    Args:
        told: when the family was told (`told_on`); None = not yet, and the day of the decision stands for it.
    """
    return last_day_to_appeal(decision.region, told or decision.decided_on)
