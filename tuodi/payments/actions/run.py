"""The monthly run: open, calculate, check, approve, settle, close."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.db import connection, transaction
from django.db.models import Sum

from tuodi.audit.actions import record
from tuodi.funds.plans import lacks_reason
from tuodi.funds.programmes import benefits
from tuodi.kernel import clock
from tuodi.kernel.money import format_yuan
from tuodi.kernel.periods import Month
from tuodi.kernel.places import pad12
from tuodi.org import access
from tuodi.org.access import system_scope
from tuodi.org.models import DutyCode, User
from tuodi.payments import calculate as engine
from tuodi.payments import checks, claims, ledger, plans, signatures
from tuodi.payments.actions import price_decisions
from tuodi.payments.errors import (
    ChecksFailedError,
    EarlierRunError,
    FourEyesError,
    OpenLinesError,
    PlanExceededError,
    RunInputError,
    StateError,
)
from tuodi.payments.figures import Figures, figures_of, keep_reading, reading_of
from tuodi.payments.hands import take_hands
from tuodi.payments.labels import pay_label
from tuodi.payments.models import PayLine, PayRun, PriceShare, RunSignature
from tuodi.payments.prices import rounds_due
from tuodi.payments.states import DRAFT, RUN_MOVES, LineStatus, RunState, is_fixed_code, move
from tuodi.payments.statistics import refresh
from tuodi.verification.rulebook import book as site_book

__all__ = [
    "PAYABLE_PROGRAMMES",
    "RUN_PROGRAMMES",
    "approve",
    "calculate",
    "cancel",
    "check",
    "close",
    "open_run",
    "settle",
]

#: What a run pays unless told otherwise, and all it can be told to pay.
PAYABLE_PROGRAMMES = ("care", "dibao", "tekun", "temporary")
RUN_PROGRAMMES = ("dibao", "tekun", "care", "temporary", "child")
#: What a run's number says of the programmes it pays; all of them, and those that are paid every month, say nothing.
_MARKS = {"dibao": "DB", "tekun": "TK", "temporary": "LS", "child": "ET", "care": "ZL", "family_planning": "JS"}
_PLAIN = (list(PAYABLE_PROGRAMMES), ["dibao", "tekun", "temporary"], ["dibao", "tekun"])


def payable_at(place: str) -> list[str]:
    """All a run of a place can be told to pay, with the fixed amounts that exist there; of the whole product without a place."""
    return [*RUN_PROGRAMMES, *benefits(place)]


Tell = Callable[[str, int, int], None]


def lock_run(run: PayRun) -> PayRun:
    """The run as it is now, locked until the transaction ends. NotFoundError outside the scope."""
    return access.locked(PayRun.objects.all(), run.pk, what="发放批次")


def audit(action: str, actor: User, run: PayRun, before: Mapping[str, Any] | None = None, **after: Any) -> None:
    """One row about a run."""
    record(
        f"payments.{action}",
        actor=actor,
        subject_type="payrun",
        subject_id=run.pk,
        region=run.region,
        before=dict(before) if before else None,
        after={"no": run.no, "state": run.state, **after},
    )


@transaction.atomic
def open_run(
    *, acting_user: User, place: str, month: Month, programmes: Sequence[str] = PAYABLE_PROGRAMMES,
    offset_permille: int | None = None, lookback_months: int = 12,
) -> PayRun:  # fmt: skip
    """Opens the run of a month; the one there is comes back unchanged.

    Args:
        place: significant digits of the range paid together.
        offset_permille: how much of a month's amount may be kept back for what was overpaid, per mille; None = the share of the
            place (`profile.claim_share`), half where no pack gives one.
        lookback_months: how many earlier months are computed again for back pay and recovery.

    Raises: RunInputError, NotFoundError, AccessDeniedError.
    """
    region = pad12(place)
    access.require(acting_user, DutyCode.PAY_PREPARE, region)
    chosen = sorted(set(programmes))
    offered = payable_at(place)
    if not chosen or not set(chosen) <= set(offered):
        raise RunInputError("项目", f"只能是 {'、'.join(pay_label(p) for p in offered)}")
    if (listed := [one for one in chosen if is_fixed_code(one)]) and len(chosen) > 1:
        # Another department's money and roll: checked, signed and settled by itself.
        raise RunInputError("项目", f"：{pay_label(listed[0])}由主管部门核定，单独成批")
    if "care" in chosen and "tekun" not in chosen:
        # Who is looked after is counted, suspended and ended by his own line.
        raise RunInputError("项目", "：照料服务补贴须与特困供养同批，才能核对照料对象是否在供")
    if "child" in chosen and "tekun" not in chosen:
        # A child on tekun is not paid twice, and a run sees the rolls of its own programmes alone.
        raise RunInputError("项目", "：困境儿童须与特困供养同批，才能核对有没有重复享受")
    today = clock.today()
    if offset_permille is None:
        offset_permille = claims.share_permille("claim_share", place, today, 500)
    if not 0 <= offset_permille <= 1000:
        raise RunInputError("抵扣比例", "应在 0 到 1000‰ 之间")
    if not 0 <= lookback_months <= 60:
        raise RunInputError("回溯月数", "应在 0 到 60 之间")
    # A month opened without caregivers has its tekun lines already: nothing could be opened beside it.
    alike = [chosen, [one for one in chosen if one != "care"]]
    known = (
        PayRun.objects.filter(place=place, month=month.yyyymm, programmes__in=alike)
        .exclude(state=RunState.CANCELLED)
        .first()
    )
    if known is not None:
        return known
    mark = "" if chosen in _PLAIN else "-" + "".join(_MARKS.get(one, one.upper().replace("_", "")) for one in chosen)
    number = f"FF-{place}{mark}-{month.yyyymm}"
    tried = PayRun.objects.filter(no__regex=rf"^{number}(-\d+)?$").count()
    run = PayRun.objects.create(
        region=region,
        place=place,
        month=month.yyyymm,
        programmes=chosen,
        no=number + (f"-{tried + 1}" if tried else ""),
        offset_permille=offset_permille,
        fraud_permille=claims.share_permille("claim_fraud_share", place, today, 1000),
        lookback_months=lookback_months,
        opened_at=clock.now(),
        opened_by=acting_user,
    )
    audit("open_run", acting_user, run, programmes=chosen, month=month.yyyymm)
    return run


def calculate(run: PayRun, *, acting_user: User, tell: Tell | None = None) -> PayRun:
    """Computes every line of the run, its differences and its corrections of earlier months.

    A run that was calculated before is computed anew from the roll as it is now. One that was interrupted goes on with
    the inputs it froze. Runs long: call it from a job; each county is a transaction of its own where none is open.

    Args:
        tell: called with (what, units done, units in all).

    Raises:
        StateError: it is approved. EarlierRunError: an earlier month is still open. DoubleLineError.
        NotFoundError, AccessDeniedError, PolicyErrors.
    """
    tell = tell or (lambda what, done, total: None)
    access.require(acting_user, DutyCode.PAY_PREPARE, run.region)
    with system_scope(run.place):
        locked = lock_run(run)
        if locked.state not in DRAFT:
            raise StateError(locked.no, locked.get_state_display(), RunState.CALCULATED.label)
        _no_earlier_draft(locked)
        if locked.state != RunState.OPEN:
            move(locked.no, RUN_MOVES, locked.state, RunState.OPEN, RunState)
            _void(locked)
            locked.state = RunState.OPEN
            locked.inputs = locked.results = None
            locked.checked_at = locked.checked_by = None
            locked.progress, locked.checks = {}, []
        elif not locked.progress.get("parts"):
            locked.inputs = None  # nothing was written from them: read the roll as it is now
        if locked.inputs is None:
            locked.indices = rounds_due(locked, site_book(fresh=True))  # as frozen with the run as the roll is
        locked.calculated_by = acting_user
        locked.save()
        tell("冻结花名册与事实", 0, 0)
        refresh("roll")
        inputs = engine.freeze(locked, by_id=acting_user.pk)
    run = locked
    with system_scope(run.place):
        result = engine.compute_run(run, inputs, site_book(fresh=True), tell)
    engine.write_run(run, result, tell)
    with system_scope(run.place):
        locked = lock_run(run)
        if locked.state != RunState.OPEN:
            return locked  # another worker finished it
        refresh("lines")
        engine.keep_results(locked, result, by_id=acting_user.pk)
        engine.keep_shares(locked, result)
        locked.rules = result.rules
        for name, value in engine.totals(locked, result).items():
            setattr(locked, name, value)
        locked.progress = {
            **run.progress,
            "phase": "done",
            "label": "计算完成",
            "done": result.lines.height,
            "total": result.lines.height,
        }
        move(locked.no, RUN_MOVES, locked.state, RunState.CALCULATED, RunState)
        locked.state = RunState.CALCULATED
        locked.save()
        audit(
            "calculate", acting_user, locked, lines=locked.lines, amount_fen=locked.amount_fen, held=locked.held_lines
        )
    for name, value in locked.__dict__.items():
        setattr(run, name, value)
    return run


def _no_earlier_draft(run: PayRun) -> None:
    """An earlier month of the same place, of one in it or of one it lies in must be approved first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select no, state from payments_runs() where month < %s and state = any(%s) and programmes && %s::text[] "
            "and (starts_with(place, %s) or starts_with(%s, place)) order by month desc limit 1",
            [run.month, [one.value for one in DRAFT], list(run.programmes), run.place, run.place],
        )
        earlier = cursor.fetchone()
    if earlier is not None:
        raise EarlierRunError(earlier[0], RunState(earlier[1]).label)


