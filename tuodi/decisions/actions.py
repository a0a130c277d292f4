"""Verbs of the room: first review, notice, confirmation or refusal, filing.

The roll is in `roll`, changes to what is on it in `changes`, imported rolls in `rosters`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import transaction

from tuodi.audit.actions import record
from tuodi.cases import actions as cases
from tuodi.cases.engine import latest
from tuodi.cases.errors import StepNotOpenError
from tuodi.cases.guard import check_step, logs_blocks
from tuodi.cases.marks import mark_found
from tuodi.cases.models import Case, Notice, Step
from tuodi.cases.notice_content import public_name
from tuodi.cases.series import next_no
from tuodi.cases.states import Decision, StepState
from tuodi.decisions import duplicates, grants, relief_after, telling
from tuodi.decisions.appeal_time import ways_to_appeal
from tuodi.decisions.decide import approver_of, ask, failed_reasons, last_month, require_pass, rows_of
from tuodi.decisions.errors import ReasonsMissingError, UnknownOutcomeError
from tuodi.decisions.models import Determination
from tuodi.decisions.revoked import require_new_grounds, revocation_of
from tuodi.kernel import clock
from tuodi.kernel.money import format_yuan
from tuodi.kernel.periods import Month
from tuodi.org.models import User
from tuodi.org.places import place_name
from tuodi.people.enums import Programme
from tuodi.people.models import Person
from tuodi.policy.procedure import Does
from tuodi.rules import ProgrammeResult
from tuodi.verification import kin_actions as kin
from tuodi.verification.models import FactSet
from tuodi.verification.queries import frozen_for
from tuodi.verification.self_care_road import require_in_facts

__all__ = [
    "close_notice",
    "confirm",
    "file_record",
    "find_approver",
    "first_review",
    "inform",
    "open_of_kind",
    "post_notice",
    "preview",
    "publish",
    "refuse",
]


def open_of_kind(case: Case, does: Does) -> Step:
    """The open step of a kind; else the one that will be next of that kind.

    Raises:
        StepNotOpenError: The case's procedure has no such step left.
    """
    rows = [row for row in latest(case).values() if row.kind is does]
    for state in (StepState.OPEN, StepState.WAITING):
        for row in rows:
            if row.state == state:
                return row
    if rows:
        return rows[-1]
    raise StepNotOpenError(case.no, does.value, "本案程序中没有这一步")


def preview(case: Case, fact_set: FactSet | None = None) -> ProgrammeResult:
    """What the rules would answer today for the month after: for the review page, nothing is stored.

    Raises:
        NoFactSetError: No frozen facts and none given.
    """
    facts = fact_set or frozen_for(case)
    today = clock.today()
    once = grants.is_once(case.programme)
    family = grants.family_with_ledger(facts, case) if once else grants.family_with_place(facts)
    return ask(facts, case.programme, case_date=today, month=Month.of(today).next(), family=family)


def _figures(result: ProgrammeResult, facts: FactSet) -> dict[str, Any]:
    counted = result.values.get(f"{result.programme}.n") if result.rows else None
    return {
        "fact_set": facts.pk,
        "outcome": result.outcome,
        "amount_fen": result.amount_fen,
        "members": int(counted) if counted is not None else len(facts.person_ids),
        "missing": list(result.missing),
        "reasons": failed_reasons(result),
        "fingerprint": result.fingerprint,
    }


@logs_blocks
def first_review(case: Case, *, acting_user: User, result: str, opinion: str) -> Step:
    """Does the review step with the officer's opinion, beside what the rules answer.

    Args:
        result: ``pass`` or ``refuse``. A pass needs the rules' pass; a refusal skips the notice.

    Raises:
        NoFactSetError; UnknownOutcomeError, NotEligibleError: A pass that the rules do not carry.
    """
    step = open_of_kind(case, Does.REVIEW)
    check_step(step, acting_user)
    facts = _facts(case)
    answer = preview(case, facts)
    if result == "pass":
        require_pass(answer, f"案件 {case.no}")
    data = _figures(answer, facts)
    if grants.is_once(case.programme) and result == "pass":
        data |= find_approver(case, facts, acting_user=acting_user)
    done = cases.complete_step(step, acting_user=acting_user, result=result, opinion=opinion, data=data)
    telling.of_case(case, "step_done", f"step:{done.pk}", step=done.label)
    return done


def _facts(case: Case) -> FactSet:
    """The frozen facts of a case with what the place's packs say; for relief granted once, with what the ledger says today."""
    facts = frozen_for(case)
    return grants.with_ledger(facts, case) if grants.is_once(case.programme) else grants.with_place(facts, case)


def find_approver(case: Case, facts: FactSet, *, acting_user: User) -> dict[str, str]:
    """Marks a case whose amount the township may confirm; where no ceiling is set, the county confirms and it is said why."""
    today = clock.today()
    approver = approver_of(facts, case_date=today, month=Month.of(today).next())
    if approver == "town":
        mark_found(cases.lock(case), "small", acting_user=acting_user)
        case.refresh_from_db(fields=["marks"])
    told = {"town": "在乡镇（街道）审批额度以内，由乡镇（街道）审批", "county": "超过乡镇（街道）审批额度，由县级审批"}
    return {"approver": approver, "approver_why": told.get(approver, "本地没有规定乡镇（街道）审批额度，由县级审批")}


