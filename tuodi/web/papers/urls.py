"""Addresses of printed papers, case files and exports."""

from __future__ import annotations

from django.urls import URLPattern, path

from tuodi.org.models import DutyCode
from tuodi.web.components.doors import READERS, open_to
from tuodi.web.papers import cases, exports, families

_readers = open_to(*READERS, DutyCode.SUPERVISE)
_takers = open_to(*READERS, DutyCode.SUPERVISE, DutyCode.HAND_OVER_APPROVE)

urlpatterns: list[URLPattern] = [
    path("papers/cases/<int:pk>/", _readers(cases.show), name="case-papers"),
    path("papers/cases/<int:pk>/<slug:form>-<int:number>.pdf", _readers(cases.paper), name="case-paper"),
    path("papers/case-files/<int:pk>/", _readers(cases.file), name="case-file"),
    path("papers/case-files/<int:pk>/progress/", _readers(cases.progress), name="case-file-progress"),
    path("papers/case-files/<int:pk>/file.pdf", _readers(cases.download), name="case-file-pdf"),
    path("papers/families/<int:pk>/", _readers(families.show), name="family-papers"),
    path("papers/determinations/<int:pk>.pdf", _readers(families.letter), name="letter"),
    path("papers/rosters/", _readers(families.rosters), name="rosters"),
    path("exports/", _takers(exports.listing), name="exports"),
    path("exports/<int:pk>/", _takers(exports.show), name="export"),
    path("exports/<int:pk>/progress/", _takers(exports.progress), name="export-progress"),
    path("exports/<int:pk>/file.xlsx", _takers(exports.download), name="export-file"),
]
