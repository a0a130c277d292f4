"""Keeping and opening files: encrypted at rest, named by the hash of what they hold.

The path is `<first six of region>/<first two of hash>/<hash>-<purpose>`: the same bytes in two places are two files,
so that a place's files can be moved or destroyed alone. The row is visible by place range; whoever has the row may
open the file. This room lies below `org`, so doors are opened by the caller.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO

from django.conf import settings
from django.db import transaction

from tuodi.crypto.files import decrypt_file, decrypt_stream, encrypt_file
from tuodi.files.errors import FileDamagedError, FileMissingError
from tuodi.files.models import StoredFile
from tuodi.kernel import clock

__all__ = [
    "aad_of",
    "clear_scratch",
    "open_plain",
    "path_of",
    "plain_copy",
    "put_bytes",
    "put_path",
    "remove",
    "safe_name",
]

_CHUNK = 1 << 20
#: No work is so long that what it keeps in scratch lies untouched for so many seconds.
_LEFT_BEHIND = 24 * 3600


def safe_name(name: str) -> str:
    """A file name without folders or control characters, at most 200 signs."""
    last = re.split(r"[/\\]", name)[-1]
    kept = "".join(sign for sign in last if sign.isprintable()).strip(". ")
    return kept[-200:] or "file"


def path_of(stored: StoredFile) -> Path:
    """Where the encrypted bytes lie."""
    name = f"{stored.sha256}-{stored.purpose}"
    return Path(settings.FILES_DIR) / stored.region[:6] / stored.sha256[:2] / name


def aad_of(stored: StoredFile) -> str:
    """What a file's ciphertext is bound to."""
    return f"files|{stored.region[:6]}|{stored.sha256}|{stored.purpose}"  # as the path: one copy a county


@transaction.atomic
def put_path(
    source: Path, *, region: str, name: str, purpose: str, media_type: str = "", by_id: int | None = None
) -> StoredFile:
    """Stores a file; the same bytes again in the same place and for the same purpose give the row there is.

    Args:
        source: the plain file; it stays.
        region: 12-character place code; must lie in the scope.
        purpose: `roll_import`, `bank_file`, `snapshot` …: ASCII, it is part of the path.
        by_id: the user's number; None = the system.
    """
    digest = hashlib.sha256()
    size = 0
    with source.open("rb") as handle:
        while chunk := handle.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
    if not re.fullmatch(r"[a-z0-9_]{1,40}", purpose):
        raise ValueError(f"purpose {purpose!r} must be a short ASCII word")
    stored, _made = StoredFile.objects.get_or_create(
        region=region,
        sha256=digest.hexdigest(),
        purpose=purpose,
        defaults={
            "size": size,
            "name": safe_name(name),
            "media_type": media_type or "application/octet-stream",
            "stored_at": clock.now(),
            "by_id": by_id,
        },
    )
    target = path_of(stored)
    if not target.exists():  # also after a roll-back or a loss: the bytes at hand are the right ones
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        encrypt_file(source, target, aad_of(stored))
    return stored


def put_bytes(
    data: bytes, *, region: str, name: str, purpose: str, media_type: str = "", by_id: int | None = None
) -> StoredFile:
    """Stores bytes; see `put_path`."""
    with _private() as folder:
        source = folder / "plain"
        source.write_bytes(data)
        return put_path(source, region=region, name=name, purpose=purpose, media_type=media_type, by_id=by_id)


@transaction.atomic
def remove(stored: StoredFile) -> None:
    """Destroys a file and its row, once the transaction is done. Bytes that another row of the county needs stay.

    For what must not be kept (a draft that was given up). The caller has taken away what pointed at the row.
    """
    path = path_of(stored)
    others = StoredFile.objects.filter(
        sha256=stored.sha256, purpose=stored.purpose, region__startswith=stored.region[:6]
    )
    shared = others.exclude(pk=stored.pk).exists()
    stored.delete()
    if not shared:
        transaction.on_commit(partial(path.unlink, missing_ok=True))


def open_plain(stored: StoredFile) -> BinaryIO:
    """The plain bytes in memory, checked against the row (small files: forms, bank files).

    Raises: FileMissingError, FileDamagedError, DecryptError.
    """
    path = path_of(stored)
    if not path.exists():
        raise FileMissingError(stored.pk)
    with path.open("rb") as handle:
        data = b"".join(decrypt_stream(handle, aad_of(stored)))
    if hashlib.sha256(data).hexdigest() != stored.sha256:
        raise FileDamagedError(stored.pk)
    return io.BytesIO(data)


@contextmanager
def plain_copy(stored: StoredFile) -> Iterator[Path]:
    """A plain copy in a private folder for the time of the block (large registers), then removed.

    Raises: FileMissingError, FileDamagedError, DecryptError.
    """
    path = path_of(stored)
    if not path.exists():
        raise FileMissingError(stored.pk)
    with _private() as folder:
        copy = folder / safe_name(stored.name)
        decrypt_file(path, copy, aad_of(stored))
        digest = hashlib.sha256()
        with copy.open("rb") as handle:
            while chunk := handle.read(_CHUNK):
                digest.update(chunk)
        if digest.hexdigest() != stored.sha256:
            raise FileDamagedError(stored.pk)
        yield copy


@contextmanager
def _private() -> Iterator[Path]:
    base = Path(settings.FILES_DIR) / ".scratch"
    base.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.chmod(base, 0o700)
    with tempfile.TemporaryDirectory(dir=base) as folder:
        yield Path(folder)


def clear_scratch() -> int:
    """Destroys what killed processes left in the scratch folder, where files are plain for a moment. Returns how many.

    A process that is killed removes nothing. What anybody has touched within a day stays: it may be in use.
    """
    # The system's time, because files carry it; the product's clock may be set.
    before = time.time() - _LEFT_BEHIND
    count = 0
    for entry in (Path(settings.FILES_DIR) / ".scratch").glob("*"):
        if _touched(entry) < before:
            shutil.rmtree(entry, ignore_errors=True) if entry.is_dir() else entry.unlink(missing_ok=True)
            count += not entry.exists()
    return count


def _touched(entry: Path) -> float:
    """When an entry or anything in it was last written; what goes away meanwhile is in use."""
    try:
        return max(one.lstat().st_mtime for one in (entry, *entry.rglob("*")))
    except FileNotFoundError:
        return time.time()
