"""Five classes in three layers (五类三层, M10): proposed from the roll, confirmed by a person, changed or ended with what changed.

The table of classes and layers is [S3] 宽城2021 五类三层; one household is in one layer at a time.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from django.db import connection, transaction
from django.db.models import Count, QuerySet
from django.db.models.functions import Substr

from tuodi.audit.actions import record
from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.monitoring.dynamic_errors import DynamicInputError
from tuodi.monitoring.dynamic_states import CLASS_MOVES, move
from tuodi.monitoring.models import HouseholdClass
from tuodi.monitoring.periodic import LineResult
from tuodi.org import access
from tuodi.org.models import DutyCode, User
from tuodi.people.enums import Programme
from tuodi.people.models import Household

__all__ = ["LAYER_OF", "class_of", "confirm_many", "counts", "listing", "propose_all", "set_class"]

Kind, Layer, State = HouseholdClass.Kind, HouseholdClass.Layer, HouseholdClass.State
DUTIES = (DutyCode.REVIEW, DutyCode.CONFIRM)
LAYER_OF: Mapping[str, str] = {
    Kind.DIBAO: Layer.CORE, Kind.TEKUN: Layer.CORE, Kind.LOW: Layer.EDGE, Kind.EXPENSE: Layer.EDGE,
    Kind.EMERGENCY: Layer.GENERAL,
}  # fmt: skip

#: The strongest programme a household is on decides: tekun and dibao before edge before expense before temporary.
_WANTED = """
with best as (
  select distinct on (household_id) household_id, region, programme from people_rollentry
  where start_month <= %(month)s and (end_month is null or end_month >= %(month)s)
  order by household_id, array_position(array['tekun','dibao','child','edge','rigid_expense','temporary'], programme::text)
), wanted as (
  select household_id, region, programme,
    case programme when 'tekun' then 'tekun' when 'dibao' then 'dibao' when 'child' then 'low_income' when 'edge' then 'low_income'
      when 'rigid_expense' then 'expense' else 'emergency' end as kind,
    case when programme in ('tekun','dibao') then 'core' when programme = 'temporary' then 'general' else 'edge' end as layer
  from best
)
"""
_INSERT = (
    _WANTED
    + """
insert into monitoring_householdclass (region, household_id, kind, layer, basis, state, valid_from, proposed_at, reason)
select w.region, w.household_id, w.kind, w.layer, %(basis)s || coalesce(%(labels)s::jsonb ->> w.programme, w.programme), 'proposed', %(today)s, %(now)s, ''
from wanted w where not exists (select 1 from monitoring_householdclass c where c.household_id = w.household_id
  and (c.state = 'proposed' or (c.state = 'confirmed' and c.kind = w.kind)))
"""
)
_STALE = (
    _WANTED
    + """
update monitoring_householdclass c set state = 'ended', valid_to = %(today)s, reason = '不再在册'
where c.state in ('proposed', 'confirmed') and c.valid_from <= %(today)s
  and not exists (select 1 from wanted w where w.household_id = c.household_id)
