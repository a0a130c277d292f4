"""Spot checks of a county: draw a list, send people out, enter what they found, read the error rate."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.cases.guard import level_of
from tuodi.decisions.corrections import differing
from tuodi.org.models import User
from tuodi.policy.procedure import MARK_LABELS
from tuodi.verification.models import SpotCheck, SpotCheckItem, VisitTask
from tuodi.verification.spot_actions import DUTIES, draw, enter_result, plan_item, redraw_fits
from tuodi.verification.visit_queries import access_spot_check, score_of, spot_checks
from tuodi.web.components import navigation, pages, posting, reading
from tuodi.web.components.words import Look
from tuodi.web.counter import work
from tuodi.web.counter.visits import visitors
from tuodi.web.field import showing

RESULTS = {"": Look("未查"), "agree": Look("一致", "ok", "check"), "differ": Look("不一致", "bad", "x")}


class DrawForm(forms.Form):
    """Programme, days of acceptance, and a rate above the procedure's."""

    programme = forms.ChoiceField(
        label="项目", choices=[("dibao", "最低生活保障"), ("tekun", "特困人员"), ("edge", "低保边缘家庭")]
    )
    since = forms.DateField(label="受理日期起", widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label="受理日期止", widget=forms.DateInput(attrs={"type": "date"}))
    percent = forms.IntegerField(
        label="抽查比例", required=False, min_value=1, max_value=100, help_text="不填按办理程序规定的比例；只能更高"
    )
    filed = forms.BooleanField(label="抽查乡镇（街道）确认、已备案的", required=False)


def _may_draw(request: HttpRequest) -> bool:
    region = request.user.office.place_code.ljust(12, "0")
    return level_of(request.user) == "COUN" and navigation.may(request, DUTIES, region)


def listing(request: HttpRequest) -> HttpResponse:
    """All draws; a POST draws a new one."""
    may = _may_draw(request)
    form = DrawForm(request.POST or None)
    if request.method == "POST" and may and form.is_valid():
        data = form.cleaned_data
        done, row = posting.attempt(
            request,
            lambda: draw(
                acting_user=request.user,
                programme=data["programme"],
                since=data["since"],
                until=data["until"],
                percent=data["percent"],
                filed=data["filed"],
            ),
            lambda row: (
                f"已抽取 {row.mandatory + row.drawn} 户：必查 {row.mandatory} 户，随机 {row.drawn} 户。名单已固定。"
            ),
        )
        if done and row is not None:
            return posting.back(reverse("web:spot-check", args=[row.pk]))
    rows = spot_checks()
    page = pages.page_of(request, lambda start, stop: [_row(one) for one in rows[start:stop]])
    return render(request, "county/spot_checks.html", {"page": page, "form": form if may else None})


def _row(check: SpotCheck) -> dict[str, Any]:
    listed = check.mandatory + check.drawn
    checked, differ = check.checked, check.differ  # type: ignore[attr-defined]
    return {
        "row": check,
        "programme": work.programme_label(check.programme),
        "population": len(check.population),
        "listed": listed,
        "open": listed - checked,
        "differ": differ,
        "rate": f"{differ * 100 / checked:.1f}%" if checked else "—",
    }


def show(request: HttpRequest, pk: int) -> HttpResponse:
    """One draw with its list; a POST plans a visit or enters a result."""
    check = access_spot_check(request.user, pk)
    items = list(
        check.items.select_related("case__applicant", "case__household", "task", "checked_by").order_by("position")
    )
    here = reverse("web:spot-check", args=[check.pk])
    if request.method == "POST":
        _do(request, items)
        return posting.back(here)
    cases = [item.case for item in items if item.case]
    reading.note_list(request, "抽查名单", [one.household_id for one in cases], [one.applicant_id for one in cases])
    people = visitors(check.region, request.user)
    colleagues = [one for one in people if level_of(one) == "COUN"]
    score = score_of(items)
    may = _may_draw(request)
    filed = set(differing().filter(check_of=check).values_list("pk", flat=True))
    context = {
        "check": check,
        "programme": work.programme_label(check.programme),
        "items": [_item(item, filed=item.pk in filed) for item in items],
        "population": len(check.population),
        "score": score,
        "rate": "—" if score.error_percent is None else f"{score.error_percent:.1f}%",
        "fits": redraw_fits(check),
        "colleagues": colleagues,
        "may": may,
        "clause": check.clause,
    }
    return render(request, "county/spot_check.html", context)


def _item(item: SpotCheckItem, *, filed: bool) -> dict[str, Any]:
    task = item.task
    return {
        "row": item,
        "name": item.case.applicant.name,
        "no": item.case.no,
        "href": reverse("web:case", args=[item.case_id]),
        "place": showing.places.path(item.region),
        "reason": "随机" if item.reason == "random" else MARK_LABELS.get(item.reason, item.reason),
        "must": item.reason != "random",
        "look": RESULTS[item.result],
        "task": task,
        "task_look": showing.LOOKS[VisitTask.State(task.state)] if task else None,
        "correction": reverse("web:correction", args=[item.pk]) if filed else "",
        "plans": not item.result and (task is None or task.state == "cancelled"),
        "enters": not item.result and task is not None and task.state in ("signed", "refused"),
    }


def _do(request: HttpRequest, items: list[SpotCheckItem]) -> None:
    wanted = posting.text(request, "item", 20)
    item = next((one for one in items if str(one.pk) == wanted), None)
    answer = posting.text(request, "answer", 20)
    if item is None:
        posting.refuse(request, "名单上没有这一户，请刷新页面。")
    elif answer == "plan":
        ids = [posting.text(request, name, 20) for name in ("first", "second")]
        people = list(User.objects.filter(pk__in=[one for one in ids if one.isascii() and one.isdigit()]))
        posting.attempt(
            request,
            lambda: plan_item(item, acting_user=request.user, assigned=people),
            lambda task: f"入户任务 {task.no} 已安排。",
        )
    elif answer in ("agree", "differ"):
        note = posting.text(request, "note", 300)
        posting.attempt(
            request,
            lambda: enter_result(item, acting_user=request.user, agrees=answer == "agree", note=note),
            f"{item.case.no} 的结果已登记。",
        )
