"""Verbs on home visits: plan one, add a photograph, hand in the record, cancel.

Two investigators make a visit ([57] art 16, [220] art 19); nobody visits his own family or his kin's, or a case he is
barred from. What was handed in is never changed: a correction is a further version that names the one before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction

from tuodi.audit.actions import record as audit
from tuodi.cases import actions as cases
from tuodi.cases.calendar import Due
from tuodi.cases.calendar import due as deadline
from tuodi.cases.engine import latest
from tuodi.cases.errors import CaseError
from tuodi.cases.guard import level_of, logs_blocks
from tuodi.cases.models import Case, Step
from tuodi.cases.series import next_no
from tuodi.cases.states import StepState, move
from tuodi.kernel import clock
from tuodi.org import access
from tuodi.org.errors import NotFoundError
from tuodi.org.models import DutyCode, Office, User
from tuodi.people import tellings
from tuodi.people.models import Household
from tuodi.policy.procedure import Does, Limit
from tuodi.verification import visit_facts
from tuodi.verification.models import KinFiling, VisitPhoto, VisitRecord, VisitTask
from tuodi.verification.visit_access import check_office, check_visitors, door, lock_for_visitor
from tuodi.verification.visit_errors import VisitConflictError, VisitInputError, VisitorsError
from tuodi.verification.visit_evidence import PhotoInput, bound, digest_of, keep_photo, point, sign, skew
from tuodi.verification.visit_forms import Form, check_answers, form_for
from tuodi.verification.visit_states import VISIT_MOVES

__all__ = [
    "PLANNERS",
    "VisitForm",
    "add_photo",
    "apply_to_step",
    "cancel_visit",
    "plan_own_visit",
    "plan_visit",
    "submit_visit",
]

Purpose, State, Conclusion = VisitTask.Purpose, VisitTask.State, VisitRecord.Conclusion
#: Duties that may plan a visit, by purpose; a third-party task is the county's to give.
PLANNERS: Mapping[str, tuple[str, ...]] = {
    Purpose.CASE: (DutyCode.VISIT, DutyCode.REVIEW, DutyCode.ACCEPT),
    Purpose.CLUE: (DutyCode.CLUE, DutyCode.CLUE_DECIDE, DutyCode.VISIT),
    Purpose.SPOT_CHECK: (DutyCode.VISIT, DutyCode.REVIEW),
    Purpose.KIN: (DutyCode.VISIT, DutyCode.REVIEW),
    Purpose.THIRD_PARTY: (DutyCode.CLUE_DECIDE, DutyCode.VERIFY, DutyCode.REVIEW),
    Purpose.REVIEW: (DutyCode.VISIT, DutyCode.REVIEW),
}
#: Visits a family is told of beforehand; the others are to find it as it is.
TOLD = (Purpose.CASE, Purpose.REVIEW)


@dataclass(frozen=True, slots=True)
class VisitForm:
    """What the investigators filled in.

    Attributes:
        answers: Item of the form -> value.
        conclusion: `true`, `differs`, `recheck` or `refused`; `refused` needs `refused_reason`, and no answers.
        investigators: The people who were there, the submitting user among them.
        base_version: The version the form was filled in on; 0 = none was there. Another number now is a conflict.
        client_id: Made by the device; the same again is the same submission. None = a new one.
        correction_reason: Needed for every version after the first.
        device_at: The device's clock at sending; None = entered at a desk.
        basis_hash: Hash of what the form showed as declared and registered; empty = not checked.
    """

    answers: Mapping[str, Any]
    conclusion: str
    investigators: Sequence[User] = ()
    opinion: str = ""
    base_version: int = 0
    client_id: UUID | None = None
    correction_reason: str = ""
    refused_reason: str = ""
    at_home: str = ""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    device_at: datetime | None = None
    latitude: Any = None
    longitude: Any = None
    accuracy_m: int | None = None
    neighbours: Sequence[Mapping[str, str]] = field(default_factory=tuple)
    basis_hash: str = ""


@logs_blocks
def plan_visit(
    household: Household,
    purpose: str,
    *,
    acting_user: User | None,
    matter_no: str = "",
    assigned: Sequence[User] = (),
    due: date | None = None,
    case: Case | None = None,
    office: Office | None = None,
    place: str = "",
    note: str = "",
) -> VisitTask:
    """Makes a task for a visit.

    Args:
        purpose: One of `VisitTask.Purpose`.
        matter_no: Number of what it is for where that is no case (clue, spot check, contract).
        assigned: Who goes: two or more, or nobody yet where an office is named.
        due: Last day; None = the open visit step's day, else the form's own limit.
        office: Whose task it is; default the first assigned's, else the acting user's.
        acting_user: None = the system (a monthly list).

    Raises:
        NotFoundError, AccessDeniedError; VisitorsError; DutySeparationError.
    """
    region = household.region
    if acting_user is not None:
        access.require_any(acting_user, PLANNERS[Purpose(purpose)], region)
    users = list({user.pk: user for user in assigned}.values())
    if case is not None and case.household_id != household.pk:
        raise NotFoundError("案件")
    text = form_for(region, clock.today())
    if users and len(users) < text.people:
        raise VisitorsError("（新建）", f"只安排了 {len(users)} 人，须不少于 {text.people} 人，请再加一人。")
    if not users and office is None:
        raise VisitorsError("（新建）", "没有安排调查人员，请选两人以上，或指定承办机构。")
    check_visitors(household, case, users, "（新建）")
    owner = office or users[0].office
    end = _due(case, users, due, text)
    task = VisitTask.objects.create(
        region=region,
        no=next_no("visit", region, clock.today()),
        household=household,
        purpose=purpose,
        case=case,
        matter_no=matter_no.strip()[:40],
        place=(place.strip() or household.address)[:200],
        note=note.strip()[:300],
        office=owner,
        assigned_ids=[user.pk for user in users],
        planned_at=clock.now(),
        planned_by=acting_user,
        due_on=end.on,
        due_pending=end.pending,
        due_note=end.note[:200],
    )
    _audit("plan_visit", acting_user, task, purpose=purpose, due_on=end.on)
    if purpose in TOLD:
        _tell(task)
    return task


def _tell(task: VisitTask) -> None:
    person = task.case.applicant if task.case is not None else task.household.head
    template, facts = (
        ("visit_planned", {"until": f"{task.due_on:%m月%d日}"}) if task.due_on else ("visit_planned_open", {})
    )
    no = task.case.no if task.case is not None else ""
    tellings.tell(template, task.household, person, f"visit:{task.no}", dict[str, object](facts), case_no=no)


@logs_blocks
def plan_own_visit(household: Household, *, acting_user: User, matter_no: str, due: date) -> VisitTask:
    """A provider's visitor takes up what the county gave his office; who goes with him is named in the record.

    Args:
        matter_no: Contract and task. due: The contract's last day: the task is shut to the provider after it.

    Raises:
        VisitorsError, DutySeparationError.
    """
    with transaction.atomic():
        check_visitors(household, None, [acting_user], "（新建）")
        task = plan_visit(
            household, Purpose.THIRD_PARTY, acting_user=None, matter_no=matter_no, due=due, office=acting_user.office
        )
        task.assigned_ids = [acting_user.pk]
        task.save(update_fields=["assigned_ids"])
        _audit("take_visit", acting_user, task, due_on=due)
        return task


def _due(case: Case | None, users: Sequence[User], given: date | None, text: Form) -> Due:
    if given is not None:
        return Due(given, note="安排时指定")
    step = open_visit_step(case, level_of(users[0])) if case is not None and users else None
    if step is not None and (step.due_on or step.due_pending):
        return Due(step.due_on, step.due_pending, step.due_note)
    return deadline(Limit(text.limit.n, text.limit.unit, clause=text.limit.clause), clock.today())


def open_visit_step(case: Case, level: str) -> Step | None:
    """The case's open visit step of a level, or None."""
    for step in latest(case).values():
        if step.kind is Does.VISIT and step.by_level == level and step.state == StepState.OPEN:
            return step
    return None


