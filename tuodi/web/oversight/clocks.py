"""A day by which something must be done, in words and colour."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID, uuid4

from django.http import HttpRequest, HttpResponse

from tuodi.kernel import clock
from tuodi.kernel.errors import TuodiError
from tuodi.web.components import posting
from tuodi.web.components.words import Look

__all__ = ["attempted", "due_look", "key_of", "pdf"]


def due_look(on: date | None, pending: bool = False, *, done: bool = False) -> Look:
    """`还有 3 天`, `逾期 2 天`, 待定; nothing where it is done."""
    if done:
        return Look("—")
    if on is None:
        return Look("期限待定" if pending else "没有期限", "unknown" if pending else "")
    left = (on - clock.today()).days
    if left < 0:
        return Look(f"逾期 {-left} 天", "bad", "clock")
    if left == 0:
        return Look("今天到期", "warn", "clock")
    return Look(f"还有 {left} 天", "warn" if left <= 5 else "")


def key_of(request: HttpRequest) -> UUID:
    """The form's own key, posted back: sent twice, it is one deed."""
    try:
        return UUID(posting.text(request, "key", 40))
    except ValueError:
        return uuid4()


def attempted(form: Any, action: Any) -> bool:
    """Runs an action; a refusal is shown on the form, at its field where it names one."""
    try:
        action()
    except TuodiError as error:
        field = getattr(error, "field", "")
        form.add_error(field if field in form.fields else None, str(error))
        return False
    return True


def pdf(data: bytes, name: str) -> HttpResponse:
    """A paper, opened in the browser."""
    response = HttpResponse(data, content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="{name}.pdf"'
    response["X-Content-Type-Options"] = "nosniff"
    return response
