"""The frozen record of a run: inputs and results as Parquet in one archive, encrypted at rest, named by its hash."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Collection, Mapping
from pathlib import Path

import polars as pl
from django.conf import settings

from tuodi.files.models import StoredFile
from tuodi.files.store import plain_copy, put_path

__all__ = ["load", "store"]

#: A fixed time in the archive: the same frames give the same bytes and thus one hash.
_EPOCH = (1980, 1, 1, 0, 0, 0)


def _scratch() -> tempfile.TemporaryDirectory[str]:
    base = Path(settings.FILES_DIR) / ".scratch"
    base.mkdir(parents=True, exist_ok=True, mode=0o700)
    return tempfile.TemporaryDirectory(dir=base)


def store(frames: Mapping[str, pl.DataFrame], *, region: str, name: str, purpose: str, by_id: int | None) -> StoredFile:
    """Keeps frames as one encrypted file.

    Args:
        purpose: `pay_inputs` or `pay_results`.
    """
    with _scratch() as folder:
        path = Path(folder) / f"{name}.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
            for key, frame in frames.items():
                part = Path(folder) / f"{key}.parquet"
                frame.write_parquet(part, compression="zstd", compression_level=3)
                archive.writestr(zipfile.ZipInfo(f"{key}.parquet", _EPOCH), part.read_bytes())
        return put_path(path, region=region, name=path.name, purpose=purpose, media_type="application/zip", by_id=by_id)


def load(stored: StoredFile, names: Collection[str] | None = None) -> dict[str, pl.DataFrame]:
    """The frames again, or those of them that are asked for. Raises FileMissingError, FileDamagedError or DecryptError."""
    with plain_copy(stored) as path, zipfile.ZipFile(path) as archive:
        found = {}
        for entry in archive.namelist():
            name = entry.removesuffix(".parquet")
            if names is None or name in names:
                with archive.open(entry) as part:
                    found[name] = pl.read_parquet(part.read())
        return found
