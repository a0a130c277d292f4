"""The page of one case: steps and deadlines, the explanation, what I may do next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from typing import Any

from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.cases.actions import end_case
from tuodi.cases.history import done_since
from tuodi.cases.models import Case, Notice, Step
from tuodi.cases.queries import Progress, access_case, mine_among, my_open_work, progress, standing_of
from tuodi.cases.states import StepState
from tuodi.decisions.duplicates import ALLOW, Duplicate
from tuodi.decisions.models import Determination
from tuodi.intake.application_actions import receive_material
from tuodi.intake.models import Application, Material
from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.monitoring.duplicates import duplicates
from tuodi.org.models import DutyCode
from tuodi.people.enums import Programme as Programmes
from tuodi.people.models import Membership
from tuodi.people.queries import members_on
from tuodi.people.tellings import of_case
from tuodi.verification.actions import DUTIES
from tuodi.verification.case_papers import CasePapers, papers_of
from tuodi.verification.kin_actions import KEEPERS
from tuodi.verification.models import FactSet
from tuodi.verification.queries import as_family
from tuodi.web.components import deeds, explain, law, navigation, places, posting, reading
from tuodi.web.components.explain import Programme
from tuodi.web.components.words import Look
from tuodi.web.counter import case_forms, case_panels, clock_stop, self_care, tellings, work

_STEP_CSS = {StepState.DONE: "done", StepState.OPEN: "now", StepState.SKIPPED: "skipped", StepState.VOID: "stopped"}
_STEP_LOOKS = {
    StepState.DONE: Look("已办", "ok", "check"),
    StepState.OPEN: Look("待办", "info"),
    StepState.SKIPPED: Look("不适用"),
    StepState.VOID: Look("作废"),
    StepState.WAITING: Look("未开始"),
}


@dataclass
class CasePage:
    """Everything the page says about the case itself."""

    pk: int
    no: str
    name: str
    programme: str
    place: str
    accepted: date
    look: Look
    family_href: str
    limit_note: str
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    steps: list[dict[str, str]] = field(default_factory=list)
    step_rows: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, str]] = field(default_factory=list)
    locked: str = ""


def show(request: HttpRequest, pk: int) -> HttpResponse:
    """The page; a POST does the open step that is mine, unless somebody did something since the form was drawn."""
    case = access_case(request.user, pk=pk)
    if request.method == "POST":
        return _answer(request, case)
    return _draw(request, case)


def _answer(request: HttpRequest, case: Case) -> HttpResponse:
    """Does what the form asks; refused or overtaken, the page is drawn anew and holds what was typed."""
    before = posting.text(request, "version", 20)
    version = int(before) if before.isascii() and before.isdigit() else None
    since = done_since(case.no, version, besides=request.user.pk) if version is not None else []
    if not since:
        done = _do(request, case)
        if done is not None:
            return done
        since = (
            done_since(case.no, version, besides=request.user.pk) if version is not None else []
        )  # overtaken while waiting for the lock
        case = access_case(request.user, pk=case.pk)
    labels = {step.id: step.label for step in case.procedure.steps}
    return _draw(request, case, overtaken=[deeds.line(entry, labels) for entry in since])


def _do(request: HttpRequest, case: Case) -> HttpResponse | None:
    verb = posting.text(request, "answer", 20)
    here = reverse("web:case", args=[case.pk])
    if verb == "enrol":
        may = case_forms.waiting_for_roll(case) and navigation.may(request, [DutyCode.CONFIRM], case.region)
        return case_forms.enrol(request, case) if may else None
    if verb == "received":
        application = Application.objects.filter(case=case).first()
        name = posting.text(request, "material", 80)
        if application is not None:
            posting.attempt(
                request, lambda: receive_material(application, name, acting_user=request.user), f"已收到“{name}”。"
            )
        return posting.back(here)
    if verb == "end":
        reason = posting.text(request, "end-reason", 300)
        ok, _ = posting.attempt(
            request, lambda: end_case(case, acting_user=request.user, reason=reason), "已终止办理。"
        )
        return posting.back(here) if ok else None
    mine = _mine(request, case)
    return case_forms.answer(request, case, {name: case_forms.for_step(step, case) for name, step in mine.items()})


def _mine(request: HttpRequest, case: Case) -> dict[str, Step]:
    return {step.name: step for step in my_open_work(request.user, navigation.held_rows(request)).filter(case=case)}


def _draw(request: HttpRequest, case: Case, overtaken: list[dict[str, Any]] | None = None) -> HttpResponse:
    """The page. `overtaken`: what others did since the posted form was drawn; None = nothing was posted."""
    today = clock.today()
    every = list(case.steps.select_related("done_by").order_by("position", "round"))
    lines = progress(case, every)
    user: Any = request.user
    standing = cache(lambda: standing_of(case, user))
    mine = {
        step.name: step
        for step in mine_among(every, user=user, duties=navigation.held_rows(request), standing=standing)
    }
    posted = posting.text(request, "step", 40) if request.method == "POST" else ""
    steps = [line.step for line in lines if line.step.name in mine]
    forms = [case_forms.for_step(step, case, request.POST if step.name == posted else None) for step in steps]
    kept = case_forms.typed(request) if posted and posted not in mine else []
    decided = list(Determination.objects.filter(case=case).order_by("id"))
    notices = list(Notice.objects.filter(case=case).order_by("id"))
    waiting = case_forms.waiting_for_roll(case, decided)
    may_enrol = bool(waiting) and navigation.may(request, [DutyCode.CONFIRM], case.region)
    # The draft if there is one, else the newest frozen set.
    facts = FactSet.objects.filter(case=case).order_by(F("frozen_at").desc(nulls_first=True), "-number").first()
    programmes, note, problem = _explained(case, facts, decided)
    materials = list(Material.objects.filter(application__case=case).select_related("application").order_by("id"))
    application = materials[0].application if materials else Application.objects.filter(case=case).first()
    papers = papers_of(case)
    history, version = case_panels.history_lines(case)
    members = members_on(case.household, today)
    reading.note_reading(
        request,
        "办件",
        [case.household_id],
        [case.applicant_id, *(one.person_id for one in members)],
        region=case.region,
    )
    context = {
        "case": _page(case, lines, bool(forms), every, notices),
        "version": version,
        "overtaken": overtaken,
        "kept": kept,
        "forms": forms,
        "refused": case_panels.refused_of(request, case, lines, mine, standing),
        "programmes": programmes,
        "explained_note": note,
        "explain_problem": problem,
        "enrol": case_forms.enrol_form(case) if may_enrol else None,
        "waiting": waiting,
        "duplicates": _duplicates(case, members),
        "check_href": _check_href(request, case, papers),
        "self_care_href": self_care.link_of(request, case, every),
        "clock_href": clock_stop.link_of(request, case),
        "may_visits": navigation.may(request, DUTIES, case.region),
        "kin_href": _kin_href(request, case),
        "may_enter": case.is_running and navigation.may(request, DUTIES, case.region),
        "may_end": case.is_running and navigation.may(request, [DutyCode.REVIEW], case.region),
        "may_receive": navigation.may(request, [DutyCode.ACCEPT], case.region),
        "family": case_panels.family_of(members, case.household.head_id, today),
        "facts": case_panels.facts_of(facts),
        "from_phone": application is not None and application.channel == Application.Channel.ONLINE,
        "declared_waiting": sum("declared" in origin for origin in facts.provenance.values()) if facts else 0,
        "facts_note": f"第 {facts.number} 份，{'已定稿' if facts.is_frozen else '未定稿'}" if facts else "",
        "materials": materials,
        "documents": case_panels.documents_of(case, application, materials, notices, decided, papers),
        "told": tellings.lines(of_case(case.no)),
        "history": history,
        "responsible": case_panels.responsible(case),
    }
    return render(request, "counter/case.html", context, status=409 if overtaken else 200)


def _duplicates(case: Case, members: Sequence[Membership]) -> list[Duplicate]:
    """What the family gets already and must be thought of before this case is granted; a closed case asks nothing."""
    if not case.is_running or case.programme not in Programmes.values:
        return []
    found = duplicates(case.household, case.programme, case=case, members=members)
    return [one for one in found if one.verdict != ALLOW]


def _check_href(request: HttpRequest, case: Case, papers: CasePapers) -> str:
    """The case's newest check, or where one is begun; empty for who does none."""
    if not navigation.may(request, navigation.CHECKS, case.region):
        return ""
    newest = papers.requests[:1]
    return reverse("web:check", args=newest) if newest else reverse("web:consents", args=[case.household_id])


