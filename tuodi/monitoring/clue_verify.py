"""The first half of a clue's life: raised, sent to a responsible person, looked into, a verdict proposed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import IntegrityError, transaction

from tuodi.audit.actions import record
from tuodi.cases.calendar import Due, due
from tuodi.files.models import StoredFile
from tuodi.kernel import clock
from tuodi.kernel.errors import TuodiError
from tuodi.kernel.workdays import Unit
from tuodi.monitoring.errors import (
    ClueInputError,
    ClueStateError,
    EvidenceMissingError,
    ExtendedError,
    NotResponsibleError,
)
from tuodi.monitoring.models import Clue, ClueEvent, ClueEvidence, Hit, SweepRun
from tuodi.monitoring.numbers import clue_numbers
from tuodi.monitoring.states import EVIDENCE, REFUTED_WHY, UNDER_VERIFICATION
from tuodi.monitoring.steps import BatchResult, Step, note_event
from tuodi.org import access
from tuodi.org.models import DutyCode, Office, User
from tuodi.people.models import Household, Person
from tuodi.policy.procedure import Limit
from tuodi.verification.models import RegisterBatch

__all__ = [
    "DEFAULT_LIMIT",
    "EvidenceRule",
    "add_evidence",
    "assign",
    "assign_many",
    "default_treatment",
    "limit_of",
    "missing_evidence",
    "new_clue",
    "propose",
    "propose_many",
    "start_many",
    "start_verifying",
    "undetermined",
]

State, Verdict, Severity = Clue.State, Clue.Verdict, Clue.Severity
#: Where neither rule nor place says another; the sources name a limit for each clue and no number.
DEFAULT_LIMIT = Limit(15, Unit.WORKDAY, clause="系统默认")
_ROWS = 2000


@dataclass(frozen=True)
class EvidenceRule:
    """One piece of evidence that stands for many clues: a department's written answer, a list of exempt vehicles.

    Attributes:
        kinds: names of required evidence it stands for, as `Clue.required` has them; one row of evidence each.
    """

    kinds: tuple[str, ...]
    title: str
    text: str = ""
    file: StoredFile | None = None


def default_treatment(severity: str) -> str:
    """What a confirmation does where the region says nothing: red suspends, orange is computed anew, yellow is noted."""
    return {Severity.RED: "suspend", Severity.ORANGE: "recompute"}.get(Severity(severity), "note")


def new_clue(
    *, source: str, rule_code: str, severity: str, household: Household, person: Person, programme: str,
    acting_user: User | None, rule_text: Mapping[str, Any] | None = None, category: str = "", fact: str = "",
    fact_key: str = "", fact_hash: str = "", registered: Mapping[str, Any] | None = None,
    stated: Mapping[str, Any] | None = None, found_on: date | None = None, monthly_fen: int | None = None,
    required: Sequence[str] = (), outcomes: Sequence[str] = (), default_action: str = "", on_confirmed: str = "",
    run: SweepRun | None = None, hit: Hit | None = None, batch: RegisterBatch | None = None,
) -> Clue:  # fmt: skip
    """Enters one clue into the ledger: a report by name, a periodic review, a payment that strikes, a word from the village.

    The same person, rule and fact again gives the clue there is, answered or not.

    Args:
        source: ``report``, ``review``, ``payment``, ``village`` … or the kind of register.
        fact: what was told, in words; used for `fact_key` and `fact_hash` where no register row gives them.
        acting_user: None = the system.

    Raises: ClueInputError, NotFoundError, AccessDeniedError.
    """
    if acting_user is not None:
        access.require_any(
            acting_user,
            [DutyCode.CLUE, DutyCode.VERIFY, DutyCode.CLUE_DECIDE, DutyCode.SWEEP],
            household.region,
        )
    if severity not in Severity.values:
        raise ClueInputError("级别", f"“{severity}”只能是 R、O、Y")
    if not (fact.strip() or (fact_key and fact_hash)):
        raise ClueInputError("事项", "必须写明：是什么事、什么时间、从何得知")
    told = hashlib.sha256(f"{source}|{person.pk}|{fact.strip()}".encode()).hexdigest()
    key, digest = fact_key or told, fact_hash or told
    known = Clue.objects.filter(person=person, rule_code=rule_code, fact_hash=digest).first()
    if known is not None:
        return known
    shown = dict(registered or {})
    if fact.strip():
        shown.setdefault("fact", fact.strip())
    try:
        with transaction.atomic():
            clue = Clue.objects.create(
                region=household.region, no=clue_numbers([household.region])[0], run=run, hit=hit, source=source, batch=batch,
                rule_code=rule_code, rule_text=dict(rule_text or {}), severity=severity, programme=programme,
                category=category or household.area_kind, household=household, person=person, fact_key=key, fact_hash=digest,
                registered=shown, stated=dict(stated or {}), found_on=found_on or clock.today(), monthly_fen=monthly_fen,
                required=list(required), outcomes=list(outcomes), default_action=default_action,
                on_confirmed=on_confirmed or default_treatment(severity),
            )  # fmt: skip
    except IntegrityError as error:
        if "monitoring_clue_once" not in str(error):
            raise
        return Clue.objects.get(person=person, rule_code=rule_code, fact_hash=digest)  # somebody was faster
    ClueEvent.objects.create(
        clue=clue,
        region=clue.region,
        at=clock.now(),
        by=acting_user,
        kind="raise",
        after=State.GENERATED,
        note=fact[:500],
    )
    record(
        "monitoring.new_clue",
        actor=acting_user,
        subject_type="clue",
        subject_id=clue.pk,
        region=clue.region,
        after={"no": clue.no, "source": source, "rule": rule_code, "severity": severity},
    )
    return clue


# ---- to a responsible person


def limit_of(clue: Clue) -> Limit:
    """The limit its rule states (`rule_text["deadline"]`: n, unit, clause), else the default."""
    said = clue.rule_text.get("deadline")
    if not isinstance(said, dict) or not said.get("n"):
        return DEFAULT_LIMIT
    return Limit(int(said["n"]), Unit(said.get("unit", Unit.WORKDAY)), clause=str(said.get("clause", "")))


def _due_columns(found: Due) -> dict[str, Any]:
    return {"deadline": found.on, "deadline_pending": found.pending, "deadline_note": found.note[:200]}


def _by_limit(rows: Iterable[Clue]) -> dict[Limit, list[Clue]]:
    groups: dict[Limit, list[Clue]] = {}
    for row in rows:
        groups.setdefault(limit_of(row), []).append(row)
    return groups


def assign(clue: Clue, *, responsible: User, acting_user: User, office: Office | None = None) -> Clue:
    """Sends a clue to a responsible person and starts its limit. One under way already gets another person; the limit stays.

    Raises: ClueInputError: he lacks the duty there. ClueStateError; NotFoundError, AccessDeniedError.
    """
    step = _assign([clue], responsible, office, acting_user)
    return step.one()


def assign_many(
    clues: Iterable[Clue | int], *, responsible: User, acting_user: User, office: Office | None = None
) -> BatchResult:
    """Like `assign` for many."""
    return _assign(clues, responsible, office, acting_user).result()


@transaction.atomic
def _assign(clues: Iterable[Clue | int], responsible: User, office: Office | None, user: User) -> Step:
    step = Step(clues, user, "派发")
    step.duty(DutyCode.VERIFY, DutyCode.CLUE_DECIDE, county=True)
    ranges = access.ranges_for(responsible, [DutyCode.CLUE])
    place = office or responsible.office

    def fits(row: Clue) -> TuodiError | None:
        if not any(row.region in one for one in ranges) or not access.in_scope(responsible, row.region):
            return ClueInputError("责任人", f"{responsible.name}在线索 {row.no} 所在地没有“线索核实”职责，请另选")
        if row.region not in access.range_of(place.place_code):
            return ClueInputError("承办机构", f"{place.name}不管辖线索 {row.no} 所在地，请另选")
        if row.state not in (State.GENERATED, State.ASSIGNED, *UNDER_VERIFICATION):
            return ClueStateError(row.no, row.get_state_display(), "派发")
        return None

    step.refuse(fits)
    common = {"responsible": responsible, "office": place, "assigned_at": clock.now(), "assigned_by": user}
    new = [row for row in step.open if row.state == State.GENERATED]
    again = [row for row in step.open if row.state != State.GENERATED]
    note = f"责任人：{responsible.name}，{place.name}"
    for limit, rows in _by_limit(new).items():
        step.write(
            "assign", State.ASSIGNED, {**common, **_due_columns(due(limit, clock.today()))}, note=note, rows=rows
        )
    # What another person proposed is not the new one's word.
    blank = {"proposed": "", "proposed_by": None, "proposed_at": None}
    step.write("reassign", None, {**common, **blank}, note=note, rows=again)
    step.audit("assign", responsible=responsible.pk, office=place.pk)
    return step


# ---- looking into it


def _responsible(step: Step) -> None:
    user = step.user
    mine = set() if user is None else {user.pk, *(one.pk for one in access.covered(user))}
    step.refuse(
        lambda row: (
            None
            if row.responsible_id in mine
            else NotResponsibleError(row.no, row.responsible.name if row.responsible else "")
        )
    )


def start_verifying(clue: Clue, *, acting_user: User) -> Clue:
    """The responsible person begins. Raises: NotResponsibleError, ClueStateError, NotFoundError, AccessDeniedError."""
    return _start([clue], acting_user).one()


def start_many(clues: Iterable[Clue | int], *, acting_user: User) -> BatchResult:
    """Like `start_verifying` for many."""
    return _start(clues, acting_user).result()


@transaction.atomic
def _start(clues: Iterable[Clue | int], user: User) -> Step:
    step = Step(clues, user, "开始核实")
    step.duty(DutyCode.CLUE)
    step.move(State.VERIFYING, only=(State.ASSIGNED,))
    _responsible(step)
    step.write("start", State.VERIFYING, {})
    step.audit("start_verifying")
    return step


@transaction.atomic
def add_evidence(
    clue: Clue, *, kind: str, title: str, acting_user: User, text: str = "", file: StoredFile | None = None,
    visit_id: int | None = None,
) -> ClueEvidence:  # fmt: skip
    """Puts a piece of evidence on file, for or against. On a closed clue too: it is what a reopening rests on.

    Args:
        kind: as `Clue.required` names it, else one of `states.EVIDENCE`.
        visit_id: a visit of the room verification.

    Raises: ClueInputError: nothing in it, or an unknown kind. NotFoundError, AccessDeniedError.
    """
    step = Step([clue], acting_user, "补充证据")
    step.duty(DutyCode.CLUE, DutyCode.VISIT, DutyCode.VERIFY, DutyCode.CLUE_DECIDE, DutyCode.CLUE_CLOSE)
    row = step.one()
    known = _labels(row)
    if kind not in known:
        raise ClueInputError("证据种类", f"“{kind}”不认识，可用：{'、'.join(known.values())}")
    if not title.strip():
        raise ClueInputError("证据名称", "必须填写")
    if not text.strip() and file is None and visit_id is None:
        raise ClueInputError("证据内容", "必须填写文字、上传文件或选择入户记录之一")
    found = ClueEvidence.objects.create(
        clue=row, region=row.region, kind=kind, title=title.strip()[:100], text=text.strip(), file=file, visit_id=visit_id,
        added_at=clock.now(), added_by=acting_user,
    )  # fmt: skip
    note_event(row, "evidence", user=acting_user, note=f"{known[kind]}：{title.strip()}"[:300])
    step.audit("add_evidence", kind=kind, evidence=found.pk)
    return found


def _labels(clue: Clue) -> dict[str, str]:
    """Kind -> label: the rule's own names before the common ones."""
    said = clue.rule_text.get("evidence")
    own = {str(k): str(v) for k, v in said.items()} if isinstance(said, dict) else {}
    return {**EVIDENCE, **{kind: kind for kind in clue.required if kind not in EVIDENCE}, **own}


