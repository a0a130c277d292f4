"""Splitting a need into cases: what speaks against each programme is shown first, then papers, then all are accepted at once."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.decisions import duplicates
from tuodi.intake import need_actions, need_queries
from tuodi.intake.counter_book import materials_of
from tuodi.intake.models import Need
from tuodi.kernel import clock
from tuodi.kernel.errors import TuodiError
from tuodi.people.enums import Programme
from tuodi.people.queries import members_on
from tuodi.web.components import places, posting, reading
from tuodi.web.counter import work
from tuodi.web.counter.need_forms import AcceptForm


def show(request: HttpRequest, pk: int) -> HttpResponse:
    """The page for the programmes in the address; a POST accepts them and says what became of each."""
    need = need_queries.access_need(request.user, pk)  # type: ignore[arg-type]
    here = reverse("web:need", args=[need.pk])
    chosen = [one for one in dict.fromkeys(request.GET.getlist("programme")) if one in Programme.values][:8]
    if not chosen:
        posting.refuse(request, "没有选中项目。请先勾选要受理的项目。")
        return posting.back(here)
    today = clock.today()
    papers = {one: materials_of(need.region, one, today) for one in chosen}
    form = AcceptForm(request.POST or None, papers=papers, initial={"reason": need.text})
    if request.method == "POST" and form.is_valid():
        wanted = [one for one in chosen if one in request.POST.getlist("take")]
        try:
            answers = need_actions.split_need(
                need,
                acting_user=request.user,  # type: ignore[arg-type]
                programmes=wanted,
                materials=form.materials,
                agent=form.agent,
                declares_kin=form.cleaned_data["declares_kin"],
                reason=form.cleaned_data["reason"],
                applied_on=form.on,
            )
        except TuodiError as error:
            form.add_error(None, str(error))
        else:
            if not any(one.application for one in answers):
                for one in answers:
                    form.add_error(None, f"{work.programme_label(one.programme)}：{one.reason}")
            else:
                return _done(request, need, answers)
    reading.note_reading(request, "一门受理", [need.household_id], [], region=need.region)
    context = {
        "need": need,
        "place": places.path(need.region),
        "form": form,
        "parts": _parts(need, chosen, form),
    }
    return render(request, "counter/need_accept.html", context)


def _parts(need: Need, chosen: list[str], form: AcceptForm) -> list[dict[str, Any]]:
    """Each programme with what speaks against it: here, in another family, in another place; each with a way on."""
    members = members_on(need.household, clock.today())
    outside = need_queries.elsewhere(need.household, chosen)
    parts = []
    for programme in chosen:
        found = [*need_queries.obstacles(need.household, programme, members), *outside.get(programme, [])]
        said = {one.text for one in found}
        more = [
            one.reason
            for one in duplicates.duplicates(need.household, programme)
            if one.verdict != duplicates.ALLOW and one.programme != programme and one.reason not in said
        ]
        parts.append(
            {
                "programme": programme,
                "label": work.programme_label(programme),
                "obstacles": found,
                "stopped": any(one.stops for one in found),
                "warnings": more,
                "papers": form.of(programme),
                "count": len(form.papers[programme]),
            }
        )
    return parts


def _done(request: HttpRequest, need: Need, answers: list[need_actions.Split]) -> HttpResponse:
    lines = []
    for one in answers:
        case = one.application.case if one.application else None
        owed = one.application.materials.filter(received_on__isnull=True).count() if one.application else 0
        lines.append(
            {
                "label": work.programme_label(one.programme),
                "reason": one.reason,
                "no": case.no if case else "",
                "receipt_no": one.application.receipt_no if one.application else "",
                "due": work.due_look(case.due_on, case.due_pending, clock.today()) if case else None,
                "href": reverse("web:case", args=[case.pk]) if case else "",
                "receipt": reverse("web:case-receipt", args=[case.pk]) if case else "",
                "missing": reverse("web:case-missing", args=[case.pk]) if case and owed else "",
                "owed": owed,
            }
        )
    reading.note_reading(request, "一门受理", [need.household_id], [], region=need.region)
    return render(request, "counter/need_done.html", {"need": need, "lines": lines, "place": places.path(need.region)})
