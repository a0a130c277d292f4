"""Verbs of a town's petty cash: set it up, pay a grant on the spot, give money back, count it.

What a grant is worth was decided elsewhere; petty cash pays it whole or not at all (民发〔2018〕23号三(三), 2020年意见15).
"""

from __future__ import annotations

from django.db import DatabaseError, transaction

from tuodi.audit.actions import record
from tuodi.cases.guard import take_hand
from tuodi.cases.series import next_no
from tuodi.cases.states import Hand
from tuodi.decisions import grants
from tuodi.decisions.models import Determination
from tuodi.files.images import read_picture
from tuodi.files.store import put_bytes
from tuodi.funds import ledger, petty
from tuodi.funds.errors import FundInputError, PaidAlreadyError, PettyLimitError, PettyShortError
from tuodi.funds.models import Float, FloatCount, LedgerEntry, PettySpend
from tuodi.funds.states import Account, Kind
from tuodi.kernel import clock
from tuodi.kernel.money import format_yuan
from tuodi.kernel.periods import Month
from tuodi.kernel.places import pad12
from tuodi.org import access
from tuodi.org.errors import NotFoundError
from tuodi.org.models import DutyCode, User
from tuodi.org.places import place_name

__all__ = ["count_cash", "give_back", "open_float", "pay_grant"]

TEMPORARY = "temporary"


@transaction.atomic
def open_float(*, acting_user: User, town: str, limit_fen: int) -> Float:
    """Gives a town petty cash, or sets another limit of one case. Money comes by an advance (`papers.propose`).

    Args:
        town: nine significant digits. limit_fen: most that one case is paid; a pack's lower value goes before it.

    Raises: FundInputError, AccessDeniedError, NotFoundError.
    """
    region = pad12(town[:9])
    access.require(acting_user, DutyCode.FUND_KEEP, pad12(town[:6]))
    if len(town) < 9:
        raise FundInputError("乡镇", "应是九位代码")
    if limit_fen <= 0:
        raise FundInputError("单笔上限", "应大于 0 元")
    row, _ = Float.objects.update_or_create(
        region=region,
        defaults={"limit_fen": limit_fen, "closed_at": None},
        create_defaults={"limit_fen": limit_fen, "opened_at": clock.now(), "opened_by": acting_user},
    )
    _audit("open_float", acting_user, row, limit_fen=limit_fen)
    return row


def _audit(action: str, actor: User, row: Float, **after: object) -> None:
    record(
        f"funds.{action}", actor=actor, subject_type="float", subject_id=row.pk, region=row.region,
        after={"town": place_name(row.region), **after},
    )  # fmt: skip


def _lock(row: Float) -> Float:
    """The float as it is now; other movements of its cash wait. NotFoundError outside the scope."""
    ledger.lock([row.region])
    found = Float.objects.select_for_update(of=("self",)).filter(pk=row.pk, closed_at__isnull=True).first()
    if found is None:
        raise NotFoundError("备用金")
    return found


@transaction.atomic
def pay_grant(
    float_: Float, *, acting_user: User, determination: Determination, receiver: str, receipt: bytes
) -> PettySpend:
    """Hands a grant over in cash, with a picture of the signed receipt. It leaves the roll: no run pays it again.

    Asked again for the same grant it gives the payment there is.

    Args:
        determination: a grant that is given once (先行救助 or confirmed), of a family of the town.
        receiver: who took the money.

    Raises:
        PettyShortError: the balance does not reach. PettyLimitError. PaidAlreadyError: an approved run holds it.
        FundInputError, NotDecidedError, AccessDeniedError, NotFoundError.
    """
    access.require(acting_user, DutyCode.PETTY_CASH, float_.region)
    row = _lock(float_)
    known = PettySpend.objects.filter(determination=determination).first()
    if known is not None:
        return known
    if not determination.region.startswith(row.region[:9]):
        raise FundInputError("求助家庭", f"不在{place_name(row.region)}。请由其所在乡镇的备用金支付。")
    if determination.decided_by_id == acting_user.pk:
        raise FundInputError("经办人", "作出决定的人不能支付现金。请由备用金管理人员支付。")
    if not receiver.strip():
        raise FundInputError("领款人", "没有填写")
    if not receipt:
        raise FundInputError("收据照片", "没有上传。请拍下签字的收据。")
    today = clock.today()
    if determination.case is not None:
        take_hand(determination.case, acting_user, Hand.PAY)
    # An error of the database must leave nothing of it: the stages go back with the savepoint.
    with transaction.atomic():
        fen = grants.pay_in_cash(determination, by=acting_user)
        limit = petty.limit_of(row, today)
        if fen > limit:
            raise PettyLimitError(fen, limit)
        there = petty.balance(row)
        if fen > there:
            raise PettyShortError(place_name(row.region), fen, there)
        picture = read_picture(receipt)
        no = next_no("petty", row.region, today)
        stored = put_bytes(
            picture.data, region=determination.region, name=f"{no}.{picture.suffix}", purpose="petty_receipt",
            media_type=picture.media_type, by_id=acting_user.pk,
        )  # fmt: skip
        try:
            with transaction.atomic():
                spend = PettySpend.objects.create(
                    region=determination.region, float=row, no=no, determination=determination,
                    household_id=determination.household_id, amount_fen=fen, balance_fen=there - fen,
                    receiver=receiver.strip()[:40], receipt=stored, paid_on=today, paid_at=clock.now(), paid_by=acting_user,
                )  # fmt: skip
        except DatabaseError as error:
            if "已列入发放批次" not in str(error):
                raise
            raise PaidAlreadyError(f"决定 {determination.no} ", str(error).splitlines()[0]) from error
    drawn, rest = ledger.share(fen, petty.sources(row))
    assert not rest
    sides = []
    for source, part in drawn:
        sides += ledger.pair(row.region, TEMPORARY, source, Account.EXPENSE, Account.FLOAT, part)
    spend.entry = _book(row, sides, Kind.PETTY_SPEND, "petty", spend.pk, acting_user, f"{no} 备用金支付")
    spend.save(update_fields=["entry"])
    _audit("pay_petty", acting_user, row, no=no, amount_fen=fen, balance_fen=spend.balance_fen, grant=determination.no)
    return spend


