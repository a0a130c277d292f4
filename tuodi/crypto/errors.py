"""Errors of this room.

CryptoError
├── KeyringError   keys missing, badly written or too widely readable
└── DecryptError   a text or file that does not open: wrong key, wrong place, changed or cut short
"""

from __future__ import annotations

from tuodi.kernel.errors import TuodiError

__all__ = ["CryptoError", "DecryptError", "KeyringError"]


class CryptoError(TuodiError):
    """Base of this room."""

    code = "crypto"


class KeyringError(CryptoError):
    """No usable keys. The sentence never contains key material."""

    code = "crypto.keyring"


class DecryptError(CryptoError):
    """A secret did not open. Says which key it asks for, never what was inside.

    Attributes:
        reason: ``format``, ``unknown_key``, ``altered`` or ``truncated``.
    """

    code = "crypto.decrypt"

    def __init__(self, reason: str, *, key_id: int | None = None) -> None:
        self.reason = reason
        why = {
            "format": "不是本系统的密文",
            "unknown_key": f"需要编号为 {key_id} 的密钥，而密钥环中没有",
            "altered": "密钥不对、内容被改动，或被移到了别的字段",
            "truncated": "内容不完整",
        }[reason]
        super().__init__(
            f"密文不能解开：{why}。请核对密钥文件是否与数据库、备份同属一套，并查看审计记录。",
            reason=reason,
            key_id=key_id,
        )
