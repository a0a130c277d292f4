"""Addresses of the pages. Every route but the sign-in page needs a signed-in user (LoginRequiredMiddleware)."""

from __future__ import annotations

from django.urls import path
from django.views.decorators.http import require_POST

from tuodi.web import account, style_page
from tuodi.web.counter import apply, case, cases, facts, families, family, workbench
from tuodi.web.county import imports, runs, standards

app_name = "web"

urlpatterns = [
    path("", workbench.show, name="workbench"),
    path("cases/", cases.show, name="cases"),
    path("cases/<int:pk>/", case.show, name="case"),
    path("cases/<int:pk>/facts/", facts.show, name="facts"),
    path("families/", families.search, name="families"),
    path("families/<int:pk>/", family.show, name="family"),
    path("determinations/<int:pk>/", family.determination, name="determination"),
    path("families/<int:pk>/apply/", apply.show, name="apply"),
    path("runs/", runs.listing, name="runs"),
    path("runs/<int:pk>/", runs.show, name="run"),
    path("runs/<int:pk>/progress/", runs.progress, name="run-progress"),
    path("runs/<int:pk>/changes/", runs.changes, name="run-changes"),
    path("runs/<int:pk>/lines/", runs.lines, name="run-lines"),
    path("runs/<int:pk>/files/<int:batch>/", runs.bank_file, name="run-file"),
    path("imports/", imports.listing, name="imports"),
    path("imports/<int:pk>/", imports.show, name="import"),
    path("imports/<int:pk>/progress/", imports.progress, name="import-progress"),
    path("imports/<int:pk>/errors.csv", imports.errors, name="import-errors"),
    path("imports/<int:pk>/confirm/", require_POST(imports.confirm), name="import-confirm"),
    path("imports/<int:pk>/adopt/", require_POST(imports.adopt), name="import-adopt"),
    path("imports/<int:pk>/drop/", require_POST(imports.drop), name="import-drop"),
    path("standards/", standards.show, name="standards"),
    path("login/", account.SignIn.as_view(), name="login"),
    path("logout/", account.SignOut.as_view(), name="logout"),
    path("password/", account.Password.as_view(), name="password"),
    path("display/", account.display, name="display"),
    path("style/", style_page.show, name="style"),
]
