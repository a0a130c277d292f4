"""Periodic re-reviews due (定期核查): by town, class and how late; given out in batches; one review from look to confirmation."""

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
from tuodi.kernel.periods import Month
from tuodi.monitoring import periodic, review_lists
from tuodi.monitoring.deciding import amount_in, preview
from tuodi.monitoring.models import Grade, PeriodicReview
from tuodi.org import access
from tuodi.org.models import Duty, DutyCode, User
from tuodi.people.enums import Programme
from tuodi.verification.models import FactSet
from tuodi.web.components import navigation, pages, places, posting, words
from tuodi.web.components.pages import Page
from tuodi.web.components.words import Look
from tuodi.web.county import life
from tuodi.web.county.life import Cell, Deed, Part, Row

READERS = (DutyCode.REVIEW, DutyCode.VISIT, DutyCode.CONFIRM, DutyCode.CLUE_DECIDE, DutyCode.SUPERVISE)
SHOWS = {"due": "待办", "overdue": "逾期", "mine": "派给我的", "found": "待确认", "done": "已办结"}
STATES = {
    "due": Look("待核查"), "assigned": Look("已派发", "info"), "found": Look("待确认", "warn"), "done": Look("已办结", "ok", "check"),
    "dropped": Look("已撤销"),
}  # fmt: skip
RESULTS = {
    "keep": Look("不变"), "increase": Look("增发", "ok"), "decrease": Look("减发", "warn"), "grace": Look("渐退", "watch"),
    "stop": Look("停发", "bad"),
}  # fmt: skip
GRADES = [*Grade.choices, ("-", "未分类")]


