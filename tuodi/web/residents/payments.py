"""What was paid to my family, month by month: of what, why, by which clause, and what to do where money did not come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from tuodi.kernel.errors import TuodiError
from tuodi.kernel.periods import Month
from tuodi.org.errors import NotFoundError
from tuodi.payments.clauses import Part, parts_of
from tuodi.payments.explain import answer_of
from tuodi.payments.models import LineDifference, PayLine
from tuodi.payments.queries import booked_runs
from tuodi.payments.states import Basis, Cause, Held, LineStatus
from tuodi.people.enums import ONCE_PROGRAMMES
from tuodi.people.models import Account
from tuodi.web.components import pages
from tuodi.web.components.pages import Page
from tuodi.web.residents import decision
from tuodi.web.residents.doors import own

#: What a line's state means to who waits for the money.
WORDS = {
    LineStatus.SENT: ("已送银行，正在入账", "info"),
    LineStatus.PAID: ("已入账", "ok"),
    LineStatus.FAILED: ("银行没有发成", "bad"),
    LineStatus.RETURNED: ("银行退回，没有入账", "bad"),
    LineStatus.WITHHELD: ("发放前暂缓，没有发放", "warn"),
    LineStatus.READY: ("已审批，等待送银行", "info"),
    LineStatus.NOTHING: ("全部抵扣，没有应发", "info"),
    LineStatus.UNKNOWN: ("银行还没有回复", "unknown"),
    LineStatus.HELD: ("暂缓发放", "warn"),
}
_ACCOUNT = "请带身份证和银行卡（存折）到乡镇（街道）服务窗口"
#: What to do where money did not come, by state and, where a line is held, by its reason.
TODO = {
    LineStatus.FAILED: f"可能是账户已销户、挂失、冻结，或户名不符。{_ACCOUNT}核对、更正，更正后重发，金额不变。",
    LineStatus.RETURNED: f"钱到了银行又被退回。{_ACCOUNT}核对、更正，更正后重发，金额不变。",
    LineStatus.WITHHELD: "审批以后情况有变化，先不发。下个月发放时会按核实的情况决定，该发的补发。有疑问请打服务电话。",
    LineStatus.UNKNOWN: "您不用做什么。银行的结果查明以前不会重复发，查明后在这里更新。",
}
HELD_TODO = {
    Held.SUSPENDED: "正在核实有关情况。请配合调查、说明情况；核实后符合条件的，停发的部分补发。",
    Held.UNKNOWN: "缺少材料，金额还算不出来。请到服务窗口问清缺什么，补齐后补发。",
    Held.NOT_ELIGIBLE: "按现在的资料可能不再符合条件，还没有作出决定。作决定前会告知您，您可以说明情况。",
    Held.NO_ACCOUNT: f"还没有登记收款账户。{_ACCOUNT}登记，登记后补发。",
    Held.SHARED_ACCOUNT: f"几户用了同一个账户。{_ACCOUNT}登记自己家的账户，或办理书面代管协议。",
    Held.HOLDER: f"账户的户名不是您家的人。{_ACCOUNT}更换账户。",
    Held.ACCOUNT_FAILED: f"上次银行退回，账户还没有更正。{_ACCOUNT}更正，更正后补发。",
    Held.TWO_PROGRAMMES: "同一个人不能同时享受低保和特困供养。请到服务窗口选择其中一项。",
}
#: Reasons that are mended by another card.
_CARD = (Held.NO_ACCOUNT, Held.SHARED_ACCOUNT, Held.HOLDER, Held.ACCOUNT_FAILED)
#: Months on one page.
SIZE = 12


@dataclass(frozen=True)
class Slip:
    """One programme's money of one month.

    Attributes:
        payee: who is paid instead of the family; empty = the family.
        why: why it is held. todo: what the family can do. changes: causes of the difference to the month before, with fen.
    """

    pk: int
    month: Month
    programme: str
    amount_fen: int | None
    words: str
    css: str
    parts: list[Part]
    account: str
    why: str
    todo: str
    payee: str = ""
    changes: list[tuple[str, int]] = field(default_factory=list)


def slips(rows: Sequence[PayLine], *, to_me: bool = False) -> list[Slip]:
    """The slips of some lines of one family, in three queries; months still being computed are not shown.

    Args:
        to_me: the lines of a caregiver, for himself: his card, and nothing about the household he looks after.
    """
    booked = booked_runs({row.run_id for row in rows})
    lines = [row for row in rows if row.run_id in booked]
    changes: dict[tuple[int, str, int | None], list[LineDifference]] = {}
    told = LineDifference.objects.filter(
        run__in={row.run_id for row in lines}, household__in={row.household_id for row in lines}
    )
    for one in told.order_by("id"):
        changes.setdefault((one.run_id, one.programme, one.person_id), []).append(one)
    found = []
    for row in lines:
        slip = _slip(row, changes.get((row.run_id, row.programme, row.person_id), []))
        found.append(_to_me(slip, row) if to_me else slip)
    return found


#: Reasons of a held line that are the caregiver's own affair; any other is the household's and is not told him.
_HIS_OWN = {
    Held.NO_ACCOUNT: "还没有登记您的收款账户",
    Held.HOLDER: "收款账户的户名不是您本人",
    Held.SHARED_ACCOUNT: "收款账户与别家共用",
    Held.ACCOUNT_FAILED: "上次银行退回，账户还没有更正",
}


def _to_me(slip: Slip, row: PayLine) -> Slip:
    held = Held(row.held) if row.held else None
    if held is None:
        todo = TODO.get(LineStatus(row.status), "")
        if row.status == LineStatus.WITHHELD:
            todo = "审批以后情况有变化，先不发。下个月发放时会按核实的情况决定，该发的补发。有疑问请问签协议的乡镇（街道）。"
        return replace(slip, account=row.account_last4, payee="", todo=todo)
    if held in _HIS_OWN:
        return replace(slip, account="", payee="", why=_HIS_OWN[held], todo=f"{_ACCOUNT}登记、更正，更正后补发。")
    todo = "您不用做什么。核定以后该发的补发；有疑问请问签协议的乡镇（街道）。"
    return replace(slip, account="", payee="", why="被照料人本月的供养还在核定", todo=todo)


def _slip(row: PayLine, changes: Sequence[LineDifference]) -> Slip:
    status = LineStatus(row.status)
    word, css = WORDS[status]
    late = (Cause.STANDARD_BACK, Cause.RULES_BACK, Cause.BACK, Cause.RESUMED, Cause.OFFSET)
    earlier = [one for one in changes if one.cause in late]
    return Slip(
        pk=row.pk,
        month=Month.parse(str(row.month)),
        programme=row.get_programme_display(),
        amount_fen=row.amount_fen,
        words=word,
        css=css,
        parts=parts_of(row, "、".join(dict.fromkeys(one.note or str(Cause(one.cause).label) for one in earlier))),
        # The caregiver's card is his own affair.
        account="" if row.programme == "care" else row.account_last4,
        why=row.get_held_display() if row.held else "",
        payee=row.holder if row.programme == "care" else "",
        todo=_todo(row, status),
        changes=[(str(Cause(one.cause).label), one.amount_fen) for one in changes if one.amount_fen],
    )


def _todo(row: PayLine, status: LineStatus) -> str:
    if row.programme == "care" and (row.held in _CARD or status in (LineStatus.FAILED, LineStatus.RETURNED)):
        return "这笔钱是付给照料服务人的。请照料服务人带身份证和银行卡（存折）到服务窗口登记、更正账户，登记后补发。"
    return HELD_TODO.get(Held(row.held), "") if row.held else TODO.get(status, "")


def _mine(request: HttpRequest) -> QuerySet[PayLine]:
    return own(PayLine.objects.filter(live=True), request).order_by("-month", "programme", "key")


def show(request: HttpRequest) -> HttpResponse:
    """The page: a year of months at a time, the newest first."""
    people = request.subject.person_ids  # type: ignore[attr-defined]
    accounts = Account.objects.filter(person__in=people, until__isnull=True).order_by("-since")[:5]
    rows = _mine(request)
    found = pages.page_of(request, lambda start, stop: list(rows[start:stop]), size=SIZE)
    page = Page(slips(found.items), found.number, None, found.previous, found.next)
    return render(request, "residents/payments.html", {"page": page, "slips": page.items, "accounts": accounts})


def one(request: HttpRequest, pk: int) -> HttpResponse:
    """One month: its parts with their clauses, and how the amount was worked out. NotFoundError alike for absent and others'."""
    row = _mine(request).filter(pk=pk).select_related("household").first()
    found = slips([row]) if row is not None else []
    if row is None or not found:
        raise NotFoundError("发放记录")
    context: dict[str, Any] = {"slip": found[0], "line": row, "roll": row.basis == Basis.ROLL}
    if row.programme == "care":
        context["stated"] = "补贴付给照料服务人，按每月 1 日在期的委托照料服务协议约定的数额发放。"
    if row.basis != Basis.ROLL and row.programme not in ONCE_PROGRAMMES and row.roll_id is not None:
        context |= _working(row)
    return render(request, "residents/payment.html", context)


def _working(row: PayLine) -> dict[str, Any]:
    """The rules' steps with the figures known now. `same`: they still give what was paid; else later facts changed them."""
    try:
        result = answer_of(row.household, row.programme, Month.parse(str(row.month)), person_id=row.person_id)
    except TuodiError:
        return {}
    data = result.explain().to_json()
    # From when a decision of this month would be paid says nothing about this month's money.
    data["roots"] = [root for root in data["roots"] if not str(root).endswith(".start_month")]
    parts, total = decision.parts_of(data, [])
    regular = sum(
        getattr(row, name) or 0 for name in ("base_fen", "increment_fen", "care_fen", "grace_fen", "other_fen")
    )
    return {
        "parts": parts,
        "total": total,
        "same": result.amount_fen == regular or bool(row.held),
        "missing": result.missing,
    }
