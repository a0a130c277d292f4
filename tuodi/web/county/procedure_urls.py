"""Addresses of the pages of procedures; any member of staff may read the law he works under."""

from __future__ import annotations

from django.urls import URLPattern, path

from tuodi.org.models import DutyCode
from tuodi.web.components.doors import open_to
from tuodi.web.counter import clock_stop
from tuodi.web.county import procedures

_staff = open_to()

urlpatterns: list[URLPattern] = [
    path("procedures/", _staff(procedures.show), name="procedures"),
    path("procedures/wall/", _staff(procedures.wall), name="procedure-wall"),
    path("cases/<int:pk>/clock/", open_to(DutyCode.ACCEPT, DutyCode.REVIEW)(clock_stop.show), name="case-clock"),
]
