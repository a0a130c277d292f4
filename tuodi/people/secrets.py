"""Sealing and opening identity numbers, phones and accounts. Nothing else in the product handles ciphertext columns.

Each ciphertext is bound to its row by the row's `uid`, so that a value copied into another row does not open.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from tuodi.crypto.fields import decrypt, encrypt
from tuodi.crypto.index import blind_index, candidates
from tuodi.kernel.masking import mask_account, mask_id, mask_phone
from tuodi.people.models import Account, Person

__all__ = ["Sealed", "account_index", "id_indexes", "index_of", "open_account", "open_id", "open_phone", "seal"]

_MASKS = {"id": mask_id, "phone": mask_phone, "resident": mask_phone, "account": mask_account}


@dataclass(frozen=True)
class Sealed:
    """The three columns of one secret value."""

    cipher: bytes
    index: bytes
    masked: str


def _aad(kind: str, uid: uuid.UUID) -> str:
    return f"people.{kind}|{uid}"


def seal(kind: str, text: str, uid: uuid.UUID) -> Sealed:
    """Encrypts one value for one row.

    Args:
        kind: `id`, `phone`, `account`, or `resident` (the phone a resident signs in with).
        text: the normalised value (18 characters for a number).
        uid: the row's `uid`.
    """
    return Sealed(encrypt(text, _aad(kind, uid)), blind_index(text, kind), _MASKS[kind](text))


def open_id(person: Person) -> str:
    """The full identity number, or "" where none is known. The caller has logged why."""
    return decrypt(person.id_cipher, _aad("id", person.uid)) if person.id_cipher else ""


def open_phone(person: Person) -> str:
    """The full phone number, or ""."""
    return decrypt(person.phone_cipher, _aad("phone", person.uid)) if person.phone_cipher else ""


def open_account(account: Account) -> str:
    """The full account number, or ""."""
    return decrypt(account.account_cipher, _aad("account", account.uid)) if account.account_cipher else ""


def id_indexes(text18: str) -> list[bytes]:
    """What to look for to find a number, under every index key in use."""
    return candidates(text18, "id")


def account_index(text: str) -> bytes:
    """The index of an account number under the current key."""
    return index_of("account", text)


def index_of(kind: str, text: str) -> bytes:
    """The index of a value of a kind under the current key."""
    return blind_index(text, kind)
