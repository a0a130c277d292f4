"""Long arrays as one literal. The driver quotes each element by itself, which for the lines of a prefecture costs as much as the statement.

The place that takes one casts it: `any(%s::bigint[])`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

__all__ = ["plain", "texts"]


def plain(values: Iterable[int | bool | date | None]) -> str:
    """Numbers, truth values or days; None = null."""
    kept = list(values)
    if None in kept:
        return "{" + ",".join("NULL" if one is None else str(one) for one in kept) + "}"
    return "{" + ",".join(map(str, kept)) + "}"


def texts(values: Iterable[str | None]) -> str:
    """Texts; None = null."""
    kept = list(values)
    if kept and None not in kept:
        joined = '","'.join(kept)  # type: ignore[arg-type]  # none of them is None
        # Nothing in them that would have to be marked: every quotation mark is one of those between them.
        if "\\" not in joined and joined.count('"') == 2 * len(kept) - 2:
            return '{"' + joined + '"}'
    return "{" + ",".join("NULL" if one is None else _quoted(one) for one in kept) + "}"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
