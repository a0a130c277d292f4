"""Addresses of notices: the public board by its key, the officers' pages by number."""

from __future__ import annotations

from django.urls import URLPattern, path

from tuodi.org.models import DutyCode
from tuodi.web.board import public, staff
from tuodi.web.components.doors import READERS, open_to

_readers = open_to(*READERS, DutyCode.SUPERVISE)

urlpatterns: list[URLPattern] = [
    path("notices/", _readers(staff.listing), name="notices"),
    path("notices/<int:pk>/", _readers(staff.show), name="notice"),
    path("notices/<int:pk>/sheet.pdf", _readers(staff.sheet), name="notice-sheet"),
    path("notices/standing/", _readers(staff.standing), name="standing"),
    path("notices/answers/<str:code>/", public.objection, name="board-objection"),
    path("notices/<str:token>/", public.show, name="board"),
    path("notices/<str:token>/notices.json", public.as_json, name="board-json"),
    path("notices/<str:token>/<slug:key>.pdf", public.sheet_pdf, name="board-sheet"),
    path("notices/<str:token>/<slug:key>/object/", public.objecting, name="board-object"),
]
