"""Verbs of a hospital's month: civil affairs proposes its clearing (清算), finance decides; approval books it at once.

What goes beyond the advance leaves by a file of ours to the hospital's account (`funds.orders`), or by the treasury's own order
where the county says so.
"""

from __future__ import annotations

from django.db import transaction
from django.db.models import F, Q, Sum

from tuodi.audit.actions import record
from tuodi.cases.series import next_no
from tuodi.funds import hospital, ledger, medical, orders, plans
from tuodi.funds.actions.hospital import open_month
from tuodi.funds.decide import decided
from tuodi.funds.errors import FundInputError, FundStateError
from tuodi.funds.ledger import Side, pair
from tuodi.funds.models import HospitalAgreement, HospitalBill, HospitalClearing, LedgerEntry, Posting
from tuodi.funds.states import (
    Account,
    AgreementState,
    BillState,
    ClearingState,
    FundProgramme,
    Kind,
    OrderKind,
    PayWay,
)
from tuodi.kernel import clock
from tuodi.kernel.money import format_yuan
from tuodi.kernel.periods import Month
from tuodi.org import access
from tuodi.org.models import DutyCode, User

__all__ = ["decide_clearing", "propose_clearing"]

_MEDICAL = FundProgramme.MEDICAL


def _audit(action: str, actor: User, row: HospitalClearing, **after: object) -> None:
    record(
        f"funds.{action}", actor=actor, subject_type="hospital_clearing", subject_id=row.pk, region=row.region,
        after={
            "no": row.no, "month": row.month, "state": row.state, "claimed_fen": row.claimed_fen,
            "accepted_fen": row.accepted_fen, "replenish_fen": row.replenish_fen, **after,
        },
    )  # fmt: skip


def _unchanged(rows: list[HospitalBill]) -> None:
    """Nothing if the rules still say of each bill what they said.

    Raises: FundInputError.
    """
    changed = medical.judge(rows)
    if changed:
        raise FundInputError(
            "单据",
            f" {changed[0].bill_no} 等 {len(changed)} 张的核对结果已变化（花名册、额度或标准有变动）。请重新核对后再清算。",
        )


@transaction.atomic
def propose_clearing(
    agreement: HospitalAgreement, *, acting_user: User, month: Month, replenish_fen: int = 0
) -> HospitalClearing:
    """Freezes a month: what the hospital claimed, what is accepted. Nothing moves before finance agrees.

    Args:
        replenish_fen: what fills the hospital's advance up again, within its limit.

    Raises: FundInputError says what is still open; FundStateError, AccessDeniedError, NotFoundError.
    """
    access.require(acting_user, DutyCode.FUND_KEEP, agreement.region)
    ledger.lock([agreement.region])
    row = access.locked(HospitalAgreement.objects, agreement.pk, what="定点医院协议")
    if row.state != AgreementState.ACTIVE:
        raise FundStateError(f"协议 {row.no} ", row.get_state_display(), "清算")
    open_month(row, month)
    if month >= Month.of(clock.today()):
        raise FundInputError("清算月份", f"{month.label}还没有结束。请在月后清算。")
    bills = list(hospital.bills_of_month(row, month))
    if not bills:
        raise FundInputError("单据", f"{month.label}没有可清算的单据")
    waiting = sum(one.state == BillState.PRE_SETTLED for one in bills)
    if waiting:
        raise FundInputError("单据", f"还有 {waiting} 张没有核定。差异逐张核定后再清算。")
    _unchanged(bills)
    claimed = sum(one.net_claimed_fen for one in bills)
    accepted = sum(one.net_accepted_fen for one in bills)
    _within(row, accepted, replenish_fen)
    if orders.way_of(row.region) == PayWay.BANK and max(accepted - hospital.balance(row), 0) + replenish_fen:
        orders.require_payee(row.region, row.code, row.name)
    made = HospitalClearing.objects.create(
        region=row.region, agreement=row, no=next_no("fund", row.region, clock.today()), month=month.yyyymm, bills=len(bills),
        claimed_fen=claimed, accepted_fen=accepted, refused_fen=claimed - accepted, replenish_fen=replenish_fen,
        proposed_at=clock.now(), proposed_by=acting_user,
    )  # fmt: skip
    HospitalBill.objects.filter(pk__in=[one.pk for one in bills]).update(clearing=made)
    _audit("propose_clearing", acting_user, made, bills=len(bills))
    return made


def _within(row: HospitalAgreement, accepted: int, replenish: int) -> None:
    if replenish < 0:
        raise FundInputError("补足预付款", "不能小于 0 元")
    held = hospital.balance(row)
    after = max(held - accepted, 0) + hospital.pending(row) + replenish
    if replenish and after > row.advance_limit_fen:
        raise FundInputError(
            "补足预付款",
            f"以后医院持有 {format_yuan(after)} 元，超过协议上限 {format_yuan(row.advance_limit_fen)} 元",
        )


