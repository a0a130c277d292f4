"""The lines behind a figure or an entry, and one line: its way to the card, its components with their clauses, where it counts."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.timezone import localtime

from tuodi.funds import queries as funds
from tuodi.funds.models import LedgerEntry
from tuodi.kernel.masking import mask_name
from tuodi.kernel.periods import Month
from tuodi.kernel.places import parents, trim
from tuodi.payments import chain as line_chain
from tuodi.payments.clauses import parts_of
from tuodi.payments.models import Arrear, PayLine
from tuodi.payments.states import Cause, Held, LineStatus
from tuodi.people.models import Household
from tuodi.web.chain.common import FEW, LINE_LABELS, Asked, asked, crumbs, names, programme_label
from tuodi.web.components import pages, places, reading
from tuodi.web.components.pages import Page
from tuodi.web.county.run_page import LINE_LOOKS


def listing(request: HttpRequest) -> HttpResponse:
    """Lines of a stage in a place and period, or those one entry was booked for (`entry` in the address)."""
    found = asked(request)
    open_names = names(request)
    number = pages.text_of(request, "entry", 18)
    if number.isascii() and number.isdigit():
        return _of_entry(request, found, int(number), open_names)
    stage = pages.text_of(request, "stage", 12)
    stage = stage if stage in LINE_LABELS else "granted"
    whole = line_chain.by_place(found.wanted, len(found.place)).get(found.place, {})
    context: dict[str, Any] = {
        "asked": found,
        "heading": places.name(found.place),
        "crumbs": crumbs(request, found),
        "title": LINE_LABELS[stage],
        "stages": [
            {"label": label, "href": found.href("web:chain-lines", stage=code), "current": code == stage}
            for code, label in LINE_LABELS.items()
        ],
        "cell": whole.get(stage, line_chain.Cell()),
        "about": programme_label(found.programme) if found.programme else "",
        "period": found.period,
    }  # fmt: skip
    if not open_names and 0 < context["cell"].families < FEW:
        return render(request, "chain/lines.html", context | {"hidden": FEW, "page": Page([], 1, None, None, None)})
    if stage == "granted":
        rows = line_chain.granted(found.wanted)
        shown = pages.page_of(request, lambda start, stop: line_chain.part_of(rows, start, stop))
        items = [_line(one, open_names) for one in shown.items]
        lines = shown.items
    elif stage == "petty":
        spent = line_chain.cash(found.wanted)
        shown = pages.page_of(request, lambda start, stop: line_chain.part_of(spent, start, stop))
        items = [_spend(one, open_names) for one in shown.items]
        reading.note_list(
            request,
            "全过程监督",
            [one.household_id for one in shown.items],
            [one.household.head_id for one in shown.items],
        )
        lines = []
    else:
        told = line_chain.events(found.wanted, stage)
        shown = pages.page_of(request, lambda start, stop: line_chain.part_of(told, start, stop))
        items = [_line(one.line, open_names) | {"at": one.at, "note": one.message} for one in shown.items]
        lines = [one.line for one in shown.items]
    if lines:
        reading.note_list(request, "全过程监督", *line_chain.families(lines))
    page = Page(items, shown.number, None, shown.previous, shown.next)
    return render(request, "chain/lines.html", context | {"page": page})


def _of_entry(request: HttpRequest, found: Asked, number: int, open_names: bool) -> HttpResponse:
    entry = funds.entry(request.user, number)  # type: ignore[arg-type]
    rows = line_chain.behind(entry)
    if rows is None:
        rows = PayLine.objects.none()
    cell = line_chain.sum_of(rows)
    hidden = FEW if not open_names and 0 < cell.families < FEW else 0
    shown = pages.page_of(request, lambda start, stop: [] if hidden else line_chain.part_of(rows, start, stop))
    if shown.items:
        reading.note_list(request, "全过程监督", *line_chain.families(shown.items))
    context = {
        "asked": found,
        "heading": places.name(entry.region),
        "crumbs": crumbs(request, found),
        "title": f"凭证 {entry.pk} 的发放明细",
        "entry": entry,
        "cell": cell,
        "hidden": hidden,
        "period": entry.memo,
        "page": Page([_line(one, open_names) for one in shown.items], shown.number, None, shown.previous, shown.next),
    }
    return render(request, "chain/lines.html", context)


def _name(row: PayLine, open_names: bool) -> str:
    name = str(row.person.name if row.person else row.household.head.name)
    return name if open_names else mask_name(name)


def _line(row: PayLine, open_names: bool) -> dict[str, Any]:
    return {
        "href": reverse("web:chain-line", args=[row.pk]),
        "name": _name(row, open_names),
        "place": places.path(row.region if open_names else row.region[:9], 2 if open_names else 1),
        "programme": row.what if open_names else row.get_programme_display(),
        "month": row.month,
        "fen": row.amount_fen,
        "look": LINE_LOOKS[LineStatus(row.status)],
        "at": None,
        "note": "",
    }


def _spend(row: Any, open_names: bool) -> dict[str, Any]:
    head: Household = row.household
    return {
        "href": reverse("web:fund-entry", args=[row.entry_id]) if row.entry_id else "",
        "name": str(head.head.name) if open_names else mask_name(head.head.name),
        "place": places.path(row.region if open_names else row.region[:9], 2 if open_names else 1),
        "programme": "临时救助",
        "month": row.paid_on.year * 100 + row.paid_on.month,
        "fen": row.amount_fen,
        "look": LINE_LOOKS[LineStatus.PAID],
        "at": row.paid_at,
        "note": "备用金当场支付",
    }


def corrections_of(line: PayLine) -> str:
    """Which earlier months a line's back pay is for, and why, in words."""
    if not line.back_pay_fen and not line.offset_fen:
        return ""
    rows = Arrear.objects.filter(
        run=line.run_id, household=line.household_id, programme=line.programme, person=line.person_id
    ).order_by("for_month")
    return "、".join(
        one.note if one.cause == Cause.PRICE_BACK else f"{Month.parse(str(one.for_month))} {Cause(one.cause).label}"
        for one in rows
    )


