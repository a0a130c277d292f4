"""Which place a resident asks about: his own, or one he picks from those this site serves."""

from __future__ import annotations

from django.http import HttpRequest

from tuodi.kernel.places import NATION, trim
from tuodi.org.models import Office
from tuodi.web.components import places

#: A county has six digits; a standard area that is no division has as many signs.
COUNTY = 6


def served() -> list[tuple[str, str]]:
    """The counties with an office on this site: code and name, by code. The nation where there is none."""
    codes = {
        code[:COUNTY]
        for code in Office.objects.filter(
            is_active=True, kind__in=(Office.Kind.CIVIL_AFFAIRS, Office.Kind.TOWN)
        ).values_list("place_code", flat=True)
        if len(code) >= COUNTY
    }
    return [(code, places.path(code)) for code in sorted(codes)] or [(NATION, places.name(NATION))]


def place_of(request: HttpRequest) -> tuple[str, list[tuple[str, str]]]:
    """The place in force and the choices: a signed-in resident's own town first, else what he picked, else the first."""
    choices = served()
    subject = getattr(request, "subject", None)
    if subject is not None:
        town = trim(subject.region)[:9]
        choices = [(town, f"{places.path(town)}（我家所在）"), *choices]
    wanted = (request.POST if request.method == "POST" else request.GET).get("place", "")
    known = [code for code, _ in choices]
    return (wanted if wanted in known else known[0]), choices


def offices_at(place: str) -> list[str]:
    """The counters of a place: of its town, or of all towns of the county; names only."""
    kinds = (Office.Kind.TOWN, Office.Kind.CIVIL_AFFAIRS)
    found = Office.objects.filter(is_active=True, kind__in=kinds, place_code__startswith=place).order_by("place_code")
    return list(dict.fromkeys(found.values_list("name", flat=True)))[:12]
