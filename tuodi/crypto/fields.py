"""One encrypted value of one column: SM4-GCM with the key's number in front.

Bytes: version 1 (1) · key number (2, big endian) · nonce (12) · ciphertext · tag (16). The header and the caller's
``aad`` are authenticated, so a value moved to another column, or marked with another key, does not open.
"""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.ciphers.modes import GCM

from tuodi.crypto import keyring
from tuodi.crypto.errors import DecryptError, KeyringError
from tuodi.crypto.keyring import Keyring

__all__ = ["OVERHEAD", "decrypt", "encrypt", "key_id", "needs_rotation", "reencrypt"]

_VERSION = 1
_HEADER = 3
_NONCE = 12
_TAG = 16

#: How many bytes a ciphertext is longer than its UTF-8 text.
OVERHEAD = _HEADER + _NONCE + _TAG


def encrypt(text: str, aad: str | bytes, *, keys: Keyring | None = None) -> bytes:
    """Encrypt a text with the current key. The same text gives different bytes each time.

    Args:
        text: Any text, empty included.
        aad: Where the value lives, ``"people.person.id_no"``; must be the same on reading. A value that must not
            be moved between rows carries the row's key too.
        keys: None = the installed ring.
    """
    ring = keys or keyring.active()
    number = ring.current("field")
    header = bytes((_VERSION,)) + number.to_bytes(2, "big")
    nonce = os.urandom(_NONCE)
    sealer = Cipher(SM4(_key(ring, number)), GCM(nonce)).encryptor()
    sealer.authenticate_additional_data(header + _bytes(aad))
    body = sealer.update(text.encode()) + sealer.finalize()
    return header + nonce + body + sealer.tag


def decrypt(blob: bytes | memoryview, aad: str | bytes, *, keys: Keyring | None = None) -> str:
    """Open a value.

    Raises:
        DecryptError: Not one of ours, its key is not in the ring, or key, content or aad differ.
    """
    ring = keys or keyring.active()
    blob = bytes(blob)
    number = key_id(blob)
    key = ring.key("field", number)
    if key is None:
        raise DecryptError("unknown_key", key_id=number)
    opener = Cipher(SM4(key), GCM(blob[_HEADER : _HEADER + _NONCE], blob[-_TAG:])).decryptor()
    opener.authenticate_additional_data(blob[:_HEADER] + _bytes(aad))
    try:
        return (opener.update(blob[_HEADER + _NONCE : -_TAG]) + opener.finalize()).decode()
    except InvalidTag:
        raise DecryptError("altered", key_id=number) from None


def key_id(blob: bytes | memoryview) -> int:
    """The number of the key a value was written with. DecryptError if it is too short or of another format."""
    blob = bytes(blob)
    if len(blob) < OVERHEAD or blob[0] != _VERSION:
        raise DecryptError("truncated" if blob[:1] == bytes((_VERSION,)) else "format")
    return int.from_bytes(blob[1:_HEADER], "big")


def needs_rotation(blob: bytes | memoryview, *, keys: Keyring | None = None) -> bool:
    """True if a value was written with an older key than the current one."""
    return key_id(blob) != (keys or keyring.active()).current("field")


def reencrypt(blob: bytes | memoryview, aad: str | bytes, *, keys: Keyring | None = None) -> bytes:
    """The value under the current key; unchanged bytes if it already is, so a rotation job may be run again."""
    ring = keys or keyring.active()
    return encrypt(decrypt(blob, aad, keys=ring), aad, keys=ring) if needs_rotation(blob, keys=ring) else bytes(blob)


def _key(ring: Keyring, number: int) -> bytes:
    key = ring.key("field", number)
    if key is None:
        raise KeyringError(f"密钥环中没有 field 密钥 {number}。请恢复密钥文件。", number=number)
    return key


def _bytes(aad: str | bytes) -> bytes:
    return aad.encode() if isinstance(aad, str) else aad
