"""Addresses of what families are told."""

from __future__ import annotations

from django.urls import URLPattern, path
from django.views.decorators.http import require_POST

from tuodi.people.tellings import TELLERS
from tuodi.web.components.doors import open_to
from tuodi.web.counter import tellings

_tellers = open_to(*TELLERS)

urlpatterns: list[URLPattern] = [
    path("tellings/", _tellers(tellings.listing), name="tellings"),
    path("families/<int:pk>/tell-by-hand/", _tellers(require_POST(tellings.wish)), name="tell-by-hand"),
]
