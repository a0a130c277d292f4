"""What the packs say about this site's one door: papers, lines, needs, referrals. Loaded once a process."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from pathlib import Path

from tuodi.cases.procedures import policy_dirs, site_chain
from tuodi.kernel.places import trim
from tuodi.policy import counter
from tuodi.policy.counter import Counter, Line, Material, NeedKind, Push, Referral

__all__ = ["lines_of", "materials_of", "needs_of", "pushes_of", "referral_of", "reload"]


@lru_cache(maxsize=4)
def _loaded(dirs: tuple[Path, ...]) -> Counter:
    return counter.load(dirs)


def reload() -> None:
    """Forgets the loaded lists; files are read again."""
    _loaded.cache_clear()


def _chain(region: str, on: date) -> list[str]:
    return site_chain(trim(region), on)


def materials_of(region: str, programme: str, on: date) -> list[Material]:
    """The papers the applicant brings for a programme, in order; those that data exchange gives are left out."""
    found = _loaded(policy_dirs()).materials(_chain(region, on), programme, on)
    return [one for one in found if one.source == "applicant"]


def lines_of(region: str, on: date) -> list[Line]:
    """The telephone lines of a place."""
    return _loaded(policy_dirs()).lines(_chain(region, on), on)


def needs_of(region: str, on: date) -> list[NeedKind]:
    """The needs that can be ticked in a place."""
    return _loaded(policy_dirs()).needs(_chain(region, on), on)


def referral_of(region: str, programme: str, on: date) -> Referral | None:
    """Who handles a programme that is no case here; None = nobody is named."""
    return _loaded(policy_dirs()).referral(_chain(region, on), programme, on)


def pushes_of(region: str, on: date) -> list[Push]:
    """The lists of families other departments are to have from a place."""
    return _loaded(policy_dirs()).pushes(_chain(region, on), on)
