"""Villages one may apply for on behalf of a neighbour: those of the helper's own county, by town."""

from __future__ import annotations

from functools import lru_cache

from tuodi.kernel.places import PlaceTree, pad12
from tuodi.org.places import tree

__all__ = ["villages_of"]


def villages_of(region: str) -> list[tuple[str, list[tuple[str, str]]]]:
    """(town, [(12-character code, village)]) of the county a place lies in; the place's own town first."""
    county = region[:6]
    if len(county) < 6:
        return []  # of a prefecture or above: nobody there sits beside a family
    groups = _groups(tree(), county)
    return sorted(groups, key=lambda group: not any(code.startswith(region[:9]) for code, _name in group[1]))


@lru_cache(maxsize=8)
def _groups(known: PlaceTree, county: str) -> tuple[tuple[str, list[tuple[str, str]]], ...]:
    found = []
    for town in known.children(county):
        villages = [(pad12(code), known.name(code)) for code in known.children(town)]
        if villages:
            found.append((known.name(town), villages))
    return tuple(found)
