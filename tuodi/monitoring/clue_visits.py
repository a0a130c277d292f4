"""Home visits of a clue: planned from the ledger, their findings taken as evidence with one press."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from django.db import transaction

from tuodi.cases.guard import logs_blocks
from tuodi.monitoring.clue_verify import add_evidence
from tuodi.monitoring.errors import ClueInputError, ClueStateError
from tuodi.monitoring.models import Clue, ClueEvidence
from tuodi.monitoring.steps import Step, note_event
from tuodi.org.models import User
from tuodi.verification.models import VisitRecord, VisitTask
from tuodi.verification.visit_actions import PLANNERS, plan_visit
from tuodi.verification.visit_queries import Finding, visit_findings

__all__ = ["VISIT_KINDS", "plan_clue_visit", "take_finding", "untaken"]

#: Kinds of evidence a visit may stand for.
VISIT_KINDS = ("visit", "photo")


@logs_blocks
@transaction.atomic
def plan_clue_visit(
    clue: Clue, *, assigned: Sequence[User], acting_user: User, due: date | None = None, note: str = ""
) -> VisitTask:
    """Makes a visit for a clue that is not closed. The task bears the clue's number.

    Raises: ClueStateError, VisitorsError, NotFoundError, AccessDeniedError, ClueKinError.
    """
    step = Step([clue], acting_user, "安排入户")
    step.duty(*PLANNERS[VisitTask.Purpose.CLUE])
    step.refuse(
        lambda row: (
            ClueStateError(row.no, row.get_state_display(), "安排入户")
            if row.state in (Clue.State.GENERATED, Clue.State.CLOSED)
            else None
        )
    )
    row = step.one()
    task = plan_visit(
        row.household, VisitTask.Purpose.CLUE, matter_no=row.no, assigned=assigned, due=due, note=note, acting_user=acting_user
    )  # fmt: skip
    names = "、".join(user.name for user in assigned)
    note_event(row, "visit", user=acting_user, note=f"{task.no}，{names}"[:300])
    step.audit("plan_clue_visit", task=task.no)
    return task


def untaken(clue: Clue) -> list[Finding]:
    """What visits of a clue found that does not lie with it yet, oldest first. Three queries."""
    taken = set(clue.evidence.filter(visit_id__isnull=False).values_list("visit_id", flat=True))
    return [one for one in visit_findings(clue.no) if one.visit_id not in taken]


def take_finding(clue: Clue, visit_id: int, *, acting_user: User) -> ClueEvidence:
    """Puts the finding of one visit on file, with what differed in words and the hash that binds record and photographs.

    Raises: ClueInputError: no visit of this clue, not signed, or taken before. As `add_evidence` does.
    """
    found = next((one for one in visit_findings(clue.no) if one.visit_id == visit_id), None)
    if found is None:
        raise ClueInputError("入户记录", "不是这条线索的入户记录，或已有更新的版本，请刷新后再看")
    if not found.signed and found.state != VisitTask.State.REFUSED:
        raise ClueInputError("入户记录", f"{found.no} 还没有签完名，请签完再作为证据")
    if clue.evidence.filter(visit_id=visit_id).exists():
        raise ClueInputError("入户记录", f"{found.no} 已经作为证据入卷")
    return add_evidence(
        clue,
        kind="visit",
        title=f"入户调查 {found.no}",
        text=text_of(found),
        visit_id=visit_id,
        acting_user=acting_user,
    )


def text_of(found: Finding) -> str:
    """A finding in words: conclusion, what differed, who was there, and the hash."""
    parts = [f"结论：{VisitRecord.Conclusion(found.conclusion).label}"]
    if found.opinion.strip():
        parts.append(f"意见：{found.opinion.strip()}")
    parts += [f"{label}：{record or '没有登记或申报'}，所见 {seen}" for label, record, seen in found.differs]
    parts.append(f"调查人员：{'、'.join(found.investigators)}")
    if found.photos:
        parts.append(f"照片 {found.photos} 张")
    return "；".join(parts) + f"。记录校验值 {found.evidence_hash}"
