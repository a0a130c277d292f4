"""Orders to bodies on their way to the bank: locks, events, bookings. The rows of a file of orders are items without a line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db.models import QuerySet

from tuodi.funds import ledger
from tuodi.funds import orders as funds
from tuodi.funds.models import PayOrder
from tuodi.funds.states import OrderStatus, move
from tuodi.kernel import clock
from tuodi.org.models import User
from tuodi.payments.models import BankBatch, BankReturn, OrderEvent
from tuodi.payments.states import LineStatus

__all__ = ["Told", "events_of", "lock_orders", "step"]

#: (order, code, message, bank's number)
Told = tuple[int, str, str, str]


def lock_orders(batch: BankBatch) -> None:
    """Holds the county's money and the orders of a batch, in this order everywhere."""
    ledger.lock([batch.region])
    held = PayOrder.objects.select_for_update().filter(pk__in=batch.items.values("order")).order_by("pk")
    list(held.values_list("pk", flat=True))


def step(
    batch: BankBatch, told: Sequence[Told], status: LineStatus, user: User, returned: BankReturn | None = None
) -> None:
    """One event for each order, its status, and the money it moves. The orders are locked by the caller."""
    rows = PayOrder.objects.in_bulk([one[0] for one in told])
    after, now = OrderStatus(status.value), clock.now()
    OrderEvent.objects.bulk_create(
        [
            OrderEvent(
                order=rows[pk], region=rows[pk].region, kind=status, at=now, by=user, batch=batch, returned=returned,
                code=code, message=message[:100], bank_seq=bank_seq,
            )
            for pk, code, message, bank_seq in told
        ]
    )  # fmt: skip
    for pk, *_ in told:
        order = rows[pk]
        move(f"付款单 {order.no} ", order.status, after)
        order.status = after
        order.save(update_fields=["status"])
        funds.post(order, after, user=user, memo=f"{order.no} {order.name} {batch.no} {status.label}")


def events_of(orders: Iterable[PayOrder]) -> QuerySet[OrderEvent]:
    """What happened to orders, in order."""
    rows = OrderEvent.objects.filter(order__in=[one.pk for one in orders])
    return rows.select_related("by", "batch", "returned").order_by("id")
