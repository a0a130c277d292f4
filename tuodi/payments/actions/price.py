"""Verbs of price linkage: entering an index, registering people of groups that are no programme of ours."""

from __future__ import annotations

from datetime import date
from decimal import Decimal, InvalidOperation

from django.db import transaction

from tuodi.audit.actions import record
from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.kernel.places import pad12
from tuodi.org import access
from tuodi.org.models import DutyCode, User
from tuodi.payments.errors import RunInputError
from tuodi.payments.models import PriceIndex, PriceMember
from tuodi.payments.prices import GROUP_FACTS
from tuodi.people.models import Household, Person

__all__ = ["enter_index", "register_price_member"]


def _percent(label: str, text: str) -> Decimal | None:
    cleaned = text.strip().rstrip("%\uff05").replace("\u2212", "-")
    if not cleaned:
        return None
    try:
        value = Decimal(cleaned)
    except InvalidOperation:
        raise RunInputError(label, f"“{text}”不是数，写同比涨幅百分数，如 3.6") from None
    if not value.is_finite() or not -50 <= value <= 200:
        raise RunInputError(label, f"{text} 不像同比涨幅；上年同月为 100 的指数请减去 100 再填")
    if value != round(value, 1):
        raise RunInputError(label, "按公布数填一位小数，不要自行折算")
    return value


@transaction.atomic
def enter_index(
    *, acting_user: User, place: str, month: Month, cpi: str, food: str = "", grain: str = "", source: str, published_on: date, hypothetical: bool = False,
) -> PriceIndex:  # fmt: skip
    """Enters the indices of a month as they were published. A later entry of the same month corrects an earlier one.

    Raises: RunInputError with the field and the remedy; AccessDeniedError, NotFoundError.
    """
    access.require(acting_user, DutyCode.STANDARDS, pad12(place))
    if not source.strip():
        raise RunInputError("出处", "必须写明统计局或发改委的哪份公报")
    if published_on > clock.today():
        raise RunInputError("公布日", "不能晚于今天")
    if published_on <= month.last_day:
        raise RunInputError("公布日", f"{month} 的指数要等当月过完才公布，请核对月份或公布日")
    figure = _percent("居民消费价格涨幅", cpi)
    if figure is None:
        raise RunInputError("居民消费价格涨幅", "必须填写")
    row = PriceIndex.objects.create(
        place=place, month=month.yyyymm, cpi=figure, food=_percent("食品价格涨幅", food), grain=_percent("粮食价格涨幅", grain),
        source=source.strip()[:200], published_on=published_on, hypothetical=hypothetical, entered_at=clock.now(), entered_by=acting_user,
    )  # fmt: skip
    record(
        "payments.enter_index", actor=acting_user, subject_type="priceindex", subject_id=row.pk, region=pad12(place),
        after={"month": row.month, "cpi": str(row.cpi), "food": str(row.food), "grain": str(row.grain), "source": row.source, "hypothetical": hypothetical},
    )  # fmt: skip
    return row


@transaction.atomic
def register_price_member(
    *, acting_user: User, household: Household, person: Person, group: str, area_kind: str, start: Month, end: Month | None = None, source: str,
) -> PriceMember:  # fmt: skip
    """Registers a person as one of a covered group from the list of the department that keeps its roll.

    Raises: RunInputError for a group that does not exist or a missing source; AccessDeniedError, NotFoundError.
    """
    access.require(acting_user, DutyCode.PAY_PREPARE, household.region)
    if group not in GROUP_FACTS:
        raise RunInputError("对象类别", f"没有“{group}”；低保和特困不用登记，按花名册认定")
    if not source.strip():
        raise RunInputError("出处", "必须写明名单来自哪个部门")
    row = PriceMember.objects.create(
        region=household.region, household=household, person=person, group=group, area_kind=area_kind, start_month=start.yyyymm,
        end_month=end.yyyymm if end else None, source=source.strip()[:200], entered_at=clock.now(), entered_by=acting_user,
    )  # fmt: skip
    record(
        "payments.register_price_member", actor=acting_user, subject_type="pricemember", subject_id=row.pk, region=row.region,
        after={"group": group, "start": row.start_month, "end": row.end_month},
    )  # fmt: skip
    return row
