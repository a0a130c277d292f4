"""Reading hand-overs for their pages."""

from __future__ import annotations

from django.db.models import QuerySet

from tuodi.monitoring.models import HandOver
from tuodi.org import access
from tuodi.org.models import User

__all__ = ["access_hand_over", "hand_overs"]


def hand_overs() -> QuerySet[HandOver]:
    """Hand-overs in scope, newest first."""
    return HandOver.objects.select_related("requested_by", "approved_by").order_by("-id")


def access_hand_over(user: User, pk: int) -> HandOver:
    """One hand-over. Raises NotFoundError, alike for absent and not yours."""
    return access.one(hand_overs(), user=user, what="数据移交", pk=pk)