def missing_evidence(rows: Sequence[Clue], also: Iterable[str] = ()) -> dict[int, list[str]]:
    """Clue -> labels of required evidence that is not on file; clues that have all are left out. One query.

    Args:
        also: kinds that are about to be added.
    """
    have: dict[int, set[str]] = {row.pk: set(also) for row in rows}
    pairs = ClueEvidence.objects.filter(clue__in=list(have)).values_list("clue", "kind").distinct()
    for pk, kind in pairs:
        have[pk].add(kind)
    found: dict[int, list[str]] = {}
    for row in rows:
        lack = [kind for kind in row.required if kind not in have[row.pk]]
        if lack:
            labels = _labels(row)
            found[row.pk] = [labels[kind] for kind in lack]
    return found


def refuse_without_evidence(step: Step, also: Iterable[str] = ()) -> None:
    """Drops clues that lack required evidence, naming it."""
    lack = missing_evidence(step.open, also)
    step.refuse(lambda row: EvidenceMissingError(row.no, lack[row.pk]) if row.pk in lack else None)


def put_evidence(step: Step, rule: EvidenceRule | None) -> None:
    """One row of evidence for each clue that goes on and each kind the rule stands for."""
    if rule is None:
        return
    now = clock.now()
    ClueEvidence.objects.bulk_create(
        [
            ClueEvidence(
                clue_id=row.pk, region=row.region, kind=kind, title=rule.title.strip()[:100], text=rule.text.strip(), file=rule.file,
                added_at=now, added_by=step.user,
            )
            for row in step.open
            for kind in rule.kinds
        ],
        batch_size=_ROWS,
    )  # fmt: skip


