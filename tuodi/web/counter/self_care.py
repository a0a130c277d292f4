"""Self-care assessments: the list that waits, one assessment (made to be filled on a phone), and those of a case."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.audit.actions import record
from tuodi.cases.guard import level_of
from tuodi.cases.models import Case, Step
from tuodi.cases.queries import access_case
from tuodi.decisions.care_actions import expiring_agreements
from tuodi.files.store import open_plain
from tuodi.kernel import clock
from tuodi.kernel.errors import TuodiError
from tuodi.org import access
from tuodi.org.models import DutyCode
from tuodi.people.queries import members_on
from tuodi.policy.procedure import Does
from tuodi.verification.models import SelfCareAssessment, SelfCarePaper
from tuodi.verification.models.self_care import ITEMS
from tuodi.verification.self_care_actions import (
    ENTER_DUTIES,
    ORDER_DUTIES,
    add_self_care_paper,
    assess_self_care,
    cancel_self_care,
    order_self_care,
)
from tuodi.verification.self_care_queries import (
    access_assessment,
    assessments_of,
    bodies_for,
    waiting_assessments,
)
from tuodi.web.components import navigation, places, posting
from tuodi.web.components.words import Look
from tuodi.web.counter import work

READERS = (DutyCode.ACCEPT, DutyCode.REVIEW, DutyCode.VISIT, DutyCode.CONFIRM)
State = SelfCareAssessment.State
LOOKS = {
    State.ORDERED: Look("待评估", "warn", "clock"),
    State.ASSESSED: Look("已评估", "ok", "check"),
    State.CANCELLED: Look("已取消"),
}
_MOST = 200
_SOON = 60


def listing(request: HttpRequest) -> HttpResponse:
    """What waits to be assessed, and agreements that lapse within sixty days."""
    today = clock.today()
    rows = list(waiting_assessments()[:_MOST])
    lapsing = list(expiring_agreements(date.fromordinal(today.toordinal() + _SOON))[:_MOST])
    context = {
        "rows": [(row, work.due_look(row.due_on, row.due_pending, today), places.path(row.region)) for row in rows],
        "lapsing": [(row, places.path(row.region), row.until < today) for row in lapsing],
        "soon": _SOON,
    }
    return render(request, "counter/self_cares.html", context)


def show(request: HttpRequest, pk: int) -> HttpResponse:
    """One assessment; a POST keeps its papers and enters its result, or takes the order back."""
    row = access_assessment(request.user, pk)
    problem = ""
    if request.method == "POST":
        try:
            posting.succeed(request, _do(request, row))
            return posting.back(reverse("web:self-care", args=[row.pk]))
        except TuodiError as error:
            problem = str(error)
            row = access_assessment(request.user, pk)
    waiting = row.state == State.ORDERED
    county = level_of(request.user) == "COUN"
    context = {
        "row": row,
        "look": LOOKS[State(row.state)],
        "due": work.due_look(row.due_on, row.due_pending, clock.today()),
        "place": places.path(row.region),
        "items": _items(row, request),
        "papers": list(row.papers.order_by("id")),
        "may_enter": waiting and county and navigation.may(request, ENTER_DUTIES, row.region),
        "may_cancel": waiting and navigation.may(request, ORDER_DUTIES, row.region),
        "why_not": "" if county else "结果由县级民政部门登记（43-20）。",
        "posted": request.POST,
        "today": clock.today(),
        "problem": problem,
    }
    return render(request, "counter/self_care.html", context)


def _items(row: SelfCareAssessment, request: HttpRequest) -> list[dict[str, Any]]:
    """The six lines: what the person can do, from the row or as just posted."""
    lines = []
    for name, label in ITEMS.items():
        posted = request.POST.get(name, "")
        fails = row.items.get(name) if row.items else {"no": True, "yes": False}.get(posted)
        lines.append({"name": name, "label": label, "fails": fails})
    return lines


def _do(request: HttpRequest, row: SelfCareAssessment) -> str:
    if posting.text(request, "answer", 20) == "cancel":
        cancel_self_care(row, acting_user=request.user, reason=posting.text(request, "reason", 200))  # type: ignore[arg-type]
        return f"评估 {row.no} 已取消。"
    for file in request.FILES.getlist("papers")[:12]:
        add_self_care_paper(row, file.read(), acting_user=request.user, caption=posting.text(request, "caption", 40))  # type: ignore[arg-type]
    answers = {name: {"no": True, "yes": False}.get(posting.text(request, name, 3)) for name in ITEMS}
    names = posting.text(request, "assessors", 200).replace("，", "、").replace(",", "、").split("、")
    try:
        day = date.fromisoformat(posting.text(request, "assessed_on", 10))
    except ValueError as error:
        raise TuodiError("没有填写评估日期，请选择。") from error
    done = assess_self_care(
        row,
        acting_user=request.user,  # type: ignore[arg-type]
        items=answers,
        assessors=names,
        assessed_on=day,
        place=posting.text(request, "place", 100),
        opinion=posting.text(request, "opinion", 2000),
    )
    return f"评估 {done.no}：{done.failed} 项不能达到，{done.get_result_display()}，已写入事实表。"


def paper(request: HttpRequest, pk: int) -> HttpResponse:
    """One paper of an assessment, as it is; every opening is on record."""
    row = access.one(SelfCarePaper.objects.select_related("file"), user=request.user, what="评估材料", pk=pk)
    record(
        "verification.open_self_care_paper",
        actor=request.user,
        subject_type="selfcarepaper",
        subject_id=row.pk,
        region=row.region,
    )
    response = HttpResponse(open_plain(row.file).read(), content_type=row.media_type)
    suffix = row.media_type.partition("/")[2].replace("jpeg", "jpg")
    response["Content-Disposition"] = f'inline; filename="self-care-{row.pk}.{suffix}"'
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["Cache-Control"] = "no-store"
    return response


def of_case(request: HttpRequest, pk: int) -> HttpResponse:
    """The assessments of one case; a POST orders one."""
    case = access_case(request.user, pk=pk)
    bodies = bodies_for(case.region, clock.today())
    members = [member.person for member in members_on(case.household, clock.today())]
    if request.method == "POST":
        person = next((one for one in members if str(one.pk) == request.POST.get("person", "")), None)
        if person is None:
            posting.refuse(request, "没有选评估对象，请选择一名家庭成员。")
        else:
            posting.attempt(
                request,
                lambda: order_self_care(
                    person,
                    case.household,
                    acting_user=request.user,  # type: ignore[arg-type]
                    case=case,
                    body=posting.text(request, "body", 20),
                    body_name=posting.text(request, "body_name", 80),
                ),
                lambda row: f"评估 {row.no} 已委托{row.body_name}。",
            )
        return posting.back(reverse("web:case-self-care", args=[case.pk]))
    rows = assessments_of(case=case)
    ordered = {row.person_id for row in rows if row.state != State.CANCELLED}
    context = {
        "case": case,
        "rows": [(row, LOOKS[State(row.state)]) for row in rows],
        "members": [one for one in members if one.pk not in ordered],
        "bodies": [(code, name or SelfCareAssessment.Body(code).label, not name) for code, name in bodies.items()],
        "needs_name": any(not name for name in bodies.values()),
        "may": case.is_running and navigation.may(request, ORDER_DUTIES, case.region),
    }
    return render(request, "counter/case_self_care.html", context)


def link_of(request: HttpRequest, case: Case, steps: Sequence[Step]) -> str:
    """Where a case's assessments are, for cases whose procedure asks for one and readers who may see them."""
    if not any(step.kind is Does.ASSESS for step in steps):
        return ""
    return reverse("web:case-self-care", args=[case.pk]) if navigation.may(request, READERS, case.region) else ""
