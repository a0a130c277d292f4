"""What was paid since a fact came about, as a proposal with its arithmetic. A person says what is recovered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection

from tuodi.decisions.models import Determination
from tuodi.kernel.money import format_yuan
from tuodi.kernel.periods import Month
from tuodi.monitoring.models import Clue
from tuodi.people.enums import PERSON_PROGRAMMES

__all__ = ["FACT_DATES", "PaidMonth", "Recovery", "fact_date", "over_since", "proposal"]

#: Columns of registers that say since when the thing is so, in the order they are asked.
FACT_DATES = {
    "death_date": "死亡日期", "cremated_on": "火化日期", "sentence_from": "刑期起", "registered_on": "登记日期", "married_on": "结婚日期",
    "listed_on": "列入日期", "left_on": "离开日期", "valid_to": "有效期至",
}  # fmt: skip
#: What a bank has, may have, or is about to have paid.
_OUT = ("ready", "sent", "unknown", "paid")


@dataclass(frozen=True)
class PaidMonth:
    """One month: what it was paid, with later corrections for it, and what was due then. Over = paid less due, never below 0."""

    month: Month
    paid_fen: int
    due_fen: int

    @property
    def over_fen(self) -> int:
        """Overpaid of the month."""
        return max(self.paid_fen - self.due_fen, 0)


@dataclass(frozen=True)
class Recovery:
    """A proposal.

    Attributes:
        since: day of the fact; months after the one it lies in are looked at. None = not known: nothing is proposed.
        since_from: where the day is from, in Chinese.
        kept_fen: of it, what lines have offset already.
    """

    since: date | None
    since_from: str
    months: tuple[PaidMonth, ...]
    kept_fen: int = 0

    @property
    def total_fen(self) -> int:
        """To be recovered: overpaid less what was offset."""
        return max(sum(one.over_fen for one in self.months) - self.kept_fen, 0)

    @property
    def text(self) -> str:
        """The arithmetic in a sentence, for the page and the file."""
        if self.since is None:
            return "登记内容没有事项发生的日期，请填写起算日期后计算"
        if not self.months:
            return f"{self.since}（{self.since_from}）以后没有发放"
        first, last = self.months[0].month, self.months[-1].month
        paid, owed = sum(one.paid_fen for one in self.months), sum(one.due_fen for one in self.months)
        kept = f" − 已抵扣 {format_yuan(self.kept_fen)}" if self.kept_fen else ""
        return (
            f"{self.since}（{self.since_from}）之次月起，{first} 至 {last} 共 {len(self.months)} 个月："
            f"已发 {format_yuan(paid)} − 应发 {format_yuan(owed)}{kept} = {format_yuan(self.total_fen)} 元"
        )

    def as_json(self) -> dict[str, Any]:
        """To be kept with the clue."""
        return {
            "since": str(self.since) if self.since else None,
            "since_from": self.since_from,
            "months": [[one.month.yyyymm, one.paid_fen, one.due_fen] for one in self.months],
            "kept_fen": self.kept_fen,
            "total_fen": self.total_fen,
            "text": self.text,
        }


def fact_date(clue: Clue) -> tuple[date | None, str]:
    """Since when the thing is so, and which column says it: out of what the register says."""
    told: dict[str, Any] = {**(clue.hit.data if clue.hit else {}), **clue.registered}
    for name in FACT_DATES:
        value = told.get(name)
        if isinstance(value, str):
            try:
                return date.fromisoformat(value[:10]), f"登记：{FACT_DATES[name]}"
            except ValueError:
                continue
    return None, ""


def proposal(clue: Clue, *, since: date | None = None) -> Recovery:
    """What was paid too much since the fact: every month after the one it came about in, paid less due.

    Due is nothing after a stop; the new amount after a decrease; for a clue without a determination, nothing.

    Args:
        since: day of the fact where the register has none, or a person knows better.
    """
    told = "人工填写" if since is not None else ""
    if since is None:
        since, told = fact_date(clue)
    if since is None:
        return Recovery(None, "", ())
    person = clue.person_id if clue.programme in PERSON_PROGRAMMES else None
    return over_since(clue.household_id, clue.programme, person, since, told, _due(clue))


def over_since(
    household_id: int, programme: str, person_id: int | None, since: date, told: str, owed: Callable[[int], int]
) -> Recovery:
    """What a unit was paid too much since a fact: every month after the one it came about in, paid less due.

    Args:
        person_id: of programmes that entitle persons. told: where the day is from, in Chinese.
        owed: month (yyyymm) -> fen that was due.
    """
    first = Month.of(since).next()
    unit = [household_id, programme, person_id, first.yyyymm]
    with connection.cursor() as cursor:
        cursor.execute(
            "select month, sum(fen)::bigint from ("
            " select l.month, l.base_fen + l.increment_fen + l.care_fen + l.grace_fen + l.other_fen + l.price_fen as fen "
            " from payments_payline l join payments_runs() r on r.id = l.run_id "
            " where l.live and l.held = '' and l.status = any(%s) and r.state in ('approved', 'sent', 'settled', 'closed') "
            " and l.household_id = %s and l.programme = %s and l.person_id is not distinct from %s and l.month >= %s "
            " union all "
            # What later runs have paid back for a month was paid for it as well.
            " select a.for_month, a.amount_fen from payments_arrear a join payments_runs() r on r.id = a.run_id "
            " where a.amount_fen > 0 and r.state in ('approved', 'sent', 'settled', 'closed') "
            " and a.household_id = %s and a.programme = %s and a.person_id is not distinct from %s and a.for_month >= %s"
            ") x group by month order by month",
            [list(_OUT), *unit, *unit],
        )
        paid = cursor.fetchall()
        cursor.execute(
            "select coalesce(sum(-l.offset_fen), 0)::bigint from payments_payline l join payments_runs() r on r.id = l.run_id "
            "where l.live and l.held = '' and l.status = any(%s) and r.state in ('approved', 'sent', 'settled', 'closed') "
            "and l.household_id = %s and l.programme = %s and l.person_id is not distinct from %s and l.month >= %s",
            [list(_OUT), *unit],
        )
        (kept,) = cursor.fetchone()
    months = tuple(PaidMonth(Month.parse(str(m)), fen, owed(m)) for m, fen in paid if fen)
    return Recovery(since, told, months, int(kept))


def _due(clue: Clue) -> Callable[[int], int]:
    """Month -> fen that would have been right: of the determination the clue led to."""
    made = Determination.objects.filter(pk=clue.determination_id).first() if clue.determination_id else None
    amount = made.amount_fen if made is not None and made.outcome == "pass" else None
    return lambda month: amount or 0