def check_evidence_rule(rule: EvidenceRule | None) -> None:
    """Raises: ClueInputError for a rule that says nothing."""
    if rule is not None and (not rule.kinds or not rule.title.strip() or not (rule.text.strip() or rule.file)):
        raise ClueInputError("批量证据", "必须写明代表哪些证据、名称，以及文字或文件")


@transaction.atomic
def undetermined(clue: Clue, *, reason: str, acting_user: User) -> Clue:
    """Not clear within the limit: extended once, with a reason; the limit runs again from today.

    Raises: ExtendedError the second time; ClueInputError without a reason; NotResponsibleError, ClueStateError …
    """
    if not reason.strip():
        raise ClueInputError("延期理由", "必须填写")
    step = Step([clue], acting_user, "延期核实")
    step.duty(DutyCode.CLUE)
    step.refuse(lambda row: ExtendedError(row.no) if row.extended and row.state in UNDER_VERIFICATION else None)
    step.move(State.UNDETERMINED)
    _responsible(step)
    row = step.one()
    columns = {
        "extended": True,
        "extend_reason": reason.strip()[:300],
        **_due_columns(due(limit_of(row), clock.today())),
    }
    step.write("extend", State.UNDETERMINED, columns, note=reason.strip())
    step.audit("undetermined", reason=reason.strip()[:200], deadline=str(row.deadline) if row.deadline else None)
    return row


