"""Records of visits and meetings as printed forms, by the room `documents`."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse

from tuodi import documents
from tuodi.kernel import clock
from tuodi.org.errors import NotFoundError
from tuodi.org.models import User
from tuodi.verification.models import ReviewMeeting, VisitRecord, VisitTask
from tuodi.verification.papers import review_data, visit_data

__all__ = ["available", "review_data", "review_pdf", "visit_data", "visit_pdf"]


def available() -> bool:
    """Whether this site can print (the room has its renderer)."""
    return hasattr(documents, "render")


def _pdf(name: str, data: dict[str, Any], file: str, user: User) -> HttpResponse:
    if not available():
        raise NotFoundError("打印模板")
    now = f"{clock.now():%Y-%m-%d %H:%M}"
    body = documents.render(name, data, printed_by=user.name, printed_at=now)  # type: ignore[attr-defined]
    response = HttpResponse(body, content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="{file}.pdf"'
    response["Cache-Control"] = "no-store"
    return response


def visit_pdf(task: VisitTask, record: VisitRecord, user: User) -> HttpResponse:
    """入户调查登记表."""
    return _pdf("home_visit", visit_data(task, record), record.no, user)


def review_pdf(meeting: ReviewMeeting, user: User) -> HttpResponse:
    """民主评议记录."""
    return _pdf("review_minutes", review_data(meeting), meeting.no, user)
