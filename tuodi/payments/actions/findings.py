"""Verbs on what people determined to be overpaid and no run found (认定多发): proposed by one, made a claim by another, taken back.

A finding names the months and what each was paid too much, never more than the books paid for it and nobody claimed yet. Approved
it is part of the unit's claim and of the ledger at once; runs that look back at its months ask for the rest alone.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.db import IntegrityError, connection, transaction

from tuodi.audit.actions import record
from tuodi.files.models import StoredFile
from tuodi.files.scans import scan_of
from tuodi.files.store import put_bytes
from tuodi.kernel import clock
from tuodi.kernel.money import format_yuan
from tuodi.kernel.periods import Month
from tuodi.org import access
from tuodi.org.models import DutyCode, User
from tuodi.payments import ledger
from tuodi.payments.actions.claims import MAX_PAPER
from tuodi.payments.claims import Payable, claimable_months, settle
from tuodi.payments.errors import ClaimError, FourEyesError
from tuodi.payments.models import Claim, ClaimFinding, ClaimMonth, PayRun
from tuodi.payments.states import DRAFT, FINDING_MOVES, FindingState, move

__all__ = ["ask_revoke_finding", "decide_finding", "decide_revoke_finding", "propose_finding"]


def _note(verb: str, row: ClaimFinding, user: User, **after: object) -> None:
    record(
        f"payments.{verb}", actor=user, subject_type="claimfinding", subject_id=row.pk, region=row.region,
        after={"state": row.state, "amount_fen": row.amount_fen, "origin": row.origin_no, **after},
    )  # fmt: skip


def _spread(amount_fen: int, months: Mapping[Month, Payable], over: Mapping[int, int]) -> dict[Month, int]:
    """The amount over the months: first what was worked out for each, then the rest from the first month on; within what each may bear."""
    found = {month: min(one.left_fen, over.get(month.yyyymm, 0)) for month, one in months.items()}
    rest = amount_fen
    for month in found:
        found[month] = min(found[month], rest)
        rest -= found[month]
    for month, one in months.items():
        more = min(rest, one.left_fen - found[month])
        found[month] += more
        rest -= more
    return {month: fen for month, fen in found.items() if fen > 0}


@transaction.atomic
def propose_finding(
    *, acting_user: User, household_id: int, programme: str, person_id: int | None, amount_fen: int, first: Month, last: Month, reason: str,
    origin: str, origin_id: int, origin_no: str, over: Mapping[int, int] | None = None, paper: bytes = b"",
) -> ClaimFinding:  # fmt: skip
    """Proposes that a unit owes money for some months, for higher rooms whose own duty determined it; opens no door.

    Args:
        over: month (yyyymm) -> fen that was worked out for it, where it was. origin, origin_id, origin_no: what it rests on.

    Raises: ClaimError names what is wrong: months nobody was paid for, more than was paid, or a proposal that waits already.
    """
    if amount_fen <= 0:
        raise ClaimError("金额应大于 0。", field="金额")
    if last < first:
        raise ClaimError(f"终止月份 {last} 早于起始月份 {first}。", field="月份")
    if len(reason.strip()) < 4:
        raise ClaimError("请写明理由（至少 4 个字）。", field="理由")
    months = claimable_months(household_id, programme, person_id, first, last)
    there = sum(one.left_fen for one in months.values())
    if not months:
        raise ClaimError(f"{first} 至 {last} 本系统没有发放记录，不能在这里立追回。", field="月份")
    if amount_fen > there:
        raise ClaimError(
            f"{first} 至 {last} 已发而尚未追回的共 {format_yuan(there)} 元，少于 {format_yuan(amount_fen)} 元。请核对月份和金额；"
            "已由月度发放查出的多发不必再立。",
            field="金额",
        )  # fmt: skip
    counties = {one.region[:6] for one in months.values()}
    if len(counties) > 1:
        raise ClaimError("这些月份由不同的县发放，请按县分开提出。", field="月份")
    parts = _spread(amount_fen, months, over or {})
    region = months[max(parts)].region
    try:
        with transaction.atomic():
            made = ClaimFinding.objects.create(
                region=region, household_id=household_id, person_id=person_id, programme=programme, origin=origin, origin_id=origin_id,
                origin_no=origin_no, amount_fen=amount_fen, reason=reason.strip()[:500], paper=_paper(region, origin_no, paper, acting_user),
                proposed_at=clock.now(), proposed_by=acting_user,
            )  # fmt: skip
            ClaimMonth.objects.bulk_create(
                ClaimMonth(finding=made, region=region, for_month=month.yyyymm, amount_fen=fen)
                for month, fen in sorted(parts.items())
            )
    except IntegrityError as error:
        if "payments_finding_once" not in str(error):
            raise
        raise ClaimError(f"{origin_no} 已立追回，或有一件待审批，不会重复立案。", field=origin_no) from error
    _note("propose_finding", made, acting_user, months=[month.yyyymm for month in sorted(parts)])
    return made


def _paper(region: str, no: str, data: bytes, user: User) -> StoredFile | None:
    if not data:
        return None
    found = scan_of(data) if len(data) <= MAX_PAPER else None
    if found is None:
        raise ClaimError("依据：请上传 PDF、JPG 或 PNG，不超过 12 MB。", field="依据")
    return put_bytes(
        data, region=region, name=f"{no}-认定多发.{found[0]}", purpose="claim_paper", media_type=found[1], by_id=user.pk
    )


def _locked(row: ClaimFinding) -> ClaimFinding:
    return access.locked(ClaimFinding.objects.all(), row.pk, what="认定多发")


def _hold_drafts(row: ClaimFinding) -> None:
    """Runs not approved yet that correct the unit's months: their approval waits, and then sees the finding."""
    drafts = PayRun.objects.select_for_update(of=("self",)).filter(state__in=DRAFT, arrears__household=row.household_id)
    list(drafts.order_by("pk"))


