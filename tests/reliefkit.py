"""Emergencies of families in 乌海 and 荆门, relieved and completed: for tests of decisions, payments and pages."""

from __future__ import annotations

from datetime import date

from casekit import at

from tuodi.decisions import actions, relief
from tuodi.decisions.models import Relief
from tuodi.decisions.relief_states import Cause

#: A Monday with an official calendar.
DAY = date(2021, 9, 13)
DRAWN = [[[100, 100], [300, 150], [500, 120], [700, 200], [800, 100]]]


def sign_both(office, household) -> list[dict[str, object]]:
    """The officer's and the family's signatures, drawn."""
    officer = office.town_accept
    return [
        {"role": "investigator", "user": officer.pk, "name": officer.name, "strokes": DRAWN},
        {"role": "respondent", "name": household.head.name, "strokes": DRAWN},
    ]


def reported(office, household, *, cause=Cause.FIRE, on=DAY, **more) -> Relief:
    with at(office.town_accept, on):
        return relief.report_emergency(
            acting_user=office.town_accept, household=household, cause=cause, story="厨房起火，被褥粮食烧毁", **more
        )


def relieved(office, household, amount_fen=None, *, cause=Cause.FIRE, on=DAY, **more) -> Relief:
    row = reported(office, household, cause=cause, on=on)
    with at(office.town_accept, on):
        return relief.relieve_first(
            row, acting_user=office.town_accept, amount_fen=amount_fen, agreed_by="王镇长", **more
        )


def completed(office, household, row: Relief, on) -> Relief:
    with at(office.town_accept, on):
        return relief.complete_papers(
            row,
            acting_user=office.town_accept,
            reason="房屋过火，当晚无处住宿",
            signatures=sign_both(office, household),
        )


def confirmed(row: Relief, by, on):
    with at(by, on):
        return actions.confirm(row.case, acting_user=by, opinion="同意", duplicates_seen=True)
