"""Verbs on appeals: file, take in or not, extend, decide, withdraw.

The clocks are the law's, as data (`limits`). An appeal is decided by a level above the one that decided. One that is won
moves the matter on through `decisions.appeals`: the old determination stays, a new one follows it, and what is owed for the
months between comes by the monthly run.
"""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from django.db import transaction

from tuodi.audit.actions import record
from tuodi.audit.idempotency import in_turn
from tuodi.cases.series import next_no
from tuodi.cases.states import move
from tuodi.decisions import appeals
from tuodi.decisions.appeal_time import last_day_to_appeal, months_to_sue
from tuodi.decisions.models import Determination
from tuodi.kernel import clock
from tuodi.org import access
from tuodi.org.errors import NotFoundError
from tuodi.org.models import DutyCode, User
from tuodi.oversight.errors import (
    AppealLateError,
    AppealRunningError,
    NotForYouError,
    OversightInputError,
    OversightStateError,
)
from tuodi.oversight.limits import last_day, term
from tuodi.oversight.models import Appeal, AppealStep
from tuodi.oversight.people import actor, tell
from tuodi.oversight.states import APPEAL_MOVES, AppealState, Outcome
from tuodi.people.models import Person, ResidentAccount
from tuodi.policy.procedure import Does
from tuodi.verification.models import FactSet

__all__ = ["accept", "check_handler", "decide", "extend", "file_appeal", "not_accept", "withdraw"]

RUNNING = (AppealState.FILED, AppealState.ACCEPTED)


@transaction.atomic
def file_appeal(
    determination: Determination,
    *,
    claim: str,
    grounds: str,
    client_key: UUID,
    known_on: date | None = None,
    late_reason: str = "",
    account: ResidentAccount | None = None,
    acting_user: User | None = None,
    applicant: Person | None = None,
) -> Appeal:
    """Takes an appeal: of a member of the family from his phone, or noted by an officer for one who came.

    Args:
        known_on: Day the family came to know of the decision; default the day it was made. The clock starts there.
        late_reason: Why it comes after the time; whether that excuses is decided with the acceptance.

    Raises:
        NotFoundError: Not his family's. OversightInputError, AppealLateError, AppealRunningError.
    """
    if acting_user is not None:
        access.require_any(acting_user, (DutyCode.APPEAL, DutyCode.ACCEPT), determination.region)
    person = applicant or (account.person if account else None)
    family = determination.household.memberships.all()
    if person is None or not family.filter(person=person).exists():
        raise NotFoundError("决定")
    in_turn(client_key)
    known = Appeal.objects.filter(client_key=client_key).first()
    if known is not None:
        return known
    before = Appeal.objects.filter(determination=determination).exclude(
        state__in=[AppealState.WITHDRAWN, AppealState.NOT_ACCEPTED]
    )
    running = before.first()
    if running is not None:
        raise AppealRunningError(running.no, f"“{running.get_state_display()}”")
    today = clock.today()
    day = known_on or determination.decided_on
    if day > today:
        raise OversightInputError("known_on", f"知道决定的日期 {day} 在将来，请改正。")
    if day < determination.decided_on:
        raise OversightInputError("known_on", f"知道决定的日期不能早于决定之日 {determination.decided_on}，请改正。")
    if not claim.strip():
        raise OversightInputError("claim", "请写明您的请求，例如“撤销不予确认的决定”。")
    if len(grounds.strip()) < 5:
        raise OversightInputError("grounds", "请写明为什么不同意：哪里与事实不符，有什么证据。")
    end = last_day_to_appeal(determination.region, day)
    if end.on is not None and today > end.on and not late_reason.strip():
        raise AppealLateError(end.on, months_to_sue(determination.region, day))
    check = last_day("appeal_check", determination.region, today)
    decide_by = last_day("appeal_decide", determination.region, today)
    row = Appeal.objects.create(
        region=determination.region,
        no=next_no("appeal", determination.region, today),
        determination=determination,
        household=determination.household,
        applicant=person,
        account=account,
        client_key=client_key,
        claim=claim.replace("\x00", "").strip()[:1000],
        grounds=grounds.replace("\x00", "").strip()[:4000],
        known_on=day,
        filed_on=today,
        file_by=end.on,
        late_reason=late_reason.replace("\x00", "").strip()[:1000],
        received_by=acting_user,
        against_level=appeals.level_of_decision(determination),
        check_due_on=check.on,
        decide_due_on=decide_by.on,
        due_pending=check.pending or decide_by.pending,
    )
    _step(row, "filed", acting_user, row.claim)
    _audit("file_appeal", actor(account, acting_user), row, late=bool(end.on and today > end.on))
    return row


def check_handler(row: Appeal, user: User) -> None:
    """Whether a member of staff may decide an appeal: a level above, the duty, and no part in the matter.

    Raises:
        As `decisions.appeals.check_above`; NotForYouError: He took part in the case.
    """
    appeals.check_above(row.determination, user)
    case = row.determination.case
    if case is not None and case.steps.filter(done_by=user).exists():
        raise NotForYouError(row.no, "您办理过原案件")


def _locked(row: Appeal, *states: str) -> Appeal:
    found = Appeal.objects.select_for_update(of=("self",)).select_related("determination").get(pk=row.pk)
    if found.state not in states:
        raise OversightStateError(found.no, found.get_state_display())
    return found