@transaction.atomic
def check(run: PayRun, *, acting_user: User) -> PayRun:
    """Runs the balance checks and keeps their figures in the run.

    Raises: ChecksFailedError names those that say no; the run stays as it is. StateError, AccessDeniedError.
    """
    access.require(acting_user, DutyCode.PAY_CHECK, run.region)
    run = lock_run(run)
    move(run.no, RUN_MOVES, run.state, RunState.CHECKED, RunState)
    lines = figures_of(run)
    reading = keep_reading(run, lines)
    found = checks.balance(run, lines, sharing=reading.shared)
    failed = [f"{one.label}（{one.detail}）" for one in found if not one.ok]
    if failed:
        raise ChecksFailedError(failed)
    run.checks = checks.as_json(found)
    run.approvers = signatures.approvers_for(run)
    run.state, run.checked_at, run.checked_by = RunState.CHECKED, clock.now(), acting_user
    run.save()
    audit("check", acting_user, run, checks=len(found), approvers=run.approvers)
    return run


@transaction.atomic
def approve(run: PayRun, *, acting_user: User, reason: str = "") -> PayRun:
    """Signs the approval of a run. With the last signature it needs it is approved: from here its lines never change.

    How many it needs goes by its total (`signatures.approvers_for`) and was set when it was checked. Each signature reads the lines
    and makes the checks by itself.

    Args:
        reason: why it is approved although it is beyond the month's 用款计划; kept with the signature, else of no use.

    Raises:
        PlanExceededError: it is, and no reason is given, or the place lets nothing pass beyond its plans.
        FourEyesError: the acting user prepared, checked or signed it already. CaseHandsError: he accepted or confirmed a case in it.
        FundShortError: a county has not enough money for it; the last signature is not given either.
        StateError: not checked, or somebody was faster. EarlierRunError, NotFoundError, AccessDeniedError.
    """
    access.require(acting_user, DutyCode.PAY_APPROVE, run.region)
    run = lock_run(run)
    move(run.no, RUN_MOVES, run.state, RunState.APPROVED, RunState)
    if acting_user.pk in (run.opened_by_id, run.calculated_by_id):
        raise FourEyesError(run.no, "审批")
    if acting_user.pk == run.checked_by_id:
        raise FourEyesError(run.no, "审批", "校验")
    signed = list(signatures.signed(run))
    if any(one.user_id == acting_user.pk for one in signed):
        raise FourEyesError(run.no, "审批", "签字")
    _no_earlier_draft(run)
    claims.hold_run(run)
    price_decisions.hold_run(run)
    lines = figures_of(run)
    reading = reading_of(run, lines)
    found = checks.balance(run, lines, sharing=reading is None or reading.shared)
    failed = [f"{one.label}（{one.detail}）" for one in found if not one.ok]
    if failed:
        raise ChecksFailedError(failed)
    note = _beyond_plans(run, lines, reason)
    whole = take_hands(run, acting_user, reading)
    RunSignature.objects.create(
        run=run, region=run.region, user=acting_user, at=clock.now(), amount_fen=run.amount_fen, note=note, hands=whole
    )
    beyond = {"beyond_plan": note} if note else {}
    audit("sign", acting_user, run, number=len(signed) + 1, of=run.approvers, amount_fen=run.amount_fen, **beyond)
    if len(signed) + 1 < run.approvers:
        return run
    ledger.post_grant(run, lines, user=acting_user)
    run.state, run.approved_at, run.approved_by = RunState.APPROVED, clock.now(), acting_user
    run.save()
    claims.follow_run(run)
    audit("approve", acting_user, run, lines=run.lines, amount_fen=run.amount_fen)
    return run