@logs_blocks
def add_photo(task: VisitTask, photo: PhotoInput, *, acting_user: User) -> VisitPhoto:
    """Takes in one photograph of a task, before or with its record.

    Raises:
        ImageRefusedError, EvidenceError, VisitInputError (too many); MoveRefusedError: The task is cancelled.
    """
    with transaction.atomic(), door(acting_user, task.pk):
        task = lock_for_visitor(task, acting_user)
        check_visitors(task.household, task.case, [acting_user], task.no)
        move(f"入户任务 {task.no} ", VISIT_MOVES, task.state, State.SIGNED)
        return keep_photo(photo, by=acting_user, task=task)


@logs_blocks
def submit_visit(
    task: VisitTask,
    form: VisitForm,
    photos: Sequence[PhotoInput | VisitPhoto | str],
    signatures: Sequence[Mapping[str, Any]],
    *,
    acting_user: User,
) -> VisitRecord:
    """Hands in what was found: a new version of the record.

    With every signature the task is signed, the case's open visit step of this level is done, and what was seen
    otherwise than declared goes into the case's draft of facts with the source 入户调查. Without, it waits for signatures.

    Args:
        photos: New pictures, rows of this task, or source hashes of pictures sent before.
        signatures: See `visit_evidence.sign`. Each investigator signs; the family signs or is noted as refusing.

    Raises:
        VisitInputError: Everything missing or wrong, by item. VisitConflictError: Another version came first.
        VisitorsError, DutySeparationError, EvidenceError, ImageRefusedError, MoveRefusedError, FactFaultsError.
    """
    with transaction.atomic(), door(acting_user, task.pk):
        task = lock_for_visitor(task, acting_user)
        if form.client_id is not None:
            again = task.records.filter(client_id=form.client_id).first()
            if again is not None:  # the answer was lost on the way, not the record
                return again
        newest = task.records.order_by("-version").first()
        if newest is not None and newest.version != form.base_version:
            raise VisitConflictError(task.no, form.base_version, newest)
        people = {acting_user.pk: acting_user} | {user.pk: user for user in form.investigators}
        users = list(people.values())
        check_visitors(task.household, task.case, users, task.no)
        check_office(task, users)
        kept = _photos(task, photos, acting_user)
        row, faults, unsigned = _row(task, form, users, kept, signatures, newest, acting_user)
        if faults:
            raise VisitInputError(faults)
        after = State.REFUSED if form.conclusion == Conclusion.REFUSED else State.VISITED if unsigned else State.SIGNED
        move(f"入户任务 {task.no} ", VISIT_MOVES, task.state, after)
        row.evidence_hash = digest_of(bound(row))
        if task.case is not None and after == State.SIGNED and task.case.is_running:
            row.fact_set = visit_facts.feed(task.case, row, acting_user=acting_user)
        row.save(force_insert=True)
        task.state, task.version = after, row.version
        if not task.assigned_ids:
            task.assigned_ids = [user.pk for user in users]
        task.save(update_fields=["state", "version", "assigned_ids"])
        _audit("submit_visit", acting_user, task, version=row.version, evidence=row.evidence_hash)
        if after == State.SIGNED and task.case is not None:
            _note_kin(task.case, row)
            _finish_step(task.case, row, users, acting_user)
        return row