@transaction.atomic
def accept(row: Appeal, *, acting_user: User, late_excused: bool = False) -> Appeal:
    """Takes an appeal in. Its time runs from the day it was received (行政复议法 art 17).

    Args:
        late_excused: The reason given for coming late is a good one; needed for one that came late.
    """
    check_handler(row, acting_user)
    row = _locked(row, AppealState.FILED)
    if row.file_by is not None and row.filed_on > row.file_by and not late_excused:
        raise OversightInputError(
            "late_excused", f"申请晚于期限 {row.file_by}。逾期理由正当的请勾选，否则请不予受理并写明理由。"
        )
    move(row.no, APPEAL_MOVES, row.state, AppealState.ACCEPTED)
    row.state, row.accepted_at, row.accepted_by = AppealState.ACCEPTED, clock.now(), acting_user
    row.save()
    _step(row, "accepted", acting_user, row.late_reason if late_excused else "")
    _audit("accept_appeal", acting_user, row, late_excused=late_excused)
    tell(row.account, "行政复议申请", row.no)
    return row


@transaction.atomic
def not_accept(row: Appeal, *, acting_user: User, reasons: str) -> Appeal:
    """Does not take it in, in writing, with the reasons."""
    check_handler(row, acting_user)
    row = _locked(row, AppealState.FILED)
    if len(reasons.strip()) < 10:
        raise OversightInputError("reasons", "请写明不予受理的理由和依据的条款。")
    move(row.no, APPEAL_MOVES, row.state, AppealState.NOT_ACCEPTED)
    row.state, row.reasons = AppealState.NOT_ACCEPTED, reasons.strip()[:4000]
    row.decided_by = acting_user
    row.save()
    _step(row, "not_accepted", acting_user, row.reasons)
    _audit("not_accept_appeal", acting_user, row)
    tell(row.account, "行政复议申请", row.no)
    return row


@transaction.atomic
def extend(row: Appeal, *, acting_user: User, reason: str) -> Appeal:
    """Gives the decision more time, once, and tells the family (行政复议法 art 31)."""
    check_handler(row, acting_user)
    row = _locked(row, AppealState.ACCEPTED)
    if row.extended:
        raise OversightInputError("reason", "已经延长过一次，不能再延长。")
    if not reason.strip():
        raise OversightInputError("reason", "请写明延长的理由；延长要告知申请人。")
    if row.decide_due_on is not None and clock.today() > row.decide_due_on:
        raise OversightInputError("reason", f"决定期限 {row.decide_due_on} 已过，不能延长。请尽快作出决定。")
    more = term("appeal_extend", row.region, clock.today())
    end = last_day("appeal_extend", row.region, row.decide_due_on or clock.today())
    row.extended, row.decide_due_on, row.due_pending = True, end.on, end.pending
    row.save()
    _step(row, "extended", acting_user, f"延长 {more.text}：{reason.strip()[:500]}")
    _audit("extend_appeal", acting_user, row)
    tell(row.account, "行政复议申请", row.no)
    return row


@transaction.atomic
def decide(
    row: Appeal,
    *,
    acting_user: User,
    outcome: str,
    reasons: str,
    since: Does = Does.VISIT,
    fact_set: FactSet | None = None,
) -> Appeal:
    """Decides: the determination stands, is changed by this level itself, or is taken away and made again below.

    Args:
        since: For `revoked`: where the work begins again. fact_set: For `changed`: the facts to decide on.

    Raises:
        As `check_handler`; OversightInputError, OversightStateError; as `decisions.appeals.revoke` and `change`.
    """
    check_handler(row, acting_user)
    row = _locked(row, AppealState.ACCEPTED)
    if outcome not in (Outcome.UPHELD, Outcome.CHANGED, Outcome.REVOKED):
        raise OversightInputError("outcome", "请选复议结果：维持、变更，或撤销并责令重新作出。")
    if len(reasons.strip()) < 10:
        raise OversightInputError("reasons", "请写明认定的事实、理由和依据的条款。")
    if outcome == Outcome.REVOKED:
        appeals.revoke(row.determination, acting_user=acting_user, matter_no=row.no, reasons=reasons, since=since)
    elif outcome == Outcome.CHANGED:
        appeals.change(row.determination, acting_user=acting_user, matter_no=row.no, reasons=reasons, fact_set=fact_set)
    move(row.no, APPEAL_MOVES, row.state, AppealState.DECIDED)
    row.state, row.outcome, row.reasons = AppealState.DECIDED, outcome, reasons.strip()[:4000]
    row.decided_on, row.decided_by = clock.today(), acting_user
    row.save()
    _step(row, "decided", acting_user, row.reasons)
    late = row.decide_due_on is not None and clock.today() > row.decide_due_on
    _audit("decide_appeal", acting_user, row, outcome=outcome, late=late)
    tell(row.account, "行政复议", row.no)
    return row


@transaction.atomic
def withdraw(row: Appeal, *, account: ResidentAccount, reason: str = "") -> Appeal:
    """Takes an appeal back before it is decided; it may not be filed again on the same grounds, and says so."""
    row = _locked(row, *RUNNING)
    if row.account_id != account.pk:
        raise NotFoundError("复议")
    move(row.no, APPEAL_MOVES, row.state, AppealState.WITHDRAWN)
    row.state = AppealState.WITHDRAWN
    row.save(update_fields=["state"])
    _step(row, "withdrawn", None, reason.strip()[:500])
    _audit("withdraw_appeal", actor(account, None), row)
    return row


def _step(row: Appeal, what: str, user: User | None, text: str) -> None:
    AppealStep.objects.create(appeal=row, region=row.region, what=what, at=clock.now(), by=user, text=text[:4000])


def _audit(action: str, who: Any, row: Appeal, **after: Any) -> None:
    case = row.determination.case
    record(
        f"oversight.{action}",
        actor=who,
        subject_type="appeal",
        subject_id=row.pk,
        region=row.region,
        case_no=case.no if case else None,
        after={"no": row.no, "state": row.state, "determination": row.determination.no, **after},
    )
