"""荆门 as it was in 2016 and 2017: seven counties and areas, their towns and villages, and each one's weight.

Names come from the shipped division list. That list is younger than the roll, so three things are put back:
京山 was a county (420821, not yet the city 420882); 漳河新区 (漳河镇, 双喜街道) and 屈家岭管理区 (four offices that the
list counts to 京山) are standard areas with codes of their own. No other name or code is invented.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from tuodi.kernel.places import PlaceRow, national_tree

__all__ = ["COUNTIES", "County", "Village", "county_of", "place_rows", "villages"]


class County(NamedTuple):
    """One county or standard area.

    Attributes:
        code: Six characters.
        name: As the offices write it.
        centre: True where the higher urban standard of the central city applies.
        urban, rural, wubao: Share of the prefecture's households of that programme.
        prefixes: First six digits on the identity cards of its people.
    """

    code: str
    name: str
    centre: bool
    urban: float
    rural: float
    wubao: float
    prefixes: tuple[str, ...]


# Shares are chosen, not sourced (they follow the counties' population); 掇刀's dibao counts are pinned elsewhere.
COUNTIES = (
    County("420802", "东宝区", True, 0.210, 0.100, 0.100, ("420802", "420800")),
    County("420804", "掇刀区", True, 0.076, 0.049, 0.055, ("420804", "420800")),
    County("4208Z1", "漳河新区", True, 0.024, 0.026, 0.025, ("420802", "420804")),
    County("420821", "京山县", False, 0.195, 0.220, 0.220, ("420821", "422428")),
    County("420822", "沙洋县", False, 0.145, 0.215, 0.200, ("420822", "420800")),
    County("420881", "钟祥市", False, 0.305, 0.358, 0.370, ("420881", "422425")),
    County("4208Z2", "屈家岭管理区", False, 0.045, 0.032, 0.030, ("420821", "420881")),
)

_JINGSHAN_NOW = "420882"
# Town in the list -> the area it belonged to.
_MOVED = {
    "420802102": "4208Z1",
    "420804004": "4208Z1",
    "420882451": "4208Z2",
    "420882452": "4208Z2",
    "420882453": "4208Z2",
    "420882455": "4208Z2",
}


class Village(NamedTuple):
    """A village or community: twelve characters of code, its name, the town's name, urban or not, its weight."""

    code: str
    name: str
    town: str
    urban: bool
    weight: int


def county_of(code: str) -> County:
    """The county of any code below it."""
    return next(c for c in COUNTIES if code.startswith(c.code))


def _home(town: str) -> str:
    if town in _MOVED:
        return _MOVED[town]
    return "420821" if town.startswith(_JINGSHAN_NOW) else town[:6]


def _short(name: str) -> str:
    for tail in ("居民委员会", "居民委会", "居委会", "村民委员会", "村委会"):
        if name.endswith(tail):
            name = name.removesuffix(tail)
            return name if name.endswith(("社区", "村")) else name + ("村" if "村" in tail else "社区")
    return name


@cache
def _villages() -> dict[str, tuple[Village, ...]]:
    tree = national_tree()
    out: dict[str, list[Village]] = {county.code: [] for county in COUNTIES}
    for county in ("420802", "420804", _JINGSHAN_NOW, "420822", "420881"):
        for town in tree.children(county):
            below = tree.children(town)
            # Farms, reservoirs, prisons and zones keep a handful of staff households: no roll of their own.
            if len(below) < 5 or "监狱" in tree.name(town):
                continue
            home = _home(town)
            street = "街道" in tree.name(town)
            for code in below:
                name = _short(tree.name(code))
                urban = name.endswith("社区")
                weight = (9 if street else 4) if urban else 1
                out[home].append(Village(home + code[6:], name, tree.name(town), urban, weight))
    return {code: tuple(rows) for code, rows in out.items()}


def villages(county: str) -> tuple[Village, ...]:
    """Villages and communities of one county or area, in code order."""
    return _villages()[county]


def place_rows() -> list[PlaceRow]:
    """Every place the demo roll uses below 4208, parents first: counties and areas, towns, villages.

    To be loaded into the places of the demo; codes of 京山 are those of 京山县 (see the module's first lines).
    """
    rows = [PlaceRow(county.code, county.name) for county in COUNTIES]
    for county in COUNTIES:
        towns: dict[str, str] = {}
        for village in villages(county.code):
            towns.setdefault(village.code[:9], village.town)
        rows += [PlaceRow(code, name) for code, name in sorted(towns.items())]
        rows += [PlaceRow(village.code, village.name) for village in villages(county.code)]
    return rows
