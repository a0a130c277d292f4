"""The second of two people: what every paper of the fund room asks before another one's proposal is decided."""

from __future__ import annotations

from typing import Any

from django.db import models

from tuodi.funds.errors import FundHandsError, FundInputError
from tuodi.funds.states import move
from tuodi.kernel import clock
from tuodi.org.models import User

__all__ = ["decided"]


def decided(
    row: Any, after: models.TextChoices, *, acting_user: User, approve: bool, note: str, what: str, of: str, own: bool = False
) -> None:  # fmt: skip
    """Notes a decision on a locked row that somebody else proposed; the caller saves it and does what follows.

    Args:
        row: with `state`, `proposed_by_id` and the decided fields. what: how a wrong state names it. of: how the proposer is told of it.
        own: true = the acting user had a hand in it otherwise than by proposing.

    Raises: FundStateError; FundHandsError; FundInputError: refused without a reason.
    """
    move(what, row.state, after)
    if own or row.proposed_by_id == acting_user.pk:
        raise FundHandsError(of)
    if not approve and not note.strip():
        raise FundInputError("审核意见", "没有填写。不同意的要写明理由。")
    row.state, row.decided_at, row.decided_by, row.decision_note = after, clock.now(), acting_user, note.strip()[:300]
