"""Reading the lists the discipline body sent back, and what became of each of their rows."""

from __future__ import annotations

from django.db.models import QuerySet

from tuodi.monitoring.models import ReturnedList, ReturnedRow
from tuodi.org import access
from tuodi.org.models import User

__all__ = ["access_returned", "lines_of", "returned_lists"]


def returned_lists() -> QuerySet[ReturnedList]:
    """Lists in the reader's range, newest first."""
    return ReturnedList.objects.select_related("received_by", "hand_over").order_by("-id")


def access_returned(user: User, pk: int) -> ReturnedList:
    """One list in the user's range. Raises NotFoundError."""
    return access.one(returned_lists().select_related("faults"), user=user, what="返回清单", pk=pk)


def lines_of(row: ReturnedList, result: str = "") -> QuerySet[ReturnedRow]:
    """Its rows in the order of the file, of one result or of all, with the clue each led to."""
    found = ReturnedRow.objects.filter(returned=row).select_related("clue")
    return (found.filter(result=result) if result else found).order_by("row_no")
