"""Finding a place by its name or pinyin: counties of the whole country, towns of the reader's own province."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from tuodi.kernel import pinyin
from tuodi.kernel.places import NATION, Level, PlaceTree, level, parents, trim
from tuodi.org.places import tree

__all__ = ["Found", "find", "inside"]

#: Lines of an answer; who gets more writes more.
MOST = 20
_FILLERS = frozenset({"市辖区", "县", "省直辖县级行政区划", "自治区直辖县级行政区划"})


@dataclass(frozen=True)
class Found:
    """One place: its code, and its names from the province down."""

    code: str
    path: str


def find(text: str, *, home: str, on: date) -> list[Found]:
    """Places whose name has the text in it, or whose pinyin or initials begin with it; the reader's own region first.

    Args:
        home: code of the reader's place: towns are searched in its province, and what is near it comes first.
        on: day whose divisions count.
    """
    wanted = text.strip().lower().replace(" ", "")
    if not wanted:
        return []
    known = tree()
    plain = wanted.isascii()
    hits = [code for code in _searched(known, home, on) if _fits(known.name(code, on), wanted, plain=plain)]
    mine = trim(home)
    hits.sort(key=lambda code: (-len(_common(code, mine)), len(code), code))
    return [Found(code, _path(known, code, on)) for code in hits[:MOST]]


def inside(code: str, *, on: date) -> list[Found]:
    """What lies directly below a place, by its own name; empty for a text that is no known place."""
    known = tree()
    if not known.known(code):
        return []
    return [Found(one, known.name(one, on)) for one in known.children(code, on)]


def _searched(known: PlaceTree, home: str, on: date) -> Iterator[str]:
    for code in known.walk(NATION, on, down_to=Level.COUN):
        if level(code) is Level.COUN:
            yield code
    mine = trim(home)
    if mine != NATION:
        for code in known.walk(mine[:2], on, down_to=Level.TOWN):
            if level(code) is Level.TOWN:
                yield code


def _fits(name: str, wanted: str, *, plain: bool) -> bool:
    if name in _FILLERS:
        return False
    if not plain:
        return wanted in name
    syllables = pinyin.place_key(name).split()
    return "".join(syllables).startswith(wanted) or "".join(one[0] for one in syllables).startswith(wanted)


def _common(one: str, other: str) -> str:
    both = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        both += 1
    return one[:both]


def _path(known: PlaceTree, code: str, on: date) -> str:
    names = [known.name(one, on) for one in reversed(parents(code)) if one != NATION]
    return " ".join(name for name in names if name not in _FILLERS)
