"""What checking has left in a case's file: requests, reports, visits and meetings, in one question."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.db.models import BooleanField, CharField, ExpressionWrapper, Q, QuerySet, Value
from django.db.models.functions import Cast

from tuodi.cases.models import Case
from tuodi.verification.models import CheckReport, CheckRequest, ReviewMeeting, VisitTask

__all__ = ["CasePapers", "papers_of"]


@dataclass
class CasePapers:
    """Numbers of rows, the newest first. Of each paper (key, number), a report also whether it has a file."""

    requests: list[int] = field(default_factory=list)
    reports: list[tuple[int, str, bool]] = field(default_factory=list)
    visits: list[tuple[int, str]] = field(default_factory=list)
    meetings: list[tuple[int, str]] = field(default_factory=list)


def papers_of(case: Case) -> CasePapers:
    """All of a case in the reader's range. One query, whatever there is."""

    none = Value(False, output_field=BooleanField())
    filed = ExpressionWrapper(Q(file__isnull=False), output_field=BooleanField())
    rows = [
        _part(0, CheckRequest.objects.filter(case=case), none),
        _part(1, CheckReport.objects.filter(request__case=case), filed),
        _part(2, VisitTask.objects.filter(case=case), none),
        _part(3, ReviewMeeting.objects.filter(case=case), none),
    ]
    found = CasePapers()
    parts = rows[0].union(*rows[1:], all=True)
    for kind, pk, no, has_file in sorted(parts, key=lambda row: -row[1]):
        if kind == 0:
            found.requests.append(pk)
        elif kind == 1:
            found.reports.append((pk, no, has_file))
        else:
            (found.visits if kind == 2 else found.meetings).append((pk, no))
    return found


def _part(kind: int, rows: QuerySet[Any], has_file: Any) -> QuerySet[Any]:
    """One kind of paper with the columns all have in common."""
    return rows.order_by().values_list(Value(kind), "pk", Cast("no", CharField()), has_file)
