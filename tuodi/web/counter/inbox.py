"""One queue for all that comes in at the door: calls, needs, referrals without an answer, and what other ways bring.

A `Source` is one way in. Whoever adds one (village discoveries, online applications) writes its rows and its line and puts
it into `SOURCES`; the page and the figures need no change. Rows come from the source's own query, in the reader's scope.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.timezone import localtime

from tuodi.intake import need_queries, online_queries
from tuodi.intake.discovery_queries import discoveries
from tuodi.intake.models import Discovery, Need, OnlineApplication, Referral, Ticket
from tuodi.intake.online_states import OnlineState
from tuodi.org.models import DutyCode, User
from tuodi.web.components import navigation, places
from tuodi.web.components.words import Look
from tuodi.web.counter import work

__all__ = ["SOURCES", "Entry", "Source", "bounded", "entries", "offered"]

#: Counting stops here; the page then says 999+.
MOST = 1000
#: Lines of each source on the page that shows all of them.
EACH = 15
_FAR = date(9999, 12, 31)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the queue.

    Attributes:
        what: What it is about, in a few words. officer: Who answers for it; empty = nobody yet.
        due_on: Day it is due, for the order; null = none.
        households, people: Ids whose data the line shows, for the record of reading.
    """

    source: str
    no: str
    name: str
    what: str
    place: str
    since: date
    due: Look
    look: Look
    officer: str
    href: str
    urgent: bool = False
    due_on: date | None = None
    household_id: int | None = None
    person_id: int | None = None


@dataclass(frozen=True)
class Source:
    """One way in.

    Attributes:
        rows: The waiting rows the reader may see, in the order they are to be done.
        line: One row as the queue shows it.
        mine: Those of the rows that the reader answers for.
        duties: Any of them shows the source.
    """

    code: str
    label: str
    icon: str
    rows: Callable[[User], QuerySet[Any]]
    line: Callable[[Any, date], Entry]
    mine: Callable[[User], QuerySet[Any]]
    duties: frozenset[str] = frozenset({DutyCode.ACCEPT})


def _ticket(row: Ticket, today: date) -> Entry:
    return Entry(
        source="ticket",
        no=row.no,
        name=row.caller_name or "匿名来电",
        what=f"{row.line} · {row.get_topic_display()}：{row.text[:40]}",
        place=places.path(row.region),
        since=localtime(row.called_at).date(),
        due=Look("紧急", "bad", "alert-triangle") if row.urgent else Look("无期限"),
        look=Look(row.get_state_display(), "warn" if row.state == Ticket.State.OPEN else "info"),
        officer=row.assigned_to.name if row.assigned_to else "",
        href=reverse("web:ticket", args=[row.pk]),
        urgent=row.urgent,
    )


def _need(row: Need, today: date) -> Entry:
    return Entry(
        source="need",
        no=row.no,
        name=row.household.head.name,
        what=row.text[:40] or "需求登记",
        place=places.path(row.region),
        since=localtime(row.opened_at).date(),
        due=Look("无期限"),
        look=Look("办理中", "info") if row.assessed_at else Look("待评估", "warn"),
        officer=row.officer_a.name,
        href=reverse("web:need", args=[row.pk]),
        household_id=row.household_id,
        person_id=row.household.head_id,
    )


def _referral(row: Referral, today: date) -> Entry:
    return Entry(
        source="referral",
        no=row.need.no,
        name=row.need.household.head.name,
        what=f"{row.label} → {row.department}",
        place=places.path(row.region),
        since=row.sent_on,
        due=work.due_look(row.due_on, row.due_pending, today),
        look=Look("待答复", "info"),
        officer=row.need.officer_a.name,
        href=reverse("web:need", args=[row.need_id]),
        due_on=row.due_on,
        household_id=row.need.household_id,
        person_id=row.need.household.head_id,
    )


def _online(row: OnlineApplication, today: date) -> Entry:
    label = row.get_programme_display() if row.programme else "说不准办哪一项"
    asked = row.state == OnlineState.ASKED
    return Entry(
        source="online",
        no=row.no or "",
        name=row.applicant_name,
        what=f"{label}，{row.members} 人" + (f"，{row.agent_name} 代办" if row.agent_name else ""),
        place=places.path(row.region),
        since=localtime(row.sent_at).date() if row.sent_at else today,
        due=work.due_look(row.asked_until, False, today) if asked else Look("无期限"),
        look=Look(row.get_state_display(), "info" if asked else "warn"),
        officer="",
        href=reverse("web:online-one", args=[row.pk]),
        due_on=row.asked_until if asked else None,
    )


def _discovery(row: Discovery, today: date) -> Entry:
    try:
        href = reverse("web:discovery", args=[row.no])
    except NoReverseMatch:  # a site without the pages of patrols
        href = reverse("web:family", args=[row.household_id]) if row.household_id else reverse("web:families")
    return Entry(
        source="discovery",
        no=row.no,
        name=row.name,
        what=f"{row.get_event_type_display()}：{row.story[:40]}",
        place=places.path(row.region),
        since=localtime(row.reported_at).date(),
        due=Look("急难", "bad", "alert-triangle") if row.urgent else Look("无期限"),
        look=Look(row.get_state_display(), "warn"),
        officer=f"{row.reported_by.name} 上报",
        href=href,
        urgent=row.urgent,
        household_id=row.household_id,
        person_id=row.person_id,
    )


SOURCES: tuple[Source, ...] = (
    Source(
        "ticket",
        "热线来电",
        "speakerphone",
        lambda user: need_queries.open_tickets(),
        _ticket,
        lambda user: need_queries.my_tickets(user),
    ),
    Source(
        "need",
        "需求登记",
        "users",
        lambda user: need_queries.open_needs(),
        _need,
        lambda user: need_queries.open_needs().filter(officer_a=user),
    ),
    Source(
        "referral",
        "转办待答复",
        "arrow-right",
        lambda user: need_queries.waiting_referrals(),
        _referral,
        lambda user: need_queries.waiting_referrals().filter(need__officer_a=user),
    ),
    Source(
        "discovery",
        "村里发现",
        "map-pin",
        lambda user: discoveries("open"),
        _discovery,
        lambda user: discoveries("open").filter(reported_by=user),
    ),
    Source(
        "online",
        "网上申请",
        "send",
        lambda user: online_queries.waiting(user),
        _online,
        lambda user: online_queries.waiting(user),
    ),
)


def offered(request: HttpRequest) -> list[Source]:
    """The sources the reader's duties open."""
    held = set(navigation.held_duties(request))
    return [source for source in SOURCES if source.duties & held]


def bounded(rows: QuerySet[Any]) -> str:
    """How many rows, counted no further than `MOST`: 12, 999+."""
    found = rows.order_by()[:MOST].count()
    return "999+" if found >= MOST else f"{found:,}"


def entries(source: Source, rows: Sequence[Any], today: date) -> list[Entry]:
    """Rows of a source as lines."""
    return [source.line(row, today) for row in rows]


def first_of_all(user: User, sources: Sequence[Source], today: date) -> list[Entry]:
    """The first lines of every source together: urgent ones, then by due day, then the oldest."""
    found = [entry for source in sources for entry in entries(source, list(source.rows(user)[:EACH]), today)]
    return sorted(found, key=lambda one: (not one.urgent, one.due_on or _FAR, one.since))
