"""Notices before tekun support ends: what hangs, what is due to be decided, what was objected to; one notice and its sheet."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.decisions import care_actions, end_notices
from tuodi.decisions.changes import require_confirmer
from tuodi.decisions.models import EndNotice
from tuodi.decisions.models.end_notice import EndState
from tuodi.decisions.papers.notices import sheet_form
from tuodi.decisions.papers.words import clause_words
from tuodi.kernel import clock
from tuodi.kernel.errors import TuodiError
from tuodi.kernel.periods import Month
from tuodi.org.models import DutyCode
from tuodi.web.components import navigation, pages, places, posting
from tuodi.web.components.pages import Page
from tuodi.web.components.words import Look
from tuodi.web.county import life
from tuodi.web.county.life import Cell, Deed, Part, Row
from tuodi.web.papers.printing import pdf, printer

READERS = (DutyCode.ACCEPT, DutyCode.REVIEW, DutyCode.VISIT, DutyCode.CONFIRM, DutyCode.SUPERVISE)
SHOWS = {"due": "期满待决定", "posted": "公示中", "objected": "有异议", "done": "已办结", "all": "全部"}
STATES = {
    EndState.POSTED: Look("公示中", "info", "flag"), EndState.OBJECTED: Look("有异议", "warn"),
    EndState.REPOSTED: Look("已重新公示"), EndState.DECIDED: Look("已终止", "bad"), EndState.WITHDRAWN: Look("不终止", "ok", "check"),
}  # fmt: skip


class AnswerForm(forms.Form):
    """What looking into an objection showed."""

    answer = life.text_field("核实情况", rows=3, longest=1000)
    ends = forms.ChoiceField(
        label="结论", choices=[("", "请选择"), ("yes", "仍应终止，重新公示"), ("no", "不终止，撤下")]
    )


def look_of(row: EndNotice) -> Look:
    """A notice's state as a tag; one whose days have passed is due."""
    return Look("期满待决定", "warn", "clock") if row.is_over(clock.today()) else STATES[EndState(row.state)]


def listing(request: HttpRequest) -> HttpResponse:
    """What is due first."""
    today = clock.today()
    shown = life.show_of(request, SHOWS, "due")
    known = life.towns(request)
    town = life.town_of(request, known)
    counts = end_notices.counts(today)
    rows = end_notices.listing(shown, town, today)
    found = pages.page_of(request, lambda start, stop: list(rows[start:stop]), total=None if town else counts[shown])
    context = {
        "title": "拟终止供养公示", "sub": "拟终止特困供养的先公示，期满无异议再决定；死亡的不公示", "place_names": life.scope_names(request),
        "show": shown, "tabs": life.tabs(request, SHOWS, counts, shown, ("due", "objected")),
        "page": Page([_line(one) for one in found.items], found.number, found.total, found.previous, found.next, found.pages),
        "filters": [life.select("town", "乡镇（街道）", known, town)] if known else [],
        "first_head": "特困人员", "unit": "件", "empty_title": "没有这样的公示", "empty_text": "从供养档案登记终止情形后公示。",
    }  # fmt: skip
    return render(request, "county/life_list.html", context)


def _line(one: EndNotice) -> Row:
    waiting = one.state == EndState.OBJECTED
    due = life.days_look(one.answer_due_on, clock.today()) if waiting and one.answer_due_on else None
    return Row(
        one.person.name, reverse("web:end-notice", args=[one.pk]), note=one.no,
        cells=(
            Cell("住地", places.path(one.region)), Cell("公示地点", one.place), Cell("终止情形", one.ground, css="wrap-any"),
            Cell("公示", one.posted_on.isoformat(), css="num"), Cell("截止", one.last_day.isoformat(), css="num"),
            Cell("核实期限", (one.answer_due_on.isoformat() if one.answer_due_on else "待定") if waiting else "", look=due, css="num"),
            Cell("状态", look=look_of(one)),
        ),
    )  # fmt: skip


def show(request: HttpRequest, pk: int) -> HttpResponse:
    """One notice; a POST does what its button says."""
    user: Any = request.user
    row = end_notices.access_end_notice(user, pk)
    do = posting.text(request, "do", 20) if request.method == "POST" else ""
    forms_of = {
        "object": life.yes_form("异议内容", rows=3, longest=1000, help_text="谁提出、什么意见")(request.POST if do == "object" else None),
        "answer": AnswerForm(request.POST if do == "answer" else None),
        "withdraw": life.yes_form("撤下的理由")(request.POST if do == "withdraw" else None),
        "end": life.ReasonForm(request.POST if do == "end" else None, auto_id="end-%s"),
    }  # fmt: skip
    form: Any = forms_of.get(do)
    if form is not None and form.is_valid():
        posting.attempt(request, lambda: _do(row, do, form.cleaned_data, user), "已办理。")
        return posting.back(reverse("web:end-notice", args=[pk]))
    context = {
        "title": f"{row.person.name} 拟终止供养公示", "crumb": {"label": "拟终止供养公示", "href": reverse("web:end-notices")},
        "marks": [look_of(row)], "meta": [row.no, places.path(row.region, 3)],
        "links": [
            {"href": reverse("web:end-notice-pdf", args=[pk]), "label": "公示单", "icon": "printer"},
            *([{"href": reverse("web:care", args=[row.household_id, row.person_id]), "label": "供养档案", "icon": "user"}] if navigation.may_read(request) else []),
        ],
        "parts": _parts(row), "deeds": _deeds(request, row, forms_of), "side": [Part("公示", _posting(row))],
        "locked": _locked(user, row),
    }  # fmt: skip
    return render(request, "county/life_page.html", context)


