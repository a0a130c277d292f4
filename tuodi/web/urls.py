"""Addresses of the pages, each with its door. Every route but signing in needs a signed-in user (LoginRequiredMiddleware)."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path
from django.views.decorators.http import require_POST

from tuodi.org.models import DutyCode
from tuodi.web import account, outbox_page, style_page
from tuodi.web.accounts import urls as accounts_urls
from tuodi.web.bank import urls as bank_urls
from tuodi.web.board import urls as board_urls
from tuodi.web.chain import urls as chain_urls
from tuodi.web.claims import urls as claims_urls
from tuodi.web.components.doors import LEDGER, PAYMENT, READERS, SWEEPS, WARNED, View, open_to
from tuodi.web.counter import (
    apply,
    care_urls,
    case,
    case_batch,
    cases,
    checks,
    consents,
    emergency_urls,
    facts,
    families,
    family,
    needs_urls,
    phones,
    reviews,
    tellings_urls,
    ticket_urls,
    visits,
    workbench,
)
from tuodi.web.county import (
    clue,
    clue_bulk,
    clue_statement,
    clue_visits,
    clues,
    hand_overs,
    imports,
    kin,
    procedure_urls,
    returned,
    roll_urls,
    runs,
    source_form,
    sources,
    spot_checks,
    standards,
    supervision,
    sweep_start,
    sweeps,
    third_party,
    tuning,
    warnings,
    watch_list,
)
from tuodi.web.field import offline, own_checks, patrol_urls, tasks
from tuodi.web.fixed import urls as fixed_urls
from tuodi.web.funds import urls as funds_urls
from tuodi.web.medical import urls as medical_urls
from tuodi.web.online import helping
from tuodi.web.online import urls as online
from tuodi.web.oversight import urls as oversight
from tuodi.web.papers import urls as papers_urls
from tuodi.web.standards import urls as standards_urls

app_name = "web"

_staff = open_to()
_readers = open_to(*READERS)
_casework = open_to(DutyCode.ACCEPT, DutyCode.REVIEW, DutyCode.VISIT)
_checkers = open_to(DutyCode.VERIFY, DutyCode.ACCEPT)
_payment = open_to(*PAYMENT)
_field = open_to(*tasks.VISITORS)
_field_readers = open_to(*tasks.READERS)
_spot = open_to(DutyCode.REVIEW, DutyCode.VISIT, DutyCode.SUPERVISE)
_kin = open_to(*kin.READERS)
_importers = open_to(DutyCode.ROLL_IMPORT)
_sources = open_to(DutyCode.SWEEP, DutyCode.VERIFY, DutyCode.SUPERVISE)
_sweeps = open_to(*SWEEPS)
_ledger = open_to(*LEDGER)
_contracts = open_to(DutyCode.CLUE_DECIDE, DutyCode.SUPERVISE)
_watch = open_to(*watch_list.READERS)
_returned = open_to(DutyCode.SWEEP, DutyCode.HAND_OVER)
_hand_over = open_to(DutyCode.HAND_OVER, DutyCode.HAND_OVER_APPROVE)


def _post(door: object, view: View) -> View:
    return require_POST(door(view))  # type: ignore[operator,no-any-return]


urlpatterns: list[URLPattern | URLResolver] = [
    path("my/", include("tuodi.web.residents.urls")),
    *online.urlpatterns,
    *helping.urlpatterns,
    *oversight.urlpatterns,
    path("", _staff(workbench.show), name="workbench"),
    *needs_urls.urlpatterns,
    *ticket_urls.urlpatterns,
    path("families/", _readers(families.search), name="families"),
    path("families/<int:pk>/", _readers(family.show), name="family"),
    path("families/<int:pk>/phones/", open_to(DutyCode.ACCEPT)(phones.show), name="phones"),
    path("families/<int:pk>/apply/", open_to(DutyCode.ACCEPT)(apply.show), name="apply"),
    path("determinations/<int:pk>/", _readers(family.determination), name="determination"),
    path("cases/", _readers(cases.show), name="cases"),
    path("cases/export.xlsx", _readers(cases.export), name="cases-export"),
    path("cases/batch/", _post(_readers, case_batch.run), name="cases-batch"),
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
    path("cases/<int:pk>/visits/", _casework(visits.show), name="case-visits"),
    path("cases/<int:pk>/review/", _casework(reviews.show), name="case-review"),
    path("reviews/<int:pk>/print/", _readers(reviews.printed), name="review-print"),
    path("field/", _field(tasks.listing), name="field"),
    path("field/<int:pk>/", _field_readers(tasks.show), name="field-task"),
    path("field/<int:pk>/photos/", _post(_field, tasks.photo_in), name="field-photo-in"),
    path("field/<int:pk>/print/", _field_readers(tasks.printed), name="field-print"),
    path("field/photos/<int:pk>/", _field_readers(tasks.photo_out), name="field-photo"),
    path("own-checks/", open_to(DutyCode.THIRD_PARTY)(own_checks.listing), name="own-checks"),
    path("own-checks/<int:pk>/", open_to(DutyCode.THIRD_PARTY)(own_checks.show), name="own-check"),
    path("field/shell/", _staff(offline.shell), name="field-shell"),
    path("field/session/", _field_readers(offline.session), name="field-session"),
    path("field/worker.js", _staff(offline.worker), name="field-worker"),
    path("spot-checks/", _spot(spot_checks.listing), name="spot-checks"),
    path("spot-checks/<int:pk>/", _spot(spot_checks.show), name="spot-check"),
    path("kin/", _kin(kin.show), name="kin"),
    path("runs/", _payment(runs.listing), name="runs"),
    path("runs/<int:pk>/", _payment(runs.show), name="run"),
    path("runs/<int:pk>/progress/", _payment(runs.progress), name="run-progress"),
    path("runs/<int:pk>/changes/", _payment(runs.changes), name="run-changes"),
    path("runs/<int:pk>/lines/", _payment(runs.lines), name="run-lines"),
    path("runs/<int:pk>/files/<int:batch>/", open_to(DutyCode.PAY_SEND)(runs.bank_file), name="run-file"),
    path("sources/", _sources(sources.listing), name="sources"),
    path("sources/<int:pk>/", _sources(sources.show), name="source"),
    path("sources/<int:pk>/change/", open_to(DutyCode.SWEEP)(source_form.change), name="source-change"),
    path("sources/<int:pk>/state/", _post(open_to(DutyCode.SWEEP), sources.change_state), name="source-state"),
    path("sources/batches/<int:pk>/", _sources(sources.batch), name="source-batch"),
    path("sources/batches/<int:pk>/faults.csv", _sources(sources.faults), name="source-faults"),
    path("sweeps/", _sweeps(sweeps.listing), name="sweeps"),
    path("sweeps/new/", open_to(DutyCode.SWEEP)(sweep_start.start), name="sweep-new"),
    path("sweeps/<int:pk>/", _sweeps(sweeps.show), name="sweep"),
    path("sweeps/<int:pk>/progress/", _sweeps(sweeps.progress), name="sweep-progress"),
    path("sweeps/<int:pk>/towns.xlsx", _sweeps(sweeps.towns), name="sweep-towns"),
    path("sweeps/<int:pk>/<slug:which>/", _sweeps(sweep_start.people), name="sweep-list"),
    path("clues/", _ledger(clues.listing), name="clues"),
    path("clues/bulk/", _post(_ledger, clue_bulk.run), name="clue-bulk"),
    path("clues/export.xlsx", _ledger(clues.export), name="clue-export"),
    path("clues/tuning/", _sweeps(tuning.show), name="clue-tuning"),
    path("clues/<slug:no>/", _ledger(clue.show), name="clue"),
    path("clues/<slug:no>/sheet.pdf", _ledger(clue.sheet), name="clue-sheet"),
    path(
        "clues/<slug:no>/statement/",
        open_to(DutyCode.CLUE, DutyCode.VISIT, DutyCode.VERIFY)(clue_statement.show),
        name="clue-statement",
    ),
    path("clues/<slug:no>/visits/", _ledger(clue_visits.show), name="clue-visits"),
    path("clues/<slug:no>/files/<int:pk>/", _ledger(clue.file), name="clue-file"),
    path("warnings/", open_to(*WARNED)(warnings.show), name="warnings"),
    path("supervision/clues/", open_to(DutyCode.SUPERVISE)(supervision.show), name="supervision"),
    path("watch/", _watch(watch_list.listing), name="watch-list"),
    path("watch/<int:pk>/", _watch(watch_list.show), name="watch"),
    path("returned/", _returned(returned.listing), name="returned"),
    path("returned/<int:pk>/", _returned(returned.show), name="returned-list"),
    path("returned/<int:pk>/faults.csv", _returned(returned.faults), name="returned-faults"),
    path("third-party/", _contracts(third_party.listing), name="contracts"),
    path("third-party/<int:pk>/", _contracts(third_party.show), name="contract"),
    path("hand-over/", _hand_over(hand_overs.listing), name="hand-overs"),
    path("hand-over/<int:pk>/", _hand_over(hand_overs.show), name="hand-over"),
    path("hand-over/<int:pk>/file/", open_to(DutyCode.HAND_OVER)(hand_overs.download), name="hand-over-file"),
    path("imports/", _importers(imports.listing), name="imports"),
    path("imports/<int:pk>/", _importers(imports.show), name="import"),
    path("imports/<int:pk>/progress/", _importers(imports.progress), name="import-progress"),
    path("imports/<int:pk>/errors.csv", _importers(imports.errors), name="import-errors"),
    path("imports/<int:pk>/confirm/", _post(_importers, imports.confirm), name="import-confirm"),
    path("imports/<int:pk>/adopt/", _post(_importers, imports.adopt), name="import-adopt"),
    path("imports/<int:pk>/drop/", _post(_importers, imports.drop), name="import-drop"),
    path("standards/", _staff(standards.show), name="standards"),
    *tellings_urls.urlpatterns,
    path("", include(standards_urls)),
    path("outbox/", open_to(DutyCode.SYSADMIN)(outbox_page.show), name="outbox"),
    *roll_urls.urlpatterns,
    *procedure_urls.urlpatterns,
    *care_urls.urlpatterns,
    path("login/", account.SignIn.as_view(), name="login"),
    path("logout/", account.SignOut.as_view(), name="logout"),
    path("password/", account.Password.as_view(), name="password"),
    path("display/", account.display, name="display"),
    path("style/", style_page.show, name="style"),
    *emergency_urls.urlpatterns,
    *patrol_urls.urlpatterns,
    *accounts_urls.urlpatterns,
    *board_urls.urlpatterns,
    *papers_urls.urlpatterns,
    *medical_urls.urlpatterns,
    *funds_urls.urlpatterns,
    *chain_urls.urlpatterns,
    *claims_urls.urlpatterns,
    *fixed_urls.urlpatterns,
    *bank_urls.urlpatterns,
]
