"""The outbox of a demo: what would have gone to people's phones. On a real site there is no such page."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from tuodi.messages import outbox, texts
from tuodi.messages.models import Message
from tuodi.web.components.pages import page_of


def show(request: HttpRequest) -> HttpResponse:
    """The newest messages in the reader's range, number and text in full. Invented people only, hence the setting."""
    if not getattr(settings, "DEMO", False):
        raise Http404
    rows = Message.objects.order_by("-created_at", "id")
    page: Any = page_of(request, lambda start, stop: [_shown(row) for row in rows[start:stop]], size=20)
    return render(request, "outbox.html", {"page": page})


def _shown(row: Message) -> dict[str, Any]:
    to, text = outbox.read(row)
    return {"row": row, "to": to, "text": text, "label": texts.template(row.template).label}
