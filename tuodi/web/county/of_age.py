"""Minors near their age: who is due when, what the family must bring, what was found, what was decided."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.decisions import end_notices
from tuodi.decisions.changes import require_confirmer
from tuodi.kernel import clock
from tuodi.kernel.errors import TuodiError
from tuodi.monitoring import of_age
from tuodi.monitoring.deciding import preview
from tuodi.monitoring.models import ComingOfAge
from tuodi.org.models import DutyCode
from tuodi.people.enums import Programme
from tuodi.web.components import navigation, pages, places, posting, words
from tuodi.web.components.pages import Page
from tuodi.web.components.words import Look
from tuodi.web.county import life
from tuodi.web.county.life import Cell, Deed, Part, Row
from tuodi.web.county.reviews_due import RESULTS

READERS = (*of_age.DUTIES, DutyCode.CONFIRM, DutyCode.SUPERVISE)
SHOWS = {"open": "待办", "overdue": "已满龄未办", "found": "待确认", "done": "已办结", "all": "全部"}
State = ComingOfAge.State
STATES = {
    State.OPEN: Look("待核查", "info"), State.FOUND: Look("待确认", "warn"), State.KEPT: Look("继续享受", "ok", "check"),
    State.ENDED: Look("已终止", "bad"), State.GONE: Look("已不在册"),
}  # fmt: skip


class TellForm(forms.Form):
    """How the family is told."""

    how = forms.ChoiceField(label="方式", choices=[("message", "发短信"), ("spoken", "已当面或电话告知")])


class SchoolForm(forms.Form):
    """What the papers show."""

    school = forms.ChoiceField(label="就读阶段")
    school_name = life.text_field("学校", longest=80, needed=False, help_text="在读的必须填写")
    until = life.day_field("预计毕业", required=False, help_text="在读证明上写明的；到期前会再派发核查")
    note = life.text_field("核查情况", rows=3, help_text="看了什么材料、在哪里核实的")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["school"].choices = [("", "请选择"), *of_age.schools()]  # type: ignore[attr-defined]


def listing(request: HttpRequest) -> HttpResponse:
    """The nearest birthday first."""
    today = clock.today()
    shown = life.show_of(request, SHOWS, "open")
    known = life.towns(request)
    town = life.town_of(request, known)
    counts = of_age.counts(today)
    rows = of_age.listing(shown, town, today)
    found = pages.page_of(request, lambda start, stop: list(rows[start:stop]), total=None if town else counts[shown])
    context = {
        "title": "满龄核查", "sub": "孤儿、事实无人抚养儿童和未成年特困人员满龄前核实是否在读", "place_names": life.scope_names(request),
        "show": shown, "tabs": life.tabs(request, SHOWS, counts, shown, ("overdue",)),
        "page": Page([_line(one) for one in found.items], found.number, found.total, found.previous, found.next, found.pages),
        "filters": [life.select("town", "乡镇（街道）", known, town)] if known else [],
        "first_head": "姓名", "unit": "人", "empty_title": "没有要核查的", "empty_text": "每天夜里按名册和出生日期自动派发。",
    }  # fmt: skip
    return render(request, "county/life_list.html", context)


def _line(one: ComingOfAge) -> Row:
    running = one.state in (State.OPEN, State.FOUND)
    return Row(
        one.person.name, reverse("web:of-age-one", args=[one.pk]), note=f"{one.household.head.name}家庭 {one.household.no}",
        cells=(
            Cell("住地", places.path(one.region)), Cell("项目", life.programme(one.programme)),
            Cell("毕业到期" if one.again else f"满{one.age}周岁", one.due_on.isoformat(), look=life.days_look(one.due_on, clock.today()) if running else None, css="num"),
            Cell("告知", one.told_on.isoformat() if one.told_on else "未告知", css="num"),
            Cell("就读", dict(of_age.schools()).get(one.school, ""), note=one.school_name),
            Cell("状态", look=STATES[State(one.state)]),
        ),
    )  # fmt: skip


def show(request: HttpRequest, pk: int) -> HttpResponse:
    """One person: what to bring, what was found, what follows."""
    user: Any = request.user
    row = of_age.access_of_age(user, pk)
    do = posting.text(request, "do", 20) if request.method == "POST" else ""
    told = TellForm(request.POST if do == "tell" else None)
    school = SchoolForm(request.POST if do == "find" else None)
    settle = life.ReasonForm(request.POST if do == "settle" else None, auto_id="settle-%s")
    here = reverse("web:of-age-one", args=[pk])
    if do == "tell" and told.is_valid():
        posting.attempt(
            request, lambda: of_age.tell(row, how=told.cleaned_data["how"], acting_user=user), "已登记告知。"
        )
        return posting.back(here)
    if do == "find" and school.is_valid():
        posting.attempt(
            request, lambda: of_age.find_school(row, acting_user=user, **school.cleaned_data), "已核查，待确认。"
        )
        return posting.back(here)
    if do == "post" and row.fact_set is not None:
        facts, board = row.fact_set, posting.text(request, "text", 80)
        posting.attempt(
            request,
            lambda: end_notices.post_end_notice(facts, row.person, place=board, acting_user=user),
            "已登记公示，请打印公示单张贴。",
        )
        return posting.back(here)
    if do == "settle" and settle.is_valid():
        posting.attempt(
            request, lambda: of_age.settle(row, reasons=settle.cleaned_data["reasons"], acting_user=user), "已办结。"
        )
        return posting.back(here)
    why_not = _why_not(user, row)
    hung = end_notices.open_notice(row.person) if row.programme == Programme.TEKUN else None
    running = row.state in (State.OPEN, State.FOUND)
    context = {
        "title": f"{row.person.name} {'在读复查' if row.again else f'满{row.age}周岁核查'}",
        "crumb": {"label": "满龄核查", "href": reverse("web:of-age")},
        "marks": [STATES[State(row.state)], *([life.days_look(row.due_on, clock.today())] if running else [])],
        "meta": [row.household.no, places.path(row.region, 3), life.programme(row.programme)],
        "links": [
            *([{"href": reverse("web:family", args=[row.household_id]), "label": "家庭档案", "icon": "users"}] if navigation.may_read(request) else []),
            *([{"href": reverse("web:end-notice", args=[hung.pk]), "label": f"公示 {hung.no}", "icon": "flag"}] if hung else []),
        ],
        "parts": _parts(row), "deeds": _deeds(request, row, why_not, hung, (told, school, settle)), "side": [_side(row)],
        "locked": [why_not] if row.state == State.FOUND and why_not else [],
    }  # fmt: skip
    return render(request, "county/life_page.html", context)


def _why_not(user: Any, row: ComingOfAge) -> str:
    try:
        require_confirmer(user, row.region, row.programme)
    except TuodiError as error:
        return str(error)
    return "您已办理核查，不能再办确认，请由另一人办理。" if row.found_by_id == user.pk else ""


def _deeds(request: HttpRequest, row: ComingOfAge, why_not: str, hung: Any, filled: tuple[Any, Any, Any]) -> list[Deed]:
    told, school, settle = filled
    may = navigation.may(request, of_age.DUTIES, row.region)
    deeds = []
    if row.state == State.FOUND and not why_not:
        deeds.append(Deed("settle", "确认", "作出决定", settle, "按规则继续享受或者终止", primary=True))
    ends = row.fact_set is not None and preview(row.fact_set, row.programme, row.person).kind == "stop"
    hangs = row.programme == Programme.TEKUN and end_notices.needs_notice(row.region, clock.today())
    may_post = hangs and hung is None and navigation.may(request, end_notices.POSTERS, row.region)
    if row.state == State.FOUND and ends and may_post:
        board = life.yes_form("公示地点", rows=0, longest=80)(initial={"text": f"{places.path(row.region, 1)}公示栏"})
        deeds.append(Deed("post", "拟终止公示", "公示", board, "公示期满无异议才能确认终止"))
    if row.state in (State.OPEN, State.FOUND) and may:
        deeds.append(Deed("find", "核查在读情况", "登记", school, primary=row.state == State.OPEN))
        if row.told_on is None:
            deeds.append(Deed("tell", "告知家庭", "告知", told, f"须带：{'、'.join(row.papers) or '—'}"))
    return deeds


def _parts(row: ComingOfAge) -> list[Part]:
    if row.found_on is None:
        return [Part("核查", empty="还没有核查")]
    until = row.school_until.isoformat() if row.school_until else "没有写明，过一段时间再查"
    found = [Part("核查", [
        ("就读阶段", dict(of_age.schools()).get(row.school, row.school)), ("学校", row.school_name or "—"),
        ("预计毕业", until if row.school != "no_school" else "—"), ("情况", row.note),
        ("核查", f"{row.found_by.name if row.found_by else ''}，{row.found_on}"),
    ])]  # fmt: skip
    if row.state == State.FOUND and row.fact_set is not None:
        seen = preview(row.fact_set, row.programme, row.person)
        pairs: list[tuple[str, Any]] = (
            [("结论", RESULTS[seen.kind].word), ("以后月金额", f"{words.yuan(seen.after_fen)} 元")]
            if seen.kind
            else [("结论", "缺事实，不能确认"), ("缺少", "、".join(seen.missing))]
        )
        found.append(Part("确认后会怎样", pairs))
    if row.settled_on is not None:
        made = row.determination
        found.append(
            Part(
                "结果",
                [
                    ("结论", row.get_state_display()),
                    ("决定", made.no if made else "待遇不变"),
                    ("日期", f"{row.settled_on}"),
                ],
            )
        )
    return found


def _side(row: ComingOfAge) -> Part:
    told = f"{row.told_on}，{'短信' if row.told_how == 'message' else '当面或电话'}" if row.told_on else "未告知"
    return Part("派发", [
        ("出生日期", f"{row.person.birth}"), ("到期", row.due_on.isoformat()), ("派发", row.opened_on.isoformat()),
        ("须带材料", "、".join(row.papers) or "—"), ("告知", told),
    ])  # fmt: skip
