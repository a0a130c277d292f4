"""What the family page shows of dynamic management: its class, what is open, and what may be entered here."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.urls import reverse

from tuodi.decisions.models import RollNotice
from tuodi.monitoring import change_reports, deaths, job_offers, pushes, splits, transfers
from tuodi.monitoring.dynamic_states import OPEN_TRANSFERS
from tuodi.monitoring.models import ChangeReport, DeathMatter, HouseholdClass, PeriodicReview, ReviewPlan, Transfer
from tuodi.people.models import Household
from tuodi.web.components import navigation
from tuodi.web.components.words import Look
from tuodi.web.county.life import days_look

__all__ = ["panel"]


def panel(request: HttpRequest, household: Household, today: date) -> dict[str, Any]:
    """One query that asks what there is at all, and one for each kind of it: most families have little."""
    there = _there(household)
    items = [
        *(_plans(household, today) if there["plans"] else ()),
        *(_report(one) for one in (_OPEN["reports"].filter(household=household).order_by("id")[:5] if there["reports"] else ())),
        *(_matter(one, today) for one in (_OPEN["matters"].filter(household=household).order_by("id")[:5] if there["matters"] else ())),
        *(_move(one) for one in (_OPEN["moves"].filter(household=household)[:1] if there["moves"] else ())),
        *(_notice(one) for one in (_OPEN["notices"].filter(household=household).order_by("-id")[:3] if there["notices"] else ())),
    ]  # fmt: skip
    held = _OPEN["classes"].filter(household=household).order_by("state").first() if there["classes"] else None
    return {
        "items": items,
        "class": _class(held),
        "class_href": reverse("web:class", args=[household.pk]),
        "links": _links(request, household),
    }


#: What of each kind is shown.
_OPEN: dict[str, QuerySet[Any]] = {
    "plans": ReviewPlan.objects.filter(ended_on__isnull=True),
    "reports": ChangeReport.objects.filter(state__in=["reported", "checked"]),
    "matters": DeathMatter.objects.exclude(state="settled"),
    "moves": Transfer.objects.filter(state__in=OPEN_TRANSFERS),
    "notices": RollNotice.objects.all(),
    "classes": HouseholdClass.objects.filter(state__in=["confirmed", "proposed"]),
}


def _there(household: Household) -> dict[str, bool]:
    wanted = {kind: Exists(rows.filter(household=OuterRef("pk"))) for kind, rows in _OPEN.items()}
    found = Household.objects.filter(pk=household.pk).annotate(**wanted).values(*wanted).first()
    return found or dict.fromkeys(wanted, False)


def _plans(household: Household, today: date) -> list[dict[str, Any]]:
    plans = list(_OPEN["plans"].filter(household=household).order_by("id")[:5])
    states = ["due", "assigned", "found"]
    reviews = {one.plan_id: one.pk for one in PeriodicReview.objects.filter(household=household, state__in=states)}
    return [
        {
            "look": days_look(plan.due_on, today),
            "title": f"定期核查（{plan.get_programme_display()}）",
            "text": f"{f'{plan.grade} 类，' if plan.grade else ''}每 {plan.months} 个月，应在 {plan.due_on} 前",
            "href": reverse("web:review-due", args=[reviews[plan.pk]]) if plan.pk in reviews else "",
        }
        for plan in plans
    ]


def _report(report: ChangeReport) -> dict[str, Any]:
    return {
        "look": Look(report.get_state_display(), "warn"),
        "title": f"变化报告：{report.get_kind_display()}",
        "text": report.no,
        "href": reverse("web:change", args=[report.pk]),
    }


def _matter(matter: DeathMatter, today: date) -> dict[str, Any]:
    return {
        "look": days_look(matter.due_on, today),
        "title": "死亡减员",
        "text": f"{matter.died_on} 死亡，应在 {matter.due_on} 前办结",
        "href": reverse("web:death", args=[matter.pk]),
    }


def _move(move: Transfer) -> dict[str, Any]:
    return {
        "look": Look(move.get_state_display(), "info"),
        "title": "迁移",
        "text": move.no,
        "href": reverse("web:move", args=[move.pk]),
    }


def _notice(notice: RollNotice) -> dict[str, Any]:
    return {
        "look": Look("已送达", "ok", "check") if notice.delivered_on else Look("待送达", "warn"),
        "title": f"{notice.get_kind_display()}告知书",
        "text": notice.no,
        "href": reverse("web:roll-notice", args=[notice.pk]),
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
    links = [
        {"href": reverse(f"web:{name}", args=[household.pk]), "label": label}
        for name, label, duties in wanted
        if navigation.may(request, duties, household.region)
    ]
    if navigation.may(request, pushes.DUTIES, household.region):
        links.append({"href": f"{reverse('web:push-new')}?family={household.pk}", "label": "推送部门（危房等）"})
    return links
