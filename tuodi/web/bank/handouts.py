"""Files carried by hand, as the bank's page shows them: what was given out, why nothing may be, and how it goes on."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from tuodi.kernel.places import pad12
from tuodi.org import access
from tuodi.org.access import NATION, system_scope
from tuodi.payments import actions, bank_queries
from tuodi.payments.actions.handouts import carried
from tuodi.web.components import places, posting

#: What a POST of the page may ask for here.
VERBS = ("carry_evidence", "carry_propose", "carry_confirm", "carry_withdraw")


def shown(request: HttpRequest) -> list[dict[str, Any]]:
    """Places in the reader's range of which files were carried."""
    user: Any = request.user
    with system_scope(NATION):
        found = carried()
    waiting = {one.place: one for one in bank_queries.releases_waiting()}
    return [
        {
            "code": one.place, "place": places.path(pad12(one.place)), "block": one.block, "known": one.known, "last": one.last,
            "proposal": waiting.get(one.place), "named": bool(one.files),
        }
        for one in found
        if access.in_scope(user, pad12(one.place))
    ]  # fmt: skip


def answer(request: HttpRequest, verb: str) -> None:
    """Does what was asked, and tells the reader."""
    user: Any = request.user
    if verb in ("carry_evidence", "carry_propose"):
        with system_scope(NATION):
            known = {one.place for one in carried()}
        code = posting.text(request, "place", 12)
        if code not in known:
            posting.refuse(request, "这个操作现在不能办理，页面可能已过时。请看下面的最新状态。")
        elif verb == "carry_evidence":
            posting.attempt(
                request,
                lambda: actions.release_by_evidence(code, acting_user=user),
                "银行对每一份文件都已有答复，人工送取已恢复。",
            )
        else:
            posting.attempt(
                request,
                lambda: actions.propose_release(code, acting_user=user, reason=posting.text(request, "reason", 300)),
                "恢复申请已提交，由另一人复核。",
            )
        return
    row = bank_queries.access_release(user, posting.number(request, "release"))
    if verb == "carry_confirm":
        posting.attempt(request, lambda: actions.confirm_release(row, acting_user=user), "已复核，人工送取已恢复。")
    else:
        posting.attempt(request, lambda: actions.withdraw_release(row, acting_user=user), "这份恢复申请未采用。")
