"""What the family page shows of dynamic management: its class, what is open, and what may be entered here."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from tuodi.decisions.models import RollNotice
from tuodi.monitoring import change_reports, deaths, job_offers, splits, transfers
from tuodi.monitoring.dynamic_states import OPEN_TRANSFERS
from tuodi.monitoring.models import ChangeReport, DeathMatter, HouseholdClass, PeriodicReview, ReviewPlan, Transfer
from tuodi.people.models import Household
from tuodi.web.components import navigation
from tuodi.web.components.words import Look
from tuodi.web.county.life import days_look

__all__ = ["panel"]


def panel(request: HttpRequest, household: Household, today: date) -> dict[str, Any]:
    """Six queries, whatever the family has."""
    items: list[dict[str, Any]] = []
    plans = list(ReviewPlan.objects.filter(household=household, ended_on__isnull=True).order_by("id")[:5])
    reviews = {
        one.plan_id: one
        for one in PeriodicReview.objects.filter(household=household, state__in=["due", "assigned", "found"])
    }
    for plan in plans:
        review = reviews.get(plan.pk)
        grade = f"{plan.grade} 类，" if plan.grade else ""
        items.append(
            {
                "look": days_look(plan.due_on, today), "title": f"定期核查（{plan.get_programme_display()}）",
                "text": f"{grade}每 {plan.months} 个月，应在 {plan.due_on} 前",
                "href": reverse("web:review-due", args=[review.pk]) if review else "",
            }
        )  # fmt: skip
    for report in ChangeReport.objects.filter(household=household, state__in=["reported", "checked"]).order_by("id")[
        :5
    ]:
        items.append(
            {
                "look": Look(report.get_state_display(), "warn"), "title": f"变化报告：{report.get_kind_display()}",
                "text": report.no, "href": reverse("web:change", args=[report.pk]),
            }
        )  # fmt: skip
    for matter in DeathMatter.objects.filter(household=household).exclude(state="settled").order_by("id")[:5]:
        items.append(
            {
                "look": days_look(matter.due_on, today), "title": "死亡减员", "text": f"{matter.died_on} 死亡，应在 {matter.due_on} 前办结",
                "href": reverse("web:death", args=[matter.pk]),
            }
        )  # fmt: skip
    for move in Transfer.objects.filter(household=household, state__in=OPEN_TRANSFERS)[:1]:
        items.append(
            {
                "look": Look(move.get_state_display(), "info"),
                "title": "迁移",
                "text": move.no,
                "href": reverse("web:move", args=[move.pk]),
            }
        )
    for notice in RollNotice.objects.filter(household=household).order_by("-id")[:3]:
        sent = notice.delivered_on is not None
        items.append(
            {
                "look": Look("已送达", "ok", "check") if sent else Look("待送达", "warn"), "title": f"{notice.get_kind_display()}告知书",
                "text": notice.no, "href": reverse("web:roll-notice", args=[notice.pk]),
            }
        )  # fmt: skip
    held = (
        HouseholdClass.objects.filter(household=household, state__in=["confirmed", "proposed"])
        .order_by("state")
        .first()
    )
    return {
        "items": items,
        "class": _class(held),
        "class_href": reverse("web:class", args=[household.pk]),
        "links": _links(request, household),
    }


def _class(held: HouseholdClass | None) -> str:
    if held is None:
        return ""
    return f"{held.get_kind_display()} · {held.get_layer_display()}" + ("（拟定）" if held.state == "proposed" else "")


def _links(request: HttpRequest, household: Household) -> list[dict[str, str]]:
    if household.closed_on is not None:
        return []
    wanted = (
        ("change-new", "登记变化", change_reports.DUTIES), ("death-new", "登记死亡", deaths.DUTIES),
        ("job-offer-new", "登记介绍工作", job_offers.DUTIES), ("move-new", "迁移", transfers.DUTIES), ("split", "分户、并户", splits.DUTIES),
    )  # fmt: skip
    return [
        {"href": reverse(f"web:{name}", args=[household.pk]), "label": label}
        for name, label, duties in wanted
        if navigation.may(request, duties, household.region)
    ]
