"""Imported rolls: accepted rows become determinations of kind imported and roll entries, in bulk.

An imported determination says only that the office's roster granted this amount; it has no explanation. The first
change or review of the family makes a real one.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection, transaction

from tuodi.audit.actions import record
from tuodi.intake.models import RosterImport
from tuodi.kernel import clock
from tuodi.org import access
from tuodi.org.models import DutyCode, User

__all__ = ["Adopted", "adopt_roster"]


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
