"""Writing cells that no spreadsheet takes for a formula (CSV injection)."""

from __future__ import annotations

__all__ = ["STARTERS", "harmless"]

#: Signs that make a spreadsheet take a cell for a formula.
STARTERS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20", "|", "%")


def harmless(cell: object) -> str:
    """A cell as text; one that could start a formula gets an apostrophe in front, control characters go.

    Plain negative numbers get it as well: in an error sheet nobody computes with them.
    """
    text = "" if cell is None else str(cell)
    shown = "".join(c if c.isprintable() or c in "\t\n\r" else "" for c in text)
    return "'" + shown if shown.lstrip(" \u3000").startswith(STARTERS) else shown
