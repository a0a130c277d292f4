"""The visit behind a third-party task: how the two find each other, and what the county reads of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import F

from tuodi.monitoring.models import ThirdPartyTask
from tuodi.monitoring.sweep_errors import WatchInputError, WatchStateError
from tuodi.verification.models import VisitPhoto, VisitRecord, VisitTask

__all__ = ["Seen", "matter_of", "record_for", "seen_of", "task_number", "visit_of"]

State = VisitTask.State


def matter_of(task: ThirdPartyTask) -> str:
    """What the visit's task carries as its matter: contract and task, `<contract no>/<task id>`."""
    return f"{task.contract.no}/{task.pk}"


def task_number(visit: VisitTask) -> int | None:
    """Number of the third-party task a visit was made for; None = it was made for something else."""
    tail = visit.matter_no.rpartition("/")[2]
    third = visit.purpose == VisitTask.Purpose.THIRD_PARTY and "/" in visit.matter_no
    return int(tail) if third and tail.isascii() and tail.isdigit() and len(tail) < 19 else None


def visit_of(task: ThirdPartyTask) -> VisitTask | None:
    """The visit taken up for a task that was not taken back, or None; needs an open scope."""
    rows = VisitTask.objects.filter(
        matter_no=matter_of(task), household=task.household_id, purpose=VisitTask.Purpose.THIRD_PARTY,
        office=task.contract.provider_id,
    )  # fmt: skip
    return rows.exclude(state=State.CANCELLED).order_by("-id").first()


def record_for(task: ThirdPartyTask, visit_id: int | None) -> VisitRecord | None:
    """The record a report stands on: the one named, else the newest of the task's visit; None = there was no visit form.

    Raises:
        WatchInputError: It is of another family or task, not signed, or no longer the newest.
        WatchStateError: The visit's record still waits for signatures.
    """
    visit = visit_of(task)
    if visit is not None and visit.state == State.VISITED:
        raise WatchStateError(f"入户记录 {visit.no}", visit.get_state_display(), "提交核查意见（请先补齐签名）")
    rows = VisitRecord.objects.select_related("task").filter(
        task=visit, task__state__in=(State.SIGNED, State.REFUSED), version=F("task__version")
    )
    found = rows.first() if visit is not None else None
    if visit_id is not None and (found is None or found.pk != visit_id):
        raise WatchInputError("入户记录", "不是本户本项任务已签名的最新记录，请刷新后再提交")
    return found


@dataclass(frozen=True)
class Seen:
    """What a visit brought: number and page of its record, its conclusion, photographs as (number, caption)."""

    no: str
    visit_task: int
    conclusion: str
    photos: tuple[tuple[int, str], ...]


def seen_of(tasks: Iterable[ThirdPartyTask]) -> dict[int, Seen]:
    """Records that reports stand on, by third-party task; two queries, in the reader's scope."""
    wanted = {task.visit_id: task.pk for task in tasks if task.visit_id is not None}
    records = list(VisitRecord.objects.filter(pk__in=wanted).select_related("task"))
    taken: dict[int, list[VisitPhoto]] = {}
    for photo in VisitPhoto.objects.filter(task__in=[row.task_id for row in records]).order_by("id"):
        taken.setdefault(photo.task_id or 0, []).append(photo)
    return {
        wanted[row.pk]: Seen(
            row.no, row.task_id, row.get_conclusion_display(),
            tuple((one.pk, one.caption or "照片") for one in taken.get(row.task_id, ()) if one.sha256 in row.photo_hashes),
        )
        for row in records
    }  # fmt: skip
