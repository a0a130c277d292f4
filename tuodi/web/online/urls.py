"""Addresses of the desk for applications from phones."""

from __future__ import annotations

from django.urls import URLPattern, path

from tuodi.org.models import DutyCode
from tuodi.web.components.doors import open_to
from tuodi.web.online import declared, desk

_desk = open_to(DutyCode.ACCEPT)
_casework = open_to(DutyCode.ACCEPT, DutyCode.REVIEW, DutyCode.VISIT, DutyCode.VERIFY)

urlpatterns: list[URLPattern] = [
    path("online/", _desk(desk.listing), name="online"),
    path("online/<int:pk>/", _desk(desk.show), name="online-one"),
    path("online/<int:pk>/papers/<int:number>/", _desk(desk.paper), name="online-paper"),
    path("cases/<int:pk>/declared/", _casework(declared.show), name="declared"),
]
