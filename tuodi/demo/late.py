"""What became known in August 2017: late deaths, higher wages, families that are out of need. Decided one by one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from django.db import transaction
from django.db.models import Count

from tuodi.decisions.changes import record_change
from tuodi.decisions.models import Determination
from tuodi.demo.staff import user
from tuodi.kernel import clock
from tuodi.kernel.money import format_yuan, parse_yuan
from tuodi.kernel.periods import Month
from tuodi.org.access import scope, system_scope
from tuodi.people import actions as people
from tuodi.people.models import Household, RollEntry
from tuodi.people.queries import members_on
from tuodi.verification import actions as verification

__all__ = ["tell_changes"]

_TOLD, _DECIDED = date(2017, 8, 21), date(2017, 8, 22)
_COUNTY = "420802"


@dataclass(frozen=True)
class _Late:
    cause: str
    reasons: str
    effective: Month
    died: date | None = None
    factor: int = 0  # new yearly income as a percentage of the standard's yearly sum for the family


_LATE = (
    *(_Late("death", "成员 7 月去世，8 月起重新计算", Month(2017, 8), died=date(2017, 7, d)) for d in (5, 12, 20, 28)),
    *(_Late("income", "就业后收入增加", Month(2017, 9), factor=f) for f in (70, 75, 80, 85, 90, 95)),
    *(_Late("income", "人均收入已不低于低保标准", Month(2017, 9), factor=f) for f in (100, 140)),
)


def _candidates() -> list[Household]:
    """Urban families of two or more of 东宝区 that came with the rosters and have an income on file, in order of number."""
    on_roll = RollEntry.objects.filter(
        programme="dibao",
        category="urban",
        imported=True,
        end_month__isnull=True,
        region__startswith=_COUNTY,
        amount_fen__gt=10_000,
    ).values("household_id")
    rows = (
        Household.objects.filter(pk__in=on_roll, facts__income_year_fen__gt=0)
        .annotate(persons=Count("memberships", distinct=True))
        .filter(persons__gte=2, persons__lte=4)
        .select_related("head")
        .order_by("no")
    )
    return list(rows[: len(_LATE) * 3])


def tell_changes(tell: Callable[[str], None]) -> int:
    """Records the late facts once and tells each. Returns how many determinations there are."""
    with system_scope(_COUNTY):
        done = Determination.objects.filter(kind=Determination.Kind.FAMILY, case__isnull=True, decided_on=_DECIDED)
        if done.exists():
            tell(f"  迟到事实已处理 {done.count()} 件")
            return done.count()
        homes = iter(_candidates())
    made = 0
    with transaction.atomic():
        for late in _LATE:
            for home in homes:
                row = _one(home, late)
                if row is not None:
                    made += 1
                    amount = f"{format_yuan(row.amount_fen or 0)} 元/月" if row.outcome == "pass" else "停发"
                    tell(f"  {home.head.name} {home.no}：{late.reasons}，自 {late.effective} 起 {amount}（{row.no}）")
                    break
    return made


def _one(home: Household, late: _Late) -> Determination | None:
    review, confirm = user("dongbao-hd"), user("dongbao-qr")
    with clock.frozen(_TOLD), scope(review):
        members = members_on(home, _TOLD)
        if late.died is not None:
            others = [m for m in members if m.relation != "self"]
            if not others or len(members) < 2:
                return None
            people.record_death(acting_user=None, person=others[-1].person, died_on=late.died)
        draft = verification.start_fact_set(acting_user=review, household=home, reason=late.reasons)
        facts: dict[str, object] = {"assets_ok": True}
        if late.factor:
            income = parse_yuan("575") * 12 * len(members) * late.factor // 100
            if income <= parse_yuan(str(draft.facts["household"].get("income_year") or "0")):
                draft.delete()
                return None
            facts["income_year"] = format_yuan(income, sep=False)
        verification.enter_facts(draft, acting_user=review, household=facts)
        frozen = verification.freeze(draft, acting_user=review)
    with clock.frozen(_DECIDED), scope(confirm):
        return record_change(
            frozen,
            acting_user=confirm,
            programme="dibao",
            effective=late.effective,
            cause=late.cause,
            reasons=late.reasons,
        )
