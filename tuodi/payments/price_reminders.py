"""Reminding who pays: a triggered index month that is near its last day, and of which nothing is paid yet.

The daily job makes the rows; what waits is asked of them and of the shares, so that it ends by itself when a run carries the month.
"""

from __future__ import annotations

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from tuodi.audit.actions import record
from tuodi.cases.calendar import calendar
from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.kernel.places import pad12
from tuodi.kernel.workdays import UnknownYearError
from tuodi.payments.models import PayRun, PriceReminder, PriceShare
from tuodi.payments.prices import Round, index_of, round_of
from tuodi.payments.states import RunState
from tuodi.policy.book import Book
from tuodi.verification.rulebook import book as site_book
from tuodi.verification.rulebook import profile_value

__all__ = ["remind", "waiting"]

#: Months looked back at: what is older is history, or long told.
LOOK_BACK = 6


def waiting() -> QuerySet[PriceReminder]:
    """Reminders that still ask for something, within the scope in force, the nearest last day first."""
    paid = PriceShare.objects.filter(
        index_month=OuterRef("index_month"), live=True, region__startswith=OuterRef("place")
    )
    return PriceReminder.objects.filter(~Exists(paid), ended_at__isnull=True).order_by("due_on", "place")


@transaction.atomic
def remind() -> int:
    """Daily: notes the months that come near their last day, once a place, and ends what a corrected index no longer asks. How many are new."""
    book, today, made = site_book(fresh=True), clock.today(), 0
    now = Month.of(today)
    since = now - LOOK_BACK
    places = (
        PayRun.objects.filter(month__gte=since.yyyymm)
        .exclude(state=RunState.CANCELLED)
        .values_list("place", flat=True)
        .distinct()
        .order_by("place")
    )
    for place in places:
        for back in range(1, LOOK_BACK + 1):
            made += _look(place, now - back, book)
    return made


def _look(place: str, month: Month, book: Book) -> int:
    held = PriceReminder.objects.select_for_update().filter(place=place, index_month=month.yyyymm).first()
    index = index_of(place, month)
    found = round_of(index, place, book) if index is not None else None
    if found is None or not found.triggered:
        if held is not None and held.ended_at is None:
            held.ended_at = clock.now()
            held.save(update_fields=["ended_at"])
        return 0
    if held is not None:
        if held.ended_at is not None or held.due_on != found.due or held.index_id != found.index.pk:
            held.ended_at, held.due_on, held.index = None, found.due, found.index
            held.save(update_fields=["ended_at", "due_on", "index"])
        return 0
    shares = PriceShare.objects.filter(index_month=month.yyyymm, live=True, region__startswith=place)
    if not _near(found, place) or shares.exists():
        return 0
    row = PriceReminder.objects.create(
        region=pad12(place),
        place=place,
        index_month=month.yyyymm,
        index=found.index,
        due_on=found.due,
        made_at=clock.now(),
    )
    record(
        "payments.remind_price", actor=None, subject_type="pricereminder", subject_id=row.pk, region=row.region,
        after={"month": row.index_month, "due_on": row.due_on.isoformat() if row.due_on else None},
    )  # fmt: skip
    return 1


def _near(found: Round, place: str) -> bool:
    """Whether the last day is so near that somebody is told; one that is not known is told at once."""
    if found.due is None:
        return True
    ahead = profile_value("price_remind_days", place, clock.today())
    if ahead is None:
        return found.due <= clock.today()
    try:
        return calendar().add_workdays(clock.today(), ahead) >= found.due
    except UnknownYearError:
        return True