def _beyond_plans(run: PayRun, lines: Figures, reason: str) -> str:
    """The reason for approving beyond the month's plans; empty where they are kept. Raises: PlanExceededError."""
    found = plans.excess(run, lines)
    if not found:
        return ""
    blocked = any(plans.blocks(one.county) for one in found)
    if blocked or lacks_reason(reason):
        sums = [(one.label, one.planned, one.wanted) for one in found]
        raise PlanExceededError(run.no, plans.month_label(run), sums, blocked=blocked)
    return reason.strip()[:300]


def _void(run: PayRun) -> None:
    """What was signed was another run: the signatures no longer count."""
    run.signatures.filter(voided_at__isnull=True).update(voided_at=clock.now())  # type: ignore[attr-defined]


@transaction.atomic
def cancel(run: PayRun, *, acting_user: User, reason: str) -> PayRun:
    """Gives up a run that is not approved; its units may be in another run of the month.

    Raises: RunInputError without a reason; StateError, AccessDeniedError.
    """
    access.require(acting_user, DutyCode.PAY_PREPARE, run.region)
    if not reason.strip():
        raise RunInputError("撤销原因", "必须填写")
    run = lock_run(run)
    move(run.no, RUN_MOVES, run.state, RunState.CANCELLED, RunState)
    _void(run)
    run.state = RunState.CANCELLED
    run.save(update_fields=["state"])
    PayLine.objects.filter(run=run, live=True).update(live=False)
    PriceShare.objects.filter(run=run, live=True).update(live=False)
    audit("cancel", acting_user, run, reason=reason.strip()[:200])
    return run


