"""Suspensions (停保): payment held from a month on, because something confirmed about a unit is being handled.

The roll and the determination stay as they are. The monthly run holds the line while a suspension stands and pays the held
months back by itself once it is lifted and the months are still due; a stop from an earlier month leaves nothing due.

Basis: 649 art 13 and [57] art 32 (reasons in writing), 649 art 65 (ways to appeal).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from tuodi.audit.actions import record
from tuodi.cases.series import take_yearly
from tuodi.decisions.appeal_time import ways_to_appeal
from tuodi.decisions.errors import (
    NothingInForceError,
    ReasonsMissingError,
    SuspensionLiftedError,
    SuspensionMonthError,
)
from tuodi.decisions.models import Suspension
from tuodi.kernel import clock
from tuodi.kernel.errors import TuodiError
from tuodi.kernel.periods import Month
from tuodi.kernel.places import pad12
from tuodi.org import access
from tuodi.org.errors import AccessDeniedError, NotFoundError
from tuodi.org.models import DutyCode, User
from tuodi.people.enums import PERSON_PROGRAMMES, Programme
from tuodi.people.models import Household, Person, RollEntry

__all__ = ["Order", "lift", "lift_many", "standing", "suspend", "suspend_many"]

_ROWS = 2000


@dataclass(frozen=True)
class Order:
    """What is to be suspended.

    Attributes:
        person: the entitled person, for programmes that entitle persons; else None.
        matter_no: number of the matter found; once a unit, programme and matter.
        reasons: in writing, with the clause.
        from_month: first month held; None = the month after today's.
    """

    household: Household
    programme: str
    matter_no: str
    reasons: str
    person: Person | None = None
    from_month: Month | None = None


def suspend(order: Order, *, acting_user: User) -> Suspension:
    """Holds payment of one unit, by written notice with a number of its own.

    Raises:
        ReasonsMissingError; SuspensionMonthError: a month that is past. NothingInForceError: not on the roll.
        NotFoundError, AccessDeniedError.
    """
    (found,) = suspend_many([order], acting_user=acting_user)
    if isinstance(found, TuodiError):
        raise found
    return found


@transaction.atomic
def suspend_many(orders: Sequence[Order], *, acting_user: User) -> list[Suspension | TuodiError]:
    """Like `suspend` for many: a row or the reason of its refusal for each order, in order.

    The same matter of the same unit again gives the row there is. One audit row a county.
    """
    ranges = access.ranges_for(acting_user, [DutyCode.CLUE_DECIDE])
    known = {
        (row.household_id, row.person_id, row.programme, row.matter_no): row
        for row in Suspension.objects.filter(matter_no__in=[order.matter_no for order in orders])
    }
    first_day = clock.today()
    first = Month.of(first_day)
    on_roll = _on_roll([order.household.pk for order in orders], first)
    found: list[Suspension | TuodiError] = []
    new: list[Suspension] = []
    for order in orders:
        person_id = order.person.pk if order.person is not None else None
        there = known.get((order.household.pk, person_id, order.programme, order.matter_no))
        month = order.from_month or first.next()
        error = _refusal(order, month, first, person_id, on_roll, acting_user, ranges)
        if error is not None:
            found.append(error)
        elif there is not None:
            found.append(there)
        else:
            row = Suspension(
                region=order.household.region,
                household=order.household,
                person=order.person,
                programme=order.programme,
                from_month=month.yyyymm,
                matter_no=order.matter_no,
                reasons=order.reasons.strip(),
                appeal=ways_to_appeal(order.household.region, first_day),
                made_at=clock.now(),
                made_by=acting_user,
            )
            new.append(row)
            found.append(row)
    _number(new)
    Suspension.objects.bulk_create(new, batch_size=_ROWS)
    _audit("suspend", acting_user, new)
    return found


def _refusal(
    order: Order, month: Month, first: Month, person_id: int | None, on_roll: dict[tuple[int, int | None, str], int],
    user: User, ranges: Sequence[access.Range],
) -> TuodiError | None:  # fmt: skip
    region = order.household.region
    if not access.in_scope(user, region):
        return NotFoundError("家庭")
    if not any(region in one for one in ranges):
        return AccessDeniedError(DutyCode.CLUE_DECIDE, DutyCode.CLUE_DECIDE.label)
    if not order.reasons.strip():
        return ReasonsMissingError("停保")
    if month < first:
        return SuspensionMonthError(order.household.no, str(month), str(first))
    if (order.programme in PERSON_PROGRAMMES) != (person_id is not None):
        return SuspensionMonthError(order.household.no, str(month), str(first), unit=True)
    last = on_roll.get((order.household.pk, person_id, order.programme))
    if last is None or last < month.yyyymm:
        return NothingInForceError(order.household.no, Programme(order.programme).label, str(month))
    return None


def _on_roll(households: Sequence[int], month: Month) -> dict[tuple[int, int | None, str], int]:
    """Unit -> last month it stands on the roll, as far as known (999912 = open), for units there in a month or later."""
    rows = RollEntry.objects.filter(household__in=list(households)).filter(
        Q(end_month__isnull=True) | Q(end_month__gte=month.yyyymm)
    )
    found: dict[tuple[int, int | None, str], int] = {}
    for home, person, programme, end in rows.values_list("household", "person", "programme", "end_month"):
        key = (home, person, programme)
        found[key] = max(found.get(key, 0), end or 999912)
    return found


def _number(rows: Sequence[Suspension]) -> None:
    """Notice numbers, one statement a county."""
    counts = Counter(row.region[:6] for row in rows)
    year = clock.today().year
    taken = {county: iter(take_yearly("suspension", county, year, counts[county])) for county in sorted(counts)}
    for row in rows:
        row.notice_no = next(taken[row.region[:6]])


def lift(suspension: Suspension, *, reason: str, acting_user: User) -> Suspension:
    """Ends a suspension: the next monthly run pays the held months back as far as they are due.

    Raises: ReasonsMissingError; SuspensionLiftedError: it ended before. NotFoundError, AccessDeniedError.
    """
    if not reason.strip():
        raise ReasonsMissingError("解除停保")
    done = lift_many([suspension.pk], reason=reason, acting_user=acting_user)
    if not done:
        found = Suspension.objects.filter(pk=suspension.pk).first()
        if found is None:
            raise NotFoundError("停保记录")
        if found.lifted_at is not None:
            raise SuspensionLiftedError(found.notice_no)
        if not access.in_scope(acting_user, found.region):
            raise NotFoundError("停保记录")
        raise AccessDeniedError(DutyCode.CLUE_DECIDE, DutyCode.CLUE_DECIDE.label)
    return done[0]


@transaction.atomic
def lift_many(ids: Iterable[int], *, reason: str, acting_user: User) -> list[Suspension]:
    """Ends those of some suspensions that stand and are the user's to decide. `until_month` is the month before today's.

    A month whose line is already held in an approved run is paid back all the same: what counts is that nothing stands.
    """
    ranges = access.ranges_for(acting_user, [DutyCode.CLUE_DECIDE])
    rows = [
        row
        for row in Suspension.objects.select_for_update(of=("self",))
        .filter(pk__in=list(ids), lifted_at__isnull=True)
        .order_by("pk")
        if access.in_scope(acting_user, row.region) and any(row.region in one for one in ranges)
    ]
    changed: dict[str, Any] = {
        "lifted_at": clock.now(),
        "lifted_by": acting_user,
        "lift_reason": reason.strip()[:300],
        "until_month": Month.of(clock.today()).prev().yyyymm,
    }
    Suspension.objects.filter(pk__in=[row.pk for row in rows]).update(**changed)
    for row in rows:
        for name, value in changed.items():
            setattr(row, name, value)
    _audit("lift_suspension", acting_user, rows, reason=reason.strip()[:200])
    return rows


def standing(household: Household, programme: str, *, person: Person | None = None) -> QuerySet[Suspension]:
    """Suspensions of a unit that have not been lifted, oldest first."""
    return Suspension.objects.filter(
        household=household, programme=programme, person=person, lifted_at__isnull=True
    ).order_by("id")


def _audit(action: str, user: User, rows: Sequence[Suspension], **after: Any) -> None:
    counties: dict[str, list[Suspension]] = {}
    for row in rows:
        counties.setdefault(row.region[:6], []).append(row)
    for county in sorted(counties):
        mine = counties[county]
        only = mine[0] if len(mine) == 1 else None
        record(
            f"decisions.{action}",
            actor=user,
            subject_type="suspension",
            subject_id=only.pk if only else mine[0].notice_no,
            region=only.region if only else pad12(county),
            after={
                "count": len(mine),
                "first": mine[0].notice_no,
                "last": mine[-1].notice_no,
                "matter": mine[0].matter_no,
                "from_month": mine[0].from_month,
                **after,
            },
        )
