"""One box on every page: a number of any kind goes straight to its page; everything else is a search for people."""

from __future__ import annotations

import re

from django.urls import reverse

from tuodi.cases.models import Case
from tuodi.decisions.models import Determination
from tuodi.intake.models import Application, Need, Ticket
from tuodi.monitoring.models import Clue

__all__ = ["is_number", "where_is"]

#: `420802-SL-20170510-0001`, as `cases.series` gives it, and by year `XS-420802-2017-00001`.
_DAILY = re.compile(r"[0-9A-Z]{6}-([A-Z]{2})-\d{8}-\d{4,}")
_YEARLY = re.compile(r"XS-[0-9A-Z]{6}-\d{4}-\d{5,}")


def _plain(text: str) -> str:
    return "".join(text.split()).upper().translate(str.maketrans("\uff0d\u2014\u2013", "---"))


def is_number(text: str) -> bool:
    """Whether a text has the form of a number this product gives (never of an identity number)."""
    plain = _plain(text)
    return bool(_DAILY.fullmatch(plain) or _YEARLY.fullmatch(plain))


def where_is(text: str) -> str:
    """The address of what a number names, in the reader's scope; empty where there is none. At most two queries."""
    plain = _plain(text)
    if _YEARLY.fullmatch(plain):
        return reverse("web:clue", args=[plain]) if Clue.objects.filter(no=plain).exists() else ""
    found = _DAILY.fullmatch(plain)
    kind = found[1] if found else ""
    key: int | None = None
    route = ""
    if kind == "SL":
        route, key = "web:case", Case.objects.filter(no=plain).values_list("pk", flat=True).first()
    elif kind == "HZ":
        route, key = "web:case", Application.objects.filter(receipt_no=plain).values_list("case", flat=True).first()
    elif kind == "XQ":
        route, key = "web:need", Need.objects.filter(no=plain).values_list("pk", flat=True).first()
    elif kind == "RX":
        route, key = "web:ticket", Ticket.objects.filter(no=plain).values_list("pk", flat=True).first()
    elif kind == "JD":
        route, key = "web:determination", Determination.objects.filter(no=plain).values_list("pk", flat=True).first()
    return reverse(route, args=[key]) if key else ""