def _claim(row: ClaimFinding) -> Claim:
    """The unit's claim, locked; made where there is none."""
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into payments_claim (region, household_id, person_id, programme, state, manner, manner_reason, found_fen, kept_fen, "
            "cash_fen, written_fen, opened_at) values (%s, %s, %s, %s, 'open', 'capped', '', 0, 0, 0, 0, %s) on conflict do nothing",
            [row.region, row.household_id, row.person_id, row.programme, clock.now()],
        )
    rows = Claim.objects.select_for_update(of=("self",)).filter(
        household=row.household_id, programme=row.programme, person=row.person_id
    )
    found = rows.first()
    if found is None or found.region[:6] != row.region[:6]:
        raise ClaimError("这一户的追回事项在另一个县，请由该县办理。", field="追回事项")
    return found


@transaction.atomic
def decide_finding(row: ClaimFinding, *, acting_user: User, agreed: bool, opinion: str = "") -> ClaimFinding:
    """Another person decides; agreed, it is part of the unit's claim and booked: what was spent is owed.

    Raises:
        FourEyesError: he proposed it. ClaimError: a run has claimed some of it meanwhile, or no reason for a refusal.
        StateError, NotFoundError, AccessDeniedError.
    """
    access.require(acting_user, DutyCode.PAY_APPROVE, row.region)
    _hold_drafts(row)
    found = _locked(row)
    after = FindingState.APPROVED if agreed else FindingState.REFUSED
    move("认定多发", FINDING_MOVES, found.state, after, FindingState)
    if found.proposed_by_id == acting_user.pk:
        raise FourEyesError(f"{found.origin_no} 的认定多发", "审批", "提出")
    if not agreed and not opinion.strip():
        raise ClaimError("不同意的，请写明意见。", field="意见")
    found.state, found.opinion, found.decided_at, found.decided_by = (
        after,
        opinion.strip()[:300],
        clock.now(),
        acting_user,
    )
    if agreed:
        claim = _claim(found)
        asked = list(ClaimMonth.objects.filter(finding=found).order_by("for_month"))
        first, last = (Month.parse(str(one.for_month)) for one in (asked[0], asked[-1]))
        there = claimable_months(found.household_id, found.programme, found.person_id, first, last)
        for one in asked:
            month = Month.parse(str(one.for_month))
            if month not in there or there[month].left_fen < one.amount_fen:
                raise ClaimError(f"{month} 的多发已由月度发放查出一部分，请不同意，再按余额重新提出。", field="月份")
        found.claim = claim
        claim.found_fen += found.amount_fen
        settle(claim)
        ledger.post_finding(found, user=acting_user)
    found.save()
    _note("decide_finding", found, acting_user, agreed=agreed, claim=found.claim.no if found.claim else "")
    return found


@transaction.atomic
def ask_revoke_finding(row: ClaimFinding, *, acting_user: User, reason: str) -> ClaimFinding:
    """Asks for a finding to be taken out of its claim. Raises: ClaimError, StateError, NotFoundError, AccessDeniedError."""
    access.require(acting_user, DutyCode.PAY_CHECK, row.region)
    found = _locked(row)
    move("认定多发", FINDING_MOVES, found.state, FindingState.REVOKING, FindingState)
    if len(reason.strip()) < 4:
        raise ClaimError("请写明撤销理由（至少 4 个字）。", field="撤销理由")
    found.state, found.revoke_reason, found.revoke_asked_by = FindingState.REVOKING, reason.strip()[:300], acting_user
    found.save()
    _note("ask_revoke_finding", found, acting_user, reason=found.revoke_reason)
    return found


@transaction.atomic
def decide_revoke_finding(row: ClaimFinding, *, acting_user: User, agreed: bool) -> ClaimFinding:
    """Another person takes a finding back by an entry that reverses its own, or lets it stand.

    Raises: FourEyesError. ClaimError: money of it has come back already. NotFoundError, AccessDeniedError.
    """
    access.require(acting_user, DutyCode.PAY_APPROVE, row.region)
    _hold_drafts(row)
    found = _locked(row)
    if found.state != FindingState.REVOKING or found.claim_id is None:
        raise ClaimError("没有待审批的撤销申请，请刷新后再看。", field="认定多发")
    if found.revoke_asked_by_id == acting_user.pk:
        raise FourEyesError(f"{found.origin_no} 的认定多发", "审批", "申请撤销")
    if agreed:
        claim = access.locked(Claim.objects.all(), found.claim_id, what="追回事项")
        if claim.left_fen < found.amount_fen:
            raise ClaimError(
                f"{claim.no} 只剩 {format_yuan(max(claim.left_fen, 0))} 元，这笔认定的 {format_yuan(found.amount_fen)} 元已收回或核销了一部分，不能撤销。",
                field="认定多发",
            )  # fmt: skip
        found.state, found.revoked_at, found.revoked_by = FindingState.REVOKED, clock.now(), acting_user
        claim.found_fen -= found.amount_fen
        settle(claim)
        ledger.reverse_finding(found, user=acting_user)
    else:
        found.state = FindingState.APPROVED
    found.save()
    _note("decide_revoke_finding", found, acting_user, agreed=agreed)
    return found
