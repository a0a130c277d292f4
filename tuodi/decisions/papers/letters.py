"""What a family is handed: receipt, one-time notice of missing papers, 告知书 of a decision, a change, a stop; and the 备案表."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from tuodi.cases.engine import latest
from tuodi.cases.models import Case, Notice, Step
from tuodi.cases.states import StepState
from tuodi.decisions.appeal_time import last_day_to_appeal, last_day_to_sue, told_on, ways_to_appeal
from tuodi.decisions.models import Determination
from tuodi.decisions.papers.application import opinions
from tuodi.decisions.papers.words import clause_words, day_words, iso, month_iso, month_words, yuan
from tuodi.intake.counter_book import lines_of, materials_of
from tuodi.intake.models import Application
from tuodi.intake.need_queries import need_of_case
from tuodi.kernel.periods import Month
from tuodi.org.places import full_name
from tuodi.policy.procedure import Does
from tuodi.verification.models import SpotCheckItem

__all__ = [
    "acceptance_receipt",
    "change_notice",
    "decision_notice",
    "filing_form",
    "letter_of",
    "missing_papers",
    "stop_notice",
]

_CLAUSE = re.compile(r"（([^（）]*(?:（[^（）]*）[^（）]*)*)）$")


def _desk(application: Application, on: date) -> dict[str, str]:
    """Who answers for an application: 首问责任人 and AB 岗 of its visit, else who accepted it; the window and the lines."""
    need = need_of_case(application.case_id)
    return {
        "officer": need.officer_a.name if need else application.accepted_by.name,
        "officer_b": need.officer_b.name if need and need.officer_b else "",
        "phone": "、".join(f"{one.label} {one.code}" for one in lines_of(application.region, on)),
        "window": application.accepted_by.office.name,
    }


def acceptance_receipt(application: Application) -> dict[str, Any]:
    """The 受理回执: papers, steps with their limits, who answers, and the papers still owed."""
    case = application.case
    text = case.procedure
    materials = list(application.materials.order_by("id"))
    due = (
        f"{day_words(case.due_on)} 前"
        if case.due_on
        else "待定（该年工作日历未公布）"
        if case.due_pending
        else "各环节分别计时"
    )
    return {
        "number": application.receipt_no,
        "office": application.accepted_by.office.name,
        "date": iso(case.accepted_on),
        "case_no": case.no,
        "applicant": application.applicant.name,
        "agent": application.agent_name + (f"（{application.agent_relation}）" if application.agent_relation else ""),
        "household_no": application.household.no,
        "place": full_name(application.region),
        "programmes": [application.get_programme_display()],
        "accepted_on": iso(case.accepted_on),
        "due": due,
        "papers": [{"name": one.name, "note": f"{one.received_on:%m-%d} 收到"} for one in materials if one.received_on],
        "owed": [one.name for one in materials if one.received_on is None],
        "steps": [
            {"label": one.label, "who": one.who, "limit": _limit(case, one)}
            for one in text.steps
            if one.does is not Does.ACCEPT
            and not (one.when and not set(one.when) & set(case.marks))
            and one.only_if != "refused"
        ],
        "clause": clause_words(text.steps[0].clause),
        **_desk(application, case.accepted_on),
        "warnings": list(text.warnings),
    }


def _limit(case: Case, step: Any) -> str:
    if step.notice is not None:
        return f"{step.notice.days} 天" if step.notice.days else "长期公布"
    limit = step.limit(case.marks)
    if limit is not None:
        return str(limit.text)
    start = step.start_limit(case.marks)
    return f"{start.text}内启动" if start is not None else ""


def missing_papers(application: Application, on: date | None = None) -> dict[str, Any]:
    """The 一次性告知书; the caller asks only where something is owed.

    Args:
        on: Day on the paper; default the day of acceptance.
    """
    case = application.case
    day = on or case.accepted_on
    materials = list(application.materials.order_by("id"))
    asked = {one.name: one for one in materials_of(case.region, case.programme, case.accepted_on)}
    desk = _desk(application, day)
    second = desk.pop("officer_b")
    return {
        "number": application.receipt_no,
        "office": application.accepted_by.office.name,
        "date": iso(day),
        "recipient": application.applicant.name,
        "programmes": [application.get_programme_display()],
        "place": full_name(application.region),
        "receipt_no": application.receipt_no,
        "case_no": case.no,
        "received": [one.name for one in materials if one.received_on],
        "missing": [
            {"name": one.name, "clause": clause_words(asked[one.name].clause) if one.name in asked else ""}
            for one in materials
            if one.received_on is None
        ],
        "effect": "材料收齐前，案件照常登记并保留受理日期；能够通过数据共享取得的材料，不要求提交。",
        "clause": clause_words(case.procedure.steps[0].clause),
        **desk,
        "officer": desk["officer"] + (f"（AB 岗 {second}）" if second else ""),
    }


def letter_of(row: Determination) -> str:
    """Which 告知书 tells of a determination: `decision_notice` for an application, `stop_notice`, `change_notice`."""
    if row.follows_id is None:
        return "decision_notice"
    return "stop_notice" if row.outcome == "fail" else "change_notice"


def _told(row: Determination) -> Step | None:
    """The step by which the family was told, once it was."""
    if row.case is None:
        return None
    rows = [one for one in latest(row.case).values() if one.kind is Does.INFORM and one.state == StepState.DONE]
    return rows[-1] if rows else None


def _common(row: Determination) -> dict[str, Any]:
    reasons, clauses = _split(row.reasons)
    unit = row.person or row.household.head
    served = _told(row)
    until = ""
    day = told_on(row)
    if day is not None:
        last = last_day_to_appeal(row.region, day).on
        until = (
            f"自 {day_words(day)} 送达之日起算，申请行政复议的最后一日{f'为 {day_words(last)}' if last else '待定（该年工作日历未公布）'}，"
            f"提起行政诉讼的最后一日为 {day_words(last_day_to_sue(row.region, day))}"
        )
    office = row.decided_by.office.name if row.decided_by else ""
    return {
        "number": row.no,
        "office": office,
        "date": iso(row.decided_on),
        "recipient": unit.name,
        "household_no": row.household.no,
        "place": full_name(row.region),
        "programme": row.get_programme_display(),
        "decision_no": row.no,
        "reasons": reasons,
        "clauses": clauses,
        "appeal": row.appeal or ways_to_appeal(row.region, row.decided_on),
        "appeal_until": until,
        "served_on": iso(served.completed_on) if served else "",
        "served_how": served.opinion if served else "",
    }


def _split(reasons: str) -> tuple[list[str], list[str]]:
    """Reasons, and the clauses that stand in brackets at their ends, once each."""
    found = [one.strip() for one in reasons.split("；") if one.strip()]
    clauses: list[str] = []
    for one in found:
        match = _CLAUSE.search(one)
        if match and (text := match[1].strip()) and re.search(r"\d", text):
            words = clause_words(text)
            if words not in clauses:
                clauses.append(words)
    return found, clauses


def decision_notice(row: Determination) -> dict[str, Any]:
    """The 告知书 on an application: refused with reasons, or granted with amount and start."""
    granted = row.outcome == "pass"
    data = _common(row)
    label = row.get_programme_display()
    members = str(len(row.fact_set.person_ids)) if row.fact_set and row.person_id is None else ""
    if granted:
        data["reasons"] = []
    return data | {
        "title": f"{label}{'' if granted else '不予'}确认告知书",
        "granted": granted,
        "applied_on": iso(row.case.accepted_on) if row.case else "",
        "members": members if granted else "",
        "amount": yuan(row.amount_fen) if granted else "",
        "start": month_iso(row.start_month) if granted else "",
    }


def change_notice(row: Determination) -> dict[str, Any]:
    """The 调整告知书 of a determination that follows another."""
    return _common(row) | {
        "title": f"{row.get_programme_display()}调整告知书",
        "before": yuan(row.follows.amount_fen) if row.follows else "",
        "after": yuan(row.amount_fen),
        "effective": month_iso(row.start_month),
        "until": month_iso(row.end_month),
    }


def stop_notice(row: Determination) -> dict[str, Any]:
    """The 停发告知书 of a determination that ends what stood."""
    start = Month.parse(str(row.start_month)) if row.start_month else Month.of(row.decided_on).next()
    return _common(row) | {
        "title": f"{row.get_programme_display()}停发告知书",
        "before": yuan(row.follows.amount_fen) if row.follows else "",
        "effective": str(start),
        "last_paid": str(start.prev()),
    }


def filing_form(case: Case, decided: Determination | None) -> dict[str, Any]:
    """The 备案表 of a delegated decision, before it is filed and after."""
    rows = latest(case)
    filed = next((row for row in rows.values() if row.kind is Does.FILE), None)
    confirmed = next((row for row in rows.values() if row.kind is Does.CONFIRM), None)
    done = filed is not None and filed.state == StepState.DONE
    notice = Notice.objects.filter(case=case, days__gt=0).order_by("-id").first()
    spot = SpotCheckItem.objects.filter(case=case).select_related("check_of").order_by("-id").first()
    label = decided.get_programme_display() if decided else case.programme
    return {
        "title": f"{label}确认备案表",
        "number": str(filed.data.get("filing_no", "")) if filed is not None and done else "",
        "office": filed.done_by.office.name if filed is not None and done and filed.done_by else "",
        "date": iso(filed.completed_on) if filed is not None and done else "",
        "case_no": case.no,
        "head": case.household.head.name,
        "household_no": case.household.no,
        "place": full_name(case.region),
        "programme": label,
        "people": f"{len(decided.fact_set.person_ids)} 人" if decided and decided.fact_set else "",
        "decided_by": confirmed.done_by.office.name if confirmed is not None and confirmed.done_by else "",
        "decided_on": iso(case.decided_on),
        "decision": case.get_decision_display() if case.decision else "",
        "decision_no": decided.no if decided else "",
        "amount": f"{yuan(decided.amount_fen)} 元" if decided and decided.amount_fen is not None else "",
        "start": month_words(decided.start_month) if decided else "",
        "notice": _notice_words(notice),
        "filed_to": filed.done_by.office.name if filed is not None and done and filed.done_by else "",
        "filed_on": iso(filed.completed_on) if filed is not None and done else "",
        "spot_check": f"{spot.check_of.no}：{spot.get_result_display()}。{spot.note}" if spot else "",
        "opinions": opinions(case, (Does.CONFIRM, Does.FILE)),
    }


def _notice_words(notice: Notice | None) -> str:
    if notice is None:
        return "程序没有公示环节"
    last = iso(notice.last_day) if notice.last_day else "待定"
    return f"{iso(notice.posted_on)} 张贴，{last} 截止，{notice.get_result_display()}"
