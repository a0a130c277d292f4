"""Addresses of patrols and discoveries."""

from __future__ import annotations

from django.urls import URLPattern, path
from django.views.decorators.http import require_POST

from tuodi.intake.discovery_actions import PATROLLERS
from tuodi.web.components.doors import open_to
from tuodi.web.field import discoveries, patrols

_patrollers = open_to(*PATROLLERS)
_readers = open_to(*patrols.READERS)

urlpatterns: list[URLPattern] = [
    path("patrols/", _readers(patrols.listing), name="patrols"),
    path("patrols/mine/", _patrollers(patrols.mine), name="patrols-mine"),
    path("patrols/mine/<int:pk>/", _patrollers(patrols.one), name="patrol"),
    path("patrols/plan/", require_POST(_patrollers(patrols.plan)), name="patrols-plan"),
    path("patrols/at-risk/", _readers(patrols.at_risk), name="at-risk"),
    path("patrols/report/", _patrollers(discoveries.report), name="patrol-report"),
    path("patrols/discoveries/<slug:no>/", _readers(discoveries.show), name="discovery"),
    path("patrols/discoveries/<slug:no>/photo/", _readers(discoveries.photo), name="discovery-photo"),
]