# ---- proposing a verdict


def check_verdict(verdict: str, refuted_why: str) -> None:
    """Raises: ClueInputError for words the ledger does not know."""
    if verdict not in (Verdict.CONFIRMED, Verdict.REFUTED):
        raise ClueInputError("结论", "只能是“查实”或“查否”")
    if verdict == Verdict.REFUTED and refuted_why not in REFUTED_WHY:
        raise ClueInputError("查否原因", f"必须选择：{'、'.join(REFUTED_WHY.values())}")
    if verdict == Verdict.CONFIRMED and refuted_why:
        raise ClueInputError("查否原因", "查实的线索不填，请清空")


def propose(clue: Clue, *, verdict: str, conclusion: str, acting_user: User, refuted_why: str = "") -> Clue:
    """The responsible person says what he found. All evidence the rule asks for has to be on file.

    Raises: EvidenceMissingError names what is missing; ClueInputError; NotResponsibleError, ClueStateError …
    """
    return _propose([clue], verdict, conclusion, refuted_why, None, acting_user).one()


def propose_many(
    clues: Iterable[Clue | int], *, verdict: str, conclusion: str, acting_user: User, refuted_why: str = "",
    evidence: EvidenceRule | None = None,
) -> BatchResult:  # fmt: skip
    """Like `propose` for many that one and the same evidence answers; it is put on file with each."""
    return _propose(clues, verdict, conclusion, refuted_why, evidence, acting_user).result()


@transaction.atomic
def _propose(
    clues: Iterable[Clue | int],
    verdict: str,
    conclusion: str,
    refuted_why: str,
    evidence: EvidenceRule | None,
    user: User,
) -> Step:
    check_verdict(verdict, refuted_why)
    check_evidence_rule(evidence)
    if not conclusion.strip():
        raise ClueInputError("核实结论", "必须填写查明的情况")
    step = Step(clues, user, "提出结论")
    step.duty(DutyCode.CLUE)
    step.refuse(
        lambda row: (
            None if row.state in UNDER_VERIFICATION else ClueStateError(row.no, row.get_state_display(), "提出结论")
        )
    )
    _responsible(step)
    refuse_without_evidence(step, evidence.kinds if evidence else ())
    put_evidence(step, evidence)
    columns = {
        "proposed": verdict, "proposed_by": user, "proposed_at": clock.now(), "conclusion": conclusion.strip(),
        "refuted_why": refuted_why,
    }  # fmt: skip
    step.write("propose", None, columns, note=f"建议{Verdict(verdict).label}：{conclusion.strip()}")
    step.audit("propose", verdict=verdict, refuted_why=refuted_why)
    return step


def recheck_deadlines(rows: Sequence[Clue]) -> int:
    """Fills in deadlines that waited for a calendar; those that still cannot be known stay pending. Returns how many were filled."""
    done = 0
    for row in rows:
        started = row.assigned_at
        if row.extended:
            started = row.events.filter(kind="extend").order_by("-id").values_list("at", flat=True).first()
        if started is None:
            continue
        found = due(limit_of(row), started.astimezone(clock.BEIJING).date())
        if not found.pending:
            Clue.objects.filter(pk=row.pk, deadline_pending=True).update(**_due_columns(found))
            done += 1
    return done
