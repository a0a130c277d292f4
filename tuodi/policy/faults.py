"""Faults a pack author can act on: file, line, what is wrong, what to do. Collected all at once, never one by one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

__all__ = ["Fault", "PolicyErrors", "Where", "did_you_mean"]


@dataclass(frozen=True)
class Where:
    """The place in a file a definition was read from."""

    file: str
    line: int


@dataclass(frozen=True, order=True)
class Fault:
    """One thing to mend in one file. `severity` is `error` (the book does not load) or `warning` (printed, shown)."""

    file: str
    line: int
    message: str
    severity: str = "error"

    @classmethod
    def at(cls, where: Where, message: str, severity: str = "error") -> Fault:
        """A fault where something was defined."""
        return cls(where.file, where.line, message, severity)

    def __str__(self) -> str:
        mark = "提醒: " if self.severity == "warning" else ""
        return f"{self.file}:{self.line}: {mark}{self.message}"


class PolicyErrors(Exception):  # noqa: N818 - it is the plural of what a clerk must mend
    """All errors found in a set of packs.

    Attributes:
        faults: every fault, sorted by file and line.
    """

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = sorted(set(faults))
        super().__init__("\n".join(map(str, self.faults)))


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`,是否想写“x”` if a known name is close, else an empty string."""
    close = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"，是否想写“{close[0]}”" if close else ""
