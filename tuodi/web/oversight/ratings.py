"""Ratings at the desk: figures without small cells, bad ones to follow up. Who rated is not shown."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.kernel.errors import TuodiError
from tuodi.oversight import queries
from tuodi.oversight import rating_actions as actions
from tuodi.oversight.models import Rating
from tuodi.oversight.states import Grade, RatingState
from tuodi.web.components import pages, places, posting
from tuodi.web.components.pages import Page
from tuodi.web.components.words import Look
from tuodi.web.oversight.clocks import attempted, due_look

TABS = (("bad", "差评待办"), ("all", "全部"))
LOOKS = {
    RatingState.GIVEN: Look("已评价", "ok", "check"),
    RatingState.TO_VERIFY: Look("差评待核实", "warn", "clock"),
    RatingState.TO_MEND: Look("整改中", "warn", "clock"),
    RatingState.TO_CALL: Look("待回访", "info", "clock"),
    RatingState.CLOSED: Look("办结", "ok", "check"),
}


class VerifyForm(forms.Form):
    """Whether a bad rating is borne out."""

    true = forms.ChoiceField(label="是否属实", choices=[("yes", "属实"), ("no", "不属实")], widget=forms.RadioSelect)
    finding = forms.CharField(label="核实情况", max_length=2000, widget=forms.Textarea(attrs={"rows": 3}))


class MendForm(forms.Form):
    """What was mended."""

    what = forms.CharField(label="整改了什么", max_length=2000, widget=forms.Textarea(attrs={"rows": 3}))


class CallForm(forms.Form):
    """The call back."""

    note = forms.CharField(label="回访情况", max_length=2000, widget=forms.Textarea(attrs={"rows": 3}))


def listing(request: HttpRequest) -> HttpResponse:
    """Figures by office, and the ratings; none of the reader's own office."""
    user: Any = request.user
    chosen, tabs = pages.tabs_of(request, TABS, "bad")
    rows = queries.ratings(user, chosen)
    found = pages.page_of(request, lambda start, stop: list(rows[start:stop]))
    lines = [
        {
            "href": reverse("web:rating", args=[one.pk]),
            "grade": Grade(one.grade).label,
            "bad": one.grade <= Grade.POOR,
            "stage": one.get_stage_display(),
            "office": one.office.name if one.office else "",
            "given": one.given_on,
            "look": LOOKS[RatingState(one.state)],
            "due": due_look(one.due_on, one.due_pending, done=one.state in (RatingState.GIVEN, RatingState.CLOSED)),
        }
        for one in found.items
    ]
    context = {
        "page": Page(lines, found.number, None, found.previous, found.next),
        "tabs": tabs,
        "heading": dict(TABS)[chosen],
        "cells": actions.figures(queries.ratings(user, "all").order_by()),
        "smallest": actions.SMALLEST,
        "scope_note": " / ".join(places.names(user.office.place_code)),
    }
    return render(request, "oversight/ratings.html", context)


def show(request: HttpRequest, pk: int) -> HttpResponse:
    """One rating to follow up. A POST takes the next step."""
    user: Any = request.user
    row = queries.access_rating(user, pk)
    do = posting.text(request, "do", 10) if request.method == "POST" else ""
    kinds: dict[str, type[forms.Form]] = {"verify": VerifyForm, "mend": MendForm, "call": CallForm}
    wanted = {RatingState.TO_VERIFY: "verify", RatingState.TO_MEND: "mend", RatingState.TO_CALL: "call"}.get(
        RatingState(row.state), ""
    )
    form = kinds[wanted](request.POST if do == wanted else None) if wanted else None
    phone = ""
    if do == "phone":
        _ok, phone = posting.attempt(request, lambda: actions.open_phone(row, acting_user=user), "已显示，并记入日志。")
    elif (
        form is not None
        and do == wanted
        and form.is_valid()
        and attempted(form, lambda: _do(row, wanted, form.cleaned_data, user))
    ):
        posting.succeed(request, "已登记。")
        return posting.back(reverse("web:rating", args=[pk]))
    context = {
        "row": row,
        "grade": Grade(row.grade).label,
        "look": LOOKS[RatingState(row.state)],
        "due": due_look(row.due_on, row.due_pending, done=row.state in (RatingState.GIVEN, RatingState.CLOSED)),
        "place": places.path(row.region[:9] + "000", 3),
        "form": form,
        "do": wanted,
        "locked": _locked(row, user) if wanted else "",
        "phone": phone,
        # The matter tells whose rating it is: shown only while there is something to verify.
        "matter": row.matter_no if row.grade <= Grade.POOR and row.state != RatingState.CLOSED else "",
    }
    return render(request, "oversight/rating.html", context)


def _do(row: Rating, do: str, given: dict[str, Any], user: Any) -> None:
    if do == "verify":
        actions.verify(row, acting_user=user, true=given["true"] == "yes", finding=given["finding"])
    elif do == "mend":
        actions.mend(row, acting_user=user, what=given["what"])
    else:
        actions.call_back(row, acting_user=user, note=given["note"])


def _locked(row: Rating, user: Any) -> str:
    try:
        actions.check_handler(row, user)
    except TuodiError as error:
        return str(error)
    return ""
