"""Encrypted files in chunks of one MiB, so a register of any size passes through little memory.

Bytes: ``TDF1`` · key number (2) · salt (16) · chunk size (4), then chunks of SM4-GCM ciphertext with their tags. Each
file has its own key, SM3-HMAC of the ring's key over the salt. A chunk's nonce is its number and a mark on the
last one, so chunks cannot be swapped, dropped or added, and a file cut at a chunk's end does not open.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.ciphers.modes import GCM
from cryptography.hazmat.primitives.hashes import SM3
from cryptography.hazmat.primitives.hmac import HMAC

from tuodi.crypto import keyring
from tuodi.crypto.errors import DecryptError
from tuodi.crypto.keyring import Keyring
from tuodi.kernel.disk import write_whole

__all__ = ["CHUNK", "decrypt_file", "decrypt_stream", "encrypt_file", "encrypt_stream", "file_key_id", "reencrypt_file"]

#: Plain bytes of a chunk.
CHUNK = 1 << 20

_MAGIC = b"TDF1"
_SALT = 16
_HEADER = len(_MAGIC) + 2 + _SALT + 4
_TAG = 16
# A reader must not be made to hold more than this by a forged header.
_MAX_CHUNK = 64 << 20


def encrypt_stream(
    source: BinaryIO, aad: str | bytes, *, keys: Keyring | None = None, chunk: int = CHUNK
) -> Iterator[bytes]:
    """Pieces of the encrypted file: the header, then one per chunk; an empty source has one empty chunk."""
    ring = keys or keyring.active()
    number = ring.current("field")
    header = _MAGIC + number.to_bytes(2, "big") + os.urandom(_SALT) + chunk.to_bytes(4, "big")
    key = _file_key(ring, header)
    context = header + (aad.encode() if isinstance(aad, str) else aad)
    yield header
    for at, last, data in _chunks(source, chunk):
        sealer = Cipher(SM4(key), GCM(_nonce(at, last))).encryptor()
        sealer.authenticate_additional_data(context)
        yield sealer.update(data) + sealer.finalize() + sealer.tag


def decrypt_stream(source: BinaryIO, aad: str | bytes, *, keys: Keyring | None = None) -> Iterator[bytes]:
    """Plain chunks, each checked before it is given out.

    That the file is whole is known only after the last chunk: a consumer must not act on the first ones alone.

    Raises:
        DecryptError: Not one of ours, key missing, altered, or cut short.
    """
    ring = keys or keyring.active()
    header = _read(source, _HEADER)
    size = _check_header(header)
    key = _file_key(ring, header)
    context = header + (aad.encode() if isinstance(aad, str) else aad)
    number = int.from_bytes(header[4:6], "big")
    for at, last, data in _chunks(source, size + _TAG):
        if len(data) < _TAG:
            raise DecryptError("truncated", key_id=number)
        opener = Cipher(SM4(key), GCM(_nonce(at, last), data[-_TAG:])).decryptor()
        opener.authenticate_additional_data(context)
        try:
            yield opener.update(data[:-_TAG]) + opener.finalize()
        except InvalidTag:
            raise DecryptError("altered", key_id=number) from None


def encrypt_file(source: Path, target: Path, aad: str | bytes, *, keys: Keyring | None = None) -> None:
    """Write source encrypted to target (mode 0600), whole or not at all. Source stays."""
    with source.open("rb") as file:
        write_whole(target, encrypt_stream(file, aad, keys=keys))


def decrypt_file(source: Path, target: Path, aad: str | bytes, *, keys: Keyring | None = None) -> None:
    """Write source decrypted to target (mode 0600), whole or not at all; nothing plain stays after an error."""
    with source.open("rb") as file:
        write_whole(target, decrypt_stream(file, aad, keys=keys))


def reencrypt_file(path: Path, aad: str | bytes, *, keys: Keyring | None = None) -> bool:
    """Rewrite a file in place under the current key; False if it already is. No plain text touches the disk."""
    ring = keys or keyring.active()
    if file_key_id(path) == ring.current("field"):
        return False
    with path.open("rb") as file:
        plain = _Pieces(decrypt_stream(file, aad, keys=ring))
        write_whole(path, encrypt_stream(plain, aad, keys=ring))  # type: ignore[arg-type]  # only read() is used
    return True


def file_key_id(path: Path) -> int:
    """The number of the key a file was written with. DecryptError if it is none of ours."""
    with path.open("rb") as file:
        header = _read(file, _HEADER)
    _check_header(header)
    return int.from_bytes(header[4:6], "big")


class _Pieces:
    """Lets an iterator of bytes be read like a file."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._rest = b""

    def read(self, size: int) -> bytes:
        while len(self._rest) < size and (piece := next(self._pieces, None)) is not None:
            self._rest += piece
        out, self._rest = self._rest[:size], self._rest[size:]
        return out


def _check_header(header: bytes) -> int:
    if not header.startswith(_MAGIC):
        raise DecryptError("format")
    if len(header) < _HEADER:
        raise DecryptError("truncated")
    size = int.from_bytes(header[-4:], "big")
    if not 0 < size <= _MAX_CHUNK:
        raise DecryptError("format")
    return size


def _file_key(ring: Keyring, header: bytes) -> bytes:
    number = int.from_bytes(header[4:6], "big")
    master = ring.key("field", number)
    if master is None:
        raise DecryptError("unknown_key", key_id=number)
    mac = HMAC(master, SM3())
    mac.update(b"tuodi file key" + header[6 : 6 + _SALT])
    return mac.finalize()[:16]


def _nonce(at: int, last: bool) -> bytes:
    return at.to_bytes(11, "big") + bytes((last,))


def _read(source: BinaryIO, size: int) -> bytes:
    # Pipes and sockets may give less than asked for.
    data = bytearray()
    while len(data) < size and (piece := source.read(size - len(data))):
        data += piece
    return bytes(data)


def _chunks(source: BinaryIO, size: int) -> Iterator[tuple[int, bool, bytes]]:
    """Number, whether it is the last, bytes. One chunk is read ahead, because only the next tells which is last."""
    at, data = 0, _read(source, size)
    while True:
        ahead = _read(source, size) if len(data) == size else b""
        yield at, not ahead, data
        if not ahead:
            return
        at, data = at + 1, ahead
