"""The page of one family: members, facts, entitlements and the explanation of a month."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.org import access
from tuodi.org.models import DutyCode
from tuodi.people.facts import load_facts
from tuodi.people.models import Household
from tuodi.people.queries import access_household
from tuodi.verification import rulebook
from tuodi.web.components import law, pages
from tuodi.web.components.explain import Programme
from tuodi.web.counter import family_page


def show(request: HttpRequest, pk: int) -> HttpResponse:
    """The page; `month` in the address chooses the month explained, else the present one."""
    household = access_household(request.user, pk)
    month = pages.month_of(request, default=pages.this_month())
    today = clock.today()
    family = family_page.family_of(household, month, today)
    programmes, problem = _explained(household, month)
    file = load_facts(household, min(month.last_day, today))
    family.facts = family_page.fact_lines(file, law.facts(), law.book().enums)
    context = {
        "family": family,
        "month": month,
        "months": [month + step for step in range(-3, 1)],
        "programmes": programmes,
        "explain_problem": problem,
        "explained_note": f"{month} 试算",
        "may_accept": access.has_duty(request.user, DutyCode.ACCEPT, household.region),
    }
    return render(request, "counter/family.html", context)


def _explained(household: Household, month: Month) -> tuple[list[Programme], str]:
    """Decide the family by the facts of a month; a Chinese sentence where that cannot be done."""
    file = load_facts(household, month.first_day, digits=len(rulebook.place_of(household.region)))
    return law.trial(file, household.region, case_date=month.first_day, month=month)
