"""The hand of payment: who signs a run has it on every case the run pays by, and no other (separation of hands)."""

from __future__ import annotations

from django.db import connection

from tuodi.org.models import User
from tuodi.payments.errors import CaseHandsError
from tuodi.payments.figures import page_order
from tuodi.payments.models import PayRun, RunReading, RunSignature
from tuodi.payments.states import BOOKED

__all__ = ["take_hands"]

_ALL = "select distinct determination_id id from payments_payline where run_id = %(run)s and live and held = '' and determination_id is not null"
_SOME = "select unnest(%(some)s::bigint[]) id"
#: Takes the hands that are missing; tells how many determinations or cases were out of sight. A bar is no hand, and keeps from one.
_TAKE = """
with wanted as materialized ({wanted}), found as materialized (
  select d.id, d.case_id, c.id visible, c.region from wanted w left join decisions_determination d on d.id = w.id
  left join cases_case c on c.id = d.case_id
), taken as (
  insert into cases_casehand (case_id, region, user_id, hand)
  select distinct x.visible, x.region, %(user)s, 'pay' from found x where x.visible is not null
    and not exists (select 1 from cases_casebar b where b.case_id = x.visible and b.user_id = %(user)s)
    and not exists (select 1 from cases_casehand h where h.case_id = x.visible and h.user_id = %(user)s)
  order by 1 on conflict (case_id, user_id) do nothing
)
select count(*) from found where id is null or (case_id is not null and visible is null)
"""
#: Asked after the hands were taken: a hand somebody took meanwhile was waited for, and is seen.
_OTHERS = """
select case_id from cases_casehand where user_id = %(user)s and hand <> 'pay'
union select case_id from cases_casebar where user_id = %(user)s
"""
_BARRED = """
select distinct c.no from decisions_determination d join cases_case c on c.id = d.case_id where d.case_id = any(%(cases)s::bigint[])
and exists (select 1 from payments_payline l where l.run_id = %(run)s and l.determination_id = d.id and l.live and l.held = '') order by 1
"""


def take_hands(run: PayRun, user: User, reading: RunReading | None) -> bool:
    """Notes the hand of payment on every case of the run; who has another hand in one, or is barred from it, is refused.

    Whether he is refused is asked of all lines whoever signed before. Only where his hands of the last run are known to be
    whole are those of its cases not noted a second time: determinations keep their case, approved lines their
    determination, and hands are never taken away.

    Args:
        reading: what is known of just these lines, or None.

    Returns: whether he now has the hand of every determination the run pays by; false where a case lies out of his sight.

    Raises: CaseHandsError.
    """
    given = {"run": run.pk, "user": user.pk}
    with connection.cursor() as cursor:
        if reading is not None and _has_those_of(reading.before_id, user):
            cursor.execute(_TAKE.format(wanted=_SOME), given | {"some": list(reading.fresh)})
        else:
            cursor.execute(_TAKE.format(wanted=_ALL), given)
        (unseen,) = cursor.fetchone()
        cursor.execute(_OTHERS, given)
        cases = [case for (case,) in cursor.fetchall()]
        others: list[str] = []
        if cases:
            with page_order():
                cursor.execute(_BARRED, given | {"cases": cases})
                others = [no for (no,) in cursor.fetchall()]
    if others:
        raise CaseHandsError(others)
    return not unseen


def _has_those_of(before: int | None, user: User) -> bool:
    """Whether a user signed an approved run with the hands of all its cases."""
    return (
        before is not None
        and RunSignature.objects.filter(
            run_id=before, user=user, hands=True, voided_at__isnull=True, run__state__in=[one.value for one in BOOKED]
        ).exists()
    )
