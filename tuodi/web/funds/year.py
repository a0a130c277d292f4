"""The settled year: what each sub-account had, got, paid and left, and what becomes of what is left."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from tuodi.funds import queries
from tuodi.funds.actions.year import settle_year
from tuodi.funds.ledger import programme_label
from tuodi.kernel import clock
from tuodi.kernel.places import pad12
from tuodi.org.models import DutyCode
from tuodi.web.components import navigation, places, posting
from tuodi.web.funds.common import counties_of, county_of, place_of


def show(request: HttpRequest, number: int) -> HttpResponse:
    """A county's year; a POST settles it."""
    if not 2000 <= number <= 2199:
        raise Http404
    user: Any = request.user
    county = county_of(request)
    if request.method == "POST":
        posting.attempt(request, lambda: settle_year(acting_user=user, county=county, year=number), "已完成年终结算。")
        return posting.back(request.get_full_path())
    context: dict[str, Any] = {
        "year": number,
        "county": county,
        "place_name": places.name(county or place_of(request)),
        "counties": counties_of(place_of(request)),
    }
    if county:
        figures = [one for one in queries.year_figures(county, number) if not one.silent or one.off]
        lines = [{"label": queries.sub_label(one.programme, one.source), "row": one} for one in figures]
        context |= {
            "lines": lines,
            "plans": [
                {"label": programme_label(one.programme), "row": one} for one in queries.year_plans(county, number, figures)
            ],
            "totals": {
                name: sum(getattr(one, name) for one in figures)
                for name in (
                    "opening", "appropriated", "transferred_in", "transferred_out", "recovered", "handed_back", "paid", "variance",
                    "available", "elsewhere", "closing",
                )
            },
            "off": sum(abs(one.off) for one in figures),
            "settled": queries.settled(county, number),
            "over": clock.today().year > number,
            "may_settle": navigation.may(request, [DutyCode.FUND_REVIEW], pad12(county)),
            "chart": {
                "labels": [line["label"] for line in lines],
                "series": [
                    {"name": "到账（含调剂）", "data": [(one.appropriated + one.transferred_in - one.transferred_out) / 100 for one in figures]},
                    {"name": "已发", "data": [one.paid / 100 for one in figures]},
                ],
                "unit": "元",
                "horizontal": True,
            } if any(one.paid or one.appropriated or one.transferred_in for one in figures) else None,
        }  # fmt: skip
    return render(request, "funds/year.html", context)
