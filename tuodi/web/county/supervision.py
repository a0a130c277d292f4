"""The supervisor's view of the clue ledger: overdue work by place and officer, timeliness, precision over time, follow-ups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.kernel.places import parents, trim
from tuodi.monitoring import clue_figures, oversight
from tuodi.monitoring.ledger import Wanted
from tuodi.monitoring.oversight import PlaceWork, RuleMonth
from tuodi.org import access
from tuodi.web.components import clue_words, pages, places, words
from tuodi.web.county import clues
from tuodi.web.county.sweep_page import percent

MONTHS = 12
_LINES = 4
FOLLOW_UPS = 12
OFFICERS = 12
CLIMBED = 10
#: Digits of the places below -> what a report is broken down by.
_LEVELS = {4: "prefecture", 6: "county", 9: "town", 12: "village"}
_RESULTS = ("confirmed", "suspended", "held_now", "stopped", "to_recover_fen", "recovered_fen", "readmitted")
#: A month with fewer verdicts draws no point: one of one is not 100 %.
ENOUGH = 10


def show(request: HttpRequest) -> HttpResponse:
    """The page for a place in the reader's range; `place` in the address goes down. A fixed number of queries."""
    today = clock.today()
    user: Any = request.user
    own = trim(user.office.place_code)
    place = _place(request, own)
    until = Month.of(today)
    since = until - (MONTHS - 1)
    whole, rows = oversight.by_place(place, today)
    months = oversight.monthly(place, since, until)
    by = "source" if request.GET.get("by") == "source" else "rule"
    verdicts = oversight.rule_months(place, since, until, by=by)
    climbed = oversight.escalated(place, CLIMBED)
    watched = oversight.follow_ups(place, today)
    watching = list(watched[:FOLLOW_UPS])
    here = Wanted(place=place)
    results = clue_figures.report(user, _LEVELS[oversight.levels_below(place) or 12], here)
    context = {
        "place": places.name(place),
        "crumbs": _crumbs(place, own),
        "figures": _figures(whole, place, watched.filter(next_look_on__lt=today).count()),
        "whole": _line(whole, place),
        "rows": [_line(row, place) for row in rows],
        "overdue_chart": _overdue_chart(rows),
        "overdue_height": 44 + 28 * min(len(rows), 12),
        "officers": [
            {
                "name": one.name,
                "office": one.office,
                "open": one.open,
                "overdue": one.overdue,
                "first_due": one.first_due,
                "href": f"{reverse('web:clues')}?{urlencode({'tab': 'all', 'responsible': one.user_id})}",
            }
            for one in oversight.by_officer(place, today, OFFICERS)
        ],
        "months": [
            {
                "month": row.month,
                "closed": row.closed,
                "timely": percent(100 * row.in_time / row.timed if row.timed else None),
                "confirmed": row.confirmed,
                "refuted": row.refuted,
                "precision": percent(_rate(row.confirmed, row.refuted)),
            }
            for row in reversed(months)
        ],
        "time_chart": {
            "labels": [str(row.month) for row in months],
            "series": [
                {
                    "name": "按期销号率",
                    "data": [_point(row.in_time, row.timed) for row in months],
                },
                {"name": "查实率", "data": [_point(row.confirmed, row.confirmed + row.refuted) for row in months]},
            ],
            "unit": "%",
            "lines": True,
        },
        "by": by,
        "here": urlencode({"place": place}),
        "enough": ENOUGH,
        "rules": _rules(verdicts),
        "rule_chart": _rule_chart(verdicts, since),
        "results": results,
        "result_sums": {name: sum(getattr(row, name) for row in results) for name in _RESULTS},
        "reasons": [
            {
                "label": one.label,
                "n": one.count,
                "percent": percent(100 * one.share),
                "width": 100 * one.share,
                "href": f"{reverse('web:clues')}?{urlencode({'tab': 'all', 'place': place, 'verdict': 'refuted', 'why': one.code})}",
            }
            for one in clue_figures.reasons(user, here)
        ],
        "tuning_href": f"{reverse('web:clue-tuning')}?{urlencode({'place': place})}",
        "escalated": [clues.line(one, today) for one in climbed],
        "watching": [_watch(one, today) for one in watching],
        "watching_all": watched.count(),
    }
    return render(request, "county/supervision.html", context)


def _place(request: HttpRequest, own: str) -> str:
    """The place in the address where it lies in the reader's range, else his own."""
    asked = pages.text_of(request, "place", 12)
    if not (asked.isascii() and asked.isalnum() and len(asked) in (2, 4, 6, 9, 12)):
        return own
    return asked if access.range_of(own).covers(access.range_of(asked)) else own


def _crumbs(place: str, own: str) -> list[dict[str, str]]:
    """The way up to the reader's own place."""
    chain = [code for code in reversed(parents(place)) if len(code) >= len(own) and code.startswith(own)]
    return [{"label": places.name(code), "href": f"?{urlencode({'place': code})}"} for code in chain if code != place]


def _rate(confirmed: int, refuted: int) -> float | None:
    return 100 * confirmed / (confirmed + refuted) if confirmed + refuted else None


