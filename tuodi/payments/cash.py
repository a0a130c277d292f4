"""Which grants given once an approved run pays already: petty cash hands out the others. The guard of petty cash asks the same."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection

from tuodi.payments.states import BOOKED

__all__ = ["runs_that_pay"]

_QUERY = """
select g.determination_id, max(x.no) from decisions_grantstage g cross join lateral (
  select coalesce(sum(l.base_fen), 0) + coalesce((select sum(a.amount_fen) from payments_arrear a join payments_runs() q on q.id = a.run_id
      where a.household_id = g.household_id and a.programme = g.programme and a.for_month = g.month and q.state = any(%(booked)s)), 0) fen,
    (select max(q.no) from payments_payline o join payments_runs() q on q.id = o.run_id where o.household_id = g.household_id
      and o.programme = g.programme and o.live and o.held = '' and o.status <> 'withheld' and o.month >= g.month and q.state = any(%(booked)s)) no
  from payments_payline l join payments_runs() r on r.id = l.run_id
  where l.household_id = g.household_id and l.programme = g.programme and l.month = g.month and l.live and l.held = ''
    and l.status <> 'withheld' and r.state = any(%(booked)s)) x
where g.determination_id = any(%(grants)s) and g.ended_at is null and not g.in_cash
  and x.fen > coalesce((select sum(o.amount_fen) from decisions_grantstage o where o.household_id = g.household_id
    and o.programme = g.programme and o.month = g.month and o.ended_at is null and not o.in_cash
    and o.determination_id <> g.determination_id), 0)
group by 1
"""


def runs_that_pay(grants: Sequence[int]) -> dict[int, str]:
    """Determination -> number of the approved run that pays it; those no run pays are left out."""
    if not grants:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_QUERY, {"grants": list(grants), "booked": [one.value for one in BOOKED]})
        return dict(cursor.fetchall())
