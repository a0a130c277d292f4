"""Sweeps: the list, one sweep with what came of it, its towns as a sheet, and what a person must look at."""

from __future__ import annotations

from typing import Any

from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import render

from tuodi.monitoring import sweep_reports
from tuodi.monitoring.models import SweepRun
from tuodi.org.models import DutyCode
from tuodi.web.components import navigation, pages, places
from tuodi.web.components.pages import Page
from tuodi.web.county import sheets, sweep_page

SIZE = 20


def listing(request: HttpRequest) -> HttpResponse:
    """Sweeps in the reader's range, newest first."""
    rows = sweep_reports.sweeps()
    found = pages.page_of(request, lambda start, stop: list(rows[start:stop]), size=SIZE)
    outcomes = sweep_reports.outcomes([run.pk for run in found.items])
    items = [sweep_page.line(run, outcomes.get(run.pk)) for run in found.items]
    context = {
        "page": Page(items, found.number, None, found.previous, found.next),
        "place_names": places.names(request.user.office.place_code),  # type: ignore[union-attr]
        "may_start": DutyCode.SWEEP in navigation.held_duties(request),
    }
    return render(request, "county/sweeps.html", context)


def show(request: HttpRequest, pk: int) -> HttpResponse:
    """The page of a sweep. A fixed number of queries, whatever it found."""
    run = sweep_reports.access_sweep(request.user, pk)  # type: ignore[arg-type]
    report = sweep_reports.report(run)
    by, county = sweep_page.choose(request, report)
    towns = sweep_page.sorted_towns(report.towns, by, county)
    shown = towns if request.GET.get("all") == "1" else towns[: sweep_page.TOWNS_SHOWN]
    rest = sweep_page.rest_of(towns[len(shown) :])
    sources = sweep_page.source_lines(run, sweep_reports.sources_of(run), report.sources)
    totals = sweep_page.source_totals(sources)
    whole = next((row for row in report.counties if row.code == county), report.all)
    context: dict[str, Any] = {
        "run": run,
        "title": sweep_page.label_of(run),
        "look": sweep_page.look_of(run, report.all),
        "meta": sweep_page.meta_of(run),
        "place": places.path(run.place_code),
        "progress": sweep_page.progress_of(run),
        "funnel": sweep_page.funnel(run, report.all),
        "balances": sweep_page.balances(run, report.all),
        "sources": sources,
        "source_totals": totals,
        "rules": sweep_page.rule_lines(run, report.rules),
        "all": report.all,
        "all_percent": sweep_page.percent(report.all.percent),
        "tuning_href": sweep_page.tuning_href(run),
        "noise": sweep_page.noise_lines(run, report.noise),
        "towns": sweep_page.place_lines(shown, run),
        "rest": rest,
        "rest_count": len(towns) - len(shown),
        "rest_percent": sweep_page.percent(rest.percent) if rest else "",
        "rest_days": f"{rest.days:.1f} 日" if rest and rest.days is not None else "—",
        "whole": whole,
        "whole_percent": sweep_page.percent(whole.percent),
        "whole_days": f"{whole.days:.1f} 日" if whole.days is not None else "—",
        "whole_label": places.name(county or run.place_code, run.as_of),
        "sorts": [_sort(code, label, by, county) for code, (label, _) in sweep_page.SORTS.items()],
        "by": by,
        "county": county,
        "counties": sweep_page.place_lines(report.counties, run),
        "chart": sweep_page.county_chart(run, report.counties),
        "chart_height": 40 + 34 * len(report.counties),
        "lists": sweep_page.lists_of(run, sweep_reports.findings_of(run)),
        "timings": _timings(run),
        "may_start": DutyCode.SWEEP in navigation.held_duties(request),
    }
    inline = bool(request.htmx) and request.htmx.target == "towns"  # type: ignore[attr-defined]
    return render(request, "county/sweep_towns.html" if inline else "county/sweep.html", context)


def _sort(code: str, label: str, by: str, county: str) -> dict[str, Any]:
    return {
        "code": code,
        "label": label,
        "current": code == by,
        "href": f"?sort={code}" + (f"&county={county}" if county else ""),
    }


_PHASES = {"roll": "准备名册", "matching": "比对", "judging": "判断", "raising": "生成线索", "all": "合计"}


def _timings(run: SweepRun) -> list[str]:
    """How long each phase took, in the order they come; a database sorts keys its own way."""
    return [f"{label} {float(run.timings[name]):.1f} 秒" for name, label in _PHASES.items() if name in run.timings]


def progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The progress bar alone; when the sweep is over the whole page is asked for again."""
    told = sweep_page.progress_of(sweep_reports.access_sweep(request.user, pk))  # type: ignore[arg-type]
    if told is None:
        return HttpResponse(headers={"HX-Refresh": "true"})
    return render(request, "county/sweep_progress.html", {"progress": told})


def towns(request: HttpRequest, pk: int) -> FileResponse:
    """The towns of a sweep as a sheet; the taking out is logged."""
    run = sweep_reports.access_sweep(request.user, pk)  # type: ignore[arg-type]
    report = sweep_reports.report(run)
    by, county = sweep_page.choose(request, report)
    chosen = sweep_page.sorted_towns(report.towns, by, county)
    columns = [
        ("县（市、区）", 16), ("乡镇（街道）", 20), ("区划代码", 14), ("线索", 10), ("查实", 10), ("查否", 10), ("未结", 10),
        ("逾期", 10), ("销号", 10), ("查实率 %", 10), ("平均办结（日）", 14),
    ]  # fmt: skip
    rows = [
        [
            places.name(row.code[:6], run.as_of), places.name(row.code, run.as_of), row.code, row.total, row.confirmed, row.refuted, row.open,
            row.overdue, row.closed, None if row.percent is None else round(row.percent, 1), None if row.days is None else round(row.days, 1),
        ]
        for row in chosen
    ]  # fmt: skip
    return sheets.sheet(
        request,
        name=f"{run.no}-乡镇",
        title=f"{sweep_page.label_of(run)} 各乡镇（街道）",
        columns=columns,
        rows=rows,
        action="web.export_sweep_towns",
        subject="sweeprun",
        subject_id=run.pk,
        what={"no": run.no, "county": county},
    )
