"""What a device needs to go on without a signal: a worker, an empty frame, a key. None of it holds a family's data."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from functools import lru_cache
from pathlib import Path

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse

from tuodi.kernel import clock

_STATIC = Path(__file__).resolve().parents[1] / "static"
#: What the frame needs to stand without a network, below static/.
SHELL_FILES = (
    "tuodi/css/tokens.css",
    "tuodi/css/base.css",
    "tuodi/css/shell.css",
    "tuodi/css/components.css",
    "tuodi/css/tables.css",
    "tuodi/css/forms.css",
    "tuodi/css/field.css",
    "tuodi/css/explain.css",
    "tuodi/js/field-store.js",
    "tuodi/js/field-form.js",
    "tuodi/js/field.js",
    "tuodi/img/favicon.svg",
)
OPTIONAL_FILES = ("vendor/tabler.css",)
#: Hours after which a device forgets what it kept, sent or not.
KEEP_HOURS = 72


def shell(request: HttpRequest) -> HttpResponse:
    """The frame a device shows without a signal. The same for everybody: the worker keeps it in the open."""
    return render(request, "field/shell.html", {"keep_hours": KEEP_HOURS})


def worker(request: HttpRequest) -> HttpResponse:
    """The service worker; its scope is the folder it is served from, so it never sees another page."""
    urls = [static(name) for name in _present()]
    head = (
        f"const VERSION = {json.dumps(_version())};\n"
        f"const SHELL = {json.dumps(reverse('web:field-shell'))};\n"
        f"const SCOPE = {json.dumps(reverse('web:field'))};\n"
        f"const FILES = {json.dumps(urls)};\n"
    )
    body = (_STATIC / "tuodi/js/field-worker.js").read_text(encoding="utf-8")
    response = HttpResponse(head + body, content_type="text/javascript; charset=utf-8")
    response["Cache-Control"] = "no-cache"
    return response


def session(request: HttpRequest) -> HttpResponse:
    """Who is signed in, this session's key for what the device keeps, a token for sending, and the server's clock.

    The key is made once a session and never leaves it otherwise; the browser takes it in as not extractable.
    """
    key = request.session.get("field_key")
    if not key:
        key = base64.b64encode(secrets.token_bytes(32)).decode()
        request.session["field_key"] = key
    response = JsonResponse(
        {
            "user": hashlib.sha256(f"field|{request.user.pk}".encode()).hexdigest()[:24],
            "key": key,
            "csrf": get_token(request),
            "now": clock.now().isoformat(),
            "keep_hours": KEEP_HOURS,
        }
    )
    response["Cache-Control"] = "no-store"
    return response


def _present() -> list[str]:
    return [*SHELL_FILES, *(name for name in OPTIONAL_FILES if (_STATIC / name).is_file())]


@lru_cache(maxsize=1)
def _version() -> str:
    """Changes with any file of the frame, so that devices fetch it anew."""
    digest = hashlib.sha256()
    frame = Path(__file__).resolve().parents[1] / "templates/field/shell.html"
    paths = [frame, _STATIC / "tuodi/js/field-worker.js", *(_STATIC / name for name in _present())]
    for path in paths:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
