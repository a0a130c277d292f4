"""Which place a roster's words mean: county from the title, town and village by name within it."""

from __future__ import annotations

import re
from datetime import date

from tuodi.kernel.places import Level, PlaceTree, level, pad12
from tuodi.org import places

__all__ = ["CountyPlaces", "county_in"]

# Taken off one after the other: 双龙村村民委员会, 双龙村委会 and 双龙村 are one village.
_TAILS = ("居民委员会", "居民委会", "居委会", "民委员会", "委员会", "民委会", "委会", "社区", "村", "村")
_TOWN_TAILS = ("街道办事处", "街道", "办事处", "镇", "乡")


def _stem(name: str, tails: tuple[str, ...]) -> str:
    for tail in tails:
        if len(name) > len(tail) + 1:
            name = name.removesuffix(tail)
    return name


def county_in(text: str, place: str, on: date) -> str | None:
    """The county or area below a prefecture that a title or file name speaks of; None if none or several do.

    Args:
        text: title and file name.
        place: the prefecture's code, or a county's (then itself).
    """
    if len(place) >= 6:
        return place[:6]
    tree = places.tree()
    found = [(tree.name(code, on), code) for code in tree.children(place, on)]
    hits = [(name, code) for name, code in found if name in text]
    # 荆门市东宝区…: the longest name wins over one inside it.
    hits.sort(key=lambda hit: -len(hit[0]))
    return hits[0][1] if hits else None


class CountyPlaces:
    """Towns and villages of one county by their written names. Exact names first, then without 街道, 村委会 …"""

    def __init__(self, county: str, on: date) -> None:
        self.county = county
        tree: PlaceTree = places.tree()
        towns = tree.children(county, on)
        if not towns and level(county) is Level.COUN and tree.known(county):
            # The county's towns are listed under the code that continues it.
            towns = tree.children(tree.current(county), None)
        self._towns = _Names([(tree.name(code, on), code) for code in towns], _TOWN_TAILS)
        self._villages = {
            code: _Names([(tree.name(v, on), v) for v in tree.children(code, on)], _TAILS) for code in towns
        }
        self._known: dict[tuple[str, str], str | None] = {}

    def region(self, town: str, village: str) -> str | None:
        """The 12-character code of a village; of the town if no village is written; None if a name is unknown."""
        key = (town, village)
        if key not in self._known:
            self._known[key] = self._find(town, village)
        return self._known[key]

    def _find(self, town: str, village: str) -> str | None:
        code = self._towns.find(town)
        if code is None:
            return None
        if not village:
            return pad12(code)
        found = self._villages[code].find(village)
        return pad12(found) if found else None


class _Names:
    """Names of one level: as listed, then by stem and kind (社区 or 村), then by stem where that is unambiguous."""

    def __init__(self, rows: list[tuple[str, str]], tails: tuple[str, ...]) -> None:
        self._tails = tails
        self._exact = {re.sub(r"\s", "", name): code for name, code in rows}
        stems: dict[tuple[str, str], set[str]] = {}
        for name, code in rows:
            stem = _stem(name, tails)
            # 新建村 and 新建社区 share a stem: then it takes the kind to tell them apart.
            for kind in (_kind(name), ""):
                stems.setdefault((stem, kind), set()).add(code)
        self._stems = {key: codes.pop() for key, codes in stems.items() if len(codes) == 1}

    def find(self, name: str) -> str | None:
        if name in self._exact:
            return self._exact[name]
        stem = _stem(name, self._tails)
        return self._stems.get((stem, _kind(name))) or self._stems.get((stem, ""))


def _kind(name: str) -> str:
    return "社区" if "社区" in name or "居" in name[-6:] else "村" if "村" in name[-6:] else "?"
