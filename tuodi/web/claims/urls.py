"""Addresses of claims."""

from __future__ import annotations

from django.urls import URLPattern, path
from django.views.decorators.http import require_POST

from tuodi.web.claims import deeds, findings, pages
from tuodi.web.components.doors import open_to
from tuodi.web.components.navigation import CLAIMS

_readers = open_to(*CLAIMS)

urlpatterns: list[URLPattern] = [
    path("claims/", _readers(pages.listing), name="claims"),
    path("claims/findings/", _readers(findings.listing), name="findings"),
    path("claims/findings/<int:pk>/", _readers(findings.show), name="finding"),
    path("claims/findings/<int:pk>/do/", require_POST(_readers(findings.do)), name="finding-do"),
    path("claims/findings/<int:pk>/paper/", _readers(findings.paper), name="finding-paper"),
    path("claims/<int:pk>/", _readers(pages.show), name="claim"),
    path("claims/<int:pk>/do/", require_POST(_readers(deeds.do)), name="claim-do"),
    path("claims/<int:pk>/papers/<slug:kind>/<int:number>/", _readers(pages.paper), name="claim-paper"),
]
