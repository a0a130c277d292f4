"""Five classes in three layers (五类三层): what the roll proposes, what is confirmed, counts by place."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.kernel.places import trim
from tuodi.monitoring import layers
from tuodi.monitoring.models import HouseholdClass
from tuodi.org.models import DutyCode
from tuodi.people.queries import access_household
from tuodi.web.components import navigation, pages, places, posting
from tuodi.web.components.pages import Page
from tuodi.web.components.words import Look
from tuodi.web.county import life
from tuodi.web.county.life import Cell, Deed, Part, Row

READERS = (*layers.DUTIES, DutyCode.ACCEPT, DutyCode.VISIT, DutyCode.SUPERVISE)
SHOWS = {"proposed": "待确认", "confirmed": "已确认", "ended": "已结束"}
LOOKS = {
    "proposed": Look("拟定", "warn"),
    "confirmed": Look("已确认", "ok", "check"),
    "changed": Look("已变更"),
    "ended": Look("已结束"),
}
LAYERS = {"core": Look("重点保障层", "info"), "edge": Look("边缘延伸层", "watch"), "general": Look("普惠帮扶层")}


class ClassForm(forms.Form):
    """Another class than the roll proposes."""

    kind = forms.ChoiceField(label="类", choices=HouseholdClass.Kind.choices)
    reason = life.text_field("理由", longest=300)


def listing(request: HttpRequest) -> HttpResponse:
    """Classes by state. POST confirms the ticked proposals."""
    user: Any = request.user
    if request.method == "POST":
        back = reverse("web:classes")
        return life.batch(
            request, label="确认", back=back, title="五类三层", names=_names,
            do=lambda ids: layers.confirm_many(ids, acting_user=user),
        )  # fmt: skip
    shown = life.show_of(request, SHOWS, "proposed")
    known = life.towns(request)
    town = life.town_of(request, known)
    kind = request.GET.get("kind", "")
    kind = kind if kind in HouseholdClass.Kind.values else ""
    counted = layers.counts(
        min(len(trim(user.office.place_code)) + 2 if len(trim(user.office.place_code)) < 6 else 9, 9)
    )
    totals = {state: sum(n for *_, each, n in counted if each == state) for state in ("proposed", "confirmed")}
    rows = layers.listing(shown, town, kind)
    found = pages.page_of(
        request, lambda start, stop: list(rows[start:stop]), total=totals.get(shown) if not (town or kind) else None
    )
    may = bool(set(layers.DUTIES) & set(navigation.held_duties(request)))
    context = {
        "title": "五类三层", "sub": "一个家庭同一时间只在一层；由名册拟定，人工确认", "place_names": life.scope_names(request), "show": shown,
        "tabs": life.tabs(request, SHOWS, totals, shown),
        "figures": [
            {"label": label, "value": f"{sum(n for _, _, layer, state, n in counted if layer == code and state == 'confirmed'):,}", "unit": "户",
             "foot": f"拟定 {sum(n for _, _, layer, state, n in counted if layer == code and state == 'proposed'):,} 户"}
            for code, label in HouseholdClass.Layer.choices
        ],
        "actions": [{"href": reverse("web:class-counts"), "label": "按地区汇总", "icon": "chart-dots"}],
        "page": Page([_line(one) for one in found.items], found.number, found.total, found.previous, found.next, found.pages),
        "filters": [*([life.select("town", "乡镇（街道）", known, town)] if known else []), life.select("kind", "类", HouseholdClass.Kind.choices, kind)],
        "batch": [{"do": "confirm", "label": "确认", "icon": "check", "text": "原来的分类从今天起变更", "form": forms.Form(), "primary": True}] if may and shown == "proposed" else None,
        "first_head": "家庭", "unit": "户", "empty_title": "没有待确认的分类", "empty_text": "每天按名册拟定。",
    }  # fmt: skip
    return render(request, "county/life_list.html", context)


def _names(ids: Any) -> dict[int, tuple[str, str]]:
    rows = HouseholdClass.objects.filter(pk__in=list(ids)).select_related("household__head")
    return {one.pk: (life.who(one.household), reverse("web:class", args=[one.household_id])) for one in rows}


def _line(one: HouseholdClass) -> Row:
    return Row(
        life.who(one.household), reverse("web:class", args=[one.household_id]), note=one.household.no,
        pk=one.pk if one.state == "proposed" else None,
        cells=(
            Cell("住地", places.path(one.region)), Cell("类", one.get_kind_display()), Cell("层", look=LAYERS[one.layer]),
            Cell("依据", one.basis), Cell("状态", look=LOOKS[one.state]), Cell("起", one.valid_from.isoformat(), css="num"),
        ),
    )  # fmt: skip


def by_place(request: HttpRequest) -> HttpResponse:
    """Households by place, class and layer; what is confirmed and what is proposed add up to all."""
    user: Any = request.user
    own = len(trim(user.office.place_code)) if user.office.place_code != "cn" else 0
    digits = {0: 2, 2: 4, 4: 6}.get(own, 9)
    table: dict[str, dict[str, int]] = {}
    for place, kind, _, state, n in layers.counts(digits):
        row = table.setdefault(place, {})
        row[kind] = row.get(kind, 0) + n
        row[state] = row.get(state, 0) + n
    rows = [
        Row(
            places.name(place), "", cells=(
                *(Cell(label, f"{row.get(code, 0):,}", css="n") for code, label in HouseholdClass.Kind.choices),
                Cell("合计", f"{row.get('confirmed', 0) + row.get('proposed', 0):,}", css="n"),
                Cell("其中已确认", f"{row.get('confirmed', 0):,}", css="n"),
            ),
        )
        for place, row in sorted(table.items())
    ]  # fmt: skip
    heads = ["地区", *(label for _, label in HouseholdClass.Kind.choices), "合计", "其中已确认"]
    context = {
        "title": "五类三层汇总", "crumb": {"label": "五类三层", "href": reverse("web:classes")}, "meta": life.scope_names(request),
        "parts": [Part("按地区", heads=heads, rows=rows, empty="还没有分类")], "deeds": [], "side": [],
    }  # fmt: skip
    return render(request, "county/life_page.html", context)


def show(request: HttpRequest, pk: int) -> HttpResponse:
    """The classes of one household over time; an officer may say another."""
    user: Any = request.user
    household = access_household(user, pk)
    form = ClassForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        posting.attempt(
            request,
            lambda: layers.set_class(household, kind=data["kind"], reason=data["reason"], acting_user=user),
            "已改类。",
        )
        return posting.back(reverse("web:class", args=[pk]))
    rows = HouseholdClass.objects.filter(household=household).select_related("confirmed_by").order_by("-id")[:50]
    lines = [
        Row(
            one.get_kind_display(), "", cells=(
                Cell("层", look=LAYERS[one.layer]), Cell("状态", look=LOOKS[one.state]),
                Cell("起止", f"{one.valid_from} 至 {one.valid_to or '今'}", css="num"), Cell("依据", one.basis, note=one.reason),
                Cell("确认人", one.confirmed_by.name if one.confirmed_by else "—"),
            ),
        )
        for one in rows
    ]  # fmt: skip
    may = navigation.may(request, layers.DUTIES, household.region)
    context = {
        "title": f"{household.head.name}家庭分类", "crumb": {"label": "五类三层", "href": reverse("web:classes")},
        "meta": [household.no, places.path(household.region, 3)],
        "links": [{"href": reverse("web:family", args=[pk]), "label": "家庭档案", "icon": "users"}] if navigation.may_read(request) else [],
        "parts": [Part("分类", heads=["类", "层", "状态", "起止", "依据", "确认人"], rows=lines, empty="还没有分类")],
        "deeds": [Deed("set", "改类", "改类", form, "从今天起")] if may else [], "side": [],
    }  # fmt: skip
    return render(request, "county/life_page.html", context)
