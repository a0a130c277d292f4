"""Reads the shipped division files. Private to ``places`` and ``regions6``.

The files are blocks of CSV lines, made by ``scripts/build_divisions.py``. Only the first block (down to counties)
is turned into rows at once; 41,000 towns and 68,000 villages stay text until somebody asks below their province.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from datetime import date
from functools import cache
from pathlib import Path

from tuodi.kernel.places import PlaceRow, PlaceTree

_DATA = Path(__file__).parent / "data"


@cache
def _blocks(name: str) -> list[str]:
    return gzip.decompress((_DATA / name).read_bytes()).decode().split("\n\n")


def _day(text: str) -> date | None:
    if not text:
        return None
    # Most changes are known by year only; they count from the first of January.
    return date(int(text), 1, 1) if len(text) == 4 else date.fromisoformat(text)


def _read(block: str) -> Iterator[PlaceRow]:
    for line in block.split("\n"):
        fields = line.split(",")
        if len(fields) == 2:
            yield PlaceRow(fields[0], fields[1])
        else:
            code, name, since, until, successor = (*fields, "", "", "")[:5]
            yield PlaceRow(code, name, _day(since), _day(until), successor or None)


@cache
def upper_rows() -> tuple[PlaceRow, ...]:
    """Provinces, prefectures and counties, abolished ones included."""
    return tuple(_read(_blocks("divisions.csv.gz")[0]))


@cache
def _index(name: str, width: int) -> dict[str, str]:
    blocks = _blocks(name)
    return {block[:width]: block for block in (blocks[1:] if width == 2 else blocks)}


def _below(key: str) -> Iterator[PlaceRow]:
    name = "divisions.csv.gz" if len(key) == 2 else "villages.csv.gz"
    block = _index(name, len(key)).get(key)
    return _read(block) if block else iter(())


@cache
def tree() -> PlaceTree:
    """The one national tree of this process."""
    return PlaceTree(upper_rows(), _below)
