"""Addresses under `/my/`. Every view says whether it is open to `anybody` or to a signed-in `resident`."""

from __future__ import annotations

from django.urls import URLPattern, path

from tuodi.web.residents import (
    calculator,
    care,
    data,
    decision,
    doing_urls,
    home,
    messages,
    notices,
    oidc,
    payments,
    policies,
    progress,
    sign_in,
)
from tuodi.web.residents.doors import anybody, resident

urlpatterns: list[URLPattern] = [
    path("", anybody(home.show), name="my-home"),
    path("sign-in/", anybody(sign_in.show), name="my-sign-in"),
    path("sign-in/code/", anybody(sign_in.code), name="my-code"),
    path("sign-in/provider/", anybody(oidc.start), name="my-oidc"),
    path("sign-in/back/", anybody(oidc.back), name="my-oidc-back"),
    path("sign-out/", anybody(sign_in.sign_out), name="my-sign-out"),
    path("display/", anybody(sign_in.display), name="my-display"),
    path("policies/", anybody(policies.listing), name="my-policies"),
    path("policies/<slug:programme>/", anybody(policies.show), name="my-policy"),
    path("calculator/", anybody(calculator.show), name="my-calculator"),
    path("progress/", resident(progress.show), name="my-progress"),
    path("notices/", resident(notices.show), name="my-notices"),
    path("decisions/", resident(decision.listing), name="my-decisions"),
    path("decision/<slug:no>/", resident(decision.show), name="my-decision"),
    path("payments/", resident(payments.show), name="my-payments"),
    path("payments/<int:pk>/", resident(payments.one), name="my-payment"),
    path("care/", resident(care.show), name="my-care"),
    path("messages/", resident(messages.show), name="my-messages"),
    path("data/", resident(data.show), name="my-data"),
    path("stay/", resident(sign_in.stay), name="my-stay"),
    *doing_urls.urlpatterns,
]
