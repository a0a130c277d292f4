"""Deaths of members (死亡减员): noted, recomputed from the month after, settled within the months of the place.

Basis: [2022] 一(三) (three months), [57] art 30; the month of death is still paid.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.db import transaction
from django.db.models import Count, Q, QuerySet

from tuodi.audit.actions import record
from tuodi.cases.guard import logs_blocks
from tuodi.decisions.changes import require_confirmer
from tuodi.decisions.ends import end_unit
from tuodi.decisions.errors import ReasonsMissingError
from tuodi.decisions.roll import entries
from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.kernel.workdays import add_months
from tuodi.monitoring.deciding import collect, decide_change, units_of
from tuodi.monitoring.dynamic_errors import DynamicHandsError, DynamicInputError, DynamicStateError
from tuodi.monitoring.limits import limit
from tuodi.monitoring.models import DeathMatter
from tuodi.monitoring.recovery import over_since
from tuodi.org import access
from tuodi.org.models import DutyCode, User
from tuodi.people import actions as people
from tuodi.people.enums import PERSON_PROGRAMMES
from tuodi.people.models import Membership, Person
from tuodi.people.queries import members_on

__all__ = ["DUTIES", "access_death", "counts", "first_month", "listing", "propose", "record_death", "settle"]

State, Source = DeathMatter.State, DeathMatter.Source
DUTIES = (DutyCode.ACCEPT, DutyCode.REVIEW, DutyCode.VISIT, DutyCode.CLUE)


@logs_blocks
@transaction.atomic
def record_death(
    person: Person, *, died_on: date, source: str, acting_user: User | None, clue_no: str = ""
) -> list[DeathMatter]:
    """Notes a death and opens what must be settled: one matter for each unit of the roll the person belonged to.

    Done twice, it returns the same. A family off the roll has none.

    Args:
        acting_user: None = the system, inside an action that has asked already (a clue that was confirmed).

    Raises: DatesError; DynamicInputError: another day is on record. NotFoundError, AccessDeniedError.
    """
    if acting_user is not None:
        access.require_any(acting_user, DUTIES, person.region)
    if source not in Source.values:
        raise DynamicInputError("来源", f"只能是：{'、'.join(Source.labels)}")
    if person.died_on is not None and person.died_on != died_on:
        raise DynamicInputError("死亡日期", f"已登记为 {person.died_on}，确有错误请先更正人员登记")
    home = _home_on(person, died_on)
    if person.died_on is None:
        people.record_death(acting_user=None, person=person, died_on=died_on)
        person.refresh_from_db()
    if home is None:
        return []
    household = home.household
    household.refresh_from_db()
    # The month of death is still paid: who was on the roll then or is now.
    months = (Month.of(died_on).next(), Month.of(clock.today()))
    units = {(one.programme, one.person_id) for month in months for one in units_of(household, month)}
    left = [one for one in members_on(household, clock.today()) if one.person.died_on is None]
    due_on = add_months(died_on, limit("death_limit", household.region, clock.today()))
    made = []
    for programme, unit_person in units:
        if unit_person is not None and unit_person != person.pk:
            continue
        row, _new = DeathMatter.objects.get_or_create(
            person=person,
            programme=programme,
            defaults={
                "region": household.region, "household": household, "died_on": died_on, "source": source,
                "clue_no": clue_no, "due_on": due_on, "last_member": not left or unit_person is not None,
                "entered_at": clock.now(), "entered_by": acting_user,
            },
        )  # fmt: skip
        made.append(row)
    record(
        "monitoring.record_death", actor=acting_user, subject_type="person", subject_id=person.pk, region=household.region,
        after={"died_on": died_on, "source": source, "matters": [row.pk for row in made], "due_on": due_on, "clue": clue_no},
    )  # fmt: skip
    return made


def _home_on(person: Person, day: date) -> Membership | None:
    rows = person.memberships.select_related("household").order_by("-since", "-id")
    then = rows.filter(since__lte=day).filter(Q(until__isnull=True) | Q(until__gt=day)).first()
    return then or rows.first()  # a list brought somebody who had died before: where he stands now


@transaction.atomic
def propose(matter: DeathMatter, *, acting_user: User, facts: Mapping[str, Any] | None = None) -> DeathMatter:
    """Freezes the facts of those who are left, for the new decision. Nothing to do where nobody is left.

    Raises: DynamicStateError, FactFaultsError, NotFoundError, AccessDeniedError.
    """
    row = _locked(matter)
    access.require_any(acting_user, (DutyCode.REVIEW, DutyCode.VISIT, DutyCode.ACCEPT), row.region)
    if row.state == State.SETTLED:
        raise DynamicStateError("重新核算", row.get_state_display())
    if not row.last_member:
        row.fact_set = collect(
            row.household, acting_user=acting_user, facts=facts or {}, reason=f"成员死亡（{row.died_on}）"
        )
    row.state = State.PROPOSED
    row.save(update_fields=["state", "fact_set"])
    _audit("propose_death", acting_user, row, fact_set=row.fact_set_id)
    return row


@logs_blocks
@transaction.atomic
def settle(matter: DeathMatter, *, reasons: str, acting_user: User) -> DeathMatter:
    """Decides anew from the month after the death; what was paid since is reckoned and offset by the next runs.

    Nobody left, or the entitled person himself: stopped.

    Raises: DynamicStateError, DynamicHandsError, ReasonsMissingError, UnknownOutcomeError, WrongLevelError …
    """
    row = _locked(matter)
    require_confirmer(acting_user, row.region, row.programme)
    if not reasons.strip():
        raise ReasonsMissingError("死亡减员")
    if row.state == State.SETTLED or (row.fact_set is None and not row.last_member):
        raise DynamicStateError("办结", row.get_state_display())
    if row.entered_by_id == acting_user.pk:
        raise DynamicHandsError("登记死亡", "确认")
    effective = first_month(row)
    person = row.person if row.programme in PERSON_PROGRAMMES else None
    why = f"成员 {row.died_on} 死亡：{reasons.strip()}"
    if row.last_member:
        row.determination = end_unit(
            row.household, acting_user=acting_user, programme=row.programme, effective=effective, cause="death",
            reasons=why, person=person,
        )  # fmt: skip
        due_fen = 0
    else:
        assert row.fact_set is not None
        changed = decide_change(
            row.fact_set, row.programme, acting_user=acting_user, cause="death", reasons=why, effective=effective
        )
        row.determination, due_fen = changed.determination, changed.after_fen
    with access.system_scope(row.region[:6]):  # a run is the county's row: a town that confirms does not see it
        found = over_since(
            row.household_id, row.programme, person.pk if person else None, row.died_on, "死亡日期", lambda _: due_fen
        )
    row.over_fen, row.over_text = found.total_fen, found.text[:400]
    row.state, row.settled_at, row.settled_by = State.SETTLED, clock.now(), acting_user
    row.save(update_fields=["determination", "over_fen", "over_text", "state", "settled_at", "settled_by"])
    _audit("settle_death", acting_user, row, over_fen=row.over_fen, late=clock.today() > row.due_on)
    return row


def first_month(matter: DeathMatter) -> Month:
    """First month without the person: the one after the death, or the unit's first on the roll where that is later."""
    after = Month.of(matter.died_on).next()
    person = matter.person_id if matter.programme in PERSON_PROGRAMMES else None
    unit = entries(matter.household_id, matter.programme, person)
    first = unit.filter(Q(end_month__isnull=True) | Q(end_month__gte=after.yyyymm)).first()
    return max(after, Month.parse(str(first.start_month))) if first else after


