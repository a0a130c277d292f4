"""The procedure texts this site runs under: the shipped folder and the site's overlays, loaded once a process."""

from __future__ import annotations

import os
from datetime import date
from functools import lru_cache
from pathlib import Path

from tuodi.kernel.places import trim
from tuodi.policy.procedure import Procedure, Procedures, load, place_chain

__all__ = ["known_places", "policy_dirs", "procedure_for", "programmes_known", "reload", "site_chain"]

_SHIPPED = Path(__file__).parents[2] / "policies"
#: The standard area in which a demo site plays a year anew, with standards nobody published (假设).
_DEMO = _SHIPPED.parent / "policies-hypothetical" / "year-replay"


def policy_dirs() -> tuple[Path, ...]:
    """The shipped packs, a demo site's own, then the folders of `TUODI_POLICIES` (separated by colons), which overlay."""
    demo = [_DEMO] if os.environ.get("TUODI_DEMO") == "1" else []
    more = [Path(entry) for entry in os.environ.get("TUODI_POLICIES", "").split(os.pathsep) if entry]
    return (_SHIPPED, *demo, *(one for one in more if one not in demo))


@lru_cache(maxsize=4)
def _loaded(dirs: tuple[Path, ...]) -> Procedures:
    return load(dirs)


def reload() -> None:
    """Forgets the loaded texts; the next case reads the files again. Running cases are not touched."""
    _loaded.cache_clear()


def site_chain(place: str, on: date) -> list[str]:
    """Places nearest first, with a place's predecessors right after it, as the division list knows them."""
    from tuodi.kernel.places import UnknownPlaceError
    from tuodi.org.places import tree

    try:
        return tree().chain(place, on)
    except UnknownPlaceError:
        return place_chain(place)  # a demo area or a village that the list does not hold


def procedure_for(region: str, programme: str, accepted_on: date) -> Procedure:
    """The text a case of this region and programme runs under.

    Raises:
        NoProcedureError: None is in force.
    """
    place = trim(region)
    return _loaded(policy_dirs()).for_case(place, programme, accepted_on, chain=site_chain(place, accepted_on))


def known_places() -> list[str]:
    """Places that have a text of their own, the nation first."""
    return sorted({block.place for block in _loaded(policy_dirs()).blocks}, key=lambda place: (place != "cn", place))


def programmes_known() -> list[str]:
    """Programmes that run as cases, in the order their texts are written."""
    return list(dict.fromkeys(block.programme for block in _loaded(policy_dirs()).blocks if block.place == "cn"))
