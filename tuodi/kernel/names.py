"""Cleaning of personal names as registers write them. Never merges people: equal names prove nothing."""

from __future__ import annotations

import re

__all__ = ["PLAIN_NAME", "normalise_name"]

_INVISIBLE = re.compile("[\x00-\x08\x0e-\x1f\x7f\xad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]")
# • ・ ‧ ∙ and the half-width katakana dot; the full-width stop only stands in for a dot inside Chinese names.
_DOTS = re.compile("[\u2022\u2024\u2027\u2219\u22c5\u30fb\uff65\uff0e·]")

# Full-width ASCII to half width; NFKC is not used, because it also replaces rare ideographs.
_TABLE = {0xFF01 + i: 0x21 + i for i in range(94) if chr(0xFF01 + i) != "\uff0e"}

# Old GB 18030 files carry these characters in the private-use area (GB 18030-2000 against 2022).
_TABLE |= {
    0xE81E: 0x9FB4,
    0xE826: 0x9FB5,
    0xE82B: 0x9FB6,
    0xE82C: 0x9FB7,
    0xE832: 0x9FB8,
    0xE843: 0x9FB9,
    0xE854: 0x9FBA,
    0xE864: 0x9FBB,
    0xE863: 0x4DAE,  # 䶮, the one that occurs in names
}


#: Nothing to change: most names of a roll, asked for by the hundred thousand. A pattern of the whole name.
PLAIN_NAME = "^[\u4e00-\u9fa5]+$"
_PLAIN = re.compile(PLAIN_NAME.strip("^$"))


def normalise_name(raw: str | None) -> str:
    """One way to write a name: 阿依古丽•买买提 and 王　明 become 阿依古丽·买买提 and 王明.

    Invisible characters go; full-width Latin becomes half width; every kind of middle dot becomes U+00B7; spaces go
    from names without Latin letters (forms pad two-character names) and are single elsewhere; private-use code points
    of old GB 18030 files become the characters they stand for. Case is kept. None and blanks give an empty text.
    """
    if not raw:
        return ""
    if _PLAIN.fullmatch(raw):
        return raw
    text = _INVISIBLE.sub("", raw).translate(_TABLE)
    latin = any(c.isascii() and c.isalpha() for c in text)
    text = (" " if latin else "").join(text.split())
    text = _DOTS.sub("·", text)
    if not latin:
        text = text.replace(".", "·")
    return re.sub(r" ?·[· ]*", "·", text).strip("· ")
