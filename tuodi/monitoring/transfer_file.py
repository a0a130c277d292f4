"""The file that goes with a family: every paper of it put into words, masked as lists are, and bound by one hash.

The originals stay with the place that made them. The copy is what the new place may read of them (docs/decisions/0022).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import date

from tuodi.cases.models import Case, Notice
from tuodi.decisions.models import Determination, RollNotice
from tuodi.kernel.money import format_yuan
from tuodi.kernel.periods import Month
from tuodi.monitoring.models import ChangeReport, Clue, PeriodicReview, Transfer, TransferPart
from tuodi.org.places import place_name
from tuodi.payments.history import history
from tuodi.people.facts import load_facts
from tuodi.people.models import Household, RollEntry
from tuodi.people.queries import members_on
from tuodi.policy.model import Fact
from tuodi.verification.models import VisitRecord
from tuodi.verification.rulebook import book

__all__ = ["digest", "make_parts"]

Lines = list[list[str]]
#: Months of payments that go along.
PAID_MONTHS = 36


def make_parts(transfer: Transfer, household: Household, today: date) -> list[TransferPart]:
    """Unsaved papers in the order of a case file (domain 7.9)."""
    papers: list[tuple[str, str, date | None, Lines]] = [
        ("family", "家庭基本情况", today, _family(household, today)),
        ("facts", "采用的事实", today, _facts(household, today)),
        ("roll", "在册记录", today, _roll(household)),
        *_cases(household),
        *_decisions(household),
        *_visits(household),
        *_reviews(household),
        *_reports(household),
        *_clues(household),
        ("paid", f"发放记录（最近 {PAID_MONTHS} 个月）", today, _paid(household)),
    ]
    return [
        TransferPart(
            transfer=transfer,
            region=transfer.to_region,
            position=number,
            kind=kind,
            title=title[:200],
            on=on,
            lines=lines,
        )
        for number, (kind, title, on, lines) in enumerate(papers, start=1)
    ]


def digest(parts: Iterable[TransferPart]) -> str:
    """SHA-256 over the papers in order."""
    body = [[one.position, one.kind, one.title, str(one.on or ""), one.lines] for one in parts]
    return hashlib.sha256(json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()


def _family(household: Household, today: date) -> Lines:
    lines = [
        ["家庭编号", household.no],
        ["住地", f"{place_name(household.region, today)} {household.address}".strip()],
        ["城乡", household.get_area_kind_display()],
        ["立户日期", str(household.formed_on)],
    ]
    for one in members_on(household, today):
        told = [
            one.get_relation_display(),
            one.person.id_masked,
            f"出生 {one.person.birth}" if one.person.birth else "",
        ]
        lines.append([one.person.name, "，".join(part for part in told if part)])
    return lines


def _facts(household: Household, today: date) -> Lines:
    declared = {fact.name: fact for fact in book().draft.facts}
    labels = {name: fact.label for name, fact in declared.items()}
    file = load_facts(household, today)
    lines = [[labels.get(name, name), _value(value, declared.get(name))] for name, value in file["household"].items()]
    for member in file["members"]:
        own = [
            f"{labels.get(name, name)} {_value(value, declared.get(name))}"
            for name, value in member.items()
            if name not in ("name", "relation", "birth", "died")
        ]
        if own:
            lines.append([member["name"], "；".join(own)])
    return lines


def _value(value: object, fact: Fact | None) -> str:
    """A fact as people read it: yes and no, and the words of coded answers."""
    if isinstance(value, bool):
        return "是" if value else "否"
    coded = book().enums.get(fact.type) if fact is not None else None
    return str(coded.values.get(value, value)) if coded is not None else str(value)


def _roll(household: Household) -> Lines:
    rows = RollEntry.objects.filter(household=household).select_related("person").order_by("start_month", "id")
    return [
        [
            row.get_programme_display() + (f" · {row.person.name}" if row.person else ""),
            f"{Month.parse(str(row.start_month))} 至 {Month.parse(str(row.end_month)) if row.end_month else '今'}，"
            f"每月 {format_yuan(row.amount_fen)} 元{f'，{row.grade} 类' if row.grade else ''}",
        ]
        for row in rows
    ]


def _cases(household: Household) -> Iterable[tuple[str, str, date | None, Lines]]:
    for case in Case.objects.filter(household=household).order_by("id"):
        lines = [["状态", case.get_state_display()]]
        for step in (
            case.steps.filter(done_at__isnull=False).select_related("done_by__office").order_by("done_at", "id")
        ):
            who = f"{step.done_by.office.name} {step.done_by.name}" if step.done_by else ""
            lines.append([step.label, "；".join(part for part in (str(step.completed_on), who, step.opinion) if part)])
        for notice in Notice.objects.filter(case=case).order_by("id"):
            lines.append(["公示公布", f"{notice.no}，{notice.posted_on}"])
        yield "case", f"{case.get_programme_display()}办件 {case.no}", case.accepted_on, lines


def _decisions(household: Household) -> Iterable[tuple[str, str, date | None, Lines]]:
    told = {row.determination_id: row for row in RollNotice.objects.filter(household=household)}
    rows = Determination.objects.filter(household=household).select_related("person").order_by("id")
    for row in rows.defer("explanation"):
        lines = [
            ["结论", row.get_outcome_display()],
            ["月金额", f"{format_yuan(row.amount_fen)} 元" if row.amount_fen is not None else "—"],
            ["起止", _span(row)],
            ["理由", row.reasons or "—"],
            ["规则指纹", row.fingerprint[:16] or "—"],
        ]
        notice = told.get(row.pk)
        if notice is not None:
            lines.append(
                ["告知书", f"{notice.no}，{f'{notice.delivered_on} 送达' if notice.delivered_on else '未登记送达'}"]
            )
        who = f" · {row.person.name}" if row.person else ""
        yield "decision", f"{row.get_programme_display()}{who} 决定 {row.no}", row.decided_on, lines


def _span(row: Determination) -> str:
    if row.start_month is None:
        return "—"
    last = Month.parse(str(row.end_month)) if row.end_month else ""
    return f"{Month.parse(str(row.start_month))} 至 {last}" if last else f"{Month.parse(str(row.start_month))} 起"


def _visits(household: Household) -> Iterable[tuple[str, str, date | None, Lines]]:
    rows = VisitRecord.objects.filter(task__household=household).select_related("task").order_by("id")
    for row in rows:
        people = "、".join(str(one.get("name", "")) for one in row.investigators)
        lines = [
            ["事由", row.task.get_purpose_display()],
            ["结论", row.get_conclusion_display()],
            ["意见", row.opinion or "—"],
            ["调查人员", people],
            ["证据校验值", row.evidence_hash],
        ]
        yield "visit", f"入户调查 {row.no}", row.received_at.date(), lines


def _reviews(household: Household) -> Iterable[tuple[str, str, date | None, Lines]]:
    rows = PeriodicReview.objects.filter(household=household, state=PeriodicReview.State.DONE).order_by("id")
    for row in rows:
        lines = [["情况", row.found], ["结果", row.get_result_display()], ["理由", row.reasons]]
        yield "review", "定期核查", row.done_at.date() if row.done_at else None, lines


def _reports(household: Household) -> Iterable[tuple[str, str, date | None, Lines]]:
    for row in ChangeReport.objects.filter(household=household).order_by("id"):
        lines = [
            ["变化", row.get_kind_display()],
            ["说明", row.text],
            ["结果", row.get_state_display()],
            ["答复", row.answer or "—"],
        ]
        yield "report", f"变化报告 {row.no}", row.reported_on, lines


def _clues(household: Household) -> Iterable[tuple[str, str, date | None, Lines]]:
    """Closed clues only: an open one holds the move up."""
    for row in Clue.objects.filter(household=household, state=Clue.State.CLOSED).order_by("id"):
        lines = [
            ["事项", str(row.rule_text.get("label") or row.rule_code)],
            ["结论", row.get_verdict_display() or "—"],
            ["情况", row.conclusion or "—"],
            ["处理", row.get_action_display() or "—"],
        ]
        yield "clue", f"问题线索 {row.no}（已销号）", row.found_on, lines


def _paid(household: Household) -> Lines:
    return [
        [
            f"{Month.parse(str(one.line.month))} {one.line.get_programme_display()}",
            f"{format_yuan(one.line.amount_fen)} 元，{one.line.get_status_display()}",
        ]
        for one in history(household, limit=PAID_MONTHS)
    ]
