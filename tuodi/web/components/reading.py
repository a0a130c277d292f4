"""The record of who looked at whose data: one row in the audit log for each page shown (个人信息保护法 第五十四条, 第五十五条).

A list leaves `web.list` with the ids it showed, a page about one family `web.view`. Residents read these rows on their own
page, and the audit administrator in the log.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from tuodi.audit.actions import record
from tuodi.audit.queries import readings_within_hour
from tuodi.kernel.places import pad12
from tuodi.org.errors import StepUpNeededError
from tuodi.org.middleware import before_commit

__all__ = ["LIST", "STEPPED_UP", "VIEW", "note_list", "note_reading"]

VIEW = "web.view"
LIST = "web.list"
#: The session's word when its user last said once more who he is: seconds of the database's clock.
STEPPED_UP = "stepped_up"


def note_reading(
    request: HttpRequest,
    what: str,
    household_ids: Iterable[int | None],
    person_ids: Iterable[int | None],
    *,
    region: str | None = None,
    listed: bool = False,
) -> None:
    """Record that this page shows these families and people. Written once the page is drawn, as the transaction's last
    statement, so that the lock on the place's chain is held for the commit alone; a page that fails leaves no row.

    Args:
        what: The page in Chinese, `家庭档案`.
        household_ids, person_ids: Whose data is on it; None and repeats are dropped. Nothing on it, nothing recorded.
        region: Of the family looked at; None (lists) = the reader's own place.
        listed: A list (`web.list`) and not one family's page (`web.view`).

    Raises: StepUpNeededError: He was shown as many pages within the hour as one person is expected to need.
    """
    user: Any = request.user
    households = sorted({one for one in household_ids if one is not None})
    persons = sorted({one for one in person_ids if one is not None})
    if not households and not persons:
        return
    limit = settings.READING_LIMIT
    if limit and readings_within_hour(user.pk, float(request.session.get(STEPPED_UP, 0)), limit) >= limit:
        raise StepUpNeededError(limit)
    alone = not listed and len(households) == 1
    before_commit(
        request,
        lambda: record(
            LIST if listed else VIEW,
            actor=user,
            subject_type="household" if alone else "page",
            subject_id=households[0] if alone else request.path[:64],
            region=region or pad12(user.office.place_code),
            after={"households": households, "persons": persons, "what": what},
        ),
    )


def note_list(
    request: HttpRequest, what: str, household_ids: Iterable[int | None], person_ids: Iterable[int | None]
) -> None:
    """`note_reading` for a list."""
    note_reading(request, what, household_ids, person_ids, listed=True)
