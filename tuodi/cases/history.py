"""Who did what in a case, from the audit log; and whether somebody did something since a page was drawn.

Every verb on a case writes a row with its number, so the newest row's id is the case's version: a form carries it, and who
comes second is told what the first did instead of overwriting it.
"""

from __future__ import annotations

from django.db.models import Q, QuerySet

from tuodi.audit.models import AuditEntry

__all__ = ["done_since", "history_of", "is_deed", "version_of"]

#: Rooms whose rows change what a case page shows; looking and printing do not.
_DEEDS = ("cases.", "intake.", "verification.", "decisions.")
#: Deeds in those rooms that change nothing of a case.
_LOOKS = ("verification.open_report", "intake.find_elsewhere", "cases.blocked")


def _deeds(case_no: str) -> QuerySet[AuditEntry]:
    inside = Q(pk__in=[])
    for room in _DEEDS:
        inside |= Q(action__startswith=room)
    return AuditEntry.objects.filter(inside, case_no=case_no).exclude(action__in=_LOOKS)


def is_deed(entry: AuditEntry) -> bool:
    """Whether a row of the log changed what a case page shows."""
    return entry.action.startswith(_DEEDS) and entry.action not in _LOOKS


def version_of(case_no: str) -> int:
    """The id of the newest deed; 0 where there is none."""
    return _deeds(case_no).order_by("-id").values_list("id", flat=True).first() or 0


def done_since(case_no: str, version: int, *, besides: int | None = None) -> list[AuditEntry]:
    """What others did after a version, the oldest first; `besides` is who asks, who knows what he did himself."""
    return list(_deeds(case_no).filter(pk__gt=version).exclude(actor_id=besides).order_by("id")[:20])


def history_of(case_no: str) -> QuerySet[AuditEntry]:
    """Everything the log holds under a case's number, refusals and looks too, the newest first."""
    return AuditEntry.objects.filter(case_no=case_no).order_by("-id")