def _point(part: int, whole: int) -> float | None:
    """A rate for a line; None (a gap) where too few stand behind it."""
    return round(100 * part / whole, 1) if whole >= ENOUGH else None


def _figures(whole: PlaceWork, place: str, late_looks: int) -> list[dict[str, Any]]:
    ledger = reverse("web:clues")

    def one(label: str, n: int | str, css: str = "", **wanted: str) -> dict[str, Any]:
        query = urlencode({"tab": "all", "place": place, **wanted})
        return {"label": label, "n": n, "css": css if n else "", "href": f"{ledger}?{query}" if wanted else ""}

    return [
        one("未结线索", whole.open, verdict="open"),
        one("逾期", whole.overdue, "is-bad", due="late"),
        one("待派发", whole.unassigned, "is-warn", state="generated"),
        {"label": "市、省督办", "n": whole.climbed, "css": "", "href": ""},
        {"label": "推送未签收", "n": whole.unread, "css": "is-warn" if whole.unread else "", "href": ""},
        {"label": "按期销号率", "text": percent(whole.timeliness)},
        {"label": "查实率", "text": percent(whole.precision)},
        {"label": "走访逾期", "n": late_looks, "css": "is-warn" if late_looks else "", "href": ""},
    ]


def _line(row: PlaceWork, above: str) -> dict[str, Any]:
    below = oversight.levels_below(row.code)
    return {
        "name": places.name(row.code),
        "row": row,
        "href": f"?{urlencode({'place': row.code})}" if row.code != above and below else "",
        "ledger": f"{reverse('web:clues')}?{urlencode({'tab': 'all', 'place': row.code, 'due': 'late'})}",
        "late_days": words.DASH if row.late_days is None else f"{row.late_days:.1f} 日",
        "timeliness": percent(row.timeliness),
        "precision": percent(row.precision),
    }


def _overdue_chart(rows: Sequence[PlaceWork]) -> dict[str, Any] | None:
    """Overdue of open, as a rate: a large place is not late because it is large."""
    shown = sorted((row for row in rows if row.running), key=lambda row: -_overdue_rate(row))[:12]
    if len(shown) < 2:
        return None
    return {
        "labels": [places.name(row.code) for row in shown],
        "series": [{"name": "逾期占在办", "data": [round(_overdue_rate(row), 1) for row in shown], "color": "#cc8136"}],
        "unit": "%",
        "horizontal": True,
    }


def _overdue_rate(row: PlaceWork) -> float:
    return 100 * row.overdue / row.running if row.running else 0.0


def _rules(verdicts: Sequence[RuleMonth]) -> list[dict[str, Any]]:
    """Rules over the whole period, least right first: those are to be tuned."""
    found: dict[str, dict[str, Any]] = {}
    for one in verdicts:
        line = found.setdefault(one.code, {"code": one.code, "label": _label(one), "confirmed": 0, "refuted": 0})
        line["confirmed"] += one.confirmed
        line["refuted"] += one.refuted
    for line in found.values():
        line["rate"] = _rate(line["confirmed"], line["refuted"]) or 0.0
        line["percent"] = percent(line["rate"])
        total = line["confirmed"] + line["refuted"]
        line["confirmed_width"] = 100 * line["confirmed"] / total
        line["refuted_width"] = 100 * line["refuted"] / total
    return sorted(found.values(), key=lambda line: line["rate"])


def _label(one: RuleMonth) -> str:
    return clue_words.source(one.code) if one.label == one.code else one.label


def _rule_chart(verdicts: Sequence[RuleMonth], since: Month) -> dict[str, Any] | None:
    """Confirmed rate by month of the rules with most verdicts, at most four lines."""
    weight: dict[str, int] = {}
    for one in verdicts:
        weight[one.code] = weight.get(one.code, 0) + one.confirmed + one.refuted
    chosen = sorted(weight, key=lambda code: -weight[code])[:_LINES]
    if not chosen:
        return None
    months = [since + step for step in range(MONTHS)]
    known = {(one.code, one.month.yyyymm): one for one in verdicts}
    labels = {one.code: _label(one) for one in verdicts}

    def rate(code: str, month: Month) -> float | None:
        one = known.get((code, month.yyyymm))
        return _point(one.confirmed, one.confirmed + one.refuted) if one else None

    return {
        "labels": [str(month) for month in months],
        "series": [{"name": labels[code], "data": [rate(code, month) for month in months]} for code in chosen],
        "unit": "%",
        "lines": True,
    }


def _watch(one: Any, today: Any) -> dict[str, Any]:
    late = (today - one.next_look_on).days
    return {
        "name": f"{one.household.head.name}家庭",
        "href": reverse("web:watch", args=[one.pk]),
        "place": places.path(one.region),
        "state": one.get_state_display(),
        "looks": one.looks,
        "until": one.watch_until,
        "next": one.next_look_on,
        "css": "bad" if late > 0 else "warn" if late > -7 else "",
        "word": f"逾期 {late} 天" if late > 0 else "今天" if late == 0 else f"{-late} 天后",
    }