def _book(
    row: Float, sides: list[ledger.Side], kind: str, origin: str, number: int, user: User, memo: str
) -> LedgerEntry | None:
    return ledger.book(
        sides, kind=kind, region=row.region, origin=origin, origin_id=number, user=user,
        memo=f"{place_name(row.region)} {memo}",
    )  # fmt: skip


@transaction.atomic
def give_back(float_: Float, *, acting_user: User, amount_fen: int, reason: str) -> LedgerEntry:
    """The county takes cash of a town back into the sub-accounts it came from.

    Raises: PettyShortError, FundInputError, AccessDeniedError, NotFoundError.
    """
    access.require(acting_user, DutyCode.FUND_KEEP, pad12(float_.region[:6]))
    row = _lock(float_)
    if amount_fen <= 0:
        raise FundInputError("金额", "应大于 0 元")
    if not reason.strip():
        raise FundInputError("理由", "没有填写")
    drawn, rest = ledger.share(amount_fen, petty.sources(row))
    if rest:
        raise PettyShortError(place_name(row.region), amount_fen, amount_fen - rest)
    county = pad12(row.region[:6])
    sides = []
    for source, part in drawn:
        sides.append(ledger.debit(county, TEMPORARY, source, Account.AVAILABLE, part))
        sides.append(ledger.credit(row.region, TEMPORARY, source, Account.FLOAT, part))
    entry = _book(row, sides, Kind.PETTY_BACK, "float", row.pk, acting_user, f"备用金交回：{reason.strip()}")
    assert entry is not None
    _audit("give_back", acting_user, row, amount_fen=amount_fen, reason=reason.strip()[:200])
    return entry


@transaction.atomic
def count_cash(float_: Float, *, acting_user: User, month: Month, counted_fen: int, note: str = "") -> FloatCount:
    """The monthly reconciliation: cash counted against the ledger. A difference is explained, and stays on record.

    Raises:
        FundInputError: the month is not over, was counted, or the difference has no explanation.
    """
    access.require(acting_user, DutyCode.PETTY_CASH, float_.region)
    row = _lock(float_)
    if month >= Month.of(clock.today()):
        raise FundInputError("月份", f"{month.label}还没有结束。请在月后盘点。")
    if counted_fen < 0:
        raise FundInputError("实存", "不能小于 0 元")
    if FloatCount.objects.filter(float=row, month=month.yyyymm).exists():
        raise FundInputError("月份", f"{month.label}已经盘点")
    sums = petty.month_of(row, month)
    if counted_fen != sums.closing and not note.strip():
        gap = format_yuan(counted_fen - sums.closing)
        raise FundInputError("差异说明", f"没有填写：实存与账面 {format_yuan(sums.closing)} 元相差 {gap} 元")
    made = FloatCount.objects.create(
        region=row.region, float=row, month=month.yyyymm, opening_fen=sums.opening, advanced_fen=sums.advanced,
        spent_fen=sums.spent, returned_fen=sums.returned, ledger_fen=sums.closing, counted_fen=counted_fen,
        note=note.strip()[:300], counted_at=clock.now(), counted_by=acting_user,
    )  # fmt: skip
    _audit("count_cash", acting_user, row, month=month.yyyymm, ledger_fen=sums.closing, counted_fen=counted_fen)
    return made
