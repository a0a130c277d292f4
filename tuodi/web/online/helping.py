"""Helping a family to apply from an officer's own account (村干部、协理员代办): the residents' pages, walked by staff."""

from __future__ import annotations

from django.urls import URLPattern, path

from tuodi.org.models import DutyCode
from tuodi.web.components.doors import open_to
from tuodi.web.residents import apply
from tuodi.web.residents.roads import HELP

#: Who works in a village or a town, or goes out to families. Whoever helps is barred from the case.
_helper = open_to(DutyCode.ACCEPT, DutyCode.REVIEW, DutyCode.VISIT)
_road = {"road": HELP}

urlpatterns: list[URLPattern] = [
    path("online/help/", _helper(apply.listing), {"road": HELP, "others": True}, name="help-others"),
    path("online/help/<uuid:uid>/", _helper(apply.go), _road, name="help-go"),
    path("online/help/<uuid:uid>/check/", _helper(apply.check), _road, name="help-check"),
    path("online/help/<uuid:uid>/sign/", _helper(apply.sign), _road, name="help-sign"),
    path("online/help/<uuid:uid>/sent/", _helper(apply.sent), _road, name="help-sent"),
    path("online/help/<uuid:uid>/drop/", _helper(apply.drop), _road, name="help-drop"),
    path("online/help/<uuid:uid>/q/<slug:name>/", _helper(apply.page), _road, name="help-page"),
    path("online/help/<uuid:uid>/q/<slug:name>/<int:place>/", _helper(apply.each), _road, name="help-each"),
]
