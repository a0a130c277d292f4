"""What the ledger does by itself each morning: limits that waited for a calendar, and reminders before and after they run out."""

from __future__ import annotations

from django.db import connection

from tuodi.kernel import clock
from tuodi.monitoring.clue_verify import recheck_deadlines
from tuodi.monitoring.ledger import soon_until
from tuodi.monitoring.models import Clue
from tuodi.org.access import system_scope

__all__ = ["fill_pending", "ledger_daily", "remind"]


def fill_pending(place: str) -> int:
    """Limits of clues that waited for a year's calendar, where it is known now. Returns how many were filled in."""
    with system_scope(place):
        rows = list(
            Clue.objects.filter(deadline_pending=True, assigned_at__isnull=False).exclude(state=Clue.State.CLOSED)
        )
        return recheck_deadlines(rows)


def remind(place: str) -> tuple[int, int]:
    """Notes once on every clue that its limit is near, and once that it has run out; the queues of its people show it.

    Returns:
        How many were told that it is near, how many that it has run out.
    """
    today = clock.today()
    until = soon_until(today)
    with system_scope(place):
        near = _note("due_soon", "期限将到", "c.deadline >= %s and c.deadline <= %s", [today, until]) if until else 0
        late = _note("overdue", "期限已过", "c.deadline < %s", [today])
    return near, late


def _note(kind: str, word: str, where: str, days: list[object]) -> int:
    """One event a clue, kind and limit: done twice, or with the limit extended meanwhile, each limit is told once."""
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into monitoring_clueevent (clue_id, region, at, by_id, kind, before, after, note) "
            "select c.id, c.region, %s, null, %s, c.state, c.state, %s || '：' || c.deadline from monitoring_clue c "
            f"where c.state not in ('generated', 'closed') and {where} and not exists (select 1 from monitoring_clueevent e "
            "where e.clue_id = c.id and e.kind = %s and e.note = %s || '：' || c.deadline) order by c.id",
            [clock.now(), kind, word, *days, kind, word],
        )
        return int(cursor.rowcount)


def ledger_daily(place: str) -> tuple[int, int, int]:
    """Both, for one place: limits filled in, told near, told late."""
    filled = fill_pending(place)
    return (filled, *remind(place))
