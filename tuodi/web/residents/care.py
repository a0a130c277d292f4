"""What a caregiver reads of himself: whom he looks after by which agreement, and what was paid to his own card (M21)."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from tuodi.decisions.care_kept import Kept, kept_by, stands
from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.org import access
from tuodi.payments.care_slips import bank_words, care_lines
from tuodi.payments.models import PayLine
from tuodi.web.components import pages
from tuodi.web.residents.payments import SIZE, Slip, slips


@dataclass(frozen=True)
class Paid:
    """One month's money for one household. `for_whom`: the people of the agreements it rests on. `bank`: why it came back."""

    slip: Slip
    for_whom: str
    agreements: list[str]
    bank: str


@dataclass(frozen=True)
class Agreement:
    """One agreement with its look: 在期, 未开始, 已到期, 已解除."""

    kept: Kept
    word: str
    css: str


def show(request: HttpRequest) -> HttpResponse:
    """The page: agreements, then a year of months at a time, the newest first."""
    subject = request.subject  # type: ignore[attr-defined]
    kept = kept_by(subject)
    with access.wherever(subject):
        rows = care_lines()
        found = pages.page_of(request, lambda start, stop: list(rows[start:stop]), size=SIZE)
        told = slips(found.items, to_me=True)
    lines = {one.pk: one for one in found.items}
    words = bank_words(found.items)
    page = pages.Page(
        [_paid(one, lines[one.pk], kept, words) for one in told], found.number, None, found.previous, found.next
    )
    return render(request, "residents/care.html", {"page": page, "kept": [_agreement(one) for one in kept]})


def _agreement(kept: Kept) -> Agreement:
    row, today = kept.agreement, clock.today()
    if row.ended_on is not None and row.ended_on <= today:
        return Agreement(kept, f"{row.ended_on:%Y-%m-%d} 起已解除", "warn")
    if today < row.since:
        return Agreement(kept, "还没有开始", "info")
    return Agreement(kept, "在期", "ok") if today <= row.until else Agreement(kept, "已到期", "warn")


def _paid(slip: Slip, line: PayLine, kept: list[Kept], words: dict[int, str]) -> Paid:
    month = Month.parse(str(line.month))
    mine = [one for one in kept if one.agreement.household_id == line.household_id and stands(one.agreement, month)]
    return Paid(
        slip,
        "、".join(dict.fromkeys(one.ward for one in mine)),
        [one.agreement.no for one in mine],
        words.get(line.pk, ""),
    )
