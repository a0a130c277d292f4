"""Bringing every stored secret under the current keys, after `keyring.rotate_file`. May be stopped and run again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from django.db import models, transaction

from tuodi.audit.actions import record
from tuodi.crypto import fields
from tuodi.kernel.places import NATION, pad12
from tuodi.org.models import User
from tuodi.people import secrets
from tuodi.people.models import Account, Person

__all__ = ["reseal"]

BATCH = 1000
#: Model, secret's kind, cipher column, index column, how to open it.
COLUMNS: tuple[tuple[type[models.Model], str, str, str | None, Callable[[Any], str]], ...] = (
    (Person, "id", "id_cipher", "id_index", secrets.open_id),
    (Person, "phone", "phone_cipher", None, secrets.open_phone),
    (Account, "account", "account_cipher", "account_index", secrets.open_account),
)


def _batches(rows: models.QuerySet[Any]) -> Iterator[list[Any]]:
    last = 0
    while found := list(rows.filter(pk__gt=last).order_by("pk")[:BATCH]):
        yield found
        last = found[-1].pk


def reseal(*, acting_user: User | None = None) -> dict[str, int]:
    """Encrypts anew what an older key holds, and computes anew every index that is not of the current index key.

    Call it in `system_scope("cn")`. Each thousand rows are one transaction, so readers are not held up.

    Returns: rows changed, by `model.kind`.
    Raises: DecryptError naming the key that is missing.
    """
    changed: dict[str, int] = {}
    for model, kind, cipher, index, opened in COLUMNS:
        name = f"{model._meta.model_name}.{kind}"
        changed[name] = 0
        for batch in _batches(model._default_manager.exclude(**{cipher: None})):
            stale = []
            for row in batch:
                text = opened(row)
                old_key = fields.needs_rotation(getattr(row, cipher))
                if not old_key and (index is None or bytes(getattr(row, index)) == secrets.index_of(kind, text)):
                    continue
                sealed = secrets.seal(kind, text, row.uid)
                setattr(row, cipher, sealed.cipher)
                if index:
                    setattr(row, index, sealed.index)
                stale.append(row)
            with transaction.atomic():
                model._default_manager.bulk_update(stale, [cipher, *([index] if index else [])])
            changed[name] += len(stale)
    record("people.reseal", actor=acting_user, subject_type="keys", subject_id="", region=pad12(NATION), after=changed)
    return changed
