"""Gradual exits (渐退): who keeps the old amount, until which month, how many months are left."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.monitoring import exits
from tuodi.org.models import DutyCode
from tuodi.web.components import pages, places, words
from tuodi.web.components.pages import Page
from tuodi.web.components.words import Look
from tuodi.web.county import life
from tuodi.web.county.life import Cell, Row

READERS = (
    DutyCode.REVIEW,
    DutyCode.CONFIRM,
    DutyCode.VISIT,
    DutyCode.CLUE_DECIDE,
    DutyCode.SUPERVISE,
    DutyCode.PAY_PREPARE,
)
SHOWS = {"open": "渐退期内", "ending": "本月到期", "ended": "已退出", "all": "全部"}


def listing(request: HttpRequest) -> HttpResponse:
    """Those that end first come first."""
    month = Month.of(clock.today())
    shown = life.show_of(request, SHOWS, "open")
    known = life.towns(request)
    town = life.town_of(request, known)
    counts = exits.counts(month)
    rows = exits.listing(shown, town, month)
    found = pages.page_of(
        request, lambda start, stop: exits.lines(list(rows[start:stop]), month), total=None if town else counts[shown]
    )
    context = {
        "title": "渐退", "sub": "收入超过标准后在规定月数内维持原待遇，到期自动停发", "place_names": life.scope_names(request),
        "show": shown, "tabs": life.tabs(request, SHOWS, counts, shown, ("ending",)),
        "page": Page([_line(one) for one in found.items], found.number, found.total, found.previous, found.next, found.pages),
        "filters": [life.select("town", "乡镇（街道）", known, town)] if known else [],
        "first_head": "家庭", "unit": "户", "empty_title": "没有渐退的家庭", "empty_text": _why_none(request),
    }  # fmt: skip
    return render(request, "county/life_list.html", context)


def _why_none(request: HttpRequest) -> str:
    """Whether the place has gradual exits at all: a list that stays empty by law says so."""
    code = request.user.office.place_code  # type: ignore[union-attr]
    if exits.months_allowed(code, clock.today()):
        return "复核或变化确认后，规则给予渐退的家庭列在这里。"
    return "本地现行规定没有渐退期：收入超过标准的，从次月起停发。有规定的地方，渐退的家庭列在这里。"


def _line(one: exits.Exit) -> Row:
    row = one.determination
    if one.left:
        look = Look(f"还有 {one.left} 个月", "warn" if one.left == 1 else "info", "clock")
    elif one.back_in:
        look = Look("重新在册", "ok", "check")
    else:
        look = Look("已退出")
    return Row(
        life.who(row.household, row.person), reverse("web:determination", args=[row.pk]), note=row.no,
        cells=(
            Cell("住地", places.path(row.region)), Cell("项目", life.programme(row.programme)),
            Cell("人均收入为标准的", f"{one.ratio_percent}%" if one.ratio_percent is not None else "—", css="n"),
            Cell("维持月金额（元）", words.yuan(row.amount_fen), css="n"),
            Cell("渐退期", f"{one.first} 至 {one.last}", note=f"共 {one.months} 个月", css="num"),
            Cell("进度", look=look), Cell("后续关注", "已列入" if one.watched else "—"),
        ),
    )  # fmt: skip
