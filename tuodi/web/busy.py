"""The answer when the machine and not the request is at fault: 503 in words, with the time after which to try again.

Whatever fails outside the views ends here too: the session is read before any view runs.
"""

from __future__ import annotations

import sys

from django.http import HttpRequest, HttpResponse, HttpResponseServerError, JsonResponse
from django.template import loader
from django.views import defaults

from tuodi.org.outages import Outage, outage_of

__all__ = ["server_error", "unavailable"]

_SAFE = ("GET", "HEAD")
#: Said of a request that was to change something: its transaction was taken back.
_UNSAVED = "这次操作没有保存，已保存的内容不受影响。"


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's `handler500`, called while the error is being handled: 503 for an outage, else the page for a fault."""
    outage = outage_of(sys.exc_info()[1])
    if outage is None:
        answer: HttpResponse = defaults.server_error(request)
        assert isinstance(answer, HttpResponseServerError)
        return answer
    return unavailable(request, outage)


def unavailable(request: HttpRequest, outage: Outage) -> HttpResponse:
    """503 in the form the caller reads: a page, a sentence for htmx, JSON for a device. Asks nothing of the database."""
    session = getattr(request, "session", None)
    if session is not None:
        session.modified = False  # what a failed request noted in it is taken back with all else
    words = outage.sentence if request.method in _SAFE else f"{_UNSAVED}{outage.sentence}"
    if request.headers.get("HX-Request") == "true":
        answer = HttpResponse(words, content_type="text/plain; charset=utf-8")
    elif request.headers.get("X-Field") == "1" or "application/json" in request.headers.get("Accept", ""):
        answer = JsonResponse({"code": outage.code, "message": words, "faults": {}})
    else:
        context = {
            "request": request,
            "outage": outage,
            "words": words,
            "again": request.get_full_path() if request.method in _SAFE else "",
            "home": "/my/" if request.path_info.startswith("/my/") else "/",
        }
        # Without the request itself as an argument: context processors read the session and the user.
        answer = HttpResponse(loader.render_to_string("503.html", context))
    answer.status_code = 503
    answer["Retry-After"] = str(outage.seconds)
    answer["Cache-Control"] = "no-store"
    return answer
