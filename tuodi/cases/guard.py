"""Who may do a step: level, duty, separation of hands, and no step of one's own case, one's kin's, or one brought as agent.

The database holds the last three again by triggers; here they get a sentence a person can act on.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from django.db import transaction

from tuodi.audit.actions import record
from tuodi.cases.errors import DutySeparationError, StepNotOpenError, WrongLevelError
from tuodi.cases.models import Case, CaseBar, CaseHand, StaffKin, Step
from tuodi.cases.states import HANDS, BarReason, Hand, StepState
from tuodi.kernel import places
from tuodi.org import access
from tuodi.org.models import User
from tuodi.policy.procedure import LEVEL_LABELS

__all__ = ["bar_kin", "check_hand", "check_step", "level_of", "logs_blocks", "take_hand"]

Action = TypeVar("Action", bound=Callable[..., Any])


def level_of(user: User) -> str:
    """The level of the user's office: VILL, TOWN, COUN, PREF, PROV or NATION."""
    code = user.office.place_code
    return "NATION" if code == access.NATION else places.level(code).value


def check_step(step: Step, acting_user: User, *, people: Iterable[User] = ()) -> None:
    """Opens the door of a step's action.

    Raises:
        NotFoundError: The case is outside the user's range.
        WrongLevelError, AccessDeniedError: Another level's or another duty's work.
        DutySeparationError: A second hand, or a case to keep away from.
        StepNotOpenError: It is not to be done now.
    """
    if not access.in_scope(acting_user, step.region):
        from tuodi.org.errors import NotFoundError

        raise NotFoundError("案件")
    held = level_of(acting_user)
    if held != step.by_level:
        raise WrongLevelError(step.label, LEVEL_LABELS[step.by_level], LEVEL_LABELS.get(held, "其他层级"))
    access.require(acting_user, step.duty, step.region)
    check_hand(step.case, acting_user, HANDS.get(step.duty))
    lender = access.lender_of(acting_user, step.duty, step.region)
    if lender is not None:  # a borrowed duty is no way around what its lender must keep away from
        check_lender(step.case, lender, HANDS.get(step.duty))
    for other in people:
        check_hand(step.case, other, None)
    if step.state != StepState.OPEN:
        from tuodi.cases.engine import waits_for

        raise StepNotOpenError(step.case.no, step.label, step.get_state_display(), waits_for(step.case, step))


def check_hand(case: Case, user: User, hand: str | None) -> None:
    """Refuses a second hand and a barred person.

    Args:
        hand: ``accept``, ``approve`` or ``pay``; None for steps that are no hand.
    """
    bar = CaseBar.objects.filter(case=case, user=user).first()
    if bar is not None:
        raise DutySeparationError(case.no, BarReason(bar.reason).label, user=user.pk, bar=bar.reason)
    if hand:
        held = CaseHand.objects.filter(case=case, user=user).exclude(hand=hand).first()
        if held is not None:
            reason = f"您已办理本案的“{Hand(held.hand).label}”，不能再办“{Hand(hand).label}”"
            raise DutySeparationError(case.no, reason, user=user.pk, held=held.hand, hand=hand)


def check_lender(case: Case, lender: User, hand: str | None) -> None:
    """Refuses to act for a lender who is barred from the case, or has another hand in it.

    Raises: DutySeparationError.
    """
    bar = CaseBar.objects.filter(case=case, user=lender).first()
    if bar is not None:
        reason = f"委托人{lender.name}须回避本案（{BarReason(bar.reason).label}），不能代其办理"
        raise DutySeparationError(case.no, reason, user=lender.pk, bar=bar.reason)
    held = CaseHand.objects.filter(case=case, user=lender).exclude(hand=hand).first() if hand else None
    if held is not None:
        reason = f"委托人{lender.name}已办理本案的“{Hand(held.hand).label}”，不能代其办“{Hand(hand).label}”"
        raise DutySeparationError(case.no, reason, user=lender.pk, held=held.hand, hand=hand)


def take_hand(case: Case, user: User, hand: str) -> None:
    """Notes a hand outside the steps: payments call it for each case a pay step touches.

    Raises:
        DutySeparationError: The user has another hand in the case, or must keep away from it.
    """
    check_hand(case, user, hand)
    if not CaseHand.objects.filter(case=case, user=user).exists():
        CaseHand.objects.create(case=case, region=case.region, user=user, hand=hand)


def bar_kin(case: Case, *, indexes: Iterable[bytes], agent_index: bytes | None = None) -> list[CaseBar]:
    """Bars staff who are members of the family, their kin, the agent, or the agent's kin.

    Args:
        indexes: Blind indexes of the members' numbers.
        agent_index: Of the agent's number, if an agent brought the case.
    """
    wanted = {bytes(index) for index in indexes}
    keys = wanted | ({bytes(agent_index)} if agent_index else set())
    bars: dict[tuple[int, str], CaseBar] = {}
    for kin in StaffKin.objects.filter(id_index__in=list(keys)):
        own = kin.relation == "self"
        if bytes(kin.id_index) in wanted:
            reason = BarReason.SELF if own else BarReason.KIN
        else:
            reason = BarReason.AGENT if own else BarReason.AGENT_KIN
        bars[kin.user_id, reason] = CaseBar(case=case, region=case.region, user_id=kin.user_id, reason=reason)
    known = set(CaseBar.objects.filter(case=case).values_list("user_id", "reason"))
    return CaseBar.objects.bulk_create([bar for key, bar in bars.items() if key not in known])


def logs_blocks(action: Action) -> Action:
    """Decorator of an action: a refusal for separation of hands is written to the audit log ([S3] 物理隔离: block and log).

    The action runs in a savepoint that is rolled back; the log row stays in the caller's transaction, so a page must
    answer the error instead of letting it roll the request back.
    """

    @functools.wraps(action)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        with transaction.atomic():
            try:
                with transaction.atomic():
                    return action(*args, **kwargs)
            except DutySeparationError as error:
                refused = error
            subject = next((a for a in args if isinstance(a, Case | Step)), None)
            case = subject.case if isinstance(subject, Step) else subject
            record(
                "cases.blocked",
                actor=kwargs.get("acting_user"),
                subject_type="case",
                subject_id=case.pk if case else refused.fields.get("case_no", ""),
                region=case.region if case else kwargs["acting_user"].office.place_code.ljust(12, "0"),
                case_no=refused.fields.get("case_no"),
                after={"action": action.__name__, "reason": refused.fields.get("reason")},
            )
        raise refused

    return wrapped  # type: ignore[return-value]
