"""Long arrays as one literal. The driver quotes each element by itself, which for the lines of a prefecture costs as much as the statement.

The place that takes one casts it: `any(%s::bigint[])`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

__all__ = ["plain", "texts"]


def plain(values: Iterable[int | bool | date | None]) -> str:
    """Numbers, truth values or days; None = null."""
    return "{" + ",".join("NULL" if one is None else str(one) for one in values) + "}"


def texts(values: Iterable[str | None]) -> str:
    """Texts; None = null."""
    return "{" + ",".join("NULL" if one is None else _quoted(one) for one in values) + "}"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
