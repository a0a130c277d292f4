"""Addresses of fixed amounts."""

from __future__ import annotations

from django.urls import URLPattern, path

from tuodi.web.components.doors import open_to
from tuodi.web.components.navigation import FIXED
from tuodi.web.fixed import pages

urlpatterns: list[URLPattern] = [path("fixed-amounts/", open_to(*FIXED)(pages.listing), name="fixed")]
