"""Blind indexes: equality look-up of encrypted values by keyed SM3-HMAC.

The same text, purpose and key give the same 16 bytes, so a unique index and a join work; without the key the bytes
cannot be tried out against the list of all numbers. Values must be normalised before (``kernel.identity``).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from cryptography.hazmat.primitives.hashes import SM3
from cryptography.hazmat.primitives.hmac import HMAC

from tuodi.crypto import keyring
from tuodi.crypto.errors import KeyringError
from tuodi.crypto.keyring import Keyring

__all__ = ["SIZE", "blind_index", "blind_indexes", "candidates"]

#: Bytes of an index. 128 bits: among 1.4 billion numbers a collision is less likely than 1 in 10**20.
SIZE = 16


def blind_index(text: str, purpose: str, *, keys: Keyring | None = None, number: int | None = None) -> bytes:
    """The index of one value.

    Args:
        text: The normalised value.
        purpose: What kind of value, ``"id"``, ``"phone"``, ``"account"``; indexes of different purposes never meet.
        keys: None = the installed ring.
        number: An older index key; None = the current one.
    """
    mac = _prepared(_key(keys, number), purpose).copy()
    mac.update(text.encode())
    return mac.finalize()[:SIZE]


def blind_indexes(texts: Iterable[str | None], purpose: str, *, keys: Keyring | None = None) -> list[bytes | None]:
    """The indexes of many values, in order; None stays None. For imports."""
    prepared = _prepared(_key(keys, None), purpose)
    out: list[bytes | None] = []
    for text in texts:
        if text is None:
            out.append(None)
        else:
            mac = prepared.copy()
            mac.update(text.encode())
            out.append(mac.finalize()[:SIZE])
    return out


def candidates(text: str, purpose: str, *, keys: Keyring | None = None) -> list[bytes]:
    """The index under each key of the ring, newest first: to search while an index key is being rotated."""
    ring = keys or keyring.active()
    return [blind_index(text, purpose, keys=ring, number=number) for number in ring.numbers("index")]


def _key(keys: Keyring | None, number: int | None) -> bytes:
    ring = keys or keyring.active()
    key = ring.key("index", ring.current("index") if number is None else number)
    if key is None:
        raise KeyringError(f"密钥环中没有 index 密钥 {number}。请恢复密钥文件。", number=number)
    return key


@lru_cache(maxsize=32)
def _prepared(key: bytes, purpose: str) -> HMAC:
    mac = HMAC(key, SM3())
    label = purpose.encode()
    # The length in front keeps ("id", "1x") and ("id1", "x") apart.
    mac.update(len(label).to_bytes(2, "big") + label)
    return mac
