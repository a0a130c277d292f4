"""The lines of the care subsidy that went to a resident himself, for his own page (M21)."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import QuerySet

from tuodi.org import access
from tuodi.payments.models import LineEvent, PayLine
from tuodi.payments.states import LineStatus
from tuodi.people.residents import selves

__all__ = ["bank_words", "care_lines"]


def care_lines() -> QuerySet[PayLine]:
    """Within `access.wherever`: what was paid or is owed to the resident for looking after people, the newest month first.

    The database shows him these and the lines of his own household; of the latter another caregiver's are left out here.
    """
    return PayLine.objects.filter(live=True, programme="care", person__in=selves()).order_by("-month", "key")


def bank_words(lines: Collection[PayLine]) -> dict[int, str]:
    """What the bank said last of each line that failed or came back; a line it said nothing of is not in it.

    Args:
        lines: of the reader's own; the events themselves are closed to residents, so the system reads them for him.
    """
    asked = [one.pk for one in lines if one.status in (LineStatus.FAILED, LineStatus.RETURNED)]
    if not asked:
        return {}
    with access.system_scope(access.NATION):
        rows = LineEvent.objects.filter(line__in=asked, kind__in=(LineStatus.FAILED, LineStatus.RETURNED)).order_by(
            "id"
        )
        return {line: message for line, message in rows.values_list("line", "message") if message}
