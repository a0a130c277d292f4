"""The verdict and what it does at once: confirmed or refuted, payment suspended, a suspension lifted, a clue reopened."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction

from tuodi.cases.calendar import due
from tuodi.decisions import suspensions
from tuodi.decisions.models import Suspension
from tuodi.decisions.suspensions import Order
from tuodi.kernel import clock
from tuodi.kernel.errors import TuodiError
from tuodi.kernel.periods import Month
from tuodi.kernel.places import trim
from tuodi.monitoring.clue_matters import open_matters
from tuodi.monitoring.clue_verify import (
    EvidenceRule,
    check_evidence_rule,
    check_verdict,
    limit_of,
    put_evidence,
    refuse_without_evidence,
)
from tuodi.monitoring.errors import (
    ClueHandsError,
    ClueInputError,
    ClueStateError,
    NoSuspensionError,
)
from tuodi.monitoring.models import Clue, ClueEvidence
from tuodi.monitoring.states import UNDER_VERIFICATION
from tuodi.monitoring.steps import BatchResult, Step
from tuodi.org.models import DutyCode, User
from tuodi.people.enums import PERSON_PROGRAMMES
from tuodi.verification.rulebook import book

__all__ = [
    "decide",
    "decide_many",
    "lift_of",
    "matter_no",
    "refute",
    "reopen",
    "suspend",
    "suspend_many",
    "suspends_first",
    "treatment_label",
]

State, Verdict = Clue.State, Clue.Verdict
_TREATMENTS = {"suspend": "停保", "recompute": "重新核算", "note": "核实记录"}


def treatment_label(clue: Clue) -> str:
    """What its rule wants done once it is confirmed, in Chinese."""
    return _TREATMENTS.get(clue.on_confirmed, clue.on_confirmed)


# ---- the verdict


def decide(clue: Clue, *, verdict: str, acting_user: User, conclusion: str = "", refuted_why: str = "") -> Clue:
    """The county confirms or refutes what was proposed; a refuted clue is closed with it.

    A confirmed death is noted and its matter opened (`clue_matters`).
    A verdict against the proposal needs a conclusion of its own. The decider is neither who proposed nor who is responsible.

    Raises:
        EvidenceMissingError; ClueHandsError: the same person; ClueLevelError: a township. ClueStateError: nothing
        proposed yet, or somebody was faster. ClueInputError, NotFoundError, AccessDeniedError.
    """
    return _decide([clue], verdict, conclusion, refuted_why, None, acting_user).one()


def decide_many(
    clues: Iterable[Clue | int], *, verdict: str, acting_user: User, evidence: EvidenceRule | None = None,
    conclusion: str = "", refuted_why: str = "",
) -> BatchResult:  # fmt: skip
    """Like `decide` for many; one rule of evidence may stand for all of them and is put on file with each."""
    return _decide(clues, verdict, conclusion, refuted_why, evidence, acting_user).result()


@transaction.atomic
def _decide(
    clues: Iterable[Clue | int],
    verdict: str,
    conclusion: str,
    refuted_why: str,
    evidence: EvidenceRule | None,
    user: User,
) -> Step:
    if verdict not in (Verdict.CONFIRMED, Verdict.REFUTED):
        raise ClueInputError("结论", "只能是“查实”或“查否”")
    if verdict == Verdict.CONFIRMED or refuted_why:
        check_verdict(verdict, refuted_why)
    check_evidence_rule(evidence)
    step = Step(clues, user, "下结论")
    step.duty(DutyCode.CLUE_DECIDE, county=True)
    after = State.CONFIRMED if verdict == Verdict.CONFIRMED else State.CLOSED
    step.move(after, only=UNDER_VERIFICATION)

    def other_hand(row: Clue) -> TuodiError | None:
        if not row.proposed:
            return ClueStateError(row.no, f"{row.get_state_display()}，责任人尚未提出结论", "下结论")
        if user.pk == row.proposed_by_id:
            return ClueHandsError(row.no, "提出结论", "下结论")
        if user.pk == row.responsible_id:
            return ClueHandsError(row.no, "负责核实", "下结论")
        if verdict != row.proposed and not conclusion.strip():
            return ClueInputError("核实结论", f"与线索 {row.no} 的建议不同，必须写明理由")
        if verdict == Verdict.REFUTED and not (refuted_why or row.refuted_why):
            return ClueInputError("查否原因", f"必须选择（线索 {row.no}）")
        return None

    step.refuse(other_hand)
    refuse_without_evidence(step, evidence.kinds if evidence else ())
    put_evidence(step, evidence)
    now = clock.now()
    columns = {"verdict": verdict, "verdict_by": user, "verdict_at": now}
    if conclusion.strip():
        columns["conclusion"] = conclusion.strip()
    if verdict == Verdict.REFUTED:
        columns |= {"closed_by": user, "closed_at": now}
        if refuted_why:
            columns["refuted_why"] = refuted_why
    else:
        columns["refuted_why"] = ""
    note = f"{Verdict(verdict).label}：{conclusion.strip()}" if conclusion.strip() else Verdict(verdict).label
    step.write("confirm" if verdict == Verdict.CONFIRMED else "refute", after, columns, note=note)
    step.audit("decide", verdict=verdict, refuted_why=refuted_why)
    if verdict == Verdict.CONFIRMED:
        open_matters(step.open)
    return step


@transaction.atomic
def refute(clue: Clue, *, refuted_why: str, conclusion: str, acting_user: User) -> Clue:
    """A confirmed clue turns out wrong before it is handled: closed at once, and its suspension lifted.

    The next monthly run pays the held months back.

    Raises: ClueInputError, ClueHandsError, ClueStateError, NotFoundError, AccessDeniedError.
    """
    check_verdict(Verdict.REFUTED, refuted_why)
    if not conclusion.strip():
        raise ClueInputError("核实结论", "必须写明为什么原来的查实不成立")
    step = Step([clue], acting_user, "改为查否")
    step.duty(DutyCode.CLUE_DECIDE, county=True)
    step.move(State.CLOSED, only=(State.CONFIRMED, State.SUSPENDED))
    step.refuse(
        lambda row: (
            ClueHandsError(row.no, "提出结论", "下结论")
            if acting_user.pk in (row.proposed_by_id, row.responsible_id)
            else None
        )
    )
    row = step.one()
    now = clock.now()
    lift_of([row], reason=f"线索 {row.no} 查否：{conclusion.strip()}", acting_user=acting_user)
    columns = {
        "verdict": Verdict.REFUTED, "verdict_by": acting_user, "verdict_at": now, "refuted_why": refuted_why,
        "conclusion": conclusion.strip(), "closed_by": acting_user, "closed_at": now,
    }  # fmt: skip
    step.write("refute", State.CLOSED, columns, note=conclusion.strip())
    step.audit("refute", refuted_why=refuted_why, suspension=row.suspension_id)
    return row


# ---- 先停保


def suspends_first(region: str) -> bool:
    """Whether payment is to be held before anything else is decided (先停保、再处理), by the place's `profile.clue_policy`.

    Elsewhere the decision comes first and ends payment by itself (649 art 13); a red clue may be suspended meanwhile.
    """
    known = book()
    row = known.value("profile.clue_policy", known.chain(trim(region)[:9]), (), clock.today())
    return row is not None and row.value == "suspend_then_handle"


def matter_no(clue: Clue) -> str:
    """What a suspension names as its matter: the clue's number, with the round where it was reopened."""
    return f"{clue.no}/{clue.reopened}" if clue.reopened else clue.no


