"""The life of an online application: which states there are and which moves are allowed."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import models

__all__ = ["ONLINE_MOVES", "OPEN", "OnlineState"]


class OnlineState(models.TextChoices):
    """Where an online application stands."""

    DRAFT = "draft", "没有提交"
    SENT = "sent", "已提交，等待受理"
    ASKED = "asked", "须补材料"
    ACCEPTED = "accepted", "已受理"
    REFUSED = "refused", "不予受理"
    WITHDRAWN = "withdrawn", "已撤回"


ONLINE_MOVES: Mapping[str, frozenset[str]] = {
    OnlineState.DRAFT: frozenset({OnlineState.SENT}),
    OnlineState.SENT: frozenset({OnlineState.ASKED, OnlineState.ACCEPTED, OnlineState.REFUSED, OnlineState.WITHDRAWN}),
    # An officer may accept with papers still owed (they stand on the receipt), or end it when nothing comes.
    OnlineState.ASKED: frozenset({OnlineState.SENT, OnlineState.ACCEPTED, OnlineState.REFUSED, OnlineState.WITHDRAWN}),
    OnlineState.ACCEPTED: frozenset(),
    OnlineState.REFUSED: frozenset(),
    OnlineState.WITHDRAWN: frozenset(),
}
#: Sent and not yet ended.
OPEN = (OnlineState.SENT, OnlineState.ASKED)
