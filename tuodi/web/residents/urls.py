"""Addresses under `/my/`. Every view says whether it is open to `anybody` or to a signed-in `resident`."""

from __future__ import annotations

from django.urls import URLPattern, path

from tuodi.web.residents import doing_urls, home, sign_in
from tuodi.web.residents.doors import anybody, resident

urlpatterns: list[URLPattern] = [
    path("", anybody(home.show), name="my-home"),
    path("sign-in/", anybody(sign_in.show), name="my-sign-in"),
    path("sign-in/code/", anybody(sign_in.code), name="my-code"),
    path("sign-out/", anybody(sign_in.sign_out), name="my-sign-out"),
    path("display/", anybody(sign_in.display), name="my-display"),
    path("stay/", resident(sign_in.stay), name="my-stay"),
    *doing_urls.urlpatterns,
]
