"""Figures of the ledger: precision of rules and sources, why clues did not hold, reports by area, and its balance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection

from tuodi.kernel import clock
from tuodi.monitoring.ledger import Wanted, select
from tuodi.monitoring.states import REFUTED_WHY
from tuodi.org.access import range_of
from tuodi.org.models import User
from tuodi.org.places import place_name

__all__ = ["BY", "Check", "ReasonRow", "ReportRow", "balance", "reasons", "report", "report_total"]

#: What a report may be broken down by -> SQL of the key.
BY: Mapping[str, str] = {
    "prefecture": "substr(c.region, 1, 4)",
    "county": "substr(c.region, 1, 6)",
    "town": "substr(c.region, 1, 9)",
    "village": "c.region",
    "rule": "c.rule_code",
    "source": "c.source",
    "severity": "c.severity",
    "programme": "c.programme",
    "month": "to_char(c.found_on, 'YYYY-MM')",
    "run": "coalesce(r.no, '')",
    "all": "''",
}
_PLACES = ("prefecture", "county", "town", "village")


@dataclass(frozen=True)
class ReportRow:
    """One line of a report: found = confirmed + refuted + open.

    Attributes:
        suspended: clues that led to a suspension; held_now: those whose suspension stands.
        readmitted: stopped ones whose family is on the roll again, or told as such by who watches it. Money in fen.
    """

    key: str
    label: str
    found: int
    confirmed: int
    refuted: int
    open: int
    overdue: int
    closed: int
    suspended: int
    held_now: int
    stopped: int
    to_recover_fen: int
    recovered_fen: int
    readmitted: int

    @property
    def balances(self) -> bool:
        """Whether the parts sum to what was found."""
        return self.confirmed + self.refuted + self.open == self.found

    @property
    def rate(self) -> float | None:
        """Precision: confirmed of those answered; None where none is."""
        answered = self.confirmed + self.refuted
        return self.confirmed / answered if answered else None


def report(user: User, by: str = "county", wanted: Wanted | None = None) -> list[ReportRow]:
    """Found, confirmed, refuted, overdue, suspended, recovered, re-admitted, by area, rule, source or month; in one query.

    With `by="rule"`, `"source"` or `"month"` the rate is the precision of rules and sources, and how it went over time.

    Args:
        by: one of `BY`.
    """
    ids, arguments = _ids(user, wanted)
    with connection.cursor() as cursor:
        cursor.execute(
            f"select {BY[by]} as key, min(c.rule_text ->> 'label'), count(*), count(*) filter (where c.verdict = 'confirmed'), "
            "count(*) filter (where c.verdict = 'refuted'), count(*) filter (where c.verdict = ''), "
            "count(*) filter (where c.state <> 'closed' and c.deadline < %s), count(*) filter (where c.state = 'closed'), "
            "count(c.suspension_id), count(*) filter (where s.id is not null and s.lifted_at is null), "
            "count(*) filter (where c.action = 'stop'), coalesce(sum(c.to_recover_fen), 0)::bigint, "
            "coalesce(sum(c.recovered_fen), 0)::bigint, count(*) filter (where exists (select 1 from monitoring_watchentry w "
            "where w.clue_id = c.id and w.readmitted) or exists (select 1 from decisions_determination d join people_rollentry x "
            "on x.household_id = c.household_id and x.programme = c.programme and x.start_month > d.start_month "
            "where d.id = c.determination_id and c.action = 'stop')) "
            f"from monitoring_clue c left join decisions_suspension s on s.id = c.suspension_id "
            f"left join monitoring_sweeprun r on r.id = c.run_id where c.id in ({ids}) group by 1 order by 1",
            [clock.today(), *arguments],
        )
        rows = cursor.fetchall()
    found = []
    for key, rule_label, *figures in rows:
        label = place_name(key) if by in _PLACES else (rule_label or key) if by == "rule" else key
        found.append(ReportRow(key, label, *figures))
    return found


def report_total(user: User, wanted: Wanted | None = None) -> ReportRow:
    """All of it in one line; zeros where there is nothing."""
    rows = report(user, "all", wanted)
    return rows[0] if rows else ReportRow("", "合计", *[0] * 12)


def _ids(user: User, wanted: Wanted | None) -> tuple[str, tuple[Any, ...]]:
    """SQL and arguments of the keys of clues a report speaks of."""
    rows = select(wanted or Wanted(), user=user, today=clock.today()).order_by().values("id")
    text, arguments = rows.query.sql_with_params()
    return text, tuple(arguments)


@dataclass(frozen=True)
class ReasonRow:
    """Why clues did not hold: how many, and of all refuted."""

    code: str
    label: str
    count: int
    share: float


def reasons(user: User, wanted: Wanted | None = None) -> list[ReasonRow]:
    """The reasons of refuted clues, most frequent first; the shares sum to 1."""
    ids, arguments = _ids(user, wanted)
    with connection.cursor() as cursor:
        cursor.execute(
            "select c.refuted_why, count(*) from monitoring_clue c where c.verdict = 'refuted' "
            f"and c.id in ({ids}) group by 1 order by 2 desc, 1",
            arguments,
        )
        rows = cursor.fetchall()
    total = sum(count for _, count in rows)
    return [ReasonRow(code, REFUTED_WHY.get(code, code or "未注明"), n, n / total) for code, n in rows]


# ---- does it balance


@dataclass(frozen=True)
class Check:
    """One check over the stored rows: `ok`, and the figures behind it."""

    code: str
    label: str
    ok: bool
    detail: str


#: What must never be found: a sentence and the SQL of how many there are.
_NEVER: tuple[tuple[str, str, str], ...] = (
    (
        "answered",
        "有结论的线索状态相符",
        "select count(*) from monitoring_clue c where (c.verdict = '') <> (c.state in "
        "('generated', 'assigned', 'verifying', 'undetermined')) and {place}",
    ),
    (
        "refuted_closed",
        "查否的线索都已销号",
        "select count(*) from monitoring_clue c where c.verdict = 'refuted' and c.state <> 'closed' and {place}",
    ),
    (
        "refuted_why",
        "查否的线索都有原因",
        "select count(*) from monitoring_clue c where c.verdict = 'refuted' and c.refuted_why = '' and {place}",
    ),
    (
        "held",
        "查否、销号的线索没有停保未解除",
        "select count(*) from monitoring_clue c join decisions_suspension s on s.id = c.suspension_id "
        "where c.state = 'closed' and s.lifted_at is null and {place}",
    ),
    (
        "events",
        "状态等于最后一步经过",
        "select count(*) from monitoring_clue c left join (select distinct on (clue_id) clue_id, after from monitoring_clueevent "
        "order by clue_id, id desc) e on e.clue_id = c.id where e.after is distinct from c.state and {place}",
    ),
    (
        "hands",
        "下结论、复查、销号不是同一经办人",
        "select count(*) from monitoring_clue c where (c.verdict_by_id in (c.responsible_id, c.proposed_by_id) "
        "or c.checked_by_id = c.handled_by_id or c.closed_by_id = c.handled_by_id) and {place}",
    ),
)


def balance(user: User) -> list[Check]:
    """Whether the ledger of the user's range balances, from the stored rows: sums at every level, states, hands, suspensions."""
    place = range_of(user.office.place_code)
    found = []
    with connection.cursor() as cursor:
        for by in ("all", *_PLACES):
            cursor.execute(
                f"select count(*) from (select {BY[by]} as key, count(*) as n, "
                "count(*) filter (where c.verdict = 'confirmed') + count(*) filter (where c.verdict = 'refuted') "
                "+ count(*) filter (where c.state in ('generated', 'assigned', 'verifying', 'undetermined')) as parts "
                "from monitoring_clue c where c.region >= %s and c.region < %s group by 1) x where n <> parts",
                [place.low, place.high],
            )
            (wrong,) = cursor.fetchone()
            found.append(Check(f"sum_{by}", f"查实＋查否＋未结＝总数（{by}）", not wrong, f"不等 {wrong} 处"))
        for code, label, query in _NEVER:
            cursor.execute(query.format(place="c.region >= %s and c.region < %s"), [place.low, place.high])
            (wrong,) = cursor.fetchone()
            found.append(Check(code, label, not wrong, f"不符 {wrong}"))
    return found