def suspend(clue: Clue, *, acting_user: User, reasons: str = "", from_month: Month | None = None) -> Clue:
    """Suspends payment over a confirmed clue, by written notice with reasons, clause and ways to appeal.

    Args:
        reasons: None given = the rule's label and clause, and the conclusion.
        from_month: first month held; None = the next. A region may hold the present one.

    Raises:
        NoSuspensionError: its treatment is another. NothingInForceError: the unit is off the roll; handle it.
        SuspensionMonthError, ClueStateError, ClueLevelError, NotFoundError, AccessDeniedError.
    """
    return _suspend([clue], reasons, from_month, acting_user).one()


def suspend_many(
    clues: Iterable[Clue | int], *, acting_user: User, reasons: str = "", from_month: Month | None = None
) -> BatchResult:
    """Like `suspend` for many: each family gets a notice of its own."""
    return _suspend(clues, reasons, from_month, acting_user).result()


@transaction.atomic
def _suspend(clues: Iterable[Clue | int], reasons: str, from_month: Month | None, user: User) -> Step:
    step = Step(clues, user, "停保")
    step.duty(DutyCode.CLUE_DECIDE, county=True)
    step.move(State.SUSPENDED)
    step.refuse(lambda row: NoSuspensionError(row.no, treatment_label(row)) if row.on_confirmed != "suspend" else None)
    rows = step.open
    homes = {
        one.pk: one for one in Clue.objects.filter(pk__in=[r.pk for r in rows]).select_related("household", "person")
    }
    orders = [
        Order(
            household=homes[row.pk].household,
            person=homes[row.pk].person if row.programme in PERSON_PROGRAMMES else None,
            programme=row.programme,
            matter_no=matter_no(row),
            reasons=reasons.strip() or _reasons(row),
            from_month=from_month,
        )
        for row in rows
    ]
    made: dict[int, Suspension] = {}
    for row, found in zip(rows, suspensions.suspend_many(orders, acting_user=user), strict=True):
        if isinstance(found, TuodiError):
            step.errors[row.pk] = found
        else:
            made[row.pk] = found
    step.write_each(
        {pk: (one.pk, one.notice_no) for pk, one in made.items()}, (("suspension_id", "bigint"), ("notice_no", "text"))
    )
    month = min((one.from_month for one in made.values()), default=None)
    step.write("suspend", State.SUSPENDED, {}, note=f"自 {month} 起停发，已出具停保告知书" if month else "")
    step.audit("suspend", from_month=month)
    return step


