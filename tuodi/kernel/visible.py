"""Text without signs nobody sees: two names that look alike must compare alike, and none may turn the line it stands in.

Unicode TR36, TR39: zero-width signs, direction marks and control characters are dropped; private-use signs stay, since rare
Chinese names are written with them.
"""

from __future__ import annotations

import unicodedata

__all__ = ["visible"]


def visible(text: str) -> str:
    """The text without format and control signs (Cf, Cc), blanks folded to single plain ones, trimmed."""
    shown = "".join(" " if sign.isspace() else sign for sign in text)
    return " ".join("".join(sign for sign in shown if unicodedata.category(sign) not in ("Cf", "Cc")).split())
