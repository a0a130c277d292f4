"""One month of a replay: calculated, checked, approved, sent, answered, mended, reconciled, settled, closed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from django.db.models import Sum

from tuodi.demo.week.cast import once
from tuodi.demo.year import life
from tuodi.demo.year.bank import PROFILE, Bank
from tuodi.demo.year.cast import Replay, as_user
from tuodi.funds.actions import papers
from tuodi.funds.models import LedgerEntry
from tuodi.kernel.periods import Month
from tuodi.org.access import system_scope
from tuodi.payments import actions
from tuodi.payments.models import LineEvent, PayLine, PayRun
from tuodi.payments.states import LineStatus, RunState

__all__ = ["Figures", "figures", "pay"]

#: Programmes a replay's run pays; relief given once is handed over in cash by the town.
PROGRAMMES = ("care", "dibao", "tekun", "temporary")


@dataclass(frozen=True)
class Figures:
    """What a month came to, in fen and lines; the parts are of the lines that reached families."""

    lines: int
    paid: int
    back_pay: int
    offset: int
    price: int
    care: int
    grace: int
    grace_lines: int
    returned: int
    reissued: int
    withheld: int
    released: int


def pay(replay: Replay, month: Month, bank: Bank, *, tell: object) -> PayRun:
    """Takes a month's run from wherever it stands to closed. Told twice, it changes nothing more."""

    def day(number: int) -> date:
        return date(month.year, month.month, number)

    def now() -> str:
        with system_scope(replay.place):
            run.refresh_from_db()
        return run.state

    with as_user(replay, "bz", day(11)) as officer:
        run = actions.open_run(acting_user=officer, place=replay.place, month=month, programmes=PROGRAMMES)
    if run.state == RunState.CLOSED:
        return run
    if now() in (RunState.OPEN, RunState.CALCULATED):
        with as_user(replay, "bz", day(11)) as officer:
            actions.calculate(run, acting_user=officer)
        with as_user(replay, "jy", day(12)) as officer:
            actions.check(run, acting_user=officer)
    if now() == RunState.CHECKED:
        with as_user(replay, "sp", day(13)) as officer:
            actions.approve(run, acting_user=officer, reason="含补发，超出部分已报财政列入追加计划")
    mid = replay.first + 6
    if now() == RunState.APPROVED:
        if month == mid and replay.key == "y17":
            once(f"{replay.key}.{month}.扣留", lambda: life.died_after_approval(replay, run, day(13)), _silent)
        with as_user(replay, "yh", day(14)) as officer:
            actions.make_bank_files(run, acting_user=officer, profile=PROFILE)
    if now() == RunState.SENT:
        _exchange(replay, month, run, bank, day)
        with as_user(replay, "jy", day(26)) as officer:
            actions.settle(run, acting_user=officer)
    if now() == RunState.SETTLED:
        once(f"{replay.key}.{month}.退汇转回", lambda: _release(replay, run, day(27)), _silent)
        with as_user(replay, "sp", day(27)) as officer:
            actions.close(run, acting_user=officer)
    now()
    return run


def _silent(_: str) -> None:
    """Scenes of a month are told in its one line."""


def _exchange(replay: Replay, month: Month, run: PayRun, bank: Bank, at: Callable[[int], date]) -> None:
    number = month.no - replay.first.no
    # In the third month the line breaks after the bank took the file: what is not known is asked, never assumed.
    bank.deliver(run, at(15), faults=["cut_after"] if number == 2 and replay.way == "http" else [])
    bank.deliver(run, at(16))
    bank.told(run, at(17), pending=1 if number % 4 == 1 else 0)
    bank.end_unknown(run, at(18))
    if number % 2 == 0:
        bank.give_back(run, at(20), 2)
    once(
        f"{replay.key}.{month}.换卡重发",
        lambda: f"{life.mend(replay, run, at(21), leave=1 if number % 3 == 2 else 0)}",
        _silent,
    )
    bank.deliver(run, at(22))
    bank.told(run, at(23))
    poison = [(123_45, True, "他行误记0001"), (67_89, False, ""), (5_00, True, "")] if number % 6 == 2 else []
    bank.statement(at(25), poison=poison)
    bank.explain_leftovers(at(25))


def _release(replay: Replay, run: PayRun, day: date) -> str:
    """What still lies with the bank's returns is available again; who has no card yet is paid when he has one."""
    with system_scope(replay.place):
        left = run.pay_lines.filter(live=True, status__in=[LineStatus.FAILED, LineStatus.RETURNED]).exists()
    if left:
        with as_user(replay, "zj", day) as keeper:
            papers.release_suspense(acting_user=keeper, county=replay.place, run_id=run.pk)
    return ""


def figures(replay: Replay, run: PayRun) -> Figures:
    """A run's figures from its rows."""
    with system_scope(replay.place):
        lines = PayLine.objects.filter(run=run, live=True)
        paid = lines.filter(status=LineStatus.PAID)
        parts = {
            "a": "amount_fen",
            "b": "back_pay_fen",
            "o": "offset_fen",
            "p": "price_fen",
            "c": "care_fen",
            "g": "grace_fen",
        }
        sums = paid.aggregate(**{name: Sum(column) for name, column in parts.items()})
        released = LedgerEntry.objects.filter(run_id=run.pk, kind="release")
        return Figures(
            lines=paid.count(), paid=sums["a"] or 0, back_pay=sums["b"] or 0, offset=sums["o"] or 0, price=sums["p"] or 0, care=sums["c"] or 0,
            grace=sums["g"] or 0, grace_lines=paid.filter(grace_fen__gt=0).count(),
            returned=LineEvent.objects.filter(line__run=run, kind__in=["returned", "failed"]).count(),
            reissued=life.reissued(run), withheld=lines.filter(status=LineStatus.WITHHELD).count(),
            released=sum(one.postings.aggregate(n=Sum("debit_fen"))["n"] or 0 for one in released),
        )  # fmt: skip
