"""Addresses of self-care assessments, the care of tekun persons and its end, and of papers that are late."""

from __future__ import annotations

from django.urls import URLPattern, path

from tuodi.web.components.doors import open_to
from tuodi.web.counter import care, late_papers, self_care
from tuodi.web.county import end_notices

_readers = open_to(*self_care.READERS)
_ending = open_to(*end_notices.READERS)

urlpatterns: list[URLPattern] = [
    path("self-care/", _readers(self_care.listing), name="self-cares"),
    path("self-care/<int:pk>/", _readers(self_care.show), name="self-care"),
    path("self-care/papers/<int:pk>/", _readers(self_care.paper), name="self-care-paper"),
    path("cases/<int:pk>/self-care/", _readers(self_care.of_case), name="case-self-care"),
    path("families/<int:pk>/care/<int:person>/", _readers(care.show), name="care"),
    path("late-papers/", open_to(*late_papers.READERS)(late_papers.listing), name="late-papers"),
    path("late-papers/<int:pk>/", open_to(*late_papers.READERS)(late_papers.show), name="late-paper"),
    path("end-notices/", _ending(end_notices.listing), name="end-notices"),
    path("end-notices/<int:pk>/", _ending(end_notices.show), name="end-notice"),
    path("end-notices/<int:pk>/sheet.pdf", _ending(end_notices.sheet), name="end-notice-pdf"),
]
