"""A register at rest brought under the current key; what its file looks like is in `matching.sealed`."""

from __future__ import annotations

import io
import json
import os
import secrets
from pathlib import Path
from typing import BinaryIO

from tuodi.crypto import keyring
from tuodi.crypto.files import encrypt_stream
from tuodi.crypto.keyring import Keyring
from tuodi.kernel.disk import sync_folder
from tuodi.matching.sealed import _MAGIC, _TAIL, _create, _open, _piece, _read_index

__all__ = ["reseal_file"]

#: Where the number of an encrypted file's key ends (see `crypto.files`).
_KEY_MARK = 6


def reseal_file(path: Path, batch: str, *, keys: Keyring | None = None) -> bool:
    """Rewrites a batch under the current key, whole or not at all; False if every piece of it is. Nothing plain on disk.

    Raises:
        DecryptError: As `open_sealed`.
    """
    with path.open("rb") as source:
        seal, index = _read_index(source, batch, keys)
        places = [(half, at) for at in range(len(index["parts"])) for half in ("hot", "rest")]
        pieces = [_piece(source, index["parts"][at][half])[:_KEY_MARK] for half, at in places]
        current = f"{(keys or keyring.active()).current('field'):04x}"
        if all(piece[4:_KEY_MARK].hex() == current for piece in pieces) and _index_key(source) == current:
            return False
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            with _create(temporary) as out:
                out.write(_MAGIC + bytes.fromhex(seal))
                for half, at in places:
                    aad = f"register|{batch}|{seal}|{half}|{at}"
                    plain = _open(_piece(source, index["parts"][at][half]), aad, keys)
                    data = b"".join(encrypt_stream(io.BytesIO(plain), aad, keys=keys))
                    index["parts"][at][half] = [out.tell(), len(data)]
                    out.write(data)
                plain = json.dumps(index).encode()
                data = b"".join(encrypt_stream(io.BytesIO(plain), f"register|{batch}|{seal}|index|0", keys=keys))
                out.write(data + len(data).to_bytes(8, "big") + _MAGIC)
                out.flush()
                os.fsync(out.fileno())
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
    sync_folder(path.parent)
    return True


def _index_key(source: BinaryIO) -> str:
    """Number of the key that sealed the index, four hex digits."""
    size = source.seek(0, os.SEEK_END)
    source.seek(size - _TAIL)
    length = int.from_bytes(source.read(8), "big")
    return _piece(source, (size - _TAIL - length, _KEY_MARK))[4:].hex()
