"""What the applicant declared on the phone, beside what is held and what registers say; an officer adopts line by line."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.cases.models import Case
from tuodi.cases.queries import access_case
from tuodi.intake.models import OnlineApplication
from tuodi.org.errors import NotFoundError
from tuodi.policy.model import Fact
from tuodi.verification.actions import DUTIES
from tuodi.verification.declared_actions import Beside, adopt_declared, beside_of, online_of
from tuodi.verification.models import FactSet
from tuodi.verification.queries import draft_of
from tuodi.web.components import law, navigation, posting, reading, words
from tuodi.web.components.words import Look

LOOKS = {
    "open": Look("待采用", "warn", "clock"),
    "conflict": Look("与已有的不一致", "bad", "alert-triangle"),
    "adopted": Look("已采用", "ok", "check"),
    "same": Look("与已有的一致", "ok", "check"),
    "aside": Look("不采用"),
    "other": Look("另有登记", "info"),
    "unknown": Look("没有说清", "unknown", "help"),
    "refused": Look("不能填入", "bad", "alert-triangle"),
}
_TRUTH = {True: "是", False: "否"}


def show(request: HttpRequest, pk: int) -> HttpResponse:
    """The page; a POST adopts and sets aside what was chosen."""
    case = access_case(request.user, pk=pk)
    online = online_of(case)
    if online is None:
        raise NotFoundError("网上申报")
    draft = draft_of(case)
    if request.method == "POST":
        return _answer(request, case, online, draft)
    facts = draft or FactSet.objects.filter(case=case).order_by("-number").first()
    lines, rest = beside_of(case, online, facts)
    may = case.is_running and draft is not None and navigation.may(request, DUTIES, case.region)
    people = [one.answer.person_id for one in lines if one.answer.person_id]
    reading.note_reading(request, "网上申报对照", [case.household_id], people, region=case.region)
    waiting = sum(1 for one in lines if one.waits)
    context = {
        "case": case,
        "online": online,
        "facts": facts,
        "lines": [_line(one) for one in lines],
        "rest": [{"rest": one, "against": against} for one, against in rest],
        "waiting": waiting,
        "against": sum(1 for one in lines if one.against) + sum(1 for _, against in rest if against),
        "may": may and waiting,
    }
    return render(request, "online/declared.html", context)


def _line(one: Beside) -> dict[str, Any]:
    return {
        "key": one.answer.key,
        "label": one.fact.label if one.fact else one.answer.fact,
        "who": one.who,
        "said": one.answer.said,
        "declared": _shown(one.answer.value, one.fact),
        "held": _shown(one.held, one.fact) if one.state != "open" else "",
        "source": str(one.origin.get("source", "")) if one.held is not None and one.state != "open" else "",
        "evidence": str(one.origin.get("evidence", "")) if one.state != "open" else "",
        "aside": one.origin.get("aside"),
        "found": one.found,
        "against": one.against,
        "look": LOOKS[one.state],
        "fault": one.fault,
        "waits": one.waits,
    }


def _shown(value: Any, fact: Fact | None) -> str:
    if value is None:
        return "未知"
    if isinstance(value, bool):
        return _TRUTH[value]
    listed = law.book().enums.get(fact.type) if fact else None
    text, unit = words.value(
        listed.values.get(str(value), str(value)) if listed else value, fact.unit.text if fact and fact.unit else ""
    )
    return f"{text} {unit}".strip()


def _answer(request: HttpRequest, case: Case, online: OnlineApplication, draft: FactSet | None) -> HttpResponse:
    here = reverse("web:declared", args=[case.pk])
    chosen = {name.removeprefix("line-"): value for name, value in request.POST.items() if name.startswith("line-")}
    take = [key for key, value in chosen.items() if value == "take"]
    leave = [key for key, value in chosen.items() if value == "leave"]
    if draft is None:
        posting.refuse(request, "事实表已定稿，不能再采用。有新情况请另立一份事实表。")
    elif not take and not leave:
        posting.refuse(request, "没有选。请在每一项选“采用”或“不采用”，再保存。")
    else:
        posting.attempt(
            request,
            lambda: adopt_declared(draft, online, acting_user=request.user, take=take, leave=leave),  # type: ignore[arg-type]
            lambda done: f"已采用 {done[0]} 项，不采用 {done[1]} 项。",
        )
    return posting.back(here)
