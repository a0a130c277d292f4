"""Verbs of price linkage: entering an index, registering people of outside groups one by one or by list, ending it, handing shares over."""

from __future__ import annotations

from datetime import date
from decimal import Decimal, InvalidOperation

from django.db import transaction
from django.db.models import Q

from tuodi.audit.actions import record
from tuodi.exchange import price_lists
from tuodi.exchange.payment_rows import RowFault
from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.kernel.places import pad12
from tuodi.org import access
from tuodi.org.models import DutyCode, User
from tuodi.payments.actions import lists
from tuodi.payments.errors import RunInputError
from tuodi.payments.models import PriceIndex, PriceList, PriceMember, PriceShare
from tuodi.payments.prices import GROUP_FACTS
from tuodi.people import secrets
from tuodi.people.models import Household, Person
from tuodi.people.queries import household_of

__all__ = ["end_price_member", "enter_index", "import_price_members", "register_price_member", "take_price_list"]


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


@transaction.atomic
def import_price_members(
    *, acting_user: User, county: str, data: bytes, name: str, source: str, profile: str = "generic"
) -> PriceList:
    """Registers the people of a department's list: good rows are registered, bad ones are kept with their reasons.

    A person must be registered in the county with a family. Months in which he stands in the group already are refused.

    Raises: RunInputError; ExchangeError for what is no table; AccessDeniedError, NotFoundError.
    """
    sent, read = lists.receive(
        lambda: price_lists.read(data, price_lists.load_profile(profile)), acting_user=acting_user, county=county, data=data, name=name, source=source,
        purpose="price_list",
    )  # fmt: skip
    faults, taken = list(read.faults), 0
    for row in read.people:
        problem = _register(row, sent.known.get(row.id_text), acting_user, source)
        if problem is not None:
            faults.append(problem)
        else:
            taken += 1
    made = PriceList.objects.create(
        region=sent.region, file=sent.stored, file_name=sent.stored.name[:200], source=sent.source, rows=read.rows, taken=taken,
        faults=lists.faults_as_json(faults),
        imported_at=clock.now(), imported_by=acting_user,
    )  # fmt: skip
    record(
        "payments.import_price_members", actor=acting_user, subject_type="pricelist", subject_id=made.pk, region=sent.region,
        after={"rows": made.rows, "taken": taken, "bad": made.bad, "source": made.source},
    )  # fmt: skip
    return made


def _register(row: price_lists.Listed, person: Person | None, user: User, source: str) -> RowFault | None:
    """Registers one row, or says why not."""
    if person is None:
        return RowFault(row.row_no, "身份证号", "本县没有登记此人", "请先在家庭档案登记，再报送这一行")
    if person.name != row.name:
        return RowFault(row.row_no, "姓名", "与本县登记的不一致", "请核对证件和姓名")
    household = household_of(person, clock.today())
    if household is None:
        return RowFault(row.row_no, "身份证号", "此人现在不属于任何家庭", "请先登记家庭，再报送这一行")
    same = PriceMember.objects.filter(person=person, group=row.group).filter(
        Q(end_month__isnull=True) | Q(end_month__gte=row.start.yyyymm)
    )
    if row.end is not None:
        same = same.filter(start_month__lte=row.end.yyyymm)
    if before := same.first():
        until = f"至 {before.end_month} " if before.end_month else "起"
        return RowFault(
            row.row_no, "起始月份", f"这一类别已登记 {before.start_month} {until}", "不必重复报送；变更的请先终止原登记"
        )
    register_price_member(
        acting_user=user, household=household, person=person, group=row.group, area_kind=row.area_kind, start=row.start,
        end=row.end, source=source,
    )  # fmt: skip
    return None


@transaction.atomic
def end_price_member(member: PriceMember, *, acting_user: User, end: Month) -> PriceMember:
    """Ends a registration with a month, the last one covered.

    Raises: RunInputError; AccessDeniedError, NotFoundError.
    """
    access.require(acting_user, DutyCode.PAY_PREPARE, member.region)
    row = access.locked(PriceMember.objects, member.pk, what="价格补贴对象")
    if row.end_month is not None:
        raise RunInputError("终止月份", f"已经登记为 {row.end_month}")
    if end.yyyymm < row.start_month:
        raise RunInputError("终止月份", f"早于起始月份 {row.start_month}")
    row.end_month = end.yyyymm
    row.save(update_fields=["end_month"])
    record(
        "payments.end_price_member", actor=acting_user, subject_type="pricemember", subject_id=row.pk, region=row.region,
        before={"end": None}, after={"end": row.end_month},
    )  # fmt: skip
    return row


@transaction.atomic
def take_price_list(*, acting_user: User, place: str, month: Month, group: str) -> list[tuple[PriceShare, str]]:
    """The shares of an outside group in an index month, with whole identity numbers, for the department that pays them.

    Taking it is on record with everybody on it.

    Raises: RunInputError: nobody is on it. AccessDeniedError, NotFoundError.
    """
    access.require(acting_user, DutyCode.PAY_PREPARE, pad12(place))
    limits = access.range_of(place)
    rows = list(
        PriceShare.objects.filter(
            index_month=month.yyyymm,
            group=group,
            live=True,
            in_line=False,
            region__gte=limits.low,
            region__lt=limits.high,
        )
        .select_related("person", "household", "run")
        .order_by("region", "id")
    )
    if not rows:
        raise RunInputError("对象类别", f"{month} 没有由其他部门发放的这一类对象")
    record(
        "payments.take_price_list", actor=acting_user, subject_type="priceshares", subject_id=month.yyyymm, region=pad12(place),
        after={
            "group": group, "month": month.yyyymm, "amount_fen": sum(one.amount_fen for one in rows),
            "households": sorted({one.household_id for one in rows}), "persons": sorted({one.person_id for one in rows}),
        },
    )  # fmt: skip
    return [(one, secrets.open_id(one.person)) for one in rows]