def show(request: HttpRequest, pk: int) -> HttpResponse:
    """One line: who, how much, of what, its stations with their entries, and the figures it counts in, up to the top."""
    line = line_chain.line(request.user, pk)  # type: ignore[arg-type]
    open_names = names(request)
    reading.note_reading(
        request, "全过程监督", [line.household_id], [line.person_id or line.household.head_id], region=line.region
    )
    steps = line_chain.steps(line)
    month = Month.parse(str(line.month))
    last = next((one for one in reversed(steps) if one.at), None)
    when = localtime(last.at).date() if last and last.at else month.first_day
    context = {
        "line": line,
        "name": _name(line, open_names),
        "names": open_names,
        "place": places.path(line.region if open_names else line.region[:9], 3),
        "what": line.what if open_names else line.get_programme_display(),
        "look": LINE_LOOKS[LineStatus(line.status)],
        "held": Held(line.held).label if line.held else "",
        "month": month,
        "parts": parts_of(line, corrections_of(line)),
        "steps": [
            {"row": one, "href": reverse("web:fund-entry", args=[one.entry]) if one.entry else ""} for one in steps
        ],
        "family_href": f"{reverse('web:family', args=[line.household_id])}?month={month}" if open_names else "",
        "ups": _ups(request, line, steps[0], open_names),
        "crumbs": crumbs(request, Asked(line.region[:6], when.year, 0, line.programme)),
    }
    return render(request, "chain/line.html", context)


def _ups(request: HttpRequest, line: PayLine, granted: line_chain.Step, open_names: bool) -> list[dict[str, str]]:
    """Where the line counts, from its village to the reader's own place."""
    if granted.at is None:
        return []
    user: Any = request.user
    own = trim(user.office.place_code)
    on = localtime(granted.at).date()
    chain = [one for one in parents(line.region) if one.startswith(own) or own == "cn"]
    found = []
    for code in chain:
        if not open_names and len(code) > 6:
            continue
        base = Asked(code, on.year, on.month, line.programme)
        found.append(
            {
                "label": f"{places.name(code)} {base.period}",
                "href": base.href("web:chain"),
            }
        )
    return found


def behind_of(request: HttpRequest, entry: LedgerEntry, total: int) -> dict[str, Any] | None:
    """For the page of an entry: how many lines it was booked for, their sum, and whether that is what was booked."""
    rows = line_chain.behind(entry)
    if rows is None:
        return None
    cell = line_chain.sum_of(rows)
    return {
        "cell": cell,
        "fits": cell.fen == total,
        "hidden": not names(request) and 0 < cell.families < FEW,
        "href": f"{reverse('web:chain-lines')}?entry={entry.pk}",
    }
