"""The forms of a claim's page: an agreement, cash, another manner, a write-off and its decision."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from tuodi.kernel.errors import TuodiError
from tuodi.kernel.money import parse_yuan
from tuodi.kernel.periods import Month, PeriodError
from tuodi.payments import actions, claims
from tuodi.payments.actions.claims import MAX_PAPER
from tuodi.payments.errors import ClaimError
from tuodi.payments.models import Claim, ClaimWriteOff
from tuodi.payments.states import Manner
from tuodi.web.components import posting, words


def do(request: HttpRequest, pk: int) -> HttpResponse:
    """Does what one form of the page asks, and goes back to it."""
    row = claims.access_claim(request.user, pk)  # type: ignore[arg-type]
    verb = _VERBS.get(posting.text(request, "do", 12))
    if verb is None:
        posting.refuse(request, "这个操作现在不能办理，页面可能已过时。请看下面的最新状态。")
    else:
        verb(request, row)
    return posting.back(reverse("web:claim", args=[row.pk]))


def _amount(request: HttpRequest) -> int:
    typed = posting.text(request, "amount", 20).replace(",", "").replace("，", "")
    try:
        return parse_yuan(typed)
    except TuodiError as error:
        raise ClaimError(f"“{typed}”不是金额，请按元填写，例如 80.00", field="金额") from error


def _day(request: HttpRequest, name: str, label: str) -> date:
    typed = posting.text(request, name, 10)
    try:
        return date.fromisoformat(typed)
    except ValueError as error:
        raise ClaimError(f"{label}“{typed}”不是日期，请按 2017-09-01 的样子填写。", field=label) from error


def _month(request: HttpRequest) -> Month:
    typed = posting.text(request, "from_month", 7)
    try:
        return Month.parse(typed)
    except PeriodError as error:
        raise ClaimError(f"起始月份：{error}", field="起始月份") from error


def _paper(request: HttpRequest) -> bytes:
    given: Any = request.FILES.get("paper")
    return given.read(MAX_PAPER + 1) if given else b""


def _agree(request: HttpRequest, row: Claim) -> None:
    posting.attempt(
        request,
        lambda: actions.agree(
            row, acting_user=request.user, monthly_fen=_amount(request), from_month=_month(request),  # type: ignore[arg-type]
            signed_on=_day(request, "signed_on", "签订日期"), in_cash=posting.text(request, "way", 6) == "cash", paper=_paper(request),
        ),
        "协议已登记，以后各月按协议办理。",
    )  # fmt: skip


def _receive(request: HttpRequest, row: Claim) -> None:
    posting.attempt(
        request,
        lambda: actions.receive(
            row, acting_user=request.user, amount_fen=_amount(request), receipt_no=posting.text(request, "receipt_no", 60),  # type: ignore[arg-type]
            received_on=_day(request, "received_on", "收款日期"), payer=posting.text(request, "payer", 40), paper=_paper(request),
        ),
        lambda made: f"已收回 {words.yuan(made.amount_fen)} 元，收据 {made.receipt_no}，已记账。",
    )  # fmt: skip


def _manner(request: HttpRequest, row: Claim) -> None:
    posting.attempt(
        request,
        lambda: actions.set_manner(
            row, acting_user=request.user, manner=posting.text(request, "manner", 8), reason=posting.text(request, "reason", 300)  # type: ignore[arg-type]
        ),
        lambda made: f"追回方式已改为“{Manner(made.manner).label}”。",
    )  # fmt: skip


def _propose(request: HttpRequest, row: Claim) -> None:
    posting.attempt(
        request,
        lambda: actions.propose_write_off(
            row, acting_user=request.user, amount_fen=_amount(request), reason=posting.text(request, "why", 12),  # type: ignore[arg-type]
            text=posting.text(request, "text", 500), paper=_paper(request),
        ),
        "核销已提出，等另一人审批。",
    )  # fmt: skip


def _decide(request: HttpRequest, row: Claim) -> None:
    found = ClaimWriteOff.objects.filter(claim=row, pk=posting.number(request, "write_off")).first()
    if found is None:
        posting.refuse(request, "没有找到这笔核销，请刷新后再看。")
        return
    agreed = posting.text(request, "answer", 6) == "agree"
    posting.attempt(
        request,
        lambda: actions.decide_write_off(
            found,
            acting_user=request.user,
            agreed=agreed,
            opinion=posting.text(request, "opinion", 300),  # type: ignore[arg-type]
        ),
        lambda made: f"已核销 {words.yuan(made.amount_fen)} 元，已记账。" if agreed else "已记为不同意。",
    )


_VERBS = {"agree": _agree, "receive": _receive, "manner": _manner, "propose": _propose, "decide": _decide}
