"""The encryption keys of this process: from `TUODI_KEYS`, else from the 0600 file `keys` in the state folder."""

from __future__ import annotations

import os
from pathlib import Path

from tuodi.config.paths import var_dir
from tuodi.crypto import keyring
from tuodi.crypto.keyring import ENV, Keyring


def key_file() -> Path:
    """Where the key file of this state folder is."""
    return var_dir() / "keys"


def install(*, testing: bool = False) -> None:
    """Installs the keys if there are any. Where there are none, the first use of one says so.

    Tests get fresh keys in memory: nothing they write outlives them.
    """
    if testing:
        keyring.install(Keyring.generate())
    elif os.environ.get(ENV) or key_file().exists():
        keyring.install(Keyring.from_env_or_file(key_file()))


def create_if_new(*, has_ciphertexts: bool) -> bool:
    """Makes the key file on a first set-up. Never where encrypted values exist: new keys could not open them.

    Returns: whether a file was made.
    """
    if os.environ.get(ENV) or key_file().exists() or has_ciphertexts:
        return False
    keyring.install(Keyring.from_env_or_file(key_file(), create=True))
    return True
