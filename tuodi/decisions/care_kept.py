"""What a caregiver reads of himself: the agreements he keeps, and whom he looks after (M21)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from django.db import connection

from tuodi.decisions.models import CareAgreement
from tuodi.kernel.periods import Month
from tuodi.org import access
from tuodi.org.access import Subject

__all__ = ["Kept", "kept_by", "stands"]


@dataclass(frozen=True)
class Kept:
    """One agreement, the newest first.

    Attributes:
        ward: whom it is about, as the agreement names him; nothing else of his household is told.
        last4: of the caregiver's card the subsidy goes to now. registered_at: when it was registered.
    """

    agreement: CareAgreement
    ward: str
    last4: str
    registered_at: datetime


def kept_by(subject: Subject) -> list[Kept]:
    """The agreements whose newest registered caregiver the resident is, in whatever county; empty = he looks after nobody.

    The names come by a function of the database (`tuodi_care_kept`), which asks who reads: people of other families stay
    closed to him.
    """
    with access.wherever(subject):
        with connection.cursor() as cursor:
            cursor.execute("select agreement_id, ward, last4, registered_at from tuodi_care_kept()")
            told = {row[0]: row[1:] for row in cursor.fetchall()}
        if not told:
            return []
        rows = CareAgreement.objects.filter(pk__in=told).select_related("office").order_by("-since", "-id")
        return [Kept(row, *told[row.pk]) for row in rows]


def stands(agreement: CareAgreement, month: Month) -> bool:
    """Whether a month is paid by an agreement: it stands on the month's first day."""
    day: date = month.first_day
    ended = agreement.ended_on is not None and agreement.ended_on <= day
    return agreement.since <= day <= agreement.until and not ended
