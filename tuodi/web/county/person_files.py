"""Ledger and files of persons who are entitled themselves (特困台账、一人一档, M20; children, M78): one query for county and town."""

from __future__ import annotations

from typing import Any

from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.decisions.models import Determination
from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.monitoring.models import PeriodicReview, ReviewPlan
from tuodi.org import access
from tuodi.org.errors import NotFoundError
from tuodi.org.models import DutyCode
from tuodi.people.enums import PERSON_PROGRAMMES, CareForm, Programme, SelfCare
from tuodi.people.facts import FactHistory
from tuodi.people.models import Person, RollEntry
from tuodi.verification.models import SelfCareAssessment
from tuodi.web.components import navigation, pages, places, words
from tuodi.web.components.pages import Page
from tuodi.web.components.words import Look
from tuodi.web.county import life
from tuodi.web.county.life import Cell, Part, Row

READERS = (DutyCode.ACCEPT, DutyCode.REVIEW, DutyCode.VISIT, DutyCode.CONFIRM, DutyCode.SUPERVISE)
SHOWS = {"tekun": "特困人员", "child": "困境儿童"}
_CARE = {
    "able": Look("能自理", "ok"),
    "partial_loss": Look("部分失能", "warn"),
    "complete_loss": Look("完全失能", "bad"),
}


def _entries(programme: str, month: Month) -> QuerySet[RollEntry]:
    return RollEntry.objects.filter(programme=programme, start_month__lte=month.yyyymm).filter(
        Q(end_month__isnull=True) | Q(end_month__gte=month.yyyymm)
    )


def listing(request: HttpRequest) -> HttpResponse:
    """Who is on the roll this month: form of care, self-care, amount, next review."""
    month = Month.of(clock.today())
    shown = life.show_of(request, SHOWS, "tekun")
    known = life.towns(request)
    town = life.town_of(request, known)
    form, care = request.GET.get("form", ""), request.GET.get("care", "")
    counts = {code: _entries(code, month).count() for code in SHOWS}
    rows = _entries(shown, month).select_related("person", "household")
    if town:
        found_range = access.range_of(town)
        rows = rows.filter(region__gte=found_range.low, region__lt=found_range.high)
    if form in CareForm.values:
        rows = rows.filter(form=form)
    if care in SelfCare.values:
        rows = rows.filter(self_care=care)
    plan = ReviewPlan.objects.filter(person=OuterRef("person"), programme=shown, ended_on__isnull=True)
    rows = rows.annotate(next_look=Subquery(plan.values("due_on")[:1])).order_by("region", "id")
    plain = not (town or form or care)
    found = pages.page_of(request, lambda start, stop: list(rows[start:stop]), total=counts[shown] if plain else None)
    context = {
        "title": "特困和儿童台账", "sub": "县、乡两级同一份数据；一人一档", "place_names": life.scope_names(request), "show": shown,
        "tabs": life.tabs(request, SHOWS, counts, shown),
        "page": Page([_line(one) for one in found.items], found.number, found.total, found.previous, found.next, found.pages),
        "filters": [
            *([life.select("town", "乡镇（街道）", known, town)] if known else []),
            life.select("form", "供养方式", CareForm.choices, form), life.select("care", "自理能力", SelfCare.choices, care),
        ],
        "first_head": "姓名", "unit": "人", "empty_title": "没有在册的人", "empty_text": "确认后列入名册的人自动进入台账。",
    }  # fmt: skip
    return render(request, "county/life_list.html", context)


def _line(one: RollEntry) -> Row:
    assert one.person is not None
    due = one.next_look  # type: ignore[attr-defined]
    return Row(
        one.person.name, reverse("web:person-file", args=[one.person_id]), note=one.person.id_masked,
        cells=(
            Cell("住地", places.path(one.region)), Cell("供养方式", one.get_form_display() or "—"),
            Cell("自理能力", look=_CARE.get(one.self_care), text="" if one.self_care in _CARE else "—"),
            Cell("月金额（元）", words.yuan(one.amount_fen), css="n"),
            Cell("起", str(Month.parse(str(one.start_month))), css="num"),
            Cell("下次核查", due.isoformat() if due else "—", look=life.days_look(due, clock.today()) if due else None, css="num"),
        ),
    )  # fmt: skip


