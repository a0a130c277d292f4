"""Stored files under the current key, after a change of keys: consents, replies, reports, photographs, uploads."""

from __future__ import annotations

from tuodi.crypto.files import reencrypt_file
from tuodi.files.models import StoredFile
from tuodi.files.store import aad_of, path_of

__all__ = ["reseal_files"]


def reseal_files() -> dict[str, int]:
    """Encrypts every stored file of an older key anew, in place. Call it in `system_scope("cn")`.

    Returns: `storedfile` files changed, `storedfile.left` rows whose file is not there.
    Raises: DecryptError.
    """
    changed = left = 0
    for stored in StoredFile.objects.order_by("pk").iterator(1000):
        path = path_of(stored)
        if not path.exists():
            left += 1
            continue
        changed += reencrypt_file(path, aad_of(stored))
    return {"storedfile": changed, "storedfile.left": left}
