"""Which units are re-reviewed and when: plans for all that is on the roll, tasks for what falls due, and the due list."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from django.db import connection, transaction
from django.db.models import Count, Q, QuerySet

from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.kernel.workdays import add_months
from tuodi.monitoring.limits import limit
from tuodi.monitoring.models import Grade, PeriodicReview, ReviewPlan
from tuodi.monitoring.periodic import interval, propose_grade
from tuodi.org import access
from tuodi.org.access import NATION
from tuodi.org.models import User
from tuodi.people.enums import PERSON_PROGRAMMES
from tuodi.people.models import Household
from tuodi.verification.rulebook import book

__all__ = ["OPEN", "Counts", "Wanted", "access_review", "counts", "due", "open_due", "plan_units"]

State = PeriodicReview.State
OPEN = (State.DUE, State.ASSIGNED, State.FOUND)
#: Programmes whose units are reviewed.
_PROGRAMMES = ("dibao", "tekun", "child", "edge", "rigid_expense")
#: Families whose class the rules work out in one round; the others wait for the next, with the shortest interval.
MOST_BY_RULE = 2000

_NEW = """
select r.household_id, r.person_id, r.region, r.programme, max(r.grade), max(r.category),
  greatest(min(to_date(r.start_month::text || '01', 'YYYYMMDD')), max(d.decided_on)), max(p.birth)
from people_rollentry r
left join decisions_determination d on d.id = r.determination_id
left join people_person p on p.id = r.person_id
where r.programme = any(%s) and r.start_month <= %s and (r.end_month is null or r.end_month >= %s)
  and not exists (select 1 from monitoring_reviewplan m where m.household_id = r.household_id and m.programme = r.programme
    and m.person_id is not distinct from r.person_id and m.ended_on is null)
group by 1, 2, 3, 4 order by r.household_id, r.person_id
"""
_GONE = """
update monitoring_reviewplan m set ended_on = %s where m.ended_on is null and not exists (
  select 1 from people_rollentry r where r.household_id = m.household_id and r.programme = m.programme
    and r.person_id is not distinct from m.person_id and (r.end_month is null or r.end_month >= %s))
"""
_DROP = """
update monitoring_periodicreview v set state = 'dropped' from monitoring_reviewplan m
where m.id = v.plan_id and m.ended_on is not null and v.state in ('due', 'assigned', 'found')
"""


@transaction.atomic
def plan_units() -> tuple[int, int]:
    """Gives every unit on the roll a plan, and ends the plans of those that left it. In the caller's scope; once each.

    The class is the roll's; else what the rules propose; else unknown, with the shortest interval of the place.

    Returns: plans made, plans ended.
    """
    today = clock.today()
    month = Month.of(today).yyyymm
    with connection.cursor() as cursor:
        cursor.execute(_GONE, [today, month])
        ended = cursor.rowcount
        if ended:
            cursor.execute(_DROP)
        cursor.execute(_NEW, [list(_PROGRAMMES), month, month])
        rows = cursor.fetchall()

    @lru_cache(maxsize=4096)
    def every(grade: str, programme: str, area: str, region: str) -> tuple[int, str]:
        return interval(grade, programme, area, region, today)

    age = book().value("child.end_age", (NATION,), (), today)
    of_age = int(age.value) if age is not None and age.value is not None else 0
    by_rule = 0
    made = []
    for household, person, region, programme, grade, area, last_on, birth in rows:
        basis = ReviewPlan.Basis.ROLL
        if programme in PERSON_PROGRAMMES:
            grade, basis = "", ReviewPlan.Basis.RULE
        elif grade not in Grade.values:
            grade, basis = "", ReviewPlan.Basis.STRICTEST
            if by_rule < MOST_BY_RULE:
                by_rule += 1
                grade = propose_grade(Household.objects.get(pk=household), today)
                basis = ReviewPlan.Basis.RULE if grade else basis
        months, clause = every(grade, programme, area, region[:9].ljust(12, "0"))
        due_on = add_months(last_on, months)
        if programme in PERSON_PROGRAMMES and birth is not None and of_age:
            # Coming of age ends or renews it ([43] art 24): looked at then, whatever the interval.
            grown = add_months(birth, of_age * 12)
            due_on = min(due_on, grown) if grown > last_on else due_on
        made.append(
            ReviewPlan(
                region=region, household_id=household, person_id=person, programme=programme, grade=grade, basis=basis,
                months=months, clause=clause[:60], last_on=last_on, due_on=due_on,
            )
        )  # fmt: skip
    ReviewPlan.objects.bulk_create(made, batch_size=2000)
    return len(made), ended


@transaction.atomic
def open_due(place: str) -> int:
    """Makes a task of every plan that falls due within the place's window. In the caller's scope; returns how many."""
    today = clock.today()
    until = today + timedelta(days=limit("review_window", place, today))
    busy = PeriodicReview.objects.filter(state__in=OPEN).values("plan")
    rows = ReviewPlan.objects.filter(ended_on__isnull=True, due_on__lte=until).exclude(pk__in=busy).order_by("pk")
    now = clock.now()
    made = [
        PeriodicReview(
            plan=one, region=one.region, household_id=one.household_id, person_id=one.person_id, programme=one.programme,
            grade=one.grade, due_on=one.due_on, opened_at=now,
        )
        for one in rows.iterator(chunk_size=5000)
    ]  # fmt: skip
    PeriodicReview.objects.bulk_create(made, batch_size=2000)
    return len(made)


@dataclass(frozen=True)
class Wanted:
    """Which reviews a list shows; empty = all. `show`: overdue, due, mine, found, done."""

    show: str = "due"
    town: str = ""
    grade: str = ""
    programme: str = ""


@dataclass(frozen=True)
class Counts:
    """Reviews in the reader's range. `overdue` is part of `open`."""

    open: int
    overdue: int
    mine: int
    found: int
    done: int


