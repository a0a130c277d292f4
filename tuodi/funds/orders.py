"""Orders to pay bodies by the bank: what reserves their money, and what each event of the bank moves. Opens no door: actions do.

An order is one line of one file, so an event moves all of it. Its money is reserved by source when it is raised, and the same
sources carry it to the end: reserved, in transit, then with the body; or in suspense, until it is sent anew.
"""

from __future__ import annotations

from django.db.models import F, QuerySet, Sum

from tuodi.cases.series import next_no
from tuodi.funds import ledger, plans
from tuodi.funds.errors import FundInputError
from tuodi.funds.ledger import Side, pair
from tuodi.funds.models import FundBook, HospitalAgreement, LedgerEntry, PayeeAccount, PayOrder, Posting
from tuodi.funds.states import ADVANCES, Account, Kind, OrderKind, OrderStatus, PayeeState, PayWay
from tuodi.kernel import clock
from tuodi.kernel.places import pad12
from tuodi.org import access
from tuodi.org.models import User

__all__ = [
    "ORIGIN",
    "SETTLED",
    "arrived",
    "of_hospital",
    "of_place",
    "order_of",
    "pay",
    "pay_by_treasury",
    "payee_of",
    "payees_of",
    "post",
    "raise_order",
    "require_payee",
    "sources",
    "take_back",
    "way_of",
]

#: Of ledger entries of orders; their `origin_id` is the order. What moves a hospital's advance names the hospital instead.
ORIGIN = "order"
_HOSPITAL = "hospital"
#: The body has the money: told by the bank, or paid by the treasury in its stead.
SETTLED = (OrderStatus.PAID, OrderStatus.TREASURY)


def way_of(region: str) -> str:
    """How a county pays bodies (`PayWay`); the bank where it keeps no fund book yet."""
    found = FundBook.objects.filter(region=pad12(region[:6])).values_list("pay_way", flat=True).first()
    return found or PayWay.BANK


def payee_of(region: str, code: str) -> PayeeAccount | None:
    """The account in force of a body, or None."""
    return PayeeAccount.objects.filter(region=pad12(region[:6]), code=code, state=PayeeState.ACTIVE).first()


def payees_of(region: str, code: str) -> QuerySet[PayeeAccount]:
    """All accounts a body had here, the newest first."""
    rows = PayeeAccount.objects.filter(region=pad12(region[:6]), code=code)
    return rows.select_related("proposed_by", "decided_by").order_by("-id")


def require_payee(region: str, code: str, name: str) -> PayeeAccount:
    """The account in force of a body.

    Raises: FundInputError: it has none.
    """
    found = payee_of(region, code)
    if found is None:
        raise FundInputError(
            "收款账户",
            f"：{name}（{code}）没有在用的收款账户。请先登记账户并经财政审核；由国库直接支付的县，请先改付款方式。",
        )
    return found


def of_place(place: str) -> QuerySet[PayOrder]:
    """Orders of a place, newest first."""
    limits = access.range_of(place)
    rows = PayOrder.objects.filter(region__gte=limits.low, region__lt=limits.high)
    return rows.select_related("made_by", "agreement").order_by("-id")


def of_hospital(row: HospitalAgreement) -> QuerySet[PayOrder]:
    """Orders to a hospital, newest first."""
    return PayOrder.objects.filter(agreement=row).order_by("-id")


def raise_order(
    *, region: str, kind: OrderKind, subject_id: int, programme: str, code: str, name: str, parts: list[tuple[str, int]],
    memo: str, user: User, agreement: HospitalAgreement | None = None,
) -> PayOrder:  # fmt: skip
    """Opens an order for what was just decided, and reserves its money: inside the decision's transaction, the county locked.

    Args:
        parts: [(source, fen)] as `ledger.take` drew them from available money.

    Raises: FundInputError: the body has no account in force.
    """
    require_payee(region, code, name)
    order = PayOrder.objects.create(
        region=region, no=next_no("order", region, clock.today()), kind=kind, subject_id=subject_id, programme=programme,
        code=code, name=name, agreement=agreement, amount_fen=sum(fen for _, fen in parts), memo=memo[:100],
        made_at=clock.now(), made_by=user,
    )  # fmt: skip
    sides: list[Side] = []
    for source, fen in parts:
        if kind not in ADVANCES:  # an advance stays the county's money: nothing is spent by it
            sides += pair(region, programme, source, Account.EXPENSE, Account.PAYABLE, fen)
        sides += pair(region, programme, source, Account.RESERVED, Account.AVAILABLE, fen)
    order.entry = _book(order, sides, Kind.ORDERED, user, f"{order.no} {name} {memo}")
    order.save(update_fields=["entry"])
    return order