def _photos(task: VisitTask, given: Sequence[PhotoInput | VisitPhoto | str], user: User) -> list[VisitPhoto]:
    kept: dict[int, VisitPhoto] = {}
    known = {photo.source_sha256: photo for photo in task.photos.select_related("file")}
    for one in given:
        if isinstance(one, PhotoInput):
            photo = keep_photo(one, by=user, task=task)
        elif isinstance(one, VisitPhoto):
            photo = one
        else:
            found = known.get(str(one).lower())
            if found is None:
                raise VisitInputError([("photos", "有照片还没有传到服务器，请联网后重新提交")])
            photo = found
        if photo.task_id != task.pk:
            raise VisitInputError([("photos", "有照片不属于本任务")])
        kept[photo.pk] = photo
    return list(kept.values())


def _row(
    task: VisitTask,
    form: VisitForm,
    users: Sequence[User],
    photos: Sequence[VisitPhoto],
    signatures: Sequence[Mapping[str, Any]],
    newest: VisitRecord | None,
    user: User,
) -> tuple[VisitRecord, list[tuple[str, str]], bool]:
    """The new version, what is wrong with it, and whether signatures are still missing."""
    faults: list[tuple[str, str]] = []
    now = clock.now()
    refused = form.conclusion == Conclusion.REFUSED
    text = form_for(task.region, clock.today())
    need = _people_of(task, users, text.people)
    if len(users) < need:
        faults.append(("investigators", f"调查人员只有 {len(users)} 人，须不少于 {need} 人到场"))
    if form.conclusion not in Conclusion.values:
        faults.append(("conclusion", "没有选调查结论"))
    if refused and not form.refused_reason.strip():
        faults.append(("refused_reason", "拒绝调查的，请写明情形"))
    if form.conclusion in (Conclusion.DIFFERS, Conclusion.RECHECK) and not form.opinion.strip():
        faults.append(("opinion", "有出入或需再查的，请写明意见"))
    if newest is not None and not form.correction_reason.strip():
        faults.append(("correction_reason", "更正已提交的记录，请写明理由"))
    if form.started_at is not None and form.started_at > now:
        faults.append(("started_at", "入户时间不能晚于现在"))
    if form.ended_at is not None and (form.started_at is None or form.ended_at < form.started_at):
        faults.append(("ended_at", "离开时间早于入户时间"))
    basis = visit_facts.basis_for(task, text)
    if form.basis_hash and form.basis_hash != digest_of(basis):
        faults.append(("basis", "申报或核对结果在您填写期间有变化，请刷新后对照新的依据再提交"))
    answers, wrong = check_answers(text, form.answers, basis=basis, partial=refused)
    faults += wrong
    signed, missing = _signed(signatures, users, photos, faults)
    levels = {level_of(one) for one in users}
    row = VisitRecord(
        task=task,
        region=task.region,
        version=1 if newest is None else newest.version + 1,
        supersedes=newest,
        correction_reason=form.correction_reason.strip()[:300] if newest is not None else "",
        client_id=form.client_id or uuid4(),
        form_key=text.key,
        form_hash=text.hash,
        started_at=form.started_at,
        ended_at=form.ended_at,
        device_at=form.device_at,
        received_at=now,
        skew_seconds=skew(form.device_at),
        latitude=point(form.latitude, 90),
        longitude=point(form.longitude, 180),
        accuracy_m=form.accuracy_m,
        investigators=[{"id": one.pk, "name": one.name, "level": level_of(one)} for one in users],
        level=levels.pop() if len(levels) == 1 else "",
        at_home=form.at_home.replace("\x00", "").strip()[:100],
        answers=answers,
        basis=basis,
        neighbours=_neighbours(form.neighbours),
        conclusion=form.conclusion,
        opinion=form.opinion.replace("\x00", "").strip()[:2000],
        refused_reason=form.refused_reason.replace("\x00", "").strip()[:300],
        signatures=signed,
        photo_hashes=[photo.sha256 for photo in photos],
        submitted_by=user,
    )
    return row, faults, missing


