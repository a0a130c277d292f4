"""Addresses of the pages, each with its door. Every route but signing in needs a signed-in user (LoginRequiredMiddleware)."""

from __future__ import annotations

from django.urls import URLPattern, path
from django.views.decorators.http import require_POST

from tuodi.org.models import DutyCode
from tuodi.web import account, style_page
from tuodi.web.components.doors import PAYMENT, READERS, View, open_to
from tuodi.web.counter import apply, case, cases, checks, consents, facts, families, family, workbench
from tuodi.web.county import imports, runs, sources, standards

app_name = "web"

_staff = open_to()
_readers = open_to(*READERS)
_casework = open_to(DutyCode.ACCEPT, DutyCode.REVIEW, DutyCode.VISIT)
_checkers = open_to(DutyCode.VERIFY, DutyCode.ACCEPT)
_payment = open_to(*PAYMENT)
_importers = open_to(DutyCode.ROLL_IMPORT)
_sources = open_to(DutyCode.SWEEP, DutyCode.VERIFY, DutyCode.SUPERVISE)


def _post(door: object, view: View) -> View:
    return require_POST(door(view))  # type: ignore[operator,no-any-return]


urlpatterns: list[URLPattern] = [
    path("", _staff(workbench.show), name="workbench"),
    path("families/", _readers(families.search), name="families"),
    path("families/<int:pk>/", _readers(family.show), name="family"),
    path("families/<int:pk>/apply/", open_to(DutyCode.ACCEPT)(apply.show), name="apply"),
    path("determinations/<int:pk>/", _readers(family.determination), name="determination"),
    path("cases/", _readers(cases.show), name="cases"),
    path("cases/<int:pk>/", _readers(case.show), name="case"),
    path("cases/<int:pk>/facts/", _casework(facts.show), name="facts"),
    path("checks/", _checkers(checks.listing), name="checks"),
    path("checks/unconsented/", _checkers(consents.missing), name="unconsented"),
    path("checks/consent-form.pdf", _checkers(consents.blank), name="consent-blank"),
    path("checks/<int:pk>/", _checkers(checks.show), name="check"),
    path("checks/<int:pk>/progress/", _checkers(checks.progress), name="check-progress"),
    path("checks/reports/<int:pk>.pdf", _readers(checks.paper), name="check-report"),
    path("families/<int:pk>/consents/", _checkers(consents.show), name="consents"),
    path("families/<int:pk>/consents/form.pdf", _checkers(consents.filled), name="consent-form"),
    path("consents/<int:pk>/paper/", _checkers(consents.paper), name="consent-paper"),
    path("runs/", _payment(runs.listing), name="runs"),
    path("runs/<int:pk>/", _payment(runs.show), name="run"),
    path("runs/<int:pk>/progress/", _payment(runs.progress), name="run-progress"),
    path("runs/<int:pk>/changes/", _payment(runs.changes), name="run-changes"),
    path("runs/<int:pk>/lines/", _payment(runs.lines), name="run-lines"),
    path("runs/<int:pk>/files/<int:batch>/", open_to(DutyCode.PAY_SEND)(runs.bank_file), name="run-file"),
    path("imports/", _importers(imports.listing), name="imports"),
    path("imports/<int:pk>/", _importers(imports.show), name="import"),
    path("imports/<int:pk>/progress/", _importers(imports.progress), name="import-progress"),
    path("imports/<int:pk>/errors.csv", _importers(imports.errors), name="import-errors"),
    path("imports/<int:pk>/confirm/", _post(_importers, imports.confirm), name="import-confirm"),
    path("imports/<int:pk>/adopt/", _post(_importers, imports.adopt), name="import-adopt"),
    path("imports/<int:pk>/drop/", _post(_importers, imports.drop), name="import-drop"),
    path("sources/", _sources(sources.listing), name="sources"),
    path("sources/<int:pk>/", _sources(sources.show), name="source"),
    path("sources/<int:pk>/state/", _post(open_to(DutyCode.SWEEP), sources.change_state), name="source-state"),
    path("sources/batches/<int:pk>/", _sources(sources.batch), name="source-batch"),
    path("sources/batches/<int:pk>/faults.csv", _sources(sources.faults), name="source-faults"),
    path("standards/", _staff(standards.show), name="standards"),
    path("login/", account.SignIn.as_view(), name="login"),
    path("logout/", account.SignOut.as_view(), name="logout"),
    path("password/", account.Password.as_view(), name="password"),
    path("display/", account.display, name="display"),
    path("style/", style_page.show, name="style"),
]
