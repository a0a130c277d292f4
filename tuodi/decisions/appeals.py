"""What a won appeal does to a determination: taken away and decided again below, or changed by the level above itself.

The determination that was wrong is never touched. What is decided instead follows it (`follows`) and holds from the month
the first one should have held from; what the family is owed for the months between comes by the monthly run.
"""

from __future__ import annotations

from typing import Any

from django.db import transaction

from tuodi.audit.actions import record
from tuodi.cases.errors import DutySeparationError, WrongLevelError
from tuodi.cases.guard import check_hand, level_of
from tuodi.cases.models import Case
from tuodi.cases.procedures import procedure_for
from tuodi.cases.reopen import STARTS, open_again
from tuodi.decisions.actions import store
from tuodi.decisions.decide import ask, require_pass, rows_of
from tuodi.decisions.errors import AppealBasisError, ReasonsMissingError, RevokedAlreadyError
from tuodi.decisions.grants import enter, is_once
from tuodi.decisions.models import Determination, Revocation
from tuodi.decisions.revoked import holds_from
from tuodi.decisions.roll import accept_facts, cut, splice
from tuodi.kernel import clock
from tuodi.org import access
from tuodi.org.models import DutyCode, User
from tuodi.people.models import Household, Person
from tuodi.policy.procedure import LEVEL_LABELS, Does
from tuodi.verification.models import FactSet

__all__ = ["LEVELS", "change", "check_above", "level_of_decision", "revoke"]

#: From below upward.
LEVELS = ("VILL", "TOWN", "COUN", "PREF", "PROV", "NATION")


def level_of_decision(determination: Determination) -> str:
    """The level that decided: of who confirmed it, else the one that confirms in the place."""
    if determination.decided_by is not None:
        return level_of(determination.decided_by)
    if determination.case is not None:
        return determination.case.procedure.approver
    return procedure_for(determination.region, determination.programme, determination.decided_on).approver


def check_above(determination: Determination, acting_user: User) -> None:
    """Whether a member of staff may decide over a determination: the duty, a level above, and no part in it.

    Raises:
        NotFoundError, AccessDeniedError: Outside his range, or without the duty.
        WrongLevelError: Of the level that decided, or below it (复议由上一级决定).
        DutySeparationError: He decided it, or is to keep away from the case.
    """
    access.require(acting_user, DutyCode.APPEAL, determination.region)
    was, held = level_of_decision(determination), level_of(acting_user)
    if LEVELS.index(held) <= LEVELS.index(was):
        above = LEVELS[min(LEVELS.index(was) + 1, len(LEVELS) - 1)]
        raise WrongLevelError("复议决定", f"{LEVEL_LABELS.get(above, '上级')}以上", LEVEL_LABELS.get(held, "其他层级"))
    if determination.decided_by_id == acting_user.pk:
        raise DutySeparationError(determination.no, "原决定由您作出", user=acting_user.pk)
    if determination.case is not None:
        check_hand(determination.case, acting_user, None)


@transaction.atomic
def revoke(
    determination: Determination, *, acting_user: User, matter_no: str, reasons: str, since: Does = Does.VISIT
) -> Revocation:
    """Takes a determination away and opens the case in which the deciding level decides again.

    Args:
        matter_no: Number of the appeal. since: Where the work begins again.

    Raises:
        As `check_above`; ReasonsMissingError, RevokedAlreadyError; as `cases.reopen.open_again`.
    """
    household = _begin(determination, acting_user, reasons)
    if since not in STARTS:
        raise AppealBasisError(determination.no, f"不能从“{since}”重新办理，可选：{'、'.join(STARTS.values())}")
    old = determination.case
    case = open_again(
        acting_user=acting_user,
        household=household,
        applicant=_applicant(determination, household),
        programme=determination.programme,
        since=since,
        reason=f"复议 {matter_no}",
        old=old,
    )
    return _note(determination, acting_user, matter_no, reasons, case=case)


