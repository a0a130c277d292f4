"""The papers of one family: 告知书 of its decisions, the consent to sign, the papers of its cases; and rosters on paper."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.cases.models import Case
from tuodi.decisions.case_files import DUTIES
from tuodi.decisions.papers import letters
from tuodi.decisions.papers.rosters import roster_form
from tuodi.decisions.queries import access_determination, determinations_of
from tuodi.kernel.errors import TuodiError
from tuodi.kernel.places import trim
from tuodi.org import access
from tuodi.org.models import DutyCode
from tuodi.people.enums import Programme
from tuodi.people.queries import access_household
from tuodi.web.components import navigation, places, reading
from tuodi.web.components.form_parts import MonthOrNow, PlaceOrOwn
from tuodi.web.counter import work
from tuodi.web.papers import printing
from tuodi.web.papers.log import note_print

_LETTERS = {
    "decision_notice": ("告知书", letters.decision_notice),
    "change_notice": ("调整告知书", letters.change_notice),
    "stop_notice": ("停发告知书", letters.stop_notice),
}
#: Who prints rosters: who works on cases or pay, and who supervises.
ROSTER_DUTIES = (*DUTIES, DutyCode.PAY_PREPARE, DutyCode.ROLL_IMPORT)


def show(request: HttpRequest, pk: int) -> HttpResponse:
    """The list."""
    household = access_household(request.user, pk)
    rows = []
    for one in determinations_of(household).select_related("decided_by", "person", "follows"):
        if one.kind == "imported":
            continue
        name, _ = _LETTERS[letters.letter_of(one)]
        rows.append({
            "name": f"{one.get_programme_display()}{name}",
            "no": one.no,
            "on": one.decided_on,
            "who": one.person.name if one.person else household.head.name,
            "href": reverse("web:letter", args=[one.pk]),
        })  # fmt: skip
    cases = [
        {
            "no": one.no,
            "programme": work.programme_label(one.programme),
            "state": one.get_state_display(),
            "accepted": one.accepted_on,
            "href": reverse("web:case-papers", args=[one.pk]),
        }
        for one in Case.objects.filter(household=household).order_by("-id")
    ]
    context = {
        "household": household,
        "place": places.path(household.region),
        "letters": rows,
        "cases": cases,
        "consent_href": reverse("web:consent-form", args=[household.pk])
        if navigation.may(request, navigation.CHECKS, household.region)
        else "",
        "may": navigation.may(request, DUTIES, household.region),
    }
    reading.note_reading(request, "家庭文书", [household.pk], [household.head_id], region=household.region)
    return render(request, "papers/family.html", context)


def letter(request: HttpRequest, pk: int) -> HttpResponse:
    """The 告知书 of one decision; on record."""
    user: Any = request.user
    row = access_determination(user, pk=pk)
    access.require_any(user, DUTIES, row.region)
    form = letters.letter_of(row)
    _, build = _LETTERS[form]
    with printing.printer(request) as by:
        made = by.form(form, build(row))
    reading.note_reading(request, "告知书", [row.household_id], [row.person_id], region=row.region)
    note_print(request, form, "determination", row.pk, row.region, case_no=row.case.no if row.case else "", no=row.no)
    return printing.pdf(made, row.no)


class RosterForm(MonthOrNow, PlaceOrOwn, forms.Form):
    """Which roll on which month."""

    place = forms.CharField(label="地区代码", max_length=12, required=False, help_text="不填为本机构辖区")
    programme = forms.ChoiceField(label="项目", choices=Programme.choices)
    month = forms.CharField(label="月份", max_length=7, required=False, help_text="例如 2017-09；不填为本月")


def rosters(request: HttpRequest) -> HttpResponse:
    """The form; with a place and a programme the 花名册 as PDF, up to the number of rows a place prints."""
    user: Any = request.user
    asked = "programme" in request.GET
    form = RosterForm(request.GET if asked else None, initial={"programme": "dibao"})
    if asked and form.is_valid():
        place = form.cleaned_data["place"] or trim(user.office.place_code)
        month, programme = form.cleaned_data["month"], form.cleaned_data["programme"]
        try:
            access.require_any(user, ROSTER_DUTIES, place.ljust(12, "0"))
            data = roster_form(place, programme, month, office=user.office.name)
        except TuodiError as error:
            form.add_error(None, str(error))
        else:
            with printing.printer(request) as by:
                made = by.form("roster", data)
            note_print(
                request, "roster", "place", place, place.ljust(12, "0"), programme=programme, month=str(month), rows=len(data["rows"]),
            )  # fmt: skip
            return printing.pdf(made, f"roster-{place}-{programme}-{month}")
    return render(request, "papers/rosters.html", {"form": form})