def _kin_href(request: HttpRequest, case: Case) -> str:
    """The case's page in the register of near relatives, for who keeps it."""
    return f"{reverse('web:kin')}?case={case.pk}" if navigation.may(request, KEEPERS, case.region) else ""


def _explained(case: Case, facts: FactSet | None, decisions: list[Determination]) -> tuple[list[Programme], str, str]:
    """The decision's own explanation once there is one; before, a trial on the newest facts of the case."""
    decided = next((row for row in reversed(decisions) if row.explanation is not None), None)
    if decided is not None:
        return [explain.programme(decided.explanation)], f"{decided.decided_on:%Y-%m-%d} 决定 {decided.no}", ""
    if facts is None:
        return [], "", ""
    today = clock.today()
    programmes, problem = law.trial(
        as_family(facts), case.region, case_date=today, month=Month.of(today).next(), programmes=(case.programme,)
    )
    state = "已定稿" if facts.is_frozen else "未定稿"
    return programmes, f"试算，按第 {facts.number} 份事实表（{state}）", problem


def _page(case: Case, lines: list[Progress], has_work: bool, every: list[Step], notices: list[Notice]) -> CasePage:
    today = clock.today()
    due = work.due_look(case.due_on, case.due_pending, today)
    page = CasePage(
        pk=case.pk,
        no=case.no,
        name=case.applicant.name,
        programme=work.programme_label(case.programme),
        place=places.path(case.region),
        accepted=case.accepted_on,
        look=work.case_look(case),
        family_href=reverse("web:family", args=[case.household_id]),
        limit_note=f"总期限 {due.word}" + (f"（{case.due_note}）" if case.due_note else ""),
        notes=[f"{case.decided_on:%Y-%m-%d} {case.get_decision_display()}"] if case.decided_on else [],
    )
    page.steps = [_dot(line) for line in lines if line.step.state != StepState.SKIPPED]
    page.step_rows = [_row(line, today) for line in lines]
    page.warnings = list(getattr(case.procedure, "warnings", ()) or ())
    page.events = _events(every, notices)
    if not has_work:
        page.locked = _why_locked(lines)
    return page


