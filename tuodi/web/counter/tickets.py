"""Hotline tickets: the queue, a call taken, one ticket to its call back, and who sits at which line."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.cases.queries import access_case
from tuodi.intake import need_queries, ticket_actions
from tuodi.intake.counter_book import lines_of
from tuodi.intake.models import Need, Ticket
from tuodi.kernel import clock
from tuodi.kernel.errors import TuodiError
from tuodi.kernel.places import pad12, trim
from tuodi.org.models import User
from tuodi.org.places import tree
from tuodi.people.queries import search_people
from tuodi.web.components import pages, places, posting
from tuodi.web.components.pages import Page
from tuodi.web.components.words import Look
from tuodi.web.counter import families, inbox

SIZE = 30
WEEK = 7
HITS = 8
STATES = (("waiting", "未办结"), ("open", "待派"), ("assigned", "已派"), ("closed", "已办结"))


class CallForm(forms.Form):
    """A call as it is taken."""

    line = forms.ChoiceField(label="热线")
    caller_name = forms.CharField(label="来电人", required=False, max_length=60, help_text="不愿说的不填")
    caller_phone = forms.CharField(
        label="来电号码", required=False, max_length=20, widget=forms.TextInput(attrs={"inputmode": "tel"}),
        help_text="加密保存，只有承办人回访时可以看",
    )  # fmt: skip
    area = forms.ChoiceField(label="地区", help_text="来电所说的乡镇、街道或村（社区）")
    topic = forms.ChoiceField(label="事由", choices=[("", "请选择"), *Ticket.Topic.choices])
    urgent = forms.BooleanField(label="紧急：生活马上过不下去，或有生命危险", required=False)
    text = forms.CharField(label="内容", max_length=2000, widget=forms.Textarea(attrs={"rows": 4}))

    def __init__(self, *args: Any, lines: list[tuple[str, str]], areas: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["line"].choices = lines
        self.fields["area"].choices = areas


class BackForm(forms.Form):
    """The call back."""

    result = forms.CharField(label="回访结果", max_length=1000, widget=forms.Textarea(attrs={"rows": 3}))


class LinkForm(forms.Form):
    """The need or the case a ticket is about."""

    no = forms.CharField(label="受理编号或案件号", max_length=40)


def listing(request: HttpRequest) -> HttpResponse:
    """Tickets by state; urgent ones first, then the oldest."""
    today = clock.today()
    user: Any = request.user
    chosen = request.GET.get("show", "waiting")
    if chosen not in dict(STATES):
        chosen = "waiting"
    rows = (
        Ticket.objects.select_related("officer_a", "assigned_to").order_by("-urgent", "id")
        if chosen != "closed"
        else Ticket.objects.select_related("officer_a", "assigned_to").order_by("-id")
    )
    rows = rows.exclude(state=Ticket.State.CLOSED) if chosen == "waiting" else rows.filter(state=chosen)
    lines = lines_of(pad12(user.office.place_code), today)
    line = request.GET.get("line", "")
    if line in {one.code for one in lines}:
        rows = rows.filter(line=line)
    found = pages.page_of(request, lambda start, stop: list(rows[start:stop]), size=SIZE)
    source = next(one for one in inbox.SOURCES if one.code == "ticket")
    context = {
        "page": Page(inbox.entries(source, found.items, today), found.number, None, found.previous, found.next),
        "choices": [{"label": label, "href": f"?show={code}", "current": code == chosen} for code, label in STATES],
        "lines": [
            {"label": f"{one.label} {one.code}", "href": f"?show={chosen}&line={one.code}", "current": one.code == line}
            for one in lines
        ]
        if len(lines) > 1
        else [],
        "on_duty": list(need_queries.turns_on(pad12(user.office.place_code), today, today)),
    }
    return render(request, "counter/tickets.html", context)


def take(request: HttpRequest) -> HttpResponse:
    """A call is taken; whoever writes it down is its first-contact officer."""
    user: Any = request.user
    region = pad12(user.office.place_code)
    lines = [(one.code, f"{one.label} {one.code}") for one in lines_of(region, clock.today())]
    form = CallForm(request.POST or None, lines=lines, areas=_areas(user))
    if request.method == "POST" and form.is_valid():
        try:
            ticket = ticket_actions.take_ticket(acting_user=user, **form.cleaned_data)
        except TuodiError as error:
            form.add_error(None, str(error))
        else:
            posting.succeed(request, f"已登记 {ticket.no}。您是首问责任人。")
            return posting.back(reverse("web:ticket", args=[ticket.pk]))
    return render(request, "counter/ticket_take.html", {"form": form})


def _areas(user: User) -> list[tuple[str, str]]:
    """The reader's own place and the places below it, down to its villages where it is a town."""
    own = user.office.place_code
    below = [] if own == "cn" or len(own) < 4 else tree().children(own, clock.today())
    return [(own, places.name(own)), *((code, places.name(code)) for code in below)]


