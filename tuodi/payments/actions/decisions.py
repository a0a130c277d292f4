"""What people say of payments the bank leaves open: one proposes with a reason, another confirms. Time decides nothing."""

from __future__ import annotations

from django.db import transaction

from tuodi.audit.actions import record
from tuodi.kernel import clock
from tuodi.org import access
from tuodi.org.models import DutyCode, User
from tuodi.payments.actions.answers import News, lock_batch, settle_items
from tuodi.payments.errors import DecisionError, FourEyesError
from tuodi.payments.items import one_item
from tuodi.payments.models import BankDecision, BankItem, StatementLine
from tuodi.payments.states import ERRORS, DecisionState, LineStatus, steps_to

__all__ = ["confirm_decision", "propose_item", "propose_leftover", "withdraw_decision"]


def _note(verb: str, decision: BankDecision, user: User) -> None:
    record(
        f"payments.{verb}", actor=user, subject_type="bankdecision", subject_id=decision.pk, region=decision.region,
        after={"item": decision.item_id, "leftover": decision.leftover_id, "outcome": decision.outcome, "reason": decision.reason},
    )  # fmt: skip


def _reason(text: str) -> str:
    if len(text.strip()) < 4:
        raise DecisionError("请写明依据（至少 4 个字），例如银行书面答复的日期和经办人。")
    return text.strip()[:300]


@transaction.atomic
def propose_item(item: BankItem, *, acting_user: User, outcome: str, reason: str) -> BankDecision:
    """Proposes that an unknown payment arrived (`paid`) or did not (`failed`). Nothing moves yet.

    Raises: DecisionError: it is not unknown, already proposed, or no reason is given. NotFoundError, AccessDeniedError.
    """
    access.require(acting_user, DutyCode.PAY_CHECK, item.region)
    item = BankItem.objects.select_for_update().get(pk=item.pk)
    if item.status != LineStatus.UNKNOWN:
        raise DecisionError(f"序号 {item.seq} 现在是“{LineStatus(item.status).label}”，只有结果未知的才由人认定。")
    if outcome not in (LineStatus.PAID, LineStatus.FAILED):
        raise DecisionError("请选择“已到账”或“失败”。")
    if item.decisions.filter(state=DecisionState.PROPOSED).exists():
        raise DecisionError(f"序号 {item.seq} 已有待复核的认定。")
    made = BankDecision.objects.create(
        region=item.region,
        item=item,
        outcome=outcome,
        reason=_reason(reason),
        proposed_at=clock.now(),
        proposed_by=acting_user,
    )
    _note("propose_item", made, acting_user)
    return made


@transaction.atomic
def propose_leftover(line: StatementLine, *, acting_user: User, reason: str) -> BankDecision:
    """Explains a leftover of a statement (whose money it was, what the bank will do). It moves nothing, also when confirmed.

    Raises: DecisionError, NotFoundError, AccessDeniedError.
    """
    access.require(acting_user, DutyCode.PAY_CHECK, line.region)
    line = StatementLine.objects.select_for_update().get(pk=line.pk)
    if line.verdict not in ERRORS:
        raise DecisionError("这一笔已经核对相符，不需要说明。")
    if line.decisions.exclude(state=DecisionState.WITHDRAWN).exists():
        raise DecisionError("这一笔已有说明。")
    made = BankDecision.objects.create(
        region=line.region, leftover=line, reason=_reason(reason), proposed_at=clock.now(), proposed_by=acting_user
    )
    _note("propose_leftover", made, acting_user)
    return made


def _open(decision: BankDecision) -> BankDecision:
    found = access.locked(BankDecision.objects.select_related("item__batch__run"), decision.pk, what="人工认定")
    if found.state != DecisionState.PROPOSED:
        raise DecisionError(f"这条认定已是“{found.get_state_display()}”，可能已有人办理。")
    return found


@transaction.atomic
def confirm_decision(decision: BankDecision, *, acting_user: User) -> BankDecision:
    """The second person agrees. An item's outcome is booked; if the bank has spoken meanwhile its word stands.

    Raises: FourEyesError: he proposed it. DecisionError, NotFoundError, AccessDeniedError.
    """
    access.require(acting_user, DutyCode.PAY_APPROVE, decision.region)
    item_id = decision.item_id
    if item_id is not None:
        lock_batch(BankItem.objects.select_related("batch__run").get(pk=item_id).batch)
    found = _open(decision)
    if found.proposed_by_id == acting_user.pk:
        raise FourEyesError(f"认定 {found.pk}", "复核")
    if item_id is not None:
        item = BankItem.objects.select_for_update(of=("self",)).select_related("batch__run").get(pk=item_id)
        if item.status != LineStatus.UNKNOWN:
            raise DecisionError(
                f"银行已答复“{LineStatus(item.status).label}”，以银行答复为准，请把这条认定作为未采用。"
            )
        steps = steps_to(item.status, found.outcome) or ()
        settle_items(
            item.batch, [News(one_item(item), steps, "", f"人工认定：{found.reason}"[:100])], acting_user=acting_user
        )
    found.state, found.closed_at, found.closed_by = DecisionState.CONFIRMED, clock.now(), acting_user
    found.save()
    _note("confirm_decision", found, acting_user)
    return found


@transaction.atomic
def withdraw_decision(decision: BankDecision, *, acting_user: User) -> BankDecision:
    """Takes a proposal back, or turns it down. Raises: DecisionError, NotFoundError, AccessDeniedError."""
    access.require_any(acting_user, (DutyCode.PAY_CHECK, DutyCode.PAY_APPROVE), decision.region)
    found = _open(decision)
    found.state, found.closed_at, found.closed_by = DecisionState.WITHDRAWN, clock.now(), acting_user
    found.save()
    _note("withdraw_decision", found, acting_user)
    return found
