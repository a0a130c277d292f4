"""Names of places for pages: the shipped list, and what this site has added to it."""

from __future__ import annotations

from datetime import date
from functools import lru_cache

from tuodi.kernel import clock
from tuodi.kernel.places import NATION, PlaceError, national_tree, parents, trim
from tuodi.org.places import place_name


def name(code: str, on: date | None = None) -> str:
    """The name of a place (significant prefix or 12-character region); the code itself where nobody knows it."""
    if not code:
        return "—"
    short = trim(code)
    if short == NATION:
        return "全国"
    on = on or clock.today()
    return _shipped(short, on) or place_name(short, on)


@lru_cache(maxsize=8192)  # the shipped list does not change while a process runs
def _shipped(short: str, on: date) -> str:
    """The name in the shipped list; empty where it is not there."""
    try:
        return national_tree().name(short, on)
    except PlaceError:
        return ""


def names(code: str) -> list[str]:
    """Names from the province down to the place itself: 湖北省, 荆门市, 掇刀区."""
    chain = [found for found in parents(trim(code)) if found != NATION]
    return [name(found) for found in reversed(chain)] or [name(NATION)]


def path(code: str, levels: int = 2) -> str:
    """The last names of the chain: 掇刀石街道 白庙社区."""
    return " ".join(names(code)[-levels:])
