"""Ending what a unit gets where no rule decides it: the entitled person has died, the family has moved away.

A determination that grants nothing takes over from a month on; what was granted before stays.
"""

from __future__ import annotations

from tuodi.audit.actions import record
from tuodi.cases.guard import logs_blocks
from tuodi.decisions.actions import store
from tuodi.decisions.appeal_time import ways_to_appeal
from tuodi.decisions.changes import require_confirmer
from tuodi.decisions.errors import LaterDecisionError, NothingInForceError, ReasonsMissingError
from tuodi.decisions.models import Determination
from tuodi.decisions.notices import notify
from tuodi.decisions.queries import in_force
from tuodi.decisions.roll import cut, entries
from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.org.models import User
from tuodi.people.enums import Programme
from tuodi.people.models import Household, Person
from tuodi.verification.rulebook import place_of

__all__ = ["end_unit"]


@logs_blocks
def end_unit(
    household: Household,
    *,
    acting_user: User | None,
    programme: str,
    effective: Month,
    cause: str,
    reasons: str,
    person: Person | None = None,
    decided_by: User | None = None,
) -> Determination:
    """Ends a unit on the roll: `effective` is the first month without.

    Args:
        acting_user: Who confirms; None = the system, inside an action that has asked already.
        cause: ``death`` or ``move``.
        decided_by: Who stands for it where the system does it; None = `acting_user`.

    Raises:
        NothingInForceError, LaterDecisionError, ReasonsMissingError, WrongLevelError, NotFoundError, AccessDeniedError.
    """
    if acting_user is not None:
        require_confirmer(acting_user, household.region, programme)
    if not reasons.strip():
        raise ReasonsMissingError("终止")
    Household.objects.select_for_update(of=("self",)).get(pk=household.pk)
    unit = entries(household.pk, programme, person.pk if person else None)
    current = unit.filter(start_month__lte=effective.yyyymm).last()
    if current is None or (current.end_month is not None and current.end_month < effective.yyyymm):
        raise NothingInForceError(household.no, Programme(programme).label, str(effective))
    later = unit.filter(start_month__gt=effective.yyyymm).first()
    if later is not None:
        begin = Month.parse(str(later.start_month))
        found = Determination.objects.filter(pk=later.determination_id).first()
        raise LaterDecisionError(household.no, found.no if found else "", str(begin), str(begin.prev()))
    before = in_force(household, programme, effective, person=person)
    row = Determination(
        region=household.region,
        kind=Determination.Kind.ENDED,
        household=household,
        person=person,
        programme=programme,
        place=place_of(household.region),
        case_date=clock.today(),
        month=effective.yyyymm,
        outcome=Determination.Outcome.FAIL,
        start_month=effective.yyyymm,
        decided_on=clock.today(),
        decided_by=decided_by or acting_user,
        cause=cause,
        reasons=reasons.strip(),
        appeal=ways_to_appeal(household.region, clock.today()),
        follows=before,
    )
    store([row], acting_user=acting_user, action="end_unit")
    cut_rows = cut(row)
    notice = notify(row, current.amount_fen)
    record(
        "decisions.end_unit",
        actor=acting_user,
        subject_type="household",
        subject_id=household.pk,
        region=household.region,
        before={"entries": cut_rows},
        after={
            "determination": row.no,
            "effective": str(effective),
            "cause": cause,
            "notice": notice.no if notice else None,
        },
    )
    return row
