"""Addresses of the whole-chain view (全过程监督). All of it is read-only."""

from __future__ import annotations

from django.urls import URLPattern, path
from django.views.decorators.http import require_safe

from tuodi.web.chain import export, lines, page
from tuodi.web.components.doors import open_to
from tuodi.web.components.navigation import FUNDS

_readers = open_to(*FUNDS)

urlpatterns: list[URLPattern] = [
    path("chain/", require_safe(_readers(page.show)), name="chain"),
    path("chain/entries/", require_safe(_readers(page.entries)), name="chain-entries"),
    path("chain/lines/", require_safe(_readers(lines.listing)), name="chain-lines"),
    path("chain/lines/<int:pk>/", require_safe(_readers(lines.show)), name="chain-line"),
    path("chain/export/", require_safe(_readers(export.download)), name="chain-export"),
]
