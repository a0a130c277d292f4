"""Changes to what is on the roll: a death, another income, a rise that came late.

New facts make a new determination that holds from a month, also one in the past; what was decided before is never
touched. Who confirms it makes a written notice with it (`notices`). What was paid too much or too little follows by itself: the payment room compares what is due with what was paid.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from tuodi.audit.actions import record
from tuodi.cases.errors import DutySeparationError, WrongLevelError
from tuodi.cases.guard import level_of, logs_blocks
from tuodi.cases.procedures import procedure_for
from tuodi.decisions.actions import store
from tuodi.decisions.appeal_time import ways_to_appeal
from tuodi.decisions.decide import ask, failed_reasons, grace_end, rows_of
from tuodi.decisions.end_notices import require_notice, settle_notice
from tuodi.decisions.errors import LaterDecisionError, NothingInForceError, ReasonsMissingError, UnknownOutcomeError
from tuodi.decisions.models import Determination
from tuodi.decisions.notices import notify
from tuodi.decisions.queries import in_force
from tuodi.decisions.roll import accept_facts, cut, entries, splice
from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.org import access
from tuodi.org.models import User
from tuodi.people.enums import PERSON_PROGRAMMES, Programme
from tuodi.people.facts import load_facts, put_facts
from tuodi.people.models import Household, Person, RollEntry
from tuodi.people.queries import members_on
from tuodi.policy.procedure import LEVEL_LABELS
from tuodi.verification.errors import FrozenError
from tuodi.verification.models import FactSet

__all__ = ["record_change", "require_confirmer"]


@logs_blocks
def record_change(
    fact_set: FactSet,
    *,
    acting_user: User | None,
    programme: str,
    effective: Month,
    cause: str,
    reasons: str,
    person: Person | None = None,
    last: Month | None = None,
) -> Determination:
    """Decides anew on changed facts, from a month on, and moves the roll.

    The rule texts of today and the standards of the first month it holds for decide. An exit may be gradual where the
    place has it: the old amount is kept to the month the rules name, decided once and written into the facts.

    Args:
        fact_set: Frozen, of the household; made by somebody else than who decides.
        acting_user: Who confirms, at the level that confirms there; None = the system (an adopted standard).
        effective: First month of the new amount. The month of death is still paid: a death in March holds from April.
        cause: ``death``, ``income``, ``members``, ``standard`` …
        reasons: In writing; given to the family when it loses.
        person: The entitled person, for programmes that entitle persons.
        last: Last month it holds for; needed where a later decision stands, which is never run over. What stood before
            goes on after it.

    Returns:
        The new determination, passed or failed. The old one stays.

    Raises:
        NothingInForceError: Nothing to change. UnknownOutcomeError: Facts are missing; nothing is changed.
        LaterDecisionError: A later decision begins within its months.
        EndNoticeError: Tekun support would end, for another cause than death, before its public notice has hung ([43] art 26).
        ReasonsMissingError, DutySeparationError, WrongLevelError, NotFoundError, AccessDeniedError.
    """
    region, household = fact_set.region, fact_set.household
    if acting_user is not None:
        require_confirmer(acting_user, region, programme)
        if acting_user.pk in (fact_set.created_by_id, fact_set.frozen_by_id):
            raise DutySeparationError(household.no, "事实表由您录入或定稿，不能再由您确认", user=acting_user.pk)
    if not fact_set.is_frozen:
        raise FrozenError(fact_set.number)
    if not reasons.strip():
        raise ReasonsMissingError("变更")
    person_id = person.pk if person else None
    old = in_force(household, programme, effective, person=person)
    if old is None:
        raise NothingInForceError(household.no, Programme(programme).label, str(effective))
    Household.objects.select_for_update(of=("self",)).get(pk=household.pk)
    unit = entries(household.pk, programme, person_id)
    current = unit.filter(start_month__lte=effective.yyyymm).last()
    _not_over_later(unit.filter(start_month__gt=effective.yyyymm).first(), household, last)
    answer = ask(fact_set, programme, case_date=clock.today(), month=effective)
    # Where persons are entitled, what is not known of the others does not matter: his own row decides (below).
    if answer.outcome == "unknown" and not (programme in PERSON_PROGRAMMES and answer.rows):
        raise UnknownOutcomeError(f"家庭 {household.no} 的变更", answer.missing)
    until = min((month for month in (grace_end(answer), last) if month is not None), default=None)
    after = _facts_on(household, last.next().first_day) if last is not None else None
    common = {
        "region": region,
        "kind": Determination.Kind.FAMILY,
        "fact_set": fact_set,
        "household": household,
        "decided_on": clock.today(),
        "decided_by": acting_user,
        "cause": cause,
        "follows": old,
        "appeal": ways_to_appeal(region, clock.today()),
    }
    rows = rows_of(answer, fact_set, common=common, start=effective, end=until, reasons=reasons)
    if programme in PERSON_PROGRAMMES:
        rows = [row for row in rows if row.person_id == person_id]
        if not rows:
            raise UnknownOutcomeError(f"家庭 {household.no} 的变更", answer.missing)
    hung = None
    if acting_user is not None and programme == Programme.TEKUN and rows[0].outcome != "pass" and cause != "death":
        assert person is not None
        hung = require_notice(fact_set, person)
    (row,) = store(rows, acting_user=acting_user, action="record_change")
    if hung is not None and acting_user is not None:
        settle_notice(hung, row, acting_user=acting_user)
    cut_rows = cut(row, last)
    if row.outcome == "pass":
        splice(row, account=current.account if current else None)
    grace = grace_end(answer)
    accept_facts(row, **({"paid_until": grace.last_day.isoformat()} if grace else {}))
    if after is not None and last is not None:
        put_facts(household, after, last.next().first_day)
    notice = notify(row, current.amount_fen if current else old.amount_fen) if acting_user is not None else None
    record(
        "decisions.change_roll",
        actor=acting_user,
        subject_type="household",
        subject_id=household.pk,
        region=region,
        before={"entries": cut_rows},
        after={
            "determination": row.no,
            "effective": str(effective),
            "outcome": row.outcome,
            "amount_fen": row.amount_fen,
            "until": str(until) if until else None,
            "reasons": failed_reasons(answer),
            "notice": notice.no if notice else None,
        },
    )
    return row


def require_confirmer(user: User, region: str, programme: str) -> None:
    """Opens the door to who confirms a programme in a place today.

    Raises: NotFoundError, AccessDeniedError; WrongLevelError: another level confirms there.
    """
    access.require(user, "confirm", region)
    wanted = procedure_for(region, programme, clock.today()).approver
    if level_of(user) != wanted:
        raise WrongLevelError("变更确认", LEVEL_LABELS[wanted], LEVEL_LABELS.get(level_of(user), "其他层级"))


def _facts_on(household: Household, day: date) -> dict[str, Any]:
    """The accepted facts of a day, with each member's number, to be put back after a bounded change."""
    family = load_facts(household, day)
    for member, membership in zip(family["members"], members_on(household, day), strict=True):
        member["person_id"] = membership.person_id
    return family


def _not_over_later(later: RollEntry | None, household: Household, last: Month | None) -> None:
    if later is None or (last is not None and last.yyyymm < later.start_month):
        return
    begin = Month.parse(str(later.start_month))
    found = Determination.objects.filter(pk=later.determination_id).first()
    raise LaterDecisionError(household.no, found.no if found else "", str(begin), str(begin.prev()))
