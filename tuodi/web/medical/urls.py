"""Addresses of money to bodies."""

from __future__ import annotations

from django.urls import URLPattern, path
from django.views.decorators.http import require_POST

from tuodi.org.models import DutyCode
from tuodi.web.components.doors import open_to
from tuodi.web.components.navigation import BODIES, HOSPITALS
from tuodi.web.medical import bills, emergencies, funerals, orders, premiums, refunds

_bodies = open_to(*BODIES)
_hospitals = open_to(*HOSPITALS)
_keeper = open_to(DutyCode.FUND_KEEP)
_sender = open_to(DutyCode.PAY_SEND)

urlpatterns: list[URLPattern] = [
    path("orders/", _bodies(orders.listing), name="orders"),
    path("orders/<slug:no>/", _bodies(orders.show), name="order"),
    path("orders/batches/<int:pk>/", _bodies(orders.batch), name="order-batch"),
    path("orders/batches/<int:pk>/file/", _sender(orders.file), name="order-file"),
    path(
        "payees/", open_to(DutyCode.FUND_KEEP, DutyCode.FUND_REVIEW, DutyCode.SUPERVISE)(orders.payees), name="payees"
    ),
    path("funds/pay-way/", require_POST(open_to(DutyCode.FUND_REVIEW)(orders.way)), name="fund-pay-way"),
    path("hospitals/bill/<int:pk>/", _hospitals(bills.show), name="hospital-bill"),
    path("refunds/", _hospitals(refunds.listing), name="refunds"),
    path("premiums/", _hospitals(premiums.listing), name="premiums"),
    path("premiums/<slug:no>/", _hospitals(premiums.show), name="premium-list"),
    path("premiums/<slug:no>/sheet/", require_POST(_keeper(premiums.sheet)), name="premium-sheet"),
    path("funerals/", _hospitals(funerals.listing), name="funerals"),
    path("funerals/<slug:no>/", _hospitals(funerals.show), name="funeral"),
    path("funerals/<slug:no>/evidence/", _hospitals(funerals.evidence), name="funeral-evidence"),
    path("emergency-fund/", _hospitals(emergencies.listing), name="emergency-fund"),
    path("emergency-fund/<slug:no>/", _hospitals(emergencies.show), name="emergency-case"),
    path("emergency-fund/<slug:no>/evidence/", _hospitals(emergencies.evidence), name="emergency-evidence"),
]
