"""What people determined to be overpaid (认定多发): the list, one with its months, and the second person's decision."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.monitoring import clue_claims
from tuodi.monitoring.models import Clue
from tuodi.org import access
from tuodi.org.errors import NotFoundError
from tuodi.org.models import DutyCode
from tuodi.payments import actions, claims
from tuodi.payments.models import ClaimFinding
from tuodi.payments.states import FindingState
from tuodi.web.components import navigation, pages, places, posting, reading
from tuodi.web.components.doors import LEDGER
from tuodi.web.components.words import Look
from tuodi.web.field import spot

LOOKS = {
    FindingState.PROPOSED: Look("待审批", "warn", "clock"),
    FindingState.APPROVED: Look("已立追回", "ok", "check"),
    FindingState.REFUSED: Look("不同意", "bad", "x"),
    FindingState.REVOKING: Look("待撤销审批", "warn", "clock"),
    FindingState.REVOKED: Look("已撤销", "", "x"),
}
_SHOWS = (("waiting", "待审批"), ("all", "全部"))


def name_of(row: ClaimFinding) -> str:
    """Whom it is about: the person, or the head of the family."""
    who = row.person or row.household.head
    return who.name if who else row.household.no


def listing(request: HttpRequest) -> HttpResponse:
    """Findings in the reader's range, those that wait first asked for."""
    chosen, tabs = pages.tabs_of(request, _SHOWS, "waiting")
    rows = claims.findings(chosen)
    page = pages.page_of(request, lambda start, stop: list(rows[start:stop]))
    reading.note_list(
        request,
        "认定多发",
        [one.household_id for one in page.items],
        [one.person_id for one in page.items if one.person_id],
    )
    items = [
        {
            "row": one, "name": name_of(one), "place": places.path(one.region), "look": LOOKS[FindingState(one.state)],
            "href": reverse("web:finding", args=[one.pk]),
        }
        for one in page.items
    ]  # fmt: skip
    context = {"page": pages.Page(items, page.number, None, page.previous, page.next), "tabs": tabs, "show": chosen}
    return render(request, "claims/findings.html", context)


def _row(request: HttpRequest, pk: int) -> ClaimFinding:
    rows = ClaimFinding.objects.select_related(
        "household__head", "person", "claim", "proposed_by", "decided_by", "revoke_asked_by", "revoked_by", "paper"
    )
    return access.one(rows, user=request.user, what="认定多发", pk=pk)  # type: ignore[arg-type]


def show(request: HttpRequest, pk: int) -> HttpResponse:
    """One finding: what it rests on, month by month, and the deeds of the reader's duties."""
    row = _row(request, pk)
    user: Any = request.user
    reading.note_reading(
        request, "认定多发", [row.household_id], [row.person_id] if row.person_id else [], region=row.region
    )
    approves = navigation.may(request, [DutyCode.PAY_APPROVE], row.region)
    clue = Clue.objects.filter(pk=row.origin_id).first() if row.origin == clue_claims.ORIGIN else None
    locked = ""
    if row.state == FindingState.PROPOSED:
        if row.proposed_by_id == user.pk:
            locked = "您提出的认定，由另一人审批。"
        elif clue is not None and user.pk in (clue.handled_by_id, clue.verdict_by_id):
            locked = "线索由您认定或处理，追回由另一人审批。"
    elif row.state == FindingState.REVOKING and row.revoke_asked_by_id == user.pk:
        locked = "您申请的撤销，由另一人审批。"
    if not locked and not approves and row.state in (FindingState.PROPOSED, FindingState.REVOKING):
        locked = "由“发放审批”人员审批。"
    may_clue = clue is not None and not LEDGER.isdisjoint(navigation.held_duties(request))
    context = {
        "row": row, "name": name_of(row), "place": places.path(row.region), "look": LOOKS[FindingState(row.state)],
        "months": list(row.months.order_by("for_month")), "locked": locked,  # type: ignore[attr-defined]
        "clue_href": reverse("web:clue", args=[clue.no]) if clue is not None and may_clue else "",
        "claim_href": reverse("web:claim", args=[row.claim_id]) if row.claim_id else "",
        "family_href": reverse("web:family", args=[row.household_id]),
        "may_decide": row.state == FindingState.PROPOSED and approves and not locked,
        "may_revoke": row.state == FindingState.REVOKING and approves and not locked,
        "may_ask": row.state == FindingState.APPROVED and navigation.may(request, [DutyCode.PAY_CHECK], row.region),
    }  # fmt: skip
    return render(request, "claims/finding.html", context)


def do(request: HttpRequest, pk: int) -> HttpResponse:
    """Decides, asks for a finding to be taken back, or takes it back."""
    row = _row(request, pk)
    user: Any = request.user
    what, agreed = posting.text(request, "do", 12), posting.text(request, "answer", 6) == "agree"
    if what == "decide":
        posting.attempt(
            request,
            lambda: clue_claims.decide_claim(
                row, acting_user=user, agreed=agreed, opinion=posting.text(request, "opinion", 300)
            ),
            lambda made: f"已立追回事项 {made.claim.no}，已记账。" if made.claim else "已记为不同意。",
        )
    elif what == "ask":
        posting.attempt(
            request,
            lambda: actions.ask_revoke_finding(row, acting_user=user, reason=posting.text(request, "reason", 300)),
            "已申请撤销，等另一人审批。",
        )
    elif what == "revoke":
        posting.attempt(
            request,
            lambda: actions.decide_revoke_finding(row, acting_user=user, agreed=agreed),
            "已撤销，凭证已冲正。" if agreed else "认定维持不变。",
        )
    else:
        posting.refuse(request, "这个操作现在不能办理，页面可能已过时。请看下面的最新状态。")
    return posting.back(reverse("web:finding", args=[row.pk]))


def paper(request: HttpRequest, pk: int) -> HttpResponse:
    """The scan a finding rests on. Looking is logged."""
    row = _row(request, pk)
    if row.paper is None:
        raise NotFoundError("附件")
    reading.note_reading(request, "追回附件", [row.household_id], [], region=row.region)
    return spot.picture(row.paper)
