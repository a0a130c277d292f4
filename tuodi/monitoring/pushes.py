"""Early warnings (预警): what was pushed to whom, read or not, and how far it climbed."""

from __future__ import annotations

from datetime import date

from django.db.models import Case, Count, F, IntegerField, Q, QuerySet, Value, When

from tuodi.monitoring.models import Clue

__all__ = ["TABS", "push_counts", "pushed"]

#: What a list of warnings may be narrowed to.
TABS = ("unread", "overdue", "climbed", "all")
_RUNNING = ~Q(state=Clue.State.CLOSED)


def pushed(tab: str, today: date) -> QuerySet[Clue]:
    """Pushed clues in scope: unread first, then the nearest limit."""
    rows = Clue.objects.filter(pushed_at__isnull=False).select_related(
        "person", "household__head", "responsible", "office", "read_by"
    )
    if tab == "unread":
        rows = rows.filter(read_at__isnull=True)
    elif tab == "overdue":
        rows = rows.filter(_RUNNING, deadline__lt=today)
    elif tab == "climbed":
        rows = rows.filter(_RUNNING, level__in=("PREF", "PROV"))
    unread = Case(When(read_at__isnull=True, then=Value(0)), default=Value(1), output_field=IntegerField())
    return (
        rows.defer("registered", "stated")
        .annotate(unread=unread)
        .order_by("unread", F("deadline").asc(nulls_last=True), "id")
    )


def push_counts(today: date) -> dict[str, int]:
    """How many each list holds. One query."""
    return Clue.objects.filter(pushed_at__isnull=False).aggregate(
        all=Count("pk"),
        unread=Count("pk", filter=Q(read_at__isnull=True)),
        overdue=Count("pk", filter=_RUNNING & Q(deadline__lt=today)),
        climbed=Count("pk", filter=_RUNNING & Q(level__in=("PREF", "PROV"))),
    )