def _people_of(task: VisitTask, users: Sequence[User], least: int) -> int:
    """How many the case's procedure asks for; never fewer than the form's own number."""
    if task.case is None:
        return least
    steps = [step for step in task.case.procedure.steps if step.does is Does.VISIT and step.by == level_of(users[0])]
    return max((least, *(step.people for step in steps)))


def _signed(
    raw: Sequence[Mapping[str, Any]],
    users: Sequence[User],
    photos: Sequence[VisitPhoto],
    faults: list[tuple[str, str]],
) -> tuple[list[dict[str, Any]], bool]:
    """Signatures in stored form, and whether one is missing; what cannot be a signature goes to the faults."""
    by_source = {photo.source_sha256: photo for photo in photos}
    names = {user.pk: user.name for user in users}
    rows: list[dict[str, Any]] = []
    for one in raw:
        try:
            row = sign(one, by_source)
        except ValueError as error:
            faults.append(("signatures", f"{one.get('name') or '签名'}{error}"))
            continue
        if row["role"] == "investigator":
            if row["user"] not in names:
                faults.append(("signatures", f"签名人“{row['name']}”不是本次调查人员"))
                continue
            row["name"] = names[row["user"]]
        rows.append(row)
    have = {row["user"] for row in rows if row["role"] == "investigator"}
    family = any(row["role"] == "respondent" for row in rows)
    return rows, bool(set(names) - have) or not family


