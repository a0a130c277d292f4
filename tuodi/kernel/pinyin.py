"""Pinyin keys of personal names, for sorting and for search by initials. Never for telling people apart."""

from __future__ import annotations

from functools import cache, lru_cache

from tuodi.kernel.surnames import COMPOUND, READINGS, split_name

__all__ = ["initials", "place_key", "sort_key"]


@lru_cache(maxsize=65536)
def sort_key(name: str) -> str:
    """Syllables without tones, parted by spaces: 欧阳建 -> ``ou yang jian``, 曾小红 -> ``zeng xiao hong``.

    ü is written v (``lv``), so that keys are ASCII for Chinese names. Characters pypinyin does not know, Latin
    letters and digits stay, lower case; middle dots and spaces part syllables. An empty name gives an empty key.
    """
    name = name.strip()
    if not name:
        return ""
    family, given = split_name(name)
    if any(dot in name for dot in "·•・"):
        # A minority or foreign name has no family name in front, so the surname readings do not apply.
        return _read(name)
    first = COMPOUND.get(family) or READINGS.get(family)
    if first is None:
        return _read(name)
    rest = _read(given)
    return f"{first} {rest}".replace("ü", "v").rstrip()


def initials(name: str) -> str:
    """First letters of the syllables: 欧阳建 -> ``oyj``."""
    return "".join(syllable[0] for syllable in sort_key(name).split())


@lru_cache(maxsize=65536)
def place_key(name: str) -> str:
    """Syllables of a place's name, as `sort_key` but read as words, without surnames: 重庆市 -> ``chong qing shi``."""
    return _read(name.strip())


def _read(text: str) -> str:
    parts = _lazy_pinyin()(text)
    kept = ("".join(c if c.isalnum() else " " for c in part) for part in parts)
    return " ".join(" ".join(kept).lower().split())


@cache
def _lazy_pinyin():  # type: ignore[no-untyped-def]  # pypinyin's own types are loose
    # Its dictionaries take a tenth of a second; commands that sort no names do not pay for them.
    from pypinyin import Style, lazy_pinyin

    return lambda text: lazy_pinyin(text, style=Style.NORMAL, v_to_u=False)
