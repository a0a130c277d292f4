"""Addresses of the pages of procedures; any member of staff may read the law he works under."""

from __future__ import annotations

from django.urls import URLPattern, path

from tuodi.web.components.doors import open_to
from tuodi.web.county import procedures

_staff = open_to()

urlpatterns: list[URLPattern] = [
    path("procedures/", _staff(procedures.show), name="procedures"),
    path("procedures/wall/", _staff(procedures.wall), name="procedure-wall"),
]
