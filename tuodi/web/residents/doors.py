"""Which of the residents' pages are open to whom: everybody, or who has signed in as a resident."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse

__all__ = ["anybody", "resident"]

View = Callable[..., HttpResponseBase]


def anybody(view: View) -> View:
    """A page to read without signing in."""

    @wraps(view)
    def opened(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return view(request, *args, **kwargs)

    opened.residents = "anybody"  # type: ignore[attr-defined]
    return login_not_required(opened)


def resident(view: View) -> View:
    """A page for who has signed in as a resident; others are sent to sign in and brought back."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if getattr(request, "resident", None) is None:
            query = {"next": request.path}
            if getattr(request, "resident_ended", False):
                query["ended"] = "1"
            return HttpResponseRedirect(f"{reverse('web:my-sign-in')}?{urlencode(query)}")
        return view(request, *args, **kwargs)

    guarded.residents = "resident"  # type: ignore[attr-defined]
    return login_not_required(guarded)
