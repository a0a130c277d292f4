"""Addresses of emergencies."""

from __future__ import annotations

from django.urls import URLPattern, path
from django.views.decorators.http import require_POST

from tuodi.decisions import relief
from tuodi.web.components.doors import open_to
from tuodi.web.counter import emergencies

_readers = open_to(*emergencies.READERS)
_answerers = open_to(*relief.DUTIES)

urlpatterns: list[URLPattern] = [
    path("emergencies/", _readers(emergencies.listing), name="emergencies"),
    path("emergencies/new/", _answerers(emergencies.new), name="emergency-new"),
    path("emergencies/take/<slug:no>/", require_POST(_answerers(emergencies.take)), name="emergency-take"),
    path("emergencies/<slug:no>/", _readers(emergencies.show), name="emergency"),
    path("emergencies/<slug:no>/photo/", _readers(emergencies.photo), name="emergency-photo"),
]
