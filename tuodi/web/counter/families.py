"""Finding a family: by name, pinyin, identity number or household number; every result masked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.kernel.masking import mask_id
from tuodi.people.models import Household, Membership, Person, RollEntry
from tuodi.people.queries import search_households, search_people
from tuodi.web.components import pages, places, posting, reading
from tuodi.web.components.pages import Page
from tuodi.web.counter import finding

RESULTS_A_PAGE = 30


@dataclass
class Hit:
    """One found person with the family he belongs to now. `roll` holds programme labels, amount in fen a month."""

    name: str
    id_masked: str
    relation: str = ""
    head: str = ""
    no: str = ""
    place: str = ""
    href: str = ""
    pk: int | None = None
    roll: list[str] = field(default_factory=list)
    amount_fen: int | None = None


def search(request: HttpRequest) -> HttpResponse:
    """The search page. The number of queries does not grow with the results.

    A text goes into the address, so that it can be kept and paged. An identity number must not: addresses are logged
    and remembered by browsers. It is taken by POST, answered at once, and shown masked in the box.
    """
    if request.method == "POST":
        typed = posting.text(request, "q", 60)
        if finding.is_number(typed):
            return _numbered(request, typed)
        if not _holds_number(typed):
            return posting.back(f"{request.path}?{urlencode({'q': typed})}" if typed else request.path)
        return render(request, "counter/families.html", {"query": mask_id(typed), "page": _by_person(request, typed)})
    query = pages.text_of(request, "q")
    if finding.is_number(query):
        return _numbered(request, query)
    if _holds_number(query):
        problem = "证件号码请在搜索框里输入后查找，不要放在网址里：网址会被浏览器和日志记住。"
        return render(request, "counter/families.html", {"query": "", "problem": problem})
    page: Page[Hit] | None = None
    if query:
        page = _by_household(request, query) if _looks_like_household_no(query) else _by_person(request, query)
    return render(request, "counter/families.html", {"query": query, "page": page})


def _numbered(request: HttpRequest, text: str) -> HttpResponse:
    """Straight to what a number names; else the page says that there is none."""
    to = finding.where_is(text)
    if to:
        return posting.back(to)
    problem = f"没有编号“{text.strip()}”，或它不在您的管辖范围内。请核对编号。"
    return render(request, "counter/families.html", {"query": text, "problem": problem})


def _holds_number(text: str) -> bool:
    """Whether a text may be (part of) an identity number: fifteen digits or more, whatever stands between them."""
    return len(re.findall(r"[0-9\uff10-\uff19]", text)) >= 15


def _looks_like_household_no(query: str) -> bool:
    return "-" in query and query.isascii()


def _by_person(request: HttpRequest, query: str) -> Page[Hit]:
    people: QuerySet[Person] = search_people(query)
    found = pages.page_of(request, lambda start, stop: list(people[start:stop]), size=RESULTS_A_PAGE)
    return Page(hits_of(request, found.items), found.number, None, found.previous, found.next)


def _by_household(request: HttpRequest, query: str) -> Page[Hit]:
    households = search_households(query)
    found = pages.page_of(request, lambda start, stop: list(households[start:stop]), size=RESULTS_A_PAGE)
    heads = [household.head for household in found.items]
    return Page(hits_of(request, heads), found.number, None, found.previous, found.next)


def hits_of(request: HttpRequest, people: Sequence[Person]) -> list[Hit]:
    present = Membership.objects.filter(person__in=people, until__isnull=True).select_related("household__head")
    by_person = {membership.person_id: membership for membership in present}
    households = {membership.household_id for membership in by_person.values()}
    roll = open_roll(households)
    reading.note_list(request, "家庭查找", households, [person.pk for person in people])
    return [_hit(person, by_person.get(person.pk), roll) for person in people]


def open_roll(households: Iterable[int]) -> dict[int, list[RollEntry]]:
    """Entries that are still paid, by household."""
    found: dict[int, list[RollEntry]] = {}
    this_month = pages.this_month().yyyymm
    entries = RollEntry.objects.filter(household__in=list(households), start_month__lte=this_month)
    for entry in entries.filter(Q(end_month__isnull=True) | Q(end_month__gte=this_month)).order_by("id"):
        found.setdefault(entry.household_id, []).append(entry)
    return found


def _hit(person: Person, membership: Membership | None, roll: dict[int, list[RollEntry]]) -> Hit:
    hit = Hit(name=person.name, id_masked=person.id_masked)
    if membership is None:
        hit.place = places.path(person.region)
        return hit
    household: Household = membership.household
    entries = roll.get(household.pk, [])
    hit.relation = membership.get_relation_display()
    hit.head = household.head.name
    hit.no = household.no
    hit.place = places.path(household.region)
    hit.href = reverse("web:family", args=[household.pk])
    hit.pk = household.pk
    hit.roll = list(dict.fromkeys(entry.get_programme_display() for entry in entries))
    hit.amount_fen = sum(entry.amount_fen for entry in entries) if entries else None
    return hit
