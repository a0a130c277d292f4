"""Papers on the screen's side: one PDF as an answer, by whom it was printed, and that it is on record."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from tuodi.decisions.papers.catalogue import Printer
from tuodi.decisions.papers.words import when
from tuodi.documents.binding import bind, page_count
from tuodi.kernel import clock

__all__ = ["one_pdf", "pdf", "printer"]


@contextmanager
def printer(request: HttpRequest) -> Iterator[Printer]:
    """Who prints now, with a private folder for the time of the block."""
    user: Any = request.user
    base = Path(settings.FILES_DIR) / ".scratch"
    base.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(dir=base) as folder:
        yield Printer(f"{user.name}（{user.username}）", when(clock.now()), Path(folder))


def one_pdf(parts: Iterable[bytes], title: str) -> bytes:
    """Several PDFs as one; a single one stays as it is."""
    papers = list(parts)
    if len(papers) == 1:
        return papers[0]
    out = io.BytesIO()
    bind(papers, out, title=title, total=sum(page_count(one) for one in papers))
    return out.getvalue()


def pdf(data: bytes, name: str) -> HttpResponse:
    """The answer; never kept by the browser."""
    response = HttpResponse(data, content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="{name}.pdf"'
    response["Cache-Control"] = "no-store"
    return response
