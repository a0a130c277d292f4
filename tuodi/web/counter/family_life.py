"""What the family page shows of dynamic management: its class, what is open, and what may be entered here."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Model, OuterRef, QuerySet, Subquery
from django.db.models.functions import JSONObject
from django.http import HttpRequest
from django.urls import reverse

from tuodi.decisions.models import RollNotice
from tuodi.monitoring import change_reports, deaths, job_offers, pushes, splits, transfers
from tuodi.monitoring.dynamic_states import OPEN_TRANSFERS
from tuodi.monitoring.models import ChangeReport, DeathMatter, HouseholdClass, PeriodicReview, ReviewPlan, Transfer
from tuodi.people.enums import Programme
from tuodi.people.models import Household
from tuodi.web.components import navigation
from tuodi.web.components.words import Look
from tuodi.web.county.life import days_look

__all__ = ["panel"]


def panel(request: HttpRequest, household: Household, today: date) -> dict[str, Any]:
    """What there is of every kind, in one query."""
    found = _found(household)
    items = [
        *(_plan(one, today) for one in found["plans"]),
        *(_report(one) for one in found["reports"]),
        *(_matter(one, today) for one in found["matters"]),
        *(_move(one) for one in found["moves"]),
        *(_notice(one) for one in found["notices"]),
    ]
    return {
        "items": items,
        "class": _class(found["classes"]),
        "class_href": reverse("web:class", args=[household.pk]),
        "links": _links(request, household),
    }


Row = dict[str, Any]
_REVIEW = PeriodicReview.objects.filter(plan=OuterRef("pk"), state__in=["due", "assigned", "found"]).order_by("-id")


def _some(rows: QuerySet[Any], order: str, most: int, *names: str, **more: Any) -> ArraySubquery:
    """The first rows of a kind of the household, each as an object of the named columns."""
    columns = JSONObject(**{name: name for name in names}, **more)
    return ArraySubquery(rows.filter(household=OuterRef("pk")).order_by(order).values(found=columns)[:most])


def _found(household: Household) -> dict[str, list[Row]]:
    wanted = {
        "plans": _some(
            ReviewPlan.objects.filter(ended_on__isnull=True), "id", 5, "programme", "grade", "months", "due_on",
            review=Subquery(_REVIEW.values("pk")[:1]),
        ),
        "reports": _some(ChangeReport.objects.filter(state__in=["reported", "checked"]), "id", 5, "pk", "no", "kind", "state"),
        "matters": _some(DeathMatter.objects.exclude(state="settled"), "id", 5, "pk", "died_on", "due_on"),
        "moves": _some(Transfer.objects.filter(state__in=OPEN_TRANSFERS), "id", 1, "pk", "no", "state"),
        "notices": _some(RollNotice.objects.all(), "-id", 3, "pk", "no", "kind", "delivered_on"),
        "classes": _some(
            HouseholdClass.objects.filter(state__in=["confirmed", "proposed"]), "state", 1, "kind", "layer", "state"
        ),
    }  # fmt: skip
    row = Household.objects.filter(pk=household.pk).annotate(**wanted).values(*wanted).first()
    return row or {kind: [] for kind in wanted}


def _plan(plan: Row, today: date) -> Row:
    due = date.fromisoformat(plan["due_on"])
    grade = f"{plan['grade']} 类，" if plan["grade"] else ""
    return {
        "look": days_look(due, today),
        "title": f"定期核查（{Programme(plan['programme']).label}）",
        "text": f"{grade}每 {plan['months']} 个月，应在 {due} 前",
        "href": reverse("web:review-due", args=[plan["review"]]) if plan["review"] else "",
    }


def _report(report: Row) -> Row:
    return {
        "look": Look(_label(ChangeReport, "state", report), "warn"),
        "title": f"变化报告：{_label(ChangeReport, 'kind', report)}",
        "text": report["no"],
        "href": reverse("web:change", args=[report["pk"]]),
    }


def _matter(matter: Row, today: date) -> Row:
    return {
        "look": days_look(date.fromisoformat(matter["due_on"]), today),
        "title": "死亡减员",
        "text": f"{matter['died_on']} 死亡，应在 {matter['due_on']} 前办结",
        "href": reverse("web:death", args=[matter["pk"]]),
    }


def _move(move: Row) -> Row:
    return {
        "look": Look(_label(Transfer, "state", move), "info"),
        "title": "迁移",
        "text": move["no"],
        "href": reverse("web:move", args=[move["pk"]]),
    }


def _notice(notice: Row) -> Row:
    return {
        "look": Look("已送达", "ok", "check") if notice["delivered_on"] else Look("待送达", "warn"),
        "title": f"{_label(RollNotice, 'kind', notice)}告知书",
        "text": notice["no"],
        "href": reverse("web:roll-notice", args=[notice["pk"]]),
    }


def _class(found: list[Row]) -> str:
    if not found:
        return ""
    held = found[0]
    words = " · ".join(_label(HouseholdClass, name, held) for name in ("kind", "layer"))
    return words + ("（拟定）" if held["state"] == "proposed" else "")


def _label(model: type[Model], name: str, row: Row) -> str:
    """What people call a code of a column."""
    codes: Any = model._meta.get_field(name).flatchoices  # type: ignore[union-attr]
    return str(dict(codes).get(row[name], row[name]))


def _links(request: HttpRequest, household: Household) -> list[dict[str, str]]:
    if household.closed_on is not None:
        return []
    wanted = (
        ("change-new", "登记变化", change_reports.DUTIES), ("death-new", "登记死亡", deaths.DUTIES),
        ("job-offer-new", "登记介绍工作", job_offers.DUTIES), ("move-new", "迁移", transfers.DUTIES), ("split", "分户、并户", splits.DUTIES),
    )  # fmt: skip
    links = [
        {"href": reverse(f"web:{name}", args=[household.pk]), "label": label}
        for name, label, duties in wanted
        if navigation.may(request, duties, household.region)
    ]
    if navigation.may(request, pushes.DUTIES, household.region):
        links.append({"href": f"{reverse('web:push-new')}?family={household.pk}", "label": "推送部门（危房等）"})
    return links
