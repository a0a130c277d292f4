"""Weighing a change of a rule: how many answered clues it would have spared, how many it would have missed."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.kernel.errors import TuodiError
from tuodi.kernel.places import trim
from tuodi.monitoring import clue_figures, sweep_reports
from tuodi.monitoring.ledger import Wanted
from tuodi.monitoring.tuning import Tuned, tuning
from tuodi.org import access
from tuodi.web.components import clue_words, pages, places, posting
from tuodi.web.county.sweep_page import percent

#: The longest change the page takes, in characters; a whole region's pack is a few thousand.
LONGEST = 20_000


def show(request: HttpRequest) -> HttpResponse:
    """Rules with their precision in a place or a sweep; for the chosen one, what leaving out stale rows or a change
    would have come to. Nothing is stored: a rule is changed by publishing a pack."""
    user: Any = request.user
    place, run = _where(request)
    rules = clue_figures.report(user, "rule", Wanted(place=place, run=run))
    known = {row.key: row for row in rules}
    rule = pages.text_of(request, "rule", 40)
    row = known.get(rule)
    change = posting.text(request, "change", LONGEST) if request.method == "POST" else ""
    drop_stale = request.method == "GET" or bool(posting.text(request, "drop_stale", 1))
    found = problem = None
    if row is not None:
        try:
            found = tuning(user, rule, change=change, drop_stale=drop_stale, wanted=Wanted(place=place, run=run))
        except TuodiError as error:
            problem = str(error)
    wanted = {"place": place, "run": run or ""}
    context = {
        "where": sweep_reports.access_sweep(user, run).no if run else places.name(place),
        "run": run,
        "rule": row,
        "change": change,
        "drop_stale": drop_stale,
        "problem": problem,
        "found": _figures(found) if found else None,
        "reasons": [
            {"label": one.label, "n": one.count, "percent": percent(100 * one.share), "width": 100 * one.share}
            for one in (clue_figures.reasons(user, Wanted(place=place, run=run, rule=rule)) if row else ())
        ],
        "rules": [
            {
                "row": one,
                "percent": percent(None if one.rate is None else 100 * one.rate),
                "href": f"{reverse('web:clue-tuning')}?{urlencode({**wanted, 'rule': one.key})}",
                "current": one.key == rule,
            }
            for one in sorted(rules, key=lambda one: (1.0 if one.rate is None else one.rate, -one.found))
        ],
        "clues_href": f"{reverse('web:clues')}?{urlencode({'tab': 'all', **wanted, 'rule': rule})}",
        "word": clue_words.rule_label({"label": row.label}, rule) if row else "",
    }
    return render(request, "county/tuning.html", context)


def _where(request: HttpRequest) -> tuple[str, int | None]:
    """Place and sweep of the address; the reader's own place where it names none of his."""
    user: Any = request.user
    own = trim(user.office.place_code)
    number = pages.text_of(request, "run", 12)
    run = int(number) if number.isascii() and number.isdigit() else None
    if run is not None:
        sweep_reports.access_sweep(user, run)
    asked = pages.text_of(request, "place", 12)
    if not (asked.isascii() and asked.isalnum() and len(asked) in (2, 4, 6, 9, 12)):
        return own, run
    return (asked if access.range_of(own).covers(access.range_of(asked)) else own), run


def _figures(one: Tuned) -> dict[str, Any]:
    """Before and after, with the sums written out."""
    left = one.judged - one.spared - one.missed - one.unknown
    return {
        "one": one,
        "before": percent(None if one.rate is None else 100 * one.rate),
        "after": percent(None if one.rate_after is None else 100 * one.rate_after),
        "left": left,
        "unjudged": one.answered - one.judged,
        "balance": f"仍派 {left:,} ＋ 少查否 {one.spared:,} ＋ 漏查实 {one.missed:,} ＋ 不能判断 {one.unknown:,} ＝ 重算 {one.judged:,}",
    }