def _do(row: EndNotice, do: str, data: dict[str, Any], user: Any) -> Any:
    if do == "object":
        return end_notices.object_to_end(row, text=data["text"], acting_user=user)
    if do == "answer":
        return end_notices.answer_end_objection(
            row, answer=data["answer"], ends=data["ends"] == "yes", acting_user=user
        )
    if do == "withdraw":
        return end_notices.withdraw_end_notice(row, reason=data["text"], acting_user=user)
    return care_actions.end_support(row.fact_set, row.person, acting_user=user, reasons=data["reasons"])


def _why_not(user: Any, row: EndNotice) -> str:
    try:
        require_confirmer(user, row.region, row.programme)
    except TuodiError as error:
        return str(error)
    made = (row.fact_set.created_by_id, row.fact_set.frozen_by_id)
    return "事实由您录入或定稿，不能再由您决定，请由另一人办理。" if user.pk in made else ""


def _locked(user: Any, row: EndNotice) -> list[str]:
    if row.state != EndState.POSTED:
        return []
    if not row.is_over(clock.today()):
        return [f"公示到 {row.last_day} 截止，之后才能决定终止。"]
    why = _why_not(user, row)
    return [why] if why else []


def _deeds(request: HttpRequest, row: EndNotice, forms_of: dict[str, Any]) -> list[Deed]:
    user: Any = request.user
    today, deeds = clock.today(), []
    may_post = navigation.may(request, [*end_notices.POSTERS, DutyCode.CONFIRM], row.region)
    if row.is_over(today) and not _why_not(user, row):
        first = Month.of(today).next()
        deeds.append(
            Deed("end", "决定终止", "终止供养", forms_of["end"], f"自 {first} 起终止，同时出具告知书", primary=True)
        )
    if row.state == EndState.OBJECTED and may_post:
        deeds.append(Deed("answer", "答复异议", "登记核实结果", forms_of["answer"], primary=True))
    if row.state == EndState.POSTED and today <= row.last_day and navigation.may(
        request, [*end_notices.POSTERS, DutyCode.CONFIRM, DutyCode.ACCEPT], row.region
    ):  # fmt: skip
        deeds.append(Deed("object", "有人提出异议", "登记异议", forms_of["object"], "登记后须调查核实并重新公示"))
    if row.state == EndState.POSTED and may_post:
        deeds.append(Deed("withdraw", "不再终止", "撤下公示", forms_of["withdraw"], danger=True))
    return deeds


def _posting(row: EndNotice) -> list[tuple[str, Any]]:
    before = row.follows
    return [
        ("公示地点", row.place), ("公示", f"{row.posted_on}，{row.posted_by.office.name} {row.posted_by.name}"),
        ("天数", f"{row.days} 天，{row.last_day} 截止"), ("依据", clause_words(row.clause)),
        *([("前一次公示", before.no)] if before else []),
    ]  # fmt: skip


def _parts(row: EndNotice) -> list[Part]:
    found = [
        Part(
            "拟终止的情形",
            [("情形", row.ground), ("事实", f"第 {row.fact_set.number} 份事实表，{row.fact_set.reason}")],
        )
    ]
    if row.objection:
        due = row.answer_due_on.isoformat() if row.answer_due_on else "待定"
        found.append(Part("异议", [("提出", f"{row.objected_on}"), ("内容", row.objection), ("核实期限", due)]))
    if row.answer:
        found.append(Part("核实", [("日期", f"{row.answered_on}"), ("情况", row.answer)]))
    if row.determination is not None:
        made = row.determination
        found.append(Part("决定", [("决定书", made.no), ("终止", f"自 {Month.parse(str(made.start_month))} 起")]))
    return found


def sheet(request: HttpRequest, pk: int) -> HttpResponse:
    """The sheet to be put up: the name as notices show it, the days, where to object."""
    user: Any = request.user
    row = end_notices.access_end_notice(user, pk)
    form, data = sheet_form(end_notices.sheet_of(row, row.posted_on), row.region)
    with printer(request) as who:
        return pdf(who.form(form, data), row.no)
