"""The page of one family: members, facts, entitlements, the explanation of a month and what changed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from django.db.models import BooleanField, ExpressionWrapper, Q, Value
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.cases.models import Case
from tuodi.cases.states import CaseState
from tuodi.decisions.family_months import FamilyMonths, covers
from tuodi.decisions.models import Determination
from tuodi.decisions.queries import access_determination
from tuodi.decisions.relief import DUTIES as RELIEVERS
from tuodi.kernel import clock
from tuodi.kernel.errors import TuodiError
from tuodi.kernel.periods import Month
from tuodi.org.models import DutyCode
from tuodi.payments.history import history
from tuodi.people.enums import ChangeKind
from tuodi.people.models import Household, HouseholdChange, RollEntry
from tuodi.people.queries import access_household, member_on
from tuodi.web.components import explain, law, navigation, pages, reading, words
from tuodi.web.components.words import Look
from tuodi.web.counter import family_checks, family_life, family_page, work
from tuodi.web.county import run_page

MONTHS_BACK = 18
_DECIDED = {
    "pass": Look("予以确认", "ok", "check"),
    "fail": Look("不予确认", "bad", "x"),
    "unknown": Look("缺事实", "unknown", "help"),
}


def show(request: HttpRequest, pk: int) -> HttpResponse:
    """The page; `month` in the address chooses the month explained, else the present one."""
    household = access_household(request.user, pk)
    today = clock.today()
    memberships = list(household.memberships.select_related("person").order_by("id"))
    people = [one.person_id for one in memberships]
    reading.note_reading(request, "家庭档案", [household.pk], people, region=household.region)
    months = FamilyMonths(household, memberships)
    month = pages.month_of(request, default=_latest(months.roll))
    family = family_page.family_of(household, memberships, months.roll, month, today)
    everything = request.GET.get("all") == "1"
    answers, problem = _answers(months, month, everything)
    programmes = [explain.programme(data) for data in answers]
    family_page.note_counted(family, answers)
    family_page.note_income(family, answers)
    family.warnings = _mismatches(months.roll, answers, month)
    file = months.facts.file(min(month.last_day, today))
    family.facts = family_page.fact_lines(file, law.facts(), law.book().enums)
    paid = run_page.paid_months(history(household, limit=12))
    context = {
        "family": family,
        "month": month,
        "months": _months(months.roll, month),
        "programmes": programmes,
        "explain_problem": problem,
        "explained_note": f"{month}，按当时有效的规则和事实",
        "everything": everything,
        "changes": _changes(months, month),
        "determinations": [_decided(row) for row in months.determinations[:12]],
        "payments": paid,
        "several_programmes": len({one["label"] for one in paid}) > 1,
        "events": _events(household),
        "supported": [entry.person for entry in months.roll if entry.programme == "tekun" and entry.person],
        "checks": family_checks.panel(request, household, today, [one for one in memberships if member_on(one, today)]),
        "life": family_life.panel(request, household, today),
        "may_check": navigation.may(request, navigation.CHECKS, household.region),
        "may_accept": navigation.may(request, [DutyCode.ACCEPT], household.region),
        "may_relieve": navigation.may(request, RELIEVERS, household.region),
    }
    return render(request, "counter/family.html", context)


def determination(request: HttpRequest, pk: int) -> HttpResponse:
    """One decision as it was frozen: result, reasons, the way to appeal, and every figure."""
    found = access_determination(request.user, pk=pk)
    reading.note_reading(request, "救助决定", [found.household_id], [found.person_id], region=found.region)
    programmes = [explain.programme(found.explanation)] if found.explanation else []
    context = {"found": found, "look": _DECIDED[found.outcome], "programmes": programmes, "line": _decided(found)}
    return render(request, "counter/determination.html", context)


def _latest(entries: Sequence[RollEntry]) -> Month:
    """The present month, or the last month on the roll where that is earlier."""
    now = pages.this_month()
    ends = [Month.parse(str(entry.end_month)) if entry.end_month else now for entry in entries]
    return min(max(ends, default=now), now)


def _months(entries: Sequence[RollEntry], chosen: Month) -> list[Month]:
    """Months to choose from: back from the present one, never before the first on the roll."""
    now = pages.this_month()
    first = min((Month.parse(str(entry.start_month)) for entry in entries), default=now - 3)
    start = max(first - 1, now - MONTHS_BACK)
    return sorted({chosen, *(start + step for step in range((now - start) + 1))}, reverse=True)


def _answers(months: FamilyMonths, month: Month, everything: bool) -> tuple[list[dict[str, Any]], str]:
    """Explanations of a month: what is on the roll, else dibao; all usual programmes when asked.

    Returns:
        Explanations as JSON, those on the roll first, and an empty text; or none and the Chinese refusal of the rules.
    """
    entries = [entry for entry in months.roll if covers(entry, month)]
    on_roll = list(dict.fromkeys(entry.programme for entry in entries))
    wanted = dict.fromkeys([*on_roll, *(law.SHOWN if everything or not on_roll else ())])
    if not on_roll and not everything:
        wanted = dict.fromkeys(law.SHOWN[:1])
    found = []
    try:
        for code in wanted:
            if code in law.book().programmes:
                person = next((one.person for one in entries if one.programme == code), None)
                found.append(months.explained(code, month, person=person))
    except TuodiError as error:
        return [], str(error)
    return sorted(found, key=lambda one: (one["programme"] not in on_roll, law.ORDER.get(one["outcome"], 9))), ""


def _mismatches(entries: Sequence[RollEntry], answers: Sequence[dict[str, Any]], month: Month) -> list[str]:
    """Where the roll's amount is not what the rules give on the facts at hand: for an officer to look into, no verdict."""
    notes = []
    for data in answers:
        on_roll = [entry for entry in entries if entry.programme == data["programme"] and covers(entry, month)]
        if not on_roll or data["outcome"] == "unknown":
            continue
        listed, computed = sum(entry.amount_fen for entry in on_roll), data["amount_fen"] or 0
        if listed != computed:
            source = "在册金额来自导入的花名册，" if any(entry.imported for entry in on_roll) else ""
            notes.append(
                f"{data['label']}在册 {words.yuan(listed)} 元，按规则和现有事实计算为 {words.yuan(computed)} 元，"
                f"相差 {words.signed_yuan(computed - listed)} 元。{source}请在下次复核时核对事实。"
            )
    return notes


