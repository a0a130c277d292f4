"""What was paid to my family, month by month, with what it is made of."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from tuodi.kernel.periods import Month
from tuodi.payments.models import PayLine
from tuodi.payments.queries import booked_runs
from tuodi.payments.states import LineStatus
from tuodi.people.models import Account
from tuodi.web.residents.doors import own

#: Component columns in the order of the slip.
PARTS = (
    ("base_fen", "基本保障金"),
    ("increment_fen", "增发"),
    ("care_fen", "照料护理"),
    ("grace_fen", "渐退期内发放"),
    ("price_fen", "价格临时补贴"),
    ("other_fen", "其他"),
    ("back_pay_fen", "补发"),
    ("offset_fen", "抵扣以前多发的"),
)
#: What a line's state means to who waits for the money.
WORDS = {
    LineStatus.SENT: ("已送银行，正在入账", "info"),
    LineStatus.PAID: ("已入账", "ok"),
    LineStatus.FAILED: ("银行没有发成，将重发", "bad"),
    LineStatus.RETURNED: ("银行退回，没有入账", "bad"),
    LineStatus.WITHHELD: ("发放前暂缓，没有发放", "warn"),
    LineStatus.READY: ("已审批，等待送银行", "info"),
    LineStatus.NOTHING: ("全部抵扣，没有应发", "info"),
    LineStatus.UNKNOWN: ("银行还没有回复", "unknown"),
    LineStatus.HELD: ("暂缓发放", "warn"),
}


@dataclass(frozen=True)
class Slip:
    """One programme's money of one month."""

    month: Month
    programme: str
    amount_fen: int | None
    words: str
    css: str
    parts: list[tuple[str, int]]
    account: str
    why: str


def slips(lines: QuerySet[PayLine], limit: int = 60) -> list[Slip]:
    """The slips of a family's lines, newest first; months still being computed are not shown."""
    own = list(lines.filter(live=True).order_by("-month", "programme")[:limit])
    booked = booked_runs({row.run_id for row in own})
    rows = [row for row in own if row.run_id in booked]
    return [
        Slip(
            month=Month.parse(str(row.month)),
            programme=row.get_programme_display(),
            amount_fen=row.amount_fen,
            words=WORDS.get(LineStatus(row.status), (row.get_status_display(), ""))[0],
            css=WORDS.get(LineStatus(row.status), ("", ""))[1],
            parts=[(label, value) for name, label in PARTS if (value := getattr(row, name))],
            account=row.account_last4,
            why=row.get_held_display() if row.held else "",
        )
        for row in rows
    ]


def show(request: HttpRequest) -> HttpResponse:
    """The page."""
    people = request.subject.person_ids  # type: ignore[attr-defined]
    accounts = Account.objects.filter(person__in=people, until__isnull=True).order_by("-since")[:5]
    return render(
        request, "residents/payments.html", {"slips": slips(own(PayLine.objects.all(), request)), "accounts": accounts}
    )
