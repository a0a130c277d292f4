"""Requests of residents: whose they are, and when their session ends.

The pages under `settings.RESIDENT_PREFIX` know residents only, all others staff only. One session is one or the other:
signing in as either ends the other (`sign_in`, and below).
"""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse

from tuodi.kernel import clock
from tuodi.people import residents
from tuodi.people.models import ResidentAccount

__all__ = ["KEY", "ResidentMiddleware", "sign_in", "sign_out"]

#: Where a session keeps the account; no page of staff looks there.
KEY = "resident"
#: Where Django keeps a member of staff.
_STAFF = "_auth_user_id"


def sign_in(request: HttpRequest, account: ResidentAccount) -> None:
    """Begins a resident's session: a new one, whoever was signed in before."""
    request.session.flush()
    now = int(clock.now().timestamp())
    request.session[KEY] = account.pk
    request.session["resident_began"] = request.session["resident_seen"] = now


def sign_out(request: HttpRequest) -> None:
    """Ends it."""
    request.session.flush()


class ResidentMiddleware:
    """Sets `request.resident` (the account, or None) and `request.subject` (his family, for `access.subject_scope`)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """A member of staff is nobody here; an idle session ends."""
        request.resident = request.subject = None  # type: ignore[attr-defined]
        if request.path_info.startswith(settings.RESIDENT_PREFIX):
            staff = _STAFF in request.session
            request.user = AnonymousUser()
            if not staff and KEY in request.session and _alive(request):
                account = residents.account_of(request.session[KEY])
                if account is None:
                    sign_out(request)
                else:
                    request.resident = account  # type: ignore[attr-defined]
                    request.subject = residents.subject_of(account)  # type: ignore[attr-defined]
        elif KEY in request.session and request.user.is_authenticated:
            for key in (KEY, "resident_began", "resident_seen"):
                request.session.pop(key, None)
        return self.get_response(request)


def _alive(request: HttpRequest) -> bool:
    now = int(clock.now().timestamp())
    session = request.session
    idle = now - session.get("resident_seen", 0)
    if (
        idle > settings.RESIDENT_IDLE_SECONDS
        or now - session.get("resident_began", 0) > settings.RESIDENT_ABSOLUTE_SECONDS
    ):
        sign_out(request)
        request.resident_ended = True  # type: ignore[attr-defined]
        return False
    if idle >= 30:
        session["resident_seen"] = now
    return True