def listing(show: str, town: str, today: date) -> QuerySet[DeathMatter]:
    """Matters: `open` (the nearest limit first), `overdue`, `proposed`, `settled`, `all`."""
    rows = DeathMatter.objects.select_related("household__head", "person", "determination")
    if town:
        found = access.range_of(town)
        rows = rows.filter(region__gte=found.low, region__lt=found.high)
    if show == "settled":
        return rows.filter(state=State.SETTLED).order_by("-settled_at", "-id")
    if show == "overdue":
        rows = rows.filter(due_on__lt=today)
    if show == "proposed":
        rows = rows.filter(state=State.PROPOSED)
    return (rows if show == "all" else rows.exclude(state=State.SETTLED)).order_by("due_on", "id")


def counts(today: date) -> dict[str, int]:
    """How the matters in the reader's range stand. One query."""
    is_open = ~Q(state=State.SETTLED)
    return DeathMatter.objects.aggregate(
        open=Count("pk", filter=is_open),
        overdue=Count("pk", filter=is_open & Q(due_on__lt=today)),
        proposed=Count("pk", filter=Q(state=State.PROPOSED)),
        settled=Count("pk", filter=Q(state=State.SETTLED)),
        all=Count("pk"),
    )


def access_death(user: User, pk: int) -> DeathMatter:
    """One matter in the user's range. Raises NotFoundError."""
    rows = DeathMatter.objects.select_related(
        "household__head", "person", "determination", "fact_set", "entered_by", "settled_by"
    )
    return access.one(rows, user=user, what="死亡减员", pk=pk)


def _locked(matter: DeathMatter) -> DeathMatter:
    return access.locked(
        DeathMatter.objects.select_related("household", "person", "fact_set"), matter.pk, what="死亡减员"
    )


def _audit(action: str, user: User, row: DeathMatter, **after: object) -> None:
    record(
        f"monitoring.{action}", actor=user, subject_type="deathmatter", subject_id=row.pk, region=row.region,
        after={"state": row.state, **after},
    )  # fmt: skip