def _changes(months: FamilyMonths, month: Month) -> list[dict[str, Any]]:
    """Per entitlement what differs from the month before; nothing where nothing does."""
    found = []
    units = {(one.programme, one.person) for one in months.roll if covers(one, month) or covers(one, month.prev())}
    for programme, person in sorted(units, key=lambda unit: (unit[0], unit[1].pk if unit[1] else 0)):
        try:
            change = months.what_changed(month, programme, person=person)
        except TuodiError:
            continue  # nothing in force in either month: nothing to compare
        if change.difference_fen or change.changes:
            label = work.programme_label(programme) + (f" · {person.name}" if person else "")
            found.append(
                {"label": label, "change": change, "lines": [_cause(one) for one in change.changes if one.leaf][:8]}
            )
    return found


def _cause(change: Any) -> dict[str, str]:
    before, after = (words.value(text, change.unit)[0] for text in (change.before, change.after))
    return {"label": change.label, "before": before, "after": after}


def _decided(row: Determination) -> dict[str, Any]:
    start = f"{Month.parse(str(row.start_month))} 起" if row.start_month else ""
    who = row.decided_by.name if row.decided_by else "系统"
    return {
        "href": reverse("web:determination", args=[row.pk]),
        "label": row.get_programme_display() + (f" · {row.person.name}" if row.person else ""),
        "note": " · ".join(part for part in (f"{row.decided_on:%Y-%m-%d}", row.get_kind_display(), who, start) if part),
        "look": _DECIDED[row.outcome],
        "amount_fen": row.amount_fen,
    }


def _events(household: Household) -> list[dict[str, str]]:
    """Cases and changes of the household, newest first."""
    cases = Case.objects.filter(household=household).order_by("-id")[:10]
    changes = HouseholdChange.objects.filter(household=household).order_by("-id")[:10]
    running = ExpressionWrapper(Q(decision="", closed_on__isnull=True), output_field=BooleanField())
    rows = cases.values_list("accepted_on", "programme", "no", "state", running).union(
        changes.values_list("on", "kind", "note", Value(""), Value(False, output_field=BooleanField())), all=True
    )
    return [_event(*row) for row in sorted(rows, key=lambda row: row[0], reverse=True)]


def _event(day: date, kind: str, text: str, state: str, running: bool) -> dict[str, str]:
    """A case (with its state) or a change of the household (without)."""
    if not state:
        return {"css": "", "when": f"{day}", "title": ChangeKind(kind).label, "text": text}
    return {
        "css": "now" if running else "ok",
        "when": f"{day}",
        "title": f"受理{work.programme_label(kind)}",
        "text": f"{text} · {CaseState(state).label}",
    }
