"""The roll: from a determination to an entry, and cutting entries when a later determination takes over."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from tuodi.audit.actions import record
from tuodi.cases.guard import logs_blocks
from tuodi.cases.models import Case
from tuodi.decisions.approver import require_approver
from tuodi.decisions.errors import DoubleBenefitError, NotDecidedError, RollConflictError
from tuodi.decisions.grants import enter, is_once
from tuodi.decisions.models import Determination, Revocation
from tuodi.kernel.masking import mask_name
from tuodi.kernel.periods import Month
from tuodi.org.models import User
from tuodi.people.enums import Programme
from tuodi.people.facts import put_facts
from tuodi.people.models import Account, Membership, RollEntry
from tuodi.people.queries import members_on

__all__ = ["accept_facts", "cut", "entries", "put_on_roll", "splice"]


def entries(household_id: int, programme: str, person_id: int | None = None) -> QuerySet[RollEntry]:
    """Roll entries of one unit and programme, oldest first."""
    return RollEntry.objects.filter(household=household_id, programme=programme, person=person_id).order_by(
        "start_month"
    )


@logs_blocks
def put_on_roll(determination: Determination, *, acting_user: User, account: Account | None = None) -> RollEntry:
    """Enters what was granted on the roll, from the month after the decision. Done twice, it returns the same entry.

    Done by who confirms, at the level that confirmed; the facts it rests on become the accepted ones of the monthly run.

    Args:
        account: Where it is paid; None = still to be given (the payment run lists it).

    Raises:
        NotDecidedError: It grants nothing. RollConflictError: The unit has an entry in these months.
        DoubleBenefitError: A person of it is assisted in the other of dibao and tekun.
    """
    case = determination.case
    require_approver(determination, acting_user)
    if determination.outcome != "pass" or determination.start_month is None:
        raise NotDecidedError(determination.no, "不是予以确认的决定")
    if is_once(determination.programme):
        # No accepted facts: what was found for one event says nothing about what the family lives on.
        entry = enter(determination, by=acting_user, account=account)
        _audit("put_on_roll", acting_user, entry, case)
        return entry
    known = RollEntry.objects.filter(determination_id=determination.pk).first()
    if known is not None:
        return known
    _not_twice(determination)
    if case is not None and Revocation.objects.filter(case=case).exists():
        cut(determination)  # it takes the place of what a determination that was taken away had put there
    accept_facts(determination)
    try:
        with transaction.atomic():
            entry = splice(determination, account=account)
    except IntegrityError as error:
        raise RollConflictError(
            determination.household.no, Programme(determination.programme).label, str(determination.start_month)
        ) from error
    _audit("put_on_roll", acting_user, entry, case)
    return entry


def _not_twice(determination: Determination) -> None:
    """Tekun and dibao exclude each other for a person: asked again here, since months may lie between."""
    month = determination.start_month or 0
    other = {"dibao": "tekun", "tekun": "dibao"}.get(determination.programme)
    if other is None:
        return
    standing = (
        RollEntry.objects.filter(programme=other, start_month__lte=month)
        .filter(Q(end_month__isnull=True) | Q(end_month__gte=month))
        .select_related("household", "person")
    )
    label, text = Programme(other).label, str(Month.parse(str(month)))
    if other == "tekun":
        ids = determination.fact_set.person_ids if determination.fact_set else []
        found = standing.filter(person__in=ids).first()
        if found is not None and found.person is not None:
            raise DoubleBenefitError(mask_name(found.person.name), label, found.household.no, text)
        return
    person = determination.person
    if person is None:
        return
    home = Membership.objects.filter(person=person, until__isnull=True).values("household")
    found = standing.filter(household__in=home).first()
    if found is not None:
        raise DoubleBenefitError(mask_name(person.name), label, found.household.no, text)


def accept_facts(determination: Determination, **more: Any) -> None:
    """Makes the facts of a determination the accepted ones from its first month (what the monthly run reads).

    Args:
        more: Further household facts that follow from the decision itself (paid_until, last_amount).
    """
    facts = determination.fact_set
    if facts is None or determination.start_month is None:
        return
    day = Month.parse(str(determination.start_month)).first_day
    # Who has left or died between the facts and that day has no facts to keep; the run sees the members of the day.
    present = {member.person_id for member in members_on(determination.household, day)}
    family = {
        "household": {**facts.facts["household"], **more},
        "members": [
            {**member, "person_id": person_id}
            for member, person_id in zip(facts.facts["members"], facts.person_ids, strict=True)
            if person_id in present
        ],
    }
    put_facts(determination.household, family, day)


def splice(determination: Determination, *, account: Account | None = None) -> RollEntry:
    """Writes the roll entry of a granting determination. An overlap is refused by the constraint: `cut` first."""
    unit = entries(determination.household_id, determination.programme, determination.person_id)
    before = _in_force(unit, determination.start_month or 0)
    facts = determination.fact_set.facts if determination.fact_set else {"household": {}, "members": []}
    member: dict[str, Any] = {}
    if determination.person_id and determination.fact_set:
        place = determination.fact_set.person_ids.index(determination.person_id)
        member = facts["members"][place]
    return RollEntry.objects.create(
        household_id=determination.household_id,
        person_id=determination.person_id,
        region=determination.region,
        programme=determination.programme,
        category=facts["household"].get("area_kind") or determination.household.area_kind,
        grade=_GRADES.get(str(facts["household"].get("household_class")), ""),
        form=member.get("support_form") or "",
        self_care=member.get("assessed_self_care") or "",
        account=account or (before.account if before else None),
        amount_fen=determination.amount_fen or 0,
        start_month=determination.start_month,
        end_month=determination.end_month,
        determination_id=determination.pk,
    )


_GRADES = {"class_a": "A", "class_b": "B", "class_c": "C"}


def _in_force(unit: QuerySet[RollEntry], month: int) -> RollEntry | None:
    return unit.filter(start_month__lte=month).filter(Q(end_month__isnull=True) | Q(end_month__gte=month)).last()


def cut(determination: Determination, last: Month | None = None) -> list[dict[str, Any]]:
    """Makes room on the unit's roll for a determination: what stands in its months ends before it and goes on after.

    An entry that lies wholly within falls away. The determinations behind the entries stay as they are.

    Args:
        last: Last month to make room for; None = for good.

    Returns:
        The entries as they were, for the audit row.
    """
    start = determination.start_month or 0
    before = Month.parse(str(start)).prev().yyyymm
    changed: list[dict[str, Any]] = []
    unit = entries(determination.household_id, determination.programme, determination.person_id)
    standing = unit.filter(Q(end_month__isnull=True) | Q(end_month__gte=start))
    if last is not None:
        standing = standing.filter(start_month__lte=last.yyyymm)
    for entry in standing:
        first, end = entry.start_month, entry.end_month
        changed.append({"determination": entry.determination_id, "from": first, "to": end})
        goes_on = last is not None and (end is None or end > last.yyyymm)
        if first < start:
            entry.end_month = before
            entry.save(update_fields=["end_month"])
            if goes_on and last is not None:
                entry.pk, entry.start_month, entry.end_month = None, last.next().yyyymm, end
                entry._state.adding = True
                entry.save(force_insert=True)
        elif goes_on and last is not None:
            entry.start_month = last.next().yyyymm
            entry.save(update_fields=["start_month"])
        else:
            entry.delete()
    return changed


def _audit(action: str, actor: User | None, entry: RollEntry, case: Case | None) -> None:
    record(
        f"decisions.{action}",
        actor=actor,
        subject_type="rollentry",
        subject_id=entry.pk,
        region=entry.region,
        case_no=case.no if case else None,
        after={
            "programme": entry.programme,
            "amount_fen": entry.amount_fen,
            "start_month": entry.start_month,
            "end_month": entry.end_month,
            "determination": entry.determination_id,
        },
    )