def _book(order: PayOrder, sides: list[Side], kind: Kind, user: User, memo: str) -> LedgerEntry | None:
    return ledger.book(
        sides, kind=kind, region=order.region, origin=ORIGIN, origin_id=order.pk, user=user, memo=memo
    )  # fmt: skip


def sources(order: PayOrder) -> list[tuple[str, int]]:
    """[(source, fen)] the order draws on."""
    sides = Posting.objects.filter(entry=order.entry_id, account=Account.RESERVED).order_by("id")
    return [(one.source, one.debit_fen) for one in sides]


def _sums(order: PayOrder, account: str) -> dict[str, int]:
    """Source -> debit less credit of an account over all entries of the order."""
    rows = Posting.objects.filter(entry__origin=ORIGIN, entry__origin_id=order.pk, account=account)
    return dict(rows.values_list("source").annotate(fen=Sum(F("debit_fen") - F("credit_fen"))))


def post(order: PayOrder, status: OrderStatus, *, user: User, memo: str) -> None:
    """Books one event of an order; the caller holds the county's lock (`ledger.lock`) and the order's row.

    `unknown` books nothing: nobody knows where the money is.
    """
    if status == OrderStatus.UNKNOWN:
        return
    parts = sources(order)
    if status == OrderStatus.SENT:
        _book(order, _send(order, parts), Kind.SEND, user, memo)
    elif status == OrderStatus.FAILED:
        _book(order, _moves(order, parts, Account.SUSPENSE, Account.TRANSIT), Kind.FAILED, user, memo)
    elif status == OrderStatus.PAID:
        _paid(order, parts, user, memo)
    elif status == OrderStatus.RETURNED:
        _returned(order, parts, user, memo)
    else:
        raise ValueError(f"{status} is no event of an order")


def pay_by_treasury(order: PayOrder, *, user: User, memo: str) -> None:
    """Books that the treasury paid an order the bank did not: out of what was reserved, or out of what lies in suspense.

    The caller holds the county's lock and the order's row, and knows that no payment of it is on its way.
    """
    again = LedgerEntry.objects.filter(origin=ORIGIN, origin_id=order.pk, kind=Kind.SEND).exists()
    _paid(order, sources(order), user, memo, Account.SUSPENSE if again else Account.RESERVED)


def _moves(order: PayOrder, parts: list[tuple[str, int]], to: Account, of: Account) -> list[Side]:
    sides: list[Side] = []
    for source, fen in parts:
        sides += pair(order.region, order.programme, source, to, of, fen) if fen else []
    return sides


def _send(order: PayOrder, parts: list[tuple[str, int]]) -> list[Side]:
    """Out of what was reserved; sent anew, out of suspense."""
    again = LedgerEntry.objects.filter(origin=ORIGIN, origin_id=order.pk, kind=Kind.SEND).exists()
    return _moves(order, parts, Account.TRANSIT, Account.SUSPENSE if again else Account.RESERVED)


def _paid(order: PayOrder, parts: list[tuple[str, int]], user: User, memo: str, of: Account = Account.TRANSIT) -> None:
    owed = {source: -fen for source, fen in _sums(order, Account.PAYABLE).items()}
    settled = [(source, min(fen, owed.get(source, 0))) for source, fen in parts]
    _book(order, _moves(order, settled, Account.PAYABLE, of), Kind.PAID, user, memo)
    advance = [(source, fen - done) for (source, fen), (_, done) in zip(parts, settled, strict=True)]
    _of_hospital(order, advance, Account.HOSPITAL, of, Kind.HOSPITAL, user, memo)