@logs_blocks
def post_notice(case: Case, *, acting_user: User, phone: str = "") -> Notice:
    """Posts the open notice with what the procedure allows, taken from the review.

    Args:
        phone: Number for objections; default none is shown.
    """
    step = open_of_kind(case, Does.NOTICE)
    check_step(step, acting_user)
    notice = cases.post_notice(step, acting_user=acting_user, content=_content(case, step, phone))
    telling.of_case(case, "notice_posted", f"notice:{notice.no}")
    return notice


@logs_blocks
def publish(case: Case, *, acting_user: User) -> Notice:
    """Publishes the result ([57] art 24)."""
    step = open_of_kind(case, Does.PUBLISH)
    check_step(step, acting_user)
    return cases.post_notice(step, acting_user=acting_user, content=_content(case, step, ""))


def _content(case: Case, step: Step, phone: str) -> dict[str, Any]:
    review = next((row for row in latest(case).values() if row.kind is Does.REVIEW and row.data), None)
    figures: dict[str, Any] = dict(review.data) if review else {}
    decided = Determination.objects.filter(case=case, outcome="pass").first()
    amount = decided.amount_fen if decided else figures.get("amount_fen")
    text = case.procedure.step(step.name).notice
    days = text.days if text else 0
    values: dict[str, Any] = {
        "applicant_name": public_name(case.applicant, masked=bool(text and text.mask_name)),
        "member_count": figures.get("members"),
        "amount": format_yuan(amount) if amount is not None else None,
        "programme": Programme(case.programme).label,
        "village": place_name(case.region, clock.today()),
        "period": f"{clock.today()} 起 {days} 日" if days else None,
        "phone": phone or None,
        "opinion": "拟予确认" if case.decision == "" else "予以确认",
    }
    allowed = text.content if text else ()
    return {name: values[name] for name in allowed if values.get(name) is not None}


@logs_blocks
def close_notice(case: Case, *, acting_user: User, opinion: str = "") -> Notice:
    """Closes the running notice of a case (see `cases.actions.close_notice`)."""
    notice = Notice.objects.filter(case=case, result="", days__gt=0).order_by("-id").first()
    if notice is None:
        raise StepNotOpenError(case.no, "公示", "没有正在进行的公示")
    return cases.close_notice(notice, acting_user=acting_user, opinion=opinion)


@logs_blocks
def confirm(
    case: Case, *, acting_user: User, opinion: str, duplicate_reason: str = "", duplicates_seen: bool = False
) -> list[Determination]:
    """Grants: makes and freezes the determination, and does the confirmation step.

    The rules decide by today's date and the standards of the month after, on the case's frozen facts.

    Args:
        duplicate_reason: Why it is granted beside relief that excludes it; kept with the step and in the audit log.
        duplicates_seen: What may be double was looked at.

    Returns:
        One determination, or one a person for programmes that entitle persons (those that fail with reasons).

    Raises:
        UnknownOutcomeError: Facts are missing; they are named. NotEligibleError: Refuse instead.
        KinVisitMissingError: A near relative of staff, and the county has not visited.
        SelfCareNeededError: The facts do not hold what was assessed (tekun).
        DuplicateReliefError: Relief is there already, and neither reason nor look is given.
    """
    case = cases.lock(case)
    step = open_of_kind(case, Does.CONFIRM)
    check_step(step, acting_user)
    kin.require_county_visit(case)
    facts = _facts(case)
    require_in_facts(case, facts)
    again = revocation_of(case)
    # What replaces a determination that was taken away holds from the month that one should have held from.
    start = Month.parse(str(again.start_month)) if again else None
    answer = ask(facts, case.programme, case_date=clock.today(), month=start) if start else preview(case, facts)
    require_pass(answer, f"案件 {case.no}")
    common = _common(case, facts, acting_user)
    if again:
        common |= {"follows": again.determination, "cause": "appeal"}
    made = rows_of(answer, facts, common=common, start=start, end=last_month(facts, answer), reasons=opinion)
    if grants.is_once(case.programme):
        relief_after.into_months(case, made)
    persons = list(
        Person.objects.filter(pk__in=[row.person_id for row in made if row.outcome == "pass" and row.person_id])
    )
    there = duplicates.against_case(case, persons)
    duplicates.require_answered(case, there, reason=duplicate_reason, acknowledged=duplicates_seen)
    rows = _store(made)
    numbers = [row.no for row in rows]
    data = {**_figures(answer, facts), "determinations": numbers}
    if there:
        data["duplicates"] = [[one.verdict, one.programme, one.since, one.reason] for one in there]
        data["duplicate_reason"] = duplicate_reason.strip()[:1000]
    decided = cases.decide_case(step, acting_user=acting_user, decision=Decision.PASSED, opinion=opinion, data=data)
    kin.note_decision(decided, acting_user=acting_user)
    if grants.is_once(case.programme):
        relief_after.after_grant(decided, rows, acting_user=acting_user)
    for row in rows:
        told = (
            {"duplicates": duplicates.verdict(there), "duplicate_reason": duplicate_reason.strip()[:1000]}
            if there
            else {}
        )
        _audit("confirm", acting_user, row, case, **told)
    telling.of_case(case, "decision_made", f"decision:{case.no}:{step.round}", office=acting_user.office.name)
    return rows


