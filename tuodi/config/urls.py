"""The URL root: the web room's pages, and a health answer for supervisors."""

from __future__ import annotations

import importlib.util

from django.contrib.auth.decorators import login_not_required
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, include, path


@login_not_required
def healthy(request: HttpRequest) -> HttpResponse:
    """Answers 200 when the database answers; holds no data."""
    with connection.cursor() as cursor:
        cursor.execute("select 1")
    return HttpResponse("ok\n", content_type="text/plain; charset=utf-8")


urlpatterns: list[URLPattern | URLResolver] = [path("healthz", healthy, name="healthz")]
if importlib.util.find_spec("tuodi.web.urls"):
    urlpatterns.append(path("", include("tuodi.web.urls")))
    handler500 = "tuodi.web.busy.server_error"