def _returned(order: PayOrder, parts: list[tuple[str, int]], user: User, memo: str) -> None:
    """What came back. Of an advance the hospital has used meanwhile, what it used is owed to it now: it never had the money."""
    if order.kind not in ADVANCES:
        _book(order, _moves(order, parts, Account.SUSPENSE, Account.PAYABLE), Kind.RETURNED, user, memo)
        return
    # Paid as owed after it had come back once: it is owed again.
    last = LedgerEntry.objects.filter(origin=ORIGIN, origin_id=order.pk, kind=Kind.PAID).order_by("-id")[:1]
    paid = Posting.objects.filter(entry__in=list(last), account=Account.PAYABLE)
    settled = dict(paid.values_list("source", "debit_fen"))
    assert order.agreement is not None
    held = _held(order)
    advance, owed = [], []
    for source, fen in parts:
        back = min(fen - min(fen, settled.get(source, 0)), held.get(source, 0))
        advance.append((source, back))
        owed.append((source, fen - back))
    _of_hospital(order, advance, Account.SUSPENSE, Account.HOSPITAL, Kind.HOSPITAL_BACK, user, memo)
    _book(order, _moves(order, owed, Account.SUSPENSE, Account.PAYABLE), Kind.RETURNED, user, memo)


def _held(order: PayOrder) -> dict[str, int]:
    """Source -> fen the order's hospital holds in advance."""
    rows = Posting.objects.filter(
        entry__origin=_HOSPITAL, entry__origin_id=order.agreement_id, account=Account.HOSPITAL, region=order.region
    )
    return dict(rows.values_list("source").annotate(fen=Sum(F("debit_fen") - F("credit_fen"))))


def _of_hospital(
    order: PayOrder, parts: list[tuple[str, int]], to: Account, of: Account, kind: Kind, user: User, memo: str
) -> None:
    sides = _moves(order, parts, to, of)
    if sides:
        ledger.book(
            sides, kind=kind, region=order.region, origin=_HOSPITAL, origin_id=order.agreement_id or 0, user=user, memo=memo
        )  # fmt: skip


def pay(
    *, region: str, kind: OrderKind, subject_id: int, programme: str, code: str, name: str, fen: int, memo: str, user: User,
    origin: str, agreement: HospitalAgreement | None = None, note: str = "",
) -> LedgerEntry | None:  # fmt: skip
    """Pays a body what was just decided, the way the county pays: an order for the bank, or booked as the treasury's own.

    Args:
        origin: of the treasury's entry, with `subject_id`. note: the decision's, a reason where the month's plans are exceeded.

    Returns: The entry that reserves or spends the money.

    Raises: FundShortError, PlanError, FundInputError: no account in force.
    """
    parts = plans.draw(region, programme, fen, note)
    if way_of(region) == PayWay.BANK:
        order = raise_order(
            region=region, kind=kind, subject_id=subject_id, programme=programme, code=code, name=name, parts=parts,
            memo=memo, user=user, agreement=agreement,
        )  # fmt: skip
        return order.entry
    sides: list[Side] = []
    for source, part in parts:
        sides += pair(region, programme, source, Account.EXPENSE, Account.AVAILABLE, part)
    return ledger.book(
        sides, kind=Kind.TREASURY, region=region, origin=origin, origin_id=subject_id, user=user, memo=f"{name} {memo}"
    )


def take_back(
    *, region: str, programme: str, spent: LedgerEntry, origin: str, subject_id: int, fen: int, user: User, memo: str
) -> LedgerEntry:
    """Books money a body gave back: less spent, into the sources it was drawn from less what came back of each before.

    Args:
        spent: the entry of `pay`. fen: at most what it spent less what came back.
    """
    out = Posting.objects.filter(entry=spent, account=Account.EXPENSE).order_by("id")
    back = dict(
        Posting.objects.filter(
            entry__origin=origin, entry__origin_id=subject_id, entry__kind=Kind.REFUND, account=Account.EXPENSE
        )
        .values_list("source")
        .annotate(fen=Sum("credit_fen"))
    )
    parts, rest = ledger.share(fen, [(one.source, one.debit_fen - back.get(one.source, 0)) for one in out])
    assert not rest, "more comes back than was spent"
    sides: list[Side] = []
    for source, part in parts:
        sides += pair(region, programme, source, Account.AVAILABLE, Account.EXPENSE, part)
    entry = ledger.book(
        sides, kind=Kind.REFUND, region=region, origin=origin, origin_id=subject_id, user=user, memo=memo
    )
    assert entry is not None
    return entry


def order_of(kind: OrderKind, subject_id: int) -> PayOrder | None:
    """The order that pays something, or None where the treasury paid it."""
    return PayOrder.objects.filter(kind=kind, subject_id=subject_id).first()


def arrived(kind: OrderKind, subject_id: int) -> bool:
    """Whether the money is with the body: told by the bank, or paid by the treasury."""
    order = order_of(kind, subject_id)
    return order is None or order.status in SETTLED