"""
)


@transaction.atomic
def propose_all() -> tuple[int, int]:
    """Proposes the class of every household the roll says another of, and ends those of households off it. Once each.

    Returns: proposed, ended.
    """
    today = clock.today()
    values = {
        "month": Month.of(today).yyyymm,
        "today": today,
        "now": clock.now(),
        "basis": "在册：",
        "labels": json.dumps(dict(Programme.choices)),
    }
    with connection.cursor() as cursor:
        cursor.execute(_STALE, values)
        ended = cursor.rowcount
        cursor.execute(_INSERT, values)
        return cursor.rowcount, ended


@transaction.atomic
def confirm_many(ids: Iterable[int], *, acting_user: User) -> list[LineResult]:
    """Confirms proposals; the class before is changed from today. A result for each, one audit row."""
    wanted = list(dict.fromkeys(ids))
    mine = access.ranges_for(acting_user, DUTIES)
    rows = {row.pk: row for row in HouseholdClass.objects.select_for_update(of=("self",)).filter(pk__in=wanted)}
    today = clock.today()
    lines, done = [], []
    for pk in wanted:
        row = rows.get(pk)
        if row is None or not any(row.region in one for one in mine):
            lines.append(LineResult(pk, "没有找到，或不在您的职责范围内"))
        elif row.state != State.PROPOSED:
            lines.append(LineResult(pk, f"现在是“{row.get_state_display()}”，不能确认"))
        else:
            lines.append(LineResult(pk))
            done.append(row)
    HouseholdClass.objects.filter(household__in=[row.household_id for row in done], state=State.CONFIRMED).update(
        state=State.CHANGED, valid_to=today
    )
    HouseholdClass.objects.filter(pk__in=[row.pk for row in done]).update(
        state=State.CONFIRMED, confirmed_at=clock.now(), confirmed_by=acting_user, valid_from=today
    )
    if done:
        _audit("confirm_classes", acting_user, done[0], count=len(done))
    return lines


@transaction.atomic
def set_class(household: Household, *, kind: str, reason: str, acting_user: User) -> HouseholdClass:
    """An officer says another class than the roll proposes, with the reason.

    Raises: DynamicInputError, NotFoundError, AccessDeniedError.
    """
    access.require_any(acting_user, DUTIES, household.region)
    if kind not in Kind.values:
        raise DynamicInputError("类别", f"只能是：{'、'.join(Kind.labels)}")
    if not reason.strip():
        raise DynamicInputError("理由", "必须填写")
    today = clock.today()
    Household.objects.select_for_update(of=("self",)).get(pk=household.pk)
    for old in HouseholdClass.objects.filter(household=household, state__in=[State.PROPOSED, State.CONFIRMED]):
        move(CLASS_MOVES, old, State.CHANGED if old.state == State.CONFIRMED else State.ENDED, "改类")
        old.valid_to = max(today, old.valid_from)
        old.save(update_fields=["state", "valid_to"])
    row = HouseholdClass.objects.create(
        region=household.region, household=household, kind=kind, layer=LAYER_OF[kind], basis="经办认定", reason=reason.strip()[:300],
        state=State.CONFIRMED, valid_from=today, proposed_at=clock.now(), confirmed_at=clock.now(), confirmed_by=acting_user,
    )  # fmt: skip
    _audit("set_class", acting_user, row, kind=kind)
    return row


def class_of(household: Household) -> HouseholdClass | None:
    """The class of a household: the confirmed one, else what is proposed, else None."""
    rows = HouseholdClass.objects.filter(household=household, state__in=[State.CONFIRMED, State.PROPOSED])
    return rows.order_by("state").first()  # "confirmed" before "proposed"


def listing(state: str, town: str, kind: str) -> QuerySet[HouseholdClass]:
    """Classes of one state, by place."""
    rows = HouseholdClass.objects.filter(state=state or State.PROPOSED).select_related("household__head")
    if town:
        found = access.range_of(town)
        rows = rows.filter(region__gte=found.low, region__lt=found.high)
    if kind:
        rows = rows.filter(kind=kind)
    return rows.order_by("region", "id")


def counts(digits: int) -> list[tuple[str, str, str, str, int]]:
    """(place prefix, kind, layer, state, households) of what is confirmed or proposed, in the reader's range. One query.

    Args:
        digits: significant digits of the places counted by: 6 counties, 9 towns.
    """
    rows = (
        HouseholdClass.objects.filter(state__in=[State.CONFIRMED, State.PROPOSED])
        .annotate(place=Substr("region", 1, digits))
        .values_list("place", "kind", "layer", "state")
        .annotate(n=Count("pk"))
        .order_by("place", "layer", "kind", "state")
    )
    return list(rows)


def _audit(action: str, user: User, row: HouseholdClass, **after: object) -> None:
    record(
        f"monitoring.{action}", actor=user, subject_type="householdclass", subject_id=row.pk, region=row.region,
        after=dict(after),
    )  # fmt: skip