class AssignForm(forms.Form):
    """Who looks."""

    to = forms.ChoiceField(label="派给")

    def __init__(self, *args: Any, people: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["to"].choices = [("", "请选择"), *people]  # type: ignore[attr-defined]


class FindingForm(forms.Form):
    """What the visit or check showed; only what differs is filled in."""

    found = life.text_field("核查情况", rows=3, longest=1000, help_text="家里几口人、谁在挣钱、和上次比有什么变化")
    income = life.YuanField(label="现家庭年收入（元）", help_text="没有变化的不填")
    assets = forms.ChoiceField(
        label="家庭财产", choices=[("", "没有变化"), ("yes", "符合规定"), ("no", "不符合规定")], required=False
    )
    medical = life.YuanField(label="医疗刚性支出（元／年）", help_text="没有变化的不填")
    job = forms.BooleanField(label="因成员就业使收入超过标准", required=False)

    def facts(self) -> dict[str, Any]:
        """Household facts that differ."""
        data = self.cleaned_data
        found: dict[str, Any] = {}
        if data["income"] is not None:
            found["income_year"] = format_yuan(data["income"], sep=False)
            found["job_income_rise"] = data["job"]
        if data["medical"] is not None:
            found["cost_medical"] = format_yuan(data["medical"], sep=False)
        if data["assets"]:
            found["assets_ok"] = data["assets"] == "yes"
        return found


class VisitForm(forms.Form):
    """Who goes: two people."""

    first = forms.ChoiceField(label="调查人一")
    second = forms.ChoiceField(label="调查人二")

    def __init__(self, *args: Any, people: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("first", "second"):
            self.fields[name].choices = [("", "请选择"), *people]  # type: ignore[attr-defined]


class GradeForm(forms.Form):
    """The class, with the reason."""

    grade = forms.ChoiceField(label="类别", choices=Grade.choices)
    reason = life.text_field("理由", longest=300)


def finders(region: str) -> list[tuple[str, str]]:
    """Officers who may look in a place: of its town, county and villages."""
    today = clock.today()
    rows = (
        Duty.objects.filter(code__in=periodic.FINDERS, since__lte=today, user__is_active=True, until__isnull=True)
        .select_related("user__office")
        .order_by("user__office__place_code", "user__name")
    )
    found: dict[str, str] = {}
    for one in rows:
        if region in access.range_of(one.place_code) or one.place_code.startswith(region[:6]):
            found[str(one.user_id)] = f"{one.user.name} · {one.user.office.name}"
    return list(found.items())


def listing(request: HttpRequest) -> HttpResponse:
    """Reviews in the reader's range, the longest overdue first. POST: gives the ticked ones out, or confirms the unchanged."""
    user: Any = request.user
    today = clock.today()
    known = life.towns(request)
    grade = request.GET.get("grade", "")
    code = request.GET.get("programme", "")
    wanted = review_lists.Wanted(
        show=life.show_of(request, SHOWS, "due"), town=life.town_of(request, known),
        grade=grade if grade in dict(GRADES) else "", programme=code if code in Programme.values else "",
    )  # fmt: skip
    people = finders(user.office.place_code.ljust(6, "0")[:12].ljust(12, "0"))
    if request.method == "POST":
        return _batch(request, people)
    counts = review_lists.counts(wanted, user, today)
    totals = {
        "due": counts.open,
        "overdue": counts.overdue,
        "mine": counts.mine,
        "found": counts.found,
        "done": counts.done,
    }
    rows = review_lists.due(wanted, user, today)
    found = pages.page_of(request, lambda start, stop: list(rows[start:stop]), total=totals[wanted.show])
    context = {
        "title": "定期核查", "sub": "按类别和间隔生成；逾期的在前", "place_names": life.scope_names(request), "show": wanted.show,
        "page": Page([_line(one, today) for one in found.items], found.number, found.total, found.previous, found.next, found.pages),
        "tabs": life.tabs(request, SHOWS, totals, wanted.show, ("overdue",)),
        "figures": [
            {"label": "待办", "value": f"{counts.open:,}", "unit": "户次", "foot": "应核查日前 30 天生成"},
            {"label": "逾期", "value": f"{counts.overdue:,}", "unit": "户次", "foot": "请先办" if counts.overdue else "", "share": pages.share(counts.overdue, counts.open) if counts.overdue else None},
            {"label": "待确认", "value": f"{counts.found:,}", "unit": "户次", "foot": "由确认层级办理"},
            {"label": "已办结", "value": f"{counts.done:,}", "unit": "户次", "foot": ""},
        ],
        "filters": [
            *([life.select("town", "乡镇（街道）", known, wanted.town)] if known else []),
            life.select("grade", "类别", GRADES, wanted.grade),
            life.select("programme", "项目", Programme.choices, wanted.programme),
        ],
        "batch": _verbs(request, people, wanted.show), "keep": request.GET.urlencode(), "first_head": "家庭", "unit": "户次",
        "empty_title": "没有要核查的家庭", "empty_text": "换一个范围，或清除筛选条件。",
    }  # fmt: skip
    return render(request, "county/life_list.html", context)


def _verbs(request: HttpRequest, people: list[tuple[str, str]], show: str) -> list[dict[str, Any]]:
    held = set(navigation.held_duties(request))
    found: list[dict[str, Any]] = []
    if show != "done" and held & set(periodic.ASSIGNERS):
        found.append(
            {
                "do": "assign",
                "label": "派发",
                "icon": "user-share",
                "text": "派给一名初审或入户人员",
                "form": AssignForm(people=people),
                "primary": True,
            }
        )
    if show == "found" and DutyCode.CONFIRM in held:
        found.append(
            {
                "do": "keep",
                "label": "确认不变",
                "icon": "check",
                "text": "只办没有变化的；有变化的请逐户打开确认",
                "form": life.yes_form("书面理由")(auto_id="keep-%s"),
                "primary": False,
            }
        )
    return found  # fmt: skip


def _batch(request: HttpRequest, people: list[tuple[str, str]]) -> HttpResponse:
    user: Any = request.user
    back = reverse("web:reviews-due") + (f"?{kept}" if (kept := posting.text(request, "keep", 500)) else "")
    do = posting.text(request, "do", 20)
    if do == "keep":
        reasons = posting.text(request, "text", 500)
        return life.batch(
            request, label="确认不变", back=back, title="定期核查", names=_names,
            do=lambda ids: periodic.close_many(ids, reasons=reasons, acting_user=user),
        )  # fmt: skip
    to = User.objects.filter(pk=int(key)).first() if (key := posting.text(request, "to", 18)) in dict(people) else None
    if do != "assign" or to is None:
        posting.refuse(request, "没有选承办人。请选择后再派发。")
        return posting.back(back)
    chosen: User = to
    return life.batch(
        request, label="派发", back=back, title="定期核查", names=_names,
        do=lambda ids: periodic.assign_many(ids, to=chosen, acting_user=user),
    )  # fmt: skip


def _names(ids: Any) -> dict[int, tuple[str, str]]:
    rows = PeriodicReview.objects.filter(pk__in=list(ids)).select_related("household__head", "person")
    return {one.pk: (life.who(one.household, one.person), reverse("web:review-due", args=[one.pk])) for one in rows}


def _line(one: PeriodicReview, today: Any) -> Row:
    done = one.state == PeriodicReview.State.DONE
    return Row(
        life.who(one.household, one.person), reverse("web:review-due", args=[one.pk]), note=one.household.no,
        pk=None if done else one.pk,
        cells=(
            Cell("住地", places.path(one.region)),
            Cell("项目", life.programme(one.programme)),
            Cell("类别", f"{one.grade}类" if one.grade else "—"),
            Cell("应核查日", one.due_on.isoformat(), look=None if done else life.days_look(one.due_on, today), css="num"),
            Cell("状态", look=RESULTS[one.result] if done and one.result else STATES[one.state]),
            Cell("承办人", one.assigned_to.name if one.assigned_to else "—"),
        ),
    )  # fmt: skip


def show(request: HttpRequest, pk: int) -> HttpResponse:
    """One review: why now, what was found, what the rules would say, what the reader may do."""
    user: Any = request.user
    row = review_lists.access_review(user, pk)
    today = clock.today()
    here = reverse("web:review-due", args=[pk])
    people = finders(row.region)
    is_open = row.state in review_lists.OPEN
    may_find = is_open and navigation.may(request, periodic.FINDERS, row.region)
    may_assign = is_open and navigation.may(request, periodic.ASSIGNERS, row.region)
    why_not = _why_not(user, row)
    do = posting.text(request, "do", 20) if request.method == "POST" else ""
    forms_of = {
        "find": FindingForm(request.POST if do == "find" else None),
        "visit": VisitForm(request.POST if do == "visit" else None, people=people, auto_id="visit-%s"),
        "grade": GradeForm(
            request.POST if do == "grade" else None, initial={"grade": row.plan.grade}, auto_id="grade-%s"
        ),
        "confirm": life.ReasonForm(request.POST if do == "confirm" else None, auto_id="confirm-%s"),
        "return": life.yes_form("退回理由")(request.POST if do == "return" else None, auto_id="return-%s"),
    }
    if do in forms_of and forms_of[do].is_valid():
        data = forms_of[do].cleaned_data
        done = {
            "find": lambda: periodic.record_finding(
                row, found=data["found"], facts=forms_of["find"].facts(), acting_user=user
            ),  # type: ignore[attr-defined]
            "visit": lambda: periodic.plan_review_visit(
                row, assigned=list(User.objects.filter(pk__in=[data["first"], data["second"]])), acting_user=user
            ),
            "grade": lambda: periodic.set_grade(row.plan, grade=data["grade"], reason=data["reason"], acting_user=user),
            "confirm": lambda: periodic.close_review(row, reasons=data["reasons"], acting_user=user),
            "return": lambda: periodic.return_review(row, reason=data["text"], acting_user=user),
        }[do]
        posting.attempt(request, done, "已办理。")
        return posting.back(here)
    deeds: list[Deed] = []
    if may_find:
        deeds.append(
            Deed(
                "find",
                "登记核查情况",
                "提交确认",
                forms_of["find"],
                "只填和上次不同的；事实定稿后由确认层级办理",
                primary=row.state != "found",
            )
        )
    if row.state == "found" and not why_not:
        deeds.insert(
            0,
            Deed(
                "confirm", "确认结论", "确认", forms_of["confirm"], "按规则作出；有变化的同时出具告知书", primary=True
            ),
        )
        deeds.append(Deed("return", "退回重查", "退回", forms_of["return"]))
    if may_find and row.visit is None:
        deeds.append(Deed("visit", "安排入户", "安排入户", forms_of["visit"], "两人以上"))
    if may_assign:
        deeds.append(Deed("grade", "认定类别", "认定", forms_of["grade"], "类别定间隔"))
    context = {
        "title": life.who(row.household, row.person), "crumb": {"label": "定期核查", "href": reverse("web:reviews-due")},
        "marks": [STATES[row.state], *([life.days_look(row.due_on, today)] if is_open else []), *([RESULTS[row.result]] if row.result else [])],
        "meta": [row.household.no, places.path(row.region, 3), life.programme(row.programme)],
        "links": _links(request, row), "notices": _notices(row, today), "parts": _parts(row), "deeds": deeds,
        "side": [Part("核查计划", _plan(row))],
        "locked": [text for text in (why_not if row.state == "found" else "", "" if may_find or row.state not in ("due", "assigned") else "由初审或入户人员登记核查情况") if text],
    }  # fmt: skip
    return render(request, "county/life_page.html", context)


def _why_not(user: User, row: PeriodicReview) -> str:
    if row.state != PeriodicReview.State.FOUND:
        return ""
    try:
        require_confirmer(user, row.region, row.programme)
    except TuodiError as error:
        return str(error)
    return "您已办理核查，不能再办确认，请由另一人办理。" if row.found_by_id == user.pk else ""


def _links(request: HttpRequest, row: PeriodicReview) -> list[dict[str, str]]:
    found = []
    if navigation.may_read(request):
        found.append({"href": reverse("web:family", args=[row.household_id]), "label": "家庭档案", "icon": "users"})
    if row.visit is not None:
        found.append({"href": reverse("web:field-task", args=[row.visit_id]), "label": "入户任务", "icon": "map-pin"})
    if row.determination_id is not None:
        found.append(
            {
                "href": reverse("web:determination", args=[row.determination_id]),
                "label": "决定",
                "icon": "file-certificate",
            }
        )
    return found  # fmt: skip


def _notices(row: PeriodicReview, today: Any) -> list[str]:
    if row.state in review_lists.OPEN and row.due_on < today:
        return [f"应在 {row.due_on} 前核查，已逾期 {(today - row.due_on).days} 天。"]
    return []


def _plan(row: PeriodicReview) -> list[tuple[str, Any]]:
    held = row.plan
    return [
        ("类别", f"{held.grade}类（{held.get_basis_display()}）" if held.grade else held.get_basis_display()),
        *([("理由", held.reason)] if held.reason else []),
        ("间隔", f"每 {held.months} 个月"), ("依据", held.clause), ("上次核查", held.last_on.isoformat()),
        ("应核查日", row.due_on.isoformat()), ("承办人", row.assigned_to.name if row.assigned_to else ""),
    ]  # fmt: skip


def _parts(row: PeriodicReview) -> list[Part]:
    month = Month.of(clock.today()).next()
    now = amount_in(row.household, row.programme, row.person, month)
    parts = []
    if row.found:
        pairs: list[tuple[str, Any]] = [
            ("情况", row.found), ("核查人", f"{row.found_by.name}，{row.found_at:%Y-%m-%d}" if row.found_by and row.found_at else ""),
        ]  # fmt: skip
        if row.state == PeriodicReview.State.DONE:
            pairs += [
                ("结果", row.get_result_display()), ("理由", row.reasons),
                ("确认人", f"{row.done_by.name}，{row.done_at:%Y-%m-%d}" if row.done_by and row.done_at else ""),
            ]  # fmt: skip
        parts.append(Part("核查情况", pairs))
    else:
        parts.append(Part("核查情况", empty="还没有登记核查情况"))
    if row.state == PeriodicReview.State.FOUND:
        parts.append(Part("确认后会怎样", outcome_pairs(row.fact_set, row.programme, row.person, now)))
    return parts


def outcome_pairs(
    fact_set: FactSet | None, programme: str, person: Any, now: int | None, *, effective: Month | None = None
) -> list[tuple[str, Any]]:
    """What a confirmation would do, by the rules, in words."""
    if fact_set is None:
        return [("结论", "没有变化，维持原待遇"), ("月金额", f"{words.yuan(now)} 元")]
    try:
        seen = preview(fact_set, programme, person, effective=effective)
    except TuodiError as error:
        return [("结论", f"还不能计算：{error}")]
    if not seen.kind:
        return [("结论", "缺事实，不能确认"), ("缺少", "、".join(seen.missing))]
    pairs: list[tuple[str, Any]] = [
        ("结论", RESULTS[seen.kind].word), ("现在", f"{words.yuan(seen.before_fen)} 元／月"),
        (f"{effective} 起" if effective else "下月起", f"{words.yuan(seen.after_fen)} 元／月"),
    ]  # fmt: skip
    if seen.until is not None:
        pairs.append(("渐退到", f"{seen.until}，到期自动停发"))
    return pairs
