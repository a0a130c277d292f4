"""Addresses of proposals, what-if and price linkage."""

from __future__ import annotations

from django.urls import URLPattern, path
from django.views.decorators.http import require_POST

from tuodi.org.models import DutyCode
from tuodi.web.components.doors import PAYMENT, open_to
from tuodi.web.standards import price_decisions, price_members, prices, proposals, simulations

_staff = open_to()
_what_if = open_to(*simulations.DUTIES)
_prices = open_to(*simulations.DUTIES, *PAYMENT)

urlpatterns: list[URLPattern] = [
    path("standards/proposals/", _staff(proposals.listing), name="proposals"),
    path("standards/proposals/<int:pk>/", _staff(proposals.show), name="proposal"),
    path(
        "standards/proposals/<int:pk>/run/",
        require_POST(open_to(DutyCode.PAY_PREPARE)(simulations.start_run)),
        name="proposal-run",
    ),
    path("simulations/", _what_if(simulations.listing), name="simulations"),
    path("simulations/<int:pk>/", _what_if(simulations.show), name="simulation"),
    path("simulations/<int:pk>/progress/", _what_if(simulations.progress), name="simulation-progress"),
    path("simulations/<int:pk>/changes.xlsx", _what_if(simulations.export), name="simulation-sheet"),
    path("simulations/<int:pk>/funds.xlsx", _what_if(simulations.funds_sheet), name="simulation-funds"),
    path("simulations/<int:pk>/summary.xlsx", _what_if(simulations.summary_sheet), name="simulation-summary"),
    path("prices/", _prices(prices.listing), name="prices"),
    path("prices/members/", open_to(*PAYMENT)(price_members.listing), name="price-members"),
    path("prices/<int:pk>/", _prices(prices.show), name="price-round"),
    path(
        "prices/<int:pk>/propose/",
        require_POST(open_to(*PAYMENT)(price_decisions.propose)),
        name="price-propose",
    ),
    path("prices/decisions/<int:pk>/", open_to(*PAYMENT)(price_decisions.show), name="price-decision"),
    path(
        "prices/decisions/<int:pk>/do/", require_POST(open_to(*PAYMENT)(price_decisions.do)), name="price-decision-do"
    ),
    path(
        "prices/decisions/<int:pk>/outside.xlsx",
        open_to(*PAYMENT)(price_decisions.hand_over),
        name="price-decision-list",
    ),
    path("prices/decisions/<int:pk>/paper/", open_to(*PAYMENT)(price_decisions.paper), name="price-decision-paper"),
    path(
        "prices/<int:pk>/<slug:group>.xlsx",
        open_to(DutyCode.PAY_PREPARE)(price_members.hand_over),
        name="price-hand-over",
    ),
]