def _shown(wanted: Wanted, user: User, today: date) -> QuerySet[PeriodicReview]:
    rows = PeriodicReview.objects.all()
    if wanted.town:
        found = access.range_of(wanted.town)
        rows = rows.filter(region__gte=found.low, region__lt=found.high)
    if wanted.grade:
        rows = rows.filter(grade="" if wanted.grade == "-" else wanted.grade)
    if wanted.programme:
        rows = rows.filter(programme=wanted.programme)
    return rows


def due(wanted: Wanted, user: User, today: date) -> QuerySet[PeriodicReview]:
    """The list, the longest overdue first; what is done newest first."""
    rows = _shown(wanted, user, today).select_related("household__head", "person", "assigned_to", "found_by")
    if wanted.show == "overdue":
        rows = rows.filter(state__in=OPEN, due_on__lt=today)
    elif wanted.show == "mine":
        rows = rows.filter(state__in=OPEN, assigned_to=user)
    elif wanted.show == "found":
        rows = rows.filter(state=State.FOUND)
    elif wanted.show == "done":
        return rows.filter(state=State.DONE).order_by("-done_at", "-id")
    else:
        rows = rows.filter(state__in=OPEN)
    return rows.order_by("due_on", "id")


def counts(wanted: Wanted, user: User, today: date) -> Counts:
    """How the reviews stand under the same filters. One query."""
    is_open = Q(state__in=OPEN)
    found = _shown(wanted, user, today).aggregate(
        open=Count("pk", filter=is_open),
        overdue=Count("pk", filter=is_open & Q(due_on__lt=today)),
        mine=Count("pk", filter=is_open & Q(assigned_to=user)),
        found=Count("pk", filter=Q(state=State.FOUND)),
        done=Count("pk", filter=Q(state=State.DONE)),
    )
    return Counts(**found)


def access_review(user: User, pk: int) -> PeriodicReview:
    """One review in the user's range. Raises NotFoundError."""
    rows = PeriodicReview.objects.select_related(
        "plan", "household__head", "person", "assigned_to", "found_by", "done_by", "visit", "fact_set", "determination"
    )
    return access.one(rows, user=user, what="核查", pk=pk)
