"""The life of a case, a step and a notice: which states there are and which moves are allowed.

States allow; they do nothing. `MOVES` is the whole table: a move that is not in it is refused by `move`.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.db import models

from tuodi.cases.errors import MoveRefusedError

__all__ = ["CASE_MOVES", "HANDS", "STEP_MOVES", "BarReason", "CaseState", "Decision", "Hand", "StepState", "go", "move"]


class CaseState(models.TextChoices):
    """Where a case stands. While it runs, the phase follows the open step that comes first."""

    ACCEPTED = "accepted", "已受理"
    INVESTIGATING = "investigating", "调查核实"
    REVIEWING = "reviewing", "审核"
    NOTICE = "notice", "公示"
    REINVESTIGATING = "reinvestigating", "异议重新调查"
    CONFIRMING = "confirming", "确认"
    CONFIRMED = "confirmed", "已确认"
    REFUSED = "refused", "不予确认"
    CLOSED = "closed", "办结"
    ENDED = "ended", "终止"


RUNNING = (
    CaseState.ACCEPTED,
    CaseState.INVESTIGATING,
    CaseState.REVIEWING,
    CaseState.NOTICE,
    CaseState.REINVESTIGATING,
    CaseState.CONFIRMING,
)

#: Before the decision the phases follow the steps in any order; after it there is only closing.
CASE_MOVES: Mapping[str, frozenset[str]] = {
    **{state: frozenset({*RUNNING, CaseState.CONFIRMED, CaseState.REFUSED, CaseState.ENDED}) for state in RUNNING},
    CaseState.CONFIRMED: frozenset({CaseState.CLOSED}),
    CaseState.REFUSED: frozenset({CaseState.CLOSED}),
    CaseState.CLOSED: frozenset(),
    CaseState.ENDED: frozenset(),
}


class StepState(models.TextChoices):
    """Where a step stands."""

    WAITING = "waiting", "未开始"
    OPEN = "open", "待办"
    DONE = "done", "已办"
    SKIPPED = "skipped", "不适用"
    VOID = "void", "作废"


STEP_MOVES: Mapping[str, frozenset[str]] = {
    StepState.WAITING: frozenset({StepState.OPEN, StepState.SKIPPED, StepState.VOID}),
    StepState.OPEN: frozenset({StepState.DONE, StepState.SKIPPED, StepState.WAITING, StepState.VOID}),
    StepState.SKIPPED: frozenset({StepState.WAITING, StepState.VOID}),  # a mark set later brings it back
    StepState.DONE: frozenset(),  # done again = a new row with the next round
    StepState.VOID: frozenset(),
}


class Decision(models.TextChoices):
    """What was decided."""

    NONE = "", "未决定"
    PASSED = "passed", "予以确认"
    REFUSED = "refused", "不予确认"


class Hand(models.TextChoices):
    """The three hands that must be different people on one case (申请受理、审批、资金拨付分离)."""

    ACCEPT = "accept", "受理"
    APPROVE = "approve", "确认"
    PAY = "pay", "拨付"


#: Duty -> hand. Other duties (初审、入户、备案) are no hand.
HANDS: Mapping[str, str] = {
    "accept": Hand.ACCEPT,
    "confirm": Hand.APPROVE,
    "pay_prepare": Hand.PAY,
    "pay_check": Hand.PAY,
    "pay_approve": Hand.PAY,
    "pay_send": Hand.PAY,
}


class BarReason(models.TextChoices):
    """Why a user may do no step of a case."""

    SELF = "self", "本人的案件"
    KIN = "kin", "近亲属的案件"
    AGENT = "agent", "本人代办的案件"
    AGENT_KIN = "agent_kin", "近亲属代办的案件"


def move(what: str, table: Mapping[str, frozenset[str]], before: str, after: str) -> None:
    """Nothing if the move is in the table (or no move at all).

    Raises:
        MoveRefusedError: It is not.
    """
    if before != after and after not in table[before]:
        raise MoveRefusedError(what, before, after)


def go(what: str, table: Mapping[str, frozenset[str]], before: str, after: models.TextChoices) -> None:
    """Nothing if the move is in the table; a deed that was done already is refused too, with the state in words.

    Raises:
        MoveRefusedError: It is not.
    """
    if after not in table[before]:
        raise MoveRefusedError(what, str(type(after)(before).label), str(after.label))