def _neighbours(raw: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    rows = []
    for one in raw[:20]:
        row = {key: str(one.get(key) or "").replace("\x00", "").strip()[:300] for key in ("name", "relation", "said")}
        if any(row.values()):
            rows.append(row)
    return rows


def _note_kin(case: Case, row: VisitRecord) -> None:
    """The county's own visit is what a kin filing waits for ([57] art 20)."""
    if row.level != "COUN":
        return
    for filing in KinFiling.objects.filter(case=case, state=KinFiling.State.FILED):
        filing.state, filing.visit = KinFiling.State.VISITED, row
        filing.save(update_fields=["state", "visit"])


def _finish_step(case: Case, row: VisitRecord, users: Sequence[User], user: User) -> None:
    """Does the open visit step of the acting user's level; a visit that must be made again does none."""
    step = open_visit_step(case, level_of(user))
    if step is None or row.conclusion == Conclusion.RECHECK:
        return
    if not access.has_duty(user, step.duty, case.region):
        return  # a clue officer's visit is evidence, not the step
    cases.complete_step(
        step,
        acting_user=user,
        result="done",
        opinion=row.opinion or row.get_conclusion_display(),
        data={
            "visit": row.pk,
            "no": row.no,
            "version": row.version,
            "conclusion": row.conclusion,
            "evidence": row.evidence_hash,
        },
        people=[one for one in users if one.pk != user.pk],
    )


@logs_blocks
def apply_to_step(task: VisitTask, *, acting_user: User) -> Step:
    """Uses a signed record for the case's visit step that has opened since (the check came after the visit).

    Raises:
        VisitInputError: Nothing signed, or no step of this level is open. CaseError: As for every step.
    """
    with transaction.atomic():
        task = lock_for_visitor(task, acting_user)
        row = task.records.order_by("-version").first()
        if task.case is None or row is None or task.state != State.SIGNED:
            raise VisitInputError([("task", "没有已签名的入户记录可用")])
        step = open_visit_step(task.case, level_of(acting_user))
        if step is None:
            raise VisitInputError([("task", "本级入户环节现在不是待办")])
        users = list(User.objects.filter(pk__in=[one["id"] for one in row.investigators]))
        if acting_user.pk not in {one.pk for one in users}:
            raise VisitorsError(task.no, "只有到场的调查人员可以用这份记录办理环节。")
        _finish_step(task.case, row, users, acting_user)
        done = task.case.steps.get(pk=step.pk)
        if done.state != StepState.DONE:
            raise CaseError(f"“{step.label}”没有办成：结论是“{row.get_conclusion_display()}”。请再次入户后办理。")
        return done


def cancel_visit(task: VisitTask, *, acting_user: User, reason: str) -> VisitTask:
    """Takes a task back before it is signed, with a reason.

    Raises:
        VisitInputError: No reason. MoveRefusedError: It was signed already.
    """
    with transaction.atomic():
        access.require_any(acting_user, PLANNERS[Purpose(task.purpose)], task.region)
        row = VisitTask.objects.select_for_update().get(pk=task.pk)
        if not reason.strip():
            raise VisitInputError([("reason", "取消入户任务，请写明原因")])
        move(f"入户任务 {row.no} ", VISIT_MOVES, row.state, State.CANCELLED)
        row.state, row.ended_reason = State.CANCELLED, reason.strip()[:200]
        row.save(update_fields=["state", "ended_reason"])
        _audit("cancel_visit", acting_user, row, reason=row.ended_reason)
        return row


def _audit(action: str, actor: User | None, task: VisitTask, **after: Any) -> None:
    audit(
        f"verification.{action}",
        actor=actor,
        subject_type="visittask",
        subject_id=task.pk,
        region=task.region,
        case_no=task.case.no if task.case else None,
        after={"no": task.no, "state": task.state, "matter_no": task.matter_no, **after},
    )
