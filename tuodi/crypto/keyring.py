"""The keyring: numbered SM4 keys for fields and files, numbered SM3 keys for look-up indexes.

Written as lines ``kind:number:hex`` (``;`` or a new line between them, ``#`` begins a comment) in the variable
``TUODI_KEYS`` or in a file only its owner can read. The highest number of a kind is used to write; all are used to
read. Keys never appear in errors, logs or ``repr``.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Literal, get_args

from cryptography.hazmat.primitives.hashes import SM3
from cryptography.hazmat.primitives.hmac import HMAC

from tuodi.crypto.errors import KeyringError

__all__ = ["ENV", "Keyring", "active", "install", "rotate_file"]

#: The environment variable that wins over the file.
ENV = "TUODI_KEYS"

Kind = Literal["field", "index"]
_SIZES: Mapping[str, int] = {"field": 16, "index": 32}
_MAX_ID = 0xFFFF


class Keyring:
    """Keys in memory. Immutable.

    Args:
        field: Number -> 16 bytes, for SM4.
        index: Number -> 32 bytes, for SM3-HMAC.

    Raises:
        KeyringError: A kind is empty, or a number or length is wrong.
    """

    __slots__ = ("_field", "_index")

    def __init__(self, field: Mapping[int, bytes], index: Mapping[int, bytes]) -> None:
        for kind, keys in (("field", field), ("index", index)):
            if not keys:
                raise KeyringError(f"密钥环缺少 {kind} 密钥。请恢复完整的密钥文件，见 docs/howto/keys.md。", kind=kind)
            for number, key in keys.items():
                if not 1 <= number <= _MAX_ID:
                    raise KeyringError(
                        f"{kind} 密钥编号 {number} 不在 1 到 {_MAX_ID} 之间。请改正密钥文件。", kind=kind
                    )
                if len(key) != _SIZES[kind]:
                    raise KeyringError(
                        f"{kind} 密钥 {number} 应为 {_SIZES[kind]} 字节，现为 {len(key)} 字节。请恢复原来的密钥文件。",
                        kind=kind,
                        number=number,
                    )
        self._field = MappingProxyType(dict(field))
        self._index = MappingProxyType(dict(index))

    def __repr__(self) -> str:
        return f"Keyring(field={sorted(self._field)}, index={sorted(self._index)})"

    def __reduce__(self) -> tuple[object, ...]:
        # A pickle of it would write the keys into a job queue or a cache.
        raise TypeError("a keyring is never pickled")

    @classmethod
    def generate(cls) -> Keyring:
        """A new keyring with one random key of each kind, both number 1."""
        return cls({1: secrets.token_bytes(16)}, {1: secrets.token_bytes(32)})

    @classmethod
    def parse(cls, text: str) -> Keyring:
        """Read the written form.

        Raises:
            KeyringError: Names the entry by its position, never by its content.
        """
        keys: dict[str, dict[int, bytes]] = {"field": {}, "index": {}}
        lines = (line.partition("#")[0].strip() for line in text.replace(";", "\n").splitlines())
        for place, line in enumerate((line for line in lines if line), 1):
            kind, _, rest = line.partition(":")
            number, _, hexed = rest.partition(":")
            try:
                known = keys[kind.strip()]
                key_id, key = int(number), bytes.fromhex(hexed)
            except (KeyError, ValueError):
                raise KeyringError(
                    f"密钥环第 {place} 条写法不对。应为 field:编号:十六进制 或 index:编号:十六进制。", place=place
                ) from None
            if key_id in known:
                raise KeyringError(f"密钥环第 {place} 条与前面的编号重复。同一编号只能有一把密钥。", place=place)
            known[key_id] = key
        return cls(keys["field"], keys["index"])

    @classmethod
    def from_env_or_file(cls, path: Path, *, create: bool = False) -> Keyring:
        """The keys of ``TUODI_KEYS``, else of the file.

        Args:
            path: The key file; must be readable by its owner only.
            create: Make a new file where there is none. For a first set-up only: new keys open no old data.

        Raises:
            KeyringError: Neither exists, the file is readable by others, or its content is wrong.
        """
        text = os.environ.get(ENV)
        if text:
            return cls.parse(text)
        if create and not path.exists():
            made = cls.generate()
            try:
                made.save(path)
            except FileExistsError:
                pass  # another process was first; its file is read below
            else:
                return made
        return cls.parse(_read_private(path))

    def save(self, path: Path) -> None:
        """Write a new key file, mode 0600. Never overwrites: FileExistsError."""
        path.parent.mkdir(parents=True, exist_ok=True)
        # Written whole under another name first, so that nobody ever reads half a keyring.
        temporary = _write_private(path, self.written())
        try:
            os.link(temporary, path)
        finally:
            temporary.unlink()

    def written(self) -> str:
        """The text form with the keys in it. For key files and sealed copies only."""
        lines = ["# 托底密钥。丢失后数据无法恢复；不得与备份放在一起。见 docs/howto/keys.md"]
        for kind, keys in (("field", self._field), ("index", self._index)):
            lines += [f"{kind}:{number}:{keys[number].hex()}" for number in sorted(keys)]
        return "\n".join(lines) + "\n"

    def rotated(self, kind: Kind = "field") -> Keyring:
        """A keyring with one more key of a kind, which becomes the one to write with."""
        field, index = dict(self._field), dict(self._index)
        keys = field if kind == "field" else index
        keys[max(keys) + 1] = secrets.token_bytes(_SIZES[kind])
        return Keyring(field, index)

    def without(self, kind: Kind, number: int) -> Keyring:
        """A keyring without an old key, after everything has been written anew. KeyringError for the current one."""
        if number == self.current(kind):
            raise KeyringError(
                f"{kind} 密钥 {number} 正在使用，不能移除。请先轮换并重新加密。", kind=kind, number=number
            )
        field, index = dict(self._field), dict(self._index)
        (field if kind == "field" else index).pop(number, None)
        return Keyring(field, index)

    def numbers(self, kind: Kind) -> tuple[int, ...]:
        """The numbers of a kind, newest first."""
        return tuple(sorted(self._field if kind == "field" else self._index, reverse=True))

    def current(self, kind: Kind) -> int:
        """The number to write with."""
        return self.numbers(kind)[0]

    def key(self, kind: Kind, number: int) -> bytes | None:
        """Key bytes; None if the ring has not that number."""
        return (self._field if kind == "field" else self._index).get(number)

    def check_values(self) -> dict[str, str]:
        """A short public mark of each key: ``{"field:1": "9f04c1d2"}``.

        Stored in the database it tells at start-up that a key file belongs to this database. Eight hex digits
        of an HMAC give nothing away.
        """
        marks = {}
        for kind in get_args(Kind):
            for number in sorted(self.numbers(kind)):
                mac = HMAC(self.key(kind, number) or b"", SM3())
                mac.update(b"tuodi key check value")
                marks[f"{kind}:{number}"] = mac.finalize()[:4].hex()
        return marks


def rotate_file(path: Path, kind: Kind = "field") -> Keyring:
    """Add a key to the key file, in one atomic step, and return the new ring. Running processes must restart."""
    ring = Keyring.parse(_read_private(path)).rotated(kind)
    os.replace(_write_private(path, ring.written()), path)
    return ring


def _read_private(path: Path) -> str:
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError as error:
        raise KeyringError(
            f"读不到密钥文件 {path}（{error.strerror}）。请设置环境变量 {ENV}，或从密封备份恢复密钥文件。",
            path=str(path),
        ) from None
    with os.fdopen(descriptor, encoding="utf-8") as file:
        # Asked of the open file, so it cannot be swapped between the test and the reading.
        if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
            raise KeyringError(
                f"密钥文件 {path} 可被其他用户读取。请执行 chmod 600 后重试，并考虑轮换密钥。", path=str(path)
            )
        return file.read()


def _write_private(path: Path, text: str) -> Path:
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    return temporary


_active: Keyring | None = None


def install(ring: Keyring | None) -> None:
    """Set the ring that ``fields``, ``index`` and ``files`` use when none is passed; None takes it away."""
    global _active
    _active = ring


def active() -> Keyring:
    """The installed ring. KeyringError if start-up installed none."""
    if _active is None:
        raise KeyringError(f"尚未装入密钥。请设置环境变量 {ENV} 或密钥文件后重新启动。")
    return _active
