"""Entering what the family stated about a clue: beside each thing the register says, and whatever else was told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.kernel import clock
from tuodi.kernel.errors import TuodiError
from tuodi.monitoring import clue_statement, ledger
from tuodi.monitoring.clue_statement import LOOKS, StatementItem
from tuodi.monitoring.errors import ClueInputError
from tuodi.monitoring.models import Clue
from tuodi.web.components import clue_words, posting, reading
from tuodi.web.county import clue_page
from tuodi.web.county.clue_bulk import stored

#: Empty lines for what the register does not hold.
FREE = 3


@dataclass
class Item:
    """One line of the form: what it is about, what the register says, what was typed or stands there already."""

    at: int
    field: str
    label: str
    registered: str
    text: str = ""
    look: str = ""

    @property
    def free(self) -> bool:
        """Whether the reader names the matter himself."""
        return not self.field


def show(request: HttpRequest, no: str) -> HttpResponse:
    """The form; a POST enters it. What was typed stays where it is refused."""
    user: Any = request.user
    clue = ledger.access_clue(user, no)
    items = _items(clue)
    values = {"signed_by": clue.person.name, "signed_on": clock.today().isoformat(), "note": ""}
    if request.method == "POST":
        _typed(request, items)
        values = {name: posting.text(request, name, 500) for name in values}
        try:
            _enter(request, clue, items, values)
        except TuodiError as error:
            posting.refuse(request, str(error))
        else:
            posting.succeed(request, "家庭陈述已登记，并作为证据入卷。")
            return posting.back(reverse("web:clue", args=[clue.no]))
    reading.note_reading(request, "线索陈述", [clue.household_id], [clue.person_id], region=clue.region)
    context = {
        "clue": clue,
        "title": clue_words.rule_label(clue.rule_text, clue.rule_code),
        "items": items,
        "looks": list(LOOKS.items()),
        "values": values,
        "today": clock.today(),
    }
    return render(request, "county/clue_statement.html", context)


def _items(clue: Clue) -> list[Item]:
    """One line for each column of the register and each thing stated before, then the free ones."""
    lines = clue_page.proof_of(clue, [])["lines"]
    found = []
    for at, line in enumerate(lines):
        given = clue.stated.get(line["key"])
        look = str(given.get("look", "")) if isinstance(given, dict) else ""
        found.append(Item(at, line["key"], line["label"], line["registered"], line["stated"], look))
    start = len(found)
    return found + [Item(start + n, "", "", "") for n in range(FREE)]


def _typed(request: HttpRequest, items: list[Item]) -> None:
    for one in items:
        one.text = posting.text(request, f"text-{one.at}", 300)
        look = posting.text(request, f"look-{one.at}", 10)
        one.look = look if look in LOOKS else ""
        if one.free:
            one.label = posting.text(request, f"label-{one.at}", 30)


def _enter(request: HttpRequest, clue: Clue, items: list[Item], values: dict[str, str]) -> None:
    try:
        signed_on = date.fromisoformat(values["signed_on"])
    except ValueError as error:
        raise ClueInputError("签名日期", "不是日期，请按 2017-05-08 的样子填写") from error
    given = request.FILES.get("paper")
    clue_statement.record_statement(
        clue,
        [StatementItem(one.field or one.label, one.label, one.text, one.look) for one in items if one.text],
        signed_by=values["signed_by"],
        signed_on=signed_on,
        note=values["note"],
        file=stored(request, given, clue.region) if given else None,
        acting_user=request.user,  # type: ignore[arg-type]
    )
