"""Funerals of who was on a roll (丧葬费用减免, M47): whether he was, what is waived of each basic service, the list of waivers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from django.db.models import Q, QuerySet, Sum

from tuodi.funds.errors import FundInputError
from tuodi.funds.models import FuneralReturn, FuneralWaiver
from tuodi.kernel.money import format_yuan
from tuodi.kernel.periods import Month
from tuodi.org import access
from tuodi.people.enums import Programme
from tuodi.people.models import Household, Person, RollEntry
from tuodi.people.queries import household_of
from tuodi.policy.model import NO_CAP
from tuodi.verification.rulebook import book, place_of

__all__ = ["ROLLS", "basis_of", "items_known", "judge", "left", "waivers"]

#: Whose funeral it is: 乌海 2014 十三 names dibao, 宽城 2021 tekun (办理丧葬事宜).
ROLLS = (Programme.DIBAO.value, Programme.TEKUN.value)


def items_known() -> dict[str, str]:
    """Code -> words of the basic services."""
    return dict(book().enums["funeral_item"].values)


def basis_of(person: Person, died_on: date) -> tuple[Household, str]:
    """The household a person died in and the rolls he was on in that month.

    Raises: FundInputError: he was on none of `ROLLS`, or in no household.
    """
    household = household_of(person, died_on) or household_of(person, died_on.replace(day=1))
    if household is None:
        raise FundInputError("去世人员", "：去世时不属于任何家庭，请先核对家庭档案")
    month = Month.of(died_on).yyyymm
    rows = RollEntry.objects.filter(household=household, programme__in=ROLLS, start_month__lte=month).filter(
        Q(end_month__isnull=True) | Q(end_month__gte=month), Q(person__isnull=True) | Q(person=person)
    )
    found = list(dict.fromkeys(str(Programme(one.programme).label) for one in rows.order_by("programme")))
    if not found:
        raise FundInputError("去世人员", f"：{died_on:%Y-%m-%d} 不在低保或特困名册上，不属于减免对象")
    return household, "、".join(found)


def judge(region: str, on: date, charged: Mapping[str, int]) -> tuple[list[dict[str, object]], str]:
    """What is waived of each basic service in a place on a day, and what that rests on.

    Args:
        charged: item -> fen the body charges.

    Raises: FundInputError: an item that is none, or no amount.
    """
    law, words = book(), items_known()
    chain = law.chain(place_of(region))
    found: list[dict[str, object]] = []
    told = []
    for item, fen in charged.items():
        if item not in words:
            raise FundInputError("减免项目", f"“{item}”不是基本丧葬服务项目")
        if fen < 0:
            raise FundInputError(words[item], "不能小于 0 元")
        if not fen:
            continue
        row = law.value("funeral.item_cap", chain, (item,), on)
        cap = None if row is None or row.value is None or row.value == NO_CAP else int(row.value)
        waived = fen if cap is None else min(fen, cap)
        if cap is not None and row is not None:
            told.append(f"{words[item]}最多 {format_yuan(cap)} 元（{law.clause(row.clause).text}）")
        found.append({"item": item, "fen": fen, "waived_fen": waived})
    if not found:
        raise FundInputError("减免项目", "没有填写一项的金额")
    return found, "；".join(told) or "本地没有规定单项上限，按机构收费减免"


def left(row: FuneralWaiver) -> int:
    """What the body still has of a waiver, in fen."""
    back = FuneralReturn.objects.filter(waiver=row).aggregate(fen=Sum("amount_fen"))["fen"] or 0
    return row.waived_fen - int(back)


def waivers(place: str) -> QuerySet[FuneralWaiver]:
    """Waivers of a place, newest first."""
    limits = access.range_of(place)
    rows = FuneralWaiver.objects.filter(region__gte=limits.low, region__lt=limits.high)
    return rows.select_related("person", "proposed_by", "decided_by").order_by("-id")
