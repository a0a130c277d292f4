"""Bringing stored secrets under the current keys, after `keyring.rotate_file`. May be stopped and run again.

Every room lists its enciphered columns as `Column`s in a module `rotation` of its own; `tuodi keys apply` runs them all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, models, transaction

from tuodi.audit.actions import record
from tuodi.crypto import fields
from tuodi.crypto.index import blind_index
from tuodi.kernel.places import NATION, pad12
from tuodi.org.models import User
from tuodi.people.models import Account, Person, ResidentAccount

__all__ = ["COLUMNS", "Column", "Follower", "reseal"]

BATCH = 1000


def _itself(text: str) -> str:
    return text


@dataclass(frozen=True)
class Column:
    """One enciphered column.

    Attributes:
        name: As it is reported: `person.id`.
        aad: What the ciphertext is bound to, before the row's uid: `people.id`.
        purpose: Of the index: `id`, `account`; empty = no index.
        index: Column of the index; None = none, or it stays as it was made.
        uid: Column of the uid.
        indexed: What of the text is indexed; empty = this row has no index.
    """

    model: type[models.Model]
    name: str
    cipher: str
    aad: str
    purpose: str = ""
    index: str | None = None
    uid: str = "uid"
    indexed: Callable[[str], str] = _itself


@dataclass(frozen=True)
class Follower:
    """A column that holds an index and no text: it can only follow where a row with the text leads.

    Attributes:
        name: As it is reported; `<name>.left` counts what no row led.
        purpose: As in `Column`.
    """

    model: type[models.Model]
    name: str
    index: str
    purpose: str


COLUMNS = (
    Column(Person, "person.id", "id_cipher", "people.id", "id", "id_index"),
    Column(Person, "person.phone", "phone_cipher", "people.phone"),
    Column(ResidentAccount, "resident.phone", "phone_cipher", "people.resident", "resident", "phone_index"),
    Column(Account, "account.account", "account_cipher", "people.account", "account", "account_index"),
)


def _batches(rows: models.QuerySet[Any]) -> Iterator[list[Any]]:
    last = 0
    while found := list(rows.filter(pk__gt=last).order_by("pk")[:BATCH]):
        yield found
        last = found[-1].pk


def reseal(
    columns: Sequence[Column] = COLUMNS, *, followers: Sequence[Follower] = (), acting_user: User | None = None
) -> dict[str, int]:
    """Encrypts anew what an older key holds, and computes anew every index that is not of the current index key.

    Call it in `system_scope("cn")`. Each thousand rows are one transaction, so readers are not held up.

    Returns: rows changed, by name of column.
    Raises: DecryptError naming the key that is missing.
    """
    changed: dict[str, int] = {}
    current: dict[str, set[bytes]] = {one.purpose: set() for one in followers}
    for column in columns:
        changed[column.name] = sum(
            _reseal_batch(column, batch, followers, current)
            for batch in _batches(column.model._default_manager.exclude(**{column.cipher: None}))
        )
    for one in followers:
        held = one.model._default_manager.values_list(one.index, flat=True)
        changed[f"{one.name}.left"] = sum(bytes(index) not in current[one.purpose] for index in held)
    record("people.reseal", actor=acting_user, subject_type="keys", subject_id="", region=pad12(NATION), after=changed)
    return changed


@transaction.atomic
def _reseal_batch(
    column: Column, batch: Sequence[Any], followers: Sequence[Follower], current: dict[str, set[bytes]]
) -> int:
    stale, moved = [], {}
    # Locked and read again: who changes a number meanwhile must not find the old one put back.
    rows = column.model._default_manager.select_for_update(of=("self",)).filter(pk__in=[row.pk for row in batch])
    for row in rows.exclude(**{column.cipher: None}):
        aad = f"{column.aad}|{getattr(row, column.uid)}"
        blob = getattr(row, column.cipher)
        text = fields.decrypt(blob, aad)
        index = blind_index(said, column.purpose) if column.purpose and (said := column.indexed(text)) else None
        if index and column.purpose in current:
            current[column.purpose].add(index)
        held = getattr(row, column.index) if column.index else None
        # An index there was not stays absent: the room that left it out had its reason.
        turns = held is not None and index is not None and bytes(held) != index
        if not turns and not fields.needs_rotation(blob):
            continue
        setattr(row, column.cipher, fields.encrypt(text, aad))
        if turns and column.index and index:
            moved[bytes(held)] = index
            setattr(row, column.index, index)
        stale.append(row)
    column.model._default_manager.bulk_update(stale, [column.cipher, *([column.index] if column.index else [])])
    for one in followers:
        if one.purpose == column.purpose and moved:
            _follow(one, moved)
    return len(stale)


def _follow(one: Follower, moved: dict[bytes, bytes]) -> None:
    rows = one.model._default_manager
    for row in rows.filter(**{f"{one.index}__in": list(moved)}):
        try:
            with transaction.atomic():
                rows.filter(pk=row.pk).update(**{one.index: moved[bytes(getattr(row, one.index))]})
        except IntegrityError:
            continue  # filed under the new key already; the old row finds nobody and does no harm
