"""What a page weighs on the wire with a cold cache: itself and all it loads, compressed, the charts library aside."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from casekit import family, hire
from django.core.management import call_command
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from whitenoise.middleware import WhiteNoiseMiddleware

pytestmark = pytest.mark.django_db
TOWN = "420804001"
#: No page may weigh more before its charts, in bytes.
MOST = 200 * 1024
LOADED = re.compile(r'(?:href|src)="(/static/[^"]+)"')
CHARTS = "/static/vendor/echarts.min.js"


@pytest.fixture
def served(settings: Any, tmp_path: Path) -> Callable[[str], int]:
    """Static files as `tuodi serve` gives them: collected once, each beside its compressed copy. Returns bytes on the wire."""
    settings.STATIC_ROOT = tmp_path / "static"
    settings.WHITENOISE_USE_FINDERS = False
    call_command("collectstatic", interactive=False, verbosity=0, ignore_patterns=["echarts*"])

    def missing(request: HttpRequest) -> HttpResponse:
        return HttpResponse(status=404)

    server = WhiteNoiseMiddleware(missing)

    def weigh(path: str) -> int:
        answer = server(RequestFactory().get(path, HTTP_ACCEPT_ENCODING="gzip"))
        assert answer.status_code == 200, path
        size = sum(len(part) for part in answer.streaming_content)
        answer.file_to_stream.close()  # closing the answer itself would end a request, and with it the test's connection
        return size

    return weigh


def test_no_page_weighs_more_than_200_kb_before_its_charts(served: Callable[[str], int], make_user: Any) -> None:
    user = hire(make_user, TOWN, "accept", "review", "visit", "roll_import")
    household = family(f"{TOWN}001", names=("林桂兰", "周建军"))
    staff, anybody = Client(), Client()
    staff.force_login(user, backend="tuodi.org.backends.StaffBackend")
    weights = {}
    pages = [
        (staff, "/"), (staff, "/needs/"), (staff, "/cases/?tab=all"), (staff, f"/families/{household.pk}/"), (staff, "/families/new/"),
        (staff, "/standards/?open=1"), (staff, "/procedures/"), (staff, "/field/"), (staff, "/patrols/"), (staff, "/emergencies/"),
        (staff, "/exports/"), (anybody, "/login/"), (anybody, "/my/"), (anybody, "/my/policies/"), (anybody, "/my/calculator/"),
    ]  # fmt: skip
    for client, path in pages:
        answer = client.get(path, HTTP_ACCEPT_ENCODING="gzip")
        assert answer.status_code == 200, path
        assert answer.headers["Content-Encoding"] == "gzip", path
        plain = client.get(path).content.decode()
        loaded = {one for one in LOADED.findall(plain) if one != CHARTS}
        weights[path] = len(answer.content) + sum(map(served, sorted(loaded)))
    assert {path: size for path, size in weights.items() if size > MOST} == {}
    assert min(weights.values()) > 5_000, "nothing was weighed"


def test_a_file_goes_out_as_it_is(make_user: Any) -> None:
    client = Client()
    client.force_login(hire(make_user, TOWN, "accept"), backend="tuodi.org.backends.StaffBackend")
    answer = client.get("/needs/limits.pdf", HTTP_ACCEPT_ENCODING="gzip")
    assert answer.status_code == 200
    assert "Content-Encoding" not in answer.headers
