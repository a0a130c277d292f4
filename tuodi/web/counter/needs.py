"""The door itself: the queue of all that comes in, a family's visit, and what the reader answers for."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.intake import need_actions, need_queries
from tuodi.intake.counter_book import needs_of
from tuodi.intake.models import Application, Need, Ticket
from tuodi.kernel import clock
from tuodi.kernel.errors import TuodiError
from tuodi.org.models import DutyCode
from tuodi.people.queries import access_household, members_on
from tuodi.web.components import navigation, pages, places, posting, reading
from tuodi.web.components.pages import Page
from tuodi.web.components.words import Look
from tuodi.web.counter import inbox, work
from tuodi.web.counter.need_forms import NeedForm

SIZE = 30


def listing(request: HttpRequest) -> HttpResponse:
    """The queue; `from` in the address chooses one way in, `mine=1` what the reader answers for."""
    today = clock.today()
    sources = inbox.offered(request)
    chosen = next((one for one in sources if one.code == request.GET.get("from")), None)
    mine = request.GET.get("mine") == "1"
    user: Any = request.user
    page: Page[inbox.Entry]
    if chosen is None:
        page = Page(inbox.first_of_all(user, sources, today), 1, None, None, None)
    else:
        rows = chosen.mine(user) if mine else chosen.rows(user)
        found = pages.page_of(request, lambda start, stop: list(rows[start:stop]), size=SIZE)
        page = Page(
            inbox.entries(chosen, found.items, today),
            found.number,
            found.total,
            found.previous,
            found.next,
            found.pages,
        )
    shown = page.items
    reading.note_list(request, "受理队列", [one.household_id for one in shown], [one.person_id for one in shown])
    context = {
        "page": page,
        "tabs": [{"label": "全部", "href": "?", "current": chosen is None, "n": ""}]
        + [
            {
                "label": source.label,
                "href": f"?from={source.code}",
                "current": source is chosen,
                "n": inbox.bounded(source.rows(user)),
            }
            for source in sources
        ],
        "labels": {source.code: source.label for source in sources},
        "chosen": chosen,
        "mine": mine,
        "may_register": navigation.DOOR & set(navigation.held_duties(request)),
        "scope_note": " / ".join(places.names(user.office.place_code)),
    }
    return render(request, "counter/inbox.html", context)


def mine(request: HttpRequest) -> HttpResponse:
    """All the reader answers for, with where each case and referral stands."""
    today = clock.today()
    user: Any = request.user
    state = Need.State.CLOSED if request.GET.get("show") == "closed" else Need.State.OPEN
    rows = need_queries.my_needs(user, state=state)
    found = pages.page_of(request, lambda start, stop: list(rows[start:stop]), size=SIZE)
    reading.note_list(
        request, "我的需求", [one.household_id for one in found.items], [one.household.head_id for one in found.items]
    )
    page = Page([_line(need, user, today) for need in found.items], found.number, None, found.previous, found.next)
    choices = [
        {"label": "办理中", "href": "?", "current": state == Need.State.OPEN},
        {"label": "已办结", "href": "?show=closed", "current": state == Need.State.CLOSED},
    ]
    return render(request, "counter/my_needs.html", {"page": page, "choices": choices})


def _line(need: Need, user: Any, today: Any) -> dict[str, Any]:
    return {
        "href": reverse("web:need", args=[need.pk]),
        "no": need.no,
        "name": need.household.head.name,
        "place": places.path(need.region),
        "opened": need.opened_at,
        "role": "首问责任人" if need.officer_a_id == user.pk else f"AB 岗（首问 {need.officer_a.name}）",
        "stands": stands(need, today),
        "outcome": need.outcome,
    }


def stands(need: Need, today: Any) -> list[dict[str, Any]]:
    """Where each case and referral of a need stands; both must be read already."""
    found = []
    for link in need.cases.all():
        case = link.application.case
        found.append(
            {
                "href": reverse("web:case", args=[case.pk]),
                "label": work.programme_label(case.programme),
                "no": case.no,
                "look": work.case_look(case),
                "due": work.due_look(case.due_on, case.due_pending, today) if case.is_running else Look("已决定"),
            }
        )
    for row in need.referrals.all():
        found.append(
            {
                "href": "",
                "label": row.label,
                "no": f"转 {row.department}",
                "look": Look(row.get_outcome_display(), {"granted": "ok", "refused": "bad"}.get(row.outcome, "info")),
                "due": work.due_look(row.due_on, row.due_pending, today) if not row.outcome else Look("已答复"),
            }
        )
    return found


def start(request: HttpRequest, pk: int) -> HttpResponse:
    """A family's visit; a POST opens the need and goes on to its assessment."""
    household = access_household(request.user, pk)  # type: ignore[arg-type]
    today = clock.today()
    ticket = _ticket(request)
    form = NeedForm(
        request.POST or None,
        members=members_on(household, today),
        kinds=needs_of(household.region, today),
        others=need_queries.second_officers(request.user, household.region),  # type: ignore[arg-type]
        initial={
            "speaker": str(household.head_id),
            "channel": Application.Channel.PHONE if ticket else Application.Channel.WINDOW,
            "text": ticket.text if ticket else "",
        },
    )
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            need = need_actions.open_need(
                acting_user=request.user,  # type: ignore[arg-type]
                household=household,
                channel=given["channel"],
                speaker=form.people[given["speaker"]],
                place=given["place"],
                kinds=given["kinds"],
                text=given["text"],
                officer_b=form.others.get(given["officer_b"]),
            )
            if ticket is not None:
                from tuodi.intake.ticket_actions import link_ticket

                link_ticket(ticket, acting_user=request.user, need=need)  # type: ignore[arg-type]
        except TuodiError as error:
            form.add_error(None, str(error))
        else:
            posting.succeed(request, f"已登记 {need.no}。您是首问责任人，负责到底。")
            return posting.back(reverse("web:need", args=[need.pk]))
    reading.note_reading(request, "需求登记", [household.pk], [household.head_id], region=household.region)
    context = {
        "form": form,
        "household": household,
        "place": places.path(household.region),
        "ticket": ticket,
        "open": list(need_queries.open_needs().filter(household=household)[:3]),
    }
    return render(request, "counter/need_start.html", context)


def _ticket(request: HttpRequest) -> Ticket | None:
    """The call a need follows from, where the address names one."""
    text = request.GET.get("ticket", "")
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        return None
    if DutyCode.ACCEPT not in navigation.held_duties(request):
        return None
    return need_queries.access_ticket(request.user, int(text))  # type: ignore[arg-type]