def show(request: HttpRequest, pk: int) -> HttpResponse:
    """One ticket; a POST assigns it, links it, shows the number or notes the call back."""
    user: Any = request.user
    ticket = need_queries.access_ticket(user, pk)
    others = [user, *need_queries.second_officers(user, ticket.region)]
    back = BackForm(request.POST if request.POST.get("do") == "back" else None)
    phone, query = "", posting.text(request, "q", 60) if request.POST.get("do") == "find" else ""
    if request.method == "POST" and not query:
        phone, done = _do(request, ticket, others, back)
        if done:
            return posting.back(reverse("web:ticket", args=[ticket.pk]))
        ticket = need_queries.access_ticket(user, pk)
    hands = user.pk in (ticket.officer_a_id, ticket.assigned_to_id)
    context = {
        "ticket": ticket,
        "place": places.path(ticket.region),
        "look": Look(
            ticket.get_state_display(),
            {"open": "warn", "assigned": "info", "closed": "ok"}[ticket.state],
            "check" if ticket.state == Ticket.State.CLOSED else "",
        ),
        "others": [(one.pk, f"{one.name}（{one.office.name}）") for one in others],
        "back": back,
        "query": query,
        "hits": families.hits_of(request, list(search_people(query)[:HITS])) if query else None,
        "link": LinkForm(),
        "phone": phone,
        "open": ticket.state != Ticket.State.CLOSED,
        "hands": hands,
        "may_call": hands and ticket.state == Ticket.State.ASSIGNED,
    }
    return render(request, "counter/ticket.html", context)


def _do(request: HttpRequest, ticket: Ticket, others: list[User], back: BackForm) -> tuple[str, bool]:
    """The phone number if it was asked for, and whether the page is to be loaded anew."""
    user: Any = request.user
    verb = posting.text(request, "do", 10)
    if verb == "assign":
        to_user = next((one for one in others if str(one.pk) == posting.text(request, "to_user", 20)), None)
        if to_user is None:
            posting.refuse(request, "没有选择承办人。")
        else:
            posting.attempt(
                request,
                lambda: ticket_actions.assign_ticket(ticket, acting_user=user, to_user=to_user),
                f"已派给 {to_user.name}。",
            )
        return "", True
    if verb == "phone":
        ok, number = posting.attempt(
            request, lambda: ticket_actions.reveal_phone(ticket, acting_user=user), "已显示来电号码，本次查看已记录。"
        )
        return (number or "没有留号码") if ok else "", False
    if verb == "link":
        posting.attempt(request, lambda: _link(request, ticket), "已关联。")
        return "", True
    if verb == "back" and back.is_valid():
        ok, _ = posting.attempt(
            request,
            lambda: ticket_actions.call_back(ticket, acting_user=user, result=back.cleaned_data["result"]),
            "已回访，工单办结。",
        )
        return "", ok
    return "", False


def _link(request: HttpRequest, ticket: Ticket) -> Ticket:
    user: Any = request.user
    no = posting.text(request, "no", 40).upper()
    need = Need.objects.filter(no=no).first()
    if need is not None:
        return ticket_actions.link_ticket(ticket, acting_user=user, need=need)
    return ticket_actions.link_ticket(ticket, acting_user=user, case=access_case(user, no=no))


def roster(request: HttpRequest) -> HttpResponse:
    """Who sits at which line in the week from a day on; a POST adds or takes off."""
    user: Any = request.user
    region = pad12(user.office.place_code)
    first = _day(request.GET.get("from", "")) or clock.today()
    days = [first + timedelta(days=n) for n in range(WEEK)]
    lines = lines_of(region, clock.today())
    staff = [user, *need_queries.second_officers(user, region)]
    if request.method == "POST":
        _turn(request, region, staff)
        return posting.back(f"{request.path}?from={first}")
    turns = list(need_queries.turns_on(region, days[0], days[-1]))
    context = {
        "days": [
            {
                "day": day,
                "past": day < clock.today(),
                "lines": [
                    {
                        "code": line.code,
                        "label": line.label,
                        "turns": [one for one in turns if one.day == day and one.line == line.code],
                    }
                    for line in lines
                ],
            }
            for day in days
        ],
        "lines": lines,
        "staff": [(one.pk, f"{one.name}（{one.office.name}）") for one in staff],
        "place": places.path(trim(region)),
        "before": first - timedelta(days=WEEK),
        "after": first + timedelta(days=WEEK),
    }
    return render(request, "counter/duty_roster.html", context)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        return None


def _turn(request: HttpRequest, region: str, staff: list[User]) -> None:
    day = _day(posting.text(request, "day", 10))
    who = next((one for one in staff if str(one.pk) == posting.text(request, "user", 20)), None)
    if day is None or who is None:
        posting.refuse(request, "没有选择日期或值班人。")
        return
    on = posting.text(request, "do", 10) != "off"
    posting.attempt(
        request,
        lambda: ticket_actions.set_turn(
            acting_user=request.user,  # type: ignore[arg-type]
            place=trim(region),
            line=posting.text(request, "line", 16),
            day=day,
            user=who,
            on=on,
        ),
        f"{day} {who.name} {'值班' if on else '不值班'}。",
    )
