"""Requests: session limits, no caching of personal pages, and the transaction that carries the reader's scope."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth import logout
from django.db import OperationalError, connection, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.template import TemplateDoesNotExist

from tuodi.audit import context
from tuodi.audit.actions import record
from tuodi.kernel import clock
from tuodi.kernel.errors import TuodiError
from tuodi.kernel.places import pad12
from tuodi.org import access, factor_actions, session_actions
from tuodi.org.addresses import address_of
from tuodi.org.errors import StepUpNeededError
from tuodi.org.outages import CLASHED, outage_of

Next = Callable[[HttpRequest], HttpResponse]
_READING = ("GET", "HEAD", "OPTIONS")
#: How often a request is tried whose transaction the database ended in favour of another.
CLASHES = 5


def before_commit(request: HttpRequest, deed: Callable[[], None]) -> None:
    """Calls a deed after the answer is drawn and before its transaction ends: for what takes a lock others wait for.

    It runs with the answer's own scope and fails with it: no answer without its deed, no deed for an answer of 400 or more.
    """
    deeds: list[Callable[[], None]] = request.__dict__.setdefault("tuodi_before_commit", [])
    deeds.append(deed)


class SessionLimitsMiddleware:
    """Ends a session that was idle too long or has lasted too long."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Signs out when a limit has passed; notes the last request once a minute, not at each one."""
        if request.user.is_authenticated:
            now = int(clock.now().timestamp())
            began = request.session.setdefault("began", now)
            seen = request.session.setdefault("seen", now)
            idle, longest = settings.SESSION_IDLE_SECONDS, settings.SESSION_ABSOLUTE_SECONDS
            if now - seen > idle or now - began > longest:
                logout(request)
            elif now - seen >= 60:
                request.session["seen"] = now
                session_actions.note_seen(request)
        return self.get_response(request)


class NoStoreMiddleware:
    """Pages of signed-in users are never kept by browsers or proxies."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Adds the header where no view chose one."""
        response = self.get_response(request)
        if response.has_header("Cache-Control"):
            return response
        if request.user.is_authenticated or getattr(request, "subject", None) is not None:
            response["Cache-Control"] = "no-store"
        return response


