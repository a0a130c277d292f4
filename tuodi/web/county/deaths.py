"""Deaths of members: noted from the family, the village, a register or a clue; recomputed; settled within the limit."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.decisions.changes import require_confirmer
from tuodi.kernel import clock
from tuodi.kernel.errors import TuodiError
from tuodi.kernel.money import format_yuan
from tuodi.monitoring import deaths
from tuodi.monitoring.deciding import preview
from tuodi.monitoring.models import DeathMatter
from tuodi.org.models import DutyCode
from tuodi.people.queries import access_household
from tuodi.web.components import navigation, pages, places, posting, words
from tuodi.web.components.pages import Page
from tuodi.web.components.words import Look
from tuodi.web.county import life
from tuodi.web.county.changes import people_of, person_of
from tuodi.web.county.life import Cell, Deed, Part, Row
from tuodi.web.county.reviews_due import RESULTS

READERS = (*deaths.DUTIES, DutyCode.CONFIRM, DutyCode.CLUE_DECIDE, DutyCode.SUPERVISE)
SHOWS = {"open": "待办", "overdue": "逾期", "proposed": "待确认", "settled": "已办结", "all": "全部"}
STATES = {"open": Look("待办理", "info"), "proposed": Look("待确认", "warn"), "settled": Look("已办结", "ok", "check")}


class DeathForm(forms.Form):
    """Who, when, from whom."""

    person = forms.ChoiceField(label="哪位成员")
    died_on = life.day_field("死亡日期")
    source = forms.ChoiceField(label="来源", choices=DeathMatter.Source.choices)
    clue_no = life.text_field("线索号", longest=40, needed=False, help_text="来源是线索的填写")

    def __init__(self, *args: Any, people: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["person"].choices = [("", "请选择"), *people]  # type: ignore[attr-defined]


class RecomputeForm(forms.Form):
    """What those who are left live on."""

    income = life.YuanField(label="现家庭年收入（元）", help_text="没有变化的不填")


def listing(request: HttpRequest) -> HttpResponse:
    """The nearest limit first."""
    today = clock.today()
    shown = life.show_of(request, SHOWS, "open")
    known = life.towns(request)
    town = life.town_of(request, known)
    counts = deaths.counts(today)
    rows = deaths.listing(shown, town, today)
    found = pages.page_of(request, lambda start, stop: list(rows[start:stop]), total=None if town else counts[shown])
    context = {
        "title": "死亡减员", "sub": "成员死亡后 3 个月内核查并办完增发、减发、停发；死亡当月照发", "place_names": life.scope_names(request),
        "show": shown, "tabs": life.tabs(request, SHOWS, counts, shown, ("overdue",)),
        "page": Page([_line(one, today) for one in found.items], found.number, found.total, found.previous, found.next, found.pages),
        "filters": [life.select("town", "乡镇（街道）", known, town)] if known else [],
        "first_head": "死亡成员", "unit": "件", "empty_title": "没有待办的死亡减员", "empty_text": "从家庭档案登记，或由变化报告、线索转来。",
    }  # fmt: skip
    return render(request, "county/life_list.html", context)


def _line(one: DeathMatter, today: Any) -> Row:
    settled = one.state == DeathMatter.State.SETTLED
    return Row(
        one.person.name, reverse("web:death", args=[one.pk]), note=f"{one.household.head.name}家庭 {one.household.no}",
        cells=(
            Cell("住地", places.path(one.region)), Cell("项目", life.programme(one.programme)),
            Cell("死亡日期", one.died_on.isoformat(), css="num"), Cell("来源", one.get_source_display()),
            Cell("办结期限", one.due_on.isoformat(), look=None if settled else life.days_look(one.due_on, today), css="num"),
            Cell("状态", look=STATES[one.state], note="没有其他成员，停发" if one.last_member else ""),
            Cell("多发（元）", words.yuan(one.over_fen), css="n"),
        ),
    )  # fmt: skip


def new(request: HttpRequest, pk: int) -> HttpResponse:
    """Notes a death in one family."""
    user: Any = request.user
    household = access_household(user, pk)
    form = DeathForm(request.POST or None, people=people_of(household))
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        person = person_of(household, data["person"])
        try:
            assert person is not None
            made = deaths.record_death(
                person, died_on=data["died_on"], source=data["source"], acting_user=user, clue_no=data["clue_no"]
            )
        except TuodiError as error:
            form.add_error(None, str(error))
        else:
            if not made:
                posting.succeed(request, "已登记死亡；这个家庭不在册，没有要办理的减员。")
                return posting.back(reverse("web:family", args=[pk]))
            posting.succeed(request, f"已登记死亡，应在 {made[0].due_on} 前办结。")
            return posting.back(reverse("web:death", args=[made[0].pk]))
    context = {
        "title": f"登记死亡：{household.head.name}家庭", "crumb": {"label": "死亡减员", "href": reverse("web:deaths")},
        "meta": [household.no, places.path(household.region, 3)], "parts": [], "side": [],
        "deeds": [Deed("new", "成员死亡", "登记", form, "登记后人员登记同时更新", primary=True)],
    }  # fmt: skip
    return render(request, "county/life_page.html", context)


def show(request: HttpRequest, pk: int) -> HttpResponse:
    """One matter: noted, recomputed, settled, what was paid too much."""
    user: Any = request.user
    row = deaths.access_death(user, pk)
    today = clock.today()
    do = posting.text(request, "do", 20) if request.method == "POST" else ""
    recompute = RecomputeForm(request.POST if do == "propose" else None)
    settle = life.ReasonForm(request.POST if do == "settle" else None, auto_id="settle-%s")
    here = reverse("web:death", args=[pk])
    if do == "propose" and recompute.is_valid():
        income = recompute.cleaned_data["income"]
        facts = {"income_year": format_yuan(income, sep=False)} if income is not None else {}
        posting.attempt(request, lambda: deaths.propose(row, acting_user=user, facts=facts), "已重新核算，待确认。")
        return posting.back(here)
    if do == "settle" and settle.is_valid():
        posting.attempt(
            request, lambda: deaths.settle(row, reasons=settle.cleaned_data["reasons"], acting_user=user), "已办结。"
        )
        return posting.back(here)
    why_not = _why_not(user, row)
    is_open = row.state != DeathMatter.State.SETTLED
    deeds = []
    if (
        is_open
        and not row.last_member
        and navigation.may(request, [DutyCode.REVIEW, DutyCode.VISIT, DutyCode.ACCEPT], row.region)
    ):
        deeds.append(
            Deed("propose", "重新核算", "定稿", recompute, "按留下的成员，从死亡次月起", primary=row.state == "open")
        )
    if is_open and not why_not and (row.last_member or row.fact_set_id):
        deeds.insert(
            0, Deed("settle", "确认", "作出决定", settle, "同时出具告知书，多发的由以后月份抵扣", primary=True)
        )
    context = {
        "title": f"{row.person.name} 死亡减员", "crumb": {"label": "死亡减员", "href": reverse("web:deaths")},
        "marks": [STATES[row.state], *([life.days_look(row.due_on, today)] if is_open else [])],
        "meta": [row.household.no, places.path(row.region, 3), life.programme(row.programme)],
        "links": [{"href": reverse("web:family", args=[row.household_id]), "label": "家庭档案", "icon": "users"}] if navigation.may_read(request) else [],
        "notices": [f"应在 {row.due_on} 前办结，已逾期 {(today - row.due_on).days} 天。"] if is_open and row.due_on < today else [],
        "parts": _parts(row), "deeds": deeds,
        "side": [Part("登记", [
            ("死亡日期", row.died_on.isoformat()), ("来源", row.get_source_display() + (f" {row.clue_no}" if row.clue_no else "")),
            ("登记", f"{row.entered_by.name if row.entered_by else '系统'}，{row.entered_at:%Y-%m-%d}"), ("办结期限", row.due_on.isoformat()),
        ])],
        "locked": [why_not] if is_open and why_not else [],
    }  # fmt: skip
    return render(request, "county/life_page.html", context)


def _why_not(user: Any, row: DeathMatter) -> str:
    try:
        require_confirmer(user, row.region, row.programme)
    except TuodiError as error:
        return str(error)
    return "您已登记死亡，不能再办确认，请由另一人办理。" if row.entered_by_id == user.pk else ""


def _parts(row: DeathMatter) -> list[Part]:
    first = deaths.first_month(row)
    if row.state != DeathMatter.State.SETTLED:
        if row.last_member:
            pairs: list[tuple[str, Any]] = [("结论", f"没有其他成员，自 {first} 起停发")]
        elif row.fact_set is None:
            return [Part("确认后会怎样", empty="先按留下的成员重新核算")]
        else:
            seen = preview(row.fact_set, row.programme, None, effective=first)
            pairs = (
                [("结论", RESULTS[seen.kind].word), ("原月金额", f"{words.yuan(seen.before_fen)} 元"), (f"{first} 起", f"{words.yuan(seen.after_fen)} 元")]
                if seen.kind else [("结论", "缺事实，不能确认"), ("缺少", "、".join(seen.missing))]
            )  # fmt: skip
        return [Part("确认后会怎样", pairs)]
    made = row.determination
    return [
        Part("结果", [
            ("决定", made.no if made else "待遇不变"), ("月金额", f"{words.yuan(made.amount_fen or 0)} 元，自 {first} 起" if made else "不变"),
            ("多发", f"{words.yuan(row.over_fen)} 元"), ("算式", row.over_text),
            ("确认", f"{row.settled_by.name if row.settled_by else ''}，{row.settled_at:%Y-%m-%d}" if row.settled_at else ""),
        ])
    ]  # fmt: skip
