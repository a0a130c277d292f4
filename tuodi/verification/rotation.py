"""What this room keeps enciphered, for a change of keys: supporters' numbers, and registers at rest."""

from __future__ import annotations

from django.db import transaction

from tuodi.matching.sealed import reseal_file
from tuodi.people.rotation import Column
from tuodi.verification import register_store
from tuodi.verification.models import RegisterBatch, Supporter

__all__ = ["COLUMNS", "reseal_batches"]

COLUMNS = (Column(Supporter, "supporter.id", "id_cipher", "people.id", "id", "id_index"),)


def reseal_batches() -> dict[str, int]:
    """Brings every batch at rest under the current key; one that is being imported is left to the next run.

    Returns: `registerbatch` files changed, `registerbatch.left` files left out or missing.
    Raises: DecryptError.
    """
    changed = left = 0
    rows = RegisterBatch.objects.exclude(sealed="").exclude(state=RegisterBatch.State.PURGED)
    for pk in rows.order_by("pk").values_list("pk", flat=True):
        with transaction.atomic():
            batch = RegisterBatch.objects.select_for_update(of=("self",)).get(pk=pk)
            file = register_store.path(batch)
            if batch.state == RegisterBatch.State.IMPORTING or not file.exists():
                left += batch.state in (RegisterBatch.State.IMPORTING, RegisterBatch.State.READY)
                continue
            changed += reseal_file(file, register_store.identity(batch))
    return {"registerbatch": changed, "registerbatch.left": left}
