"""Which pages are open to whom: any of some duties. What rows a page may show is the access layer's and the database's.

A view carries its duties in `view.duties`, so that a test can list every route with its door.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect

from tuodi.org.errors import AccessDeniedError
from tuodi.org.models import DutyCode
from tuodi.web.components import navigation
from tuodi.web.components.navigation import DOOR, LEDGER, PAYMENT, READERS, SWEEPS, WARNED

__all__ = ["DOOR", "LEDGER", "PAYMENT", "READERS", "SWEEPS", "WARNED", "View", "open_to"]

View = Callable[..., HttpResponseBase]


def open_to(*duties: str) -> Callable[[View], View]:
    """Let in who holds any of the duties today; none named: any signed-in member of staff.

    A password that must be changed comes first.

    Raises:
        AccessDeniedError: None of them is held.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if request.user.must_change_password:  # type: ignore[union-attr]
                return redirect("web:password")
            if duties and not set(duties) & set(navigation.held_duties(request)):
                labels = "”或“".join(DutyCode(duty).label for duty in sorted(duties))
                raise AccessDeniedError(",".join(sorted(duties)), labels)
            return view(request, *args, **kwargs)

        guarded.duties = frozenset(duties)  # type: ignore[attr-defined]
        return guarded

    return decorate
