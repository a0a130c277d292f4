"""Answering a form: one action, a sentence about how it went, back to the page.

An action's refusal is caught here and not passed on, because some refusals write an audit row that must stay
(separation of duties) and the request's transaction would otherwise take it back. Actions are atomic in themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from tuodi.kernel.errors import TuodiError

Answer = TypeVar("Answer")


def attempt(
    request: HttpRequest, action: Callable[[], Answer], done: str | Callable[[Answer], str]
) -> tuple[bool, Answer | None]:
    """Call an action and tell the reader.

    Args:
        action: the call, complete.
        done: the sentence after success, or a function of the answer.

    Returns:
        (True, answer), or (False, None) after a refusal, which is shown as a message.
    """
    try:
        answer = action()
    except TuodiError as error:
        messages.error(request, str(error))
        return False, None
    messages.success(request, done(answer) if callable(done) else done)
    return True, answer


def back(to: str) -> HttpResponse:
    """The page after a form was taken (303: a reload does not send it again)."""
    response = HttpResponseRedirect(to)
    response.status_code = 303
    return response


def text(request: HttpRequest, name: str, longest: int = 2000) -> str:
    """A posted text: trimmed, without NUL, cut."""
    value: Any = request.POST.get(name, "")
    return str(value).replace("\x00", "").strip()[:longest]


def number(request: HttpRequest, name: str) -> int:
    """The number of a row in a form; 0, which no row has, for anything else."""
    typed = text(request, name, 18)
    return int(typed) if typed.isascii() and typed.isdigit() else 0


def refuse(request: HttpRequest, sentence: str) -> None:
    """Tell the reader why nothing was done."""
    messages.error(request, sentence)


def succeed(request: HttpRequest, sentence: str) -> None:
    """Tell the reader what was done."""
    messages.success(request, sentence)
