"""Addresses of funds."""

from __future__ import annotations

from django.urls import URLPattern, path
from django.views.decorators.http import require_POST

from tuodi.org.models import DutyCode
from tuodi.web.components.doors import open_to
from tuodi.web.components.navigation import FUNDS, HOSPITALS, PETTY
from tuodi.web.funds import board, checks, hospital, idle, papers, petty, public, year

_readers = open_to(*FUNDS)
_keeper = open_to(DutyCode.FUND_KEEP)
_petty = open_to(*PETTY)
_hospitals = open_to(*HOSPITALS)
_auditors = open_to(DutyCode.AUDIT_VIEW, DutyCode.SUPERVISE)

urlpatterns: list[URLPattern] = [
    path("funds/", _readers(board.show), name="funds"),
    path("funds/entries/", _readers(board.entries), name="fund-entries"),
    path("funds/entries/<int:pk>/", _readers(board.entry), name="fund-entry"),
    path("funds/entries/<int:pk>/reverse/", require_POST(_keeper(board.reverse_entry)), name="fund-entry-reverse"),
    path("funds/papers/", _readers(papers.listing), name="fund-papers"),
    path("funds/papers/new/", _keeper(papers.new), name="fund-paper-new"),
    path("funds/papers/<slug:no>/", _readers(papers.show), name="fund-paper"),
    path("funds/idle/", _readers(idle.show), name="fund-idle"),
    path("funds/idle/sheet.xlsx", _readers(idle.export), name="fund-idle-sheet"),
    path("funds/public/", _readers(papers.public), name="public-funds"),
    path("funds/public/<int:pk>/", _readers(public.show), name="public-fund"),
    path("funds/population/", require_POST(_keeper(papers.population)), name="fund-population"),
    path("funds/release/", require_POST(_keeper(papers.release)), name="fund-release"),
    path("funds/order/", require_POST(open_to(DutyCode.FUND_REVIEW)(papers.order)), name="fund-order"),
    path("funds/year/<int:number>/", _readers(year.show), name="fund-year"),
    path("hospitals/", _hospitals(hospital.listing), name="hospitals"),
    path("hospitals/new/", _keeper(hospital.new), name="hospital-new"),
    path("hospitals/bills/<slug:no>/", _hospitals(hospital.batch), name="hospital-batch"),
    path("hospitals/<slug:no>/", _hospitals(hospital.show), name="hospital"),
    path("hospitals/<slug:no>/<int:number>/", _hospitals(hospital.month), name="hospital-month"),
    path("ledger-checks/", _auditors(checks.show), name="ledger-checks"),
    path("petty/", _petty(petty.listing), name="petty"),
    path("petty/<int:pk>/ledger.xlsx", _petty(petty.ledger), name="petty-ledger"),
    path("petty/<int:pk>/", _petty(petty.show), name="petty-float"),
    path("petty/receipts/<slug:no>/", _petty(petty.receipt), name="petty-receipt"),
]