@transaction.atomic
def decide_clearing(
    clearing: HospitalClearing, *, acting_user: User, approve: bool, note: str = ""
) -> HospitalClearing:
    """Approves a clearing and books it, or refuses it with a reason: its bills are then open again.

    The accepted sum comes out of the hospital's advance first; what goes beyond it is paid from available money. A sum below
    zero (corrections outweigh the month's bills) stays with the hospital as advance.

    Raises:
        FundHandsError: who proposed it, or judged one of its bills. FundShortError: with sub-account and gap. PlanError.
        FundInputError, FundStateError, AccessDeniedError, NotFoundError.
    """
    access.require(acting_user, DutyCode.FUND_REVIEW, clearing.region)
    ledger.lock([clearing.region])
    row = access.locked(HospitalClearing.objects.select_related("agreement"), clearing.pk, what="医院清算")
    after = ClearingState.APPROVED if approve else ClearingState.REFUSED
    bills = HospitalBill.objects.filter(clearing=row)
    decided(row, after, acting_user=acting_user, approve=approve, note=note, what=f"清算 {row.no} ", of=row.no, own=bills.filter(decided_by=acting_user).exists())  # fmt: skip
    if approve:
        _unchanged(list(hospital.bills_of_month(row.agreement, Month.parse(str(row.month)))))
        row.entry = _book(row, acting_user)
    row.save(update_fields=["state", "decided_at", "decided_by", "decision_note", "entry", "advance_fen", "paid_fen"])
    if approve:
        bills.update(state=BillState.CLEARED, confirmed_by=acting_user)
    else:
        bills.update(clearing=None)
    _audit(
        "decide_clearing", acting_user, row, advance_fen=row.advance_fen, paid_fen=row.paid_fen, note=row.decision_note
    )
    return row


def _book(row: HospitalClearing, user: User) -> LedgerEntry | None:
    """The month's entry: accepted money is spent from the advance and, beyond it, from available; then the advance is filled.

    By the bank, the entry has the advance alone: what is to leave is reserved by orders, and spent as they are.
    """
    of = row.agreement
    _within(of, row.accepted_fen, row.replenish_fen)
    if row.accepted_fen < 0:
        advance, paid = [], 0
        row.advance_fen = row.accepted_fen
        back, rest = ledger.share(-row.accepted_fen, _spent_on(row))
        if rest:
            raise FundInputError("更正", f"净额超过以往支付给{of.name}的金额，请核对更正的单据")
    else:
        advance, paid = ledger.share(row.accepted_fen, hospital.sources(of))
        row.advance_fen, back = row.accepted_fen - paid, []
    row.paid_fen = paid
    sides: list[Side] = []
    for source, part in advance:
        sides += pair(row.region, _MEDICAL, source, Account.EXPENSE, Account.HOSPITAL, part)
    for source, part in back:
        sides += pair(row.region, _MEDICAL, source, Account.HOSPITAL, Account.EXPENSE, part)
    if paid + row.replenish_fen:
        drawn = plans.draw(row.region, str(_MEDICAL), paid + row.replenish_fen, row.decision_note)
        spent, _ = ledger.share(paid, drawn)
        used = dict(spent)
        filled = [(source, part - used.get(source, 0)) for source, part in drawn if part > used.get(source, 0)]
        if orders.way_of(row.region) == PayWay.BANK:
            _raise(row, OrderKind.CLEARING, spent, user)
            _raise(row, OrderKind.REFILL, filled, user)
        else:
            for source, part in spent:
                sides += pair(row.region, _MEDICAL, source, Account.EXPENSE, Account.AVAILABLE, part)
            for source, part in filled:
                sides += pair(row.region, _MEDICAL, source, Account.HOSPITAL, Account.AVAILABLE, part)
    month = Month.parse(str(row.month)).label
    return ledger.book(
        sides, kind=Kind.HOSPITAL_CLEAR, region=row.region, origin=hospital.ORIGIN, origin_id=of.pk, user=user,
        memo=f"{row.no} {of.name}{month}清算",
    )  # fmt: skip


def _raise(row: HospitalClearing, kind: OrderKind, parts: list[tuple[str, int]], user: User) -> None:
    if not parts:
        return
    month, of = Month.parse(str(row.month)).label, row.agreement
    what = "清算款" if kind == OrderKind.CLEARING else "预付款"
    orders.raise_order(
        region=row.region, kind=kind, subject_id=row.pk, programme=_MEDICAL, code=of.code, name=of.name, parts=parts,
        memo=f"{month}{what}", user=user, agreement=of,
    )  # fmt: skip


def _spent_on(row: HospitalClearing) -> list[tuple[str, int]]:
    """[(source, fen)] ever spent on the hospital's bills, net."""
    mine = Q(entry__kind=Kind.HOSPITAL_CLEAR, entry__origin=hospital.ORIGIN, entry__origin_id=row.agreement_id)
    bank = orders.of_hospital(row.agreement).filter(kind=OrderKind.CLEARING).values("entry")
    rows = Posting.objects.filter(mine | Q(entry__in=bank), account=Account.EXPENSE).values_list("source")
    sums = rows.annotate(fen=Sum(F("debit_fen") - F("credit_fen"))).order_by("source")
    return [(source, fen) for source, fen in sums if fen > 0]
