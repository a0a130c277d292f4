"""The pure tree of places: codes, names, levels and inheritance order, with dates.

A place code is its significant prefix: ``cn``, ``42``, ``4208``, ``420802``, ``420802001``, ``420802001001``.
A standard area that is no administrative division has a letter where a division has digits: ``4208Z1``,
its towns ``4208Z1001``. Codes change over time, so a row has dates and a successor (GB/T 2260; 京山县 420821
became 京山市 420882 in 2018).

This module knows no user, office or database. The shipped national list is loaded by ``national_tree``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from tuodi.kernel.errors import TuodiError

__all__ = [
    "NATION",
    "Level",
    "PlaceError",
    "PlaceRow",
    "PlaceTree",
    "UnknownPlaceError",
    "is_code",
    "level",
    "national_tree",
    "pad12",
    "parent",
    "parents",
    "span",
    "trim",
]

#: The code of the whole country.
NATION = "cn"


class Level(StrEnum):
    """Administrative level; a standard area has the level its code length says."""

    NATION = "NATION"
    PROV = "PROV"
    PREF = "PREF"
    COUN = "COUN"
    TOWN = "TOWN"
    VILL = "VILL"

    @property
    def label(self) -> str:
        """国, 省, 市州, 县区, 乡镇街道, 村社区."""
        return _LEVEL_LABELS[self]


_LEVEL_LABELS = {
    Level.NATION: "国",
    Level.PROV: "省",
    Level.PREF: "市州",
    Level.COUN: "县区",
    Level.TOWN: "乡镇街道",
    Level.VILL: "村社区",
}
_LEVELS = {2: Level.PROV, 4: Level.PREF, 6: Level.COUN, 9: Level.TOWN, 12: Level.VILL}
_UP = {4: 2, 6: 4, 9: 6, 12: 9}

_AREA = r"(?:\d\d|[A-Z]\d)"
_CODE = re.compile(rf"\d\d(?:{_AREA}(?:{_AREA}(?:\d{{3}}(?:\d{{3}})?)?)?)?", re.ASCII)


class PlaceError(TuodiError):
    """A text that is no place code."""

    code = "kernel.place"

    def __init__(self, raw: object) -> None:
        super().__init__(
            f"“{raw}”不是地区代码。请填写 2、4、6、9 或 12 位代码（省、市、县、乡镇、村），全国写 cn，例如 420802。",
            raw=raw,
        )


class UnknownPlaceError(PlaceError):
    """A well-formed code that no list knows."""

    code = "kernel.place.unknown"

    def __init__(self, place: str) -> None:
        TuodiError.__init__(
            self,
            f"地区代码 {place} 不在区划表中。请核对代码；如是新设或改码的地区，请先在地区表中登记。",
            place=place,
        )


class PlaceRow(NamedTuple):
    """One name of one code over one span of days.

    Attributes:
        code: Significant prefix.
        name: Chinese name.
        since: First day in force; None = always, as far as the list knows.
        until: First day no longer in force; None = still in force.
        successor: Code of the same level that continues the place after ``until``; None = none known.
    """

    code: str
    name: str
    since: date | None = None
    until: date | None = None
    successor: str | None = None

    def alive(self, on: date | None) -> bool:
        """In force on that day; None asks for now, that is for an open end."""
        return self.until is None if on is None else self.covers(on)

    def covers(self, on: date) -> bool:
        """In force on that day."""
        return (self.since is None or self.since <= on) and (self.until is None or on < self.until)


def is_code(text: str) -> bool:
    """True for a well-formed significant prefix; says nothing about whether the place exists."""
    return text == NATION or (_CODE.fullmatch(text) is not None and trim(text) == text)


def trim(code: str) -> str:
    """The significant prefix of a padded code: ``420802000000`` -> ``420802``, all zeros -> ``cn``.

    Accepts 2, 4, 6, 9 or 12 characters; ``420800`` is read as ``4208``.

    Raises:
        PlaceError: Not a place code.
    """
    if code == NATION:
        return NATION
    if _CODE.fullmatch(code) is None:
        raise PlaceError(code)
    while code and not code[_UP.get(len(code), 0) :].strip("0"):
        code = code[: _UP.get(len(code), 0)]
    return code or NATION


def pad12(code: str) -> str:
    """The full twelve characters of a prefix, as columns hold it: ``4208`` -> ``420800000000``."""
    if code == NATION:
        return "0" * 12
    if _CODE.fullmatch(code) is None:
        raise PlaceError(code)
    return code.ljust(12, "0")


def span(code: str) -> tuple[str, str]:
    """First and last twelve-character code at or below a place, both included, under the C collation.

    ``4208`` -> ``("420800000000", "4208ZZZZZZZZ")``: letters sort after digits, so standard areas are inside.
    """
    low = pad12(code)
    stem = "" if code == NATION else trim(code)
    return low, stem.ljust(12, "Z")


def level(code: str) -> Level:
    """The level of a code, padded or not. PlaceError if it is none."""
    code = trim(code)
    return Level.NATION if code == NATION else _LEVELS[len(code)]


def parent(code: str) -> str | None:
    """The next place up, from the code alone; None above ``cn``.

    A town of a city without counties (``441900003``) is directly below the city (``4419``).
    """
    code = trim(code)
    if code == NATION:
        return None
    return trim(code[: _UP[len(code)]]) if len(code) > 2 else NATION


def parents(code: str) -> list[str]:
    """The code itself and everything above it, nearest first, ``cn`` last."""
    out = [trim(code)]
    while (up := parent(out[-1])) is not None:
        out.append(up)
    return out


#: Called once per province (2 digits, towns) and once per prefecture (4 digits, villages).
Loader = Callable[[str], Iterable[PlaceRow]]


class PlaceTree:
    """Rows of places with look-up by code and day. Immutable to its readers; lower levels load on first use.

    Args:
        rows: Any order. Several rows of one code must have spans that do not overlap.
        loader: Gives further rows below a province (towns) or a prefecture (villages); None = all rows given.

    A question without a day means now: rows with an open end.
    """

    def __init__(self, rows: Iterable[PlaceRow], loader: Loader | None = None) -> None:
        self._rows: dict[str, tuple[PlaceRow, ...]] = {}
        self._kids: dict[str, list[str]] = {}
        self._before: dict[str, list[PlaceRow]] = {}
        self._loader = loader
        self._loaded: set[str] = set()
        if NATION not in self._rows:
            self._rows[NATION] = (PlaceRow(NATION, "全国"),)
        self._add(rows)

    def _add(self, rows: Iterable[PlaceRow]) -> None:
        for row in rows:
            code = row.code
            had = self._rows.get(code)
            if had is None:
                self._rows[code] = (row,)
                up = parent(code)
                if up is not None:
                    self._kids.setdefault(up, []).append(code)
            elif row not in had:
                self._rows[code] = tuple(sorted((*had, row), key=lambda r: r.since or date.min))
            if row.successor is not None:
                before = self._before.setdefault(row.successor, [])
                if row not in before:
                    before.append(row)

    def _need(self, key: str) -> None:
        """Load what lies below a province or prefecture, once."""
        if self._loader is not None and key not in self._loaded:
            # The rows first, the mark after: another thread must not see a marked, empty branch.
            rows = self._loader(key)
            fresh = PlaceTree.__new__(PlaceTree)
            fresh._rows, fresh._kids, fresh._before = {}, {}, {}
            fresh._add(rows)
            self._rows.update({c: r for c, r in fresh._rows.items() if c not in self._rows})
            for up, kids in fresh._kids.items():
                self._kids[up] = sorted({*self._kids.get(up, ()), *kids})
            self._loaded.add(key)

    def _find(self, code: str) -> tuple[PlaceRow, ...]:
        if len(code) > 6:
            self._need(code[:2])
            if len(code) > 9:
                self._need(code[:4])
        return self._rows.get(code, ())

    def rows(self, code: str) -> tuple[PlaceRow, ...]:
        """All dated rows of a code, oldest first; empty if the code is unknown."""
        return self._find(trim(code))

    def row(self, code: str, on: date | None = None) -> PlaceRow:
        """The row in force on that day, else the nearest one in time.

        A page about 2017 may name a place that got its code in 2018, so a known code always has an answer;
        ask ``exists`` where the day matters.

        Raises:
            UnknownPlaceError: No row has this code.
        """
        found = self._find(trim(code))
        if not found:
            raise UnknownPlaceError(code)
        for row in found:
            if row.alive(on):
                return row
        return found[0] if on is not None and found[0].since is not None and on < found[0].since else found[-1]

    def exists(self, code: str, on: date | None = None) -> bool:
        """True if the code is in force on that day (now without one). False for a text that is no code."""
        return is_code(code) and any(row.alive(on) for row in self._find(code))

    def known(self, code: str) -> bool:
        """True if the code is or ever was in force."""
        return is_code(code) and bool(self._find(code))

    def name(self, code: str, on: date | None = None) -> str:
        """The name on that day; see ``row``."""
        return self.row(code, on).name

    def full_name(self, code: str, on: date | None = None) -> str:
        """Names from the province down without a break: 湖北省荆门市东宝区龙泉街道.

        Filler levels (市辖区, 县, 省直辖县级行政区划) are left out; ``cn`` alone is 全国.
        """
        names = [self.name(c, on) for c in parents(code)[:-1] if self._find(c)]
        return "".join(n for n in reversed(names) if n not in _FILLERS) or self.name(code, on)

    def children(self, code: str, on: date | None = None) -> list[str]:
        """Codes directly below, in force on that day, in code order. Empty below a village."""
        code = trim(code)
        self._reach(code)
        return sorted(kid for kid in self._kids.get(code, ()) if any(row.alive(on) for row in self._rows[kid]))

    def _reach(self, code: str) -> None:
        if code != NATION and len(code) >= 4:
            self._need(code[:2])
            if len(code) == 9:
                self._need(code[:4])

    def walk(self, code: str, on: date | None = None, *, down_to: Level = Level.TOWN) -> Iterator[str]:
        """The place and everything below it, parents before children, down to a level."""
        order = list(Level)
        yield trim(code)
        for kid in self.children(code, on):
            if order.index(level(kid)) <= order.index(down_to):
                yield from self.walk(kid, on, down_to=down_to)

    def chain(self, code: str, on: date | None = None) -> list[str]:
        """The places whose rules reach this one, nearest first: the place, its predecessors, its parents, ``cn``.

        A rule made for 京山县 (420821) reaches 京山市 (420882) until 京山市 has its own, so predecessors stand
        right after their successor: 420882, 420821, 421025, …, 4208, 42, cn. A code that had ended by that day
        is first replaced by its successor, so an old file keeps its place.

        Args:
            code: A known place, or a village or town below a known one (not every village is shipped).

        Raises:
            UnknownPlaceError: Neither the place nor the place above a town or village is known.
        """
        code = self.current(code, on)
        out: list[str] = []
        for place in parents(code):
            for one in self._with_predecessors(place, on):
                if one not in out:
                    out.append(one)
        return out

    def current(self, code: str, on: date | None = None) -> str:
        """The code that continues this place on that day: 420821 in 2019 is 420882, in 2017 itself."""
        code = trim(code)
        seen = {code}
        if not self._find(code):
            up = parent(code)
            if len(code) <= 6 or up is None or not (self._find(up) or (len(code) == 12 and self._find(up[:6]))):
                raise UnknownPlaceError(code)
            # An unlisted town or village moves with the county above it.
            return self._move(code, on)
        while True:
            row = self.row(code, on)
            ended = row.until is not None and (on is None or on >= row.until)
            if not ended or row.successor is None or row.successor in seen or not self._find(row.successor):
                return code
            code = row.successor
            seen.add(code)

    def _move(self, code: str, on: date | None) -> str:
        county = code[:6]
        return self.current(county, on) + code[6:] if self._find(county) else code

    def _with_predecessors(self, code: str, on: date | None) -> list[str]:
        out = [code]
        spans = [self.row(code, on)] if self._find(code) else []
        for span_ in spans:  # grows while it is read: predecessors of predecessors follow
            for row in self._before.get(span_.code, ()):
                # A code may have been used for another county before, so the days must meet.
                if row.until is not None and span_.covers(row.until) and row not in spans:
                    spans.append(row)
                    if row.code not in out:
                        out.append(row.code)
        return out

    def with_areas(self, rows: Iterable[PlaceRow]) -> PlaceTree:
        """A new tree with further rows: standard areas of policy packs, places an operator added.

        Raises:
            PlaceError: A row's code is malformed.
            UnknownPlaceError: Nothing is known above a row's code.
        """
        rows = sorted(rows, key=lambda row: len(row.code))
        tree = PlaceTree((), self._loader)
        tree._rows = dict(self._rows)
        tree._kids = {up: list(kids) for up, kids in self._kids.items()}
        tree._before = {after: list(before) for after, before in self._before.items()}
        tree._loaded = set(self._loaded)
        for row in rows:
            if not is_code(row.code):
                raise PlaceError(row.code)
            up = parent(row.code)
            if up is not None and not tree._find(up):
                raise UnknownPlaceError(up)
            tree._find(row.code)  # so that a later load cannot clash with the new row
            tree._add([row])
        return tree


_FILLERS = frozenset({"市辖区", "县", "省直辖县级行政区划", "自治区直辖县级行政区划"})


def national_tree() -> PlaceTree:
    """The shipped list of China; loaded once a process, towns and villages on first use.

    Provinces to towns of the whole country as of 2023-06-30 with 34 provinces, later new counties without towns,
    county and prefecture codes abolished since 1984 with their years, and the imaginary demo county 420899.
    Villages of 内蒙古, 吉林, 湖北 and 云南 only. See docs/data-sources.md.
    """
    from tuodi.kernel._divisions import tree

    return tree()
