"""Addresses of what residents do: apply, for themselves and for others; object, complain, appeal, rate."""

from __future__ import annotations

from django.urls import URLPattern, path

from tuodi.web.residents import apply, speak
from tuodi.web.residents.doors import resident
from tuodi.web.residents.roads import MY

_road = {"road": MY}

urlpatterns: list[URLPattern] = [
    path("apply/", resident(apply.listing), _road, name="my-apply"),
    path("for-others/", resident(apply.listing), {"road": MY, "others": True}, name="my-for-others"),
    path("apply/<uuid:uid>/", resident(apply.go), _road, name="my-apply-go"),
    path("apply/<uuid:uid>/check/", resident(apply.check), _road, name="my-apply-check"),
    path("apply/<uuid:uid>/sign/", resident(apply.sign), _road, name="my-apply-sign"),
    path("apply/<uuid:uid>/sent/", resident(apply.sent), _road, name="my-apply-sent"),
    path("apply/<uuid:uid>/status/", resident(apply.status), _road, name="my-apply-status"),
    path("apply/<uuid:uid>/drop/", resident(apply.drop), _road, name="my-apply-drop"),
    path("apply/<uuid:uid>/q/<slug:name>/", resident(apply.page), _road, name="my-apply-page"),
    path("apply/<uuid:uid>/q/<slug:name>/<int:place>/", resident(apply.each), _road, name="my-apply-each"),
    path("objections/", resident(speak.objections), name="my-objections"),
    path("notices/<slug:no>/object/", resident(speak.object_to), name="my-object"),
    path("complaints/", resident(speak.complaints), name="my-complaints"),
    path("complaints/new/", resident(speak.complain), name="my-complain"),
    path("complaints/<uuid:uid>/", resident(speak.complaint), name="my-complaint"),
    path("complaints/<uuid:uid>/answer.pdf", resident(speak.complaint_paper), name="my-complaint-paper"),
    path("appeals/", resident(speak.appeals), name="my-appeals"),
    path("appeals/new/<slug:no>/", resident(speak.appeal_new), name="my-appeal-new"),
    path("appeals/<uuid:uid>/", resident(speak.appeal), name="my-appeal"),
    path("appeals/<uuid:uid>/decision.pdf", resident(speak.appeal_paper), name="my-appeal-paper"),
    path("ratings/", resident(speak.ratings), name="my-ratings"),
    path("ratings/new/", resident(speak.rate), name="my-rate"),
]
