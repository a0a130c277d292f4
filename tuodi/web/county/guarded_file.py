"""The steps of a file that two people agree on (`monitoring.guarded`), as its page offers them: hand-overs and exports alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest

from tuodi.monitoring.models.guarded import GuardedFile
from tuodi.org.models import DutyCode
from tuodi.web.components import navigation, posting

__all__ = ["approval_lock", "take_step"]


def approval_lock(request: HttpRequest, row: GuardedFile) -> str:
    """Why the reader may not approve a file that waits for it; empty where he may, or nothing waits."""
    if row.state != GuardedFile.State.WAITING:
        return ""
    if row.requested_by_id == request.user.pk:
        return "申请人不能自己审批，请由另一人办理"
    held = DutyCode.HAND_OVER_APPROVE in navigation.held_duties(request)
    return "" if held else f"由“{DutyCode.HAND_OVER_APPROVE.label}”人员办理"


def take_step(
    request: HttpRequest, row: GuardedFile, verbs: Any, *, small: int, later: Callable[[int, int], object]
) -> bool:
    """Does the step a POST asks for and tells how it went.

    Args:
        verbs: The room's verbs (`approve`, `refuse`, `make`). small: Rows made while somebody waits; more go to `later`, a job,
            with the numbers of row and user.

    Returns:
        Whether it was one of these steps.
    """
    user: Any = request.user
    what = posting.text(request, "do", 12)
    if what == "approve":
        posting.attempt(request, lambda: verbs.approve(row, acting_user=user), "已批准，由申请人生成文件。")
    elif what == "refuse":
        reason = posting.text(request, "reason", 200)
        posting.attempt(request, lambda: verbs.refuse(row, reason, acting_user=user), "已退回，未批准。")
    elif what == "make" and row.expected > small:
        later(row.pk, user.pk)
        posting.succeed(request, f"正在生成 {row.expected:,} 行，稍后刷新本页。")
    elif what == "make":
        posting.attempt(request, lambda: verbs.make(row, acting_user=user), "文件已生成。")
    else:
        return False
    return True
