"""What stands between a month's run and its next step: missing money, lines without an answer, statements that do not fit."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q

from tuodi.funds import ledger as funds
from tuodi.funds.states import Account
from tuodi.org.models import DutyCode
from tuodi.payments.figures import wanted_of
from tuodi.payments.models import BankMessage, BankRecall, PayLine, PayRun, StatementLine
from tuodi.payments.states import DRAFT, ERRORS, LineStatus, MessageState, RecallState, RunState

__all__ = ["NEXT", "Short", "bank_waits", "open_recalls", "shortages", "waiting_lines"]

#: State -> the step that comes next and whose it is.
NEXT = {
    RunState.OPEN: ("计算", DutyCode.PAY_PREPARE),
    RunState.CALCULATED: ("校验", DutyCode.PAY_CHECK),
    RunState.CHECKED: ("审批", DutyCode.PAY_APPROVE),
    RunState.APPROVED: ("送银行", DutyCode.PAY_SEND),
    RunState.SENT: ("回盘结清", DutyCode.PAY_CHECK),
    RunState.SETTLED: ("关账", DutyCode.PAY_APPROVE),
}
_WAITING = (LineStatus.READY, LineStatus.SENT, LineStatus.UNKNOWN)


@dataclass(frozen=True)
class Short:
    """A sub-account with less available money than the run would reserve; in fen."""

    county: str
    programme: str
    wanted: int
    there: int

    @property
    def gap(self) -> int:
        """What is missing."""
        return self.wanted - self.there


def shortages(run: PayRun) -> list[Short]:
    """Sub-accounts of counties with a fund book that approval would refuse, as things stand. Empty after approval."""
    if run.state not in DRAFT:
        return []
    wanted = [(county, programme, fen) for (county, programme), fen in wanted_of(run).items()]
    if not wanted:
        return []
    orders = funds.books(county for county, *_ in wanted)
    there = funds.held(Account.AVAILABLE, orders, orders=orders)
    found = [
        Short(county, programme, fen, sum(part for _, part in there.get((county, programme), [])))
        for county, programme, fen in wanted
        if county in orders
    ]
    return [one for one in found if one.gap > 0]


def waiting_lines(run: PayRun) -> int:
    """Lines the bank has said nothing definite of: a month is not settled before them."""
    if run.state not in (RunState.SENT, RunState.SETTLED):
        return 0
    return PayLine.objects.filter(run=run, live=True, status__in=_WAITING).count()


def open_recalls(run: PayRun) -> list[BankRecall]:
    """Requests to give payments of the run back that wait for a second person or for the bank's word."""
    if run.state not in (RunState.SENT, RunState.SETTLED, RunState.CLOSED):
        return []
    rows = BankRecall.objects.filter(batch__run=run, state__in=[RecallState.PROPOSED, RecallState.ASKED])
    return list(rows.order_by("id"))


def bank_waits(run: PayRun) -> tuple[int, int]:
    """(messages of the run the bank has not acknowledged, lines of its bank's statements nobody has explained)."""
    if run.state not in (RunState.SENT, RunState.SETTLED, RunState.CLOSED):
        return 0, 0
    messages = BankMessage.objects.filter(batch__run=run)
    open_ = messages.exclude(state__in=[MessageState.ACKNOWLEDGED, MessageState.REFUSED]).count()
    here = Q(item__batch__run=run) | Q(item__isnull=True, statement__link__in=messages.values("link"))
    left = StatementLine.objects.filter(here, verdict__in=ERRORS).exclude(decisions__state="confirmed")
    return open_, left.values("pk").distinct().count()
