"""Refunds of bodies on statements: found when a statement is reconciled, decided in the room funds, and told to the statement."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db import transaction

from tuodi.exchange.bank_files import StatementEntry
from tuodi.funds import refunds
from tuodi.funds.actions import refunds as verbs
from tuodi.funds.models import PayOrder, StatementRefund
from tuodi.funds.states import RefundState
from tuodi.kernel import clock
from tuodi.kernel.places import trim
from tuodi.org import access
from tuodi.org.models import User
from tuodi.payments.items import Sent
from tuodi.payments.models import StatementLine
from tuodi.payments.states import Verdict

__all__ = ["Judged", "confirm_refund", "dismiss_refund", "explained_after_all", "propose_refunds", "same_refund"]

#: (line of the statement, its entry, the payment its reference names)
Judged = tuple[int, StatementEntry, Sent | None]
#: What a body's refund is first taken for: another amount than was sent, a reference unknown here, or none.
POSSIBLE = (Verdict.AMOUNT, Verdict.UNKNOWN_CREDIT, Verdict.OTHER)


def propose_refunds(region: str, statement_no: str, judged: Sequence[Judged]) -> list[StatementRefund]:
    """Lists credit entries which may be refunds of orders to bodies; inside the statement's transaction. Moves nothing.

    An order is named by the reference of its payment or by its own number; else the account money comes from tells the body.
    """
    if not judged:
        return []
    numbers = [one.reference for _, one, _ in judged if one.reference]
    ids = [item.order_id for *_, item in judged if item is not None and item.order_id]
    place = trim(region)
    limits = access.range_of(place)
    paid = PayOrder.objects.filter(region__gte=limits.low, region__lt=limits.high, status__in=refunds.SETTLED)
    by_id = paid.in_bulk(ids)
    by_no = {one.no: one for one in paid.filter(no__in=numbers)}
    bodies: dict[str, tuple[str, str, str]] | None = None
    found = []
    for line, one, item in judged:
        order = by_id.get(item.order_id or 0) if item is not None else by_no.get(one.reference)
        body = (order.region, order.code, order.name) if order else None
        if body is None and item is None and one.account:
            bodies = refunds.by_account(place) if bodies is None else bodies
            body = bodies.get(one.account)
        if body is not None:
            day = one.booked_on or clock.today()
            found.append(refunds.Credit(line, statement_no, one.amount_fen, day, one.bank_ref, *body, order))
    return refunds.propose(found)


def explained_after_all(lines: Iterable[int], user: User) -> None:
    """Ends proposals of entries that turned out to be something else when the statement was looked at again."""
    rows = StatementRefund.objects.filter(line_id__in=list(lines), state=RefundState.PROPOSED)
    rows.update(
        state=RefundState.DISMISSED, note="重新核对后是已送出付款的退回", decided_at=clock.now(), decided_by=user
    )


def _tell(row: StatementRefund, verdict: Verdict) -> StatementRefund:
    # The statement may be of a prefecture's account, beyond the range of the county that decides.
    with access.system_scope(access.NATION):
        StatementLine.objects.filter(pk=row.line_id).update(verdict=verdict)
    return row


@transaction.atomic
def confirm_refund(refund: StatementRefund, order: PayOrder, *, acting_user: User) -> StatementRefund:
    """Books an entry of a statement as a refund of an order; the entry is then explained. See `funds.actions.refunds`."""
    return _tell(verbs.confirm_refund(refund, order, acting_user=acting_user), Verdict.REFUND)


@transaction.atomic
def same_refund(refund: StatementRefund, order: PayOrder, *, acting_user: User) -> StatementRefund:
    """Says that an entry was entered by voucher before; the entry is then explained. See `funds.actions.refunds`."""
    return _tell(verbs.same_refund(refund, order, acting_user=acting_user), Verdict.REFUND)


@transaction.atomic
def dismiss_refund(refund: StatementRefund, *, acting_user: User, reason: str) -> StatementRefund:
    """Says that an entry is no refund; it is left to two people to explain. See `funds.actions.refunds`."""
    row = verbs.dismiss_refund(refund, acting_user=acting_user, reason=reason)
    with access.system_scope(access.NATION):
        # Explained by a paper that was refused since.
        StatementLine.objects.filter(pk=row.line_id, verdict=Verdict.REFUND).update(verdict=Verdict.OTHER)
    return row