@transaction.atomic
def change(
    determination: Determination, *, acting_user: User, matter_no: str, reasons: str, fact_set: FactSet | None = None
) -> Determination:
    """Decides instead, as the level above: the rules on the frozen facts, from the month the old one holds for.

    Args:
        fact_set: Frozen, of the household; default the facts the old one stands on.

    Returns:
        The new determination, on the roll.

    Raises:
        As `check_above`; ReasonsMissingError, RevokedAlreadyError. AppealBasisError: No frozen facts.
        UnknownOutcomeError, NotEligibleError: The rules do not carry it: take it away and have it decided again.
    """
    household = _begin(determination, acting_user, reasons)
    facts = fact_set or determination.fact_set
    if facts is None or not facts.is_frozen or facts.household_id != household.pk:
        raise AppealBasisError(determination.no, "没有定稿的事实表，不能直接变更。请选择“撤销，责令重新作出”")
    start = holds_from(determination)
    answer = ask(facts, determination.programme, case_date=clock.today(), month=start)
    require_pass(answer, f"决定 {determination.no} 的变更")
    common = {
        "region": determination.region,
        "kind": Determination.Kind.FAMILY,
        "case": determination.case,
        "fact_set": facts,
        "household": household,
        "decided_on": clock.today(),
        "decided_by": acting_user,
        "cause": "appeal",
        "follows": determination,
    }
    rows = [
        row
        for row in rows_of(answer, facts, common=common, start=start, reasons=reasons)
        if row.outcome == "pass" and row.person_id == determination.person_id
    ]
    if not rows:
        raise AppealBasisError(determination.no, "规则没有给出可以变更的结果。请选择“撤销，责令重新作出”")
    once = is_once(determination.programme)
    if once:  # given once, for its month; no accepted facts, as where it is put on the roll
        rows[0].end_month = rows[0].start_month
    (row,) = store(rows, acting_user=acting_user, action="change")
    before: list[dict[str, Any]] = []
    if once:
        enter(row, by=acting_user)
    else:
        before = cut(row)
        accept_facts(row)
        splice(row)
    _note(determination, acting_user, matter_no, reasons, instead=row, entries=before)
    return row


def _begin(determination: Determination, acting_user: User, reasons: str) -> Household:
    check_above(determination, acting_user)
    if not reasons.strip():
        raise ReasonsMissingError("复议决定")
    household = Household.objects.select_for_update(of=("self",)).get(pk=determination.household_id)
    if Revocation.objects.filter(determination=determination).exists():
        raise RevokedAlreadyError(determination.no)
    return household


def _applicant(determination: Determination, household: Household) -> Person:
    if determination.person is not None:
        return determination.person
    return determination.case.applicant if determination.case is not None else household.head


def _note(
    determination: Determination,
    acting_user: User,
    matter_no: str,
    reasons: str,
    *,
    case: Case | None = None,
    instead: Determination | None = None,
    entries: object = None,
) -> Revocation:
    row = Revocation.objects.create(
        region=determination.region,
        determination=determination,
        kind=Revocation.Kind.AGAIN if case else Revocation.Kind.CHANGED,
        case=case,
        instead=instead,
        start_month=holds_from(determination).yyyymm,
        matter_no=matter_no,
        reasons=reasons.strip(),
        revoked_on=clock.today(),
        revoked_by=acting_user,
    )
    record(
        "decisions.revoke",
        actor=acting_user,
        subject_type="determination",
        subject_id=determination.pk,
        region=determination.region,
        case_no=determination.case.no if determination.case else None,
        before={"no": determination.no, "outcome": determination.outcome, "entries": entries},
        after={
            "kind": row.kind,
            "matter_no": matter_no,
            "case": case.no if case else "",
            "instead": instead.no if instead else "",
            "start_month": row.start_month,
        },
    )
    return row
