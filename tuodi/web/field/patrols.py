"""Patrols (主动巡查): coverage and what is overdue at the desk, my visits on the phone, the list of persons at risk."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.intake import discovery_actions as verbs
from tuodi.intake import discovery_queries as reads
from tuodi.intake.at_risk_actions import AtRiskReport, import_at_risk, take_off
from tuodi.intake.discovery_states import EventType, PatrolState
from tuodi.intake.models import PatrolTask
from tuodi.kernel import clock
from tuodi.kernel.errors import TuodiError
from tuodi.kernel.periods import Month
from tuodi.org.models import DutyCode
from tuodi.people.enums import RiskClass
from tuodi.people.models import AtRisk
from tuodi.web.components import navigation, pages, places, posting, reading
from tuodi.web.components.pages import Page
from tuodi.web.components.uploads import UploadField
from tuodi.web.components.words import Look
from tuodi.web.counter import work
from tuodi.web.county import life
from tuodi.web.field import spot
from tuodi.web.field.discoveries import FoundForm, line_of, report_from

READERS = (*verbs.PATROLLERS, DutyCode.CONFIRM, DutyCode.SUPERVISE)
MAX_BYTES = 20 * 2**20
LOOKS = {
    PatrolState.PLANNED: Look("待巡查", "info"),
    PatrolState.DONE: Look("无异常", "ok", "check"),
    PatrolState.REPORTED: Look("已上报", "warn"),
    PatrolState.CONVERTED: Look("已转办", "ok", "check"),
    PatrolState.NO_NEED: Look("无需救助"),
    PatrolState.DROPPED: Look("已取消"),
}
_RISKS = dict(RiskClass.choices)
#: Order of the lists: label, of what was found, of what is overdue.
SORTS = {
    "new": ("最近的在前", ("-reported_at", "-id"), ("-due_on", "-id")),
    "name": ("姓名", ("name", "id"), ("person__name_pinyin", "id")),
    "place": ("按住地", ("region", "id"), ("region", "grid", "id")),
}
TABS = {"coverage": "覆盖率", "found": "待处理的发现", "overdue": "逾期未巡查"}


def listing(request: HttpRequest) -> HttpResponse:
    """Coverage by town or village in a month, open reports, overdue patrols. A fixed number of queries."""
    user: Any = request.user
    today = clock.today()
    month = pages.month_of(request, default=Month.of(today)) or Month.of(today)
    show = request.GET.get("show", "coverage")
    show = show if show in TABS else "coverage"
    digits = 12 if len(user.office.place_code) >= 9 or request.GET.get("by") == "village" else 9
    rows = reads.coverage(month, today, digits=digits)
    found, overdue = reads.discoveries("open"), reads.overdue_patrols(today)
    totals = {"coverage": None, "found": found.count(), "overdue": overdue.count()}
    planned, done = sum(one.planned for one in rows), sum(one.done for one in rows)
    page: Page[Any] | None = None
    towns = life.towns(request)
    town, wanted, sort = life.town_of(request, towns), request.GET.get("what", ""), request.GET.get("sort", "")
    kinds = EventType.choices if show == "found" else RiskClass.choices
    wanted = wanted if wanted in dict(kinds) else ""
    if town or wanted or sort in SORTS:
        found = reads.within(found.filter(event_type=wanted) if wanted else found, town)
        overdue = reads.within(overdue.filter(risk_classes__contains=[wanted]) if wanted else overdue, town)
        if sort in SORTS:
            found, overdue = found.order_by(*SORTS[sort][1]), overdue.order_by(*SORTS[sort][2])
    if show == "found":
        part = pages.page_of(
            request, lambda start, stop: list(found[start:stop]), total=None if town or wanted else totals["found"]
        )
        reading.note_list(
            request, "主动发现", [one.household_id for one in part.items], [one.person_id for one in part.items]
        )
        page = Page([line_of(one) for one in part.items], part.number, part.total, part.previous, part.next, part.pages)
    elif show == "overdue":
        late = pages.page_of(
            request, lambda start, stop: list(overdue[start:stop]), total=None if town or wanted else totals["overdue"]
        )
        _note(request, list(late.items))
        page = Page(
            [_line(one, today) for one in late.items], late.number, late.total, late.previous, late.next, late.pages
        )
    context = {
        "month": month,
        "filters": [
            *([life.select("town", "乡镇（街道）", towns, town)] if towns else []),
            life.select("what", "困难" if show == "found" else "类别", kinds, wanted),
            life.select("sort", "排序", [(code, one[0]) for code, one in SORTS.items()], sort) | {"any": "急的、早的在前"},
        ],
        "narrowed": bool(town or wanted),
        "months": [Month.of(today) - step for step in range(12)],
        "show": show,
        "digits": digits,
        "may_towns": len(user.office.place_code) < 9,
        "rows": [{"name": places.path(one.region, 2 if digits == 12 else 1), "one": one} for one in rows],
        "page": page,
        "tabs": [
            {"label": label, "n": totals[code], "href": f"?show={code}", "current": code == show, "css": "bad" if code != "coverage" and totals[code] else ""}
            for code, label in TABS.items()
        ],
        "figures": [
            {"label": f"{month} 巡查覆盖", "value": f"{done * 100 // planned}" if planned else "—", "unit": "%" if planned else "", "foot": f"应巡 {planned:,} 人，已巡 {done:,} 人"},
            {"label": "发现困难", "value": f"{sum(one.found for one in rows):,}", "unit": "件", "foot": "本月巡查中上报"},
            {"label": "待处理的发现", "value": f"{totals['found']:,}", "unit": "件"},
            {"label": "逾期未巡查", "value": f"{totals['overdue']:,}", "unit": "人", "foot": "过了当月还没有人去"},
        ],
        "may_plan": navigation.may(request, verbs.PATROLLERS, user.office.place_code.ljust(12, "0")),
        "may_patrol": bool(set(verbs.PATROLLERS) & set(navigation.held_duties(request))),
    }  # fmt: skip
    return render(request, "field/patrols.html", context)


def _line(task: PatrolTask, today: Any) -> dict[str, Any]:
    return {
        "pk": task.pk,
        "href": reverse("web:patrol", args=[task.pk]),
        "name": task.person.name,
        "address": task.person.address or places.path(task.region),
        "place": places.path(task.region),
        "grid": task.grid,
        "risks": [_RISKS.get(code, code) for code in task.risk_classes],
        "month": task.month,
        "due": work.due_look(task.due_on, False, today),
        "look": LOOKS[PatrolState(task.state)],
        "who": task.patroller.name if task.patroller_id and task.patroller else "",
    }


def _note(request: HttpRequest, tasks: list[PatrolTask]) -> None:
    reading.note_list(request, "主动巡查", [one.household_id for one in tasks], [one.person_id for one in tasks])


def plan(request: HttpRequest) -> HttpResponse:
    """Plans this month's patrols of the reader's place; run again, it adds only who is new on the list."""
    user: Any = request.user
    month = Month.of(clock.today())
    posting.attempt(
        request,
        lambda: verbs.plan_patrols(acting_user=user, place=user.office.place_code, month=month),
        lambda made: f"{month} 新排 {made} 人。" if made else f"{month} 的巡查已排齐，没有要增加的。",
    )
    return posting.back(reverse("web:patrols"))


def mine(request: HttpRequest) -> HttpResponse:
    """Whom I still have to look in on, overdue months first; on the phone."""
    user: Any = request.user
    today = clock.today()
    rows = reads.my_patrols(user, today)
    found = pages.page_of(request, lambda start, stop: list(rows[start:stop]), total=rows.count(), size=30)
    _note(request, list(found.items))
    items = [_line(task, today) for task in found.items]
    page = Page(items, found.number, found.total, found.previous, found.next, found.pages)
    return render(request, "field/patrols_mine.html", {"page": page, "today": today})


def one(request: HttpRequest, pk: int) -> HttpResponse:
    """One patrol: nothing wrong, or what was found; each in one form."""
    user: Any = request.user
    task = reads.access_patrol(user, pk)
    form = FoundForm(request.POST if request.POST.get("do") == "found" else None, named=False)
    reading.note_reading(request, "主动巡查", [task.household_id], [task.person_id], region=task.region)
    if request.method == "POST":
        answer = _done(request, task, form)
        if answer is not None:
            return answer
    context = {
        "task": task,
        "line": _line(task, clock.today()),
        "form": form,
        "found": getattr(task, "discovery", None) if task.state != PatrolState.PLANNED else None,
        "open": task.state == PatrolState.PLANNED,
        "at_risk": reads.at_risk_of(task.person),
    }
    return render(request, "field/patrol.html", context)


def _done(request: HttpRequest, task: PatrolTask, form: FoundForm) -> HttpResponse | None:
    """Does what was posted; None where the form must be shown again."""
    user: Any = request.user
    code = posting.text(request, "do", 10)
    back = reverse("web:patrols-mine")
    if code == "fine":
        note, picture = posting.text(request, "note", 500), spot.photo(request)
        ok, _ = posting.attempt(
            request,
            lambda: verbs.do_patrol(task, acting_user=user, note=note, photo=picture, **spot.place(request)),
            f"{task.person.name}：已巡查，无异常。",
        )
        return posting.back(back if ok else reverse("web:patrol", args=[task.pk]))
    if code == "drop":
        reason = posting.text(request, "reason", 200)
        ok, _ = posting.attempt(
            request, lambda: verbs.drop_patrol(task, acting_user=user, reason=reason), "已从本月巡查中去掉。"
        )
        return posting.back(back if ok else reverse("web:patrol", args=[task.pk]))
    return report_from(request, form, task=task, region=task.region, back=back)


class ImportForm(forms.Form):
    """A list somebody sends, and what list it is."""

    file = UploadField(
        most=MAX_BYTES,
        refusal="文件有 {mb} MB，超过 20 MB。请按乡镇拆成几个文件。",
        label="名单文件",
        help_text="xlsx、xls 或 csv；须有姓名、身份证号、类别三列，可有村代码、网格、说明、最近巡查",
        error_messages={"required": "请选择文件。", "empty": "文件是空的，请重新选择。"},
    )
    source = forms.CharField(
        label="来源",
        max_length=100,
        help_text="例如 2017年8月全面排查",
        error_messages={"required": "请写明名单来源。"},
    )


def at_risk(request: HttpRequest) -> HttpResponse:
    """The list of persons at risk; a POST takes a spreadsheet over and shows what became of every row."""
    user: Any = request.user
    off = posting.text(request, "off", 20) if request.method == "POST" else ""
    if off:
        return _take_off(request, off)
    form = ImportForm(request.POST or None, request.FILES or None)
    report: AtRiskReport | None = None
    if request.method == "POST" and form.is_valid():
        report = _import(request, form)
    rows = reads.listed()
    chosen = request.GET.get("class", "")
    if chosen in RiskClass.values:
        rows = rows.filter(risk_class=chosen)
    found = pages.page_of(request, lambda start, stop: list(rows[start:stop]))
    reading.note_list(request, "急难风险名单", [], [entry.person_id for entry in found.items])
    lines = [
        _listed(entry) | {"may_off": navigation.may(request, verbs.PATROLLERS, entry.region)} for entry in found.items
    ]
    page = Page(lines, found.number, None, found.previous, found.next)
    context = {
        "page": page,
        "form": form,
        "report": report,
        "classes": [(code, label, code == chosen) for code, label in RiskClass.choices],
        "chosen": chosen,
        "may_import": navigation.may(request, verbs.PATROLLERS, user.office.place_code.ljust(12, "0")),
    }
    return render(request, "field/at_risk.html", context)


def _take_off(request: HttpRequest, key: str) -> HttpResponse:
    """Takes one entry off the list, with the reason; the entry and its reason stay on record."""
    user: Any = request.user
    entry = reads.access_at_risk(user, int(key) if key.isascii() and key.isdigit() and len(key) < 19 else 0)
    reason = posting.text(request, "reason", 100)
    posting.attempt(
        request, lambda: take_off(entry, acting_user=user, reason=reason), f"{entry.person.name}已移出急难风险名单。"
    )
    kept = request.GET.urlencode()
    return posting.back(reverse("web:at-risk") + (f"?{kept}" if kept else ""))


def _import(request: HttpRequest, form: ImportForm) -> AtRiskReport | None:
    user: Any = request.user
    given = form.cleaned_data["file"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"list{Path(given.name).suffix.lower()[:6]}"
        with path.open("wb") as target:
            for chunk in given.chunks():
                target.write(chunk)
        try:
            report = import_at_risk(
                path, acting_user=user, place=user.office.place_code, source=form.cleaned_data["source"]
            )
        except TuodiError as error:
            form.add_error("file", str(error))
            return None
    posting.succeed(
        request, f"共 {report.rows} 行：列入 {report.added}，已在名单 {report.known}，有误 {len(report.faults)}。"
    )
    return report


def _listed(entry: AtRisk) -> dict[str, Any]:
    return {
        "pk": entry.pk,
        "name": entry.person.name,
        "masked": entry.person.id_masked,
        "risk": entry.get_risk_class_display(),
        "place": places.path(entry.region),
        "grid": entry.grid,
        "source": entry.source,
        "checked": entry.last_checked,
        "note": entry.note,
    }
