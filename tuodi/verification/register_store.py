"""Where batches lie: one encrypted file each below the files folder, opened for a block, destroyed with its raw upload."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from django.conf import settings
from django.db import transaction

from tuodi.files.models import StoredFile
from tuodi.files.store import path_of
from tuodi.matching.sealed import SealedBatch, open_sealed
from tuodi.verification.models import RegisterBatch
from tuodi.verification.register_errors import BatchGoneError

__all__ = ["destroy", "forget_raw", "identity", "open_batch", "relative_path", "scratch", "sha256"]

RAW = "register_raw"


def identity(batch: RegisterBatch) -> str:
    """What a batch's file is sealed with: it opens for no other batch."""
    return str(batch.pk)


def relative_path(batch: RegisterBatch) -> str:
    """Below the files folder."""
    return f"registers/{batch.place_code[:6]}/{batch.pk}.sealed"


def path(batch: RegisterBatch) -> Path:
    """Where the encrypted file lies, or is to lie."""
    return Path(settings.FILES_DIR) / (batch.sealed or relative_path(batch))


def scratch() -> Path:
    """The folder for what is plain for a moment; only the system's user may enter."""
    folder = Path(settings.FILES_DIR) / ".scratch"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.chmod(folder, 0o700)
    return folder


@contextmanager
def open_batch(batch: RegisterBatch) -> Iterator[SealedBatch]:
    """A batch opened for a block: `hot()` for the sweep, `rest_rows(rows)` for the evidence of hits.

    Raises: BatchGoneError, DecryptError.
    """
    if batch.state != RegisterBatch.State.READY or not path(batch).exists():
        raise BatchGoneError(batch.batch_no, batch.get_state_display())
    with open_sealed(path(batch), identity(batch), scratch=scratch()) as opened:
        yield opened


def destroy(batch: RegisterBatch) -> None:
    """Removes the encrypted file; nothing of the register stays but hits and counts."""
    path(batch).unlink(missing_ok=True)


def forget_raw(region: str, hashes: list[str]) -> None:
    """Removes uploads kept for the time of an import. Runs in a scope that holds the place.

    The bytes go after the commit: a process killed before it must find them again with its row.
    """
    for stored in StoredFile.objects.filter(region=region, sha256__in=hashes, purpose=RAW):
        transaction.on_commit(partial(path_of(stored).unlink, missing_ok=True))
        stored.delete()


def sha256(file: Path) -> str:
    """Of the raw bytes."""
    digest = hashlib.sha256()
    with file.open("rb") as source:
        while chunk := source.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()
