"""Papers that did not come in their time: the first-contact officer's list, and the county's with its word on each."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.decisions import late_papers
from tuodi.decisions.models import PaperAlarm
from tuodi.kernel import clock
from tuodi.org import access
from tuodi.org.models import DutyCode
from tuodi.web.components import navigation, pages, places, posting
from tuodi.web.components.pages import Page
from tuodi.web.components.words import Look
from tuodi.web.county import life
from tuodi.web.county.life import Cell, Deed, Part, Row

READERS = (DutyCode.ACCEPT, DutyCode.REVIEW, DutyCode.CONFIRM, DutyCode.SUPERVISE)
SHOWS = {"open": "未补齐", "mine": "我经办的", "unseen": "县级未阅", "done": "已补齐", "all": "全部"}


def listing(request: HttpRequest) -> HttpResponse:
    """The longest overdue first."""
    user: Any = request.user
    shown = life.show_of(request, SHOWS, "open")
    counts = late_papers.counts(user)
    rows = late_papers.listing(shown, user)
    found = pages.page_of(request, lambda start, stop: list(rows[start:stop]), total=counts[shown])
    context = {
        "title": "材料逾期", "sub": "先行救助的手续、一次性告知要补的材料，到期没有补齐的", "place_names": life.scope_names(request),
        "show": shown, "tabs": life.tabs(request, SHOWS, counts, shown, ("mine", "unseen")),
        "page": Page([_line(one) for one in found.items], found.number, found.total, found.previous, found.next, found.pages),
        "filters": [], "first_head": "申请人", "unit": "件", "empty_title": "没有逾期的材料", "empty_text": "到期没有补齐的，次日自动列入并提醒申请人一次。",
    }  # fmt: skip
    return render(request, "county/life_list.html", context)


def _line(one: PaperAlarm) -> Row:
    look = Look("已补齐", "ok", "check") if one.done_on else life.days_look(one.due_on, clock.today())
    return Row(
        one.case.applicant.name, reverse("web:late-paper", args=[one.pk]), note=one.no,
        cells=(
            Cell("住地", places.path(one.region)), Cell("材料", one.get_kind_display(), note=f"{one.count} 项" if one.count else ""),
            Cell("应补齐", one.due_on.isoformat(), look=look, css="num"), Cell("首问责任人", one.officer.name),
            Cell("申请人", "已发短信" if one.message else "没有手机号，由经办人告知"),
            Cell("县级", one.county_note or "未阅", css="wrap-any"),
        ),
    )  # fmt: skip


def show(request: HttpRequest, pk: int) -> HttpResponse:
    """One alarm; the county notes its word."""
    user: Any = request.user
    rows = PaperAlarm.objects.select_related("case__applicant", "officer", "county_seen_by")
    row = access.one(rows, user=user, what="材料逾期提醒", pk=pk)
    form = life.yes_form("督办意见", rows=2, longest=300)(request.POST or None)
    if request.method == "POST" and form.is_valid():
        posting.attempt(
            request, lambda: late_papers.see(row, note=form.cleaned_data["text"], acting_user=user), "已登记督办意见。"
        )
        return posting.back(reverse("web:late-paper", args=[pk]))
    may = row.county_seen_on is None and navigation.may(request, late_papers.READ_DUTIES, row.region)
    seen = f"{row.county_seen_on}，{row.county_seen_by.name}" if row.county_seen_by else "—"
    context = {
        "title": f"{row.case.applicant.name} {row.get_kind_display()}逾期", "crumb": {"label": "材料逾期", "href": reverse("web:late-papers")},
        "marks": [Look("已补齐", "ok", "check") if row.done_on else life.days_look(row.due_on, clock.today())],
        "meta": [row.no, places.path(row.region, 3)],
        "links": [{"href": reverse("web:case", args=[row.case_id]), "label": "办件", "icon": "inbox"}] if navigation.may_read(request) else [],
        "parts": [Part("县级督办", [("阅知", seen), ("意见", row.county_note or "—")])],
        "deeds": [Deed("see", "督办", "登记意见", form, "由县级填写", primary=True)] if may else [],
        "side": [Part("逾期", [
            ("应补齐", row.due_on.isoformat()), ("提醒", row.raised_on.isoformat()), ("首问责任人", row.officer.name),
            ("申请人", "已发短信" if row.message else "没有登记手机号，由经办人告知"),
        ])],
    }  # fmt: skip
    return render(request, "county/life_page.html", context)
