"""The book of law this site decides by: the shipped packs, the site's overlays, and what was adopted on screen (`standards`)."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from pathlib import Path

from django.conf import settings

from tuodi.cases.procedures import policy_dirs
from tuodi.kernel.periods import Month
from tuodi.kernel.places import trim
from tuodi.policy.book import Book
from tuodi.rules import Plan, load_book, plan_for
from tuodi.standards.book import adopted_over, forget
from tuodi.verification.errors import MissingLimitError

__all__ = ["book", "limit", "place_of", "plan", "profile_value", "reload"]


@lru_cache(maxsize=2)
def _book(dirs: tuple[Path, ...]) -> Book:
    cache = Path(settings.STATIC_ROOT).parent / "cache"
    return load_book([dirs[0]], overlays=dirs[1:], cache=cache)


def book(*, fresh: bool = False) -> Book:
    """The checked book. Raises PolicyErrors with every fault of every file.

    Args:
        fresh: what was adopted on screen is asked for now; otherwise once a request. For long work.
    """
    return adopted_over(_book(policy_dirs()), fresh=fresh)


_MOST_PLANS = 256
_plans: dict[tuple[str, str, date, Month], Plan] = {}


def plan(place: str, case_date: date, month: Month) -> Plan:
    """The plan of a place (significant digits), case date and month paid for."""
    known = book()
    key = (known.digest, place, case_date, month)
    found = _plans.get(key)
    if found is None:
        while len(_plans) >= _MOST_PLANS:
            _plans.pop(next(iter(_plans)), None)
        found = _plans[key] = plan_for(known, place, case_date, month)
    return found


def profile_value(name: str, place: str, on: date) -> int | None:
    """A whole number of a place's profile on a day; None where no pack gives one.

    Args:
        name: without `profile.`. place: a region or a significant prefix.
    """
    known = book()
    row = known.value(f"profile.{name}", known.chain(place_of(place)), (), on)
    return None if row is None or row.value is None else int(row.value)


def limit(name: str, place: str, on: date) -> int:
    """The value of a limit in a place on a day.

    Args:
        place: a region or a significant prefix.
    Raises: MissingLimitError where no pack gives one: a limit is never guessed.
    """
    found = profile_value(name, place, on)
    if found is None:
        known = book().params.get(f"profile.{name}")
        raise MissingLimitError(known.label if known else name, place)
    return found


def reload() -> None:
    """Forgets book and plans; files are read again."""
    _book.cache_clear()
    _plans.clear()
    forget()


def place_of(region: str) -> str:
    """The place whose rules hold for a row: its town or, without one, its county, as significant digits.

    Villages have no rules of their own; a town has where standards differ by tier of towns.
    """
    return trim(region)[:9]
