"""Fresh planner statistics for the big steps of a month. See migration 0004."""

from __future__ import annotations

from typing import Literal

from django.db import connection

__all__ = ["refresh"]


#: What a roll is read from (`payments_analyze_roll`). A month changes little of it; an import fills it within minutes.
_ROLL = (
    "people_rollentry", "people_householdfacts", "people_memberfacts", "people_membership", "people_household", "people_person",
    "people_account",
)  # fmt: skip
#: Whether a table was never analysed, has grown by a tenth, or a tenth of its rows was written since. Its size is seen at once;
#: what was written is told by its writers, some seconds late.
_STALE = """
select exists (select 1 from unnest(%s::text[]) t join pg_class c on c.oid = t::regclass left join pg_stat_user_tables s on s.relid = c.oid
  where coalesce(s.last_analyze, s.last_autoanalyze) is null or c.reltuples < 1000 or s.n_mod_since_analyze > c.reltuples / 10
  or pg_relation_size(c.oid) > 1.1 * c.relpages * current_setting('block_size')::int)
"""


def refresh(what: Literal["roll", "lines", "bank"]) -> None:
    """Analyses the tables a step has just filled or is about to read; seen at once in this transaction, elsewhere on commit.

    The roll is left alone where the statistics there are still tell how large it is.
    """
    with connection.cursor() as cursor:
        if what == "roll":
            cursor.execute(_STALE, [list(_ROLL)])
            if not cursor.fetchone()[0]:
                return
        cursor.execute(f"select payments_analyze_{what}()")
