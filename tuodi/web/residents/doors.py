"""Which of the residents' pages are open to whom: everybody, or who has signed in as a resident."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_not_required
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse

__all__ = ["anybody", "own", "resident"]

View = Callable[..., HttpResponseBase]
Row = TypeVar("Row", bound=Model)


def own(rows: QuerySet[Row], request: HttpRequest) -> QuerySet[Row]:
    """The rows of the reader's own family: the first lock. The second stands in the database (`rls.SubjectRows`)."""
    return rows.filter(household__in=request.subject.household_ids)  # type: ignore[attr-defined]


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