class ScopeMiddleware:
    """Runs the view inside one transaction that sees the reader's range; an error takes all of it back.

    A view that works through many rows marks itself with `own_transactions`: it opens a scope for each row itself, so that
    what is done for one row stays done whatever becomes of the next; without one it sees no protected row.

    A view that is not public (`login_not_required`) never runs without a scope: a user without an office, or a
    disabled one, is refused before a query could scan whole tables to find nothing.
    """

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Notes where the request comes from, for the audit log."""
        with context.request(address=address_of(request), request_id=uuid.uuid4().hex):
            return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], args: Any, kwargs: Any
    ) -> HttpResponse:
        """Calls the view itself, so that its exceptions pass through the transaction and roll it back."""
        try:
            if request.user.is_authenticated:
                allowed = (settings.PASSWORD_CHANGE_URL, settings.LOGOUT_URL)
                if request.user.must_change_password and request.path not in allowed:
                    return HttpResponseRedirect(settings.PASSWORD_CHANGE_URL)
                if _lacks_factor(request):
                    return HttpResponseRedirect(settings.FACTOR_URL)
                if getattr(view, "own_transactions", False):
                    return view(request, *args, **kwargs)
                return self._again(request, lambda: access.scope(request.user), view, args, kwargs)
            subject = getattr(request, "subject", None)  # a resident, see `people.middleware`
            if subject is not None:
                return self._again(request, lambda: access.subject_scope(subject), view, args, kwargs)
            # A public page: no scope, so protected tables are empty to it.
            return self._again(request, transaction.atomic, view, args, kwargs)
        except StepUpNeededError as error:
            _keep_refusal(request, error, "org.reading_alarm")
            return HttpResponseRedirect(f"{settings.STEP_UP_URL}?{urlencode({'next': request.get_full_path()})}")
        except TuodiError as error:
            _keep_refusal(request, error)
            return problem(request, error)

    def _again(
        self,
        request: HttpRequest,
        scope: Callable[[], AbstractContextManager[Any]],
        view: Callable[..., HttpResponse],
        args: Any,
        kwargs: Any,
    ) -> HttpResponse:
        """Answers inside a scope; what the database ended because two worked against each other (deadlock, serialization) is tried anew.

        All of the first try was taken back, so nothing is done twice. After `CLASHES` tries the reader is asked to come back.
        """
        session = getattr(request, "session", None)
        modified = bool(session is not None and session.modified)
        for left in range(CLASHES - 1, -1, -1):
            try:
                with scope():
                    return self._answer(request, view, args, kwargs)
            except OperationalError as error:
                if not left or outage_of(error) is not CLASHED:
                    raise
                try:
                    _forget(request)
                except ValueError:  # an upload that cannot be read from its beginning again
                    raise error from None
                if session is not None:
                    session.modified = modified
                time.sleep(
                    random.uniform(0.02, 0.1) * 2 ** (CLASHES - 1 - left)
                )  # longer each time: others end meanwhile
        raise AssertionError("unreachable")

    @staticmethod
    def _answer(request: HttpRequest, view: Callable[..., HttpResponse], args: Any, kwargs: Any) -> HttpResponse:
        if settings.FORM_STATEMENT_SECONDS and request.method not in _READING:
            with connection.cursor() as cursor:  # a month of a whole prefecture is approved in one statement
                cursor.execute(f"set local statement_timeout = '{settings.FORM_STATEMENT_SECONDS}s'")
        response = view(request, *args, **kwargs)
        render_now = getattr(response, "render", None)
        if callable(render_now) and not getattr(response, "is_rendered", True):
            response = render_now()  # while the scope is still open: templates read rows
        if response.status_code >= 500:
            transaction.set_rollback(True)
        elif response.status_code < 400:
            for deed in request.__dict__.pop("tuodi_before_commit", ()):
                deed()
        return response


def _forget(request: HttpRequest) -> None:
    """Takes back what a try that failed noted in the request itself: files read to their end, sentences, deeds before the commit."""
    request.__dict__.pop("tuodi_before_commit", None)
    if request.method not in _READING:
        for name in request.FILES:
            for file in request.FILES.getlist(name):
                file.seek(0)
    told = getattr(request, "_messages", None)
    if told is not None:
        told._queued_messages.clear()


#: The session's word that its user has shown his second factor.
PROVEN = "factor"


def _lacks_factor(request: HttpRequest) -> bool:
    """Whether a duty of the user asks for a second factor and this session has shown none. The page to set one up stays open."""
    if request.user.is_demo or request.session.get(PROVEN):
        return False
    if request.path in (settings.FACTOR_URL, settings.LOGOUT_URL, settings.PASSWORD_CHANGE_URL):
        return False
    return factor_actions.needed(request.user)  # type: ignore[arg-type]


def _keep_refusal(request: HttpRequest, error: TuodiError, action: str = "org.refused") -> None:
    """Writes a refused attempt into the log, in a transaction of its own since the view's was rolled back."""
    refused = getattr(error, "status", 400) in (403, 404) or getattr(error, "logged", False)
    if not (refused and request.user.is_authenticated):
        return
    user = request.user
    record(
        action,
        actor=user,
        subject_type="page",
        subject_id=request.path[:64],
        region=pad12(user.office.place_code),
        after={"code": error.code, "method": request.method, "message": str(error)},
    )


def problem(request: HttpRequest, error: TuodiError) -> HttpResponse:
    """The page for an error a person can act on; the status is the error's own, else 400."""
    status = int(getattr(error, "status", 400))
    try:
        return render(
            request, "errors/problem.html", {"message": str(error), "error": error, "status": status}, status=status
        )
    except TemplateDoesNotExist:
        return HttpResponse(str(error), status=status, content_type="text/plain; charset=utf-8")
