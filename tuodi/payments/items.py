"""Items of bank files as plain values: a file of a prefecture has thousands, and a model object for each costs more than its row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import F, QuerySet, TextField
from django.db.models.functions import Cast

from tuodi.crypto.fields import decrypt
from tuodi.org.arrays import plain
from tuodi.payments.models import BankItem

__all__ = ["Sent", "locked_items", "one_item", "set_item_status"]


class Sent(NamedTuple):
    """One payment of a file: what was sent, and where it stands."""

    pk: int
    batch_id: int
    seq: int
    line_id: int | None  #: None = an order to a body
    order_id: int | None
    amount_fen: int
    status: str
    holder: str
    account_uid: UUID | str
    account_cipher: bytes
    account_last4: str

    def account(self) -> str:
        """The account number, opened. Raises DecryptError."""
        return decrypt(self.account_cipher, f"people.account|{self.account_uid}")


_FIELDS = Sent._fields


def locked_items(rows: QuerySet[BankItem]) -> list[Sent]:
    """Items locked until the transaction ends, in the order of their numbers everywhere."""
    wanted = [F(name) for name in _FIELDS]
    # As text: it is only written into what the account is sealed with.
    wanted[_FIELDS.index("account_uid")] = Cast("account_uid", TextField())
    found = rows.select_for_update(of=("self",)).order_by("id").values_list(*wanted)
    with connection.cursor() as cursor:
        cursor.execute(*found.query.sql_with_params())
        return list(map(Sent._make, cursor.fetchall()))


def one_item(item: BankItem) -> Sent:
    """An item that is at hand, as a plain value."""
    return Sent(*(getattr(item, name) for name in _FIELDS))


def set_item_status(items: Sequence[int], status: str) -> None:
    """Puts items where the bank's word says."""
    with connection.cursor() as cursor:
        cursor.execute("update payments_bankitem set status = %s where id = any(%s::bigint[])", [status, plain(items)])