def _dot(line: Progress) -> dict[str, str]:
    step = line.step
    when = step.completed_on or step.due_on
    note = f"{when:%m-%d}" if when else ""
    if step.state == StepState.OPEN:
        note = "超期" if line.late else (f"{note} 前" if note else "办理中")
    return {"label": step.label, "note": note, "state": _STEP_CSS.get(StepState(step.state), "")}


def _row(line: Progress, today: date) -> dict[str, Any]:
    step = line.step
    look = Look("超期", "bad", "alert-triangle") if line.late else _STEP_LOOKS[StepState(step.state)]
    due = "—"
    if step.state == StepState.OPEN:
        due = work.due_look(step.due_on, step.due_pending, today).word
    elif step.due_on:
        due = f"{step.due_on:%Y-%m-%d}"
    done = ""
    if step.state == StepState.DONE and step.done_by_id:
        done = f"{step.completed_on:%Y-%m-%d} {_hand(step)}"
    elif step.state == StepState.WAITING and line.waits:
        done = "等：" + "、".join(line.waits)
    elif step.state == StepState.SKIPPED:
        done = step.due_note
    return {
        "label": step.label,
        "duty": line.who,
        "look": look,
        "due": due,
        "done": done,
        "clause": line.clause,
        "note": line.note,
    }


def _hand(step: Step) -> str:
    """Who did a step, and for whom where the duty was lent."""
    if step.done_by is None:
        return ""
    return f"{step.done_by.name}（代 {step.done_for.name}）" if step.done_for else step.done_by.name


def _events(every: list[Step], notices: list[Notice]) -> list[dict[str, str]]:
    """What happened, newest first: finished steps of every round, and notices."""
    done = sorted((one for one in every if one.state == StepState.DONE), key=lambda one: one.done_at, reverse=True)
    events = [
        {
            "css": "bad" if step.result in {"refused", "refuse", "disputed"} else "ok",
            "when": f"{step.completed_on:%m-%d}",
            "title": step.label + (f"（第 {step.round} 轮）" if step.round > 1 else ""),
            "text": " · ".join(part for part in (_hand(step), step.opinion) if part),
        }
        for step in done
    ]
    for notice in (one for one in notices if not one.result and one.days):
        last = f"{notice.last_day:%m-%d} 止" if notice.last_day else "截止日待定"
        events.insert(
            0, {"css": "now", "when": f"{notice.posted_on:%m-%d}", "title": "公示中", "text": f"{notice.no} · {last}"}
        )
    return events


def _why_locked(lines: list[Progress]) -> str:
    open_lines = [line for line in lines if line.step.state == StepState.OPEN]
    if not open_lines:
        return "本案已没有待办环节。"
    return "待办：" + "；".join(f"{line.step.label}（{line.who}）" for line in open_lines) + "。这些环节不由您办理。"