@logs_blocks
def refuse(case: Case, *, acting_user: User, reasons: str) -> list[Determination]:
    """Refuses in writing, with the reasons and the way to appeal.

    A refusal against the rules' pass (a finding the rules do not see, such as no co-operation) is allowed: the
    officer's reasons stand for it. A refusal for want of facts is not: they are asked for, or the case is ended.

    Raises:
        ReasonsMissingError; UnknownOutcomeError.
    """
    if not reasons.strip():
        raise ReasonsMissingError("不予确认")
    case = cases.lock(case)
    step = open_of_kind(case, Does.CONFIRM)
    check_step(step, acting_user)
    kin.require_county_visit(case)
    facts = _facts(case)
    answer = preview(case, facts)
    if answer.outcome == "unknown":
        raise UnknownOutcomeError(f"案件 {case.no}", answer.missing)
    require_new_grounds(case, facts)
    common = {**_common(case, facts, acting_user), "appeal": ways_to_appeal(case.region, clock.today())}
    again = revocation_of(case)
    if again:
        common |= {"follows": again.determination, "cause": "appeal"}
    rows = rows_of(answer, facts, common=common, reasons=reasons)
    for row in rows:
        # What the officer decided is what stands; what the rules said stays readable in the explanation.
        row.outcome, row.amount_fen, row.components, row.start_month = "fail", None, {}, None
    rows = _store(rows)
    data = {**_figures(answer, facts), "determinations": [row.no for row in rows]}
    decided = cases.decide_case(step, acting_user=acting_user, decision=Decision.REFUSED, opinion=reasons, data=data)
    kin.note_decision(decided, acting_user=acting_user)
    if grants.is_once(case.programme):
        relief_after.after_refusal(decided, acting_user=acting_user, reasons=reasons)
    for row in rows:
        _audit("refuse", acting_user, row, case)
    telling.of_case(case, "decision_made", f"decision:{case.no}:{step.round}", office=acting_user.office.name)
    return rows


def _common(case: Case, facts: FactSet, user: User) -> dict[str, Any]:
    return {
        "region": case.region,
        "kind": Determination.Kind.FAMILY,
        "case": case,
        "fact_set": facts,
        "household_id": case.household_id,
        "decided_on": clock.today(),
        "decided_by": user,
        "cause": (grants.cause_of(facts) if grants.is_once(case.programme) else "") or case.kind,
    }


def _store(rows: Sequence[Determination]) -> list[Determination]:
    for row in rows:
        row.no = next_no("decision", row.region, row.decided_on)
        row.save(force_insert=True)
    return list(rows)


@logs_blocks
def inform(case: Case, *, acting_user: User, how: str) -> Step:
    """Notes that the refusal was given to the family in writing.

    Args:
        how: Delivered, posted, signed for: kept with the step.
    """
    step = open_of_kind(case, Does.INFORM)
    decided = Determination.objects.filter(case=case, outcome="fail").first()
    data = {"determination": decided.no if decided else "", "appeal": ways_to_appeal(case.region, clock.today())}
    return cases.complete_step(step, acting_user=acting_user, result="delivered", opinion=how, data=data)


@logs_blocks
def file_record(case: Case, *, acting_user: User, opinion: str = "") -> Step:
    """Files a delegated decision with the county (备案); the filing number is kept with the step."""
    step = open_of_kind(case, Does.FILE)
    check_step(step, acting_user)
    number = f"BA-{next_no('decision', case.region, clock.today())}"
    return cases.complete_step(
        step, acting_user=acting_user, result="filed", opinion=opinion, data={"filing_no": number}
    )


def _audit(action: str, actor: User | None, row: Determination, case: Case | None = None, **after: Any) -> None:
    record(
        f"decisions.{action}",
        actor=actor,
        subject_type="determination",
        subject_id=row.pk,
        region=row.region,
        case_no=case.no if case else None,
        after={
            "no": row.no,
            "programme": row.programme,
            "outcome": row.outcome,
            "amount_fen": row.amount_fen,
            "start_month": row.start_month,
            "fingerprint": row.fingerprint,
            **after,
        },
    )


@transaction.atomic
def store(rows: Sequence[Determination], *, acting_user: User | None, action: str) -> list[Determination]:
    """Numbers, saves and logs determinations that another verb of this room made."""
    saved = _store(rows)
    for row in saved:
        _audit(action, acting_user, row, row.case)
    return saved
