"""The life of a clue as a table, and the words of the ledger. A move that is not in the table is refused.

`confirmed + refuted + open = total` holds by construction: `Clue.verdict` has three values, and a closed clue has one
of the first two (held by the database).
"""

from __future__ import annotations

from collections.abc import Mapping

from tuodi.monitoring.models.clue import Clue

__all__ = ["ANSWERED", "EVIDENCE", "MOVES", "REFUTED_WHY", "UNDER_VERIFICATION", "can_move"]

State = Clue.State

MOVES: Mapping[str, frozenset[str]] = {
    State.GENERATED: frozenset({State.ASSIGNED}),
    State.ASSIGNED: frozenset({State.VERIFYING}),
    State.VERIFYING: frozenset({State.UNDETERMINED, State.CONFIRMED, State.CLOSED}),
    State.UNDETERMINED: frozenset({State.CONFIRMED, State.CLOSED}),
    # A confirmed clue that suspends nothing is handled at once; one refuted after all is closed.
    State.CONFIRMED: frozenset({State.SUSPENDED, State.HANDLED, State.CLOSED}),
    State.SUSPENDED: frozenset({State.HANDLED, State.CLOSED}),
    # Handled again: the discipline body has answered, a further deed is needed.
    State.HANDLED: frozenset({State.HANDLED, State.RECTIFIED}),
    State.RECTIFIED: frozenset({State.CLOSED}),
    State.CLOSED: frozenset({State.VERIFYING}),  # reopened on new evidence
}

#: A person is looking into it.
UNDER_VERIFICATION = (State.VERIFYING, State.UNDETERMINED)
#: A verdict stands.
ANSWERED = (State.CONFIRMED, State.SUSPENDED, State.HANDLED, State.RECTIFIED, State.CLOSED)

#: Why a clue did not hold.
REFUTED_WHY: Mapping[str, str] = {
    "sold": "已卖未过户",
    "ended": "已注销、报废或歇业",
    "namesake": "同名或号码有误，不是本人",
    "borrowed": "被他人借用或冒用名义",
    "stale": "登记陈旧，与现状不符",
    "exempt": "属于规定的豁免情形",
    "declared": "家庭已如实申报并已计入",
    "limit": "未超过当地规定的限额",
    "policy": "符合政策规定的特殊情形",
    "other": "其他",
}

#: Evidence every place knows; a rule names its own with labels in `rule_text["evidence"]`.
EVIDENCE: Mapping[str, str] = {
    "visit": "入户调查记录",
    "statement": "当事人陈述",
    "register": "登记部门书面答复",
    "document": "证明材料",
    "photo": "现场照片",
    "review": "民主评议记录",
}


def can_move(before: str, after: str) -> bool:
    """Whether the table allows it."""
    return after in MOVES[before]
