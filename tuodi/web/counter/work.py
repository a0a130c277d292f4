"""Cases and steps as the lists and the workbench show them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.urls import reverse

from tuodi.cases.models import Case, Step
from tuodi.cases.states import CaseState
from tuodi.cases.worklist import SOON_DAYS
from tuodi.people.enums import Programme
from tuodi.web.components import places
from tuodi.web.components.words import Look

CASE_LOOKS = {
    CaseState.CONFIRMED: Look("已确认", "ok", "check"),
    CaseState.CLOSED: Look("办结", "ok", "check"),
    CaseState.REFUSED: Look("不予确认", "bad", "x"),
    CaseState.ENDED: Look("终止"),
    CaseState.NOTICE: Look("公示", "info"),
    CaseState.REINVESTIGATING: Look("异议重新调查", "warn"),
}


@dataclass(frozen=True)
class Item:
    """One line of a work list. `due` is words and colour of the deadline."""

    name: str
    no: str
    programme: str
    step: str
    place: str
    accepted: date
    due: Look
    href: str
    pk: int = 0


def case_look(case: Case) -> Look:
    """A case's state as a tag."""
    return CASE_LOOKS.get(CaseState(case.state)) or Look(case.get_state_display(), "info")


def programme_label(code: str) -> str:
    """The Chinese name of a programme; the code where it is none of the roll's."""
    return dict(Programme.choices).get(code, code)


def due_look(due_on: date | None, pending: bool, today: date) -> Look:
    """A deadline in words: late, near, far, pending (no official calendar yet) or none."""
    if pending:
        return Look("待定", "unknown")
    if due_on is None:
        return Look("无期限")
    left = (due_on - today).days
    if left < 0:
        return Look(f"超期 {-left} 天", "bad")
    if left <= SOON_DAYS:
        return Look("今天到期" if left == 0 else f"剩 {left} 天", "warn")
    return Look(f"{due_on:%Y-%m-%d}")


def item_of_step(step: Step, today: date) -> Item:
    """A line of my queue."""
    return _item(step.case, step.label, due_look(step.due_on, step.due_pending, today))


def item_of_case(case: Case, today: date) -> Item:
    """A line of the list of cases, with the deadline of the whole."""
    due = (
        due_look(case.due_on, case.due_pending, today)
        if case.is_running
        else Look(f"{case.decided_on or case.closed_on:%Y-%m-%d} 决定")
    )
    return _item(case, case.get_state_display(), due)


def _item(case: Case, step: str, due: Look) -> Item:
    return Item(
        name=case.applicant.name,
        no=case.no,
        programme=programme_label(case.programme),
        step=step,
        place=places.path(case.region),
        accepted=case.accepted_on,
        due=due,
        href=reverse("web:case", args=[case.pk]),
        pk=case.pk,
    )
