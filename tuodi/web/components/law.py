"""The loaded packs for pages that only read them, kept for the life of the process."""

from __future__ import annotations

from functools import cache

from tuodi.policy import Book
from tuodi.policy.model import Fact
from tuodi.rules import load_book


@cache
def book() -> Book:
    """The shipped packs, checked once a process."""
    return load_book()


@cache
def facts() -> dict[tuple[str, str], Fact]:
    """Declared facts by (level, name)."""
    return {(fact.level, fact.name): fact for fact in book().draft.facts}
