"""The list of cases: by due day, narrowed and sorted in the address, paged, exported, and worked on many at once."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse

from tuodi.cases import worklist
from tuodi.cases.models import Step
from tuodi.cases.worklist import BY_STEP, DUES, KINDS, SORTS, Wanted
from tuodi.kernel import clock
from tuodi.org.models import DutyCode, User
from tuodi.org.places import tree
from tuodi.people.enums import Programme
from tuodi.web.components import navigation, pages, places, reading
from tuodi.web.components.pages import Page
from tuodi.web.counter import case_batch, work
from tuodi.web.county import sheets

SIZE = 30
TABS = (("mine", "等我办理"), ("open", "辖区在办"), ("decided", "已决定"), ("all", "全部"))
NAMES = ("tab", "programme", "place", "step", "officer", "due", "sort")
#: Officers offered in the filter.
OFFICERS = 200
COLUMNS = (("业务号", 24), ("申请人", 12), ("项目", 18), ("环节", 16), ("住地", 30), ("受理日期", 12), ("期限", 16))


#: Who has a queue of his own: every duty of casework but acceptance, whose step is done when the case is there.
QUEUED = frozenset({DutyCode.REVIEW, DutyCode.VISIT, DutyCode.CONFIRM, DutyCode.FILE})


def read(source: Any, duties: Iterable[str] = ()) -> Wanted:
    """What an address asks for; anything that is not offered is left out. Without a tab: the reader's own queue, if he has one."""
    given = {name: str(source.get(name, "")).replace("\x00", "").strip()[:20] for name in NAMES}
    if given["tab"] not in dict(TABS):
        given["tab"] = "mine" if QUEUED & set(duties) else "open"
    officer = given["officer"]
    place = given["place"]
    return Wanted(
        tab=given["tab"],
        programme=given["programme"] if given["programme"] in Programme.values else "",
        place=place if place.isascii() and place.isalnum() and 2 <= len(place) <= 12 else "",
        step=given["step"] if given["step"] in KINDS else "",
        officer=int(officer) if officer.isascii() and officer.isdigit() and len(officer) < 12 else None,
        due=given["due"] if given["due"] in DUES and given["tab"] in BY_STEP else "",
        sort=given["sort"] if given["sort"] in SORTS else "due",
    )


def show(request: HttpRequest) -> HttpResponse:
    """The list. A fixed number of queries, whatever it holds."""
    today = clock.today()
    user: Any = request.user
    wanted = read(request.GET, navigation.held_duties(request))
    duties = navigation.held_rows(request)
    rows = worklist.select(wanted, user=user, today=today, duties=duties)
    found = pages.page_of(request, lambda start, stop: list(rows[start:stop]), size=SIZE)
    items = [_item(row, today) for row in found.items]
    shown = [row.case if isinstance(row, Step) else row for row in found.items]
    reading.note_list(request, "办件列表", [one.household_id for one in shown], [one.applicant_id for one in shown])
    plain = Wanted(tab=wanted.tab if wanted.tab in BY_STEP else "mine")
    counts = worklist.counts(plain.tab, user=user, today=today, duties=duties)
    context = {
        "page": Page(items, found.number, None, found.previous, found.next),
        "wanted": wanted,
        "tabs": [
            {"label": label, "href": f"?tab={code}", "current": code == wanted.tab} for code, label in TABS
        ],
        "figures": [
            {
                "label": label, "n": _many(counts[due]), "css": css if counts[due] else "",
                "href": "?" + urlencode({"tab": plain.tab, "due": due}), "current": wanted.due == due,
            }
            for due, label, css in (
                ("", "等我办理" if plain.tab == "mine" else "辖区在办", ""),
                ("late", "已超期", "is-bad"),
                ("soon", "三天内到期", "is-warn"),
                ("pending", "期限待定", ""),
            )
        ],
        "filters": _filters(wanted, user),
        "sorts": list(SORTS.items()),
        "filtered": any((wanted.programme, wanted.place, wanted.step, wanted.officer, wanted.due)),
        "batch": case_batch.offers(request, wanted) if wanted.tab == "mine" else None,
        "keep": _query(wanted),
        "export_href": f"{reverse('web:cases-export')}?{_query(wanted)}",
        "scope_note": " / ".join(places.names(user.office.place_code)),
    }  # fmt: skip
    return render(request, "counter/cases.html", context)


def export(request: HttpRequest) -> HttpResponseBase:
    """The list as narrowed, as a sheet: watermarked, logged, at most as many rows as one sheet may hold."""
    today = clock.today()
    user: Any = request.user
    wanted = read(request.GET, navigation.held_duties(request))
    rows = worklist.select(wanted, user=user, today=today)[: sheets.MOST_ROWS]
    items = [_item(row, today) for row in rows]
    return sheets.sheet(
        request,
        name=f"办件-{today:%Y%m%d}",
        title=f"办件（{dict(TABS)[wanted.tab]}）",
        columns=COLUMNS,
        rows=((one.no, one.name, one.programme, one.step, one.place, one.accepted, one.due.word) for one in items),
        action="web.export_cases",
        subject="cases",
        subject_id=wanted.tab,
        what={"filter": _query(wanted)},
        note="",
    )


def _item(row: Any, today: date) -> work.Item:
    return work.item_of_step(row, today) if isinstance(row, Step) else work.item_of_case(row, today)


def _many(number: int) -> str:
    return "999+" if number >= worklist.MOST else f"{number:,}"


def _query(wanted: Wanted) -> str:
    values = {
        "tab": wanted.tab, "programme": wanted.programme, "place": wanted.place, "step": wanted.step,
        "officer": wanted.officer or "", "due": wanted.due, "sort": wanted.sort if wanted.sort != "due" else "",
    }  # fmt: skip
    return urlencode({name: value for name, value in values.items() if value})


def _filters(wanted: Wanted, user: User) -> list[dict[str, Any]]:
    fields: list[tuple[str, str, list[tuple[str, str]], str]] = [
        ("programme", "项目", list(Programme.choices), wanted.programme),
        ("place", "地区", _places(user), wanted.place),
        ("step", "环节", list(KINDS.items()), wanted.step),
        ("officer", "经办人", _officers(user), str(wanted.officer or "")),
    ]
    if wanted.tab in BY_STEP:
        fields.append(("due", "期限", list(DUES.items()), wanted.due))
    return [
        {"name": name, "label": label, "options": options, "value": value} for name, label, options, value in fields
    ]


def _places(user: User) -> list[tuple[str, str]]:
    """The places right below the reader's own."""
    own = user.office.place_code
    if own == "cn" or len(own) >= 12:
        return []
    return [(code, places.name(code)) for code in tree().children(own, clock.today())]


def _officers(user: User) -> list[tuple[str, str]]:
    """Colleagues whose work the reader sees: active staff of his place and below with a duty of casework."""
    own, today = user.office.place_code, clock.today()
    low = "" if own == "cn" else own
    held = (
        User.objects.filter(
            is_active=True,
            office__place_code__startswith=low,
            duties__code__in=[DutyCode.ACCEPT, DutyCode.REVIEW, DutyCode.VISIT, DutyCode.CONFIRM, DutyCode.FILE],
            duties__since__lte=today,
        )
        .filter(Q(duties__until__isnull=True) | Q(duties__until__gt=today))
        .distinct()
        .order_by("office__place_code", "name", "id")
        .values_list("office__place_code", "name", "id", "office__name")[:OFFICERS]
    )
    return [(str(pk), f"{name}（{office}）") for _, name, pk, office in held]
