"""Addresses of complaints, appeals and ratings."""

from __future__ import annotations

from django.urls import URLPattern, path

from tuodi.org.models import DutyCode
from tuodi.web.components.doors import open_to
from tuodi.web.oversight import appeals, complaints, ratings

_complaints = open_to(DutyCode.COMPLAINT)
_appeals = open_to(DutyCode.APPEAL)

urlpatterns: list[URLPattern] = [
    path("complaints/", _complaints(complaints.listing), name="complaints"),
    path("complaints/new/", open_to(DutyCode.COMPLAINT, DutyCode.ACCEPT)(complaints.new), name="complaint-new"),
    path("complaints/<int:pk>/", _complaints(complaints.show), name="complaint"),
    path("complaints/<int:pk>/answer.pdf", _complaints(complaints.printed), name="complaint-print"),
    path("appeals/", _appeals(appeals.listing), name="appeals"),
    path("appeals/<int:pk>/", _appeals(appeals.show), name="appeal"),
    path("appeals/<int:pk>/decision.pdf", _appeals(appeals.printed), name="appeal-print"),
    path("ratings/", _complaints(ratings.listing), name="ratings"),
    path("ratings/<int:pk>/", _complaints(ratings.show), name="rating"),
]