@transaction.atomic
def settle(run: PayRun, *, acting_user: User) -> PayRun:
    """Every line that went to a bank has a definite answer. Failed lines stay to be reissued.

    Raises: OpenLinesError, ChecksFailedError, StateError, AccessDeniedError.
    """
    access.require(acting_user, DutyCode.PAY_CHECK, run.region)
    run = lock_run(run)
    move(run.no, RUN_MOVES, run.state, RunState.SETTLED, RunState)
    waiting = PayLine.objects.filter(run=run, status__in=[LineStatus.READY, LineStatus.SENT, LineStatus.UNKNOWN])
    count = waiting.count()
    if count:
        raise OpenLinesError(run.no, count, format_yuan(waiting.aggregate(total=Sum("amount_fen"))["total"] or 0))
    failed = [f"{one.label}（{one.detail}）" for one in checks.ledger(run) if not one.ok]
    if failed:
        raise ChecksFailedError(failed)
    run.state, run.settled_at, run.settled_by = RunState.SETTLED, clock.now(), acting_user
    run.save()
    audit("settle", acting_user, run)
    return run


@transaction.atomic
def close(run: PayRun, *, acting_user: User) -> PayRun:
    """Closes the month: from here the database refuses every change; corrections go to a later month.

    Raises: OpenLinesError while a reissue is under way; StateError, AccessDeniedError.
    """
    access.require(acting_user, DutyCode.PAY_APPROVE, run.region)
    run = lock_run(run)
    move(run.no, RUN_MOVES, run.state, RunState.CLOSED, RunState)
    waiting = PayLine.objects.filter(run=run, status__in=[LineStatus.SENT, LineStatus.UNKNOWN])
    if waiting.exists():
        total = waiting.aggregate(total=Sum("amount_fen"))["total"] or 0
        raise OpenLinesError(run.no, waiting.count(), format_yuan(total))
    run.state, run.closed_at, run.closed_by = RunState.CLOSED, clock.now(), acting_user
    run.save()
    audit("close", acting_user, run)
    return run