def show(request: HttpRequest, pk: int) -> HttpResponse:
    """One person's file: roll, wish, assessments, decisions and reviews over time."""
    user: Any = request.user
    person = access.one(Person.objects.all(), user=user, what="人员", pk=pk)
    rolls = list(
        RollEntry.objects.filter(person=person, programme__in=PERSON_PROGRAMMES)
        .select_related("household__head")
        .order_by("-start_month")
    )
    if not rolls:
        raise NotFoundError("人员档案")
    home = rolls[0].household
    context = {
        "title": f"{person.name}档案", "crumb": {"label": "特困和儿童台账", "href": reverse("web:person-files")},
        "marks": [look] if (look := _CARE.get(rolls[0].self_care)) else [],
        "meta": [person.id_masked, places.path(person.region, 3)],
        "links": [{"href": reverse("web:family", args=[home.pk]), "label": "家庭档案", "icon": "users"}] if navigation.may_read(request) else [],
        "parts": [_rolls(rolls), _assessments(person), _decisions(person), _reviews(person)], "deeds": [],
        "side": [Part("供养", _facts(person, rolls[0]))],
    }  # fmt: skip
    return render(request, "county/life_page.html", context)


def _facts(person: Person, now: RollEntry) -> list[tuple[str, Any]]:
    """The wish as it is known, beside how it is."""
    wish = ""
    history = FactHistory(now.household)
    file = history.file(clock.today())
    present = [one.person_id for one in history.memberships if one.until is None]
    if person.pk in present and len(present) == len(file["members"]):
        wish = str(file["members"][present.index(person.pk)].get("support_form") or "")
    return [
        ("项目", now.get_programme_display()), ("现供养方式", now.get_form_display()),
        ("本人意愿", dict(CareForm.choices).get(wish, "没有登记")), ("自理能力", now.get_self_care_display()),
        ("月金额", f"{words.yuan(now.amount_fen)} 元"), ("出生日期", person.birth.isoformat() if person.birth else ""),
        *([("死亡日期", person.died_on.isoformat())] if person.died_on else []),
    ]  # fmt: skip


def _rolls(rows: list[RollEntry]) -> Part:
    lines = [
        Row(
            Programme(one.programme).label, "", note=one.household.no,
            cells=(
                Cell("月金额（元）", words.yuan(one.amount_fen), css="n"),
                Cell("起止", f"{Month.parse(str(one.start_month))} 至 {Month.parse(str(one.end_month)) if one.end_month else '今'}", css="num"),
                Cell("供养方式", one.get_form_display() or "—"), Cell("自理能力", one.get_self_care_display() or "—"),
            ),
        )
        for one in rows
    ]  # fmt: skip
    return Part("在册变动", heads=["项目", "月金额（元）", "起止", "供养方式", "自理能力"], rows=lines)


def _assessments(person: Person) -> Part:
    rows = SelfCareAssessment.objects.filter(person=person).order_by("-id")[:20]
    lines = [
        Row(
            one.no, reverse("web:self-care", args=[one.pk]),
            cells=(
                Cell("事由", one.get_cause_display()), Cell("状态", one.get_state_display()), Cell("评估机构", one.body_name),
                Cell("评估日期", one.assessed_on.isoformat() if one.assessed_on else "—", css="num"),
                Cell("不能达到", f"{one.failed} 项" if one.failed is not None else "—", css="num"),
            ),
        )
        for one in rows
    ]  # fmt: skip
    return Part(
        "自理能力评估",
        heads=["评估号", "事由", "状态", "评估机构", "评估日期", "不能达到"],
        rows=lines,
        empty="没有评估记录",
    )


def _decisions(person: Person) -> Part:
    rows = Determination.objects.filter(person=person).defer("explanation").order_by("-id")[:20]
    lines = [
        Row(
            one.no, reverse("web:determination", args=[one.pk]), note=one.decided_on.isoformat(),
            cells=(
                Cell("结论", one.get_outcome_display()), Cell("月金额（元）", words.yuan(one.amount_fen), css="n"),
                Cell("理由", one.reasons or "—", css="wrap-any"),
            ),
        )
        for one in rows
    ]  # fmt: skip
    return Part("决定", heads=["决定书号", "结论", "月金额（元）", "理由"], rows=lines, empty="没有决定")


def _reviews(person: Person) -> Part:
    rows = PeriodicReview.objects.filter(person=person).exclude(state="dropped").order_by("-id")[:20]
    lines = [
        Row(
            one.due_on.isoformat(), reverse("web:review-due", args=[one.pk]),
            cells=(
                Cell("状态", one.get_state_display()), Cell("结果", one.get_result_display() or "—"),
                Cell("情况", one.found or "—", css="wrap-any"),
            ),
        )
        for one in rows
    ]  # fmt: skip
    return Part("定期核查", heads=["应核查日", "状态", "结果", "情况"], rows=lines, empty="没有核查记录")