def _reasons(clue: Clue) -> str:
    label = str(clue.rule_text.get("label") or clue.rule_code)
    clause = str(clue.rule_text.get("clause") or "")
    return f"经核实：{label}{f'（{clause}）' if clause else ''}。{clue.conclusion}".strip()


def lift_of(rows: Iterable[Clue], *, reason: str, acting_user: User) -> int:
    """Lifts what still stands of the suspensions of some clues. Returns how many."""
    ids = [row.suspension_id for row in rows if row.suspension_id is not None]
    return len(suspensions.lift_many(ids, reason=reason, acting_user=acting_user)) if ids else 0


# ---- once more


@transaction.atomic
def reopen(clue: Clue, *, reason: str, acting_user: User) -> Clue:
    """Takes a closed clue up again on evidence that came after its closing; the limit runs anew.

    What was decided and done stays in its events. A wrong refusal is reopened like a wrong confirmation.

    Raises: ClueInputError: no reason, or nothing new on file. ClueStateError, NotFoundError, AccessDeniedError.
    """
    if not reason.strip():
        raise ClueInputError("重开理由", "必须填写")
    step = Step([clue], acting_user, "重开")
    step.duty(DutyCode.CLUE_DECIDE, DutyCode.CLUE_CLOSE, county=True)
    step.move(State.VERIFYING, only=(State.CLOSED,))
    row = step.one()
    if not ClueEvidence.objects.filter(clue=row, added_at__gt=row.closed_at).exists():
        raise ClueInputError("新证据", f"线索 {row.no} 销号以后没有新的证据，请先补充再重开")
    found = due(limit_of(row), clock.today())
    columns = {
        "verdict": "", "verdict_by": None, "verdict_at": None, "proposed": "", "proposed_by": None, "proposed_at": None,
        "refuted_why": "", "suspension_id": None, "notice_no": "", "action": "", "action_text": "", "determination_id": None,
        "handled_by": None, "handled_at": None, "checked_by": None, "checked_at": None, "closed_by": None, "closed_at": None,
        "extended": False, "extend_reason": "", "reopened": row.reopened + 1, "deadline": found.on,
        "deadline_pending": found.pending, "deadline_note": found.note[:200],
    }  # fmt: skip
    was = {"verdict": row.verdict, "action": row.action}
    step.write("reopen", State.VERIFYING, columns, note=reason.strip())
    step.audit("reopen", reason=reason.strip()[:200], was=was)
    return row
