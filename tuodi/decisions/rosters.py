"""Imported rolls: accepted rows become determinations of kind imported and roll entries, in bulk.

An imported determination says only that the office's roster granted this amount; it has no explanation. The first
change or review of the family makes a real one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from django.db import connection, transaction

from tuodi.audit.actions import record
from tuodi.intake.models import RosterImport
from tuodi.kernel import clock
from tuodi.kernel.places import pad12
from tuodi.org import access
from tuodi.org.models import DutyCode, User

__all__ = ["Adopted", "adopt_roster", "end_entries"]


@dataclass(frozen=True, slots=True)
class Adopted:
    """What an adoption did.

    Attributes:
        determinations, entries: Rows written now. already: Accepted rows that were adopted before.
        conflicts: Units that are on the roll in those months by another decision; left as they are.
    """

    determinations: int
    entries: int
    already: int
    conflicts: int


#: One number a row: county, 导入, id of the accepted row. Unique because accepted rows are.
_DETERMINATIONS = """
insert into decisions_determination
  (region, no, kind, household_id, person_id, programme, place, case_date, month, fingerprint, outcome, amount_fen,
   components, start_month, decided_on, decided_by_id, cause, reasons, appeal, source_ref)
select a.region, substr(a.region, 1, 6) || '-DR-' || lpad(a.id::text, 8, '0'), 'imported', a.household_id, a.person_id,
   a.programme, regexp_replace(substr(a.region, 1, 9), '(000)+$', ''),
   make_date(a.as_of_month / 100, a.as_of_month %% 100, 1), a.as_of_month, '', 'pass', a.amount_fen,
   '{}'::jsonb, a.start_month, %(today)s, %(user)s, 'roster', '', '', 'roster:' || a.id
from intake_acceptedroster a
where a.imported_id = %(batch)s
  and not exists (select 1 from decisions_determination d where d.kind = 'imported' and d.source_ref = 'roster:' || a.id)
  and not exists (
    select 1 from people_rollentry r
    where r.household_id = a.household_id and r.person_id is not distinct from a.person_id
      and r.programme = a.programme and (r.end_month is null or r.end_month >= a.start_month))
order by a.id
"""

_ENTRIES = """
insert into people_rollentry
  (household_id, person_id, region, programme, category, grade, form, self_care, account_id, amount_fen, start_month,
   determination_id, imported)
select a.household_id, a.person_id, a.region, a.programme, a.category, a.grade, a.form, a.self_care, a.account_id,
   a.amount_fen, a.start_month, d.id, true
from intake_acceptedroster a
join decisions_determination d on d.kind = 'imported' and d.source_ref = 'roster:' || a.id
where a.imported_id = %(batch)s
  and not exists (select 1 from people_rollentry r where r.determination_id = d.id)
  and not exists (
    select 1 from people_rollentry r
    where r.household_id = a.household_id and r.person_id is not distinct from a.person_id
      and r.programme = a.programme and (r.end_month is null or r.end_month >= a.start_month))
order by a.id
"""


@transaction.atomic
def adopt_roster(batch: RosterImport, *, acting_user: User | None) -> Adopted:
    """Puts every accepted row of a roster on the roll. Run again, it does nothing more.

    A handful of statements whatever the number of families. Runs in the caller's scope: rows outside it stay out.

    Args:
        batch: A confirmed import with its accepted rows.
        acting_user: Holder of the duty 花名册导入 there; None = the system (demo).

    Raises:
        NotFoundError, AccessDeniedError.
    """
    if acting_user is not None:
        access.require(acting_user, DutyCode.ROLL_IMPORT, batch.region)
    values = {"batch": batch.pk, "today": clock.today(), "user": acting_user.pk if acting_user else None}
    with connection.cursor() as cursor:
        # Right after an import the tables have no statistics: the planner takes them for empty and loops row by row.
        cursor.execute("set local enable_nestloop = off")
        cursor.execute(
            "select count(*), count(d.id) from intake_acceptedroster a left join decisions_determination d "
            "on d.kind = 'imported' and d.source_ref = 'roster:' || a.id where a.imported_id = %(batch)s",
            values,
        )
        accepted, already = cursor.fetchone()
        cursor.execute(_DETERMINATIONS, values)
        made = cursor.rowcount
        cursor.execute(_ENTRIES, values)
        entered = cursor.rowcount
        cursor.execute("set local enable_nestloop = on")
    found = Adopted(made, entered, already, accepted - already - made)
    record(
        "decisions.adopt_roster",
        actor=acting_user,
        subject_type="rosterimport",
        subject_id=batch.pk,
        region=batch.region,
        after={"determinations": made, "entries": entered, "already": already, "conflicts": found.conflicts},
    )
    return found


@transaction.atomic
def end_entries(ends: Mapping[int, tuple[int, str]], *, place: str, acting_user: User | None) -> int:
    """Ends open imported roll entries of households that had left, as an office's list says.

    Args:
        ends: Household -> (last month paid, yyyymm; the reason in words).
    Returns: entries ended. Done twice, it does nothing more.

    Raises:
        NotFoundError, AccessDeniedError.
    """
    region = pad12(place)
    if acting_user is not None:
        access.require(acting_user, DutyCode.ROLL_IMPORT, region)
    with connection.cursor() as cursor:
        cursor.execute(
            "create temporary table tmp_roll_ends (household_id bigint primary key, month int) on commit drop"
        )
        with cursor.copy("copy tmp_roll_ends from stdin") as copy:
            for household, (month, _) in ends.items():
                copy.write_row((household, month))
        cursor.execute("analyze tmp_roll_ends")
        cursor.execute(
            "update people_rollentry r set end_month = t.month from tmp_roll_ends t "
            "where r.household_id = t.household_id and r.imported and r.end_month is null and r.start_month <= t.month"
        )
        ended = int(cursor.rowcount)
        cursor.execute("drop table tmp_roll_ends")
    record(
        "decisions.end_entries",
        actor=acting_user,
        subject_type="place",
        subject_id=region,
        region=region,
        after={"entries": ended, "reasons": dict(Counter(reason for _, reason in ends.values()))},
    )
    return ended
